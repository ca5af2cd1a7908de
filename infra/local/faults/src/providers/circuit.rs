//! F14: a provider that fails now and then, and one that is down: what succeeds, and how soon it is left alone.

use crate::{prelude::*, providers::SETTLED_WITHIN};
use stand_ins::{CallKind, CallRecord, FaultProfile, Outcome};
use std::time::SystemTime;

pub(crate) const RUN: Run = on_stack!(measure, |setup, options| setup
    .setting("PROVIDER_PROBE_SECONDS", pause(options.size).as_secs()))
.audited();

/// The goal: no more failures than these before it is open, calls under way included.
const FAILURES_MAX: f64 = 10.0;
/// What the product logs as the circuit opens.
const LEFT_ALONE: &str = "Provider is left alone";
/// From a job that becomes due to its first call: the worker's dispatch.
const DISPATCH: Duration = Duration::from_secs(4);

/// What is demanded of the probe is its default of 25 s; the short forms scale it.
fn pause(size: Size) -> Duration {
    Duration::from_secs(size.pick(2, 5, 25))
}

async fn measure(stack: &TestStack, options: TrialOptions) -> Result<Figures> {
    // First, while there is one process only.
    let figures = take_down(stack, options.size).await?;
    Ok(figures.and(disturb(stack, options.size).await?))
}

/// OpenAI goes down in the middle of one story and comes back after the circuit has opened and some probes have failed.
async fn take_down(stack: &TestStack, size: Size) -> Result<Figures> {
    let (pause, probes_that_fail) = (pause(size), size.pick(0, 1, 1));
    let before = stack.last_call();
    stack.script_after_the_text(Outcome::Overloaded);
    let story = stack.ask_for(1, "Gustfeather").await?;
    let asker = story[0].to_string();
    until("the circuit is open", stack.patience, async || {
        stack.has_logged(&asker, &[LEFT_ALONE])
    })
    .await?;
    let opened_at = unix_ms(SystemTime::now()) as u64;
    // Sent after the circuit was open, and not in the moment in which it opened: nothing but an attempt that was admitted
    // before lies in between.
    let is_probe =
        |call: &CallRecord| call.started_unix_ms > opened_at + pause.as_millis() as u64 / 2;
    let failed = || {
        calls_since(stack, before, |call| {
            call.fault.is_some() && !call.in_flight
        })
    };
    until("probes fail", stack.patience, async || {
        Ok(failed().iter().filter(|call| is_probe(call)).count() >= probes_that_fail)
    })
    .await?;
    stack.stand_ins().clear_script();
    stack.settle(&story, SETTLED_WITHIN).await?;

    let until_open = failed().iter().filter(|call| !is_probe(call)).count();
    let later = calls_since(stack, before, |call| {
        // What a probe tells is looked at by moderation, which is free and behind no circuit.
        call.provider == "openai" && call.kind != CallKind::Moderation && is_probe(call)
    });
    let quiet = later.first().map_or(f64::NAN, |call| {
        call.started_unix_ms.saturating_sub(opened_at) as f64 / 1000.0
    });
    let beside_probes = later.iter().filter(|call| {
        later.iter().take(1 + probes_that_fail).any(|probe| {
            call.id != probe.id
                && call.started_unix_ms >= probe.started_unix_ms
                && call.started_unix_ms < probe.ended_unix_ms.unwrap_or(u64::MAX)
        })
    });
    Ok(figures! {
        "failures until the circuit is open" => until_open, "calls", at_most FAILURES_MAX;
        "left alone for" => quiet, "s", at_least pause.as_secs_f64() * size.pick(0.6, 0.95, 0.95);
        "until the probe" => quiet, "s", at_most pause + DISPATCH * size.pick(5, 1, 1),
            beside format!("a pause of {} s by its setting", pause.as_secs());
        "calls beside a probe" => beside_probes.count(), "calls", is 0;
        "ready all the same" => stack.count_overall(&story, "ready").await?, "stories", is 1;
    })
}

/// Three of ten calls fail, in every way a provider that is in trouble has, for as long as these stories take.
async fn disturb(stack: &TestStack, size: Size) -> Result<Figures> {
    let before = stack.last_call();
    let trouble = "500=0.1,502=0.1,reset=0.1".parse();
    let trouble: FaultProfile = trouble.context("read shares of faults")?;
    stack.stand_ins().set_faults(trouble);
    let began = Instant::now();
    let mut stories = Vec::new();
    loop {
        let wave = stack.ask_for(size.pick(2, 12, 20), "Pebblefin").await?;
        stack.settle(&wave, SETTLED_WITHIN).await?;
        stories.extend(wave);
        if size < Size::Full || began.elapsed() > Duration::from_secs(600) {
            break;
        }
    }
    stack.stand_ins().set_faults(FaultProfile::default());
    let all = calls_since(stack, before, |_| true);
    let failed = all.iter().filter(|call| call.fault.is_some()).count();
    let ready = stack.count_jobs(&stories, "status = 'ready'").await?;
    Ok(figures! {
        "calls that failed" => 100.0 * failed as f64 / all.len() as f64, "%",
            beside format!("of {}, while {} stories were made", all.len(), stories.len());
        "assets made all the same" => 100.0 * ready as f64 / (9 * stories.len()) as f64, "%", at_least 99,
            beside "4 tries a call, 3 or 4 attempts a job";
    })
}
