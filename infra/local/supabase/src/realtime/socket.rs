//! One websocket connection from upgrade to close.

use std::{collections::HashMap, sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{
        Query, State,
        ws::{Message, WebSocket, WebSocketUpgrade},
    },
    response::{IntoResponse, Response},
};
use futures::{SinkExt as _, StreamExt as _};
use http::{HeaderMap, StatusCode};
use serde_json::json;
use tokio::time::{Instant, sleep_until};

use super::{
    Shared,
    frame::{ClientFrame, Version},
    joins_in_flight::JoinsInFlight,
    outbox::Outbox,
    session::{NOT_SERVED, Session, Upgrade},
};
use crate::auth::{TokenError, now_unix};

/// The largest frame (the real server's `endpoint.ex`).
const FRAME_BYTES_MAX: usize = 5_000_000;
/// Phoenix drops a socket that says nothing for this long; the client beats every 25 s.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// The token of a request to Realtime: header `x-api-key`, or the query parameter `apikey`.
fn bearer(
    server: &Shared,
    headers: &HeaderMap,
    query: &HashMap<String, String>,
) -> Result<Upgrade, TokenError> {
    let header = headers
        .get("x-api-key")
        .and_then(|value| value.to_str().ok());
    let token = header
        .or_else(|| query.get("apikey").map(String::as_str))
        .unwrap_or_default();
    let claims = server.keys.verify(token)?;
    Ok(Upgrade {
        token: token.to_owned(),
        claims,
    })
}

pub(crate) async fn upgrade(
    State(server): State<Arc<Shared>>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
    websocket: WebSocketUpgrade,
) -> Response {
    let upgrade = match bearer(&server, &headers, &query) {
        Ok(upgrade) => upgrade,
        Err(error) => {
            let body = Json(json!({"error": error.to_string()}));
            return (StatusCode::UNAUTHORIZED, body).into_response();
        }
    };
    let version = Version::from_query(query.get("vsn").map(String::as_str));
    websocket
        .max_message_size(FRAME_BYTES_MAX)
        .max_frame_size(FRAME_BYTES_MAX)
        .on_upgrade(move |socket| serve(server, socket, version, upgrade))
}

async fn serve(server: Arc<Shared>, socket: WebSocket, version: Version, upgrade: Upgrade) {
    let (mut sink, mut stream) = socket.split();
    let (outbox, mut outgoing) = Outbox::new(version, server.faults.clone());
    let mut cuts = server.faults.cuts();
    let mut joins = JoinsInFlight::new(server.options.join_latency);
    let mut session = Session::new(server, outbox, upgrade);
    let mut silent_until = Instant::now() + SILENCE_MAX;
    loop {
        let never = Instant::now() + LONGEST_TIMER;
        let expiry = sleep_until(session.next_expiry_unix().map_or(never, instant_of));
        tokio::select! {
            message = stream.next() => {
                silent_until = Instant::now() + SILENCE_MAX;
                let Some(Ok(message)) = message else { break };
                if !dispatch(&mut session, &mut joins, version, message) {
                    break;
                }
            }
            frame = joins.next() => session.handle(frame),
            Some(frame) = outgoing.recv() => {
                if sink.send(Message::text(frame)).await.is_err() {
                    break;
                }
            }
            () = expiry => session.close_expired(now_unix()),
            () = sleep_until(silent_until) => break,
            // No close frame: the client must see a lost connection, not a goodbye.
            _ = cuts.changed() => break,
        }
    }
    session.leave_everything();
}

/// False when the connection must end.
fn dispatch(
    session: &mut Session,
    joins: &mut JoinsInFlight,
    version: Version,
    message: Message,
) -> bool {
    match message {
        Message::Text(text) => match ClientFrame::parse(version, &text) {
            Ok(frame) => {
                if let Some(frame) = joins.hold_back(frame) {
                    session.handle(frame);
                }
            }
            Err(error) => {
                tracing::warn!(%error, "closing a Realtime socket");
                return false;
            }
        },
        // How a 2.0.0 client broadcasts. Closing would cost it its changes as well.
        Message::Binary(_) => tracing::warn!("{NOT_SERVED}: a binary frame was ignored"),
        Message::Ping(_) | Message::Pong(_) => {}
        Message::Close(_) => return false,
    }
    true
}

/// The moment the wall clock reaches `unix` seconds, at least a moment from now.
fn instant_of(unix: i64) -> Instant {
    let wait_ms = unix
        .saturating_mul(1_000)
        .saturating_sub(jiff::Timestamp::now().as_millisecond());
    let wait = Duration::from_millis(u64::try_from(wait_ms).unwrap_or(0));
    Instant::now() + wait.min(LONGEST_TIMER)
}

/// Tokens of the project's own keys live for years; timers need not.
const LONGEST_TIMER: Duration = Duration::from_secs(300);
