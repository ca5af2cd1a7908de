//! Files of a story in S3 and their addresses behind the CDN.
//!
//! A key carries version and attempt, so a late writer can never overwrite what is published, a regenerated file has a new
//! address, and everything may be cached for a year.

use crate::StoreError;
use aws_sdk_s3::{
    Client,
    config::{retry::RetryConfig, timeout::TimeoutConfig},
    primitives::ByteStream,
};
use bytes::Bytes;
use domain::{AssetType, StoryId};
use futures::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use sha2::{Digest, Sha256};
use std::{fmt::Write, time::Duration};
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
    Mp3,
    Pdf,
    Json,
}

impl FileKind {
    const fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Mp3 => "mp3",
            Self::Pdf => "pdf",
            Self::Json => "json",
        }
    }

    const fn content_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Mp3 => "audio/mpeg",
            Self::Pdf => "application/pdf",
            Self::Json => "application/json",
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

fn failed<E: std::error::Error + Send + Sync + 'static>(
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
        aws: impl Future<Output = aws_config::SdkConfig> + Send + 'static,
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

    /// `stories/{story}/{asset}-v{version}-{what}.{extension}`.
    pub fn key(
        story: StoryId,
        asset: AssetType,
        version: u32,
        what: &str,
        kind: FileKind,
    ) -> String {
        format!(
            "{}{what}.{}",
            Self::prefix(story, asset, version),
            kind.extension()
        )
    }

    /// What the keys of every attempt at one version of an asset begin with.
    pub fn prefix(story: StoryId, asset: AssetType, version: u32) -> String {
        format!("stories/{story}/{asset}-v{version}-")
    }

    /// Stores a file; the SDK repeats what fails in passing.
    pub async fn put(
        &self,
        key: String,
        kind: FileKind,
        bytes: Bytes,
    ) -> Result<StoredFile, StoreError> {
        let file = self.file(key, &bytes);
        let key = file.key.as_str();
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
            .map_err(failed(format!("upload {key}")))?;
        Ok(file)
    }

    /// The record of bytes that stand, or are about to stand, under a key.
    pub fn file(&self, key: String, bytes: &Bytes) -> StoredFile {
        let sha256 = Sha256::digest(bytes)
            .iter()
            .fold(String::new(), |mut hex, byte| {
                let _ = write!(hex, "{byte:02x}");
                hex
            });
        StoredFile {
            url: self.base() + &key,
            key,
            bytes: bytes.len(),
            sha256,
        }
    }

    pub async fn get(&self, key: &str) -> Result<Bytes, StoreError> {
        let object = self
            .client
            .clone()
            .await
            .get_object()
            .bucket(&self.bucket)
            .key(key)
            .send()
            .await
            .map_err(failed(format!("download {key}")))?;
        let body = object
            .body
            .collect()
            .await
            .map_err(failed(format!("download {key}")))?;
        Ok(body.into_bytes())
    }

    /// Keys below a prefix, in order; at most a thousand.
    pub async fn list(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        let listed = self
            .client
            .clone()
            .await
            .list_objects_v2()
            .bucket(&self.bucket)
            .prefix(prefix)
            .send()
            .await
            .map_err(failed(format!("list {prefix}")))?;
        let mut keys: Vec<_> = listed
            .contents()
            .iter()
            .filter_map(|object| object.key().map(str::to_owned))
            .collect();
        keys.sort();
        Ok(keys)
    }

    /// Fetches what an address of ours points at.
    pub async fn get_by_url(&self, url: &str) -> Result<Bytes, StoreError> {
        let base = self.base();
        let key = url.strip_prefix(base.as_str()).unwrap_or(url);
        self.get(key).await
    }

    fn base(&self) -> String {
        format!("{}/", self.cdn.as_str().trim_end_matches('/'))
    }
}
