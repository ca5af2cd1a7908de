//! What plans and packs there are, as a page that compares them shows them.

use crate::{Store, StoreError};
use domain::{AssetType, UserId, request::Priority};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// A plan; every limit that is `None` is none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// As `users.tier` holds it.
    pub code: String,
    pub name: String,
    /// US dollars; `None`: by agreement.
    pub price_usd_month: Option<f64>,
    /// Stories in all.
    pub story_limit: Option<u32>,
    /// Stories a day.
    pub daily_limit: Option<u32>,
    /// Assets of one story that may be asked for again.
    pub remakes_per_story: Option<u32>,
    /// US dollars a day for what is asked for again.
    pub daily_cost_limit_usd: Option<f64>,
    /// Addresses for events.
    #[serde(default)]
    pub webhook_limit: Option<u32>,
    pub asset_types: Vec<AssetType>,
    pub priorities: Vec<Priority>,
    /// Whether heroes may speak with voices of their own.
    #[serde(default)]
    pub character_voices: bool,
    /// Whether heroes may be drawn once for all their stories.
    #[serde(default)]
    pub character_sheets: bool,
    /// Codes of the plans and packs that allow more.
    pub upgrade_options: Vec<String>,
}

/// Stories that are bought once, on top of a plan's limit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pack {
    pub code: String,
    pub name: String,
    pub stories: u32,
    /// US dollars.
    pub price_usd: f64,
}

/// All there are, each in the order in which they are shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plans {
    pub plans: Vec<Plan>,
    pub packs: Vec<Pack>,
}

/// What somebody paid for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Bought {
    /// A plan, by its code.
    Tier(String),
    /// Stories on top of one, by the code of the pack.
    Pack(String),
}

#[derive(Deserialize)]
struct Purchase {
    replayed: bool,
}

impl Store {
    /// Gives a user what was paid for, once per key; true when that was told before.
    ///
    /// Refused with `UnknownPurchase` or `IdempotencyKeyReused`; nothing is written then.
    pub async fn apply_purchase(
        &self,
        key: &str,
        user: UserId,
        bought: &Bought,
    ) -> Result<bool, StoreError> {
        let arguments = json!({"p_key": key, "p_user_id": user, "p_purchase": bought});
        let purchase: Purchase = self.call("apply_purchase", &arguments).await?;
        Ok(purchase.replayed)
    }

    /// Every plan and pack.
    pub async fn plans(&self) -> Result<Plans, StoreError> {
        self.call("list_plans", &json!({})).await
    }
}
