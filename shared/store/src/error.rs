//! What can go wrong between a verb and its answer.

use serde::{Deserialize, Deserializer, de::Error};
use serde_json::Value;

/// Why the database refused, by the documented code it raised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    CharacterNotFound,
    DailyQuotaExceeded,
    IdempotencyKeyReused,
    LibraryNotFound,
    MissingRequiredAssets,
    NotInPlan,
    PlatformPaused,
    ProductNotFound,
    QuotaExceeded,
    RegenerationLimit,
    ShopNotConnected,
    SpendLimit,
    StoryIsNewer,
    StoryNotFound,
    StoryNotRecoverable,
    TokenInvalid,
    UnknownPurchase,
    UnknownSnapshot,
    VersionNotFound,
    VersionOfAnotherText,
    WebhookLimit,
    WebhookNotFound,
}

impl Refusal {
    /// From the message of a `PTnnn` error, which is a documented code.
    pub(crate) fn from_code(code: &str) -> Option<Self> {
        Some(match code {
            "CHARACTER_NOT_FOUND" => Self::CharacterNotFound,
            "ERR_4002" => Self::DailyQuotaExceeded,
            "ERR_6002" => Self::NotInPlan,
            "IDEMPOTENCY_KEY_REUSED" => Self::IdempotencyKeyReused,
            "LIBRARY_NOT_FOUND" => Self::LibraryNotFound,
            "MISSING_REQUIRED_ASSETS" => Self::MissingRequiredAssets,
            "PLATFORM_PAUSED" => Self::PlatformPaused,
            "PRODUCT_NOT_FOUND" => Self::ProductNotFound,
            "QUOTA_EXCEEDED" => Self::QuotaExceeded,
            "REGENERATION_LIMIT" => Self::RegenerationLimit,
            "SHOP_NOT_CONNECTED" => Self::ShopNotConnected,
            "SPEND_LIMIT" => Self::SpendLimit,
            "STORY_IS_NEWER" => Self::StoryIsNewer,
            "STORY_NOT_RECOVERABLE" => Self::StoryNotRecoverable,
            "UNKNOWN_SNAPSHOT" => Self::UnknownSnapshot,
            "STORY_NOT_FOUND" => Self::StoryNotFound,
            "TOKEN_INVALID" => Self::TokenInvalid,
            "UNKNOWN_PURCHASE" => Self::UnknownPurchase,
            "VERSION_NOT_FOUND" => Self::VersionNotFound,
            "VERSION_OF_ANOTHER_TEXT" => Self::VersionOfAnotherText,
            "WEBHOOK_LIMIT" => Self::WebhookLimit,
            "WEBHOOK_NOT_FOUND" => Self::WebhookNotFound,
            _ => return None,
        })
    }
}

impl<'de> Deserialize<'de> for Refusal {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let code = String::deserialize(from)?;
        Self::from_code(&code).ok_or_else(|| D::Error::custom("no refusal that is documented"))
    }
}

/// What PostgREST or the database said of its failure, in its own words: for the log alone.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct DatabaseMessage(pub String);

/// A verb or a file operation that did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A rule of the database said no; nothing was written. `detail` is what the refusal documents.
    #[error("the database refused: {refusal:?}")]
    Refused { refusal: Refusal, detail: Value },
    /// No usable answer after every retry; the effect may or may not be there, and repeating is safe.
    #[error("could not reach the database to {attempted}")]
    Unreachable {
        attempted: String,
        #[source]
        source: reqwest::Error,
    },
    /// PostgREST answered with an error that is no rule of ours: a bug, a missing grant, an overload.
    #[error("the database failed to {attempted}: HTTP {status}, code `{code}`")]
    Failed {
        attempted: String,
        status: u16,
        code: String,
        #[source]
        source: DatabaseMessage,
    },
    /// The answer is not what this version of the code expects.
    #[error("could not read the database's answer to {attempted}")]
    Unreadable {
        attempted: String,
        #[source]
        source: serde_json::Error,
    },
    /// The object store did not take or give a file.
    #[error("could not {attempted}")]
    Files {
        attempted: String,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl StoreError {
    /// True when the same call may well succeed a little later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Refused { .. } | Self::Unreadable { .. } => false,
            Self::Unreachable { .. } | Self::Files { .. } => true,
            Self::Failed {
                status,
                code,
                source: DatabaseMessage(message),
                ..
            } => crate::rest::is_transient(*status, code, message),
        }
    }

    /// True when the database will never take what it was given: a value that its type or a constraint does not allow
    /// (SQLSTATE classes 22 and 23), or a body that is too large.
    pub fn is_about_the_data(&self) -> bool {
        match self {
            Self::Failed { status, code, .. } => {
                *status == 413
                    || (code.len() == 5 && (code.starts_with("22") || code.starts_with("23")))
            }
            _ => false,
        }
    }
}
