//! F30: frames lost and reordered, sockets cut; a client that follows the documented way has the row again in a second.

use crate::{Crowd, Figures, Ground, Order, Reader, Running, Trial, TrialError, audit};
use futures::future::try_join_all;
use stack::{
    follow::{FeedCounts, FollowError, StoryFeed},
    stack::Stack,
};
use std::{
    sync::OnceLock,
    time::{Duration, Instant},
};
use uuid::Uuid;

pub(crate) const REALTIME: Trial = Trial {
    name: "realtime",
    settles: &["F30"],
    question: "30 % of the frames lost, 30 % overtaken, sockets cut: a client has the row a second after it is back, and never an older one",
    run,
};

const LOST: f64 = 0.3;
const OVERTAKEN: f64 = 0.3;
const BETWEEN_CUTS: Duration = Duration::from_millis(700);
const PATIENCE: Duration = Duration::from_secs(60);

fn run(order: Order) -> Running {
    Box::pin(async move {
        // Slow enough that every client is there while most of it happens.
        let latency = "text=500,image=800,speech=600".to_owned();
        let ground =
            Ground::new("realtime", order)?.with(|options| options.latency = Some(latency));
        let stack = ground.start().await?;
        let figures = measured(&stack, order).await;
        stack.stop().await;
        figures
    })
}

/// What one client saw.
#[derive(Default)]
struct Seen {
    counts: FeedCounts,
    regressions: u64,
    /// From the subscription after the last cut to the newest row.
    converged_after: Duration,
    converged: bool,
}

async fn measured(stack: &Stack, order: Order) -> Result<Figures, TrialError> {
    let crowd = Crowd(stack);
    let reader = crowd.newcomer(None).await?;
    let count: usize = order.size.pick(2, 10, 50);
    let clients_each: usize = order.size.pick(3, 5, 10);
    let heroes: Vec<String> = (0..count).map(|n| format!("Emberwing{n}x")).collect();
    let stories = try_join_all(heroes.iter().map(|hero| reader.ask(hero))).await?;
    stack.realtime().lose_deliveries(LOST.into());
    stack.realtime().reorder_deliveries(OVERTAKEN.into());

    let settled_at = OnceLock::new();
    let clients = stories
        .iter()
        .flat_map(|story| std::iter::repeat_n(*story, clients_each));
    let following = try_join_all(clients.map(|story| follow(stack, &reader, story, &settled_at)));
    let disturbing = async {
        let began = Instant::now();
        while crowd.settled(&stories, BETWEEN_CUTS).await.is_err() {
            stack.realtime().cut_all_sockets();
            if began.elapsed() > PATIENCE {
                break;
            }
        }
        crowd.settled(&stories, Duration::ZERO).await?;
        // The changes that were lost before are made up for after this cut.
        settled_at.get_or_init(Instant::now);
        stack.realtime().cut_all_sockets();
        Ok::<_, TrialError>(())
    };
    let (seen, ()) = futures::try_join!(following, disturbing)?;
    stack.realtime().lose_deliveries(0.0.into());
    stack.realtime().reorder_deliveries(0.0.into());

    let sum = |what: fn(&Seen) -> u64| seen.iter().map(what).sum::<u64>() as f64;
    let slowest = seen.iter().map(|seen| seen.converged_after).max();
    let mut figures = Figures::default();
    figures
        .told("clients", seen.len() as f64, "clients")
        .told(
            "subscriptions",
            sum(|seen| seen.counts.subscriptions),
            "times",
        )
        .told(
            "changes taken as they came",
            sum(|seen| seen.counts.taken),
            "changes",
        )
        .at_least(
            "gaps in the versions seen, so that frames really were lost",
            sum(|seen| seen.counts.gaps),
            "gaps",
            1.0,
        )
        .told(
            "changes that came too late and were left out",
            sum(|seen| seen.counts.ignored),
            "changes",
        )
        .told("rows read", sum(|seen| seen.counts.fetches), "readings")
        .exactly(
            "clients without the newest row in the end",
            sum(|seen| u64::from(!seen.converged)),
            "clients",
            0.0,
        )
        .exactly(
            "versions that went back",
            sum(|seen| seen.regressions),
            "times",
            0.0,
        )
        .at_most(
            "the slowest client has the newest row, after it was subscribed again",
            slowest.unwrap_or(PATIENCE).as_secs_f64(),
            "s",
            1.0,
        );
    figures.extend(audit(stack, &stories, &heroes).await?.figures());
    Ok(figures)
}

/// Follows one story until its row says that everything is settled, which is the last thing to happen to it.
async fn follow(
    stack: &Stack,
    reader: &Reader,
    story: Uuid,
    settled_at: &OnceLock<Instant>,
) -> Result<Seen, TrialError> {
    let failed = TrialError::while_trying::<FollowError>("follow a story");
    let following = async {
        let mut feed = StoryFeed::open(
            stack.variable("SUPABASE_URL"),
            stack.variable("SUPABASE_ANON_KEY"),
            &reader.token,
            &story.to_string(),
        )
        .await?;
        let mut seen = Seen::default();
        while feed.row()["asset_generation_status"]["overall"] == "generating" {
            let version = feed.version();
            feed.next().await?;
            seen.regressions += u64::from(feed.version() <= version);
        }
        seen.counts = feed.counts();
        // Before the last cut nobody waited for anything.
        seen.converged_after = settled_at
            .get()
            .map_or(Duration::ZERO, |at| feed.subscribed_at().max(*at).elapsed());
        Ok((seen, feed.version()))
    };
    match tokio::time::timeout(2 * PATIENCE, following).await {
        Ok(Ok((mut seen, version))) => {
            seen.converged = version == newest(stack, story).await?;
            Ok(seen)
        }
        Ok(Err(error)) => Err(failed(error)),
        Err(_) => Ok(Seen::default()),
    }
}

async fn newest(stack: &Stack, story: Uuid) -> Result<u64, TrialError> {
    sqlx::query_scalar::<_, i64>("select version from public.stories where id = $1")
        .bind(story)
        .fetch_one(stack.pool())
        .await
        .map(i64::unsigned_abs)
        .map_err(TrialError::while_trying("read the newest version"))
}
