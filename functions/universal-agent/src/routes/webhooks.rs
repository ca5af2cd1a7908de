//! Webhooks: where a user's systems are told that a story ended or is gone, and how that went.

use crate::{
    answer::{Answer, Gone},
    deps::AppState,
    error::ApiError,
    extract::{Body, Checked, Keyed, PageQuery, PathId, PathIds, Posted, SignedIn, given},
    hand_off::wake_notice_sender,
};
use axum::extract::State;
use domain::{DeliveryId, WebhookId, address::public_https, request::InvalidField};
use serde::{Deserialize, Serialize};
use store::{Created, Delivery, Webhook, WebhookChange, WebhookEvent, WebhookWithSecret};
use url::Url;

/// `{"url": …, "events": […]}`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewWebhookForm {
    url: String,
    #[serde(default, deserialize_with = "given")]
    events: Option<Vec<WebhookEvent>>,
}

/// The body of `POST /webhooks`.
#[derive(Serialize)]
pub(crate) struct NewWebhook {
    url: Url,
    events: Vec<WebhookEvent>,
}

impl Checked for NewWebhook {
    type Form = NewWebhookForm;
    const LEAST: &'static str = r#"{"url": "https://example.com"}"#;

    fn check(form: NewWebhookForm) -> Result<Self, InvalidField> {
        let events = form.events.map(some_events).transpose()?;
        Ok(Self {
            url: public_https("url", &form.url)?,
            events: events.unwrap_or_else(|| WebhookEvent::ALL.to_vec()),
        })
    }
}

/// Each once, and in one order, so that the same wish is the same request.
fn some_events(wanted: Vec<WebhookEvent>) -> Result<Vec<WebhookEvent>, InvalidField> {
    let problem = match wanted.len() {
        0 => "must name an event; PATCH enabled to false for none",
        len if len > WebhookEvent::ALL.len() => "must name each event once",
        _ => {
            let events = WebhookEvent::ALL.into_iter();
            return Ok(events.filter(|event| wanted.contains(event)).collect());
        }
    };
    Err(InvalidField::new("events", problem))
}

/// What is there is changed.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ChangeForm {
    #[serde(deserialize_with = "given")]
    url: Option<String>,
    #[serde(deserialize_with = "given")]
    events: Option<Vec<WebhookEvent>>,
    #[serde(deserialize_with = "given")]
    enabled: Option<bool>,
}

/// The body of `PATCH /webhooks/{id}`.
pub(crate) struct Change(WebhookChange);

impl Checked for Change {
    type Form = ChangeForm;

    fn check(form: ChangeForm) -> Result<Self, InvalidField> {
        let url = form.url.map(|url| public_https("url", &url));
        let change = WebhookChange {
            url: url.transpose()?,
            events: form.events.map(some_events).transpose()?,
            enabled: form.enabled,
        };
        if change == WebhookChange::default() {
            return Err(InvalidField::new("body", "must change something"));
        }
        Ok(Self(change))
    }
}

#[derive(Serialize)]
pub(crate) struct WebhookList {
    webhooks: Vec<Webhook>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeliveryList {
    deliveries: Vec<Delivery>,
    limit: usize,
    offset: usize,
    has_more: bool,
}

/// `GET /webhooks`: the caller's own, the oldest first; no secret is told again.
pub(crate) async fn list(
    State(deps): State<AppState>,
    SignedIn(caller): SignedIn,
) -> Result<Answer<WebhookList>, ApiError> {
    let webhooks = deps.store.webhooks(caller.user_id).await?;
    Ok(Answer::ok(WebhookList { webhooks }))
}

/// `POST /webhooks`
pub(crate) async fn create(
    State(deps): State<AppState>,
    SignedIn(caller): SignedIn,
    Posted { body, idempotency }: Posted<NewWebhook>,
) -> Result<Answer<WebhookWithSecret>, ApiError> {
    let NewWebhook { url, events } = body;
    let store = &deps.store;
    let created = store
        .create_webhook(&caller, &url, &events, &idempotency)
        .await?;
    let replayed = matches!(created, Created::Replayed(_));
    Ok(Answer::created(created.into_inner()).replayed(replayed))
}

/// `PATCH /webhooks/{id}`
pub(crate) async fn change(
    State(deps): State<AppState>,
    SignedIn(caller): SignedIn,
    PathId(id): PathId<WebhookId>,
    Body(Change(change)): Body<Change>,
) -> Result<Answer<Webhook>, ApiError> {
    let store = &deps.store;
    let changed = store.change_webhook(caller.user_id, id, &change).await?;
    Ok(Answer::ok(changed))
}

/// `DELETE /webhooks/{id}`: what was told there is forgotten, too.
pub(crate) async fn remove(
    State(deps): State<AppState>,
    SignedIn(caller): SignedIn,
    PathId(id): PathId<WebhookId>,
) -> Result<Gone, ApiError> {
    deps.store.delete_webhook(caller.user_id, id).await?;
    Ok(Gone { replayed: false })
}

/// `POST /webhooks/{id}/rotate`: a new secret, and for a day signatures of both.
pub(crate) async fn rotate(
    State(deps): State<AppState>,
    SignedIn(caller): SignedIn,
    PathId(id): PathId<WebhookId>,
    Keyed(idempotency): Keyed,
) -> Result<Answer<WebhookWithSecret>, ApiError> {
    let store = &deps.store;
    let rotated = store
        .rotate_webhook(caller.user_id, id, &idempotency)
        .await?;
    let replayed = matches!(rotated, Created::Replayed(_));
    Ok(Answer::ok(rotated.into_inner()).replayed(replayed))
}

/// `GET /webhooks/{id}/deliveries`: the newest first, with how each try ended.
pub(crate) async fn deliveries(
    State(deps): State<AppState>,
    SignedIn(caller): SignedIn,
    PathId(id): PathId<WebhookId>,
    page: PageQuery,
) -> Result<Answer<DeliveryList>, ApiError> {
    let store = &deps.store;
    let mut deliveries = store
        .webhook_deliveries(caller.user_id, id, page.with_one_more())
        .await?;
    let has_more = page.cut(&mut deliveries);
    Ok(Answer::ok(DeliveryList {
        deliveries,
        limit: page.limit,
        offset: page.offset,
        has_more,
    }))
}

/// `POST /webhooks/{id}/deliveries/{delivery}/redeliver`: once more, under the same id.
pub(crate) async fn redeliver(
    State(deps): State<AppState>,
    SignedIn(caller): SignedIn,
    PathIds(id, delivery): PathIds<WebhookId, DeliveryId>,
    // Nothing to replay: what is under way is not begun a second time.
    Keyed(_): Keyed,
) -> Result<Answer<Delivery>, ApiError> {
    let store = &deps.store;
    let again = store
        .redeliver_webhook(caller.user_id, id, delivery)
        .await?;
    wake_notice_sender(&deps).await;
    Ok(Answer::ok(again))
}
