//! That the test API notices an answer that is not as `openapi.json` says.

use crate::test_api::contract::{Answered, find_deviations};
use serde_json::{Value, json};

fn deviations(method: &str, path: &str, status: u16, more: &[(&str, &str)], body: Value) -> String {
    let usual = [("content-type", "application/json"), ("x-request-id", "1")];
    let headers = usual.iter().chain(more);
    let answered = Answered {
        method,
        path,
        status,
        headers: headers
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        body: Some(body),
    };
    find_deviations(&answered).join("; ")
}

fn list() -> Value {
    json!({"success": true, "data": {"characters": [], "limit": 20, "offset": 0, "hasMore": false}})
}

fn failure(code: &str) -> Value {
    json!({"success": false, "error": "a", "code": code, "message": "b"})
}

#[test]
fn answers_as_described_pass() {
    let page = "/api/v1/characters?limit=20";
    assert_eq!(deviations("GET", page, 200, &[], list()), "");
    let away = deviations(
        "GET",
        page,
        503,
        &[("retry-after", "2")],
        failure("SERVICE_UNAVAILABLE"),
    );
    assert_eq!(away, "");
    let allow = [("allow", "GET,HEAD")];
    let wrong = deviations("PUT", page, 405, &allow, failure("METHOD_NOT_ALLOWED"));
    assert_eq!(wrong, "");
}

#[test]
fn whatever_is_missing_unknown_or_of_another_kind_is_noticed() {
    let page = "/api/v1/characters";
    let mut more = list();
    more["data"]["secret"] = json!(1);
    let mut less = list();
    less["data"].as_object_mut().unwrap().remove("limit");
    let mut other = list();
    other["data"]["hasMore"] = json!("no");
    for body in [more, less, other, failure("SERVICE_UNAVAILABLE")] {
        assert_ne!(deviations("GET", page, 200, &[], body), "");
    }
    for (status, headers, body) in [
        (201, &[][..], list()),
        (200, &[("idempotency-replayed", "true")], list()),
        (503, &[], failure("SERVICE_UNAVAILABLE")),
        (
            401,
            &[("www-authenticate", "Bearer")],
            failure("NO_SUCH_CODE"),
        ),
    ] {
        assert_ne!(
            deviations("GET", page, status, headers, body),
            "",
            "{status}"
        );
    }
    assert_ne!(deviations("GET", "/api/v1/wings", 200, &[], list()), "");
}
