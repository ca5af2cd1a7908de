//! The rate limit of an account: so many calls of a kind in any window of time; what comes on top is answered 429, with
//! the moment from which it may come again.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::calls::{CallKind, unix_ms};

/// How a refusal says when to come again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryAfter {
    /// `Retry-After: 2`: whole seconds, rounded up.
    Seconds,
    /// `Retry-After: Sat, 21 Nov 2026 03:00:30 GMT`, rounded up to a whole second.
    Date,
    /// The two forms in turn, seconds first.
    InTurn,
    /// Not at all.
    Untold,
}

/// At most `calls` in any `window`; refused calls do not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallLimit {
    pub calls: usize,
    pub window: Duration,
    pub retry_after: RetryAfter,
}

/// One call that was refused for rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitRefusal {
    pub kind: CallKind,
    pub at_unix_ms: u64,
    /// From when on it may come again, as the answer said; the moment of the refusal when it did not say.
    pub until_unix_ms: u64,
}

/// What a limit says to one call.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Verdict {
    limit: CallLimit,
    /// Calls that could still come in this window.
    left: usize,
    /// Until the whole window is free again.
    reset: Duration,
    refused: Option<(RetryAfter, LimitRefusal)>,
}

#[derive(Debug, Default)]
struct Account {
    limits: HashMap<CallKind, CallLimit>,
    admitted: HashMap<CallKind, VecDeque<Instant>>,
    refusals: Vec<LimitRefusal>,
}

#[derive(Debug, Default)]
pub(crate) struct Limiter(Mutex<Account>);

impl Limiter {
    /// Sets or lifts a limit; what was admitted before is forgotten.
    pub(crate) fn set(&self, kind: CallKind, limit: Option<CallLimit>) {
        let mut account = self.0.lock();
        account.admitted.remove(&kind);
        match limit {
            Some(limit) => account.limits.insert(kind, limit),
            None => account.limits.remove(&kind),
        };
    }

    pub(crate) fn refusals(&self) -> Vec<LimitRefusal> {
        self.0.lock().refusals.clone()
    }

    /// Lets a call in or refuses it; `None` when nothing limits this kind.
    pub(crate) fn judge(&self, kind: CallKind) -> Option<Verdict> {
        let mut account = self.0.lock();
        let limit = *account.limits.get(&kind)?;
        let now = Instant::now();
        let turn = account.refusals.len();
        let admitted = account.admitted.entry(kind).or_default();
        while admitted
            .front()
            .is_some_and(|at| now.duration_since(*at) >= limit.window)
        {
            admitted.pop_front();
        }
        if admitted.len() < limit.calls {
            admitted.push_back(now);
            return Some(Verdict {
                limit,
                left: limit.calls - admitted.len(),
                reset: limit.window,
                refused: None,
            });
        }
        let age = |at: Option<&Instant>| at.map_or(Duration::ZERO, |at| now.duration_since(*at));
        let wait = limit.window.saturating_sub(age(admitted.front()));
        let reset = limit.window.saturating_sub(age(admitted.back()));
        let form = match limit.retry_after {
            RetryAfter::InTurn if turn.is_multiple_of(2) => RetryAfter::Seconds,
            RetryAfter::InTurn => RetryAfter::Date,
            form => form,
        };
        let at_unix_ms = unix_ms();
        let refusal = LimitRefusal {
            kind,
            at_unix_ms,
            until_unix_ms: told(form, at_unix_ms, wait),
        };
        account.refusals.push(refusal);
        Some(Verdict {
            limit,
            left: 0,
            reset,
            refused: Some((form, refusal)),
        })
    }
}

/// The moment a refusal names: never earlier than the window has room again.
fn told(form: RetryAfter, at_unix_ms: u64, wait: Duration) -> u64 {
    let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX) + 1;
    match form {
        RetryAfter::Seconds | RetryAfter::InTurn => at_unix_ms + wait_ms.div_ceil(1000) * 1000,
        RetryAfter::Date => (at_unix_ms + wait_ms).div_ceil(1000) * 1000,
        RetryAfter::Untold => at_unix_ms,
    }
}

impl Verdict {
    pub(crate) fn is_refused(&self) -> bool {
        self.refused.is_some()
    }

    /// `Retry-After` and the `x-ratelimit-…-requests` headers, in place of the ones that speak of no limit.
    pub(crate) fn headers(&self) -> Vec<(&'static str, String)> {
        let reset = format!("{:.3}s", self.reset.as_secs_f64());
        let mut headers = vec![
            ("x-ratelimit-limit-requests", self.limit.calls.to_string()),
            ("x-ratelimit-remaining-requests", self.left.to_string()),
            ("x-ratelimit-reset-requests", reset),
        ];
        let retry_after = self.refused.and_then(|(form, refusal)| match form {
            RetryAfter::Seconds | RetryAfter::InTurn => {
                Some(((refusal.until_unix_ms - refusal.at_unix_ms) / 1000).to_string())
            }
            RetryAfter::Date => http_date(refusal.until_unix_ms),
            RetryAfter::Untold => None,
        });
        headers.extend(retry_after.map(|value| ("retry-after", value)));
        headers
    }
}

/// IMF-fixdate of RFC 9110, section 5.6.7.
fn http_date(unix_ms: u64) -> Option<String> {
    let at = jiff::Timestamp::from_millisecond(i64::try_from(unix_ms).ok()?).ok()?;
    Some(at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limited(retry_after: RetryAfter) -> Limiter {
        let limiter = Limiter::default();
        limiter.set(
            CallKind::Image,
            Some(CallLimit {
                calls: 2,
                window: Duration::from_secs(10),
                retry_after,
            }),
        );
        limiter
    }

    fn is_admitted(limiter: &Limiter) -> bool {
        limiter
            .judge(CallKind::Image)
            .is_some_and(|verdict| !verdict.is_refused())
    }

    #[tokio::test(start_paused = true)]
    async fn any_window_holds_so_many_calls_and_refused_ones_do_not_count() {
        let limiter = limited(RetryAfter::Seconds);
        assert!(is_admitted(&limiter));
        tokio::time::advance(Duration::from_secs(6)).await;
        assert!(is_admitted(&limiter) && !is_admitted(&limiter) && !is_admitted(&limiter));
        tokio::time::advance(Duration::from_secs(4)).await;
        assert!(is_admitted(&limiter) && !is_admitted(&limiter));
        assert_eq!(limiter.refusals().len(), 3);
        assert_eq!(limiter.judge(CallKind::Text), None);
        limiter.set(CallKind::Image, None);
        assert_eq!(limiter.judge(CallKind::Image), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_names_a_moment_at_which_there_is_room_again() {
        for form in [RetryAfter::Seconds, RetryAfter::Date] {
            let limiter = limited(form);
            assert!(is_admitted(&limiter) && is_admitted(&limiter));
            tokio::time::advance(Duration::from_millis(2500)).await;
            let verdict = limiter.judge(CallKind::Image).unwrap();
            let headers: HashMap<_, _> = verdict.headers().into_iter().collect();
            let refusal = limiter.refusals()[0];
            let wait_ms = refusal.until_unix_ms - refusal.at_unix_ms;
            assert!((7500..=8501).contains(&wait_ms), "{form:?}: {wait_ms}");
            let told = headers["retry-after"].as_str();
            match form {
                RetryAfter::Seconds => assert_eq!(told, "8"),
                _ => assert!(told.ends_with(" GMT") && told.len() == 29, "{told}"),
            }
            assert_eq!(headers["x-ratelimit-limit-requests"], "2");
            assert_eq!(headers["x-ratelimit-remaining-requests"], "0");
            assert_eq!(headers["x-ratelimit-reset-requests"], "7.500s");
        }
    }

    #[test]
    fn a_date_is_written_as_http_wants_it() {
        assert_eq!(
            http_date(1_795_230_030_000).as_deref(),
            Some("Sat, 21 Nov 2026 03:00:30 GMT")
        );
    }
}
