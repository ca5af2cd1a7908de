//! The asynchronous side of Lambda: at-least-once delivery, age, and giving up. No event is tried again after a failure,
//! as template.yaml has it for everything that makes a story.
//!
//! Unlike AWS, an event that finds every instance busy waits for the next free one instead of
//! being tried again after a growing pause: a developer should not wait for a dice roll.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use serde_json::Value;
use tokio::{
    sync::OwnedSemaphorePermit,
    time::{Instant, sleep, timeout_at},
};

use crate::lambda::{
    config::Faults,
    dead_letters::record,
    error::{FunctionFailure, InvokeError},
    function::Function,
    invocation::Invocation,
    metrics::EventMetrics,
    state::Core,
};

impl Core {
    /// Takes responsibility for an event and returns its request id at once.
    pub(crate) fn accept(
        self: &Arc<Self>,
        function: &Arc<Function>,
        invocation: Invocation,
    ) -> Result<String, InvokeError> {
        if self.is_stopping() {
            return Err(InvokeError::Stopping);
        }
        let request_id = invocation.request_id.clone();
        let faults = *self.faults.lock();
        self.count_event(function, |events| events.accepted += 1);
        if happens(faults.drop_rate) {
            self.count_event(function, |events| events.dropped += 1);
            tracing::info!(
                request_id,
                "Lost an event for `{}` on purpose",
                function.config.name
            );
            return Ok(request_id);
        }
        if happens(faults.duplicate_rate) {
            self.count_event(function, |events| events.duplicated += 1);
            self.schedule_delivery(function, invocation.clone(), duplicate_lag(faults));
        }
        self.schedule_delivery(function, invocation, Duration::ZERO);
        Ok(request_id)
    }

    fn schedule_delivery(
        self: &Arc<Self>,
        function: &Arc<Function>,
        invocation: Invocation,
        delay: Duration,
    ) {
        let core = Arc::clone(self);
        let function = Arc::clone(function);
        let accepted = Instant::now();
        self.count_event(&function, |events| events.unsettled += 1);
        tokio::spawn(async move {
            let delivery = async {
                sleep(delay).await;
                core.deliver(&function, &invocation, accepted).await;
            };
            tokio::select! {
                () = delivery => (),
                () = core.stopping() => {
                    tracing::debug!(request_id = invocation.request_id, "An event was still unsettled at the stop");
                }
            }
            core.count_event(&function, |events| events.unsettled -= 1);
        });
    }

    /// Runs the event once there is room, or gives up on it: when it fails, or grows too old before.
    async fn deliver(
        self: &Arc<Self>,
        function: &Arc<Function>,
        invocation: &Invocation,
        accepted: Instant,
    ) {
        let too_old_at = accepted + function.config.max_event_age;
        let Ok(permit) = timeout_at(too_old_at, self.room(function)).await else {
            return self.give_up(function, invocation, "EventAgeExceeded", None);
        };
        // Lambda sends events of a function without concurrency straight to the destination.
        let failure = match permit {
            Some(permit) => match self.run(function, invocation, permit).await {
                Ok(_) => return,
                Err(failure) => Some(failure),
            },
            None => None,
        };
        self.give_up(function, invocation, "RetriesExhausted", failure.as_ref());
    }

    /// Room for one invocation; `None` when the function has no room at all.
    async fn room(&self, function: &Function) -> Option<OwnedSemaphorePermit> {
        if function.config.max_concurrency == 0 {
            return None;
        }
        Arc::clone(&function.permits).acquire_owned().await.ok()
    }

    fn give_up(
        self: &Arc<Self>,
        function: &Arc<Function>,
        invocation: &Invocation,
        condition: &str,
        failure: Option<&FunctionFailure>,
    ) {
        self.count_event(function, |events| events.dead_lettered += 1);
        tracing::warn!(
            request_id = invocation.request_id,
            "Gave up on an event for `{}`: {condition}",
            function.config.name
        );
        let letter = record(invocation, &function.arn, condition, failure);
        if let Some(destination) = &function.config.on_failure {
            self.report_failure(destination, &letter);
        }
        self.dead_letters.add(letter);
    }

    /// Sends the record to the function that is to hear of it, as an event of its own.
    fn report_failure(self: &Arc<Self>, destination: &str, letter: &Value) {
        if happens(self.faults.lock().lose_failure_rate) {
            tracing::info!("Lost the record of a failure on purpose");
            return;
        }
        let event = Invocation::new(letter.to_string().into());
        let sent = self
            .function(destination)
            .and_then(|function| self.accept(function, event));
        if let Err(error) = sent {
            tracing::warn!(%error, "Could not report a failure to `{destination}`");
        }
    }

    fn count_event(&self, function: &Function, change: impl FnOnce(&mut EventMetrics)) {
        self.ledger
            .change(&function.config.name, |totals| change(&mut totals.events));
    }
}

fn happens(share: f64) -> bool {
    // NaN and what lies outside 0..=1 come from a typing error in a variable, not from a wish.
    share > 0.0 && rand::random_bool(share.min(1.0))
}

fn duplicate_lag(faults: Faults) -> Duration {
    Duration::from_millis(rand::random_range(0..=faults.duplicate_within_ms))
}

/// The payload Lambda gives a function when the caller sent none.
pub(crate) fn payload_or_empty_object(payload: Bytes) -> Bytes {
    if payload.is_empty() {
        Bytes::from_static(b"{}")
    } else {
        payload
    }
}
