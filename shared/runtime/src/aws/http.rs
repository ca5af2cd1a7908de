//! How the AWS SDK sends: through reqwest like everything else, so that a function has one HTTP and TLS stack.

use aws_smithy_runtime_api::client::{
    http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
    },
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
    runtime_components::RuntimeComponents,
};
use aws_smithy_types::body::SdkBody;

/// A client of reqwest in the form the SDK takes. It follows no redirect, for a signature holds for one address.
#[derive(Clone, Debug)]
pub struct SdkHttp(reqwest::Client);

impl Default for SdkHttp {
    fn default() -> Self {
        let client = super::client_builder().redirect(reqwest::redirect::Policy::none());
        let client = client.build();
        Self(client.expect("reqwest is built with this version of rustls"))
    }
}

impl HttpClient for SdkHttp {
    /// One connector for all settings: the SDK itself keeps the times of an attempt and of an operation.
    fn http_connector(
        &self,
        _settings: &HttpConnectorSettings,
        _components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for SdkHttp {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let client = self.0.clone();
        HttpConnectorFuture::new(async move {
            let request = into_reqwest(request)?;
            let response = client.execute(request).await.map_err(error_of)?;
            let response = http::Response::<reqwest::Body>::from(response);
            HttpResponse::try_from(response.map(SdkBody::from_body_1_x))
                .map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

fn into_reqwest(request: HttpRequest) -> Result<reqwest::Request, ConnectorError> {
    let request = request
        .try_into_http1x()
        .map_err(|error| ConnectorError::user(error.into()))?;
    // Not copied: a body that is all there tells its length, and hyper sends its bytes as they are.
    let request = request.map(reqwest::Body::wrap);
    reqwest::Request::try_from(request).map_err(|error| ConnectorError::user(error.into()))
}

/// What the SDK's retries ask of an error: whether it was a time limit, or of the connection.
fn error_of(error: reqwest::Error) -> ConnectorError {
    if error.is_timeout() {
        ConnectorError::timeout(error.into())
    } else if error.is_builder() {
        ConnectorError::user(error.into())
    } else {
        ConnectorError::io(error.into())
    }
}
