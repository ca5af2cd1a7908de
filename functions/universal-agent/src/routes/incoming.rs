//! Events from outside: what was paid, and what happened in the shop. Believed when their bytes are signed, and counted once.

use crate::{
    answer::Answer,
    deps::AppState,
    error::{ApiError, Code},
    signatures::Sender,
};
use axum::{
    body::Bytes,
    extract::{Path, State},
    http::HeaderMap,
};
use domain::UserId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::Bought;

#[derive(Serialize)]
pub(crate) struct Received {
    /// Whether it was of a kind that anything follows from.
    handled: bool,
    /// Whether it was told before.
    replayed: bool,
}

/// What was paid: the one kind of event that anything follows from.
#[derive(Deserialize)]
struct Payment {
    user_id: UserId,
    #[serde(flatten)]
    bought: Bought,
}

/// `POST /webhooks/incoming/{sender}`
pub(crate) async fn receive(
    State(deps): State<AppState>,
    Path(sender): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Answer<Received>, ApiError> {
    let sender = match sender.as_str() {
        "shopify" => Sender::Shopify,
        "payments" => Sender::Payments,
        _ => return Err(ApiError::new(Code::NotFound, "Nobody sends events here.")),
    };
    let now = Timestamp::now().as_second();
    let id = deps.secrets.verified_id(sender, &headers, &body, now);
    let id = id.ok_or_else(|| {
        let message = "The signature is none of this sender's, or the event is too old.";
        ApiError::new(Code::InvalidWebhookSignature, message)
    })?;
    let event: Value = serde_json::from_slice(&body)
        .map_err(|_| ApiError::new(Code::InvalidJson, "The body is not JSON."))?;
    let is_purchase = sender == Sender::Payments && event["type"] == "purchase.completed";
    tracing::info!(handled = is_purchase, "Webhook received");
    if !is_purchase {
        return Ok(Answer::ok(Received {
            handled: false,
            replayed: false,
        }));
    }
    let payment = Payment::deserialize(&event["data"])
        .map_err(|_| ApiError::invalid("data", "data must name user_id and either tier or pack"))?;
    let key = format!("payments:{id}");
    let replayed = deps
        .store
        .apply_purchase(&key, payment.user_id, &payment.bought)
        .await?;
    Ok(Answer::ok(Received {
        handled: true,
        replayed,
    }))
}
