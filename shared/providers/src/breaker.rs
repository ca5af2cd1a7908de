//! The circuit breaker around the calls of one provider, shared by every job of the process.

use crate::{
    ErrorKind, ProviderError,
    circuit::{Admission, Cause, Circuit, CircuitSettings, Observation},
};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::Notify;

/// How long a try may take, and how long the circuit stays open after an outage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallTimeouts {
    /// No try takes longer, whatever kind of call it is.
    pub try_max: Duration,
    /// From the last failure of an outage to the call that looks whether it is over.
    pub probe_after: Duration,
}

impl Default for CallTimeouts {
    fn default() -> Self {
        Self {
            // The kinds of calls have limits of their own, all below this one.
            try_max: Duration::from_secs(300),
            // Long enough that the three retries of a picture bridge an outage of a minute and a half.
            probe_after: Duration::from_secs(25),
        }
    }
}

/// With 30 of 100 calls failing independently, 5 in a row are met by one call in 400; and with the five others that may be
/// under way in a story, a provider that is down gets ten calls before it is left alone.
const OUTAGES_TO_OPEN: u32 = 5;
/// Topping up or a new key is the work of a human, and whoever did it wants to see it soon.
const ACCOUNT_PROBE_AFTER: Duration = Duration::from_secs(60);

/// Why the account was refused: what every call is told until somebody has seen to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AccountRefusal {
    kind: ErrorKind,
    status: Option<u16>,
    code: Option<String>,
}

/// One provider as this process sees it; clones share it.
#[derive(Clone)]
pub(crate) struct Breaker {
    provider: &'static str,
    inner: Arc<Inner>,
}

struct Inner {
    circuit: Mutex<Circuit<AccountRefusal>>,
    /// The probe came back.
    decided: Notify,
}

/// Permission for one call; must be reported. Dropped unreported, it counts as inconclusive.
pub(crate) struct Permit {
    breaker: Breaker,
    /// Its number, if it is one.
    probe: Option<u64>,
    is_reported: bool,
}

impl Breaker {
    pub(crate) fn new(provider: &'static str, timeouts: CallTimeouts) -> Self {
        let circuit = Circuit::new(CircuitSettings {
            outages_to_open: OUTAGES_TO_OPEN,
            probe_after: timeouts.probe_after,
            account_probe_after: ACCOUNT_PROBE_AFTER,
        });
        Self {
            provider,
            inner: Arc::new(Inner {
                circuit: Mutex::new(circuit),
                decided: Notify::new(),
            }),
        }
    }

    fn circuit(&self) -> MutexGuard<'_, Circuit<AccountRefusal>> {
        self.inner
            .circuit
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.circuit().is_closed()
    }

    /// How long the circuit stays open, if it is.
    pub(crate) fn circuit_open_for(&self) -> Option<Duration> {
        self.circuit().circuit_open_for(Instant::now())
    }

    /// Permission for a call, or the error it would have met. Waits for a probe that is under way: failing at once instead would
    /// use up the retries of every job that came back with it.
    pub(crate) async fn admit(
        &self,
        attempted: &'static str,
        deadline: Instant,
    ) -> Result<Permit, ProviderError> {
        let error = |kind| ProviderError::new(self.provider, attempted, kind);
        loop {
            // Listening before looking, so that no decision falls between.
            let decided = self.inner.decided.notified();
            let mut decided = std::pin::pin!(decided);
            decided.as_mut().enable();
            let admission = self.circuit().admit(Instant::now());
            let probe = match admission {
                Admission::Call => None,
                Admission::Probe(number) => Some(number),
                Admission::WaitForProbe => {
                    let decision = tokio::time::timeout_at(deadline.into(), decided).await;
                    decision.map_err(|_| error(ErrorKind::TimedOut))?;
                    continue;
                }
                Admission::Refused {
                    cause: Cause::Outage,
                    retry_in,
                } => return Err(error(ErrorKind::CircuitOpen { retry_in })),
                Admission::Refused {
                    cause: Cause::AccountRefused(refusal),
                    ..
                } => {
                    return Err(ProviderError {
                        status: refusal.status,
                        code: refusal.code,
                        ..error(refusal.kind)
                    });
                }
            };
            if probe.is_some() {
                tracing::info!(
                    provider = self.provider,
                    "Looking whether the provider answers again"
                );
            }
            return Ok(Permit {
                breaker: self.clone(),
                probe,
                is_reported: false,
            });
        }
    }
}

impl Permit {
    /// Tells how the call ended. `was_cut_short` when our own deadline ended it before the provider's time was up;
    /// `has_stand_in` when another model of the provider is asked next.
    pub(crate) fn report(
        mut self,
        error: Option<&ProviderError>,
        was_cut_short: bool,
        has_stand_in: bool,
    ) {
        let observed = match error {
            None => Observation::Alive,
            Some(error) => match &error.kind {
                ErrorKind::TimedOut if was_cut_short => Observation::Inconclusive,
                ErrorKind::TimedOut | ErrorKind::Unavailable if has_stand_in => {
                    Observation::OutageOfOneModel
                }
                ErrorKind::TimedOut | ErrorKind::Unavailable => Observation::Outage,
                // 403 denies one model, voice or feature to an account that is otherwise served.
                ErrorKind::BadCredentials if error.status == Some(403) => Observation::Alive,
                ErrorKind::OutOfCredits | ErrorKind::BadCredentials => {
                    Observation::AccountRefused(AccountRefusal {
                        kind: error.kind.clone(),
                        status: error.status,
                        code: error.code.clone(),
                    })
                }
                _ => Observation::Alive,
            },
        };
        self.record(observed);
    }

    fn record(&mut self, observed: Observation<AccountRefusal>) {
        self.is_reported = true;
        let breaker = &self.breaker;
        let opened = breaker
            .circuit()
            .record(Instant::now(), self.probe, observed.clone());
        if opened {
            tracing::error!(provider = breaker.provider, cause = ?observed, "Provider is left alone for a while");
        }
        // Also when the probe was overtaken: those who wait for it are told otherwise now.
        if opened || self.probe.is_some() {
            breaker.inner.decided.notify_waiters();
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if !self.is_reported {
            self.record(Observation::Inconclusive);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUTS: CallTimeouts = CallTimeouts {
        try_max: Duration::from_secs(300),
        probe_after: Duration::from_millis(40),
    };

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(20)
    }

    async fn down() -> Breaker {
        let breaker = Breaker::new("OpenAI", TIMEOUTS);
        let outage = ProviderError::new("OpenAI", "draw", ErrorKind::Unavailable);
        for _ in 0..OUTAGES_TO_OPEN {
            let permit = breaker.admit("draw", soon()).await.expect("closed");
            permit.report(Some(&outage), false, false);
        }
        breaker
    }

    #[tokio::test]
    async fn an_outage_fails_at_once_with_the_time_to_the_probe_and_those_who_come_meanwhile_wait_for_it()
     {
        let breaker = down().await;
        let Err(refused) = breaker.admit("draw", soon()).await else {
            panic!("admitted while open");
        };
        assert!(refused.is_retryable());
        let pause = refused.retry_after().expect("a pause");
        assert!(pause <= TIMEOUTS.probe_after, "{pause:?}");

        tokio::time::sleep(pause).await;
        let probe = breaker.admit("draw", soon()).await.expect("the probe");
        let waiting = tokio::spawn({
            let breaker = breaker.clone();
            async move { breaker.admit("draw", soon()).await.is_ok() }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        probe.report(None, false, false);
        assert!(waiting.await.expect("no panic"));
    }

    #[tokio::test]
    async fn a_probe_that_is_given_up_leaves_the_look_to_the_next() {
        let breaker = down().await;
        tokio::time::sleep(TIMEOUTS.probe_after).await;
        drop(breaker.admit("draw", soon()).await.expect("the probe"));
        let next = breaker.admit("draw", soon()).await.expect("another probe");
        assert!(next.probe.is_some());
    }

    #[tokio::test]
    async fn a_refused_account_is_told_to_everybody_as_it_was_told_to_the_first() {
        let breaker = Breaker::new("ElevenLabs", TIMEOUTS);
        let permit = breaker.admit("speak", soon()).await.expect("closed");
        let no_money = ProviderError {
            status: Some(401),
            code: Some("quota_exceeded".to_owned()),
            ..ProviderError::new("ElevenLabs", "speak", ErrorKind::OutOfCredits)
        };
        permit.report(Some(&no_money), false, false);
        let Err(refused) = breaker.admit("speak", soon()).await else {
            panic!("admitted without money");
        };
        assert!(!refused.is_retryable());
        assert_eq!(refused.to_string(), no_money.to_string());
    }

    #[tokio::test]
    async fn a_refused_key_stops_every_call_and_a_model_that_is_denied_only_its_own() {
        for (status, is_stopped) in [(401, true), (403, false)] {
            let breaker = Breaker::new("OpenAI", TIMEOUTS);
            let permit = breaker.admit("draw", soon()).await.expect("closed");
            let denied = ProviderError {
                status: Some(status),
                ..ProviderError::new("OpenAI", "draw", ErrorKind::BadCredentials)
            };
            permit.report(Some(&denied), false, false);
            assert_eq!(breaker.is_closed(), !is_stopped, "HTTP {status}");
        }
    }
}
