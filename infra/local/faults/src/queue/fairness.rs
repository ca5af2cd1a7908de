//! Whose turn it is: between users, between priorities, under a cap, and past jobs that cannot or must not run. Measured in
//! claims until served.

use crate::prelude::*;
use crate::queue::{cap, hindrances};
use std::sync::Arc;

pub(crate) const RUN: Run = on_database!(measure);

const BATCH: u32 = 10;
/// What a story has claimable once its text is there: cover, audio, activities.
const BEDTIME: u32 = 3;
const SCHOOL: u32 = 0;
const PARENT: u32 = 1;
/// An urgent job arrives this often, in seconds of the virtual clock.
const URGENT_EVERY: u32 = 10;
/// Claims after which a job counts as starved.
const CLAIMS_MAX: u32 = 60;

async fn measure(database: &Arc<TestDatabase>, options: TrialOptions) -> Result<Figures> {
    let mut figures = bedtime_story(database, options).await;
    figures.extend(ageing(database).await);
    figures.extend(cap::never_exceeded(database, options).await?);
    figures.extend(cap::cancelled_stories(database, options).await?);
    figures.extend(hindrances::poison(database).await);
    figures.extend(hindrances::backoff(database).await);
    Ok(figures)
}

/// A school asks for 500 books; two minutes later a parent asks for one story.
async fn bedtime_story(database: &TestDatabase, options: TrialOptions) -> Figures {
    let pictures = options.size.pick(2_500, 4_000, 40_000);
    let mut figures = Figures::default();
    for (school_in_flight, what) in [
        (
            0,
            "claims until a parent's story is under way behind a school's 500",
        ),
        (200, "the same while the school has 200 jobs in flight"),
    ] {
        database.empty().await;
        database.waiting_of(SCHOOL, pictures, "normal", 120.0).await;
        if school_in_flight > 0 {
            database.claim_batch(school_in_flight).await;
        }
        database.waiting_of(PARENT, BEDTIME, "normal", 0.0).await;
        let older = database
            .count("public.asset_generation_jobs where status = 'queued' and created_at < now() - interval '1 minute'")
            .await;
        let claims = claims_until_served(database, PARENT).await;
        figures.extend(figures! {
            what => claims, "claims", at_most 1,
                beside format!("oldest first: {:.0}", ((older + i64::from(BEDTIME)) as f64 / f64::from(BATCH)).ceil());
        });
    }
    figures
}

/// Claims until none of this person's jobs waits any more.
async fn claims_until_served(database: &TestDatabase, person: u32) -> u32 {
    for claims in 1..=CLAIMS_MAX {
        database.claim_batch(BATCH).await;
        let left = database
            .count(&format!(
                "public.asset_generation_jobs j join trial.people p using (user_id)
                 where p.n = {person} and j.status = 'queued'"
            ))
            .await;
        if left == 0 {
            return claims;
        }
    }
    CLAIMS_MAX + 1
}

/// Of one person: a normal job, and an urgent one every ten seconds for ever; one is claimed at each arrival.
async fn ageing(database: &TestDatabase) -> Figures {
    database.empty().await;
    // The virtual clock begins an hour ago; waiting longer is arriving earlier.
    let began = 3600.0;
    database.waiting_of(PARENT, 1, "normal", began).await;
    let mut passed_over = 0;
    for arrival in 0..CLAIMS_MAX {
        let waited = began - f64::from(arrival * URGENT_EVERY);
        database.waiting_of(PARENT, 1, "urgent", waited).await;
        let served = database.claim_batch(1).await;
        let normal_left = database
            .count("public.asset_generation_jobs where status = 'queued' and priority = 'normal'")
            .await;
        if !served.is_empty() && normal_left == 0 {
            break;
        }
        passed_over += 1;
    }
    figures! {
        "urgent jobs that go before a normal one" => passed_over, "claims", at_least 1;
        "claims until it is served in an endless stream of them" =>
            passed_over + 1, "claims", at_most 4 * 60 / URGENT_EVERY + 1,
            beside "strict priority: never";
    }
}
