//! Every fault test and every benchmark, in the order in which they are listed.

use crate::{Trial, benches, crashes, events, providers, queue, simulation, supabase};

/// Which list a name is looked up in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Fault,
    Bench,
}

impl Kind {
    /// The word of the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fault => "fault",
            Self::Bench => "bench",
        }
    }

    pub fn trials(self) -> Vec<Trial> {
        let lists = match self {
            Self::Fault => vec![
                crashes::FAULTS,
                events::FAULTS,
                providers::FAULTS,
                supabase::FAULTS,
                queue::FAULTS,
                simulation::FAULTS,
            ],
            Self::Bench => vec![benches::BENCHES, queue::BENCHES],
        };
        lists.concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_trials_have_one_name() {
        for kind in [Kind::Fault, Kind::Bench] {
            let mut names: Vec<_> = kind.trials().iter().map(|trial| trial.name).collect();
            let all = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), all);
        }
    }
}
