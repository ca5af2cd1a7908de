//! What providers were asked and answered for a story: `exchanges/stories/{story}/…`, which no CDN serves and the bucket
//! forgets after two weeks.

use super::{AssetFiles, FileKind};
use crate::StoreError;
use bytes::Bytes;
use domain::StoryId;
use uuid::Uuid;

/// What the keys of a story's exchanges begin with.
pub(super) fn prefix(story: StoryId) -> String {
    format!("exchanges/stories/{story}/")
}

impl AssetFiles {
    /// Stores the exchanges of one invocation. `id` is one that grows with time, by which they are put in order.
    ///
    /// # Errors
    /// When S3 refuses.
    pub async fn put_exchanges(
        &self,
        story: StoryId,
        id: Uuid,
        json: Bytes,
    ) -> Result<(), StoreError> {
        self.put_exchange_file(story, id, FileKind::Json, json)
            .await
    }

    /// Stores the body of one answer that is too long to stand among the others.
    ///
    /// # Errors
    /// When S3 refuses.
    pub async fn put_exchange_body(
        &self,
        story: StoryId,
        id: Uuid,
        body: Bytes,
    ) -> Result<(), StoreError> {
        self.put_exchange_file(story, id, FileKind::Body, body)
            .await
    }

    async fn put_exchange_file(
        &self,
        story: StoryId,
        id: Uuid,
        kind: FileKind,
        bytes: Bytes,
    ) -> Result<(), StoreError> {
        let key = format!("{}{id}.{}", prefix(story), kind.extension());
        self.put(key, kind, bytes).await.map(drop)
    }
}
