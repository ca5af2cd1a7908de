//! The database in memory: what is reported of jobs. And moderation, which sees nothing wrong but where it is told to.

use super::{PreviewEnd, Seen};
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
        "claim_sheet" => {
            let nothing = json!({"leased": null, "more": false});
            axum::Json(seen.web.sheets.pop_front().unwrap_or(nothing)).into_response()
        }
        "note_sheet" => {
            seen.web.noted_sheets.push(body);
            axum::Json(json!({"accepted": !seen.web.refuses_notes})).into_response()
        }
        other => unreachable!("{other} is not called here"),
    }
}

pub(super) fn moderate(seen: &mut Seen, body: &[u8]) -> Response {
    let body: Value = serde_json::from_slice(body).unwrap();
    let input = body["input"].as_array().unwrap();
    let is_picture = input[0]["image_url"].is_object();
    seen.moderated += usize::from(is_picture);
    seen.web.moderated.clone_from(&body);
    let is_unsafe = is_picture && seen.previews == Some(PreviewEnd::Refused);
    let results = input
        .iter()
        .map(|_| json!({"category_scores": {"violence": f64::from(u8::from(is_unsafe))}}));
    axum::Json(json!({"results": results.collect::<Vec<_>>()})).into_response()
}
