//! Guards taken out of the SQL one at a time: each loss must be noticed, by random play or by a directed check.

use crate::prelude::*;
use crate::simulation::{checks, interleavings};
use serde::Deserialize;
use std::{panic, sync::Arc};

pub(crate) const RUN: Run = alone!(measure);

/// Random play gives up on a mutant after this many seeds.
const SEEDS_MAX: u64 = 12;

/// One guard, and what is left of it.
#[derive(Clone, Debug, Deserialize)]
struct Guard {
    #[serde(rename = "guard")]
    name: String,
    /// The function it stands in, its words there, and what takes their place.
    function: String,
    from: String,
    to: String,
    /// `play`, or the name of a directed check.
    noticed_by: String,
}

async fn measure(options: TrialOptions) -> Result<Figures> {
    let step = options.size.pick(5, 1, 1);
    let guards: Vec<Guard> =
        serde_json::from_str(include_str!("guards.json")).context("read the list of guards")?;
    let chosen: Vec<Guard> = guards.into_iter().step_by(step).collect();
    // Whole, every check must pass, or noticing a loss would mean nothing.
    let (mut sound, mut directed) = (0, 0);
    for guard in chosen.iter().filter(|guard| guard.noticed_by != "play") {
        let database = Arc::new(TestDatabase::new().await);
        directed += 1;
        sound += usize::from(passes(guard, database, options.seed).await?);
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

async fn unnoticed(guards: &[Guard], seed: u64) -> Result<Vec<&str>> {
    let mut missed = Vec::new();
    for guard in guards {
        let tries = if guard.noticed_by == "play" {
            SEEDS_MAX
        } else {
            1
        };
        let mut is_noticed = false;
        for seed in seed..seed + tries {
            is_noticed = is_noticed || !passes(guard, without(guard).await?, seed).await?;
        }
        missed.extend((!is_noticed).then_some(&*guard.name));
    }
    Ok(missed)
}

/// Whether what must notice the loss of a guard finds nothing in this database.
async fn passes(guard: &Guard, database: Arc<TestDatabase>, seed: u64) -> Result<bool> {
    let looking = match (&*guard.noticed_by, checks::named(&guard.noticed_by)) {
        ("play", _) => tokio::spawn(interleavings::play(database, seed)),
        (_, Some(check)) => tokio::spawn(check(database)),
        (unknown, None) => return stuck(format!("there is no check `{unknown}`")),
    };
    Ok(looking.await.is_ok())
}

/// A database in which this guard is missing.
async fn without(guard: &Guard) -> Result<Arc<TestDatabase>> {
    let Guard {
        name,
        function,
        from,
        to,
        ..
    } = guard;
    let database = Arc::new(TestDatabase::new().await);
    let definition: String = database
        .value(&format!(
            "select pg_get_functiondef(p.oid) from pg_proc p join pg_namespace n on n.oid = p.pronamespace
             where n.nspname || '.' || p.proname = '{function}'"
        ))
        .await;
    if !definition.contains(from.as_str()) {
        return stuck(format!(
            "the guard `{name}` is not where it was in {function}; the list of guards needs mending"
        ));
    }
    database.arrange(&definition.replacen(from, to, 1)).await;
    Ok(database)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_must_notice_the_loss_of_a_guard_is_there() {
        let guards: Vec<Guard> = serde_json::from_str(include_str!("guards.json")).unwrap();
        for guard in guards {
            let noticed_by = guard.noticed_by.as_str();
            let is_there = noticed_by == "play" || checks::named(noticed_by).is_some();
            assert!(is_there, "{guard:?}");
        }
    }
}
