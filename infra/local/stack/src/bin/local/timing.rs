//! What a story cost: the share of its time without a provider call in flight, round trips, invocations, GB-seconds.

use super::running::Running;
use serde_json::Value;
use std::{
    fmt::Write,
    time::{SystemTime, UNIX_EPOCH},
};

pub(super) fn now_unix_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |now| u64::try_from(now.as_millis()).unwrap_or(u64::MAX))
}

/// Readings of a running stack.
pub(super) struct Figures {
    calls: Vec<(u64, u64)>,
    round_trips: u64,
    invocations: u64,
    gb_seconds: f64,
}

impl Figures {
    /// `None` where a part does not tell, such as a real provider.
    pub(super) async fn read(running: &Running) -> Option<Self> {
        let lambda = json(&format!("{}/_local/metrics", running.variable("API_URL"))).await?;
        let rest = json(&format!(
            "{}/_local/rest-metrics",
            running.variable("SUPABASE_URL")
        ))
        .await?;
        let mut calls = Vec::new();
        for stand_in in ["STANDIN_OPENAI_URL", "STANDIN_ELEVENLABS_URL"] {
            let list = json(&format!("{}/_local/calls", running.variable(stand_in))).await?;
            let list = list["calls"].as_array().or(list.as_array())?.clone();
            calls.extend(list.iter().filter_map(|call| {
                Some((
                    call["startedUnixMs"].as_u64()?,
                    call["endedUnixMs"].as_u64()?,
                ))
            }));
        }
        calls.sort_unstable();
        calls.dedup();
        let functions = lambda["functions"].as_object()?;
        let sum = |field: &str| {
            functions
                .values()
                .filter_map(|function| function[field].as_f64())
                .sum::<f64>()
        };
        Some(Self {
            calls,
            round_trips: rest["total"].as_u64()?,
            invocations: sum("invocations") as u64,
            gb_seconds: sum("gbSeconds"),
        })
    }

    /// The report of what happened since `before`, one line a figure.
    pub(super) fn since(&self, before: &Self, began_unix_ms: u64, ended_unix_ms: u64) -> String {
        let wall = ended_unix_ms.saturating_sub(began_unix_ms).max(1);
        let idle = wall.saturating_sub(busy_ms(&self.calls, began_unix_ms, ended_unix_ms));
        let mut report = String::new();
        let _ = writeln!(
            report,
            "  {:.1} % of that time passed without a provider call in flight ({idle} of {wall} ms).",
            idle as f64 * 100.0 / wall as f64
        );
        let _ = writeln!(
            report,
            "  {} round trips to PostgREST, {} invocations, {:.2} GB-seconds.",
            self.round_trips - before.round_trips,
            self.invocations - before.invocations,
            self.gb_seconds - before.gb_seconds
        );
        report
    }
}

/// Milliseconds between `from` and `to` that some interval covers. `calls` are sorted by their begin.
fn busy_ms(calls: &[(u64, u64)], from: u64, to: u64) -> u64 {
    let mut covered_until = from;
    let mut busy = 0;
    for &(began, ended) in calls {
        let began = began.max(covered_until);
        let ended = ended.min(to);
        if ended > began {
            busy += ended - began;
            covered_until = ended;
        }
    }
    busy
}

async fn json(url: &str) -> Option<Value> {
    reqwest::get(url).await.ok()?.json().await.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlapping_calls_count_once_and_the_time_outside_not_at_all() {
        assert_eq!(
            busy_ms(&[(0, 10), (5, 20), (30, 40), (90, 200)], 0, 100),
            20 + 10 + 10
        );
        assert_eq!(busy_ms(&[(0, 50)], 20, 40), 20);
        assert_eq!(busy_ms(&[], 0, 100), 0);
    }
}
