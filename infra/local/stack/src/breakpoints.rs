//! Points on the wire at which a test stops a request: before it takes effect, or after, with the answer still held back.
//!
//! A function that is killed, paused or overtaken while its request stands at such a point died at a moment that is known
//! exactly; no code of a function needs to know of tests.

use std::{fmt, sync::Arc};

use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    http::StatusCode,
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures::future::BoxFuture;
use parking_lot::Mutex;
use tokio::sync::oneshot;

/// Whose wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Server {
    /// PostgREST behind the gateway.
    Rest,
    Files,
    OpenAi,
    ElevenLabs,
    Mail,
}

/// Which side of the effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The request arrived and has done nothing yet.
    Before,
    /// The effect is there and the caller has not heard of it.
    After,
}

/// A request as a breakpoint looks at it.
#[derive(Debug)]
pub struct Seen<'a> {
    pub server: Server,
    pub method: &'a str,
    /// Path and query.
    pub path: &'a str,
    pub body: &'a [u8],
}

impl Seen<'_> {
    /// Whether path or body contain this text (as sent: JSON escapes included).
    pub fn mentions(&self, text: &str) -> bool {
        self.path.contains(text)
            || self
                .body
                .windows(text.len())
                .any(|window| window == text.as_bytes())
    }

    /// Whether this is a call of an SQL function.
    pub fn calls(&self, function: &str) -> bool {
        let path = self.path.split('?').next().unwrap_or_default();
        self.server == Server::Rest && path.ends_with(&format!("/rpc/{function}"))
    }
}

type Matcher = Box<dyn Fn(&Seen<'_>) -> bool + Send>;

struct Armed {
    moment: Moment,
    matches: Matcher,
    reached: oneshot::Sender<Held>,
}

/// A request that stands still; it goes on when this is dropped.
#[derive(Debug)]
pub struct Held(#[expect(dead_code, reason = "dropping it is what it is for")] oneshot::Sender<()>);

/// The breakpoints of one stack; clones share them.
#[derive(Clone, Default)]
pub struct Breakpoints(Arc<Mutex<Vec<Armed>>>);

impl fmt::Debug for Breakpoints {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Breakpoints({} armed)", self.armed().len())
    }
}

impl Breakpoints {
    /// Stops the next request that matches, once; the answer resolves when one stands there.
    pub fn arm(
        &self,
        moment: Moment,
        matches: impl Fn(&Seen<'_>) -> bool + Send + 'static,
    ) -> BoxFuture<'static, Held> {
        let (reached, standing) = oneshot::channel();
        self.armed().push(Armed {
            moment,
            matches: Box::new(matches),
            reached,
        });
        Box::pin(async move {
            match standing.await {
                Ok(held) => held,
                // The stack is gone; so is the test.
                Err(_) => std::future::pending().await,
            }
        })
    }

    fn armed(&self) -> parking_lot::MutexGuard<'_, Vec<Armed>> {
        self.0.lock()
    }

    /// Takes the first breakpoint that matches out and waits there. One whose owner has gone away holds nobody.
    async fn stand(&self, moment: Moment, seen: &Seen<'_>) {
        let found = {
            let mut armed = self.armed();
            armed.retain(|one| !one.reached.is_closed());
            armed
                .iter()
                .position(|one| one.moment == moment && (one.matches)(seen))
                .map(|at| armed.remove(at))
        };
        if let Some(found) = found {
            let (held, released) = oneshot::channel();
            if found.reached.send(Held(held)).is_ok() {
                let _ = released.await;
            }
        }
    }
}

const BODY_BYTES_MAX: usize = 96 * 1024 * 1024;

/// Middleware of one server of the stack. The work goes on when the caller dies meanwhile, as it does behind a real wire.
pub(crate) async fn stop_here(
    State((breakpoints, server)): State<(Breakpoints, Server)>,
    request: Request,
    next: Next,
) -> Response {
    if breakpoints.armed().is_empty() {
        return next.run(request).await;
    }
    let work = tokio::spawn(async move {
        let (head, body) = request.into_parts();
        let Ok(body) = to_bytes(body, BODY_BYTES_MAX).await else {
            return StatusCode::PAYLOAD_TOO_LARGE.into_response();
        };
        let (method, path) = (head.method.to_string(), head.uri.to_string());
        let copy = body.clone();
        let seen = Seen {
            server,
            method: &method,
            path: &path,
            body: &copy,
        };
        breakpoints.stand(Moment::Before, &seen).await;
        let response = next.run(Request::from_parts(head, Body::from(body))).await;
        breakpoints.stand(Moment::After, &seen).await;
        response
    });
    work.await
        .unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}
