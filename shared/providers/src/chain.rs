//! The models of one purpose in their order: which is asked next, and what this process remembers of those that failed.

use crate::{ErrorKind, ProviderError};
use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// A model that is not open to the account, or gone, is left out for so long: somebody may verify the organisation meanwhile.
const CLOSED_FOR: Duration = Duration::from_secs(600);
/// A model that keeps failing is asked last for so long.
const AILING_FOR: Duration = Duration::from_secs(120);
/// Failures in a row after which a model is asked last; a time-out is too dear for a second one, and what refuses a parameter
/// refuses it again.
const FAILURES_TO_AIL: u32 = 2;
/// With less time than this left no further model is asked.
const TIME_FOR_ANOTHER: Duration = Duration::from_secs(10);

/// Models that stand in for each other, first choice first.
#[derive(Debug)]
pub(crate) struct Chain {
    /// What they are for, as log lines say it: `image`, `text`.
    noun: &'static str,
    models: Vec<String>,
    records: Mutex<HashMap<String, Record>>,
}

/// What is known of one model.
#[derive(Clone, Copy, Debug, Default)]
struct Record {
    failures_in_a_row: u32,
    set_aside: Option<SetAside>,
}

#[derive(Clone, Copy, Debug)]
struct SetAside {
    at: Instant,
    is_closed: bool,
}

impl SetAside {
    fn is_over(&self, now: Instant) -> bool {
        let pause = if self.is_closed {
            CLOSED_FOR
        } else {
            AILING_FOR
        };
        now.saturating_duration_since(self.at) >= pause
    }
}

impl Chain {
    /// Names are taken without white space around them; a name that stands twice is asked once.
    pub(crate) fn new(noun: &'static str, models: &[String]) -> Self {
        let mut known: Vec<String> = Vec::new();
        for model in models.iter().map(|model| model.trim()) {
            if !model.is_empty() && !known.iter().any(|other| other == model) {
                known.push(model.to_owned());
            }
        }
        Self {
            noun,
            models: known,
            records: Mutex::default(),
        }
    }

    fn records(&self) -> MutexGuard<'_, HashMap<String, Record>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// In the order of asking: first those nothing is held against, then those that keep failing, longest ago first. Those
    /// that are closed only if there is no other: the refusal of one is free, but tells nothing new.
    fn in_order(&self, now: Instant) -> Vec<&str> {
        let records = self.records();
        let set_aside = |model: &str| {
            let aside = records.get(model)?.set_aside?;
            (!aside.is_over(now)).then_some(aside)
        };
        let mut models: Vec<_> = self
            .models
            .iter()
            .map(|model| (model.as_str(), set_aside(model)))
            .collect();
        let is_closed = |aside: &Option<SetAside>| aside.is_some_and(|aside| aside.is_closed);
        if !models.iter().all(|(_, aside)| is_closed(aside)) {
            models.retain(|(_, aside)| !is_closed(aside));
        }
        models.sort_by_key(|(_, aside)| aside.map(|aside| aside.at));
        models.into_iter().map(|(model, _)| model).collect()
    }

    /// The model to ask first.
    pub(crate) fn first(&self) -> String {
        let first = self.in_order(Instant::now()).first().copied();
        first.unwrap_or_default().to_owned()
    }

    /// Begins to ask, for one call.
    pub(crate) fn walk(
        &self,
        provider: &'static str,
        attempted: &'static str,
        deadline: Instant,
    ) -> Walk<'_> {
        Walk {
            chain: self,
            left: self.in_order(Instant::now()).into_iter().collect(),
            deadline,
            provider,
            attempted,
            failure: None,
        }
    }

    pub(crate) fn remember_success(&self, model: &str) {
        self.records().remove(model);
    }

    pub(crate) fn remember_failure(&self, model: &str, kind: &ErrorKind) {
        let now = Instant::now();
        let mut records = self.records();
        let record = records.entry(model.to_owned()).or_default();
        record.failures_in_a_row += 1;
        let is_closed = matches!(kind, ErrorKind::ModelClosed | ErrorKind::ModelGone);
        let is_dear = matches!(kind, ErrorKind::TimedOut | ErrorKind::Invalid);
        if is_closed || is_dear || record.failures_in_a_row >= FAILURES_TO_AIL {
            record.set_aside = Some(SetAside { at: now, is_closed });
        }
    }
}

/// One call on its way along a chain.
pub(crate) struct Walk<'a> {
    chain: &'a Chain,
    left: VecDeque<&'a str>,
    deadline: Instant,
    provider: &'static str,
    attempted: &'static str,
    /// The one to act on, of those met so far.
    failure: Option<ProviderError>,
}

impl<'a> Walk<'a> {
    /// The model to ask now.
    pub(crate) fn next(&mut self) -> Option<&'a str> {
        let model = self.left.pop_front()?;
        tracing::info!(model, "Trying {model}...");
        Some(model)
    }

    /// Whether another model is asked if this one fails.
    pub(crate) fn has_stand_in(&self) -> bool {
        !self.left.is_empty()
    }

    pub(crate) fn delivered(&self, model: &str) {
        self.chain.remember_success(model);
        let is_fallback = self.chain.models.first().is_none_or(|first| first != model);
        tracing::info!(model, isFallback = is_fallback, "{model} delivered");
    }

    /// Notes a failure. `Err` when no other model is to be asked.
    pub(crate) fn failed(
        &mut self,
        model: &str,
        error: ProviderError,
    ) -> Result<(), ProviderError> {
        let reason = error.kind.reason();
        tracing::error!(
            model,
            reason,
            code = error.code,
            status = error.status,
            error = %error,
            "{model} failed: {reason}"
        );
        if !error.kind.may_spare_other_models() {
            return Err(self.with_earlier(error));
        }
        self.chain.remember_failure(model, &error.kind);
        let is_late = self.deadline.saturating_duration_since(Instant::now()) < TIME_FOR_ANOTHER;
        if is_late && self.has_stand_in() {
            return Err(error);
        }
        // One that may pass is worth another attempt of the job, whatever the others said.
        self.failure = match self.failure.take() {
            Some(earlier) if earlier.is_retryable() && !error.is_retryable() => Some(earlier),
            _ => Some(error),
        };
        Ok(())
    }

    /// Notes a failure in the middle of an answer that somebody heard: no other model is asked from its beginning.
    pub(crate) fn broken_off(mut self, model: &str, error: ProviderError) -> ProviderError {
        self.left.clear();
        match self.failed(model, error) {
            Err(error) => error,
            Ok(()) => self.failure.unwrap_or_else(|| {
                ProviderError::new(self.provider, self.attempted, ErrorKind::Unavailable)
            }),
        }
    }

    /// What a model met is the cause; that the provider is left alone from then on says only how long.
    fn with_earlier(&mut self, error: ProviderError) -> ProviderError {
        match (self.failure.take(), &error.kind) {
            (Some(earlier), ErrorKind::CircuitOpen { retry_in }) if earlier.is_retryable() => {
                ProviderError {
                    circuit_open_for: Some(*retry_in),
                    ..earlier
                }
            }
            _ => error,
        }
    }

    /// Every model failed.
    pub(crate) fn into_error(self) -> ProviderError {
        let mut error = self.failure.unwrap_or_else(|| {
            ProviderError::new(self.provider, self.attempted, ErrorKind::ModelGone)
        });
        error.is_of_all_models = true;
        tracing::warn!(
            reason = error.kind.reason(),
            code = error.code,
            error = %error,
            "All {} models of {} failed",
            self.chain.noun,
            self.provider
        );
        error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain() -> Chain {
        Chain::new(
            "image",
            &[
                "first".to_owned(),
                "second\u{a0}".to_owned(),
                "first".to_owned(),
            ],
        )
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    fn error(kind: ErrorKind) -> ProviderError {
        ProviderError::new("OpenAI", "draw", kind)
    }

    #[test]
    fn what_another_model_may_not_have_leads_to_it_and_what_every_model_has_does_not() {
        for kind in [
            ErrorKind::ModelClosed,
            ErrorKind::ModelGone,
            ErrorKind::Unavailable,
            ErrorKind::TimedOut,
            ErrorKind::Malformed,
            ErrorKind::Invalid,
        ] {
            let chain = chain();
            let mut walk = chain.walk("OpenAI", "draw", soon());
            assert_eq!(walk.next(), Some("first"));
            assert!(
                walk.failed("first", error(kind.clone())).is_ok(),
                "{kind:?}"
            );
            assert_eq!(walk.next(), Some("second"), "{kind:?}");
            assert!(!walk.has_stand_in());
        }
        for kind in [
            ErrorKind::BadCredentials,
            ErrorKind::OutOfCredits,
            ErrorKind::Refused,
            ErrorKind::ReferenceUnreadable { index: None },
            ErrorKind::RateLimited { retry_after: None },
        ] {
            let chain = chain();
            let mut walk = chain.walk("OpenAI", "draw", soon());
            walk.next();
            let stopped = walk.failed("first", error(kind.clone()));
            assert_eq!(stopped.expect_err("no other is asked").kind, kind);
        }
    }

    #[test]
    fn a_model_that_is_closed_is_left_out_and_one_that_keeps_failing_is_asked_last() {
        let chain = chain();
        chain.remember_failure("first", &ErrorKind::ModelClosed);
        assert_eq!(chain.in_order(Instant::now()), ["second"]);
        chain.remember_failure("second", &ErrorKind::ModelClosed);
        assert_eq!(chain.in_order(Instant::now()), ["first", "second"]);
        assert_eq!(
            chain.in_order(Instant::now() + CLOSED_FOR),
            ["first", "second"]
        );

        let chain = self::chain();
        chain.remember_failure("first", &ErrorKind::Unavailable);
        assert_eq!(chain.in_order(Instant::now()), ["first", "second"]);
        chain.remember_failure("first", &ErrorKind::Unavailable);
        assert_eq!(chain.in_order(Instant::now()), ["second", "first"]);
        chain.remember_success("first");
        assert_eq!(chain.in_order(Instant::now()), ["first", "second"]);
        chain.remember_failure("first", &ErrorKind::TimedOut);
        assert_eq!(chain.in_order(Instant::now()), ["second", "first"]);
    }

    #[test]
    fn a_failure_that_may_pass_is_the_one_to_act_on() {
        let chain = chain();
        let mut walk = chain.walk("OpenAI", "draw", soon());
        for (model, kind) in [
            ("first", ErrorKind::TimedOut),
            ("second", ErrorKind::ModelClosed),
        ] {
            assert_eq!(walk.next(), Some(model));
            walk.failed(model, error(kind)).expect("another may do");
        }
        assert_eq!(walk.next(), None);
        let error = walk.into_error();
        assert_eq!(
            (error.kind, error.is_of_all_models),
            (ErrorKind::TimedOut, true)
        );
    }
}
