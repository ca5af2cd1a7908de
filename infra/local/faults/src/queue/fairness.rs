//! Whose turn it is: between users, between priorities, under a cap, and past jobs that cannot or must not run. Measured in
//! claims until served.

use crate::queue::{
    cap, hindrances,
    yard::{Yard, text},
};
use crate::{Figures, Order, Running, Trial, TrialError};
use std::sync::Arc;

pub(crate) const FAIRNESS: Trial = Trial {
    name: "fairness",
    settles: &["F17"],
    question: "a school's books, urgent jobs, a cap, cancelled stories, a poison job and a rate limit: who waits is served in turn",
    run,
};

const BATCH: i32 = 10;
/// What a story has claimable once its text is there: cover, audio, activities.
const BEDTIME: u32 = 3;
const SCHOOL: u32 = 0;
const PARENT: u32 = 1;
/// An urgent job arrives this often, in seconds of the virtual clock.
const URGENT_EVERY: u32 = 10;
/// Claims after which a job counts as starved.
const PATIENCE: u32 = 60;

fn run(order: Order) -> Running {
    Box::pin(async move {
        let yard = Arc::new(Yard::open().await?);
        let figures = measured(&yard, order).await;
        if let Some(yard) = Arc::into_inner(yard) {
            yard.close().await;
        }
        figures
    })
}

async fn measured(yard: &Arc<Yard>, order: Order) -> Result<Figures, TrialError> {
    let mut figures = bedtime_story(yard, order).await?;
    figures.extend(ageing(yard).await?);
    figures.extend(cap::never_exceeded(yard, order).await?);
    figures.extend(cap::cancelled_stories(yard, order).await?);
    figures.extend(hindrances::poison(yard).await?);
    figures.extend(hindrances::backoff(yard).await?);
    Ok(figures)
}

/// A school asks for 500 books; two minutes later a parent asks for one story.
async fn bedtime_story(yard: &Yard, order: Order) -> Result<Figures, TrialError> {
    let pictures = order.size.pick(2_500, 4_000, 40_000);
    let mut figures = Figures::default();
    for (school_in_flight, what) in [
        (
            0,
            "claims until a parent's story is under way behind a school's 500",
        ),
        (200, "the same while the school has 200 jobs in flight"),
    ] {
        yard.empty().await?;
        yard.waiting_of(SCHOOL, pictures, "normal", 120.0).await?;
        if school_in_flight > 0 {
            yard.claim(school_in_flight).await?;
        }
        yard.waiting_of(PARENT, BEDTIME, "normal", 0.0).await?;
        let older = yard
            .count("select count(*) from public.asset_generation_jobs where status = 'queued' and created_at < now() - interval '1 minute'")
            .await?;
        let claims = claims_until_served(yard, PARENT).await?;
        figures
            .at_most(what, f64::from(claims), "claims", 1.0)
            .beside(format!(
                "oldest first: {:.0}",
                ((older + i64::from(BEDTIME)) as f64 / f64::from(BATCH)).ceil()
            ));
    }
    Ok(figures)
}

/// Claims until none of this person's jobs waits any more.
async fn claims_until_served(yard: &Yard, person: u32) -> Result<u32, TrialError> {
    for claims in 1..=PATIENCE {
        yard.claim(BATCH).await?;
        let left = yard
            .count(&format!(
                "select count(*) from public.asset_generation_jobs j join people p using (user_id)
                 where p.n = {person} and j.status = 'queued'"
            ))
            .await?;
        if left == 0 {
            return Ok(claims);
        }
    }
    Ok(PATIENCE + 1)
}

/// Of one person: a normal job, and an urgent one every ten seconds for ever; one is claimed at each arrival.
async fn ageing(yard: &Yard) -> Result<Figures, TrialError> {
    yard.empty().await?;
    // The virtual clock begins an hour ago; waiting longer is arriving earlier.
    let began = 3600.0;
    yard.waiting_of(PARENT, 1, "normal", began).await?;
    let mut passed_over = 0;
    for arrival in 0..PATIENCE {
        let waited = began - f64::from(arrival * URGENT_EVERY);
        yard.waiting_of(PARENT, 1, "urgent", waited).await?;
        let served = yard.claim(1).await?;
        let normal_left = yard
            .count("select count(*) from public.asset_generation_jobs where status = 'queued' and priority = 'normal'")
            .await?;
        if served.iter().any(|job| !text(job, "jobId").is_empty()) && normal_left == 0 {
            break;
        }
        passed_over += 1;
    }
    let mut figures = Figures::default();
    figures
        .at_least(
            "urgent jobs that go before a normal one",
            f64::from(passed_over),
            "claims",
            1.0,
        )
        .at_most(
            "claims until it is served in an endless stream of them",
            f64::from(passed_over + 1),
            "claims",
            f64::from(4 * 60 / URGENT_EVERY + 1),
        )
        .beside("strict priority: never");
    Ok(figures)
}
