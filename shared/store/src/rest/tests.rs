//! Repetitions, their budget, and answers that are none.

use super::*;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

#[test]
fn a_refusal_is_told_by_its_code_and_keeps_its_detail() {
    let body = br#"{"code":"PT403","message":"QUOTA_EXCEEDED","details":"{\"tier\":\"free\"}","hint":null}"#;
    match refusal_or_failure("create_story", 403, body) {
        StoreError::Refused {
            refusal: Refusal::QuotaExceeded,
            detail,
        } => assert_eq!(detail["tier"], "free"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_deadlock_passes_though_it_is_an_http_500_and_a_bug_does_not() {
    let transient = |body: &[u8]| refusal_or_failure("claim", 500, body).is_transient();
    assert!(transient(
        br#"{"code":"40P01","message":"deadlock detected"}"#
    ));
    assert!(!transient(
        br#"{"code":"XX000","message":"internal error"}"#
    ));
    assert!(refusal_or_failure("claim", 503, b"<html>").is_transient());
}

#[test]
fn a_server_that_starts_or_was_failed_over_is_waited_for() {
    let transient = |body: &[u8]| refusal_or_failure("claim", 400, body).is_transient();
    for body in [
        r#"{"code":"0A000","message":"cannot set transaction read-write mode during recovery"}"#,
        r#"{"code":"25006","message":"cannot execute UPDATE in a read-only transaction"}"#,
        r#"{"code":"57P03","message":"the database system is starting up"}"#,
    ] {
        assert!(transient(body.as_bytes()), "{body}");
    }
    assert!(!transient(
        br#"{"code":"0A000","message":"cannot alter type of a column used by a view"}"#
    ));
}

#[test]
fn what_stands_before_the_database_passes_whatever_it_says() {
    for status in [500, 502, 520, 521, 522, 523, 524, 525, 526, 527, 530, 540] {
        for body in [
            "",
            "<html><h1>Web server is down</h1>",
            r#"{"message":"An unexpected error occurred"}"#,
            r#"{"code":522,"message":"origin"}"#,
            r#"{"code":"project_paused","message":"paused"}"#,
        ] {
            let failure = refusal_or_failure("claim", status, body.as_bytes());
            assert!(failure.is_transient(), "{status} {body}");
        }
    }
    for status in [400, 401, 403, 404, 406] {
        let failure = refusal_or_failure("claim", status, br#"{"message":"Invalid API key"}"#);
        assert!(!failure.is_transient(), "{status}");
    }
}

/// PostgREST that gives these answers one after the other, and the last one from then on; counts them.
async fn answering(answers: Vec<(u16, &'static str)>) -> (Store, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let router = axum::Router::new().fallback(async move || {
        let number = counted.fetch_add(1, Ordering::SeqCst);
        let (status, body) = answers[number.min(answers.len() - 1)];
        (axum::http::StatusCode::from_u16(status).unwrap(), body)
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = RestConfig {
        supabase_url: format!("http://{}", listener.local_addr().unwrap())
            .parse()
            .unwrap(),
        service_role_key: "sb_secret_test".into(),
    };
    tokio::spawn(async move { axum::serve(listener, router).await });
    (Store::new(&config, reqwest::Client::new()).unwrap(), asked)
}

const UNKNOWN_YET: (u16, &str) = (
    404,
    r#"{"code":"PGRST202","message":"not in the schema cache","details":null,"hint":null}"#,
);

#[tokio::test]
async fn a_function_that_the_schema_cache_does_not_know_yet_is_waited_for() {
    for budget in [RetryBudget::Attempts, RetryBudget::Lease] {
        let (store, asked) =
            answering(vec![UNKNOWN_YET, UNKNOWN_YET, UNKNOWN_YET, (200, "7")]).await;
        let answer: u32 = store
            .call_with(budget, "save_story_content", &Value::Null)
            .await
            .unwrap();
        assert_eq!((answer, asked.load(Ordering::SeqCst)), (7, 4));
    }
}

#[tokio::test]
async fn a_function_that_is_not_there_at_all_is_given_up_as_trouble_that_passes() {
    let (store, asked) = answering(vec![UNKNOWN_YET]).await;
    let since = Instant::now();
    let failure = store
        .call::<u32>("create_story", &Value::Null)
        .await
        .unwrap_err();
    assert!(failure.is_transient());
    assert_eq!(asked.load(Ordering::SeqCst), TRY_TIMEOUTS.len());
    // Before a caller of the API, who waits eight seconds, is told.
    assert!(since.elapsed() < Duration::from_secs(8));
}

#[tokio::test]
async fn an_answer_of_cloudflare_is_asked_for_again() {
    let (store, _) = answering(vec![(522, "<html>"), (500, "<html>"), (200, "7")]).await;
    assert_eq!(store.call::<u32>("claim", &Value::Null).await.unwrap(), 7);
}

#[test]
fn a_key_with_a_line_break_is_refused_before_anything_panics() {
    let config = RestConfig {
        supabase_url: "http://127.0.0.1:1".parse().unwrap(),
        service_role_key: "a\nb".into(),
    };
    assert!(Store::new(&config, reqwest::Client::new()).is_err());
}
