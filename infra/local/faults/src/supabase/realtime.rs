//! F30: frames lost and reordered, sockets cut; a client that follows the documented way has the row again in a second.

use crate::prelude::*;
use futures::future::try_join_all;
use stack::follow::{FeedCounts, FollowError};
use std::sync::OnceLock;

pub(crate) const RUN: Run = on_stack!(measure, |setup, _| setup
    .latency("text=500,image=800,speech=600"))
.audited();

const LOST: f64 = 0.3;
const OVERTAKEN: f64 = 0.3;
const BETWEEN_CUTS: Duration = Duration::from_millis(700);
const SETTLED_WITHIN: Duration = Duration::from_secs(60);

/// What one client saw.
#[derive(Default)]
struct Seen {
    counts: FeedCounts,
    regressions: u64,
    /// From the subscription after the last cut to the newest row.
    converged_after: Duration,
    converged: bool,
}

async fn measure(stack: &TestStack, options: TrialOptions) -> Result<Figures> {
    let count: usize = options.size.pick(2, 10, 50);
    let clients_each: usize = options.size.pick(3, 5, 10);
    let stories = stack.ask_for(count, "Emberwing").await?;
    stack.realtime().lose_deliveries(LOST.into());
    stack.realtime().reorder_deliveries(OVERTAKEN.into());

    let settled_at = OnceLock::new();
    let clients = stories
        .iter()
        .flat_map(|story| std::iter::repeat_n(*story, clients_each));
    let following = try_join_all(clients.map(|story| follow(stack, story, &settled_at)));
    let disturbing = async {
        let began = Instant::now();
        while stack.settle(&stories, BETWEEN_CUTS).await.is_err() {
            stack.realtime().cut_all_sockets();
            if began.elapsed() > SETTLED_WITHIN {
                break;
            }
        }
        stack.settle(&stories, Duration::ZERO).await?;
        // The changes that were lost before are made up for after this cut.
        settled_at.get_or_init(Instant::now);
        stack.realtime().cut_all_sockets();
        Ok::<_, TrialError>(())
    };
    let (seen, ()) = futures::try_join!(following, disturbing)?;
    stack.realtime().lose_deliveries(0.0.into());
    stack.realtime().reorder_deliveries(0.0.into());

    let sum = |what: fn(&Seen) -> u64| seen.iter().map(what).sum::<u64>();
    let slowest = seen.iter().map(|seen| seen.converged_after).max();
    Ok(figures! {
        "clients" => seen.len(), "clients";
        "subscriptions" => sum(|seen| seen.counts.subscriptions), "times";
        "changes taken as they came" => sum(|seen| seen.counts.taken), "changes";
        "gaps in the versions seen, so that frames really were lost" =>
            sum(|seen| seen.counts.gaps), "gaps", at_least 1;
        "changes that came too late and were left out" => sum(|seen| seen.counts.ignored), "changes";
        "rows read" => sum(|seen| seen.counts.fetches), "readings";
        "clients without the newest row in the end" => sum(|seen| u64::from(!seen.converged)), "clients", is 0;
        "versions that went back" => sum(|seen| seen.regressions), "times", is 0;
        "the slowest client has the newest row, after it was subscribed again" =>
            slowest.unwrap_or(SETTLED_WITHIN), "s", at_most options.size.pick(5, 1, 1);
    })
}

/// Follows one story until its row says that everything is settled, which is the last thing to happen to it.
async fn follow(stack: &TestStack, story: Uuid, settled_at: &OnceLock<Instant>) -> Result<Seen> {
    let following = async {
        let mut feed = stack.follow(story).await?;
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
    match tokio::time::timeout(2 * SETTLED_WITHIN, following).await {
        Ok(Ok((mut seen, version))) => {
            seen.converged = version == newest(stack, story).await?;
            Ok(seen)
        }
        Ok(Err(error)) => Err::<_, FollowError>(error).context("follow a story"),
        Err(_) => Ok(Seen::default()),
    }
}

async fn newest(stack: &TestStack, story: Uuid) -> Result<u64> {
    let version: i64 = stack
        .query("version of a story")
        .bind(story)
        .value()
        .await?;
    Ok(version.unsigned_abs())
}
