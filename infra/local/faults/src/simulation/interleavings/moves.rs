//! What workers and users may do next, and what the workers remember: old leases too, for zombies use them.

use crate::simulation::database::{
    Database, EVERYTHING, Lease, Refusal, Story, completion, failure, leases,
};
use rand::{Rng, rngs::StdRng, seq::IndexedRandom};
use serde_json::{Value, json};

/// One call.
#[derive(Clone, Debug)]
pub(super) enum Move {
    Verb(&'static str, Value),
    /// Workers of this story fall silent for longer than their leases.
    Silence(Story),
    /// Pauses of this story are over.
    Patience(Story),
}

/// What all workers together know.
#[derive(Debug)]
pub(super) struct World {
    pub(super) stories: Vec<Story>,
    /// Every lease ever heard of, the newest last.
    leases: Vec<Lease>,
    last_settling: Option<Move>,
    /// Lease tokens whose completion was accepted, once each time it was not a repetition.
    pub(super) completed: Vec<String>,
}

impl Move {
    pub(super) async fn make(&self, database: &Database) -> Option<Value> {
        match self {
            Self::Verb(verb, arguments) => match database.try_call(verb, arguments).await {
                Ok(answer) => Some(answer),
                Err(Refusal { code, .. }) if code.starts_with("PT") => None,
                Err(refusal) => panic!("{verb}({arguments}): {refusal:?}"),
            },
            Self::Silence(story) => {
                database.let_leases_run_out(story).await;
                None
            }
            Self::Patience(story) => {
                database.let_time_pass(story).await;
                None
            }
        }
    }
}

impl World {
    pub(super) async fn new(database: &Database, stories: usize) -> Self {
        let mut world = Self {
            stories: Vec::new(),
            leases: Vec::new(),
            last_settling: None,
            completed: Vec::new(),
        };
        for index in 0..stories {
            // The first is asked for in full, the others in part.
            let chosen = if index == 0 {
                0xff
            } else {
                [0b1000_0011, 0b0110_0000, 0b1001_1110][index % 3]
            };
            world
                .stories
                .push(super::story_with_some_assets(database, chosen).await);
        }
        world
    }

    pub(super) fn draw(&self, random: &mut StdRng) -> Move {
        let story = self
            .stories
            .choose(random)
            .expect("there are stories")
            .clone();
        match random.random_range(0..100) {
            0..8 => self.start(&story, random),
            8..28 => Move::Verb(
                "claim_asset_jobs",
                json!({"p_limit": random.random_range(1..6), "p_max_in_flight": 12}),
            ),
            28..60 => self.work(random),
            60..66 => self.last_settling.clone().unwrap_or(Move::Patience(story)),
            66..72 => Move::Silence(story),
            72..84 => Move::Patience(story),
            84..90 => Move::Verb(
                "expire_stuck_jobs",
                json!({"p_limit": random.random_range(1..10)}),
            ),
            _ => steer(&story, random),
        }
    }

    fn start(&self, story: &Story, random: &mut StdRng) -> Move {
        let owner = owner(random);
        match self
            .leases
            .choose(random)
            .filter(|_| random.random_bool(0.5))
        {
            Some(lease) if lease.asset == "content" => Move::Verb(
                "start_content",
                json!({"p_story_id": lease.story, "p_owner": owner, "p_lease_token": lease.token, "p_max_in_flight": 12}),
            ),
            Some(lease) => {
                let jobs = json!([{"jobId": lease.job, "leaseToken": lease.token}]);
                Move::Verb(
                    "start_assets",
                    json!({"p_story_id": lease.story, "p_jobs": jobs, "p_owner": owner}),
                )
            }
            None => Move::Verb(
                "start_content",
                json!({"p_story_id": story.id, "p_owner": owner, "p_max_in_flight": 12}),
            ),
        }
    }

    /// Something only the holder of a lease may do, with a lease that is mostly but not always a recent one.
    fn work(&self, random: &mut StdRng) -> Move {
        let recent = self.leases.len().saturating_sub(6);
        let among = if random.random_bool(0.8) {
            &self.leases[recent..]
        } else {
            &self.leases[..]
        };
        let Some(lease) = among.choose(random) else {
            return Move::Verb(
                "claim_asset_jobs",
                json!({"p_limit": 3, "p_max_in_flight": 12}),
            );
        };
        let then = json!({"owner": owner(random), "limit": 3, "leaseSeconds": 60, "maxInFlight": 12, "holding": []});
        let (verb, mut arguments) = match random.random_range(0..10) {
            0..2 => {
                let beats: Vec<_> = among
                    .iter()
                    .take(3)
                    .map(|lease| json!({"jobId": lease.job, "leaseToken": lease.token, "progress": random.random_range(0..120)}))
                    .collect();
                return Move::Verb("report_progress", json!({"p_jobs": beats}));
            }
            2 => {
                return Move::Verb(
                    "release_job",
                    json!({"p_job_id": lease.job, "p_lease_token": lease.token}),
                );
            }
            3 => ("fail_job", failure(lease, false)),
            4 => ("fail_job", failure(lease, true)),
            _ => ("complete_job", completion(lease)),
        };
        if random.random_bool(0.5) {
            arguments["p_continue"] = then;
        }
        Move::Verb(verb, arguments)
    }

    pub(super) fn learn(&mut self, made: Move, answer: Option<Value>) {
        let Move::Verb(verb, arguments) = &made else {
            return;
        };
        let Some(answer) = answer else { return };
        for list in ["jobs", "leased"] {
            if answer[list].is_array() {
                self.leases.extend(leases(&answer[list]));
            }
        }
        if answer["job"].is_object() {
            self.leases.push(Lease::from_json(&answer["job"]));
        }
        if *verb == "complete_job" && answer["accepted"] == true && answer["replayed"] != true {
            self.completed.push(
                arguments["p_lease_token"]
                    .as_str()
                    .expect("a token")
                    .to_owned(),
            );
        }
        if matches!(*verb, "complete_job" | "fail_job") {
            self.last_settling = Some(made);
        }
    }
}

fn owner(random: &mut StdRng) -> String {
    format!("worker-{}", random.random_range(0..4))
}

fn steer(story: &Story, random: &mut StdRng) -> Move {
    let mut assets: Vec<&str> = EVERYTHING.choose_multiple(random, 3).copied().collect();
    if random.random_bool(0.2) {
        assets[0] = "content";
    }
    let mut arguments =
        json!({"p_user_id": story.user, "p_story_id": story.id, "p_asset_types": assets});
    let verb = *[
        "retry_assets",
        "regenerate_assets",
        "generate_assets",
        "cancel_assets",
        "continue_story",
    ]
    .choose(random)
    .expect("five verbs");
    match verb {
        "retry_assets" => arguments["p_force"] = json!(random.random_bool(0.3)),
        "continue_story" => {
            arguments
                .as_object_mut()
                .expect("an object")
                .remove("p_asset_types");
        }
        _ => {}
    }
    if random.random_bool(0.3) {
        arguments["p_idempotency_key"] = json!(format!("key-{}", random.random_range(0..4)));
        arguments["p_request_hash"] = json!("h");
    }
    Move::Verb(verb, arguments)
}
