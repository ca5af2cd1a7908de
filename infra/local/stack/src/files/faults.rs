//! What S3 does on a bad day: refusals, errors, answers that are cut off or never come.

use std::{collections::HashMap, io, sync::Arc, time::Duration};

use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use parking_lot::Mutex;

/// One way in which a call goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileFault {
    /// `503 SlowDown`, nothing done.
    SlowDown,
    /// `500 InternalError`, nothing done.
    InternalError,
    /// `200` with an error document instead of the answer, nothing done.
    ErrorInside,
    /// The work is done, and the connection breaks in the middle of the answer.
    Cut,
    /// No answer, nothing done.
    Hung,
}

/// What share of S3 calls goes wrong; clones share it. The CDN is spared.
#[derive(Clone, Debug, Default)]
pub struct FileFaults(Arc<Mutex<FaultState>>);

#[derive(Debug, Default)]
struct FaultState {
    per_million: u32,
    carried: u32,
    struck: u32,
    kinds: Vec<FileFault>,
    uploads: HashMap<String, u32>,
}

/// Longer than anybody's patience with S3.
const HANG: Duration = Duration::from_secs(600);
/// The largest object is a book.
const OBJECT_BYTES_MAX: usize = 96 << 20;

impl FileFaults {
    /// Refuses this share of the calls with `503 SlowDown` from now on, spread evenly; 0 to 1.
    pub fn refuse(&self, share: f64) {
        self.strike(share, &[FileFault::SlowDown]);
    }

    /// Lets this share of the calls go wrong from now on, spread evenly, with these faults in turn; 0 to 1.
    pub fn strike(&self, share: f64, kinds: &[FileFault]) {
        let mut state = self.0.lock();
        state.kinds = kinds.to_vec();
        // Clamped, so it fits.
        state.per_million = (share.clamp(0.0, 1.0) * 1e6) as u32;
    }

    /// Calls that went wrong so far.
    pub fn struck(&self) -> u32 {
        self.0.lock().struck
    }

    /// The most often one key below a prefix was sent: 1 where every upload was tried once.
    pub fn uploads_of_one_key_max(&self, prefix: &str) -> u32 {
        let state = self.0.lock();
        let below = state.uploads.iter().filter(|(key, _)| {
            let in_bucket = key.trim_start_matches('/').split_once('/');
            in_bucket.is_some_and(|(_, key)| key.starts_with(prefix))
        });
        below.map(|(_, times)| *times).max().unwrap_or(0)
    }

    /// Adds the share up from call to call; each time it passes one, a call goes wrong.
    fn next(&self) -> Option<FileFault> {
        let mut state = self.0.lock();
        state.carried = state.carried % 1_000_000 + state.per_million;
        if state.carried < 1_000_000 {
            return None;
        }
        let turn = state.struck as usize;
        state.struck += 1;
        state
            .kinds
            .get(turn.checked_rem(state.kinds.len())?)
            .copied()
    }
}

/// Middleware of S3.
pub(super) async fn meet(
    State(faults): State<FileFaults>,
    request: Request,
    next: Next,
) -> Response {
    if request.method() == "PUT" {
        let key = request.uri().path().to_owned();
        *faults.0.lock().uploads.entry(key).or_default() += 1;
    }
    let again = "We encountered an internal error. Please try again.";
    let (status, code, message) = match faults.next() {
        None => return next.run(request).await,
        Some(FileFault::SlowDown) => {
            let message = "Please reduce your request rate.";
            (StatusCode::SERVICE_UNAVAILABLE, "SlowDown", message)
        }
        Some(FileFault::InternalError) => {
            (StatusCode::INTERNAL_SERVER_ERROR, "InternalError", again)
        }
        Some(FileFault::ErrorInside) => (StatusCode::OK, "InternalError", again),
        Some(FileFault::Cut) => return cut(next.run(request).await).await,
        Some(FileFault::Hung) => {
            tokio::time::sleep(HANG).await;
            return StatusCode::GATEWAY_TIMEOUT.into_response();
        }
    };
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    );
    (status, [(header::CONTENT_TYPE, "application/xml")], body).into_response()
}

/// Half of the answer, announced in full; of an answer without a body, nothing of the one byte announced.
async fn cut(response: Response) -> Response {
    let (mut head, body) = response.into_parts();
    let whole = to_bytes(body, OBJECT_BYTES_MAX).await.unwrap_or_default();
    let half = whole.slice(..whole.len() / 2);
    head.headers
        .insert(header::CONTENT_LENGTH, (whole.len().max(1) as u64).into());
    let broken = io::Error::new(io::ErrorKind::ConnectionReset, "cut on purpose");
    let pieces: [Result<Bytes, io::Error>; 2] = [Ok(half), Err(broken)];
    Response::from_parts(head, Body::from_stream(futures::stream::iter(pieces)))
}
