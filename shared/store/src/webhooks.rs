//! Webhooks: the addresses where users want to be told of their stories, and what is told there.

use crate::{Caller, Created, Idempotency, Page, Store, StoreError, commands::Replayable};
use domain::{DeliveryId, StoryId, UserId, WebhookId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use url::Url;

/// What may be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WebhookEvent {
    /// Everything that was asked for is there.
    #[serde(rename = "story.ready")]
    StoryReady,
    /// There is a text, and something is missing.
    #[serde(rename = "story.partial")]
    StoryPartial,
    /// There is no text.
    #[serde(rename = "story.failed")]
    StoryFailed,
    /// It is not there any more.
    #[serde(rename = "story.deleted")]
    StoryDeleted,
}

impl WebhookEvent {
    pub const ALL: [Self; 4] = [
        Self::StoryReady,
        Self::StoryPartial,
        Self::StoryFailed,
        Self::StoryDeleted,
    ];
}

/// An address for events, as its user sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Webhook {
    pub id: WebhookId,
    pub url: String,
    pub events: Vec<WebhookEvent>,
    pub enabled: bool,
    /// `gone`, where its answer 410 switched it off.
    pub disabled_because: Option<String>,
    /// Until when the secret before the last rotation signs as well; RFC 3339.
    pub former_secret_until: Option<String>,
    /// RFC 3339.
    pub created_at: String,
}

/// The same for whoever just made or rotated it. It has no Debug form.
#[derive(Clone, Serialize, Deserialize)]
pub struct WebhookWithSecret {
    #[serde(flatten)]
    pub webhook: Webhook,
    /// `whsec_` and Base64 of 32 bytes.
    pub secret: String,
}

/// What a user changes of one; what is left out stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct WebhookChange {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<Url>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<Vec<WebhookEvent>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
}

/// An event that was told, is to be told, or could not be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    pub id: DeliveryId,
    pub story_id: StoryId,
    pub event: WebhookEvent,
    /// `pending`, `delivered` or `dead`.
    pub status: String,
    /// RFC 3339.
    pub created_at: String,
    pub settled_at: Option<String>,
    pub next_attempt_at: Option<String>,
    /// How the last twenty tries ended: `{attempt, at, status, error, durationMs}`.
    pub attempts: Vec<Map<String, Value>>,
}

/// A delivery to make now. It has no Debug form: secrets are in it.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DueDelivery {
    pub id: DeliveryId,
    pub url: Url,
    /// In force, and for a day after a rotation the one before.
    pub secrets: Vec<String>,
    pub event: WebhookEvent,
    pub story_id: StoryId,
    /// RFC 3339.
    pub created_at: String,
    pub data: Map<String, Value>,
}

/// How one try ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryResult {
    pub id: DeliveryId,
    /// Of the answer; `None`: there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Why there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    pub duration_ms: u64,
}

#[derive(Deserialize)]
struct WebhookAnswer {
    webhook: WebhookWithSecret,
}

impl Store {
    /// An address for these events, with a secret of its own. The same request again is answered with the secret as well.
    ///
    /// Refused with `WebhookLimit` or `IdempotencyKeyReused`; nothing is written then.
    pub async fn create_webhook(
        &self,
        caller: &Caller,
        url: &Url,
        events: &[WebhookEvent],
        idempotency: &Idempotency,
    ) -> Result<Created<WebhookWithSecret>, StoreError> {
        let arguments = json!({"p_user_id": caller.user_id, "p_email": caller.email, "p_url": url, "p_events": events,
            "p_idempotency_key": idempotency.key, "p_request_hash": idempotency.request_hash});
        let answer: Replayable<WebhookAnswer> = self.call("create_webhook", &arguments).await?;
        Ok(answer.map(|answer| answer.webhook))
    }

    /// All of this user, the oldest first.
    pub async fn webhooks(&self, user: UserId) -> Result<Vec<Webhook>, StoreError> {
        self.call("list_webhooks", &json!({"p_user_id": user}))
            .await
    }

    /// Changes one of this user; switched off, what waits for it is given up.
    ///
    /// Refused with `WebhookNotFound`, whether it is missing or somebody else's, as what follows is.
    pub async fn change_webhook(
        &self,
        user: UserId,
        webhook: WebhookId,
        change: &WebhookChange,
    ) -> Result<Webhook, StoreError> {
        let arguments = json!({"p_user_id": user, "p_webhook_id": webhook, "p_change": change});
        self.call("change_webhook", &arguments).await
    }

    /// Takes one away, with its deliveries.
    pub async fn delete_webhook(&self, user: UserId, webhook: WebhookId) -> Result<(), StoreError> {
        let arguments = json!({"p_user_id": user, "p_webhook_id": webhook});
        let _: Value = self.call("delete_webhook", &arguments).await?;
        Ok(())
    }

    /// Gives one a new secret; the one before it signs as well for a day.
    pub async fn rotate_webhook(
        &self,
        user: UserId,
        webhook: WebhookId,
        idempotency: &Idempotency,
    ) -> Result<Created<WebhookWithSecret>, StoreError> {
        let arguments = json!({"p_user_id": user, "p_webhook_id": webhook, "p_idempotency_key": idempotency.key,
            "p_request_hash": idempotency.request_hash});
        let answer: Replayable<WebhookAnswer> = self.call("rotate_webhook", &arguments).await?;
        Ok(answer.map(|answer| answer.webhook))
    }

    /// What was told to one, the newest first.
    pub async fn webhook_deliveries(
        &self,
        user: UserId,
        webhook: WebhookId,
        page: Page,
    ) -> Result<Vec<Delivery>, StoreError> {
        let arguments = json!({"p_user_id": user, "p_webhook_id": webhook, "p_limit": page.limit, "p_offset": page.offset});
        self.call("webhook_deliveries", &arguments).await
    }

    /// Tells it once more, under the same id.
    pub async fn redeliver_webhook(
        &self,
        user: UserId,
        webhook: WebhookId,
        delivery: DeliveryId,
    ) -> Result<Delivery, StoreError> {
        let arguments =
            json!({"p_user_id": user, "p_webhook_id": webhook, "p_delivery_id": delivery});
        self.call("redeliver_webhook", &arguments).await
    }
}
