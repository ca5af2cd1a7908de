//! F9: PostgREST refuses, times out, hangs, resets, reloads, is failed over, or answers into the void; then it is well again.

use crate::{prelude::*, supabase::replies};
use supabase::gateway::{FaultPlan, Share};

pub(crate) const RUN: Run = on_stack!(measure, |setup, _| {
    setup
        .setting("JOB_LEASE_SECONDS", LEASE.as_secs())
        .schedule(TICK)
});

/// The template's schedule is a minute; here a second, so that what recovers is not the schedule.
const TICK: Duration = Duration::from_secs(1);
const RECOVERY_MAX: Duration = Duration::from_secs(5);
/// Longer than a disturbance of the normal size, as the template's minute is longer than most.
pub(crate) const LEASE: Duration = Duration::from_secs(15);
const HANG_MS: u64 = 10_000;

/// One way to fail, for a share of the requests.
type Way = (&'static str, fn(&mut FaultPlan, Share));

const WAYS: [Way; 7] = [
    ("503", |plan, share| plan.unavailable = share),
    ("504", |plan, share| plan.timed_out = share),
    ("reset", |plan, share| plan.reset = share),
    ("hang", |plan, share| {
        (plan.hung, plan.hang_ms) = (share, HANG_MS);
    }),
    ("schema reload", |plan, share| plan.schema_reload = share),
    ("standby", |plan, share| plan.standby = share),
    ("answer lost", |plan, share| plan.answer_lost = share),
];

/// All of them now and then, but for the one that hangs.
const MIXED: Way = ("all kinds", |plan, share| {
    let ways = WAYS.into_iter().filter(|(name, _)| *name != "hang");
    ways.for_each(|(_, fail)| fail(plan, Share::from(share.as_f64() / 6.0)));
});

fn plan_of(size: Size) -> (Vec<(Way, f64)>, Duration) {
    let lasting = Duration::from_millis(size.pick(1_200, 3_000, 60_000));
    if size == Size::Short {
        return (vec![(MIXED, 0.3), (WAYS[6], 1.0)], lasting);
    }
    let shares = [0.05, 0.3, 1.0];
    let each = WAYS
        .iter()
        .flat_map(|way| shares.map(|share| (*way, share)));
    (each.collect(), lasting)
}

async fn measure(stack: &TestStack, options: TrialOptions) -> Result<Figures> {
    stack.emulator().pause_schedules(true);
    let mut figures = replies::lost_once(stack).await?;
    // The stories of that part are left half done on purpose.
    stack.arrange("truncate public.stories cascade").await?;
    stack.emulator().pause_schedules(false);

    let (combinations, lasting) = plan_of(options.size);
    let per_combination = options.size.pick(2, 2, 5);
    let (mut slowest, mut slowest_way) = (Duration::ZERO, String::from("-"));
    let mut stories = Vec::new();
    for ((name, fail), share) in combinations {
        stories.extend(stack.ask_for(per_combination, "Faultwing").await?);
        let mut plan = FaultPlan::default();
        fail(&mut plan, Share::from(share));
        stack.gateway().faults.set(plan);
        tokio::time::sleep(lasting).await;
        stack.gateway().faults.set(FaultPlan::default());
        let took = recover(stack, &stories).await?;
        if took > slowest {
            (slowest, slowest_way) = (took, format!("{name} at {:.0} %", share * 100.0));
        }
    }
    let began = Instant::now();
    stack.settle(&stories, stack.patience).await?;
    figures.extend(figures! {
        "stories" => stories.len(), "stories";
        "work goes on after a fault has ended, slowest" => slowest, "s", at_most RECOVERY_MAX * options.size.pick(3, 1, 1),
            beside slowest_way;
        "until the last story was settled, after the last fault" => began.elapsed(), "s";
    });
    figures.extend(outcome(stack, &stories, lasting).await?);
    Ok(figures)
}

/// How long until something happens to a story that is not settled; nothing is waited for when all are.
async fn recover(stack: &TestStack, stories: &[Uuid]) -> Result<Duration> {
    let since: String = stack.sql("select clock_timestamp()::text").value().await?;
    until("a story moves again", stack.patience, async || {
        let moves = stack.query("a story moves").bind(stories).bind(&since);
        Ok(moves.value().await.unwrap_or(false))
    })
    .await
}

/// What became of the stories, and what they cost; shared with the trial of the server itself.
///
/// A lease that a disturbance outlasts is lost, and with it what could not be stored under it, though it was paid for.
pub(crate) async fn outcome(
    stack: &TestStack,
    stories: &[Uuid],
    lasting: Duration,
) -> Result<Figures> {
    let repeated = bought_after_checkpoint(stack).await?;
    let made = stack.query("stories made").bind(stack.user.id);
    let made: i64 = made.value().await?;
    let repeated_what = if lasting < LEASE {
        "paid calls repeated after their checkpoint"
    } else {
        "paid calls repeated, for their lease was lost before they could be stored"
    };
    let figures = figures! {
        "stories beyond those asked for" => made - stories.len() as i64, "stories", is 0;
        "paid calls made again" => bought_again(stack), "calls";
        repeated_what => repeated.len(), "calls", is 0, when lasting < LEASE, beside repeated.join(", ");
    };
    Ok(figures
        .and(stack.not_ready().await?)
        .and(stack.audit().await?))
}
