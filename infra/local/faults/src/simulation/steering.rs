//! F29: cancel, retry, regenerate, generate and continue at any moment of a story, while workers go on with what they hold.

mod steering_run;

use crate::prelude::*;
use crate::simulation::lanes::{Seeds, in_lanes, replay};
use Wrong::{CameBack, MixedBook, NeverSettled, NotTold, OldResultGone, StaleResult};
use rand::{SeedableRng, rngs::StdRng};
use std::collections::{BTreeMap, BTreeSet};
use steering_run::SteeringRun;

pub(crate) const RUN: Run = alone!(measure);

/// What can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wrong {
    StaleResult,
    NotTold,
    MixedBook,
    CameBack,
    OldResultGone,
    NeverSettled,
}

/// How often each did; none is what is wanted.
type Wrongs = BTreeMap<Wrong, u64>;

/// What a lane saw.
#[derive(Debug, Default)]
struct Seen {
    wrongs: Wrongs,
    broken: Vec<u64>,
    zombies: u64,
    met: BTreeSet<(String, &'static str)>,
}

async fn measure(options: TrialOptions) -> Result<Figures> {
    let mut played = in_lanes(options, 16, 2, play_lane).await;
    let mut seen = Seen::default();
    for lane in std::mem::take(&mut played.lanes) {
        seen.note(lane.wrongs);
        seen.broken.extend(lane.broken);
        seen.zombies += lane.zombies;
        seen.met.extend(lane.met);
    }
    let replay = replay("steering", &seen.broken);
    let mut figures = figures! {
        "seeds a second" => played.seeds_a_second(), "seeds/s";
        "writes of workers whose lease was taken away" => seen.zombies, "writes";
        "pairs of a job's state and a wish" => seen.met.len(), "pairs";
    };
    for (what, wrong) in [
        ("results of an attempt that was taken away", StaleResult),
        ("workers that were not told their lease is gone", NotTold),
        ("books of pictures of different rounds", MixedBook),
        ("cancelled assets that came back", CameBack),
        (
            "old results gone before the new one was there",
            OldResultGone,
        ),
        ("stories that never settled", NeverSettled),
    ] {
        let times = seen.wrongs.get(&wrong).copied().unwrap_or(0);
        figures.extend(figures! {
            what => times, "cases", is 0, beside if times > 0 { &*replay } else { "" };
        });
    }
    Ok(figures)
}

impl Seen {
    fn note(&mut self, wrongs: Wrongs) {
        for (wrong, times) in wrongs {
            *self.wrongs.entry(wrong).or_default() += times;
        }
    }
}

async fn play_lane(database: TestDatabase, seeds: Seeds) -> Seen {
    let mut seen = Seen::default();
    for seed in seeds {
        let mut run = SteeringRun::open(&database, StdRng::seed_from_u64(seed)).await;
        run.play().await;
        if !run.wrongs.is_empty() {
            eprintln!("seed {seed}: {:?}", run.wrongs);
            seen.broken.push(seed);
        }
        seen.note(run.wrongs);
        seen.zombies += run.zombies;
        seen.met.extend(run.met);
    }
    seen
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A database whose function lacks this.
    pub(crate) async fn without(function: &str, guard: &str, instead: &str) -> TestDatabase {
        let database = TestDatabase::new().await;
        let definition: String = database
            .value(&format!("select pg_get_functiondef('{function}'::regproc)"))
            .await;
        assert!(
            definition.contains(guard),
            "{function} has changed: {definition}"
        );
        database.arrange(&definition.replace(guard, instead)).await;
        database
    }

    #[tokio::test]
    async fn a_book_that_goes_on_while_a_picture_is_made_again_is_noticed() {
        let all = "status in ('ready', 'failed', 'generating')";
        let database = without(
            "private.remake_dependents",
            all,
            "status in ('ready', 'failed')",
        )
        .await;
        let seen = play_lane(database, (0..80).step_by(2)).await;
        assert!(seen.wrongs.contains_key(&MixedBook), "{seen:?}");
    }

    #[tokio::test]
    async fn a_book_goes_with_a_text_that_is_written_again_together_with_a_picture() {
        for seed in [83, 389, 480, 672, 844, 929, 976, 997] {
            let database = TestDatabase::new().await;
            let seen = play_lane(database, (seed..seed + 1).step_by(1)).await;
            assert_eq!(seen.wrongs, Wrongs::default(), "seed {seed}");
        }
    }

    #[tokio::test]
    async fn a_worker_that_writes_without_its_lease_is_noticed() {
        let fence = "when p_job.lease_token is distinct from p_lease_token then 'LEASE_LOST'";
        let database = without("private.is_stale", fence, "").await;
        let seen = play_lane(database, (0..80).step_by(2)).await;
        assert!(seen.wrongs.contains_key(&StaleResult), "{seen:?}");
    }
}
