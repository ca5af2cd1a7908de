//! F18: one scene of every story is refused by the safety filter, as asked and in plainer words, or as asked only.

use crate::providers::company::{Company, calls, last_call, prompt_of_scene, whenever};
use crate::{Figures, Ground, Order, Running, Trial, TrialError};
use stack::stack::Stack;
use stand_ins::{CallKind, Outcome, Scripted};

pub(crate) const REFUSAL: Trial = Trial {
    name: "refusal",
    settles: &["F18"],
    question: "scene 3 is refused: asked once more in plainer words, then a placeholder; no third call, the story is partial",
    run,
};

fn run(order: Order) -> Running {
    Box::pin(async move {
        let stack = Ground::new("refusal", order)?.start().await?;
        let figures = measured(&stack, order).await;
        stack.stop().await;
        figures
    })
}

async fn measured(stack: &Stack, order: Order) -> Result<Figures, TrialError> {
    let mut company = Company::on(stack).await?;
    let count = order.size.pick(3, 20, 100);
    let scene = prompt_of_scene(3);
    let mut figures = Figures::default();

    stack
        .stand_ins()
        .script([whenever(CallKind::Image, Outcome::Policy, Some(&scene))]);
    let refused = company.ask(count, "Cinderpaw").await?;
    company.settled(&refused).await?;
    stack.stand_ins().clear_script();
    let per_story = |calls: usize| calls as f64 / count as f64;
    let pictures = calls(stack, 0, |call| call.kind == CallKind::Image);
    let said_no = pictures.iter().filter(|call| call.fault.is_some()).count();
    let placeholders: i64 = sqlx::query_scalar(
        "select count(*) from public.asset_generation_jobs where story_id = any ($1) and asset_type = 'scene_3'
           and status = 'failed' and is_placeholder and url is not null and error_code = 'CONTENT_POLICY_VIOLATION'",
    )
    .bind(&refused)
    .fetch_one(stack.pool())
    .await
    .map_err(TrialError::while_trying("count the placeholders"))?;
    figures
        .exactly(
            "calls for a refused scene, a story",
            per_story(said_no),
            "calls",
            2.0,
        )
        .exactly(
            "calls for the other pictures, a story",
            per_story(pictures.len() - said_no),
            "calls",
            4.0,
        )
        .exactly(
            "placeholders in its place",
            placeholders as f64,
            "pictures",
            count as f64,
        )
        .exactly(
            "partial stories",
            company.ended(&refused, "partial").await?,
            "stories",
            count as f64,
        )
        .exactly(
            "other assets ready",
            company.jobs(&refused, "ready", None).await?,
            "assets",
            8.0 * count as f64,
        );

    // The filter minds the wording only: the plainer one passes.
    let before = last_call(stack);
    stack.stand_ins().script([Scripted {
        times: 1,
        ..whenever(CallKind::Image, Outcome::Policy, Some(&scene))
    }]);
    let softened = company.ask(1, "Cinderpaw").await?;
    company.settled(&softened).await?;
    let pictures = calls(stack, before, |call| call.kind == CallKind::Image).len();
    figures
        .exactly(
            "ready where the plainer words passed",
            company.ended(&softened, "ready").await?,
            "stories",
            1.0,
        )
        .exactly("its picture calls", pictures as f64, "calls", 6.0);
    figures.extend(company.audited().await?);
    Ok(figures)
}
