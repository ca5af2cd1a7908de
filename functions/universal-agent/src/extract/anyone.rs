//! Who asks without a token: nobody but an address.

use crate::{deps::AppState, error::ApiError, rates::Told};
use axum::{extract::FromRequestParts, http::request::Parts};
use domain::UserId;
use lambda_http::request::RequestContext;
use std::net::IpAddr;

/// Whoever asks, counted by the address alone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Anyone;

impl FromRequestParts<AppState> for Anyone {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, deps: &AppState) -> Result<Self, ApiError> {
        count(parts, deps, None).await?;
        Ok(Self)
    }
}

/// Counts a request against the limits of its user and of its address.
pub(super) async fn count(
    parts: &Parts,
    deps: &AppState,
    user: Option<UserId>,
) -> Result<(), ApiError> {
    let told = parts.extensions.get::<Told>().cloned().unwrap_or_default();
    let (rates, store) = (&deps.rates, &deps.store);
    rates.count(store, user, address(parts), &told).await
}

/// As the gateway saw it; what a client says of itself in a header is not asked.
fn address(parts: &Parts) -> Option<IpAddr> {
    match parts.extensions.get::<RequestContext>()? {
        RequestContext::ApiGatewayV2(context) => context.http.source_ip.as_deref()?.parse().ok(),
        _ => None,
    }
}
