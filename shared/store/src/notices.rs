//! What is told of stories that ended, by mail and to systems, and what goes to shops: claimed, sent and noted; and the settings
//! of whoever gets mail.

use crate::{Caller, DeliveryResult, DueDelivery, DueProduct, ProductResult, Store, StoreError};
use domain::{AssetType, FailureCode, StoryId, UserId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

/// How a story ended, as a notice tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NoticeKind {
    Ready,
    Partial,
    Failed,
}

impl NoticeKind {
    pub const ALL: [Self; 3] = [Self::Ready, Self::Partial, Self::Failed];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Partial => "partial",
            Self::Failed => "failed",
        }
    }
}

/// A notice to send. It has no Debug form: an address and a title are in it.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DueNotice {
    pub id: i64,
    pub story_id: StoryId,
    pub user_id: UserId,
    pub kind: NoticeKind,
    pub email: String,
    /// Two letters; `None`: nobody chose one.
    pub language: Option<String>,
    /// Of the story; what stands in its place while there is no text.
    pub title: String,
    /// Assets that failed or were cancelled.
    pub missing: Vec<AssetType>,
    /// Why there is no text.
    pub code: Option<FailureCode>,
}

/// Notices, deliveries and products leased to one sender.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClaimedNotices {
    pub lease_token: Uuid,
    pub notices: Vec<DueNotice>,
    pub deliveries: Vec<DueDelivery>,
    pub products: Vec<DueProduct>,
    /// Notices given up just now, after a day of tries.
    pub dead: u64,
    /// Seconds until the next one is due.
    pub next_in_seconds: Option<f64>,
}

impl ClaimedNotices {
    /// How many of each kind.
    pub fn counts(&self) -> [usize; 3] {
        [
            self.notices.len(),
            self.deliveries.len(),
            self.products.len(),
        ]
    }
}

/// What became of one of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged, rename_all_fields = "camelCase")]
pub enum NoticeResult {
    Sent { id: i64, message_id: String },
    Failed { id: i64, error: String },
}

/// What the mail service reports of a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MailOutcome {
    Sent,
    /// It came back for good.
    Bounce,
    /// Somebody called it spam.
    Complaint,
}

/// What a user decides about mails.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SettingsChange {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notices: Option<bool>,
    /// `Some(None)`: that of each story.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<Option<String>>,
}

/// The user as the API shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserSettings {
    pub id: Uuid,
    pub email: Option<String>,
    /// Whether a mail tells how each story ended.
    pub notices: bool,
    /// `bounce` or `complaint`, where that switched them off.
    pub notices_stopped: Option<String>,
    pub language: Option<String>,
}

/// What became of all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct SettledNotices {
    /// Mails that went out.
    pub sent: u64,
    /// Webhooks that were accepted.
    pub delivered: u64,
    /// Webhooks that were given up after their last try.
    pub dead: u64,
    /// Books that became products.
    pub products: u64,
    /// Books that shops do not take.
    pub refused: u64,
}

#[derive(Deserialize)]
struct Stopped {
    stopped: u64,
}

impl Store {
    /// Leases up to `limit` deliveries that are due and, where there is a mailer, as many notices, and as many products where
    /// there is a key to shops; gives up notices that are not to be sent.
    pub async fn claim_notices(
        &self,
        limit: usize,
        has_mailer: bool,
        has_shop_key: bool,
    ) -> Result<ClaimedNotices, StoreError> {
        let arguments = json!({"p_limit": limit, "p_mail": has_mailer, "p_shop": has_shop_key});
        self.call("claim_notices", &arguments).await
    }

    /// Notes what became of all that was leased.
    pub async fn settle_notices(
        &self,
        lease_token: Uuid,
        results: &[NoticeResult],
        deliveries: &[DeliveryResult],
        products: &[ProductResult],
    ) -> Result<SettledNotices, StoreError> {
        let arguments = json!({"p_lease_token": lease_token, "p_results": results, "p_deliveries": deliveries,
            "p_products": products});
        self.call("settle_notices", &arguments).await
    }

    /// Notes what the mail service reports, and answers how many users it switched notices off for.
    pub async fn note_mail_event(
        &self,
        outcome: MailOutcome,
        addresses: &[String],
        notice: Option<i64>,
    ) -> Result<u64, StoreError> {
        let arguments = json!({"p_event": outcome, "p_addresses": addresses, "p_notice": notice});
        let stopped: Stopped = self.call("note_mail_event", &arguments).await?;
        Ok(stopped.stopped)
    }

    /// Switches the mails of a user off, as often as it is asked. Whether there is such a user is not told.
    pub async fn switch_off_notices(&self, user: UserId) -> Result<(), StoreError> {
        let arguments = json!({"p_user_id": user});
        let _: Value = self.call("switch_off_notices", &arguments).await?;
        Ok(())
    }

    /// The user's settings after a change; makes the profile on first use.
    pub async fn user_settings(
        &self,
        caller: &Caller,
        change: &SettingsChange,
    ) -> Result<UserSettings, StoreError> {
        let arguments =
            json!({"p_user_id": caller.user_id, "p_email": caller.email, "p_change": change});
        self.call("user_settings", &arguments).await
    }
}
