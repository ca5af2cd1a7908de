//! F14: a provider that fails now and then, and one that is down: what succeeds, and how soon it is left alone.

use crate::providers::company::{Company, after_the_text, calls, last_call};
use stack::lambda::LogLine;
use stand_ins::{CallRecord, FaultProfile, Outcome};

use crate::{Figures, Ground, Order, Running, Size, Trial, TrialError};
use stack::stack::Stack;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::broadcast::{Receiver, error::RecvError};

pub(crate) const CIRCUIT: Trial = Trial {
    name: "circuit",
    settles: &["F14"],
    question: "3 of 10 calls fail, then all: nearly every asset is made, and a provider that is down is left alone but for one probe",
    run,
};

/// The goal: no more failures than these before it is open, calls under way included.
const FAILURES_MAX: f64 = 10.0;
/// What the product logs as the circuit opens.
const LEFT_ALONE: &str = "Provider is left alone";
/// Longest it may take to open, and to probe.
const PATIENCE: Duration = Duration::from_secs(240);
/// From a job that becomes due to its first call: the worker's dispatch.
const DISPATCH: Duration = Duration::from_secs(4);

fn run(order: Order) -> Running {
    Box::pin(async move {
        // What is demanded of the probe is its default of 25 s; the short forms scale it.
        let probe_after = Duration::from_secs(order.size.pick(2, 5, 25));
        let stack = Ground::new("circuit", order)?
            .setting("PROVIDER_PROBE_SECONDS", probe_after.as_secs())
            .start()
            .await?;
        let figures = measured(&stack, order, probe_after).await;
        stack.stop().await;
        figures
    })
}

async fn measured(
    stack: &Stack,
    order: Order,
    probe_after: Duration,
) -> Result<Figures, TrialError> {
    let mut company = Company::on(stack).await?;
    // First, while there is one process only.
    let mut figures = down(stack, &mut company, order.size, probe_after).await?;
    figures.extend(now_and_then(stack, &mut company, order.size).await?);
    figures.extend(company.audited().await?);
    Ok(figures)
}

/// OpenAI goes down in the middle of one story and comes back after the circuit has opened and some probes have failed.
async fn down(
    stack: &Stack,
    company: &mut Company<'_>,
    size: Size,
    probe_after: Duration,
) -> Result<Figures, TrialError> {
    let probes_that_fail = size.pick(0, 1, 1);
    let before = last_call(stack);
    let log = stack.emulator().log_lines();
    stack
        .stand_ins()
        .script(after_the_text(Outcome::Overloaded));
    let story = company.ask(1, "Gustfeather").await?;
    let failed = |stack: &Stack| -> Vec<CallRecord> {
        let mut failed = calls(stack, before, |call| {
            call.fault.is_some() && !call.in_flight
        });
        failed.sort_by_key(|call| call.ended_unix_ms);
        failed
    };
    let opened_at = opening(log).await?;
    let began = Instant::now();
    let probed = || {
        let failed = failed(stack);
        let probes = failed
            .iter()
            .filter(|call| is_probe(call, opened_at, probe_after));
        probes.count()
    };
    while probed() < probes_that_fail {
        if began.elapsed() > PATIENCE {
            return Err(TrialError::Stuck("no probe failed".to_owned()));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stack.stand_ins().clear_script();
    company.settled(&story).await?;

    let failed = failed(stack);
    let until_open = failed
        .iter()
        .filter(|call| !is_probe(call, opened_at, probe_after))
        .count();
    let later = calls(stack, before, |call| {
        call.provider == "openai" && is_probe(call, opened_at, probe_after)
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
    let mut figures = Figures::default();
    figures
        .at_most(
            "failures until the circuit is open",
            until_open as f64,
            "calls",
            FAILURES_MAX,
        )
        .at_least(
            "left alone for",
            quiet,
            "s",
            probe_after.as_secs_f64() * 0.95,
        )
        .at_most(
            "until the probe",
            quiet,
            "s",
            (probe_after + DISPATCH).as_secs_f64(),
        )
        .beside(format!(
            "a pause of {} s by its setting",
            probe_after.as_secs()
        ))
        .exactly(
            "calls beside a probe",
            beside_probes.count() as f64,
            "calls",
            0.0,
        )
        .exactly(
            "ready all the same",
            company.ended(&story, "ready").await?,
            "stories",
            1.0,
        );
    Ok(figures)
}

/// The moment at which a content agent says that it leaves its provider alone, in milliseconds since 1970.
async fn opening(mut log: Receiver<LogLine>) -> Result<u64, TrialError> {
    let said = async {
        loop {
            match log.recv().await {
                Ok(line) if line.text.contains(LEFT_ALONE) => return Ok(()),
                Ok(_) | Err(RecvError::Lagged(_)) => (),
                Err(RecvError::Closed) => {
                    return Err(TrialError::Stuck("the log ended".to_owned()));
                }
            }
        }
    };
    tokio::time::timeout(PATIENCE, said)
        .await
        .map_err(|_| TrialError::Stuck("the circuit did not open".to_owned()))??;
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
    Ok(since_1970.unwrap_or_default().as_millis() as u64)
}

/// Whether a call was sent after the circuit was open, and not in the moment in which it opened.
fn is_probe(call: &CallRecord, opened_at: u64, probe_after: Duration) -> bool {
    // Nothing but an attempt that was admitted before lies in between.
    call.started_unix_ms > opened_at + probe_after.as_millis() as u64 / 2
}

/// Three of ten calls fail, in every way a provider that is in trouble has, for as long as these stories take.
async fn now_and_then(
    stack: &Stack,
    company: &mut Company<'_>,
    size: Size,
) -> Result<Figures, TrialError> {
    let before = last_call(stack);
    stack.stand_ins().set_faults(FaultProfile {
        server_error: 0.1,
        bad_gateway: 0.1,
        reset: 0.1,
        ..FaultProfile::default()
    });
    let began = Instant::now();
    let mut stories = Vec::new();
    loop {
        let wave = company.ask(size.pick(2, 12, 20), "Pebblefin").await?;
        company.settled(&wave).await?;
        stories.extend(wave);
        if size < Size::Full || began.elapsed() > Duration::from_secs(600) {
            break;
        }
    }
    stack.stand_ins().set_faults(FaultProfile::default());
    let all = calls(stack, before, |_| true);
    let failed = all.iter().filter(|call| call.fault.is_some()).count();
    let ready = company.jobs(&stories, "ready", None).await?;
    let mut figures = Figures::default();
    figures
        .told(
            "calls that failed",
            100.0 * failed as f64 / all.len() as f64,
            "%",
        )
        .beside(format!(
            "of {}, while {} stories were made",
            all.len(),
            stories.len()
        ))
        .at_least(
            "assets made all the same",
            100.0 * ready / (9 * stories.len()) as f64,
            "%",
            99.0,
        )
        .beside("4 tries a call, 3 or 4 attempts a job");
    Ok(figures)
}
