//! Jobs that cannot run: one that kills whoever works on it, and one that a provider's rate limit holds up.

use crate::queue::yard::{Yard, text};
use crate::{Figures, TrialError};

const BATCH: i32 = 10;
const GOOD: u32 = 50;
/// Tries of a picture: one and three retries.
const TRIES: u32 = 4;
/// More claims than either trial can need.
const PATIENCE: u32 = 40;

/// The oldest job of the queue kills its worker each time: its lease ends, others are served, and it fails for good.
pub(crate) async fn poison(yard: &Yard) -> Result<Figures, TrialError> {
    yard.empty().await?;
    yard.waiting_of(0, 1, "urgent", 600.0).await?;
    yard.waiting_of(1, GOOD, "normal", 0.0).await?;
    let poison: String = sqlx::query_scalar(
        "select id::text from public.asset_generation_jobs where priority = 'urgent'",
    )
    .fetch_one(&yard.superuser)
    .await
    .map_err(TrialError::while_trying("find the poison job"))?;
    let (mut claims, mut claims_for_good, mut tries, mut good) = (0, 0, 0, 0);
    while claims < PATIENCE {
        let jobs = yard.claim(BATCH).await?;
        claims += 1;
        for job in &jobs {
            if text(job, "jobId") == poison {
                tries += 1;
            } else {
                yard.complete(job).await?;
                good += 1;
            }
        }
        if good < GOOD {
            claims_for_good = claims + 1;
        } else if jobs.is_empty() {
            break;
        }
        // The worker died with it; its minute has passed.
        yard.arrange(
            "update public.asset_generation_jobs set lease_expires_at = now() - interval '1 second' where status = 'generating'",
        )
        .await?;
    }
    let dead = yard
        .count(&format!(
            "select count(*) from public.dead_letters where job_id = '{poison}' and error_code = 'JOB_TIMEOUT'"
        ))
        .await?;
    let mut figures = Figures::default();
    figures
        .at_most(
            "claims of ten for 50 jobs beside a poison job",
            f64::from(claims_for_good),
            "claims",
            // A place of each batch at most goes to it, until it is given up.
            f64::from((GOOD + TRIES).div_ceil(BATCH.unsigned_abs())),
        )
        .exactly("of them done", f64::from(good), "jobs", f64::from(GOOD))
        .exactly(
            "tries of the poison job",
            f64::from(tries),
            "tries",
            f64::from(TRIES),
        )
        .exactly("dead letters that tell its cause", dead as f64, "rows", 1.0);
    Ok(figures)
}

/// With one place in all: a job that a rate limit sends back leaves it at once, and keeps its retries.
pub(crate) async fn backoff(yard: &Yard) -> Result<Figures, TrialError> {
    yard.empty().await?;
    yard.waiting_of(0, 1, "urgent", 600.0).await?;
    yard.waiting_of(1, 1, "normal", 0.0).await?;
    let first = yard.claim_under(1, 1).await?;
    let while_held = yard.claim_under(1, 1).await?;
    let limited = first
        .first()
        .ok_or_else(|| TrialError::Stuck("no job was claimed from an idle queue".to_owned()))?;
    yard.verb(&format!(
        "fail_job('{}', '{}', 'RATE_LIMITED', 'Too many requests', true)",
        text(limited, "jobId"),
        text(limited, "leaseToken")
    ))
    .await?;
    let places = yard
        .count("select count(*) from public.asset_generation_jobs where status = 'generating'")
        .await?;
    let next = yard.claim_under(1, 1).await?;
    let other_served = next
        .first()
        .is_some_and(|job| text(job, "jobId") != text(limited, "jobId"));
    for job in &next {
        yard.complete(job).await?;
    }
    let too_early = yard.claim_under(1, 1).await?;
    yard.arrange(
        "update public.asset_generation_jobs set available_at = now() where status = 'queued'",
    )
    .await?;
    let in_time = yard.claim_under(1, 1).await?;
    let retries = yard
        .count("select sum(retry_count) from public.asset_generation_jobs")
        .await?;
    let mut figures = Figures::default();
    figures
        .exactly(
            "given out above a cap of one",
            while_held.len() as f64,
            "jobs",
            0.0,
        )
        .exactly(
            "places held by a rate-limited job",
            places as f64,
            "places",
            0.0,
        )
        .exactly(
            "the next claim serves the other",
            f64::from(u8::from(other_served)),
            "jobs",
            1.0,
        )
        .exactly(
            "claimed before its pause is over",
            too_early.len() as f64,
            "jobs",
            0.0,
        )
        .exactly("claimed when it is over", in_time.len() as f64, "jobs", 1.0)
        .exactly(
            "retries that the limit cost it",
            retries as f64,
            "retries",
            0.0,
        );
    Ok(figures)
}
