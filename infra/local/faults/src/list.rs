//! Every fault test and every benchmark: what `trials.txt` says of it, and what is run.

use crate::{Trial, benches, crashes, events, providers, queue, simulation, supabase, trial::Run};

/// Which list a name is looked up in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Fault,
    Bench,
}

/// The runs of these modules, each under its own name.
macro_rules! runs {
    ($($area:ident: $($module:ident)*;)*) => {
        &[$($((stringify!($module), $area::$module::RUN),)*)*]
    };
}

const RUNS: &[(&str, Run)] = runs! {
    crashes: kill outage upload wake zombie deploy deletion;
    events: duplicates lost notices chaos;
    providers: files ratelimit circuit hang poison refusal budget;
    supabase: postgrest db realtime clock status quota limits;
    queue: race fairness claim snapshot latency;
    simulation: simulation reorder steering mutants;
    benches: init size story burst rate cost memory;
};

impl Kind {
    /// The word of the command line, and of the list.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fault => "fault",
            Self::Bench => "bench",
        }
    }

    pub fn trials(self) -> Vec<Trial> {
        let list = include_str!("trials.txt").split("\n[");
        let mut lists = list.filter_map(|list| list.split_once("]\n"));
        let own = lists.find(|(kind, _)| *kind == self.name());
        let rows = own.map_or("", |(_, rows)| rows).lines();
        rows.filter_map(trial).collect()
    }
}

/// A row of the list, `name | what it covers | what it asks`.
fn trial(row: &'static str) -> Option<Trial> {
    let mut columns = row.split(" | ");
    let name = columns.next()?;
    let (_, run) = RUNS.iter().find(|(module, _)| *module == name)?;
    Some(Trial {
        name,
        covers: columns.next()?.split(", ").collect(),
        question: columns.next()?,
        run: *run,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_trial_has_one_row_in_the_list_and_every_row_a_trial() {
        let all = [Kind::Fault.trials(), Kind::Bench.trials()].concat();
        let names: BTreeSet<_> = all.iter().map(|trial| trial.name).collect();
        let runs: BTreeSet<_> = RUNS.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, runs);
        let rows = include_str!("trials.txt").matches(" | ").count();
        assert_eq!((all.len(), rows), (runs.len(), 2 * runs.len()));
    }
}
