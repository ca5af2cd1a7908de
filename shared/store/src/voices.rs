//! The speech provider's voices as they were listed last, for processes that begin while it does not answer.

use crate::{Store, StoreError};
use domain::voice::ListedVoice;
use serde_json::json;

impl Store {
    /// Keeps the voices of the provider's last answer, which must be some.
    pub async fn keep_voices(&self, voices: &[ListedVoice]) -> Result<(), StoreError> {
        self.call("keep_voices", &json!({"p_voices": voices})).await
    }

    /// The voices that were kept last; nothing before the provider has answered anybody.
    pub async fn kept_voices(&self) -> Result<Option<Vec<ListedVoice>>, StoreError> {
        self.call("kept_voices", &json!({})).await
    }
}
