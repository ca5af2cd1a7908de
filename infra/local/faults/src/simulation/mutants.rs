//! Guards taken out of the SQL one at a time: each loss must be noticed, by random play or by a directed check.

mod list;

use crate::simulation::{database::Database, interleavings};
use crate::{Figures, Order, Running, Trial, TrialError};
use futures::future::BoxFuture;
use list::GUARDS;
use std::{panic, sync::Arc};

pub(crate) const MUTANTS: Trial = Trial {
    name: "mutants",
    settles: &["mutation check", "row 27"],
    question: "guards are taken out of the SQL one at a time, each in a database of its own: every loss is noticed",
    run,
};

/// Random play gives up on a mutant after this many seeds.
const SEEDS_MAX: u64 = 12;

/// One guard, and what is left of it.
#[derive(Clone, Copy, Debug)]
struct Guard {
    name: &'static str,
    change: Change,
    noticed_by: NoticedBy,
}

#[derive(Clone, Copy, Debug)]
enum Change {
    /// Replaces a text within the definition of a function.
    Within {
        function: &'static str,
        from: &'static str,
        to: &'static str,
    },
    /// Changes the database otherwise.
    Statement(&'static str),
}

type Check = fn(Arc<Database>) -> BoxFuture<'static, ()>;

#[derive(Clone, Copy, Debug)]
enum NoticedBy {
    Play,
    Check(Check),
}

fn run(order: Order) -> Running {
    Box::pin(async move {
        let step = order.size.pick(5, 1, 1);
        let chosen: Vec<Guard> = GUARDS.iter().step_by(step).copied().collect();
        // Whole, every check must pass, or noticing a loss would mean nothing.
        let mut sound = 0;
        let checks: Vec<Check> = chosen.iter().filter_map(directed).collect();
        for check in &checks {
            let database = Arc::new(Database::new().await);
            sound += usize::from(tokio::spawn(check(database)).await.is_ok());
        }
        let told = panic::take_hook();
        // What a check says of a mutant is not for the reader.
        panic::set_hook(Box::new(|_| ()));
        let missed = unnoticed(&chosen, order.seed).await;
        panic::set_hook(told);
        let missed = missed?;

        let mut figures = Figures::default();
        figures
            .exactly(
                "directed checks that pass with every guard in place",
                sound as f64,
                "checks",
                checks.len() as f64,
            )
            .exactly(
                "guards whose loss was noticed",
                (chosen.len() - missed.len()) as f64,
                "guards",
                chosen.len() as f64,
            );
        if !missed.is_empty() {
            figures.beside(format!("not noticed: {}", missed.join(", ")));
        }
        Ok(figures)
    })
}

fn directed(guard: &Guard) -> Option<Check> {
    match guard.noticed_by {
        NoticedBy::Check(check) => Some(check),
        NoticedBy::Play => None,
    }
}

async fn unnoticed(guards: &[Guard], seed: u64) -> Result<Vec<&'static str>, TrialError> {
    let mut missed = Vec::new();
    for guard in guards {
        if !noticed(guard, seed).await? {
            missed.push(guard.name);
        }
    }
    Ok(missed)
}

async fn noticed(guard: &Guard, seed: u64) -> Result<bool, TrialError> {
    match guard.noticed_by {
        NoticedBy::Check(check) => {
            let database = Arc::new(without(guard).await?);
            Ok(tokio::spawn(check(database)).await.is_err())
        }
        NoticedBy::Play => {
            for seed in seed..seed + SEEDS_MAX {
                let database = Arc::new(without(guard).await?);
                if tokio::spawn(interleavings::play(database, seed))
                    .await
                    .is_err()
                {
                    return Ok(true);
                }
            }
            Ok(false)
        }
    }
}

/// A database in which this guard is missing.
async fn without(guard: &Guard) -> Result<Database, TrialError> {
    let database = Database::new().await;
    match guard.change {
        Change::Statement(statement) => database.arrange(statement).await,
        Change::Within { function, from, to } => {
            let definition: String = database
                .value(&format!(
                    "select pg_get_functiondef(p.oid) from pg_proc p join pg_namespace n on n.oid = p.pronamespace
                     where n.nspname || '.' || p.proname = '{function}'"
                ))
                .await;
            if !definition.contains(from) {
                return Err(TrialError::Stuck(format!(
                    "the guard `{}` is not where it was in {function}; the list of guards needs mending",
                    guard.name
                )));
            }
            database.arrange(&definition.replacen(from, to, 1)).await;
        }
    }
    Ok(database)
}
