//! F13: a provider that allows so many pictures a minute. Before anybody knows of the limit its Retry-After is obeyed by
//! all processes; once the operator has entered it, the quota is used up and hardly a call is refused.

use crate::prelude::*;
use futures::{StreamExt, TryStreamExt, stream};
use stand_ins::{CallKind, CallLimit, RetryAfter, StandInConfig};

pub(crate) const RUN: Run = on_stack!(measure, |setup, _| setup
    .setting("JOB_LEASE_SECONDS", 30)
    .schedule(MINUTE))
.audited();

/// A share of fewer pictures is told and not judged: until the first covers are there no scene can be drawn, and a second
/// is a large part of ten.
const JUDGED_MIN: usize = 25;
/// Requests for stories under way at one moment.
const ASKED_AT_ONCE: usize = 8;
const MINUTE: Duration = Duration::from_secs(60);

async fn measure(stack: &TestStack, options: TrialOptions) -> Result<Figures> {
    let size = options.size;
    // So many pictures a minute, and so many stories.
    let backlogs: &[(usize, usize)] = size.pick(&[(240, 4)], &[(120, 50)], &[(250, 250), (5, 6)]);
    let both: &[RetryAfter] = &[RetryAfter::InTurn, RetryAfter::Untold];
    let forms: &[RetryAfter] = size.pick(&both[..1], both, both);
    let mut figures = Figures::default();
    enter_limit(stack, None).await?;
    for form in forms {
        figures.extend(meet_unannounced(stack, *form).await?);
    }
    for (per_minute, stories) in backlogs.iter().copied() {
        figures.extend(work_off(stack, per_minute, stories).await?);
    }
    enter_limit(stack, None).await?;

    let stories = stack.asked().stories.clone();
    // What a refusal needs to reach the database, and what was leased before to make its call.
    let news_ms = size.pick(1_200, 700, 700);
    let failed = "(status <> 'ready' or error_code = 'RATE_LIMITED')";
    Ok(figures.and(figures! {
        "calls made before a Retry-After was over" => too_early(stack.stand_ins(), news_ms), "calls", is 0,
            beside format!("later than {news_ms} ms after the refusal: until then others cannot know");
        "jobs failed for rate" => stack.count_jobs(&stories, failed).await?, "jobs", is 0;
    }))
}

/// A limit nobody was told of: two pictures in a moment, then refusals that name the moment to come again in both forms, or
/// do not name it.
async fn meet_unannounced(stack: &TestStack, retry_after: RetryAfter) -> Result<Figures> {
    let refused_before = stack.stand_ins().limit_refusals().len();
    limit_pictures(stack, 2, Duration::from_millis(1500), retry_after);
    let story = stack.ask("Ferrule").await?;
    stack.settle(&[story], MINUTE).await?;
    let refused = stack.stand_ins().limit_refusals().len() - refused_before;
    let what = match retry_after {
        RetryAfter::Untold => "refusals without a Retry-After",
        _ => "refusals while nobody knew of the limit",
    };
    Ok(figures! {
        what => refused, "calls", at_least 1;
        "retries they cost the jobs" => stack.count_retries(&[story]).await?, "retries", is 0;
    })
}

fn limit_pictures(stack: &TestStack, calls: usize, window: Duration, retry_after: RetryAfter) {
    let limit = CallLimit {
        calls,
        window,
        retry_after,
    };
    stack.stand_ins().set_limit(CallKind::Image, Some(limit));
}

/// A limit that the operator has entered, and more stories than it allows in the time.
async fn work_off(stack: &TestStack, per_minute: usize, stories: usize) -> Result<Figures> {
    let stand_ins = stack.stand_ins();
    limit_pictures(stack, per_minute, MINUTE, RetryAfter::InTurn);
    // The pictures wait until every text is there: a backlog, and no storm of starting processes beside it.
    stack
        .arrange("update public.provider_limits set paused_until = now() + interval '1 day' where kind = 'picture'")
        .await?;
    stand_ins.clear_calls();
    let refused_before = stand_ins.limit_refusals().len();
    let hero = stack.user.make_character("Tilde").await?;
    let asked: Vec<Uuid> = stream::iter(0..stories)
        .map(|_| stack.user.ask_about(&hero))
        .buffer_unordered(ASKED_AT_ONCE)
        .try_collect()
        .await?;
    asked.iter().for_each(|story| stack.note(*story, "Tilde"));
    let unwritten = "asset_type in ('content', 'audio', 'activities') and status <> 'ready'";
    until(
        "texts and voices are made while pictures wait",
        3 * MINUTE,
        async || Ok(stack.count_jobs(&asked, unwritten).await? == 0),
    )
    .await?;
    enter_limit(stack, Some(per_minute)).await?;
    stack.tick()?;
    let ideal = MINUTE.mul_f64(5.0 * stories as f64 / per_minute as f64);
    stack.settle(&asked, ideal * 2 + MINUTE).await?;

    let refused = stand_ins.limit_refusals().len() - refused_before;
    let drawn = calls_since(stack, 0, |call| call.kind == CallKind::Image && call.paid);
    let began = drawn.iter().map(|call| call.started_unix_ms);
    let span_ms = began.clone().max().unwrap_or(0) - began.min().unwrap_or(0);
    let minutes = span_ms as f64 / 60_000.0;
    // The first call, and the second's worth that may come at once, are not used over time.
    let at_once = 1.0 + per_minute as f64 / 60.0;
    let used = (drawn.len() as f64 - at_once) / (per_minute as f64 * minutes);
    let calls = (drawn.len() + refused) as f64;
    Ok(figures! {
        format!("quota used at {per_minute} pictures a minute") =>
            100.0 * used, "%", at_least 95, when drawn.len() >= JUDGED_MIN,
            beside format!(
                "{} pictures in {:.1} s, a second's worth of them at once in the beginning and not counted",
                drawn.len(),
                span_ms as f64 / 1000.0
            );
        "calls refused" => 100.0 * refused as f64 / calls, "%", at_most 2, beside format!("{refused} of {calls}");
    })
}

/// What the operator does: the limit of the account in `provider_limits`.
async fn enter_limit(stack: &TestStack, per_minute: Option<usize>) -> Result<()> {
    let limit = stack.query("enter the limit of pictures");
    let per_minute = per_minute.map(|calls| calls as i32);
    limit.bind(per_minute).run().await
}

/// Calls of this kind that began between a refusal and the moment it named.
fn too_early(stand_ins: &StandInConfig, news_ms: u64) -> usize {
    let refusals = stand_ins.limit_refusals();
    let calls = stand_ins.calls();
    calls
        .iter()
        .filter(|call| {
            refusals.iter().any(|refusal| {
                refusal.kind == call.kind
                    && (refusal.at_unix_ms + news_ms..refusal.until_unix_ms)
                        .contains(&call.started_unix_ms)
            })
        })
        .count()
}
