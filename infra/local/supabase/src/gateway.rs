//! The API gateway of a local Supabase project: one port for `/rest/v1`, `/realtime/v1`, `/auth/v1`.

mod api_keys;
mod cors;
mod faults;
mod metrics;
mod rest;

use std::{io, sync::Arc};

use axum::{Json, Router, extract::State, middleware, routing::get, serve::ListenerExt as _};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{auth::AuthServer, realtime::RealtimeServer};

pub use crate::chance::Share;
pub use api_keys::{ApiKeys, LOCAL_PUBLISHABLE_KEY, LOCAL_SECRET_KEY};
pub use faults::{FaultPlan, Faults};
pub use metrics::{RestCounts, RestMetrics};

/// What the gateway needs besides the services behind it.
#[derive(Clone)]
pub struct GatewayConfig {
    /// The keys clients may present.
    pub api_keys: ApiKeys,
    /// What goes wrong on `/rest/v1` on purpose; keep a clone to change it while serving.
    pub faults: Faults,
    /// Counts of `/rest/v1` calls; keep a clone to read them.
    pub metrics: RestMetrics,
}

impl GatewayConfig {
    /// No faults, nothing counted yet.
    pub fn new(api_keys: ApiKeys) -> Self {
        Self {
            api_keys,
            faults: Faults::default(),
            metrics: RestMetrics::default(),
        }
    }
}

/// The router of the project's one port. `rest` is a PostgREST that knows nothing of `/rest/v1`.
///
/// Beside the services it answers `GET /` (what is where) and `GET /_local/rest-metrics` (counts per call).
pub fn gateway(
    config: GatewayConfig,
    rest: Router,
    realtime: &RealtimeServer,
    auth: &AuthServer,
) -> Router {
    let keys = Arc::new(config.api_keys.clone());
    let realtime = realtime.router().layer(middleware::from_fn_with_state(
        keys.clone(),
        api_keys::name_the_bearer_to_realtime,
    ));
    Router::new()
        .route("/", get(index))
        .route(
            "/_local/rest-metrics",
            get(metrics::show).with_state(config.metrics.clone()),
        )
        .nest("/auth/v1", auth.router())
        .nest("/realtime/v1", realtime)
        .merge(rest::router(rest, config))
        .layer(middleware::from_fn(cors::allow_browsers))
}

/// Serves `router` until the task is dropped, with Nagle's algorithm off: it would hold back every
/// second small Realtime frame for the length of a delayed acknowledgement (40 ms).
pub async fn serve(listener: TcpListener, router: Router) -> io::Result<()> {
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::warn!(%error, "a connection keeps Nagle's algorithm");
        }
    });
    axum::serve(listener, router).await
}

async fn index(State(()): State<()>) -> Json<Value> {
    Json(json!({
        "name": "Storytailor local gateway, in place of a Supabase project",
        "rest": "/rest/v1/",
        "realtime": "/realtime/v1/websocket",
        "auth": "/auth/v1/",
        "jwks": "/auth/v1/.well-known/jwks.json",
        "restMetrics": "/_local/rest-metrics",
    }))
}
