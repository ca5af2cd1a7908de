//! The database in memory: what is reported of jobs.

use super::Seen;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

pub(super) fn answer(seen: &mut Seen, function: &str, body: &[u8]) -> Response {
    let body: Value = serde_json::from_slice(body).unwrap();
    match function {
        "report_progress" | "extend_leases" => {
            seen.reports.push(body);
            axum::Json(json!({"lost": []})).into_response()
        }
        "fail_job" => {
            seen.failures.push(body);
            axum::Json(json!({"accepted": true})).into_response()
        }
        "complete_job" => {
            seen.completions.push(body);
            let settled = seen.settlements.pop_front();
            axum::Json(settled.unwrap_or(json!({"accepted": true}))).into_response()
        }
        "release_job" => {
            seen.releases.push(body);
            axum::Json(json!({"accepted": true})).into_response()
        }
        "claim_references" => {
            let nothing = json!({"leased": [], "states": {}, "more": false});
            axum::Json(seen.web.leases.pop_front().unwrap_or(nothing)).into_response()
        }
        "note_references" => {
            seen.web.notes.push(body);
            let accepted = !seen.web.refuses_notes;
            axum::Json(json!({"accepted": accepted, "more": false})).into_response()
        }
        other => unreachable!("{other} is not called here"),
    }
}
