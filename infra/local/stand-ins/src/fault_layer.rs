//! What every call passes: it is listed, its key checked, its fault drawn, and its answer held
//! back until the latency profile lets it go.

use std::io;
use std::time::Duration;

use crate::storyteller::seeded::{digest, hex};
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::StreamExt as _;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use memchr::memmem;
use serde_json::Value;
use tokio::time::{Instant, sleep_until};

use crate::calls::{CallKind, CallLog, CallRecord, unix_ms};
use crate::config::StandInConfig;
use crate::faults::Outcome;

/// Sixteen reference pictures of 4 MB, with room for base64.
const BODY_BYTES_MAX: usize = 96 * 1024 * 1024;
/// Longer than any client's patience (the official OpenAI client reads for 600 s).
const HANG: Duration = Duration::from_secs(900);
/// Between the bytes of an answer that drips: no read stalls for long, and the whole never comes.
const DRIP: Duration = Duration::from_secs(1);

/// A service that a router stands in for: what the layer must know of its wire.
pub(crate) trait StandIn: std::fmt::Debug + Send + Sync + 'static {
    const NAME: &'static str;
    /// Whether its answers tell of rate limits and when to come again.
    const TELLS_LIMITS: bool;

    /// 401 unless the request carries a key that does not call itself invalid.
    fn refuse_key(headers: &HeaderMap) -> Option<Response>;

    /// The answer of a fault that needs no handler; None when the handler must play it.
    fn fault_answer(outcome: Outcome, kind: CallKind) -> Option<Response>;

    /// The headers that every answer carries.
    fn headers(id: u64, took: Duration, calls: &CallLog) -> Vec<(&'static str, String)>;
}

/// Handed to the handlers: the outcome that was drawn or scripted for this call, and the words scripted for it.
#[derive(Debug, Clone)]
pub(crate) struct InjectedOutcome(pub(crate) Outcome, pub(crate) Option<String>);

/// Closes the record of a call whose client went away before the answer.
struct InFlight {
    config: StandInConfig,
    id: u64,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.config.shared.calls.amend(self.id, |record| {
            if record.in_flight {
                record.in_flight = false;
                record.ended_unix_ms = Some(unix_ms());
            }
        });
    }
}

/// The middleware of both routers.
pub(crate) async fn pass<S: StandIn>(
    State(config): State<StandInConfig>,
    request: Request,
    next: Next,
) -> Response {
    let (arrived, arrived_unix_ms) = (Instant::now(), unix_ms());
    let kind = kind_of(request.uri().path());
    let (mut head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY_BYTES_MAX).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let record = describe(S::NAME, &head, kind, &body, arrived_unix_ms);
    let sha256 = record.sha256.clone();
    let latency = config.settings().latency;
    let faults = config.settings().faults;
    let characters = characters_to_read(kind, &body);
    let takes = latency.of(kind, record.schema.as_deref(), characters);
    let calls = &config.shared.calls;
    let earlier_tries = calls.times_seen(&sha256);
    let id = calls.begin(record);
    let in_flight = InFlight {
        config: config.clone(),
        id,
    };

    let mut outcome = Outcome::Ok;
    let mut limit = None;
    let mut response = if let Some(refusal) = S::refuse_key(&head.headers) {
        refusal
    } else {
        limit = config.shared.limiter.judge(kind);
        let words;
        (outcome, words) = match &limit {
            Some(verdict) if verdict.is_refused() => (Outcome::RateLimited, None),
            _ => config.take_scripted(kind, &body).unwrap_or_else(|| {
                let is_free = kind.is_free();
                let drawn = faults.draw(&sha256, earlier_tries);
                (if is_free { Outcome::Ok } else { drawn }, None)
            }),
        };
        if outcome != Outcome::Ok {
            tracing::info!(call.id = id, "Call {id} meets {outcome:?} on purpose");
        }
        if outcome == Outcome::Timeout {
            calls.amend(id, |record| record.fault = fault_name(outcome));
            sleep_until(arrived + HANG).await;
        }
        match fault_answer::<S>(outcome, kind) {
            Some(answer) => answer,
            None => {
                head.extensions.insert(InjectedOutcome(outcome, words));
                let request = Request::from_parts(head, Body::from(body));
                corrupt_body(next.run(request).await, outcome).await
            }
        }
    };

    // A refusal costs the real service nothing and comes at once; work takes its time.
    let is_stream = response.status().is_success() && is_event_stream(&response);
    if !response.status().is_client_error() && !is_stream {
        sleep_until(arrived + takes).await;
    }
    let mut headers = S::headers(id, arrived.elapsed(), calls);
    if let Some(verdict) = limit.filter(|_| S::TELLS_LIMITS) {
        headers.extend(verdict.headers());
    }
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::try_from(value) {
            response.headers_mut().insert(name, value);
        }
    }
    let status = response.status();
    let drips = outcome == Outcome::Drip && status.is_success();
    calls.amend(id, |record| {
        if !drips && !is_stream {
            record.in_flight = false;
            record.ended_unix_ms = Some(unix_ms());
        }
        record.status = Some(status.as_u16());
        record.paid = status.is_success()
            && !drips
            && matches!(kind, CallKind::Text | CallKind::Image | CallKind::Speech);
        record.fault = fault_name(outcome);
    });
    let (head, body) = response.into_parts();
    if drips {
        let whole = to_bytes(body, usize::MAX).await.unwrap_or_default();
        let now = Instant::now();
        let drops = (0..whole.len()).map(move |at| (now + DRIP * at as u32, whole.slice(at..=at)));
        return in_pieces(head, drops, false, Some(in_flight));
    }
    if is_stream {
        let whole = to_bytes(body, usize::MAX).await.unwrap_or_default();
        let (events, is_cut) = (
            spread(whole, outcome, arrived, takes),
            outcome == Outcome::Cut,
        );
        return in_pieces(head, events, is_cut, Some(in_flight));
    }
    drop(in_flight);
    Response::from_parts(head, body)
}

/// Faults of whatever stands before a service look alike; the others are answered in its own words.
fn fault_answer<S: StandIn>(outcome: Outcome, kind: CallKind) -> Option<Response> {
    match outcome {
        Outcome::BadGateway => Some(bad_gateway()),
        Outcome::Timeout => Some(StatusCode::GATEWAY_TIMEOUT.into_response()),
        _ => S::fault_answer(outcome, kind),
    }
}

/// A gateway's page: what a client sees when the service itself was not reached.
fn bad_gateway() -> Response {
    let page = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>cloudflare</center>\r\n</body>\r\n</html>\r\n";
    let html = [(header::CONTENT_TYPE, "text/html")];
    (StatusCode::BAD_GATEWAY, html, page).into_response()
}

fn fault_name(outcome: Outcome) -> Option<String> {
    let name = serde_json::to_value(outcome).ok()?;
    (outcome != Outcome::Ok).then(|| name.as_str().unwrap_or_default().to_owned())
}

/// Damages a good answer on its way out.
async fn corrupt_body(response: Response, outcome: Outcome) -> Response {
    let is_whole = !matches!(outcome, Outcome::Truncated | Outcome::Cut);
    if is_whole || !response.status().is_success() || is_event_stream(&response) {
        return response;
    }
    let (head, body) = response.into_parts();
    let whole = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let half = (Instant::now(), whole.slice(..whole.len() / 2));
    in_pieces(head, std::iter::once(half), outcome == Outcome::Cut, None)
}

/// An answer in pieces, each at its moment, until nobody listens any more; one that is cut ends with a broken connection.
/// The call is under way as long.
fn in_pieces(
    mut head: http::response::Parts,
    pieces: impl Iterator<Item = (Instant, Bytes)> + Send + 'static,
    is_cut: bool,
    in_flight: Option<InFlight>,
) -> Response {
    head.headers.remove(header::CONTENT_LENGTH);
    let pieces = futures::stream::iter(pieces).then(|(at, piece)| async move {
        sleep_until(at).await;
        Ok(piece)
    });
    let end = futures::stream::iter(is_cut.then_some(())).then(|()| async {
        // What was sent before leaves before the connection goes.
        tokio::time::sleep(Duration::from_millis(20)).await;
        Err(io::Error::new(
            io::ErrorKind::ConnectionReset,
            "cut on purpose",
        ))
    });
    let watched = pieces.chain(end).inspect(move |_| {
        let _until_it_is_dropped = &in_flight;
    });
    Response::from_parts(head, Body::from_stream(watched))
}

fn is_event_stream(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"))
}

/// The events of a stream one after the other, in even steps over the time that the whole takes; of one that is to be cut,
/// the first half. It is paid for once it has begun.
fn spread(
    whole: Bytes,
    outcome: Outcome,
    arrived: Instant,
    takes: Duration,
) -> impl Iterator<Item = (Instant, Bytes)> {
    let ends = memmem::find_iter(&whole, b"\n\n").map(|at| at + 2);
    let ends: Vec<usize> = ends.collect();
    let count = ends.len();
    let is_half = matches!(outcome, Outcome::Cut | Outcome::Truncated);
    let mut start = 0;
    let events = ends.into_iter().zip(1..).map(move |(end, number)| {
        let event = whole.slice(start..end);
        start = end;
        (arrived + takes * number / count.max(1) as u32, event)
    });
    events.take(if is_half { count / 2 } else { count })
}

/// Characters of a text that is to be read aloud.
fn characters_to_read(kind: CallKind, body: &[u8]) -> usize {
    if kind != CallKind::Speech {
        return 0;
    }
    let asked: Value = serde_json::from_slice(body).unwrap_or_default();
    asked["text"]
        .as_str()
        .map_or(0, |text| text.chars().count())
}

fn kind_of(path: &str) -> CallKind {
    if path.ends_with("/chat/completions") {
        CallKind::Text
    } else if path.contains("/images/") || path.starts_with("/v1/flux-") {
        CallKind::Image
    } else if path.contains("/text-to-speech/") {
        CallKind::Speech
    } else if path.ends_with("/moderations") {
        CallKind::Moderation
    } else if path.ends_with("/outbound-emails") {
        CallKind::Mail
    } else if path.ends_with("/graphql.json") {
        CallKind::Product
    } else {
        CallKind::Other
    }
}

fn describe(
    provider: &'static str,
    head: &http::request::Parts,
    kind: CallKind,
    body: &Bytes,
    started_unix_ms: u64,
) -> CallRecord {
    let boundary = multipart_boundary(&head.headers);
    let (sha256, model, schema) = match boundary {
        Some(boundary) => (
            hex(&digest(&without(body, boundary.as_bytes()))),
            multipart_model(body),
            None,
        ),
        None => {
            let json: Value = serde_json::from_slice(body).unwrap_or_default();
            let text = |pointer: &str| {
                json.pointer(pointer)
                    .and_then(Value::as_str)
                    .map(str::to_owned)
            };
            (
                hex(&digest(body)),
                text("/model").or_else(|| text("/model_id")),
                text("/response_format/json_schema/name"),
            )
        }
    };
    CallRecord {
        id: 0,
        provider,
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        kind,
        model,
        schema,
        sha256,
        started_unix_ms,
        ended_unix_ms: None,
        status: None,
        in_flight: true,
        paid: false,
        fault: None,
    }
}

fn multipart_boundary(headers: &HeaderMap) -> Option<String> {
    let content_type = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let (_, boundary) = content_type
        .strip_prefix("multipart/form-data")?
        .split_once("boundary=")?;
    let boundary = boundary
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .trim_matches('"');
    (!boundary.is_empty()).then(|| boundary.to_owned())
}

/// The body with its random multipart boundary taken out, so that equal forms hash alike.
fn without(body: &[u8], boundary: &[u8]) -> Vec<u8> {
    let (mut kept, mut from) = (Vec::with_capacity(body.len()), 0);
    for at in memmem::find_iter(body, boundary) {
        kept.extend_from_slice(&body[from..at]);
        from = at + boundary.len();
    }
    kept.extend_from_slice(&body[from..]);
    kept
}

fn multipart_model(body: &[u8]) -> Option<String> {
    let start = memmem::find(body, b"name=\"model\"")?;
    let rest = &body[start..(start + 400).min(body.len())];
    let value = &rest[memmem::find(rest, b"\r\n\r\n")? + 4..];
    let end = memmem::find(value, b"\r\n")?;
    String::from_utf8(value[..end].to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_forms_with_different_boundaries_look_alike() {
        let form = |boundary: &str| {
            format!("--{boundary}\r\nname=\"model\"\r\n\r\ngpt-image-2\r\n--{boundary}--")
        };
        let hash =
            |boundary: &str| digest(&without(form(boundary).as_bytes(), boundary.as_bytes()));
        assert_eq!(hash("aaaa"), hash("bbbbbb"));
        assert_eq!(
            multipart_model(form("x").as_bytes()).as_deref(),
            Some("gpt-image-2")
        );
    }

    #[test]
    fn kinds_follow_the_path() {
        assert_eq!(kind_of("/v1/images/edits"), CallKind::Image);
        assert_eq!(kind_of("/v1/flux-2-pro"), CallKind::Image);
        assert_eq!(kind_of("/v1/get_result"), CallKind::Other);
        assert_eq!(
            kind_of("/v1/text-to-speech/abc/with-timestamps"),
            CallKind::Speech
        );
        assert_eq!(kind_of("/v1/models"), CallKind::Other);
    }
}
