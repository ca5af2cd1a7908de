//! PostgREST on the wire: the crate `postgrest` builds requests, one shared reqwest client sends them.
//!
//! `postgrest` 1.6 panics on bad header values, so keys are checked before it sees them; its own sending is not used
//! (infra/patches says what became of the HTTP client of 2023 that it asks for).

use crate::{DatabaseMessage, Refusal, StoreError};
use postgrest::Postgrest;
use rand::Rng;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::{
    error::Error,
    fmt,
    time::{Duration, Instant},
};
use url::Url;

/// Where PostgREST is and which key opens it.
#[derive(Clone, Debug)]
pub struct RestConfig {
    /// Project URL; PostgREST is below `/rest/v1`.
    pub supabase_url: Url,
    /// Legacy service_role JWT or `sb_secret_…`; both bypass row-level security.
    pub service_role_key: SecretString,
}

/// A setting no request could be made with.
#[derive(Debug, thiserror::Error)]
pub enum RestConfigError {
    #[error("SUPABASE_SERVICE_ROLE_KEY holds characters that no HTTP header may carry")]
    KeyNotAHeader(#[source] http::header::InvalidHeaderValue),
}

/// The verbs and readings of the pipeline, over PostgREST as `service_role`. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    http: reqwest::Client,
    rest: Postgrest,
    /// How long a call may take that is not repeated.
    once: Option<Duration>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Store")
    }
}

/// The error body PostgREST always sends.
#[derive(Debug, Deserialize)]
struct ErrorBody {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    details: Value,
}

/// How long each try may take. A verb takes milliseconds, so a call that hangs is given up early and said again; the later
/// tries are patient, for the database may just be slow. The last one holds for all that follow.
const TRY_TIMEOUTS: [Duration; 6] = [
    Duration::from_secs(3),
    Duration::from_secs(3),
    Duration::from_secs(4),
    Duration::from_secs(6),
    Duration::from_secs(8),
    Duration::from_secs(10),
];
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// With its jitter at most half as much again, so that work goes on soon after an outage.
const PAUSE_MAX: Duration = Duration::from_millis(1500);

/// How long a call is worth repeating.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RetryBudget {
    /// As many tries as there are timeouts: whoever asks waits for the answer.
    Attempts,
    /// As long as a lease may last: what was paid for would be lost to this invocation.
    Lease,
}

const LEASE_MAX: Duration = Duration::from_secs(60);

impl RetryBudget {
    fn is_over(self, tries: usize, since: Instant) -> bool {
        tries >= TRY_TIMEOUTS.len()
            && match self {
                Self::Attempts => true,
                Self::Lease => since.elapsed() >= LEASE_MAX,
            }
    }
}

/// Statuses and SQLSTATEs that pass by themselves: PostgREST reports lock failures, deadlocks and timeouts as HTTP 500,
/// so the code decides, not the status (docs of PostgREST, errors). `PGRST000` to `PGRST003` are its connection troubles;
/// 200, 202, 204 and 205 say that its schema cache knows no such relation, function, column or table, which is so for a
/// moment after a migration. A server that was failed over refuses writes with 25006 or, as PostgREST begins them, with
/// 0A000 "during recovery". An error of the server without any such code comes from what stands before it: the
/// project's gateway, or Cloudflare with its own 520 to 530; a project that is paused answers 540.
pub(crate) fn is_transient(status: u16, code: &str, message: &str) -> bool {
    matches!(status, 408 | 429 | 502 | 503 | 504)
        || (status >= 500 && !is_of_the_database(code))
        || matches!(
            code,
            "40001" | "40003" | "40P01" | "55P03" | "57014" | "57P01" | "57P02" | "57P03" | "25006"
        )
        || (code == "0A000" && message.contains("during recovery"))
        || matches!(code, "PGRST000" | "PGRST001" | "PGRST002" | "PGRST003")
        || matches!(code, "PGRST200" | "PGRST202" | "PGRST204" | "PGRST205")
        || code.starts_with("08")
        || code.starts_with("53")
}

/// A code of PostgREST (`PGRST…`), one that a function raised (`PT…`), or a SQLSTATE: five capitals and digits.
fn is_of_the_database(code: &str) -> bool {
    code.starts_with("PGRST")
        || (code.len() == 5
            && code
                .bytes()
                .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()))
}

impl Store {
    /// Opens no connection yet.
    ///
    /// # Errors
    /// When the key could stand in no header.
    pub fn new(config: &RestConfig, http: reqwest::Client) -> Result<Self, RestConfigError> {
        let key = config.service_role_key.expose_secret();
        http::HeaderValue::from_str(&format!("Bearer {key}"))
            .map_err(RestConfigError::KeyNotAHeader)?;
        let base = config.supabase_url.as_str().trim_end_matches('/');
        let mut rest = Postgrest::new(format!("{base}/rest/v1")).insert_header("apikey", key);
        // An opaque key belongs in `apikey` alone; the gateway makes a token of it.
        if !key.starts_with("sb_") {
            rest = rest.insert_header("authorization", format!("Bearer {key}"));
        }
        Ok(Self {
            http,
            rest,
            once: None,
        })
    }

    /// The same for a caller with a patience of its own: each call is tried once, for this long.
    #[must_use]
    pub fn once(&self, timeout: Duration) -> Self {
        Self {
            once: Some(timeout),
            ..self.clone()
        }
    }

    /// Calls a SQL function. Every verb may be repeated safely, so passing failures are retried here.
    pub(crate) async fn call<T: DeserializeOwned>(
        &self,
        verb: &str,
        arguments: &impl Serialize,
    ) -> Result<T, StoreError> {
        self.call_with(RetryBudget::Attempts, verb, arguments).await
    }

    /// [`Self::call`], repeated as far as `budget` goes.
    pub(crate) async fn call_with<T: DeserializeOwned>(
        &self,
        budget: RetryBudget,
        verb: &str,
        arguments: &impl Serialize,
    ) -> Result<T, StoreError> {
        let unreadable = |source| StoreError::Unreadable {
            attempted: verb.to_owned(),
            source,
        };
        let body = serde_json::to_string(arguments).map_err(unreadable)?;
        self.send(budget, verb, || self.rest.rpc(verb, body.as_str()))
            .await
    }

    /// Reads rows; `build` says which.
    pub(crate) async fn read<T: DeserializeOwned>(
        &self,
        attempted: &str,
        build: impl Fn(&Postgrest) -> postgrest::Builder,
    ) -> Result<T, StoreError> {
        self.send(RetryBudget::Attempts, attempted, || build(&self.rest))
            .await
    }

    async fn send<T: DeserializeOwned>(
        &self,
        budget: RetryBudget,
        attempted: &str,
        build: impl Fn() -> postgrest::Builder,
    ) -> Result<T, StoreError> {
        let (since, mut pause, mut tries) = (Instant::now(), FIRST_PAUSE, 0);
        loop {
            let timeout = TRY_TIMEOUTS[tries.min(TRY_TIMEOUTS.len() - 1)];
            let timeout = self.once.unwrap_or(timeout);
            tries += 1;
            match self.send_once(attempted, build(), timeout).await {
                Err(error)
                    if self.once.is_none()
                        && error.is_transient()
                        && !budget.is_over(tries, since) =>
                {
                    tracing::warn!(
                        attempted,
                        error = chain(&error),
                        "Database call failed in passing, trying again"
                    );
                    let full_jitter = rand::rng().random_range(0.0..1.0);
                    tokio::time::sleep(pause.mul_f64(0.5 + full_jitter)).await;
                    pause = (pause * 3).min(PAUSE_MAX);
                }
                done => return done,
            }
        }
    }

    async fn send_once<T: DeserializeOwned>(
        &self,
        attempted: &str,
        request: postgrest::Builder,
        timeout: Duration,
    ) -> Result<T, StoreError> {
        let unreachable = |source| StoreError::Unreachable {
            attempted: attempted.to_owned(),
            source,
        };
        let mut request = request
            .build()
            .build()
            .expect("the URL was parsed and the header values checked in `new`");
        *request.timeout_mut() = Some(timeout);
        let began = Instant::now();
        let answer = async {
            let response = self.http.execute(request).await?;
            Ok((response.status(), response.bytes().await?))
        }
        .await;
        tracing::debug!(
            operation = attempted,
            durationMs = began.elapsed().as_millis() as u64,
            status = answer.as_ref().ok().map(|(status, _)| status.as_u16()),
            "Database called"
        );
        let (status, body) = answer.map_err(unreachable)?;
        if status.is_success() {
            let json: &[u8] = if body.is_empty() { b"null" } else { &body };
            return serde_json::from_slice(json).map_err(|source| StoreError::Unreadable {
                attempted: attempted.to_owned(),
                source,
            });
        }
        Err(refusal_or_failure(attempted, status.as_u16(), &body))
    }
}

/// An error and its causes, for one log line.
fn chain(error: &dyn Error) -> String {
    let causes = std::iter::successors(Some(error), |&error| error.source());
    let words: Vec<_> = causes.map(ToString::to_string).collect();
    words.join(": ")
}

fn refusal_or_failure(attempted: &str, status: u16, body: &[u8]) -> StoreError {
    let error: ErrorBody = serde_json::from_slice(body).unwrap_or_else(|_| ErrorBody {
        code: String::new(),
        message: "an answer that is no PostgREST error".to_owned(),
        details: Value::Null,
    });
    if let Some(refusal) =
        Refusal::from_code(&error.message).filter(|_| error.code.starts_with("PT"))
    {
        let detail = error.details.as_str();
        let detail = detail.and_then(|text| serde_json::from_str(text).ok());
        let detail = detail.unwrap_or_default();
        return StoreError::Refused { refusal, detail };
    }
    StoreError::Failed {
        attempted: attempted.to_owned(),
        status,
        code: error.code,
        source: DatabaseMessage(error.message),
    }
}

#[cfg(test)]
mod tests;
