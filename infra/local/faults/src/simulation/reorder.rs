//! F4: every event of a story delivered up to five times, in any order and up to six hours late, ends in the same story.

mod course;

use crate::simulation::database::Database;
use crate::{Figures, Order, Running, Trial};
use course::{Course, Manners, Mishaps};
use futures::future::join_all;
use rand::{SeedableRng, rngs::StdRng};
use std::{collections::BTreeMap, time::Instant};

pub(crate) const REORDER: Trial = Trial {
    name: "reorder",
    settles: &["F4"],
    question: "every event of a story comes one to five times, in any order and up to six hours late: the story ends as \
               it does undisturbed",
    run,
};

/// Databases in use at one moment; within one, a seed follows the other.
const LANES: u64 = 2;

/// What a lane saw.
#[derive(Debug, Default)]
struct Seen {
    different: Vec<u64>,
    deliveries: u64,
    work_begun: u64,
    work_needed: u64,
    virtual_seconds: f64,
}

fn run(order: Order) -> Running {
    Box::pin(async move {
        let seeds: u64 = order.size.pick(16, 1_000, 10_000);
        let began = Instant::now();
        let lanes = (0..LANES).map(|lane| async move {
            play_lane(&Database::new().await, order.seed, lane, seeds).await
        });
        let lanes = join_all(lanes).await;
        let took = began.elapsed().as_secs_f64();
        let mut seen = Seen::default();
        for lane in lanes {
            seen.different.extend(lane.different);
            seen.deliveries += lane.deliveries;
            seen.work_begun += lane.work_begun;
            seen.work_needed += lane.work_needed;
            seen.virtual_seconds += lane.virtual_seconds;
        }
        Ok(figures(&seen, seeds, took))
    })
}

fn figures(seen: &Seen, seeds: u64, took: f64) -> Figures {
    let mut figures = Figures::default();
    figures
        .told("seeds a second", seeds as f64 / took, "seeds/s")
        .told("events delivered", seen.deliveries as f64, "events")
        .at_least(
            "virtual time",
            seen.virtual_seconds / took,
            "x the time taken",
            10_000.0,
        )
        .beside("FoundationDB about 10, TigerBeetle 1,000 to 10,000")
        .at_most(
            "attempts begun, beside those of the undisturbed runs",
            seen.work_begun as f64 / seen.work_needed as f64,
            "x",
            1.0,
        )
        .exactly(
            "seeds that end otherwise than undisturbed",
            seen.different.len() as f64,
            "seeds",
            0.0,
        );
    if let Some(first) = seen.different.first() {
        figures.beside(format!(
            "replay: cargo local fault reorder --short --seed {first}"
        ));
    }
    figures
}

async fn play_lane(database: &Database, first: u64, lane: u64, seeds: u64) -> Seen {
    let mut seen = Seen::default();
    let mut undisturbed = BTreeMap::new();
    for seed in (first..first + seeds).filter(|seed| seed % LANES == lane) {
        let mut random = StdRng::seed_from_u64(seed);
        let mishaps = Mishaps::draw(&mut random);
        if !undisturbed.contains_key(&mishaps) {
            let calm = Course::run(database, Manners::Plain, mishaps.clone(), random.clone());
            undisturbed.insert(mishaps.clone(), calm.await);
        }
        let plain = &undisturbed[&mishaps];
        let unruly = Course::run(database, Manners::Unruly, mishaps.clone(), random).await;
        if plain.end != unruly.end {
            eprintln!(
                "seed {seed} ends otherwise:\n{:#}\nundisturbed:\n{:#}",
                unruly.end, plain.end
            );
            seen.different.push(seed);
        }
        seen.deliveries += unruly.deliveries;
        seen.work_begun += unruly.work_begun;
        seen.work_needed += plain.work_begun;
        seen.virtual_seconds += unruly.virtual_seconds;
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulation::steering::tests::without;

    #[tokio::test]
    async fn a_second_delivery_that_is_granted_too_is_noticed() {
        let guard = "(not private.is_started(j.lease_owner) or j.lease_owner = p_owner)";
        let database = without("public.start_assets", guard, "true").await;
        let seen = play_lane(&database, 0, 0, 8).await;
        assert!(seen.work_begun > seen.work_needed, "{seen:?}");
    }
}
