//! The Function URL: an HTTP request becomes an event, the function's answer an HTTP response.

mod answer;
mod event;

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Json,
    body::Body,
    extract::{ConnectInfo, Request, State},
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use http::{Method, StatusCode, header};
use jiff::Timestamp;
use serde_json::json;

use crate::lambda::{
    api::invoke::SYNCHRONOUS_BYTES_MAX,
    body::{self, BodyError},
    error::InvokeError,
    invocation::Invocation,
    state::Core,
};

pub(crate) async fn serve(State(core): State<Arc<Core>>, request: Request) -> Response {
    let peer = request
        .extensions()
        .get::<ConnectInfo<SocketAddr>>()
        .map(|info| info.0.ip());
    let (parts, body) = request.into_parts();
    let body = match body::read(body, SYNCHRONOUS_BYTES_MAX).await {
        Ok(body) => body,
        Err(BodyError::TooLarge) => {
            return refused(&InvokeError::RequestTooLarge {
                limit: SYNCHRONOUS_BYTES_MAX,
            });
        }
        Err(BodyError::Broken(_)) => return StatusCode::BAD_REQUEST.into_response(),
    };
    let name = core.config.url_function.as_deref().unwrap_or_default();
    let function = match core.function(name) {
        Ok(function) => Arc::clone(function),
        Err(error) => return refused(&error),
    };
    let mut invocation = Invocation::new(Bytes::new());
    let origin = event::Origin {
        request_id: &invocation.request_id,
        trace_id: &invocation.trace_id,
        peer,
        port: core.runtime_api.rsplit(':').next().unwrap_or_default(),
        now: Timestamp::now(),
    };
    let event = event::from_request(&parts, &body, &origin).to_string();
    invocation.payload = event.into();
    if invocation.payload.len() > SYNCHRONOUS_BYTES_MAX {
        return refused(&InvokeError::RequestTooLarge {
            limit: SYNCHRONOUS_BYTES_MAX,
        });
    }
    let request_id = invocation.request_id.clone();
    let mut length_of_head = None;
    let mut response = match core.invoke_and_wait(&function, invocation).await {
        Err(error) => refused(&error),
        Ok(Err(_)) => bad_gateway(),
        Ok(Ok(answer)) => {
            if parts.method == Method::HEAD {
                length_of_head = answer::declared_length(&answer);
            }
            answer::to_response(&answer).unwrap_or_else(|reason| {
                tracing::warn!(
                    request_id,
                    "`{name}` gave an answer that is no HTTP response: {reason}"
                );
                bad_gateway()
            })
        }
    };
    if let Some(length) = length_of_head {
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_LENGTH, length);
    }
    if let Ok(request_id) = request_id.try_into() {
        response
            .headers_mut()
            .insert("x-amzn-requestid", request_id);
    }
    response
}

/// Lambda tells the client nothing about the failure; the function's log has it.
fn bad_gateway() -> Response {
    let body = Body::from("Internal Server Error");
    (StatusCode::BAD_GATEWAY, body).into_response()
}

fn refused(error: &InvokeError) -> Response {
    let (status, _) = error.as_aws_tells();
    let message = Json(json!({ "Message": error.to_string() }));
    (status, message).into_response()
}
