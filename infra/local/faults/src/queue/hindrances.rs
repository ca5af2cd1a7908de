//! Jobs that cannot run: one that kills whoever works on it, and one that a provider's rate limit holds up.

use crate::prelude::*;

const BATCH: u32 = 10;
const GOOD: u32 = 50;
/// Tries of a picture: one and three retries.
const TRIES: u32 = 4;
/// More claims than either trial can need.
const CLAIMS_MAX: u32 = 40;

/// The oldest job of the queue kills its worker each time: its lease ends, others are served, and it fails for good.
pub(crate) async fn poison(database: &TestDatabase) -> Figures {
    database.empty().await;
    database.waiting_of(0, 1, "urgent", 600.0).await;
    database.waiting_of(1, GOOD, "normal", 0.0).await;
    let poison: String = database
        .value("select id::text from public.asset_generation_jobs where priority = 'urgent'")
        .await;
    let (mut claims, mut claims_for_good, mut tries, mut good) = (0, 0, 0, 0);
    while claims < CLAIMS_MAX {
        let jobs = database.claim_batch(BATCH).await;
        claims += 1;
        for job in &jobs {
            if job.job == poison {
                tries += 1;
            } else {
                database.complete(job).await;
                good += 1;
            }
        }
        if good < GOOD {
            claims_for_good = claims + 1;
        } else if jobs.is_empty() {
            break;
        }
        // The worker died with it; its minute has passed.
        database.arrange(
            "update public.asset_generation_jobs set lease_expires_at = now() - interval '1 second' where status = 'generating'",
        )
        .await;
    }
    let dead = database
        .count(&format!(
            "public.dead_letters where job_id = '{poison}' and error_code = 'JOB_TIMEOUT'"
        ))
        .await;
    figures! {
        // A place of each batch at most goes to it, until it is given up.
        "claims of ten for 50 jobs beside a poison job" =>
            claims_for_good, "claims", at_most (GOOD + TRIES).div_ceil(BATCH);
        "of them done" => good, "jobs", is GOOD;
        "tries of the poison job" => tries, "tries", is TRIES;
        "dead letters that tell its cause" => dead, "rows", is 1;
    }
}

/// With one place in all: a job that a rate limit sends back leaves it at once, and keeps its retries.
pub(crate) async fn backoff(database: &TestDatabase) -> Figures {
    database.empty().await;
    database.waiting_of(0, 1, "urgent", 600.0).await;
    database.waiting_of(1, 1, "normal", 0.0).await;
    let limited = database
        .claim_under(1, 1)
        .await
        .pop()
        .expect("an idle queue gives out a job");
    let while_held = database.claim_under(1, 1).await;
    let failure = json!({"p_job_id": limited.job, "p_lease_token": limited.token, "p_error_code": "RATE_LIMITED",
        "p_error_message": "Too many requests", "p_retryable": true});
    database.call("fail_job", failure).await;
    let places = database.jobs_in("generating").await;
    let next = database.claim_under(1, 1).await;
    let other_served = next.first().is_some_and(|job| job.job != limited.job);
    for job in &next {
        database.complete(job).await;
    }
    let too_early = database.claim_under(1, 1).await;
    database
        .arrange(
            "update public.asset_generation_jobs set available_at = now() where status = 'queued'",
        )
        .await;
    let in_time = database.claim_under(1, 1).await;
    let retries: i64 = database
        .value("select sum(retry_count) from public.asset_generation_jobs")
        .await;
    figures! {
        "given out above a cap of one" => while_held.len(), "jobs", is 0;
        "places held by a rate-limited job" => places, "places", is 0;
        "the next claim serves the other" => other_served, "jobs", is 1;
        "claimed before its pause is over" => too_early.len(), "jobs", is 0;
        "claimed when it is over" => in_time.len(), "jobs", is 1;
        "retries that the limit cost it" => retries, "retries", is 0;
    }
}
