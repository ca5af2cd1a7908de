//! Guards taken out of the SQL one at a time: each loss must be noticed, by random play or by a directed check.

mod list;

use crate::{
    Figures, Result, TestDatabase, Trial, TrialOptions, alone, figures, simulation::interleavings,
    stuck,
};
use futures::future::BoxFuture;
use list::GUARDS;
use std::{panic, sync::Arc};

pub(crate) const MUTANTS: Trial = Trial {
    name: "mutants",
    covers: &["mutation check", "row 27"],
    question: "guards are taken out of the SQL one at a time, each in a database of its own: every loss is noticed",
    run: alone!(measure),
};

/// Random play gives up on a mutant after this many seeds.
const SEEDS_MAX: u64 = 12;

/// One guard, and what is left of it.
#[derive(Clone, Copy, Debug)]
struct Guard {
    name: &'static str,
    /// The function it stands in, its words there, and what takes their place.
    function: &'static str,
    from: &'static str,
    to: &'static str,
    noticed_by: NoticedBy,
}

type Check = fn(Arc<TestDatabase>) -> BoxFuture<'static, ()>;

#[derive(Clone, Copy, Debug)]
enum NoticedBy {
    Play,
    Check(Check),
}

async fn measure(options: TrialOptions) -> Result<Figures> {
    let step = options.size.pick(5, 1, 1);
    let chosen: Vec<Guard> = GUARDS.iter().step_by(step).copied().collect();
    // Whole, every check must pass, or noticing a loss would mean nothing.
    let (mut sound, mut directed) = (0, 0);
    for guard in &chosen {
        if let NoticedBy::Check(check) = guard.noticed_by {
            let database = Arc::new(TestDatabase::new().await);
            directed += 1;
            sound += usize::from(tokio::spawn(check(database)).await.is_ok());
        }
    }
    let told = panic::take_hook();
    // What a check says of a mutant is not for the reader.
    panic::set_hook(Box::new(|_| ()));
    let missed = unnoticed(&chosen, options.seed).await;
    panic::set_hook(told);
    let missed = missed?;

    let told = missed.iter().map(|name| format!("not noticed: {name}"));
    let told: Vec<String> = told.collect();
    Ok(figures! {
        "directed checks that pass with every guard in place" => sound, "checks", is directed;
        "guards whose loss was noticed" => chosen.len() - missed.len(), "guards", is chosen.len(),
            beside told.join(", ");
    })
}

async fn unnoticed(guards: &[Guard], seed: u64) -> Result<Vec<&'static str>> {
    let mut missed = Vec::new();
    for guard in guards {
        if !is_noticed(guard, seed).await? {
            missed.push(guard.name);
        }
    }
    Ok(missed)
}

async fn is_noticed(guard: &Guard, seed: u64) -> Result<bool> {
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
async fn without(guard: &Guard) -> Result<TestDatabase> {
    let Guard {
        name,
        function,
        from,
        to,
        ..
    } = guard;
    let database = TestDatabase::new().await;
    let definition: String = database
        .value(&format!(
            "select pg_get_functiondef(p.oid) from pg_proc p join pg_namespace n on n.oid = p.pronamespace
             where n.nspname || '.' || p.proname = '{function}'"
        ))
        .await;
    if !definition.contains(from) {
        return stuck(format!(
            "the guard `{name}` is not where it was in {function}; the list of guards needs mending"
        ));
    }
    database.arrange(&definition.replacen(from, to, 1)).await;
    Ok(database)
}
