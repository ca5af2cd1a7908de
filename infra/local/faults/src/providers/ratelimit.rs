//! F13: a provider that allows so many pictures a minute. Before anybody knows of the limit its Retry-After is obeyed by
//! all processes; once the operator has entered it, the quota is used up and hardly a call is refused.

use crate::{Crowd, Figures, Ground, Order, Reader, Running, Trial, TrialError, audit};
use futures::{StreamExt, TryStreamExt, stream};
use serde_json::Value;
use stack::stack::Stack;
use stand_ins::{CallKind, CallLimit, RetryAfter, StandInConfig};
use std::time::Duration;
use uuid::Uuid;

pub(crate) const RATELIMIT: Trial = Trial {
    name: "ratelimit",
    settles: &["F13", "row 25"],
    question: "the provider limits pictures: nobody calls before its Retry-After, the quota is used up, and no story fails for rate",
    run,
};

/// The schedule of the asset worker in the emulator.
const WORKER_RULE: &str = "storytailor-asset-worker-production";
/// A share of fewer pictures is told and not judged: until the first covers are there no scene can be drawn, and a second
/// is a large part of ten.
const JUDGED_MIN: usize = 25;
/// Requests for stories under way at one moment.
const ASKED_AT_ONCE: usize = 8;
const MINUTE: Duration = Duration::from_secs(60);
/// What a refusal needs to reach the database, and what was leased before to make its call.
const NEWS_MS: u64 = 700;

fn run(order: Order) -> Running {
    Box::pin(async move {
        // The template's schedule: a worker whose time is up is replaced by the next tick.
        let ground = Ground::new("ratelimit", order)?
            .setting("JOB_LEASE_SECONDS", 30)
            .with(|options| options.schedule = Some(MINUTE));
        let stack = ground.start().await?;
        let figures = measured(&stack, order).await;
        stack.stop().await;
        figures
    })
}

/// So many stories at a limit of so many pictures a minute.
#[derive(Clone, Copy)]
struct Backlog {
    per_minute: usize,
    stories: usize,
}

async fn measured(stack: &Stack, order: Order) -> Result<Figures, TrialError> {
    let backlogs: &[(usize, usize)] =
        order
            .size
            .pick(&[(240, 4)], &[(120, 50)], &[(250, 250), (5, 6)]);
    let reader = Crowd(stack).newcomer(None).await?;
    let mut figures = Figures::default();
    enter_limit(stack, None).await?;
    let forms: &[RetryAfter] = order.size.pick(
        &[RetryAfter::InTurn],
        &[RetryAfter::InTurn, RetryAfter::Untold],
        &[RetryAfter::InTurn, RetryAfter::Untold],
    );
    let mut stories = Vec::new();
    for form in forms {
        stories.push(unannounced(stack, &reader, *form, &mut figures).await?);
    }
    for (per_minute, count) in backlogs.iter().copied() {
        let backlog = Backlog {
            per_minute,
            stories: count,
        };
        stories.extend(entered(stack, &reader, backlog, &mut figures).await?);
    }
    enter_limit(stack, None).await?;

    figures
        .exactly(
            "calls made before a Retry-After was over",
            too_early(stack.stand_ins()) as f64,
            "calls",
            0.0,
        )
        .beside(format!(
            "later than {NEWS_MS} ms after the refusal: until then others cannot know"
        ))
        .exactly(
            "jobs failed for rate",
            failed_for_rate(stack, &stories).await? as f64,
            "jobs",
            0.0,
        );
    figures.extend(audit(stack, &stories, &[]).await?.figures());
    Ok(figures)
}

/// A limit nobody was told of: two pictures in a moment, then refusals that name the moment to come again in both forms, or
/// do not name it.
async fn unannounced(
    stack: &Stack,
    reader: &Reader,
    retry_after: RetryAfter,
    figures: &mut Figures,
) -> Result<Uuid, TrialError> {
    let refused_before = stack.stand_ins().limit_refusals().len();
    stack.stand_ins().set_limit(
        CallKind::Image,
        Some(CallLimit {
            calls: 2,
            window: Duration::from_millis(1500),
            retry_after,
        }),
    );
    let story = reader.ask("Ferrule").await?;
    Crowd(stack).settled(&[story], MINUTE).await?;
    let refused = stack.stand_ins().limit_refusals().len() - refused_before;
    figures
        .at_least(
            match retry_after {
                RetryAfter::Untold => "refusals without a Retry-After",
                _ => "refusals while nobody knew of the limit",
            },
            refused as f64,
            "calls",
            1.0,
        )
        .exactly(
            "retries they cost the jobs",
            retries(stack, story).await? as f64,
            "retries",
            0.0,
        );
    Ok(story)
}

/// A limit that the operator has entered, and more stories than it allows in the time.
async fn entered(
    stack: &Stack,
    reader: &Reader,
    backlog: Backlog,
    figures: &mut Figures,
) -> Result<Vec<Uuid>, TrialError> {
    let Backlog {
        per_minute,
        stories,
    } = backlog;
    let stand_ins = stack.stand_ins();
    stand_ins.set_limit(
        CallKind::Image,
        Some(CallLimit {
            calls: per_minute,
            window: MINUTE,
            retry_after: RetryAfter::InTurn,
        }),
    );
    // The pictures wait until every text is there: a backlog, and no storm of starting processes beside it.
    hold_pictures(stack).await?;
    stand_ins.clear_calls();
    let refused_before = stand_ins.limit_refusals().len();
    let hero = serde_json::json!({"name": "Tilde", "species": "dragon"});
    let hero: Value = reader
        .api
        .create_character(&hero)
        .await
        .map_err(TrialError::while_trying("make a character"))?;
    let asked: Vec<Uuid> = stream::iter(0..stories)
        .map(|_| reader.ask_about(&hero["id"]))
        .buffer_unordered(ASKED_AT_ONCE)
        .try_collect()
        .await?;
    texts_written(stack, &asked).await?;
    enter_limit(stack, Some(per_minute)).await?;
    stack
        .emulator()
        .tick(WORKER_RULE)
        .map_err(TrialError::while_trying("wake the asset worker"))?;
    let ideal = MINUTE.mul_f64(5.0 * stories as f64 / per_minute as f64);
    Crowd(stack).settled(&asked, ideal * 2 + MINUTE).await?;

    let refused = stand_ins.limit_refusals().len() - refused_before;
    let drawn: Vec<u64> = stand_ins
        .calls()
        .into_iter()
        .filter(|call| call.kind == CallKind::Image && call.paid)
        .map(|call| call.started_unix_ms)
        .collect();
    let (first, last) = (drawn.iter().min(), drawn.iter().max());
    let span_ms = last.zip(first).map_or(0, |(last, first)| last - first);
    let minutes = span_ms as f64 / 60_000.0;
    // The first call, and the second's worth that may come at once, are not used over time.
    let at_once = 1.0 + per_minute as f64 / 60.0;
    let used = (drawn.len() as f64 - at_once) / (per_minute as f64 * minutes);
    let calls = (drawn.len() + refused) as f64;
    let share = format!("quota used at {per_minute} pictures a minute");
    if drawn.len() < JUDGED_MIN {
        figures.told(share, 100.0 * used, "%");
    } else {
        figures.at_least(share, 100.0 * used, "%", 95.0);
    }
    figures
        .beside(format!(
            "{} pictures in {:.1} s, a second's worth of them at once in the beginning and not counted",
            drawn.len(),
            span_ms as f64 / 1000.0
        ))
        .at_most("calls refused", 100.0 * refused as f64 / calls, "%", 2.0)
        .beside(format!("{refused} of {calls}"));
    Ok(asked)
}

/// What the operator does: the limit of the account in `provider_limits`.
async fn enter_limit(stack: &Stack, per_minute: Option<usize>) -> Result<(), TrialError> {
    sqlx::query(
        "update public.provider_limits set per_minute = $1, taken_until = now(), paused_until = null where kind = 'picture'",
    )
    .bind(per_minute.map(|calls| calls as i32))
    .execute(stack.pool())
    .await
    .map(drop)
    .map_err(TrialError::while_trying("enter the limit of the account"))
}

async fn hold_pictures(stack: &Stack) -> Result<(), TrialError> {
    sqlx::query("update public.provider_limits set paused_until = now() + interval '1 day' where kind = 'picture'")
        .execute(stack.pool())
        .await
        .map(drop)
        .map_err(TrialError::while_trying("hold the pictures back"))
}

async fn texts_written(stack: &Stack, stories: &[Uuid]) -> Result<(), TrialError> {
    let unwritten = "select count(*) from public.asset_generation_jobs
        where story_id = any ($1) and asset_type in ('content', 'audio', 'activities') and status <> 'ready'";
    let patience = tokio::time::Instant::now() + 3 * MINUTE;
    loop {
        let open: i64 = sqlx::query_scalar(unwritten)
            .bind(stories)
            .fetch_one(stack.pool())
            .await
            .map_err(TrialError::while_trying("see which texts are written"))?;
        if open == 0 {
            return Ok(());
        }
        if tokio::time::Instant::now() > patience {
            return Err(TrialError::Stuck(format!(
                "{open} texts and voices are not made while pictures wait"
            )));
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}

/// Calls of this kind that began between a refusal and the moment it named.
fn too_early(stand_ins: &StandInConfig) -> usize {
    let refusals = stand_ins.limit_refusals();
    let calls = stand_ins.calls();
    calls
        .iter()
        .filter(|call| {
            refusals.iter().any(|refusal| {
                refusal.kind == call.kind
                    && (refusal.at_unix_ms + NEWS_MS..refusal.until_unix_ms)
                        .contains(&call.started_unix_ms)
            })
        })
        .count()
}

async fn retries(stack: &Stack, story: Uuid) -> Result<i64, TrialError> {
    sqlx::query_scalar(
        "select sum(retry_count)::bigint from public.asset_generation_jobs where story_id = $1",
    )
    .bind(story)
    .fetch_one(stack.pool())
    .await
    .map_err(TrialError::while_trying("count retries"))
}

async fn failed_for_rate(stack: &Stack, stories: &[Uuid]) -> Result<i64, TrialError> {
    sqlx::query_scalar(
        "select count(*) from public.asset_generation_jobs
         where story_id = any ($1) and (status <> 'ready' or error_code = 'RATE_LIMITED')",
    )
    .bind(stories)
    .fetch_one(stack.pool())
    .await
    .map_err(TrialError::while_trying("count the jobs that failed"))
}
