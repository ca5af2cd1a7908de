//! Clients that are built once per process, and what the AWS SDK needs to know: region, credentials and endpoints, all from
//! the environment, where Lambda puts them. Nothing is asked of profiles, metadata services or STS.

mod http;

pub use http::SdkHttp;

use aws_credential_types::{
    Credentials,
    provider::{self, ProvideCredentials, SharedCredentialsProvider, error::CredentialsError},
};
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_types::retry::RetryConfig;
use aws_types::{
    SdkConfig,
    region::Region,
    service_config::{LoadServiceConfig, ServiceConfigKey},
};
use std::{sync::OnceLock, time::Duration};

/// The AWS configuration of this process, made on first use.
#[derive(Debug, Default)]
pub struct Aws(OnceLock<SdkConfig>);

impl Aws {
    /// The configuration; four tries for a call that fails in passing.
    pub fn config(&self) -> &SdkConfig {
        self.0.get_or_init(|| {
            let mut config = SdkConfig::builder()
                .behavior_version(BehaviorVersion::latest())
                .region(variable("AWS_REGION").map(Region::new))
                .credentials_provider(SharedCredentialsProvider::new(FromEnvironment))
                .retry_config(RetryConfig::standard().with_max_attempts(4))
                .sleep_impl(TokioSleep::new())
                .http_client(SdkHttp::default())
                .service_config(FromEnvironment);
            config.set_endpoint_url(variable("AWS_ENDPOINT_URL"));
            config.build()
        })
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "these variables are the SDK's own, and no settings of ours"
)]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The variables that Lambda sets for the role of a function, and the SDKs' own for endpoints.
#[derive(Debug)]
struct FromEnvironment;

impl FromEnvironment {
    fn credentials() -> provider::Result {
        let missing = || CredentialsError::not_loaded("AWS_ACCESS_KEY_ID or its secret is not set");
        Ok(Credentials::new(
            variable("AWS_ACCESS_KEY_ID").ok_or_else(missing)?,
            variable("AWS_SECRET_ACCESS_KEY").ok_or_else(missing)?,
            variable("AWS_SESSION_TOKEN"),
            // A process of Lambda lives no longer than the session it was started with.
            None,
            "environment",
        ))
    }
}

impl ProvideCredentials for FromEnvironment {
    fn provide_credentials<'a>(&'a self) -> provider::future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        provider::future::ProvideCredentials::ready(Self::credentials())
    }
}

impl LoadServiceConfig for FromEnvironment {
    /// `AWS_ENDPOINT_URL_LAMBDA` and its like (AWS SDKs and Tools Reference Guide, "Service-specific endpoints").
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        let service = key.service_id().replace(' ', "_").to_uppercase();
        variable(&format!("{}_{service}", key.env()))
    }
}

/// The one HTTP client of a process. It limits connecting, not reading: callers set the time of each request.
pub fn http_client() -> reqwest::Client {
    client_builder()
        .build()
        .expect("reqwest is built with this version of rustls")
}

pub(crate) fn client_builder() -> reqwest::ClientBuilder {
    let tls = crate::tls::client_config().expect("the TLS provider is compiled in");
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .connect_timeout(Duration::from_secs(5))
        .pool_idle_timeout(Duration::from_secs(50))
        .user_agent("storytailor")
}
