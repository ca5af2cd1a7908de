//! Files of stories and characters in S3 and their addresses behind the CDN.
//!
//! What an attempt made and nobody has accepted yet is a draft, under a prefix that the CDN never serves and the bucket
//! forgets after some days. What is accepted is copied to a key that carries a digest of its bytes: nobody guesses it, a
//! late writer cannot change what stands there, and it may be cached for a year.

mod deleting;
mod exchanges;
mod keys;
mod references;
mod snapshots;

pub use keys::{AssetVersion, Fingerprint};
pub(crate) use references::upload_key;

use crate::{StoreError, digest::sha256_hex};
use aws_sdk_s3::{
    Client,
    config::{retry::RetryConfig, timeout::TimeoutConfig},
    primitives::ByteStream,
};
use bytes::Bytes;
use domain::StoryId;
use futures::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use std::time::{Duration, Instant};
use url::Url;

/// Tries of one operation, with the SDK's jittered pauses between them.
const TRIES: u32 = 4;
/// Until one try is given up: a picture of 4 MB takes well below a second inside a region. The SDK itself waits for ever
/// for an answer that does not begin.
const TRY_MAX: Duration = Duration::from_secs(10);
/// One year, as documented (S1-097).
const CACHE_CONTROL: &str = "public, max-age=31536000";

/// What a file is, which decides its extension and content type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    Png,
    /// A picture as screens show it.
    Jpeg,
    /// The same at half its size.
    Thumbnail,
    /// A glimpse of it while it is drawn.
    Preview,
    Mp3,
    Pdf,
    Html,
    /// Captions of a recording.
    Vtt,
    Json,
    /// As it came from a provider.
    Body,
}

impl FileKind {
    const fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpg",
            Self::Thumbnail => "small.jpg",
            Self::Preview => "preview.jpg",
            Self::Mp3 => "mp3",
            Self::Pdf => "pdf",
            Self::Html => "html",
            Self::Vtt => "vtt",
            Self::Json => "json",
            Self::Body => "body",
        }
    }

    const fn content_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg | Self::Thumbnail | Self::Preview => "image/jpeg",
            Self::Mp3 => "audio/mpeg",
            Self::Pdf => "application/pdf",
            Self::Html => "text/html; charset=utf-8",
            Self::Vtt => "text/vtt; charset=utf-8",
            Self::Json => "application/json",
            Self::Body => "application/octet-stream",
        }
    }
}

/// A file that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFile {
    pub key: String,
    /// Where a browser fetches it.
    pub url: String,
    pub bytes: usize,
    pub sha256: String,
}

/// A file that is kept, but not published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    key: String,
    kind: FileKind,
    bytes: usize,
    sha256: String,
}

impl Draft {
    /// Where it lies in the bucket.
    pub fn key(&self) -> &str {
        &self.key
    }
}

/// The client of S3, made when the first file is stored or fetched: loading the AWS configuration and its TLS is half of
/// what a start would otherwise take.
type LazyClient = Shared<BoxFuture<'static, Client>>;

/// The bucket of finished assets.
#[derive(Clone, Debug)]
pub struct AssetFiles {
    client: LazyClient,
    bucket: String,
    cdn: Url,
}

fn log_call(operation: &'static str, bytes: usize, began: Instant) {
    let duration = began.elapsed().as_millis() as u64;
    tracing::debug!(operation, bytes, durationMs = duration, "File moved");
}

fn file_error<E: std::error::Error + Send + Sync + 'static>(
    attempted: String,
) -> impl FnOnce(E) -> StoreError {
    move |error| StoreError::Files {
        attempted,
        source: Box::new(error),
    }
}

impl AssetFiles {
    /// `cdn` is the public base address of the bucket. `path_style` puts the bucket into the path instead of the host
    /// name, for local endpoints that have no DNS for it. `aws` is awaited with the first file.
    pub fn new(
        aws: impl Future<Output = aws_types::SdkConfig> + Send + 'static,
        path_style: bool,
        bucket: String,
        cdn: Url,
    ) -> Self {
        let client = async move {
            let config = aws_sdk_s3::config::Builder::from(&aws.await)
                .force_path_style(path_style)
                .retry_config(RetryConfig::standard().with_max_attempts(TRIES))
                .timeout_config(
                    TimeoutConfig::builder()
                        .operation_attempt_timeout(TRY_MAX)
                        .build(),
                )
                .build();
            Client::from_conf(config)
        };
        Self {
            client: client.boxed().shared(),
            bucket,
            cdn,
        }
    }

    /// Stores a file; the SDK repeats what fails in passing.
    async fn put(
        &self,
        key: String,
        kind: FileKind,
        bytes: Bytes,
    ) -> Result<StoredFile, StoreError> {
        let file = self.file(key, &bytes);
        let key = file.key.as_str();
        let began = Instant::now();
        self.client
            .clone()
            .await
            .put_object()
            .bucket(&self.bucket)
            .key(key)
            .content_type(kind.content_type())
            .cache_control(CACHE_CONTROL)
            .body(ByteStream::from(bytes))
            .send()
            .await
            .map_err(file_error(format!("upload {key}")))?;
        log_call("upload", file.bytes, began);
        Ok(file)
    }

    /// The record of bytes that stand, or are about to stand, under a key.
    fn file(&self, key: String, bytes: &Bytes) -> StoredFile {
        StoredFile {
            url: self.base() + &key,
            key,
            bytes: bytes.len(),
            sha256: sha256_hex(bytes),
        }
    }

    /// Stores what is not accepted yet, under a key of [`AssetVersion::draft_key`].
    pub async fn put_draft(
        &self,
        key: String,
        kind: FileKind,
        bytes: Bytes,
    ) -> Result<Draft, StoreError> {
        let StoredFile {
            key, bytes, sha256, ..
        } = self.put(key, kind, bytes).await?;
        Ok(Draft {
            key,
            kind,
            bytes,
            sha256,
        })
    }

    /// Keys of the drafts of one kind that earlier attempts at this version left for the same wish. Any is as good as the
    /// others.
    pub async fn drafts(
        &self,
        version: &AssetVersion,
        wish: &Fingerprint,
        kind: FileKind,
    ) -> Result<Vec<String>, StoreError> {
        let mut keys = self.list(&version.draft_prefix(wish)).await?;
        keys.retain(|key| key.ends_with(&format!(".{}", kind.extension())));
        Ok(keys)
    }

    /// A draft of an earlier attempt.
    pub async fn get_draft(
        &self,
        key: String,
        kind: FileKind,
    ) -> Result<(Draft, Bytes), StoreError> {
        let content = self.get(&key).await?;
        let draft = Draft {
            key,
            kind,
            bytes: content.len(),
            sha256: sha256_hex(&content),
        };
        Ok((draft, content))
    }

    /// Forgets a draft, so that no later attempt finds it.
    pub async fn discard(&self, draft: &Draft) -> Result<(), StoreError> {
        self.delete(draft.key()).await
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.client
            .clone()
            .await
            .delete_object()
            .bucket(&self.bucket)
            .key(key)
            .send()
            .await
            .map_err(file_error(format!("delete {key}")))?;
        Ok(())
    }

    /// The file that a draft becomes when it is published.
    pub fn to_be_published(&self, version: &AssetVersion, draft: &Draft) -> StoredFile {
        let key = version.public_key(&draft.sha256, draft.kind);
        StoredFile {
            url: self.base() + &key,
            key,
            bytes: draft.bytes,
            sha256: draft.sha256.clone(),
        }
    }

    /// Copies an accepted draft, inside the bucket, to where the CDN serves it. The draft stays for those who come after a
    /// death, until the bucket forgets it.
    pub async fn publish(
        &self,
        version: &AssetVersion,
        draft: &Draft,
    ) -> Result<StoredFile, StoreError> {
        let file = self.to_be_published(version, draft);
        let key = &file.key;
        // Type and cache control come with the bytes.
        self.client
            .clone()
            .await
            .copy_object()
            .bucket(&self.bucket)
            .key(key)
            .copy_source(format!("{}/{}", self.bucket, draft.key))
            .send()
            .await
            .map_err(file_error(format!("publish {key}")))?;
        Ok(file)
    }

    /// Stores what needs nobody's consent where the CDN serves it.
    pub async fn put_public(
        &self,
        version: &AssetVersion,
        kind: FileKind,
        bytes: Bytes,
    ) -> Result<StoredFile, StoreError> {
        let key = version.public_key(&sha256_hex(&bytes), kind);
        self.put(key, kind, bytes).await
    }

    /// Stores what belongs to a published file under its name, but for the extension.
    pub async fn put_beside(
        &self,
        file: &StoredFile,
        kind: FileKind,
        bytes: Bytes,
    ) -> Result<StoredFile, StoreError> {
        let stem = keys::stem_of(&file.key);
        self.put(format!("{stem}.{}", kind.extension()), kind, bytes)
            .await
    }

    /// Fetches the file of this story that was published under `address`, wherever the CDN was at that time. `None` when
    /// the address is none of a file of this story.
    pub async fn get_published(
        &self,
        story: StoryId,
        address: &str,
    ) -> Result<Option<Bytes>, StoreError> {
        match keys::key_of(story, address) {
            Some(key) => self.get(&key).await.map(Some),
            None => Ok(None),
        }
    }

    /// Deletes the file of this story that was published under `address`: nobody was told of it.
    pub async fn discard_published(&self, story: StoryId, address: &str) -> Result<(), StoreError> {
        match keys::key_of(story, address) {
            Some(key) => self.delete(&key).await,
            None => Ok(()),
        }
    }

    /// Fetches a file by its key.
    pub async fn get(&self, key: &str) -> Result<Bytes, StoreError> {
        let began = Instant::now();
        let object = self
            .client
            .clone()
            .await
            .get_object()
            .bucket(&self.bucket)
            .key(key)
            .send()
            .await
            .map_err(file_error(format!("download {key}")))?;
        let body = object
            .body
            .collect()
            .await
            .map_err(file_error(format!("download {key}")))?;
        let bytes = body.into_bytes();
        log_call("download", bytes.len(), began);
        Ok(bytes)
    }

    /// How many bytes a file has, if it is there.
    async fn find(&self, key: &str) -> Result<Option<u64>, StoreError> {
        let client = self.client.clone().await;
        let list = client.list_objects_v2().bucket(&self.bucket).prefix(key);
        let found = list.send().await;
        let found = found.map_err(file_error(format!("look for {key}")))?;
        let mut found = found.contents().iter();
        let found = found.find(|object| object.key() == Some(key));
        Ok(found.and_then(|object| object.size()?.try_into().ok()))
    }

    /// Keys below a prefix, in order, all of them.
    async fn list(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        let client = self.client.clone().await;
        let list = client.list_objects_v2().bucket(&self.bucket).prefix(prefix);
        let mut pages = list.into_paginator().send();
        let mut keys = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(file_error(format!("list {prefix}")))?;
            let found = page.contents().iter().filter_map(|object| object.key());
            keys.extend(found.map(str::to_owned));
        }
        keys.sort();
        Ok(keys)
    }

    fn base(&self) -> String {
        format!("{}/", self.cdn.as_str().trim_end_matches('/'))
    }
}
