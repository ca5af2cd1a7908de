//! F3: every event delivered again and again, also at once; the calls that are paid for stay those of one delivery.

use crate::{
    Crowd, Figures, Ground, Order, Running, Trial, TrialError, audit, audit::bought_again,
};
use futures::future::try_join_all;
use serde_json::json;
use stack::lambda::Faults;
use stack::stack::Stack;
use std::time::Duration;
use uuid::Uuid;

pub(crate) const DUPLICATES: Trial = Trial {
    name: "duplicates",
    settles: &["F3", "row 23"],
    question: "every event comes two to five times, some at once: calls paid for and rows written are those of one delivery",
    run,
};

/// Text, palette, five scene analyses, five pictures, five checks, voice, activities.
const PAID_CALLS_PER_STORY: usize = 1 + 1 + 5 + 5 + 5 + 1 + 1;

fn run(order: Order) -> Running {
    Box::pin(async move {
        let stack = Ground::new("duplicates", order)?.start().await?;
        let figures = measured(&stack, order).await;
        stack.stop().await;
        figures
    })
}

async fn measured(stack: &Stack, order: Order) -> Result<Figures, TrialError> {
    stack.emulator().set_faults(Faults {
        duplicate_rate: 1.0,
        duplicate_within_ms: 400,
        ..Faults::default()
    });
    let crowd = Crowd(stack);
    let reader = crowd.newcomer(None).await?;
    let count: usize = order.size.pick(4, 40, 400);
    let heroes: Vec<String> = (0..count).map(|n| format!("Emberwing{n}x")).collect();
    let mut stories = Vec::new();
    // A school class at a time, or the queue of events is what is tested.
    for class in heroes.chunks(20) {
        let asked = try_join_all(class.iter().map(|hero| reader.ask(hero))).await?;
        for story in &asked {
            send_again(stack, *story)?;
        }
        crowd.settled(&asked, Duration::from_secs(120)).await?;
        stories.extend(asked);
    }
    at_rest(stack).await;

    let metrics = stack.emulator().metrics();
    let events: u64 = metrics
        .functions
        .values()
        .map(|function| function.invocations)
        .sum();
    let paid = stack
        .stand_ins()
        .calls()
        .iter()
        .filter(|call| call.paid)
        .count();
    let expected = PAID_CALLS_PER_STORY * count;
    let jobs: i64 = sqlx::query_scalar(
        "select count(*) from public.asset_generation_jobs where story_id = any ($1)",
    )
    .bind(&stories)
    .fetch_one(stack.pool())
    .await
    .map_err(TrialError::while_trying("count the jobs"))?;

    let mut figures = Figures::default();
    figures
        .told("invocations, duplicates included", events as f64, "events")
        .at_most(
            "paid calls, to those of one delivery",
            paid as f64 / expected as f64,
            "x",
            1.001,
        )
        .beside("the documents' design: up to 5.84x")
        .exactly(
            "paid calls repeated",
            bought_again(stack) as f64,
            "calls",
            0.0,
        )
        .exactly("jobs a story", jobs as f64 / count as f64, "rows", 9.0);
    figures.extend(audit(stack, &stories, &heroes).await?.figures());
    Ok(figures)
}

/// The first event of a story three times more, at once; with the emulator's own duplicates that is eight.
fn send_again(stack: &Stack, story: Uuid) -> Result<(), TrialError> {
    let event = json!({"action": "generate_story", "storyId": story}).to_string();
    for _ in 0..3 {
        stack
            .emulator()
            .invoke_event("content-agent", event.clone().into())
            .map_err(TrialError::while_trying("send an event again"))?;
    }
    Ok(())
}

/// Waits until no function works and every duplicate that is under way has come.
async fn at_rest(stack: &Stack) {
    let mut quiet = 0;
    while quiet < 20 {
        let busy = stack.emulator().instances().iter().any(|instance| {
            matches!(
                instance.activity,
                stack::lambda::InstanceActivity::Busy { .. }
            )
        });
        quiet = if busy { 0 } else { quiet + 1 };
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}
