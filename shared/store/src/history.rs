//! The history of a story: every version of its text and of its assets, with what it was made from and what it cost.

use crate::{Store, StoreError};
use domain::{AssetType, StoryId, UserId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// All versions of a story, the oldest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoryHistory {
    /// The version of the text that is shown; none before the first.
    #[serde(default)]
    pub text_version: Option<u32>,
    pub versions: Vec<VersionEntry>,
    /// Of the versions listed; US dollars.
    pub total_cost_usd: f64,
}

/// One version of one asset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VersionEntry {
    pub asset_type: AssetType,
    pub version: u32,
    /// The version of the text it was made from; a text's own.
    pub text_version: u32,
    /// The versions of all that it was made from.
    pub made_from: BTreeMap<AssetType, u32>,
    /// What asked for it: `create`, `generate`, `retry` or `regenerate` by the user, a new `text`, or another `input` that
    /// was made again.
    pub reason: String,
    /// The wishes it was made with.
    pub options: Value,
    /// Of a text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// What a picture was asked for in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// RFC 3339.
    pub created_at: String,
    /// Provider calls since the version before it; US dollars.
    pub cost_usd: f64,
    /// It is the one that readers see.
    pub shown: bool,
}

impl Store {
    /// Every version of a story of this user.
    ///
    /// Refused with `StoryNotFound`.
    pub async fn story_history(
        &self,
        user: UserId,
        story: StoryId,
    ) -> Result<StoryHistory, StoreError> {
        let arguments = json!({"p_user_id": user, "p_story_id": story});
        self.call("story_history", &arguments).await
    }
}
