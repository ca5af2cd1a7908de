//! F15: a provider that never answers, and one that answers a byte a second.

use crate::{
    Figures, Result, Run, Size, TestStack, TrialOptions, calls_since, figures, on_stack,
    percentile, poll, providers::SETTLED_WITHIN,
};
use futures::future::try_join_all;
use stand_ins::{CallKind, Outcome, Scripted};
use std::time::Duration;
use uuid::Uuid;

pub(crate) const RUN: Run = on_stack!(measure, |setup, options| {
    let setup = setup.setting("PROVIDER_TRY_SECONDS", budget(options.size).as_secs());
    // A story is mostly waiting, as it is with the real providers; else this machine's own speed is compared.
    match options.size {
        Size::Short => setup,
        Size::Normal | Size::Full => setup.latency("text=1200,image=1800,speech=1500"),
    }
})
.audited();

/// What is hung on whom: the hero's name stands in the request for the text, and in what is read aloud.
const VICTIMS: [(&str, CallKind, Outcome); 3] = [
    ("Stillwater", CallKind::Text, Outcome::Timeout),
    ("Slowdrop", CallKind::Text, Outcome::Drip),
    ("Hushwing", CallKind::Speech, Outcome::Drip),
];

/// Two to three minutes by default; the length of a wait is scaled, not what ends it.
fn budget(size: Size) -> Duration {
    Duration::from_secs(size.pick(5, 5, 20))
}

async fn measure(stack: &TestStack, options: TrialOptions) -> Result<Figures> {
    let beside = options.size.pick(2, 12, 40);
    // Processes are started by what is not measured.
    make_undisturbed(stack, beside).await?;
    let mut undisturbed = make_undisturbed(stack, beside).await?;

    let before = stack.last_call();
    stack
        .stand_ins()
        .script(VICTIMS.map(|(hero, kind, outcome)| Scripted {
            contains: Some(hero.to_owned()),
            ..Scripted::next_of(kind, outcome)
        }));
    let mut victims = Vec::new();
    for (hero, ..) in VICTIMS {
        victims.extend(stack.ask_for(1, hero).await?);
    }
    let others = stack.ask_for(beside, "Emberlight").await?;
    stack.settle(&others, SETTLED_WITHIN).await?;
    stack.settle(&victims, SETTLED_WITHIN).await?;
    // On both sides of what is measured, for the machine may be busier later.
    undisturbed.extend(make_undisturbed(stack, beside).await?);

    let hung = calls_since(stack, before, |call| call.fault.is_some());
    let given_up = try_join_all(hung.iter().map(|call| given_up_after(stack, call.id))).await?;
    let wait = budget(options.size).as_secs_f64();
    let alone = percentile(&times(stack, &undisturbed).await?, 0.95);
    let together = percentile(&times(stack, &others).await?, 0.95);
    // A handful of stories on a busy machine says little of shares; whoever waits for a hung call waits all of its budget.
    let (late, longest) = match options.size {
        Size::Short => (3.0, alone + 0.8 * wait),
        Size::Normal | Size::Full => (1.0, 1.05 * alone),
    };
    Ok(figures! {
        "calls that would never end" => hung.len(), "calls", is VICTIMS.len();
        "given up after, the soonest" => percentile(&given_up, 0.0), "s", at_least wait - 1.0;
        "given up after, the latest" => percentile(&given_up, 1.0), "s", at_most wait + late,
            beside format!("a budget of {wait} s");
        "hung stories that end ready" => stack.count_overall(&victims, "ready").await?, "stories", is VICTIMS.len();
        "p95 of the stories beside them, to one without them" =>
            together / alone, "x", at_most longest / alone,
            beside format!("{alone:.2} s undisturbed");
    })
}

async fn make_undisturbed(stack: &TestStack, beside: usize) -> Result<Vec<Uuid>> {
    let stories = stack.ask_for(beside + VICTIMS.len(), "Emberlight").await?;
    stack.settle(&stories, SETTLED_WITHIN).await?;
    Ok(stories)
}

/// Seconds from a call's arrival until its client went away.
async fn given_up_after(stack: &TestStack, id: u64) -> Result<f64> {
    poll(
        "a hung call has ended",
        Duration::from_secs(10),
        async || {
            let calls = stack.stand_ins().calls();
            let call = calls.iter().find(|call| call.id == id);
            let took = call
                .and_then(|call| Some(call.ended_unix_ms?.saturating_sub(call.started_unix_ms)));
            Ok(took.map(|milliseconds| milliseconds as f64 / 1000.0))
        },
    )
    .await
}

/// Seconds from asking to settled, of each story.
async fn times(stack: &TestStack, stories: &[Uuid]) -> Result<Vec<f64>> {
    stack
        .sql("select extract(epoch from asset_generation_completed_at - created_at)::float8 from public.stories where id = any ($1)")
        .bind(stories)
        .column()
        .await
}
