//! Under many workers at once: the cap on jobs in flight, and stories that are cancelled while they wait.

use crate::queue::yard::{Yard, text};
use crate::{Figures, Order, TrialError};
use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::task::JoinSet;

const CLAIMERS: usize = 16;
const CAP: i32 = 25;
const IN_FLIGHT: &str =
    "select count(*) from public.asset_generation_jobs where status = 'generating'";

/// Sixteen workers claim ten at a time under a cap of 25 and hold what they got until they have looked at the whole.
pub(crate) async fn never_exceeded(yard: &Arc<Yard>, order: Order) -> Result<Figures, TrialError> {
    let jobs: u32 = order.size.pick(300, 3_000, 30_000);
    yard.empty().await?;
    yard.waiting(jobs, 20).await?;
    let mut workers = JoinSet::new();
    for _ in 0..CLAIMERS {
        let yard = Arc::clone(yard);
        workers.spawn(async move { work_under_the_cap(&yard).await });
    }
    let mut most = 0;
    while let Some(ended) = workers.join_next().await {
        most = most.max(ended.map_err(TrialError::while_trying("run a worker"))??);
    }
    let done = yard
        .count("select count(*) from public.asset_generation_jobs where status = 'ready'")
        .await?;
    let mut figures = Figures::default();
    figures
        .at_most(
            "most in flight at once under a cap of 25",
            most as f64,
            "jobs",
            f64::from(CAP),
        )
        .exactly(
            "of them done in the end",
            done as f64 / f64::from(jobs),
            "x",
            1.0,
        );
    Ok(figures)
}

/// The most jobs in flight that it ever saw; it holds its own while it looks, so an excess cannot go before it is seen.
async fn work_under_the_cap(yard: &Yard) -> Result<i64, TrialError> {
    let mut most = 0;
    loop {
        let jobs = yard.claim_under(10, CAP).await?;
        most = most.max(yard.count(IN_FLIGHT).await?);
        for job in &jobs {
            yard.complete(job).await?;
        }
        if jobs.is_empty()
            && yard
                .count("select count(*) from public.asset_generation_jobs where status in ('queued', 'generating')")
                .await?
                == 0
        {
            return Ok(most);
        }
    }
}

/// Every second story is cancelled while workers claim: once the verb has answered, nobody is given a job of it.
pub(crate) async fn cancelled_stories(
    yard: &Arc<Yard>,
    order: Order,
) -> Result<Figures, TrialError> {
    let stories: u32 = order.size.pick(200, 2_000, 20_000);
    yard.empty().await?;
    yard.waiting(stories, 20).await?;
    let unwanted: Vec<(String, String)> = sqlx::query_as(
        "select id::text, creator_user_id::text from (
           select *, row_number() over (order by id) as place from public.stories) s where place % 2 = 0",
    )
    .fetch_all(&yard.superuser)
    .await
    .map_err(TrialError::while_trying("list the stories"))?;
    let cancelled: Arc<Mutex<HashSet<String>>> = Arc::default();
    let mut workers = JoinSet::new();
    for _ in 0..4 {
        let (yard, cancelled) = (Arc::clone(yard), Arc::clone(&cancelled));
        workers.spawn(async move { claim_cancelled(&yard, &cancelled).await });
    }
    for (story, user) in &unwanted {
        yard.verb(&format!("cancel_assets('{user}', '{story}')"))
            .await?;
        known(&cancelled).insert(story.clone());
    }
    let mut wrong = 0;
    while let Some(ended) = workers.join_next().await {
        wrong += ended.map_err(TrialError::while_trying("run a worker"))??;
    }
    let alive = yard
        .count("select count(*) from public.asset_generation_jobs j where status in ('queued', 'generating') and exists (
            select from public.asset_generation_jobs c where c.story_id = j.story_id and c.status = 'cancelled')")
        .await?;
    let stopped = yard
        .count("select count(distinct story_id) from public.asset_generation_jobs where status = 'cancelled'")
        .await?;
    let mut figures = Figures::default();
    figures
        .told(
            "stories cancelled before or while they were claimed",
            stopped as f64,
            "stories",
        )
        .exactly(
            "jobs of a cancelled story that were claimed",
            wrong as f64,
            "jobs",
            0.0,
        )
        .exactly(
            "jobs of a cancelled story still open",
            alive as f64,
            "jobs",
            0.0,
        );
    Ok(figures)
}

/// Claims two at a time until nothing waits; how many belonged to a story known to be cancelled before the call.
async fn claim_cancelled(
    yard: &Yard,
    cancelled: &Mutex<HashSet<String>>,
) -> Result<usize, TrialError> {
    let mut wrong = 0;
    loop {
        let before = known(cancelled).clone();
        let jobs = yard.claim(2).await?;
        wrong += jobs
            .iter()
            .filter(|job| before.contains(text(job, "storyId")))
            .count();
        if jobs.is_empty()
            && yard
                .count("select count(*) from public.asset_generation_jobs where status = 'queued'")
                .await?
                == 0
        {
            return Ok(wrong);
        }
    }
}

fn known(cancelled: &Mutex<HashSet<String>>) -> std::sync::MutexGuard<'_, HashSet<String>> {
    cancelled.lock().unwrap_or_else(PoisonError::into_inner)
}
