//! Errors on their way to Sentry: an envelope for each ERROR line, sent beside the work and never in its way. It says what the
//! line says of a fixed list of fields, and nothing of a person.

mod dsn;

pub(crate) use dsn::Dsn;

use super::fields::Fields;
use crate::release::{COMMIT, VERSION};
use reqwest::{StatusCode, header};
use serde_json::{Map, Value, json};
use std::{
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::{Duration, Instant},
};
use tokio::{runtime::Handle, sync::watch};

/// How long the end of an invocation waits for what is on its way. What is later goes on when the process is woken again.
const WAITED_FOR: Duration = Duration::from_millis(300);
/// After that an envelope is given up.
const ANSWERED_WITHIN: Duration = Duration::from_secs(2);
/// More at once are left out: where everything fails, a few say so.
const AT_ONCE_MAX: usize = 8;
/// Nothing is sent for so long once Sentry has said that it is too much, and does not say for how long.
const PAUSE: Duration = Duration::from_secs(60);

/// What a line is found by again.
const TAGS: [&str; 12] = [
    "requestId",
    "storyId",
    "jobId",
    "assetType",
    "code",
    "errorType",
    "provider",
    "model",
    "location",
    "failedFunction",
    "failedRequestId",
    "condition",
];

/// Codes that are no incident: what a user asked for, what a provider refuses or has no room for, and what a network does
/// (S2-054). The alarms count them.
const KNOWN: [&str; 14] = [
    "CANCELLED",
    "CONTENT_POLICY_VIOLATION",
    "DATABASE_UNAVAILABLE",
    "IMAGE_VALIDATION_FAILED",
    "INPUT_FAILED",
    "INVALID_VOICE",
    "PROVIDER_TIMEOUT",
    "PROVIDER_UNAVAILABLE",
    "RATE_LIMITED",
    "SERVICE_UNAVAILABLE",
    "TEXT_TOO_LONG",
    "UNREADABLE_REFERENCE",
    "UNSUPPORTED_SCRIPT",
    "UPLOAD_FAILED",
];

/// How this process tells Sentry.
#[derive(Debug)]
pub(crate) struct Reports {
    dsn: Dsn,
    function: &'static str,
    environment: String,
    /// Of the errors that are no known ones, the share that is sent, 0 to 1.
    sample_rate: f64,
    http: OnceLock<reqwest::Client>,
    under_way: watch::Sender<usize>,
    silent_until: Mutex<Option<Instant>>,
}

impl Reports {
    pub(crate) fn new(
        dsn: Dsn,
        function: &'static str,
        environment: String,
        sample_rate: f64,
    ) -> Self {
        Self {
            dsn,
            function,
            environment,
            sample_rate,
            http: OnceLock::new(),
            under_way: watch::Sender::new(0),
            silent_until: Mutex::default(),
        }
    }

    /// Sends what an ERROR line says on its way. Without a runtime there is no way.
    pub(crate) fn note(self: &Arc<Self>, fields: &Fields, timestamp: &str, logger: &str) {
        let id: [u8; 16] = random();
        if is_known(fields) || !is_sampled(id, self.sample_rate) || self.is_silent() {
            return;
        }
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        let has_room = self.under_way.send_if_modified(|count| {
            let has_room = *count < AT_ONCE_MAX;
            *count += usize::from(has_room);
            has_room
        });
        if has_room {
            let envelope = self.envelope(&hex(id), fields, timestamp, logger);
            let reports = Arc::clone(self);
            runtime.spawn(async move {
                let _under_way = UnderWay(&reports);
                reports.send(envelope).await;
            });
        }
    }

    /// Waits until nothing is on its way, and not for long.
    pub(crate) async fn sent(&self) {
        let mut under_way = self.under_way.subscribe();
        let idle = under_way.wait_for(|count| *count == 0);
        let _ = tokio::time::timeout(WAITED_FOR, idle).await;
    }

    fn is_silent(&self) -> bool {
        self.silence().is_some_and(|until| until > Instant::now())
    }

    fn silence(&self) -> MutexGuard<'_, Option<Instant>> {
        let silence = self.silent_until.lock();
        silence.unwrap_or_else(PoisonError::into_inner)
    }

    async fn send(&self, envelope: String) {
        let http = self.http.get_or_init(crate::http_client);
        let request = http
            .post(self.dsn.endpoint.clone())
            .header("x-sentry-auth", self.dsn.auth())
            .header(header::CONTENT_TYPE, "application/x-sentry-envelope")
            .timeout(ANSWERED_WITHIN)
            .body(envelope);
        match request.send().await {
            Ok(answer) if answer.status() == StatusCode::TOO_MANY_REQUESTS => {
                let seconds = answer.headers().get(header::RETRY_AFTER);
                let seconds = seconds.and_then(|seconds| seconds.to_str().ok()?.parse().ok());
                let pause = seconds.map_or(PAUSE, Duration::from_secs);
                *self.silence() = Instant::now().checked_add(pause);
            }
            Ok(answer) if answer.status().is_success() => {}
            Ok(answer) => tracing::debug!(
                status = answer.status().as_u16(),
                "An error was not taken by Sentry"
            ),
            Err(error) => tracing::debug!(
                error = crate::chain(&error.without_url()),
                "An error did not reach Sentry"
            ),
        }
    }

    /// Three lines: of the envelope, of its one item, and the event.
    fn envelope(&self, id: &str, fields: &Fields, timestamp: &str, logger: &str) -> String {
        let what = fields.text("message").unwrap_or("Error");
        let cause = fields
            .text("error")
            .map_or_else(|| what.to_owned(), without_addresses);
        let tags = TAGS.iter();
        let tags = tags.filter_map(|name| Some(((*name).to_owned(), fields.get(name)?.clone())));
        let mut tags: Map<String, Value> = tags.collect();
        tags.insert("function".to_owned(), self.function.into());
        tags.insert("version".to_owned(), VERSION.into());
        let code = fields.text("code").or(fields.text("errorType"));
        let is_panic = fields.get("location").is_some();
        let event = json!({
            "event_id": id,
            "timestamp": timestamp,
            "platform": "other",
            "level": if is_panic { "fatal" } else { "error" },
            "logger": logger,
            "transaction": self.function,
            "release": format!("storytailor@{VERSION}+{COMMIT}"),
            "environment": self.environment,
            "exception": {"values": [{"type": what, "value": cause, "mechanism": {"type": "log", "handled": !is_panic}}]},
            "fingerprint": [self.function, what, code.unwrap_or_default()],
            "tags": tags,
            "sdk": {"name": "storytailor", "version": VERSION, "settings": {"infer_ip": "never"}},
        })
        .to_string();
        let head = json!({"event_id": id, "sent_at": timestamp});
        let item =
            json!({"type": "event", "content_type": "application/json", "length": event.len()});
        format!("{head}\n{item}\n{event}\n")
    }
}

/// Counts an envelope out when it is dropped, however its sending ended.
struct UnderWay<'r>(&'r Reports);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.under_way.send_modify(|count| *count -= 1);
    }
}

/// A line with a `reason` or a `cause` tells what one provider met: whether anybody has to look, the job's own line says.
fn is_known(fields: &Fields) -> bool {
    let is_of_a_provider = fields.get("reason").or(fields.get("cause")).is_some();
    is_of_a_provider
        || fields
            .text("code")
            .is_some_and(|code| KNOWN.contains(&code))
}

fn is_sampled(id: [u8; 16], rate: f64) -> bool {
    let [a, b, c, d, ..] = id;
    f64::from(u32::from_be_bytes([a, b, c, d])) < rate * f64::from(u32::MAX) || rate >= 1.0
}

fn random() -> [u8; 16] {
    let mut bytes = [0; 16];
    // Without randomness, which no system is, an event has the number of another.
    let _ = aws_lc_rs::rand::fill(&mut bytes);
    bytes
}

fn hex(bytes: [u8; 16]) -> String {
    format!("{:032x}", u128::from_be_bytes(bytes))
}

/// No line has a signed address or one of mail in it; here none could leave the house either: queries and whatever has an @
/// are taken out.
fn without_addresses(text: &str) -> String {
    let words = text.split(' ').map(|word| match word.split_once('?') {
        _ if word.contains('@') => "…",
        Some((address, _)) if address.contains("://") => address,
        _ => word,
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
