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
    gateway
        .config
        .metrics
        .count(request.method(), request.uri().path());

    match gateway.config.api_keys.authorization(request.headers()) {
        Ok(authorization) => request
            .headers_mut()
            .insert(header::AUTHORIZATION, authorization),
        Err(refusal) => return refusal.into_response(),
    };

    let fate = gateway.config.faults.draw();
    match fate {
        Fate::Unavailable => trouble(
            StatusCode::SERVICE_UNAVAILABLE,
            "PGRST001",
            "Could not connect with the database. Retrying the connection.",
        ),
        Fate::SchemaReload => trouble(
            StatusCode::SERVICE_UNAVAILABLE,
            "PGRST002",
            "Could not query the database for the schema cache. Retrying.",
        ),
        Fate::TimedOut => trouble(
            StatusCode::GATEWAY_TIMEOUT,
            "PGRST003",
            "Timed out acquiring connection from connection pool.",
        ),
        // PostgREST begins every write with READ WRITE, which a standby refuses; it answers 400 to class 0A.
        Fate::Standby => trouble(
            StatusCode::BAD_REQUEST,
            "0A000",
            "cannot set transaction read-write mode during recovery",
        ),
        Fate::Hung(time) => {
            tokio::time::sleep(time).await;
            cut_the_connection()
        }
        Fate::Reset => cut_the_connection(),
        Fate::PassOn | Fate::AnswerLost => {
            let response = match gateway.rest.oneshot(request).await {
                Ok(response) => response,
                Err(never) => match never {},
            };
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

/// An error in PostgREST's own words (its `Error.hs`).
fn trouble(status: StatusCode, code: &str, message: &str) -> Response {
    let body = json!({"code": code, "message": message, "details": null, "hint": null});
    (status, Json(body)).into_response()
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
