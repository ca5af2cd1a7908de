//! Counts, times and GB-seconds, per function and per invocation.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use jiff::Timestamp;
use parking_lot::Mutex;
use serde::Serialize;

use crate::lambda::error::FunctionFailure;

/// Invocation records kept; older ones are forgotten, the totals are not.
const RECORDS_MAX: usize = 50_000;

/// What one invocation cost, as in its `REPORT` line.
#[derive(Debug, Clone, PartialEq)]
pub struct InvocationRecord {
    /// Short name of the function.
    pub function: String,
    pub request_id: String,
    pub started_at: Timestamp,
    /// Milliseconds from handing over the event to the answer.
    pub duration_ms: f64,
    /// Milliseconds paid for: duration and start, each rounded up.
    pub billed_ms: u64,
    /// Milliseconds from the start of the process to its first call for work; only on a cold start.
    pub init_ms: Option<f64>,
    pub memory_mb: u32,
    /// Highest resident memory of the process so far, in MB of 1,048,576 bytes.
    pub max_memory_mb: Option<f64>,
    /// Type of the error, if it failed.
    pub error_type: Option<String>,
}

impl InvocationRecord {
    /// Memory in GB times billed seconds, the unit AWS charges in.
    pub fn gb_seconds(&self) -> f64 {
        f64::from(self.memory_mb) / 1024.0 * self.billed_ms as f64 / 1000.0
    }

    /// The line Lambda writes at the end of an invocation.
    pub(crate) fn report_line(&self) -> String {
        let mut line = format!(
            "REPORT RequestId: {}\tDuration: {:.2} ms\tBilled Duration: {} ms\tMemory Size: {} MB",
            self.request_id, self.duration_ms, self.billed_ms, self.memory_mb
        );
        if let Some(peak) = self.max_memory_mb {
            line += &format!("\tMax Memory Used: {:.0} MB", peak.ceil());
        }
        if let Some(init) = self.init_ms {
            line += &format!("\tInit Duration: {init:.2} ms");
        }
        if let Some(error_type) = &self.error_type {
            line += &format!("\tStatus: error\tError Type: {error_type}");
        }
        line
    }
}

/// Milliseconds AWS bills: since August 2025 the start of the process is billed too.
pub(crate) fn billed_ms(duration: Duration, init: Option<Duration>) -> u64 {
    let rounded_up = |time: Duration| (time.as_secs_f64() * 1000.0).ceil() as u64;
    rounded_up(duration) + init.map_or(0, rounded_up)
}

/// Totals of all functions since the start, by short name.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Metrics {
    pub functions: BTreeMap<String, FunctionMetrics>,
}

/// Totals of one function since the start.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FunctionMetrics {
    pub invocations: u64,
    /// Invocations that ended in an error of any kind.
    pub errors: u64,
    /// Errors because the time was over.
    pub timeouts: u64,
    /// Errors because the process ended.
    pub crashes: u64,
    /// Calls refused because every instance was busy.
    pub throttles: u64,
    pub cold_starts: u64,
    pub gb_seconds: f64,
    /// Processes alive now.
    pub instances: usize,
    /// Most processes alive at one time.
    pub instances_peak: usize,
    pub events: EventMetrics,
}

/// Totals of the asynchronous invocations of one function.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EventMetrics {
    /// Events answered with 202.
    pub accepted: u64,
    /// Second deliveries injected.
    pub duplicated: u64,
    /// Events lost on purpose.
    pub dropped: u64,
    pub dead_lettered: u64,
    /// Deliveries accepted and not yet settled, running ones included.
    pub unsettled: u64,
}

#[derive(Default)]
pub(crate) struct Ledger {
    functions: Mutex<BTreeMap<String, FunctionMetrics>>,
    records: Mutex<VecDeque<InvocationRecord>>,
}

impl Ledger {
    pub(crate) fn change(&self, function: &str, change: impl FnOnce(&mut FunctionMetrics)) {
        let mut functions = self.functions.lock();
        match functions.get_mut(function) {
            Some(totals) => change(totals),
            None => change(functions.entry(function.to_owned()).or_default()),
        }
    }

    pub(crate) fn record(&self, record: InvocationRecord, failure: Option<&FunctionFailure>) {
        self.change(&record.function, |totals| {
            totals.invocations += 1;
            totals.gb_seconds += record.gb_seconds();
            totals.cold_starts += u64::from(record.init_ms.is_some());
            if let Some(failure) = failure {
                totals.errors += 1;
                totals.timeouts += u64::from(failure.error_type == "Sandbox.Timedout");
                totals.crashes += u64::from(failure.error_type == "Runtime.ExitError");
            }
        });
        let mut records = self.records.lock();
        if records.len() == RECORDS_MAX {
            records.pop_front();
        }
        records.push_back(record);
    }

    pub(crate) fn totals(&self) -> Metrics {
        Metrics {
            functions: self.functions.lock().clone(),
        }
    }

    pub(crate) fn records(&self) -> Vec<InvocationRecord> {
        self.records.lock().iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> InvocationRecord {
        InvocationRecord {
            function: "worker".to_owned(),
            request_id: "r1".to_owned(),
            started_at: Timestamp::UNIX_EPOCH,
            duration_ms: 1499.2,
            billed_ms: billed_ms(
                Duration::from_micros(1_499_200),
                Some(Duration::from_micros(499_100)),
            ),
            init_ms: Some(499.1),
            memory_mb: 512,
            max_memory_mb: Some(20.4),
            error_type: None,
        }
    }

    #[test]
    fn half_a_gigabyte_for_two_seconds_is_one_gb_second() {
        assert_eq!(record().billed_ms, 2000);
        assert!((record().gb_seconds() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn the_report_line_reads_as_lambda_writes_it() {
        assert_eq!(
            record().report_line(),
            "REPORT RequestId: r1\tDuration: 1499.20 ms\tBilled Duration: 2000 ms\tMemory Size: 512 MB\
             \tMax Memory Used: 21 MB\tInit Duration: 499.10 ms"
        );
    }

    #[test]
    fn totals_outlive_the_records() {
        let ledger = Ledger::default();
        for _ in 0..=RECORDS_MAX {
            ledger.record(record(), None);
        }
        assert_eq!(ledger.records().len(), RECORDS_MAX);
        assert_eq!(
            ledger.totals().functions["worker"].invocations,
            RECORDS_MAX as u64 + 1
        );
    }
}
