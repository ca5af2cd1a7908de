//! Pictures that users bring of their characters: `uploads/{character}/{upload}` as they were sent, and
//! `characters/{character}/reference-{digest}.jpg` as they are kept; and its sheets, `sheet-{looks}.png` beside those. No CDN
//! serves any of them.

use super::{AssetFiles, FileKind, keys::DIGITS};
use crate::{StoreError, sha256_hex};
use bytes::Bytes;
use domain::{CharacterId, UploadId, reference::ReferenceSource, sheet::Looks};
use std::collections::BTreeSet;

fn folder(character: CharacterId) -> String {
    format!("characters/{character}/")
}

fn uploads(character: CharacterId) -> String {
    format!("uploads/{character}/")
}

/// Where a file lies that a user was allowed to send.
pub(crate) fn upload_key(character: CharacterId, upload: UploadId) -> String {
    uploads(character) + &upload.to_string()
}

/// By its source, so that whoever fetches it a second time writes no second file.
fn key(character: CharacterId, source: &ReferenceSource) -> String {
    let digest = sha256_hex(source.to_string().as_bytes());
    format!("{}reference-{}.jpg", folder(character), &digest[..DIGITS])
}

fn sheets(character: CharacterId) -> String {
    folder(character) + "sheet-"
}

fn sheet_key(character: CharacterId, looks: &Looks) -> String {
    format!("{}{looks}.png", sheets(character))
}

impl AssetFiles {
    /// Keeps the sheet of a character with these looks, PNG.
    pub async fn put_sheet(
        &self,
        character: CharacterId,
        looks: &Looks,
        png: Bytes,
    ) -> Result<(), StoreError> {
        let key = sheet_key(character, looks);
        self.put(key, FileKind::Png, png).await.map(drop)
    }

    /// A sheet that is kept; `None` when it is gone.
    pub async fn get_sheet(
        &self,
        character: CharacterId,
        looks: &Looks,
    ) -> Result<Option<Bytes>, StoreError> {
        self.get_if_there(&sheet_key(character, looks)).await
    }

    /// Keeps a reference, JPEG.
    pub async fn put_reference(
        &self,
        character: CharacterId,
        source: &ReferenceSource,
        jpeg: Bytes,
    ) -> Result<(), StoreError> {
        let key = key(character, source);
        self.put(key, FileKind::Jpeg, jpeg).await.map(drop)
    }

    /// A reference that is kept; `None` when it is gone.
    pub async fn get_reference(
        &self,
        character: CharacterId,
        source: &ReferenceSource,
    ) -> Result<Option<Bytes>, StoreError> {
        self.get_if_there(&key(character, source)).await
    }

    async fn get_if_there(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        match self.get(key).await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) => match self.find(key).await {
                Ok(None) => Ok(None),
                _ => Err(error),
            },
        }
    }

    /// What a user sent, of at most `bytes_max` bytes; `None` when nothing came, or more.
    pub async fn get_upload(
        &self,
        character: CharacterId,
        upload: UploadId,
        bytes_max: usize,
    ) -> Result<Option<Bytes>, StoreError> {
        let key = upload_key(character, upload);
        // Also where the policy of uploads was another once, nothing too long is read.
        let bytes = match self.find(&key).await? {
            Some(length) if length <= bytes_max as u64 => self.get(&key).await?,
            _ => return Ok(None),
        };
        Ok(Some(bytes))
    }

    /// Forgets what a user sent.
    pub async fn discard_upload(
        &self,
        character: CharacterId,
        upload: UploadId,
    ) -> Result<(), StoreError> {
        self.delete(&upload_key(character, upload)).await
    }

    /// Deletes the references of a character but for those that are `kept`; all of them, its sheets, and what was sent for it,
    /// where nothing is said of any, for it is gone. Answers how many there were.
    ///
    /// # Errors
    /// As [`Self::delete_story`].
    pub async fn delete_references(
        &self,
        character: CharacterId,
        kept: Option<&[ReferenceSource]>,
    ) -> Result<usize, StoreError> {
        let named = kept.unwrap_or_default().iter();
        let named: BTreeSet<String> = named.map(|source| key(character, source)).collect();
        let (folder, sheets) = (folder(character), sheets(character));
        let is_kept =
            |key: &str| named.contains(key) || (kept.is_some() && key.starts_with(&sheets));
        let deleted = self.delete_where(&folder, |key| !is_kept(key)).await?;
        let sent = match kept {
            Some(_) => 0,
            None => self.delete_where(&uploads(character), |_| true).await?,
        };
        Ok(deleted + sent)
    }
}
