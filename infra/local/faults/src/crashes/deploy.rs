//! F28: a new version starts while stories run: every process is told to end, and hands back what it holds.

use crate::prelude::*;
use std::collections::BTreeSet;

pub(crate) const RUN: Run = on_stack!(measure, |setup, _| setup
    .latency("text=60,image=800,speech=300"))
.audited();

/// A picture under way.
const DRAWN: &str = "status = 'generating' and lease_owner not like 'claim:%' and asset_type in ('cover', 'scene_1', 'scene_4')";

/// How the processes of the old version left.
#[derive(Clone, Copy, Debug, Default)]
struct Departure {
    held: usize,
    last_claim: Duration,
    leases_back: Duration,
}

async fn measure(stack: &TestStack, options: TrialOptions) -> Result<Figures> {
    let stories = stack
        .ask_for(options.size.pick(3, 30, 100), "Dunlin")
        .await?;
    let mut departures = Vec::new();
    for _ in 0..options.size.pick(1, 2, 4) {
        until("a picture is drawn", stack.patience, async || {
            Ok(stack.count_jobs(&stories, DRAWN).await? > 0)
        })
        .await?;
        departures.push(replace_processes(stack).await?);
    }
    stack.settle(&stories, stack.patience).await?;

    let functions = stack.emulator().metrics().functions;
    let crashes = ["content-agent", "asset-worker"]
        .map(|name| functions.get(name).map_or(0, |of| of.crashes));
    let slowest =
        |of: fn(&Departure) -> Duration| departures.iter().map(of).max().unwrap_or_default();
    Ok(figures! {
        "jobs the old version held" => departures.iter().map(|one| one.held).sum::<usize>(), "jobs", at_least 1;
        "last claim of the old version after SIGTERM" => slowest(|one| one.last_claim), "s", at_most options.size.pick(3, 1, 1);
        "until its last lease was back" => slowest(|one| one.leases_back), "s", at_most options.size.pick(4, 2, 2);
        "invocations cut off" => crashes.into_iter().sum::<u64>(), "invocations", is 0;
    }
    .and(stack.not_ready().await?))
}

async fn replace_processes(stack: &TestStack) -> Result<Departure> {
    let emulator = stack.emulator();
    let busy = stack.busy(Some("content-agent")).into_iter();
    let old: Vec<String> = busy.map(|(_, request)| request).collect();
    for function in ["content-agent", "asset-worker"] {
        emulator
            .replace_instances(function)
            .context("replace the processes")?;
    }
    let told = Instant::now();
    let mut known = leases_of(stack, &old).await?;
    let held = known.len();
    let mut last_claim = Duration::ZERO;
    while told.elapsed() < stack.patience {
        let now = leases_of(stack, &old).await?;
        if !now.is_subset(&known) {
            last_claim = told.elapsed();
            known.extend(&now);
        }
        if now.is_empty() {
            return Ok(Departure {
                held,
                last_claim,
                leases_back: told.elapsed(),
            });
        }
        tokio::time::sleep(Duration::from_millis(15)).await;
    }
    stuck("the leases of the old version never came back")
}

/// The leases these invocations hold.
async fn leases_of(stack: &TestStack, requests: &[String]) -> Result<BTreeSet<Uuid>> {
    let tokens = stack.query("leases of invocations").bind(requests);
    Ok(tokens.column().await?.into_iter().collect())
}
