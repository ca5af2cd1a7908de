//! References that are to be fetched, and how they turned out.

use crate::{Store, StoreError};
use domain::{
    CharacterId, LeaseToken,
    reference::{ReferenceSource, ReferenceStates, ReferenceStatus},
};
use serde::Deserialize;
use serde_json::json;
use std::{collections::BTreeMap, time::Duration};

/// References of one character, leased to one who fetches them.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LeasedReferences {
    pub character_id: CharacterId,
    pub lease_token: LeaseToken,
    /// Claims since its references were changed, this one included.
    pub attempts: u32,
    pub sources: Vec<ReferenceSource>,
}

/// The answer to a claim.
#[derive(Clone, Debug, Deserialize)]
pub struct ClaimedReferences {
    pub leased: Vec<LeasedReferences>,
    /// Of the characters that were named, as they stood at that moment.
    pub states: BTreeMap<CharacterId, ReferenceStates>,
    /// More are due; claim again.
    pub more: bool,
}

/// What the database says to an outcome.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct NotedReferences {
    /// The lease was in force.
    pub accepted: bool,
    /// Others were named while these were fetched.
    pub more: bool,
}

impl Store {
    /// Leases the references of these characters, or of some that are due. `owner` names this very call, and begins with
    /// the id of the invocation.
    pub async fn claim_references(
        &self,
        owner: &str,
        characters: Option<&[CharacterId]>,
        lease: Duration,
    ) -> Result<ClaimedReferences, StoreError> {
        let arguments = json!({"p_owner": owner, "p_character_ids": characters,
            "p_lease_seconds": lease.as_secs()});
        self.call("claim_references", &arguments).await
    }

    /// Says how each of them turned out, and ends the lease. Those that are pending still are due again after a pause.
    pub async fn note_references(
        &self,
        leased: &LeasedReferences,
        outcomes: &BTreeMap<ReferenceSource, ReferenceStatus>,
    ) -> Result<NotedReferences, StoreError> {
        let arguments = json!({"p_character_id": leased.character_id, "p_lease_token": leased.lease_token,
            "p_outcomes": outcomes});
        self.call("note_references", &arguments).await
    }
}
