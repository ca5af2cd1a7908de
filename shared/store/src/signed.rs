//! Calls of AWS services that are one request each: signed here, so that no further SDK is linked for them.

use aws_credential_types::provider::ProvideCredentials;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};
use aws_types::{SdkConfig, service_config::ServiceConfigKey};
use futures::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use std::{
    error::Error,
    time::{Duration, SystemTime},
};

const ANSWERED_WITHIN: Duration = Duration::from_secs(10);

pub(crate) type Problem = Box<dyn Error + Send + Sync>;

/// The process's credentials and its HTTP client.
#[derive(Clone, Debug)]
pub(crate) struct SignedCalls {
    aws: Shared<BoxFuture<'static, SdkConfig>>,
    http: reqwest::Client,
}

/// What a call is signed for.
pub(crate) struct Target<'t> {
    /// As signatures name it.
    pub(crate) service: &'t str,
    pub(crate) region: &'t str,
    pub(crate) url: &'t str,
    pub(crate) content_type: &'t str,
}

impl SignedCalls {
    /// `aws` is awaited with the first call.
    pub(crate) fn new(
        aws: impl Future<Output = SdkConfig> + Send + 'static,
        http: reqwest::Client,
    ) -> Self {
        Self {
            aws: aws.boxed().shared(),
            http,
        }
    }

    /// The region of this process.
    pub(crate) async fn region(&self) -> Result<String, Problem> {
        let aws = self.aws.clone().await;
        Ok(aws.region().ok_or("no AWS region")?.to_string())
    }

    /// `AWS_ENDPOINT_URL_<SERVICE>`, where it is set.
    pub(crate) async fn endpoint(
        &self,
        service_id: &'static str,
    ) -> Result<Option<String>, Problem> {
        let aws = self.aws.clone().await;
        let key = ServiceConfigKey::builder()
            .service_id(service_id)
            .env("AWS_ENDPOINT_URL")
            .profile("endpoint_url")
            .build()?;
        Ok(aws
            .service_config()
            .and_then(|service| service.load_config(key)))
    }

    /// One signed POST, whatever its answer is.
    pub(crate) async fn post(
        &self,
        target: &Target<'_>,
        body: String,
    ) -> Result<reqwest::Response, Problem> {
        let aws = self.aws.clone().await;
        let provider = aws.credentials_provider().ok_or("no AWS credentials")?;
        let identity = provider.provide_credentials().await?.into();
        let rules = v4::SigningParams::builder()
            .identity(&identity)
            .region(target.region)
            .name(target.service)
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()?
            .into();
        let content = [("content-type", target.content_type)];
        let signable = SignableBody::Bytes(body.as_bytes());
        let signable = SignableRequest::new("POST", target.url, content.into_iter(), signable)?;
        let (instructions, _) = sign(signable, &rules)?.into_parts();
        let mut request = self.http.post(target.url).timeout(ANSWERED_WITHIN);
        for (name, value) in content.into_iter().chain(instructions.headers()) {
            request = request.header(name, value);
        }
        Ok(request.body(body).send().await?)
    }
}
