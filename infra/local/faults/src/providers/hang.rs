//! F15: a provider that never answers, and one that answers a byte a second.

use crate::providers::company::{Company, calls, last_call};
use crate::{Figures, Ground, Order, Running, Size, Trial, TrialError, percentile};
use futures::future::try_join_all;
use stack::stack::Stack;
use stand_ins::{CallKind, Outcome, Scripted};
use std::time::Duration;
use uuid::Uuid;

pub(crate) const HANG: Trial = Trial {
    name: "hang",
    settles: &["F15"],
    question: "answers that never end: each is given up when its time is over, and the stories beside it do not notice",
    run,
};

/// What is hung on whom: the hero's name stands in the request for the text, and in what is read aloud.
const VICTIMS: [(&str, CallKind, Outcome); 3] = [
    ("Stillwater", CallKind::Text, Outcome::Timeout),
    ("Slowdrop", CallKind::Text, Outcome::Drip),
    ("Hushwing", CallKind::Speech, Outcome::Drip),
];

fn run(order: Order) -> Running {
    Box::pin(async move {
        // Two to three minutes by default; the length of a wait is scaled, not what ends it.
        let budget = Duration::from_secs(order.size.pick(2, 5, 20));
        let stack = Ground::new("hang", order)?
            .setting("PROVIDER_TRY_SECONDS", budget.as_secs())
            // A story is mostly waiting, as it is with the real providers; else this machine's own speed is compared.
            .with(|options| {
                let slow = order.size > Size::Short;
                options.latency = slow
                    .then(|| "text=1200,image=1800,speech=1500".to_owned())
                    .or(options.latency.take());
            })
            .start()
            .await?;
        let figures = measured(&stack, order, budget).await;
        stack.stop().await;
        figures
    })
}

async fn measured(stack: &Stack, order: Order, budget: Duration) -> Result<Figures, TrialError> {
    let mut company = Company::on(stack).await?;
    let beside = order.size.pick(2, 12, 40);
    // Processes are started by what is not measured.
    let warming = company.ask(beside + VICTIMS.len(), "Emberlight").await?;
    company.settled(&warming).await?;
    let undisturbed = company.ask(beside + VICTIMS.len(), "Emberlight").await?;
    company.settled(&undisturbed).await?;

    let before = last_call(stack);
    stack
        .stand_ins()
        .script(VICTIMS.map(|(hero, kind, outcome)| Scripted {
            contains: Some(hero.to_owned()),
            ..Scripted::next_of(kind, outcome)
        }));
    let mut victims = Vec::new();
    for (hero, ..) in VICTIMS {
        victims.extend(company.ask(1, hero).await?);
    }
    let others = company.ask(beside, "Emberlight").await?;
    company.settled(&others).await?;
    company.settled(&victims).await?;
    // On both sides of what is measured, for the machine may be busier later.
    let afterwards = company.ask(beside + VICTIMS.len(), "Emberlight").await?;
    company.settled(&afterwards).await?;

    let hung = calls(stack, before, |call| call.fault.is_some());
    let given_up: Vec<f64> =
        try_join_all(hung.iter().map(|call| given_up_after(stack, call.id))).await?;
    let wait = budget.as_secs_f64();
    let (alone, together) = (
        percentile(
            &times(&company, &[undisturbed, afterwards].concat()).await?,
            0.95,
        ),
        percentile(&times(&company, &others).await?, 0.95),
    );
    let mut figures = Figures::default();
    figures
        .exactly(
            "calls that would never end",
            hung.len() as f64,
            "calls",
            VICTIMS.len() as f64,
        )
        .at_least(
            "given up after, the soonest",
            percentile(&given_up, 0.0),
            "s",
            wait - 1.0,
        )
        .at_most(
            "given up after, the latest",
            percentile(&given_up, 1.0),
            "s",
            wait + 1.0,
        )
        .beside(format!("a budget of {wait} s"))
        .exactly(
            "hung stories that end ready",
            company.ended(&victims, "ready").await?,
            "stories",
            VICTIMS.len() as f64,
        )
        .at_most(
            "p95 of the stories beside them, to one without them",
            together / alone,
            "x",
            // A handful of stories on a busy machine says little; whoever waits for a hung call waits several times as long.
            if order.size == Size::Short { 1.8 } else { 1.05 },
        )
        .beside(format!("{alone:.2} s undisturbed"));
    figures.extend(company.audited().await?);
    Ok(figures)
}

/// Seconds from a call's arrival until its client went away.
async fn given_up_after(stack: &Stack, id: u64) -> Result<f64, TrialError> {
    for _ in 0..400 {
        let calls = stack.stand_ins().calls();
        if let Some(call) = calls.iter().find(|call| call.id == id)
            && let Some(ended) = call.ended_unix_ms
        {
            return Ok(ended.saturating_sub(call.started_unix_ms) as f64 / 1000.0);
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    Err(TrialError::Stuck(format!("call {id} is still under way")))
}

/// Seconds from asking to settled, of each story.
async fn times(company: &Company<'_>, stories: &[Uuid]) -> Result<Vec<f64>, TrialError> {
    sqlx::query_scalar::<_, f64>(
        "select extract(epoch from asset_generation_completed_at - created_at)::float8 from public.stories where id = any ($1)",
    )
    .bind(stories)
    .fetch_all(company.crowd.0.pool())
    .await
    .map_err(TrialError::while_trying("read how long stories took"))
}
