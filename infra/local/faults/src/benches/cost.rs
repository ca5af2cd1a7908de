//! What a story is billed for: invocations, and memory times time at the real latencies.

use crate::benches::pace::{Pace, REAL_PATH_SECONDS};
use crate::{benches::batch, prelude::*};
use stack::lambda::InvocationRecord;

pub(crate) const RUN: Run = on_stack!(measure, |setup, _| setup.deployed());

/// Of an invocation a story at 256 MB that adds nothing to the critical path: 85.1 s x 0.25 GB.
const IDEAL_GB_SECONDS: f64 = REAL_PATH_SECONDS * 0.25;
/// The aim of one invocation a story.
const GB_SECONDS_MAX: f64 = 31.0;
/// One request by a person, one event to the content agent. Nobody wakes the worker for a story that goes well.
const INVOCATIONS_MAX: f64 = 2.0;

async fn measure(stack: &TestStack, options: TrialOptions) -> Result<Figures> {
    let askers = batch::askers(stack, 1).await?;
    batch::warm_up(stack, &askers).await?;
    stack.stand_ins().set_latency(Pace::ALONE.latency());
    let (mut invocations, mut gb_seconds, mut peak_mb) = (Vec::new(), Vec::new(), 0.0_f64);
    for _ in 0..options.size.pick(1, 3, 10) {
        let records_before = stack.emulator().invocations().len();
        let batch = batch::make(stack, &askers, Pace::ALONE.patience()).await?;
        let ideal_seconds = batch.made.iter().map(|made| made.ideal_ms).sum::<f64>() / 1000.0;
        invocations.push(batch.invocations as f64);
        let records = stack.emulator().invocations();
        let records = &records[records_before..];
        // Only waiting for the providers grows with their latency; what is ours is billed as it was measured.
        let of_agent = |record: &&InvocationRecord| record.function == "content-agent";
        let waiting = records
            .iter()
            .find(of_agent)
            .map_or(f64::INFINITY, |record| {
                f64::from(record.memory_mb) / 1024.0 * (REAL_PATH_SECONDS - ideal_seconds)
            });
        let billed: f64 = records.iter().map(|record| record.gb_seconds()).sum();
        gb_seconds.push(billed + waiting);
        peak_mb = records
            .iter()
            .filter_map(|record| record.max_memory_mb)
            .fold(peak_mb, f64::max);
    }
    Ok(figures! {
        "invocations a story" => percentile(&invocations, 0.5), "", at_most INVOCATIONS_MAX,
            beside "the documents 9, and the API's";
        "billed a story, at the real latencies" => percentile(&gb_seconds, 0.5), "GB-s", at_most GB_SECONDS_MAX,
            beside format!("{IDEAL_GB_SECONDS:.1} if nothing were added; the documents 347; `memory` shows many stories in one environment");
        "resident at most, one story" => peak_mb, "MB", at_most 256;
    })
}
