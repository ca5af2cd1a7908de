//! Sheets of characters: asked for by users, leased to one who draws them, and how they turned out.

use crate::{Store, StoreError, UsageEntry};
use domain::{
    CharacterId, FailureCode, LeaseToken, UserId,
    character::Character,
    reference::ReferenceStates,
    sheet::{Looks, Sheet},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::time::Duration;

/// The answer to a wish for one.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct RequestedSheet {
    pub sheet: Sheet,
    /// By this wish, not by one before it.
    pub begun: bool,
}

/// A sheet that is leased to one who draws it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LeasedSheet {
    /// As it was when its sheet was asked for.
    pub hero: Character,
    pub looks: Looks,
    pub lease_token: LeaseToken,
    /// How its references turned out by now.
    pub references: ReferenceStates,
}

/// The answer to a claim.
#[derive(Clone, Debug, Deserialize)]
pub struct ClaimedSheet {
    pub leased: Option<LeasedSheet>,
    /// Others are due; claim again.
    pub more: bool,
}

/// How a sheet turned out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum SheetOutcome {
    Ready,
    /// It may be had later; why not now.
    Pending {
        reason: FailureCode,
    },
    Failed {
        reason: FailureCode,
    },
}

#[derive(Deserialize)]
struct Noted {
    accepted: bool,
}

impl Store {
    /// Asks for the sheet of a character as it is now, which is drawn once.
    ///
    /// Refused with `CharacterNotFound`, `NotInPlan`, `SpendLimit` or `PlatformPaused`.
    pub async fn request_sheet(
        &self,
        owner: UserId,
        character: CharacterId,
    ) -> Result<RequestedSheet, StoreError> {
        let arguments = json!({"p_user_id": owner, "p_character_id": character});
        self.call("request_sheet", &arguments).await
    }

    /// Leases the sheet of this character, or one that is due. `owner` names this very call.
    pub async fn claim_sheet(
        &self,
        owner: &str,
        character: Option<CharacterId>,
        lease: Duration,
    ) -> Result<ClaimedSheet, StoreError> {
        let arguments = json!({"p_owner": owner, "p_character_id": character,
            "p_lease_seconds": lease.as_secs()});
        self.call("claim_sheet", &arguments).await
    }

    /// Says what was paid for a sheet and, with an outcome, ends the lease. False when it is somebody else's by now.
    pub async fn note_sheet(
        &self,
        leased: &LeasedSheet,
        usage: &[UsageEntry],
        outcome: Option<SheetOutcome>,
    ) -> Result<bool, StoreError> {
        let arguments = json!({"p_character_id": leased.hero.id, "p_looks": leased.looks,
            "p_lease_token": leased.lease_token, "p_usage": usage, "p_outcome": outcome});
        let noted: Noted = self.call("note_sheet", &arguments).await?;
        Ok(noted.accepted)
    }
}
