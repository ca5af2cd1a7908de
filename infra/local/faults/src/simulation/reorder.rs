//! F4: every event of a story delivered up to five times, in any order and up to six hours late, ends in the same story.

mod reorder_run;

use crate::prelude::*;
use crate::simulation::lanes::{Seeds, in_lanes, replay};
use rand::{SeedableRng, rngs::StdRng};
use reorder_run::{Delivery, InjectedFailures, ReorderRun};
use std::collections::BTreeMap;

pub(crate) const RUN: Run = alone!(measure);

/// What a lane saw.
#[derive(Debug, Default)]
struct Seen {
    different: Vec<u64>,
    deliveries: u64,
    work_begun: u64,
    work_needed: u64,
    virtual_seconds: f64,
}

async fn measure(options: TrialOptions) -> Result<Figures> {
    let played = in_lanes(options, 16, 2, play_lane).await;
    let mut seen = Seen::default();
    for lane in &played.lanes {
        seen.different.extend(&lane.different);
        seen.deliveries += lane.deliveries;
        seen.work_begun += lane.work_begun;
        seen.work_needed += lane.work_needed;
        seen.virtual_seconds += lane.virtual_seconds;
    }
    Ok(figures! {
        "seeds a second" => played.seeds_a_second(), "seeds/s";
        "events delivered" => seen.deliveries, "events";
        "virtual time" => seen.virtual_seconds / played.seconds, "x the time taken", at_least 10_000,
            beside "FoundationDB about 10, TigerBeetle 1,000 to 10,000";
        "attempts begun, beside those of the undisturbed runs" =>
            seen.work_begun as f64 / seen.work_needed as f64, "x", at_most 1;
        "seeds that end otherwise than undisturbed" => seen.different.len(), "seeds", is 0,
            beside replay("reorder", &seen.different);
    })
}

async fn play_lane(database: TestDatabase, seeds: Seeds) -> Seen {
    let database = &database;
    let mut seen = Seen::default();
    let mut undisturbed = BTreeMap::new();
    for seed in seeds {
        let mut random = StdRng::seed_from_u64(seed);
        let failures = InjectedFailures::draw(&mut random);
        if !undisturbed.contains_key(&failures) {
            let in_order = ReorderRun::run(
                database,
                Delivery::InOrder,
                failures.clone(),
                random.clone(),
            );
            undisturbed.insert(failures.clone(), in_order.await);
        }
        let plain = &undisturbed[&failures];
        let reordered =
            ReorderRun::run(database, Delivery::Reordered, failures.clone(), random).await;
        if plain.end != reordered.end {
            eprintln!(
                "seed {seed} ends otherwise:\n{:#}\nundisturbed:\n{:#}",
                reordered.end, plain.end
            );
            seen.different.push(seed);
        }
        seen.deliveries += reordered.deliveries;
        seen.work_begun += reordered.work_begun;
        seen.work_needed += plain.work_begun;
        seen.virtual_seconds += reordered.virtual_seconds;
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
        let seen = play_lane(database, (0..8).step_by(2)).await;
        assert!(seen.work_begun > seen.work_needed, "{seen:?}");
    }
}
