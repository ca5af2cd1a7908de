//! One fault test or benchmark: its name, what it asks, and how it is run.

use crate::fixture::{Figures, StackSetup, TestDatabase, TestStack};
use futures::{FutureExt, future::LocalBoxFuture};
use operate::api::ApiError;
use stack::{report::Reporter, trouble::Trouble};
use std::{error::Error, panic::AssertUnwindSafe, sync::Arc};

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
pub struct TrialOptions {
    pub size: Size,
    /// Decides everything random; printed, so that a failing run can be repeated.
    pub seed: u64,
    pub reporter: Reporter,
}

/// What the parts of a trial answer.
pub(crate) type Result<T, E = TrialError> = std::result::Result<T, E>;

/// A trial under way.
pub(crate) type Measuring<'a> = LocalBoxFuture<'a, Result<Figures>>;

/// A fault test (`cargo local fault NAME`) or a benchmark (`cargo local bench NAME`).
#[derive(Clone, Debug)]
pub struct Trial {
    pub name: &'static str,
    /// What it covers, by the numbers of the goal table and the fault list: `F1`, `row 20`.
    pub covers: Vec<&'static str>,
    /// One sentence: what is done, and what must hold.
    pub question: &'static str,
    pub(crate) run: Run,
}

/// What a trial is measured on; whoever runs it starts that and stops it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Run {
    Alone(fn(TrialOptions) -> Measuring<'static>),
    OnDatabase(for<'a> fn(&'a Arc<TestDatabase>, TrialOptions) -> Measuring<'a>),
    OnStack {
        setup: fn(StackSetup, TrialOptions) -> StackSetup,
        measure: for<'a> fn(&'a TestStack, TrialOptions) -> Measuring<'a>,
        audited: bool,
    },
}

/// On a stack; the second argument says how it differs from what `StackSetup::new` makes.
macro_rules! on_stack {
    ($measure:path) => {
        on_stack!($measure, |setup, _| setup)
    };
    ($measure:path, $setup:expr) => {
        $crate::trial::Run::OnStack {
            setup: $setup,
            measure: |stack, options| Box::pin($measure(stack, options)),
            audited: false,
        }
    };
}

/// On a database of its own.
macro_rules! on_database {
    ($measure:path) => {
        $crate::trial::Run::OnDatabase(|database, options| Box::pin($measure(database, options)))
    };
}

/// On what it starts itself.
macro_rules! alone {
    ($measure:path) => {
        $crate::trial::Run::Alone(|options| Box::pin($measure(options)))
    };
}
pub(crate) use {alone, on_database, on_stack};

impl Run {
    /// Afterwards the invariants are checked, for every story that was asked for.
    pub(crate) const fn audited(self) -> Self {
        match self {
            Self::OnStack { setup, measure, .. } => Self::OnStack {
                setup,
                measure,
                audited: true,
            },
            other => other,
        }
    }
}

impl Trial {
    /// Starts what it needs, measures, and stops it again, whatever came of it.
    pub async fn run(&self, options: TrialOptions) -> Result<Figures> {
        match self.run {
            Run::Alone(measure) => measure(options).await,
            Run::OnDatabase(measure) => {
                let database = Arc::new(TestDatabase::on_own_server().await);
                // The calls of a test database panic where they are refused.
                let measuring = AssertUnwindSafe(measure(&database, options)).catch_unwind();
                let figures = measuring
                    .await
                    .unwrap_or_else(|_| stuck("a call to the database was refused, as told above"));
                if let Some(database) = Arc::into_inner(database) {
                    database.stop().await;
                }
                figures
            }
            Run::OnStack {
                setup,
                measure,
                audited,
            } => {
                let setup = setup(StackSetup::new(self.name, options)?, options);
                let stack = setup.start().await?;
                let figures = match measure(&stack, options).await {
                    Ok(figures) if audited => stack.audit().await.map(|found| figures.and(found)),
                    figures => figures,
                };
                stack.stop().await;
                figures
            }
        }
    }
}

/// A trial that could not be carried out; a goal that was missed is no error but a figure.
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    #[error(transparent)]
    Local(#[from] Trouble),
    #[error(transparent)]
    Api(#[from] ApiError),
    #[error("could not {attempted}")]
    Step {
        attempted: &'static str,
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    #[error("could not run `{statement}`")]
    Statement {
        statement: String,
        #[source]
        source: sqlx::Error,
    },
    #[error("{0}")]
    Stuck(String),
}

impl TrialError {
    /// For `map_err`: says which statement was run.
    pub(crate) fn of_statement(statement: &str) -> impl FnOnce(sqlx::Error) -> Self {
        move |source| Self::Statement {
            statement: statement.to_owned(),
            source,
        }
    }
}

/// Says what was attempted when it failed.
pub(crate) trait Context<T> {
    fn context(self, attempted: &'static str) -> Result<T>;
}

impl<T, E: Into<Box<dyn Error + Send + Sync>>> Context<T> for Result<T, E> {
    fn context(self, attempted: &'static str) -> Result<T> {
        self.map_err(|source| TrialError::Step {
            attempted,
            source: source.into(),
        })
    }
}

/// Refuses to go on; for what should be there and is not.
pub(crate) fn stuck<T>(what: impl Into<String>) -> Result<T> {
    Err(TrialError::Stuck(what.into()))
}
