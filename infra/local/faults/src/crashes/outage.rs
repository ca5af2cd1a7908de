//! F2: every process at work is killed at one moment, with all the stories they hold.

use crate::crashes::kill::{GRACE, LEASE};
use crate::{crashes::purchases::again_by_story, prelude::*};
use futures::future::try_join_all;

pub(crate) const RUN: Run = on_stack!(measure, |setup, _| setup
    .latency("text=60,image=800,speech=300"))
.audited();

async fn measure(stack: &TestStack, options: TrialOptions) -> Result<Figures> {
    let mut delays = Vec::new();
    let mut killed = 0;
    for _ in 0..options.size.pick(1, 2, 50) {
        let stories = stack
            .ask_for(options.size.pick(3, 25, 25), "Curlew")
            .await?;
        // With its text each process works on something paid.
        let written = "asset_type = 'content' and status = 'ready'";
        until("every story has its text", stack.patience, async || {
            Ok(stack.count_jobs(&stories, written).await? == stories.len() as i64)
        })
        .await?;
        let victims = stack.busy(Some("content-agent"));
        killed += victims.len();
        let mut waiting = Vec::new();
        for story in &stories {
            let mut held = stack.jobs(*story).await?;
            held.retain(|job| job.request().is_some() && job.status == "generating");
            waiting.extend((!held.is_empty()).then_some((*story, held)));
        }
        victims.iter().for_each(|(pid, _)| kill(*pid));
        let died = Instant::now();
        let going_on = waiting
            .iter()
            .map(|(story, held)| go_on(stack, *story, held, died));
        delays.extend(try_join_all(going_on).await?);
        stack.settle(&stories, stack.patience).await?;
    }
    let again = again_by_story(stack).await?;
    Ok(figures! {
        "processes killed at work" => killed, "processes", at_least delays.len();
        "stories they held" => delays.len(), "stories";
        "until a story goes on, p95, lease of 5 s" =>
            percentile(&delays, 0.95), "s", at_most LEASE + GRACE * 2, beside "lease + 10 s";
        "paid calls repeated: in flight, or answered and not stored" =>
            again.values().map(|again| again.kept).sum::<u64>(), "calls";
    }
    .and(stack.not_ready().await?))
}

/// Seconds from the death until another invocation works on one of the jobs the dead one held.
async fn go_on(stack: &TestStack, story: Uuid, held: &[Job], died: Instant) -> Result<f64> {
    until("a story goes on", stack.patience, async || {
        let jobs = stack.jobs(story).await?;
        let again = jobs.iter().any(|job| {
            held.iter()
                .any(|was| was.id == job.id && job.is_begun_after(was.attempt))
        });
        Ok(again || jobs.iter().all(Job::is_settled))
    })
    .await?;
    Ok(died.elapsed().as_secs_f64())
}
