//! How many requests of a minute are left to a user and to an address.

use crate::{Store, StoreError};
use domain::UserId;
use serde::Deserialize;
use serde_json::json;

/// What a process may count by itself until the minute is over.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestShares {
    /// `None`: nothing limits the user, or none was named.
    pub user: Option<RequestShare>,
    /// The same of the address.
    pub address: Option<RequestShare>,
    /// Seconds to the end of the minute.
    pub reset_seconds: f64,
}

/// A share of one limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct RequestShare {
    /// Requests a minute, all processes together.
    pub limit: u32,
    /// Those that no process has taken yet.
    pub left: u32,
    /// Those that are the caller's; none when the limit is reached.
    pub granted: u32,
}

impl Store {
    /// Takes a share of this minute's requests for a user, for an address by a digest of it, or for both.
    pub async fn take_requests(
        &self,
        user: Option<UserId>,
        address: Option<&str>,
    ) -> Result<RequestShares, StoreError> {
        let arguments = json!({"p_user_id": user, "p_address": address});
        self.call("take_requests", &arguments).await
    }
}
