//! Forms with which a user's browser sends a picture to the bucket by itself: S3's POST with a signed policy, which says where
//! the file may lie, how long and of what type it may be, and until when (Amazon S3 API Reference, "Authenticating requests:
//! browser-based uploads using POST (AWS Signature Version 4)").

use crate::{StoreError, files::upload_key};
use aws_credential_types::provider::ProvideCredentials;
use aws_sigv4::sign::v4::{calculate_signature, generate_signing_key};
use aws_types::SdkConfig;
use base64::{Engine, engine::general_purpose::STANDARD};
use domain::{CharacterId, UploadId};
use futures::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde::Serialize;
use serde_json::json;
use std::{collections::BTreeMap, error::Error};

/// Longest file, bytes.
pub const UPLOAD_BYTES_MAX: u64 = 10 << 20;
/// A form is good for as long.
const GOOD_FOR: SignedDuration = SignedDuration::from_mins(5);
const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// The bucket that users send to.
#[derive(Clone, Debug)]
pub struct Uploads {
    aws: Shared<BoxFuture<'static, SdkConfig>>,
    bucket: String,
    /// Of a local stack, which has no name for its bucket.
    endpoint: Option<String>,
}

/// What a form is made of.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UploadForm {
    /// Where it is posted to, as `multipart/form-data`.
    pub url: String,
    /// Its fields; `Content-Type`, of a picture, and `file` come after them.
    pub fields: BTreeMap<&'static str, String>,
    pub bytes_max: u64,
    pub expires_at: Timestamp,
}

impl Uploads {
    /// `endpoint`: S3 under another address, with the bucket in the path. `aws` is awaited with the first form.
    pub fn new(
        aws: impl Future<Output = SdkConfig> + Send + 'static,
        bucket: String,
        endpoint: Option<String>,
    ) -> Self {
        Self {
            aws: aws.boxed().shared(),
            bucket,
            endpoint,
        }
    }

    /// A form for one file of this name, signed at `now` with this process's own key.
    ///
    /// # Errors
    /// [`StoreError::Files`] where no key or region is known.
    pub async fn form(
        &self,
        character: CharacterId,
        upload: UploadId,
        now: Timestamp,
    ) -> Result<UploadForm, StoreError> {
        let failed = |source: Box<dyn Error + Send + Sync>| StoreError::Files {
            attempted: "sign a form for an upload".to_owned(),
            source,
        };
        let aws = self.aws.clone().await;
        let provider = aws.credentials_provider();
        let provider = provider.ok_or_else(|| failed("no key is known".into()))?;
        let credentials = provider.provide_credentials().await;
        let credentials = credentials.map_err(|error| failed(error.into()))?;
        let region = aws.region().map(AsRef::as_ref);
        let region: &str = region.ok_or_else(|| failed("AWS_REGION is not set".into()))?;

        let utc = now.to_zoned(TimeZone::UTC);
        let day = utc.strftime("%Y%m%d").to_string();
        let mut fields = BTreeMap::from([
            ("key", upload_key(character, upload)),
            ("x-amz-algorithm", ALGORITHM.to_owned()),
            (
                "x-amz-credential",
                format!(
                    "{}/{day}/{region}/s3/aws4_request",
                    credentials.access_key_id()
                ),
            ),
            ("x-amz-date", utc.strftime("%Y%m%dT%H%M%SZ").to_string()),
        ]);
        if let Some(token) = credentials.session_token() {
            fields.insert("x-amz-security-token", token.to_owned());
        }
        let expires_at = now + GOOD_FOR;
        let mut conditions = vec![
            json!({"bucket": self.bucket}),
            json!(["starts-with", "$Content-Type", "image/"]),
            json!(["content-length-range", 1, UPLOAD_BYTES_MAX]),
        ];
        conditions.extend(fields.iter().map(|(name, value)| json!({*name: value})));
        let until = expires_at.to_zoned(TimeZone::UTC);
        let until = until.strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string();
        let policy = json!({"expiration": until, "conditions": conditions}).to_string();
        let policy = STANDARD.encode(policy);
        let secret = credentials.secret_access_key();
        let key = generate_signing_key(secret, now.into(), region, "s3");
        fields.insert(
            "x-amz-signature",
            calculate_signature(key, policy.as_bytes()),
        );
        fields.insert("policy", policy);
        let bucket = &self.bucket;
        let url = match &self.endpoint {
            Some(endpoint) => format!("{}/{bucket}", endpoint.trim_end_matches('/')),
            None => format!("https://{bucket}.s3.{region}.amazonaws.com/"),
        };
        Ok(UploadForm {
            url,
            fields,
            bytes_max: UPLOAD_BYTES_MAX,
            expires_at,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
    use aws_types::region::Region;
    use serde_json::Value;

    fn aws(token: Option<&str>) -> SdkConfig {
        let token = token.map(str::to_owned);
        let key = Credentials::new("AKIDEXAMPLE", "secret", token, None, "test");
        SdkConfig::builder()
            .region(Region::new("eu-west-1"))
            .credentials_provider(SharedCredentialsProvider::new(key))
            .build()
    }

    async fn form(aws: SdkConfig) -> (UploadForm, Value) {
        let id = "0190a5a0-0000-7000-8000-000000000001";
        let now = "2026-11-26T19:20:21.5Z".parse().unwrap();
        let uploads = Uploads::new(async { aws }, "assets".to_owned(), None);
        let form = uploads.form(id.parse().unwrap(), id.parse().unwrap(), now);
        let form = form.await.unwrap();
        let policy = STANDARD.decode(&form.fields["policy"]).unwrap();
        (form, serde_json::from_slice(&policy).unwrap())
    }

    #[tokio::test]
    async fn a_form_is_good_for_one_key_five_minutes_pictures_and_ten_megabytes() {
        let (form, policy) = form(aws(Some("token"))).await;
        assert_eq!(form.url, "https://assets.s3.eu-west-1.amazonaws.com/");
        assert_eq!(policy["expiration"], "2026-11-26T19:25:21.000Z");
        let conditions = policy["conditions"].as_array().unwrap();
        let id = "0190a5a0-0000-7000-8000-000000000001";
        for condition in [
            json!({"bucket": "assets"}),
            json!({"key": format!("uploads/{id}/{id}")}),
            json!(["starts-with", "$Content-Type", "image/"]),
            json!(["content-length-range", 1, 10_485_760]),
            json!({"x-amz-date": "20261126T192021Z"}),
            json!({"x-amz-credential": "AKIDEXAMPLE/20261126/eu-west-1/s3/aws4_request"}),
            json!({"x-amz-security-token": "token"}),
        ] {
            assert!(conditions.contains(&condition), "{condition}");
        }
        assert_eq!(form.fields["x-amz-signature"].len(), 64);
        assert_eq!(form.fields["x-amz-security-token"], "token");
    }

    #[tokio::test]
    async fn without_a_key_nothing_is_signed() {
        let aws = SdkConfig::builder()
            .region(Region::new("eu-west-1"))
            .build();
        let id = "0190a5a0-0000-7000-8000-000000000001";
        let uploads = Uploads::new(async { aws }, "assets".to_owned(), None);
        let form = uploads.form(id.parse().unwrap(), id.parse().unwrap(), Timestamp::now());
        assert!(matches!(form.await, Err(StoreError::Files { .. })));
    }
}
