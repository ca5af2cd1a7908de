//! What the platform does at the moment: the emergency switch.

use crate::{Store, StoreError};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// As the operator set it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlatformState {
    pub state: Operation,
    /// What users are told, in a sentence or two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// RFC 3339.
    pub since: String,
}

/// What is done, and what is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    Running,
    /// No stories are accepted.
    NoNewStories,
    /// Nothing is begun; what was asked for waits.
    NoNewWork,
    /// As before, and users change nothing.
    ReadOnly,
}

impl Store {
    /// What the platform does at the moment; fails while PostgREST or the database behind it does not answer.
    pub async fn platform_state(&self) -> Result<PlatformState, StoreError> {
        self.call("platform_state", &json!({})).await
    }
}
