//! What assets took and cost of late, as the database has learnt it.

use crate::{Store, StoreError};
use domain::estimate::{Median, Medians};
use serde_json::json;

impl Store {
    /// The medians there are.
    pub async fn asset_medians(&self) -> Result<Medians, StoreError> {
        let medians: Vec<Median> = self.call("asset_medians", &json!({})).await?;
        Ok(medians.into_iter().collect())
    }
}
