//! One log line per provider call: what was asked of which model, how long it took, and how it ended. Never what was said.

use crate::ErrorKind;
use std::time::Instant;

/// A call under way. Dropped before its end, it says that it was given up.
pub(crate) struct CallLog {
    provider: &'static str,
    kind: &'static str,
    model: Option<String>,
    attempt: u32,
    started: Instant,
    is_written: bool,
}

impl CallLog {
    /// `kind` is what is asked for (`text`, `picture`, `speech`, `voices`); `attempt` counts from 1 within one question to
    /// one model.
    pub(crate) fn start(
        provider: &'static str,
        kind: &'static str,
        model: Option<&str>,
        attempt: u32,
    ) -> Self {
        Self {
            provider,
            kind,
            model: model.map(str::to_owned),
            attempt,
            started: Instant::now(),
            is_written: false,
        }
    }

    /// The answer was delivered, or failed so.
    pub(crate) fn end(mut self, failure: Option<&ErrorKind>) {
        self.write(failure.map_or("delivered", ErrorKind::code));
    }

    fn write(&mut self, outcome: &'static str) {
        self.is_written = true;
        tracing::info!(
            provider = self.provider,
            kind = self.kind,
            model = self.model.as_deref(),
            attempt = self.attempt,
            durationMs = self.started.elapsed().as_millis() as u64,
            outcome,
            "Provider called"
        );
    }
}

impl Drop for CallLog {
    fn drop(&mut self) {
        if !self.is_written {
            self.write("given_up");
        }
    }
}
