//! One fault test or benchmark: its name, what it asks, and how it is run.

use crate::Figures;
use futures::future::BoxFuture;
use stack::{postgres::PostgresError, report::Reporter, stack::StackError};

/// How much is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Size {
    /// Seconds: what `cargo local test` runs.
    Short,
    /// Minutes: what a command runs without flags.
    Normal,
    /// The full demand of the goal table, behind `--full`.
    Full,
}

impl Size {
    /// One of three values, by size.
    pub fn pick<T>(self, short: T, normal: T, full: T) -> T {
        match self {
            Self::Short => short,
            Self::Normal => normal,
            Self::Full => full,
        }
    }
}

/// How a trial is to be run.
#[derive(Clone, Copy, Debug)]
pub struct Order {
    pub size: Size,
    /// Decides everything random; printed, so that a failing run can be repeated.
    pub seed: u64,
    pub reporter: Reporter,
}

/// A trial under way.
pub type Running = BoxFuture<'static, Result<Figures, TrialError>>;

/// A fault test (`cargo local fault NAME`) or a benchmark (`cargo local bench NAME`).
#[derive(Clone, Copy, Debug)]
pub struct Trial {
    pub name: &'static str,
    /// What it settles, by the numbers of the goal table and the fault list: `F1`, `row 20`.
    pub settles: &'static [&'static str],
    /// One sentence: what is done, and what must hold.
    pub question: &'static str,
    pub run: fn(Order) -> Running,
}

/// A trial that could not be carried out; a goal that was missed is no error but a figure.
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    #[error(transparent)]
    Stack(#[from] StackError),
    #[error(transparent)]
    Postgres(#[from] PostgresError),
    #[error("could not {attempted}")]
    Step {
        attempted: &'static str,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("{0}")]
    Stuck(String),
}

impl TrialError {
    /// For `map_err`: says what was attempted.
    pub fn while_trying<E: Into<Box<dyn std::error::Error + Send + Sync>>>(
        attempted: &'static str,
    ) -> impl FnOnce(E) -> Self {
        move |source| Self::Step {
            attempted,
            source: source.into(),
        }
    }
}
