//! One delivery of an event, as Standard Webhooks: signed anew for each try, under the id that all tries have.

use runtime::{
    PublicWeb, chain,
    signing::{SigningKey, WebhookMessage},
};
use serde_json::{Value, json};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use store::{DeliveryResult, DueDelivery, WebhookEvent};
use url::Url;

/// With the note that follows, shorter than a lease.
const ANSWERED_WITHIN: Duration = Duration::from_secs(10);

/// Whoever answers with anything but 2xx has not taken it; what it answers beyond that is not read.
pub(super) async fn deliver(
    web: &PublicWeb,
    app: Option<&Url>,
    due: &DueDelivery,
) -> DeliveryResult {
    let began = Instant::now();
    let id = due.id.to_string();
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let timestamp = now.unwrap_or_default().as_secs().to_string();
    let body = body(due, app).to_string();
    let keys = due
        .secrets
        .iter()
        .filter_map(|secret| SigningKey::of_webhooks(secret))
        .collect::<Vec<_>>();
    let signature = WebhookMessage {
        id: &id,
        timestamp: &timestamp,
        body: body.as_bytes(),
    }
    .sign(&keys);
    let headers = [
        ("webhook-id", id),
        ("webhook-timestamp", timestamp),
        ("webhook-signature", signature),
    ];
    let answer = web.post_json(&due.url, &headers, body, ANSWERED_WITHIN);
    let answer = answer.await;
    if let Err(error) = &answer {
        tracing::info!(storyId = %due.story_id, deliveryId = %due.id, error = chain(error), "A webhook had no answer");
    }
    let (status, error) = match answer {
        Ok(status) => (Some(status), None),
        Err(error) => (None, Some(error.to_string())),
    };
    DeliveryResult {
        id: due.id,
        status,
        error,
        duration_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
    }
}

/// Ids, states, times and where to read on; whoever may know more asks there with a token.
fn body(due: &DueDelivery, app: Option<&Url>) -> Value {
    let mut data = due.data.clone();
    if due.event != WebhookEvent::StoryDeleted {
        let story = format!("/api/v1/stories/{}", due.story_id);
        let mut links = json!({"story": story, "status": format!("{story}/assets/status")});
        if let Some(app) = app {
            let page = match due.event {
                WebhookEvent::StoryReady => "read.html",
                _ => "story.html",
            };
            links["page"] = format!("{app}{page}?id={}", due.story_id).into();
        }
        data.insert("links".to_owned(), links);
    }
    json!({"type": due.event, "timestamp": due.created_at, "data": data})
}

#[cfg(test)]
mod tests {
    use super::*;

    const STORY: &str = "00000000-0000-4000-8000-000000000007";

    fn due(event: &str) -> DueDelivery {
        let due = json!({"id": STORY, "url": "https://hooks.example.com/x", "secrets": [], "event": event, "storyId": STORY,
            "createdAt": "2026-11-26T12:00:00+00:00", "data": {"storyId": STORY, "status": "ready"}});
        serde_json::from_value(due).unwrap()
    }

    #[test]
    fn an_event_says_where_to_read_on_and_what_is_gone_is_read_nowhere() {
        let app = "https://example.com/app/".parse().unwrap();
        let ready = body(&due("story.ready"), Some(&app));
        assert_eq!(ready["type"], "story.ready");
        let links = &ready["data"]["links"];
        assert_eq!(links["story"], format!("/api/v1/stories/{STORY}"));
        let page = format!("https://example.com/app/read.html?id={STORY}");
        assert_eq!(links["page"], page);
        let partial = body(&due("story.partial"), None);
        assert_eq!(partial["data"]["links"]["page"], Value::Null);
        let gone = body(&due("story.deleted"), Some(&app));
        assert_eq!(gone["data"]["links"], Value::Null);
    }
}
