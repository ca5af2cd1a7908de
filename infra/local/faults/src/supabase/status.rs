//! F21: the nine assets of a story finish at the same moment; beside it the documents' read, spread and write back.

use crate::prelude::*;
use futures::future::{join_all, try_join_all};
use store::{Completion, LeasedJob, Settled};

pub(crate) const RUN: Run = on_stack!(measure).audited();

/// Stories whose assets are on the wire together.
const AT_ONCE: usize = 4;
/// Stories arranged in one statement.
const BATCH: usize = 100;
/// Those of the study's anchor.
const ANCHOR_STORIES: usize = 40;
const ASSETS_PER_STORY: usize = 9;

const NOTE: &str = "create trigger trial_notes after update on public.stories for each row execute function trial.note()";
const NOTE_NO_MORE: &str = "drop trigger trial_notes on public.stories";

async fn measure(stack: &TestStack, options: TrialOptions) -> Result<Figures> {
    let count: usize = options.size.pick(40, 500, 10_000);
    let mut stories = Vec::new();
    let mut spreads = Vec::new();
    let mut refused = 0;
    let mut spent = Duration::ZERO;
    stack.arrange(query("history")).await?;
    while stories.len() < count {
        let missing = count - stories.len();
        let batch = stack.accept_stories(BATCH.min(missing)).await?;
        let jobs = stack.lease_all(&batch).await?;
        stack.arrange(NOTE).await?;
        let began = Instant::now();
        for group in batch.chunks(AT_ONCE) {
            let finishing = group.iter().map(|story| finish(stack, &jobs, *story));
            for (accepted, spread) in try_join_all(finishing).await? {
                refused += ASSETS_PER_STORY - accepted;
                spreads.push(spread);
            }
        }
        spent += began.elapsed();
        stack.arrange(NOTE_NO_MORE).await?;
        stories.extend(batch);
    }
    let anchor = lose_the_documents_way(stack).await?;
    let figures = figures! {
        "updates" => count * ASSETS_PER_STORY, "updates";
        "updates per second" => (count * ASSETS_PER_STORY) as f64 / spent.as_secs_f64(), "/s";
        "from the first to the last asset of a story sent, median" => percentile(&spreads, 0.5), "ms";
        "updates refused" => refused, "updates", is 0;
        "updates lost" => stack.count(query("lost updates")).await?, "updates", is 0,
            beside format!("read, spread, write back, beside: {anchor} of {} lost", ANCHOR_STORIES * ASSETS_PER_STORY);
        "stories whose version did not grow by one each time" => stack.count(query("uneven versions")).await?, "stories", is 0;
        "stories whose end was not set exactly once" => stack.count(query("ends")).await?, "stories", is 0;
        "the anchor loses updates, so the race is real" => anchor, "updates", at_least 1;
    };
    stack.arrange("drop schema trial cascade").await?;
    Ok(figures)
}

/// Settles the nine jobs of a story at once: how many were accepted, and within how many milliseconds they were sent.
async fn finish(stack: &TestStack, jobs: &[LeasedJob], story: Uuid) -> Result<(usize, f64)> {
    let is_ours = |job: &&LeasedJob| job.story_id.to_string() == story.to_string();
    let ours = jobs.iter().filter(is_ours);
    let settling = ours.map(|job| async move {
        let result = Completion {
            data: Some(json!({"asset": job.asset_type})),
            colors: Some(vec!["#101010".to_owned()]),
            ..Completion::default()
        };
        let sent = Instant::now();
        loop {
            let settled = stack.store.complete_job(job, &result, &[], None).await;
            let waits = |settled: &Settled| settled.reason.as_deref() == Some("TEXT_NOT_READY");
            // No asset is committed before its text, so whoever comes first comes again.
            if !settled.as_ref().is_ok_and(waits) {
                return (sent, settled);
            }
        }
    });
    let mut accepted = 0;
    let mut sent = Vec::new();
    for (at, settled) in join_all(settling).await {
        let settled = settled.context("settle a job")?;
        accepted += usize::from(settled.accepted);
        sent.push(at);
    }
    let spread = sent.iter().max().zip(sent.iter().min());
    let spread = spread.map_or(Duration::ZERO, |(last, first)| last.duration_since(*first));
    Ok((accepted, spread.as_secs_f64() * 1e3))
}

/// The documents' update of a status, by as many writers: read the JSON, change one entry, write it all back.
async fn lose_the_documents_way(stack: &TestStack) -> Result<i64> {
    stack.arrange(query("anchor of the status")).await?;
    let mut lost = 0;
    for id in 0..i32::try_from(ANCHOR_STORIES).unwrap_or(i32::MAX) {
        let story = format!("from trial.anchor where id = {id}");
        let insert = stack.sql("insert into trial.anchor (id) values ($1)");
        insert.bind(id).run().await?;
        let read = format!("select status {story}");
        let writing = (0..ASSETS_PER_STORY).map(|asset| {
            let read = stack.sql(&read);
            async move {
                let mut status: Value = read.value().await?;
                status[format!("asset_{asset}")] = json!("ready");
                let write = stack.sql("update trial.anchor set status = $2 where id = $1");
                write.bind(id).bind(status).run().await
            }
        });
        try_join_all(writing).await?;
        let kept = format!("select count(*) from (select jsonb_each(status) {story}) entries");
        lost += ASSETS_PER_STORY as i64 - stack.count(&kept).await?;
    }
    Ok(lost)
}
