//! Envelopes as a server of Sentry's gets them, and what none of them holds.

use super::*;
use crate::telemetry::json_lines::JsonLines;
use axum::{Router, extract::State, http::HeaderMap};
use tracing_subscriber::layer::SubscriberExt;

type Heard = Arc<Mutex<Vec<(HeaderMap, String)>>>;

/// A server that answers so, and what it heard.
async fn sentry(status: u16, sample_rate: f64) -> (Arc<Reports>, Heard) {
    let heard = Heard::default();
    let take = async move |State(heard): State<Heard>, headers: HeaderMap, body: String| {
        heard.lock().unwrap().push((headers, body));
        let answer = axum::http::Response::builder().status(status);
        answer
            .header("retry-after", "30")
            .body(String::new())
            .unwrap()
    };
    let router = Router::new()
        .route("/api/7/envelope/", axum::routing::post(take))
        .with_state(heard.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let dsn = format!("http://k3y@{address}/7").parse().unwrap();
    let reports = Reports::new(dsn, "content-agent", "staging".to_owned(), sample_rate);
    (Arc::new(reports), heard)
}

/// What was heard of the errors that `work` logs.
async fn told(
    reports: &Arc<Reports>,
    heard: &Heard,
    work: impl FnOnce(),
) -> Vec<(HeaderMap, String)> {
    let slot = Box::leak(Box::new(OnceLock::from(Arc::clone(reports))));
    let lines = JsonLines::new(std::io::sink).reporting(slot);
    tracing::subscriber::with_default(tracing_subscriber::registry().with(lines), work);
    let mut under_way = reports.under_way.subscribe();
    under_way.wait_for(|count| *count == 0).await.unwrap();
    std::mem::take(&mut heard.lock().unwrap())
}

#[tokio::test]
async fn an_error_is_one_envelope_with_tags_and_nothing_of_a_person() {
    let (reports, heard) = sentry(200, 1.0).await;
    let told = told(&reports, &heard, || {
        let request = tracing::error_span!("request", requestId = "r-1", userId = "u-1", storyId = "s-1");
        let _request = request.enter();
        let job = tracing::error_span!("job", jobId = "j-1", assetType = "pdf");
        job.in_scope(|| {
            let error = "could not upload: https://s3.example.com/a?X-Amz-Signature=5 for ember@example.com: closed";
            tracing::error!(target: "AssetGenerationPipeline", error, code = "BOOK_FAILED", title = "Ember", "Asset generation failed");
        });
    })
    .await;
    let [(headers, envelope)] = &told[..] else {
        panic!("one envelope: {}", told.len());
    };
    assert_eq!(headers["content-type"], "application/x-sentry-envelope");
    let auth = headers["x-sentry-auth"].to_str().unwrap();
    let client =
        format!("Sentry sentry_version=7, sentry_key=k3y, sentry_client=storytailor/{VERSION}");
    assert_eq!(auth, client);

    let lines: Vec<Value> = envelope
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let [head, item, event] = &lines[..] else {
        panic!("three lines: {envelope}");
    };
    let id = event["event_id"].as_str().unwrap();
    assert!(
        id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "{id}"
    );
    let moment = event["timestamp"].as_str().unwrap();
    assert!(moment.ends_with('Z'), "{moment}");
    assert_eq!(*head, json!({"event_id": id, "sent_at": moment}));
    let length = envelope.lines().nth(2).unwrap().len();
    assert_eq!(
        *item,
        json!({"type": "event", "content_type": "application/json", "length": length})
    );
    assert_eq!(
        *event,
        json!({
            "event_id": id, "timestamp": moment, "platform": "other", "level": "error",
            "logger": "AssetGenerationPipeline", "transaction": "content-agent",
            "release": format!("storytailor@{VERSION}+{COMMIT}"), "environment": "staging",
            "exception": {"values": [{"type": "Asset generation failed",
                "value": "could not upload: https://s3.example.com/a for … closed",
                "mechanism": {"type": "log", "handled": true}}]},
            "fingerprint": ["content-agent", "Asset generation failed", "BOOK_FAILED"],
            "tags": {"requestId": "r-1", "storyId": "s-1", "jobId": "j-1", "assetType": "pdf", "code": "BOOK_FAILED",
                "function": "content-agent", "version": VERSION},
            "sdk": {"name": "storytailor", "version": VERSION, "settings": {"infer_ip": "never"}},
        })
    );
}

#[tokio::test]
async fn what_is_known_or_no_error_is_not_told_and_a_panic_is() {
    let (reports, heard) = sentry(200, 1.0).await;
    let told = told(&reports, &heard, || {
        for code in KNOWN {
            tracing::error!(code, "Asset generation failed");
        }
        tracing::error!(reason = "Timeout", model = "m", "m failed: Timeout");
        tracing::error!(
            provider = "openai",
            cause = "Outage",
            "Provider is left alone for a while"
        );
        tracing::warn!(code = "INTERNAL", "Asset generation failed, trying again");
        tracing::error!(
            error = "no holder panics",
            location = "a.rs:1:2",
            "A thread panicked"
        );
    })
    .await;
    let [(_, envelope)] = &told[..] else {
        panic!("one envelope: {}", told.len());
    };
    let event: Value = serde_json::from_str(envelope.lines().nth(2).unwrap()).unwrap();
    assert_eq!(
        (&event["level"], &event["tags"]["location"]),
        (&json!("fatal"), &json!("a.rs:1:2"))
    );
}

#[tokio::test]
async fn a_share_is_sent_no_more_than_a_few_at_once_and_none_while_there_are_too_many() {
    let fail = |times: usize| move || (0..times).for_each(|_| tracing::error!("Invocation failed"));
    let (reports, heard) = sentry(200, 0.0).await;
    assert_eq!(told(&reports, &heard, fail(20)).await.len(), 0);
    let (reports, heard) = sentry(200, 1.0).await;
    assert_eq!(told(&reports, &heard, fail(20)).await.len(), AT_ONCE_MAX);
    let (reports, heard) = sentry(429, 1.0).await;
    assert_eq!(told(&reports, &heard, fail(1)).await.len(), 1);
    assert_eq!(told(&reports, &heard, fail(1)).await.len(), 0);
}

#[tokio::test]
async fn a_server_that_never_answers_holds_nobody_up_for_long() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let dsn = format!("http://k3y@{address}/7").parse().unwrap();
    let reports = Arc::new(Reports::new(
        dsn,
        "content-agent",
        "staging".to_owned(),
        1.0,
    ));
    reports.note(&Fields::of([("message", "x".into())]), "", "t");
    assert_eq!(*reports.under_way.borrow(), 1);
    let began = Instant::now();
    reports.sent().await;
    assert!(began.elapsed() < ANSWERED_WITHIN, "{:?}", began.elapsed());
    assert_eq!(*reports.under_way.borrow(), 1, "it is still on its way");
}
