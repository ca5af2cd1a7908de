//! What the terminal says while something is being set up: one line a step, with its time.

use std::{fmt::Display, io::Write, time::Instant};
use tracing_subscriber::{filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};

/// Where progress goes: to the terminal, or nowhere in tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reporter {
    Terminal,
    Silent,
}

impl Reporter {
    /// Announces a step; the line is completed when the step is.
    pub fn step(self, what: impl Display) -> Step {
        if self == Self::Terminal {
            eprint!("  {what} … ");
            let _ = std::io::stderr().flush();
        }
        Step {
            reporter: self,
            began: Instant::now(),
        }
    }

    /// Announces a step that writes lines of its own.
    pub fn begin(self, what: impl Display) {
        if self == Self::Terminal {
            eprintln!("  {what}");
        }
    }

    pub fn line(self, what: impl Display) {
        if self == Self::Terminal {
            eprintln!("{what}");
        }
    }
}

/// A step under way.
#[must_use]
pub struct Step {
    reporter: Reporter,
    began: Instant,
}

impl Step {
    /// Completes the line with a word and the time it took.
    pub fn done(self, word: impl Display) {
        if self.reporter == Reporter::Terminal {
            eprintln!("{word} ({:.1} s)", self.began.elapsed().as_secs_f64());
        }
    }
}

/// Logs of the stack itself go to standard error, quiet unless `RUST_LOG` asks for more.
pub fn init_logging() {
    let limits = crate::environment::variable("RUST_LOG")
        .unwrap_or_else(|| "error,postrust_server=off".to_owned());
    let filter: Targets = limits.parse().unwrap_or_default();
    // A second call comes from tests that start several stacks; the first subscriber stays.
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let _ = tracing_subscriber::registry()
        .with(filter)
        .with(lines)
        .try_init();
}
