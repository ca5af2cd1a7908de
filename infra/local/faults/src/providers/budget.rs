//! F31: an account runs out of money. One call learns it; the rest of the process is told without asking.

use crate::providers::company::{Company, after_the_text, calls, last_call, whenever};
use crate::{Figures, Ground, Order, Running, Size, Trial, TrialError};
use serde_json::json;
use stack::stack::Stack;
use stand_ins::{CallKind, Outcome};
use std::time::{Duration, Instant};
use uuid::Uuid;

pub(crate) const BUDGET: Trial = Trial {
    name: "budget",
    settles: &["F31"],
    question: "a provider has no money left: at most 3 calls learn it, nothing is retried, and the status says so",
    run,
};

/// What the status of such an asset says, in the code's table of the runbook.
const CODE: &str = "PROVIDER_OUT_OF_CREDITS";
/// For this long a refused account is left alone, and no longer by much.
const LEFT_ALONE_MAX: Duration = Duration::from_secs(90);

fn run(order: Order) -> Running {
    Box::pin(async move {
        let stack = Ground::new("budget", order)?.start().await?;
        let figures = measured(&stack, order).await;
        stack.stop().await;
        figures
    })
}

async fn measured(stack: &Stack, order: Order) -> Result<Figures, TrialError> {
    let mut company = Company::on(stack).await?;
    let count: usize = order.size.pick(3, 8, 30);
    let mut figures = Figures::default();

    let before = last_call(stack);
    stack
        .stand_ins()
        .script([whenever(CallKind::Speech, Outcome::Quota, None)]);
    let mute = one_after_another(&mut company, count).await?;
    let asked = calls(stack, before, |call| call.provider == "elevenlabs").len();
    figures
        .at_most("ElevenLabs calls without money", asked as f64, "calls", 3.0)
        .beside(format!("{count} stories; 401 quota_exceeded"))
        .exactly(
            "voices that say why they are missing",
            company.jobs(&mute, "failed", Some(CODE)).await?,
            "assets",
            count as f64,
        )
        .exactly(
            "assets ready without them",
            company.jobs(&mute, "ready", None).await?,
            "assets",
            8.0 * count as f64,
        );

    let before = last_call(stack);
    stack.stand_ins().clear_script();
    stack.stand_ins().script(after_the_text(Outcome::Quota));
    let plain = one_after_another(&mut company, 1).await?;
    let broke = one_after_another(&mut company, count).await?;
    let asked = calls(stack, before, |call| {
        call.provider == "openai" && call.schema.as_deref() != Some("story")
    });
    figures
        .at_most(
            "OpenAI calls without money",
            asked.len() as f64,
            "calls",
            3.0,
        )
        .beside("in the middle of a story; 429 insufficient_quota")
        .exactly(
            "texts asked for afterwards",
            calls(stack, before, |call| {
                call.schema.as_deref() == Some("story")
            })
            .len() as f64
                - 1.0,
            "calls",
            0.0,
        )
        .exactly(
            "stories that failed and say why",
            company.jobs(&broke, "failed", Some(CODE)).await?,
            "stories",
            count as f64,
        )
        .at_least(
            "assets of the broken story that say why",
            company.jobs(&plain, "failed", Some(CODE)).await?,
            "assets",
            // Five pictures and the activities; its voice too while that account is left alone.
            6.0,
        );
    figures
        .exactly("retries", retries(&company).await?, "retries", 0.0)
        .exactly(
            "statuses a user cannot act on",
            wordless(&company).await?,
            "assets",
            0.0,
        );
    figures.extend(company.audited().await?);

    if order.size > Size::Short {
        let waited = topped_up(stack, &company, mute[0]).await?;
        figures
            .at_most(
                "until a retry works after topping up",
                waited,
                "s",
                LEFT_ALONE_MAX.as_secs_f64(),
            )
            .beside("one call looks after 60 s");
    }
    Ok(figures)
}

/// So that all of them meet the same process.
async fn one_after_another(
    company: &mut Company<'_>,
    count: usize,
) -> Result<Vec<Uuid>, TrialError> {
    let mut stories = Vec::new();
    for _ in 0..count {
        let asked = company.ask(1, "Thornwick").await?;
        company.settled(&asked).await?;
        stories.extend(asked);
    }
    Ok(stories)
}

async fn retries(company: &Company<'_>) -> Result<f64, TrialError> {
    sqlx::query_scalar::<_, i64>(
        "select sum(retry_count)::bigint from public.asset_generation_jobs where story_id = any ($1)",
    )
    .bind(&company.stories)
    .fetch_one(company.crowd.0.pool())
    .await
    .map(|count| count as f64)
    .map_err(TrialError::while_trying("count the retries"))
}

/// Failed assets whose entry in the story's row, which is what a user sees, lacks the code or the words.
async fn wordless(company: &Company<'_>) -> Result<f64, TrialError> {
    sqlx::query_scalar::<_, i64>(
        "select count(*) from public.stories s, jsonb_each(s.asset_generation_status -> 'assets') as asset
         where s.id = any ($1) and asset.value ->> 'status' = 'failed'
           and (asset.value ->> 'code' is distinct from $2 or coalesce(asset.value ->> 'error', '') = '')",
    )
    .bind(&company.stories)
    .bind(CODE)
    .fetch_one(company.crowd.0.pool())
    .await
    .map(|count| count as f64)
    .map_err(TrialError::while_trying("read what the status says"))
}

/// The accounts are topped up, and the user presses `retry` until the voice is there.
async fn topped_up(stack: &Stack, company: &Company<'_>, story: Uuid) -> Result<f64, TrialError> {
    stack.stand_ins().clear_script();
    let began = Instant::now();
    while company.ended(&[story], "ready").await? < 1.0 && began.elapsed() < 2 * LEFT_ALONE_MAX {
        company
            .reader
            .api
            .steer(
                &story.to_string(),
                "retry",
                &json!({"assetTypes": ["audio"]}),
            )
            .await
            .map_err(TrialError::while_trying("ask for the voice again"))?;
        company.settled(&[story]).await?;
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    Ok(began.elapsed().as_secs_f64())
}
