//! Sending a request and reading its answer, bounded in time and size, repeating what failed in passing.

use crate::{
    CallCount, ErrorKind, ProviderError,
    breaker::Breaker,
    call_log::CallLog,
    exchanges::{Answered, Begun, raw},
};
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use http::HeaderMap;
use serde_json::Value;
use std::time::{Duration, Instant, SystemTime};

/// One kind of call of a provider.
#[derive(Clone)]
pub(crate) struct Endpoint {
    pub(crate) provider: &'static str,
    /// What is asked for, as log lines say it.
    pub(crate) kind: &'static str,
    /// Of which model, where it is one that is asked.
    pub(crate) model: Option<String>,
    /// What a failure says was not done.
    pub(crate) attempted: &'static str,
    /// Longest one try may take.
    pub(crate) timeout: Duration,
    /// Shared by everything this process asks of the provider.
    pub(crate) breaker: Breaker,
    /// Largest answer that is read.
    pub(crate) bytes_max: usize,
    /// From status and body to the meaning of an error.
    pub(crate) classify: fn(u16, &[u8]) -> (ErrorKind, Option<String>),
}

pub(crate) struct Answer {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// Written once it is known whether the answer can be used.
    log: CallLog,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }
}

/// Is told the bytes of an answer as they come; nothing where the next try begins.
pub(crate) type Receives<'a> = dyn FnMut(Option<&[u8]>) + Send + 'a;

/// Whoever listens to an answer while it comes.
pub(crate) struct Listening<'a, 'b> {
    pub(crate) receives: &'a mut Receives<'b>,
    /// Longest without a byte, from the request on: a connection that is silent for longer is taken for dead.
    pub(crate) silence_max: Option<Duration>,
    /// What was heard is of no use by itself: an answer that broke off may be asked for again here.
    pub(crate) needs_whole: bool,
}

/// What becomes of a call to one model of several.
pub(crate) struct Sending<'a, 'b> {
    pub(crate) deadline: Instant,
    /// Another model is asked if this one fails: an outage is not waited for.
    pub(crate) has_stand_in: bool,
    pub(crate) listening: Option<Listening<'a, 'b>>,
    /// Takes the request ids of answers that began as a success and could not be read to their end, for they are billed all
    /// the same.
    pub(crate) lost: &'a mut Vec<String>,
    /// Counts every request that is made.
    pub(crate) sent: CallCount,
    /// The fields of a body that is a form.
    pub(crate) fields: Option<&'a Value>,
}

/// A longer pause than this is not waited for inside a call: the job gives its place back meanwhile.
const PAUSE_IN_CALL_MAX: Duration = Duration::from_secs(4);
/// A rate limit is met by everybody: a longer pause is reported, so that no process calls before it is over.
const RATE_PAUSE_IN_CALL_MAX: Duration = Duration::from_millis(500);

impl Endpoint {
    pub(crate) fn error(&self, kind: ErrorKind) -> ProviderError {
        ProviderError::new(self.provider, self.attempted, kind)
    }

    /// Ends a call whose answer came: with what was read of it, or with what is wrong with it.
    pub(crate) fn finish<T>(
        &self,
        answer: Answer,
        read: Result<T, ErrorKind>,
    ) -> Result<T, ProviderError> {
        answer.log.end(read.as_ref().err());
        read.map_err(|kind| self.error(kind))
    }

    /// Sends until there is an answer, a lasting error, or no time: pauses of 1, 2 and 4 s, shortened by jitter.
    pub(crate) async fn send(
        &self,
        deadline: Instant,
        build: impl Fn() -> reqwest::RequestBuilder,
    ) -> Result<Answer, ProviderError> {
        let sending = Sending {
            deadline,
            has_stand_in: false,
            listening: None,
            lost: &mut Vec::new(),
            sent: CallCount::default(),
            fields: None,
        };
        self.send_to_model(build, sending).await
    }

    /// The same to one model of several.
    pub(crate) async fn send_to_model(
        &self,
        build: impl Fn() -> reqwest::RequestBuilder,
        mut sending: Sending<'_, '_>,
    ) -> Result<Answer, ProviderError> {
        let (deadline, has_stand_in) = (sending.deadline, sending.has_stand_in);
        let mut pauses = domain::retry::PAUSES_WITHIN_A_CALL.into_iter();
        let mut attempt = 0;
        loop {
            attempt += 1;
            let permit = self.breaker.admit(self.attempted, deadline).await?;
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(self.error(ErrorKind::TimedOut));
            }
            sending.sent.add_one();
            let log = CallLog::start(self.provider, self.kind, self.model.as_deref(), attempt);
            let sent = self
                .send_once(build().timeout(left.min(self.timeout)), &mut sending)
                .await;
            permit.report(sent.as_ref().err(), left < self.timeout, has_stand_in);
            let mut error = match sent {
                Ok((headers, body)) => return Ok(Answer { headers, body, log }),
                Err(error) => error,
            };
            log.end(Some(&error.kind));
            // A job that came back sooner would be sent away again, and have one attempt less.
            error.circuit_open_for = self.breaker.circuit_open_for();
            let listening = sending.listening.as_ref();
            let was_heard =
                listening.is_some_and(|one| !one.needs_whole) && !sending.lost.is_empty();
            let again = match error.kind {
                ErrorKind::Unavailable => !has_stand_in && !was_heard,
                ErrorKind::RateLimited { .. } => true,
                _ => false,
            };
            // Others may have met the same: while the circuit is open, nothing is waited for inside a call.
            let Some(pause) = pauses.next().filter(|_| again && self.breaker.is_closed()) else {
                return Err(error);
            };
            let pause = error
                .retry_after()
                .unwrap_or_else(|| pause.mul_f64(1.0 - 0.25 * jitter()));
            let pause_max = match error.kind {
                ErrorKind::RateLimited { .. } => RATE_PAUSE_IN_CALL_MAX,
                _ => PAUSE_IN_CALL_MAX,
            };
            if pause > pause_max || pause >= deadline.saturating_duration_since(Instant::now()) {
                return Err(error);
            }
            tracing::warn!(provider = self.provider, error = %error, pause_ms = pause.as_millis(), "Provider call failed in passing, trying again");
            tokio::time::sleep(pause).await;
        }
    }

    async fn send_once(
        &self,
        request: reqwest::RequestBuilder,
        sending: &mut Sending<'_, '_>,
    ) -> Result<(HeaderMap, Bytes), ProviderError> {
        let transport = |error| ProviderError::transport(self.provider, self.attempted, error);
        let listening = sending.listening.as_mut();
        let silence_max = listening.as_ref().and_then(|one| one.silence_max);
        let (client, request) = request.build_split();
        let request = request.map_err(transport)?;
        let begun = Begun::of(self.provider, self.kind, &request, sending.fields);
        let is_for_keeping = begun.is_some();
        let end = |answered| begun.map(|begun| begun.end(answered));
        let sent = self
            .unless_silent(silence_max, client.execute(request))
            .await;
        let response = match sent.and_then(|sent| sent.map_err(transport)) {
            Ok(response) => response,
            Err(error) => {
                end(Answered::Nothing);
                return Err(error);
            }
        };
        let status = response.status();
        let headers = response.headers().clone();
        let listening = listening.filter(|_| status.is_success());
        let mut body = BytesMut::new();
        let read = self.read_body(response, &mut body, listening, is_for_keeping);
        let read = read.await;
        let body = body.freeze();
        let answer = raw(status.as_u16(), &headers, body.clone());
        let body = match read {
            Ok(was_told) if was_told => Bytes::new(),
            Ok(_) => body,
            Err(error) => {
                end(Answered::BrokenOff(answer));
                if status.is_success() {
                    let named = ["x-request-id", "request-id"];
                    let id = named.iter().find_map(|name| headers.get(*name));
                    let id = id.and_then(|id| id.to_str().ok()).unwrap_or_default();
                    sending.lost.push(id.to_owned());
                }
                return Err(error);
            }
        };
        end(Answered::Whole(answer));
        if status.is_success() {
            return Ok((headers, body));
        }
        let (mut kind, code) = (self.classify)(status.as_u16(), &body);
        if let ErrorKind::RateLimited { retry_after } = &mut kind {
            *retry_after = retry_after_header(&headers, SystemTime::now());
        }
        Err(ProviderError {
            status: Some(status.as_u16()),
            code,
            ..self.error(kind)
        })
    }

    /// Reads it into `body`; answers whether all of it was told to who listens, so that nobody needs it again.
    async fn read_body(
        &self,
        response: reqwest::Response,
        body: &mut BytesMut,
        mut listening: Option<&mut Listening<'_, '_>>,
        is_for_keeping: bool,
    ) -> Result<bool, ProviderError> {
        let mut read = 0;
        let silence_max = listening.as_ref().and_then(|one| one.silence_max);
        if let Some(listening) = &mut listening {
            (listening.receives)(None);
        }
        // What is told while it comes is not kept as well, but where somebody answers in one piece who was asked to stream.
        let mut is_kept = listening.is_none();
        let mut chunks = response.bytes_stream();
        while let Some(chunk) = self.unless_silent(silence_max, chunks.next()).await? {
            let chunk = chunk
                .map_err(|error| ProviderError::transport(self.provider, self.attempted, error))?;
            is_kept |= read == 0 && chunk.trim_ascii_start().starts_with(b"{");
            read += chunk.len();
            if read > self.bytes_max {
                return Err(self.error(ErrorKind::Malformed));
            }
            if is_kept || is_for_keeping {
                body.extend_from_slice(&chunk);
            }
            if let Some(listening) = &mut listening {
                (listening.receives)(Some(&chunk));
            }
        }
        Ok(!is_kept)
    }

    async fn unless_silent<T>(
        &self,
        silence_max: Option<Duration>,
        next: impl Future<Output = T>,
    ) -> Result<T, ProviderError> {
        let Some(silence_max) = silence_max else {
            return Ok(next.await);
        };
        let heard = tokio::time::timeout(silence_max, next).await;
        heard.map_err(|_| self.error(ErrorKind::TimedOut))
    }
}

/// Between 0 and 1, from the clock: calls that fail together do not come back together.
fn jitter() -> f64 {
    let nanos = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |now| now.subsec_nanos());
    f64::from(nanos % 1_000_000) / 1e6
}

/// `retry-after-ms`, else `Retry-After` as seconds or as an HTTP date.
fn retry_after_header(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::trim)
    };
    if let Some(ms) = text("retry-after-ms").and_then(|ms| ms.parse::<u64>().ok()) {
        return Some(Duration::from_millis(ms));
    }
    let after = text("retry-after")?;
    if let Ok(seconds) = after.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let date = jiff::fmt::rfc2822::DateTimeParser::new()
        .parse_timestamp(after)
        .ok()?;
    Some(
        SystemTime::from(date)
            .duration_since(now)
            .unwrap_or_default(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_read_as_seconds_and_as_a_date() {
        let header = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("retry-after", value.parse().unwrap());
            let now = "2026-11-21T03:00:00Z".parse::<jiff::Timestamp>().unwrap();
            retry_after_header(&headers, now.into())
        };
        assert_eq!(header("20"), Some(Duration::from_secs(20)));
        assert_eq!(header("0.5"), Some(Duration::from_millis(500)));
        assert_eq!(
            header("Sat, 21 Nov 2026 03:00:30 GMT"),
            Some(Duration::from_secs(30))
        );
        assert_eq!(header("-1"), None);
        assert_eq!(header("soon"), None);
    }
}
