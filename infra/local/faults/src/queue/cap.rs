//! Under many workers at once: the cap on jobs in flight, and stories that are cancelled while they wait.

use crate::prelude::*;
use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::task::JoinSet;

const CLAIMERS: usize = 16;
const CAP: u32 = 25;

/// Sixteen workers claim ten at a time under a cap of 25 and hold what they got until they have looked at the whole.
pub(crate) async fn never_exceeded(
    database: &Arc<TestDatabase>,
    options: TrialOptions,
) -> Result<Figures> {
    let jobs: u32 = options.size.pick(300, 3_000, 30_000);
    database.empty().await;
    database.waiting(jobs, 20).await;
    let mut workers = JoinSet::new();
    for _ in 0..CLAIMERS {
        let database = Arc::clone(database);
        workers.spawn(async move { work_under_the_cap(&database).await });
    }
    let most = workers.join_all().await.into_iter().max().unwrap_or(0);
    Ok(figures! {
        "most in flight at once under a cap of 25" => most, "jobs", at_most CAP;
        "of them done in the end" => database.jobs_in("ready").await as f64 / f64::from(jobs), "x", is 1;
    })
}

/// The most jobs in flight that it ever saw; it holds its own while it looks, so an excess cannot go before it is seen.
async fn work_under_the_cap(database: &TestDatabase) -> i64 {
    let mut most = 0;
    loop {
        let jobs = database.claim_under(10, CAP).await;
        most = most.max(database.jobs_in("generating").await);
        for job in &jobs {
            database.complete(job).await;
        }
        if jobs.is_empty()
            && database.jobs_in("queued").await + database.jobs_in("generating").await == 0
        {
            return most;
        }
    }
}

/// Every second story is cancelled while workers claim: once the verb has answered, nobody is given a job of it.
pub(crate) async fn cancelled_stories(
    database: &Arc<TestDatabase>,
    options: TrialOptions,
) -> Result<Figures> {
    let stories: u32 = options.size.pick(200, 2_000, 20_000);
    database.empty().await;
    database.waiting(stories, 20).await;
    let unwanted = statement(&database.superuser, query("every second story"))
        .rows::<(String, Uuid)>()
        .await?;
    let cancelled: Arc<Mutex<HashSet<String>>> = Arc::default();
    let mut workers = JoinSet::new();
    for _ in 0..4 {
        let (database, cancelled) = (Arc::clone(database), Arc::clone(&cancelled));
        workers.spawn(async move { claim_cancelled(&database, &cancelled).await });
    }
    for (story, user) in unwanted {
        database
            .call(
                "cancel_assets",
                json!({"p_user_id": user, "p_story_id": story}),
            )
            .await;
        known(&cancelled).insert(story);
    }
    let wrong: usize = workers.join_all().await.into_iter().sum();
    let alive = database
        .count("public.asset_generation_jobs j where status in ('queued', 'generating') and exists (
            select from public.asset_generation_jobs c where c.story_id = j.story_id and c.status = 'cancelled')")
        .await;
    let stopped = "select count(distinct story_id) from public.asset_generation_jobs where status = 'cancelled'";
    let stopped: i64 = database.value(stopped).await;
    Ok(figures! {
        "stories cancelled before or while they were claimed" => stopped, "stories";
        "jobs of a cancelled story that were claimed" => wrong, "jobs", is 0;
        "jobs of a cancelled story still open" => alive, "jobs", is 0;
    })
}

/// Claims two at a time until nothing waits; how many belonged to a story known to be cancelled before the call.
async fn claim_cancelled(database: &TestDatabase, cancelled: &Mutex<HashSet<String>>) -> usize {
    let mut wrong = 0;
    loop {
        let before = known(cancelled).clone();
        let jobs = database.claim_batch(2).await;
        wrong += jobs
            .iter()
            .filter(|job| before.contains(&job.story))
            .count();
        if jobs.is_empty() && database.jobs_in("queued").await == 0 {
            return wrong;
        }
    }
}

fn known(cancelled: &Mutex<HashSet<String>>) -> MutexGuard<'_, HashSet<String>> {
    cancelled.lock().unwrap_or_else(PoisonError::into_inner)
}
