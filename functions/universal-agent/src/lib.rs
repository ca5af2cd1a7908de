//! The REST API: the only room that knows routes, status codes and JSON envelopes.
//!
//! A request never waits for a model and never leaves work behind: what is to be made stands in the database before the
//! answer is given, and the invocation that starts it is accepted or given up within a second.

mod answer;
mod auth;
mod cors;
mod deps;
mod error;
mod estimate;
mod extract;
mod hand_off;
mod last_known;
mod moderation;
mod progress;
mod rates;
mod recent;
mod request_log;
mod router;
mod routes;
mod signatures;
mod store_error;
mod voices;

#[cfg(test)]
mod test_api;
#[cfg(test)]
mod tests;

pub use auth::TokenVerifier;
pub use deps::{Config, Deps};
pub use voices::{ElevenLabsVoices, Voice, Voices, VoicesError};

use std::sync::Arc;

/// Everything is served below this path.
pub(crate) const BASE: &str = "/api/v1";

/// The whole API as one service; Lambda, the local stack and tests call the same door.
pub fn app(deps: Deps) -> axum::Router {
    router::router(Arc::new(deps))
}
