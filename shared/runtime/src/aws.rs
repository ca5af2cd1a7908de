//! Clients that are built once per process, the AWS configuration only when something asks for it.

use aws_config::{BehaviorVersion, SdkConfig, retry::RetryConfig};
use std::time::Duration;
use tokio::sync::OnceCell;

/// The AWS configuration of this process, loaded on first use.
#[derive(Debug, Default)]
pub struct Aws(OnceCell<SdkConfig>);

impl Aws {
    pub async fn config(&self) -> &SdkConfig {
        self.0
            .get_or_init(|| async {
                aws_config::defaults(BehaviorVersion::latest())
                    .retry_config(RetryConfig::standard().with_max_attempts(4))
                    .load()
                    .await
            })
            .await
    }
}

/// The one HTTP client of a process. It limits connecting, not reading: callers set the time of each request.
pub fn http_client() -> reqwest::Client {
    let tls = crate::tls::client_config().expect("the TLS provider is compiled in");
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .connect_timeout(Duration::from_secs(5))
        .pool_idle_timeout(Duration::from_secs(50))
        .user_agent("storytailor")
        .build()
        .expect("reqwest is built with this version of rustls")
}
