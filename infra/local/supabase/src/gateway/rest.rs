//! `/rest/v1`: keys translated, calls counted, faults injected, then on to the PostgREST given.

use axum::{
    Json, Router,
    extract::{Request, State},
    response::{IntoResponse, Response},
    routing::any,
};
use http::{StatusCode, Uri, header, uri::PathAndQuery};
use serde_json::json;
use tower::ServiceExt as _;

use super::{
    GatewayConfig,
    faults::{Fate, cut_the_connection},
};

const PREFIX: &str = "/rest/v1";

#[derive(Clone)]
struct RestGateway {
    rest: Router,
    config: GatewayConfig,
}

pub(crate) fn router(rest: Router, config: GatewayConfig) -> Router {
    Router::new()
        .route(PREFIX, any(pass_on))
        .route("/rest/v1/", any(pass_on))
        .route("/rest/v1/{*rest}", any(pass_on))
        .with_state(RestGateway { rest, config })
}

async fn pass_on(State(gateway): State<RestGateway>, mut request: Request) -> Response {
    let Some(uri) = without_prefix(request.uri()) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    *request.uri_mut() = uri;
    // What this router noted about the path (its parameters, the original address) is not for the next one.
    request.extensions_mut().clear();
    let GatewayConfig {
        api_keys,
        faults,
        metrics,
    } = gateway.config;
    metrics.count(request.method(), request.uri().path());
    let authorization = match api_keys.authorization(request.headers()) {
        Ok(authorization) => authorization,
        Err(refusal) => return refusal.into_response(),
    };
    let headers = request.headers_mut();
    headers.insert(header::AUTHORIZATION, authorization);

    let fate = faults.draw();
    match fate {
        Fate::Told(status, code, message) => {
            let body = json!({"code": code, "message": message, "details": null, "hint": null});
            (status, Json(body)).into_response()
        }
        Fate::Hung(time) => {
            tokio::time::sleep(time).await;
            cut_the_connection()
        }
        Fate::Reset => cut_the_connection(),
        Fate::PassOn | Fate::AnswerLost => {
            let Ok(response) = gateway.rest.oneshot(request).await;
            if fate == Fate::AnswerLost {
                cut_the_connection()
            } else {
                response
            }
        }
    }
}

/// The rest of the path as sent: percent-encoding and query are PostgREST's to read.
fn without_prefix(uri: &Uri) -> Option<Uri> {
    let whole = uri.path_and_query()?.as_str().strip_prefix(PREFIX)?;
    let rest = if whole.starts_with('/') {
        whole.to_owned()
    } else {
        format!("/{whole}")
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(rest.parse::<PathAndQuery>().ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefix_goes_and_everything_else_stays() {
        let stripped = |uri: &str| without_prefix(&uri.parse().unwrap()).unwrap().to_string();
        assert_eq!(
            stripped("/rest/v1/stories?select=id%2Ctitle&id=eq.5"),
            "/stories?select=id%2Ctitle&id=eq.5"
        );
        assert_eq!(stripped("/rest/v1"), "/");
        assert_eq!(stripped("/rest/v1?a=b"), "/?a=b");
    }
}
