//! Why a story is not whole: what each asset that is not there waits for, or failed of.

use crate::{Store, StoreError};
use domain::{AssetType, Overall, StoryId, UserId};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// What stands before a story.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoryWhy {
    pub overall: Overall,
    /// Assets that everything else waits for, or that failed.
    pub blocked_by: Vec<AssetType>,
    /// Every asset that was asked for and is not there.
    pub assets: Vec<AssetWhy>,
}

/// What stands before one asset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AssetWhy {
    pub asset_type: AssetType,
    pub reason: Hindrance,
    /// Attempts so far; not known of a story that is at rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u32>,
    /// None once it has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retries_left: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<LastError>,
    /// RFC 3339; where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waits_for: Vec<AssetType>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waited_on_by: Vec<AssetType>,
}

/// How an attempt ended that brought nothing, in the words that the user was shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LastError {
    pub code: String,
    pub message: String,
    /// RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
}

/// Why an asset is not there; the same list stands in the API's description.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Hindrance {
    BeingMade,
    Cancelled,
    Failed,
    /// Nothing is begun at all, by decision of the operator.
    PlatformPaused,
    /// The invocation that was asked to make it has its moment to begin.
    StartsSoon,
    WaitsForInputs,
    /// The day's money is spent.
    WaitsForMoney,
    /// Its provider takes no more calls for the moment.
    WaitsForProvider,
    WaitsForRetry,
    /// Nothing stands before it but others.
    WaitsForTurn,
    /// Whoever made it has not been heard of, and it is taken up again.
    WorkerSilent,
}

impl Hindrance {
    pub const ALL: [Self; 11] = [
        Self::BeingMade,
        Self::Cancelled,
        Self::Failed,
        Self::PlatformPaused,
        Self::StartsSoon,
        Self::WaitsForInputs,
        Self::WaitsForMoney,
        Self::WaitsForProvider,
        Self::WaitsForRetry,
        Self::WaitsForTurn,
        Self::WorkerSilent,
    ];
}

impl Store {
    /// Why a story of this user is not whole.
    ///
    /// Refused with `StoryNotFound`.
    pub async fn story_why(&self, user: UserId, story: StoryId) -> Result<StoryWhy, StoreError> {
        let arguments = json!({"p_user_id": user, "p_story_id": story});
        self.call("story_why", &arguments).await
    }
}
