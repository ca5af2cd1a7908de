//! F10: Postgres restarts, crashes, ends sessions and turns read-only, under stories and under a plain loop of verbs.

use crate::prelude::*;
use crate::supabase::postgrest::{LEASE, outcome};
use crate::supabase::throughput::{self, Settled};
use Disturbance::{Crash, EndedSessions, ReadOnly, Restart};
use stack::{follow::StoryFeed, postgres::Halt};

pub(crate) const RUN: Run = on_stack!(measure, |setup, _| {
    setup
        .setting("JOB_LEASE_SECONDS", LEASE.as_secs())
        .schedule(TICK)
});

const TICK: Duration = Duration::from_secs(1);
const BACK_WITHIN: Duration = Duration::from_secs(10);
/// A rate below this part of what it was is no noise of the machine.
const SAME_MACHINE: f64 = 0.6;
const BETWEEN_ENDED_SESSIONS: Duration = Duration::from_millis(200);

/// What is done to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Disturbance {
    Restart,
    Crash,
    EndedSessions,
    ReadOnly,
}

/// All of them, with their names.
const ALL: [(&str, Disturbance); 4] = [
    ("a restart", Restart),
    ("5 sessions ended a second", EndedSessions),
    ("a read-only phase", ReadOnly),
    ("a crash", Crash),
];

async fn measure(stack: &TestStack, options: TrialOptions) -> Result<Figures> {
    let lasting = Duration::from_millis(options.size.pick(700, 3_000, 60_000));
    let mut figures = under_stories(stack, options, lasting).await?;
    let emulator = stack.emulator();
    emulator.pause_schedules(true);
    // A worker that waits for a lease to run out would claim the jobs of the loop.
    emulator
        .replace_instances("asset-worker")
        .context("replace the asset worker")?;
    stack.become_idle(stack.patience).await?;
    let chosen = options.size.pick(&ALL[..1], &ALL, &ALL);
    figures.extend(under_load(stack, options, lasting, chosen).await?);
    Ok(figures)
}

/// Stories that are being made while it happens, and a front end that follows one of them.
async fn under_stories(
    stack: &TestStack,
    options: TrialOptions,
    lasting: Duration,
) -> Result<Figures> {
    let per_disturbance = options.size.pick(1, 3, 10);
    let mut stories: Vec<Uuid> = Vec::new();
    let mut feeds = Vec::new();
    for (_, disturbance) in ALL {
        let asked = stack.ask_for(per_disturbance, "Faultwing").await?;
        feeds.push(stack.follow(asked[0]).await.context("follow a story")?);
        stories.extend(asked);
        inflict(stack, disturbance, lasting).await?;
    }
    stack.settle(&stories, stack.patience).await?;
    let following = feeds
        .into_iter()
        .map(|feed| tokio::time::timeout(stack.patience, to_the_end(feed)));
    let followed = futures::future::join_all(following).await;
    let followed = followed
        .iter()
        .filter(|end| matches!(end, Ok(true)))
        .count();
    let mut figures = figures! {
        "stories under which it happened" => stories.len(), "stories";
        "front ends that followed their story to its end" => followed, "clients", is ALL.len();
    };
    figures.extend(outcome(stack, &stories, lasting).await?);
    Ok(figures)
}

/// Whether the row was seen settled, by what Realtime said.
async fn to_the_end(mut feed: StoryFeed) -> bool {
    while feed.row()["asset_generation_status"]["overall"] == "generating" {
        if feed.next().await.is_err() {
            return false;
        }
    }
    true
}

/// A loop of claims and completions before, during and after each disturbance.
async fn under_load(
    stack: &TestStack,
    options: TrialOptions,
    lasting: Duration,
    disturbances: &[(&str, Disturbance)],
) -> Result<Figures> {
    let loader = stack.new_user(None).await?;
    let jobs = options.size.pick(6_000, 40_000, 200_000);
    throughput::queue(stack, loader.id, jobs).await?;
    let settled = Settled::default();
    let measuring = async {
        let mut figures = Figures::default();
        for disturbance in disturbances {
            let measured = measure_one(stack, &settled, options, *disturbance, lasting).await;
            if measured.is_err() {
                settled.stop();
            }
            figures.extend(measured?);
        }
        settled.stop();
        Ok::<_, TrialError>(figures)
    };
    let (figures, ()) = futures::join!(measuring, throughput::work(&stack.store, &settled));
    let mut figures = figures?;
    let (lost, twice) = throughput::left_wrong(stack).await?;
    figures.extend(figures! {
        "jobs settled by the loop" => settled.count(), "jobs";
        "jobs lost" => lost, "jobs", is 0;
        "jobs settled twice" => twice, "jobs", is 0;
    });
    Ok(figures)
}

async fn measure_one(
    stack: &TestStack,
    settled: &Settled,
    options: TrialOptions,
    (name, disturbance): (&str, Disturbance),
    lasting: Duration,
) -> Result<Figures> {
    let warm = settled.count() + 20;
    until("the loop of verbs works", stack.patience, async || {
        Ok(settled.count() > warm)
    })
    .await?;
    // In the short form of less, for others may use the machine just then.
    let back_to = options.size.pick(0.6, 0.95, 0.95);
    let before = Duration::from_millis(options.size.pick(1_500, 4_000, 10_000));
    let began = Instant::now();
    tokio::time::sleep(before).await;
    let disturbed = Instant::now();
    let rate = settled.rate(began, disturbed);
    inflict(stack, disturbance, lasting).await?;
    let ended = Instant::now();
    let during = settled.rate(disturbed, ended);
    let mut back = settled.back_at(rate * back_to, ended, BACK_WITHIN).await;
    let mut told =
        format!("{rate:.0} jobs a second before, {during:.0} during; 3 of 8 queues manage");
    if back.is_none() {
        // Somebody else may use the machine by now: then what it does for good is what there is to come back to.
        let from = Instant::now();
        tokio::time::sleep(before).await;
        let later = settled.rate(from, Instant::now());
        told = format!("{told}; {later:.0} later");
        if later >= rate * SAME_MACHINE {
            back = settled.first_window(later * back_to, ended, BACK_WITHIN);
        }
    }
    Ok(figures! {
        format!("{name}: until {:.0} % of the rate is back", back_to * 100.0) =>
            back.map_or(f64::INFINITY, |back| back.as_secs_f64()), "s", at_most BACK_WITHIN.as_secs_f64(),
            beside told;
    })
}

/// Does it, for as long as it is to last; the server is well again afterwards, even when something went wrong.
async fn inflict(stack: &TestStack, disturbance: Disturbance, lasting: Duration) -> Result<()> {
    let no_server = || TrialError::Stuck("the stack has no Postgres of its own".to_owned());
    match disturbance {
        Restart | Crash => {
            let postgres = stack.postgres().ok_or_else(no_server)?;
            let how = if disturbance == Crash {
                Halt::Crash
            } else {
                Halt::InOrder
            };
            postgres.halt(how).await?;
            // Down for a while, as during an upgrade; the whole time would be longer than anybody's patience.
            tokio::time::sleep(lasting.min(Duration::from_secs(10))).await;
            postgres.resume().await?;
        }
        EndedSessions => {
            let end = Instant::now() + lasting;
            while Instant::now() < end {
                // It may hit the connection that it came over.
                let _ = stack.arrange(query("end a session")).await;
                tokio::time::sleep(BETWEEN_ENDED_SESSIONS).await;
            }
        }
        ReadOnly => {
            read_only(stack, true).await?;
            tokio::time::sleep(lasting).await;
            read_only(stack, false).await?;
        }
    }
    Ok(())
}

async fn read_only(stack: &TestStack, on: bool) -> Result<()> {
    let setting = if on {
        "alter system set default_transaction_read_only = on"
    } else {
        "alter system reset default_transaction_read_only"
    };
    stack.arrange(setting).await?;
    stack.arrange("select pg_reload_conf()").await
}
