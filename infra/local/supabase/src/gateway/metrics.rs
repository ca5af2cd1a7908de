//! How often each table and function was called through `/rest/v1`.

use std::{collections::BTreeMap, sync::Arc};

use axum::{Json, extract::State};
use http::Method;
use parking_lot::Mutex;
use serde::Serialize;

/// Counters of `/rest/v1` calls; clones share them.
#[derive(Debug, Clone, Default)]
pub struct RestMetrics(Arc<Mutex<BTreeMap<String, u64>>>);

/// The body of `GET /_local/rest-metrics`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RestCounts {
    /// All calls since the start or the last reset.
    pub total: u64,
    /// Calls by method and target: `POST rpc/claim_asset_jobs`, `GET stories`.
    pub calls: BTreeMap<String, u64>,
}

impl RestMetrics {
    /// The counts so far.
    pub fn counts(&self) -> RestCounts {
        let calls = self.0.lock().clone();
        RestCounts {
            total: calls.values().sum(),
            calls,
        }
    }

    /// Back to zero.
    pub fn clear(&self) {
        self.0.lock().clear();
    }

    /// `path` is what follows `/rest/v1/`.
    pub(crate) fn count(&self, method: &Method, path: &str) {
        let target = format!("{method} {}", path.trim_matches('/'));
        *self.0.lock().entry(target).or_default() += 1;
    }
}

pub(crate) async fn show(State(metrics): State<RestMetrics>) -> Json<RestCounts> {
    Json(metrics.counts())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_by_method_and_target() {
        let metrics = RestMetrics::default();
        metrics.count(&Method::POST, "/rpc/claim_asset_jobs");
        metrics.count(&Method::POST, "/rpc/claim_asset_jobs");
        metrics.count(&Method::GET, "/stories");
        let counts = metrics.counts();
        assert_eq!(counts.total, 3);
        assert_eq!(counts.calls["POST rpc/claim_asset_jobs"], 2);
        assert_eq!(counts.calls["GET stories"], 1);
    }
}
