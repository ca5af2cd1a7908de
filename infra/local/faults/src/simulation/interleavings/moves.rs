//! What workers and users may do next, and what the workers remember: old leases too, for zombies use them.

use crate::prelude::*;
use rand::{Rng, rngs::StdRng, seq::IndexedRandom};

/// One call.
#[derive(Clone, Debug)]
pub(super) enum Move {
    Verb(&'static str, Value),
    /// Workers of this story fall silent for longer than their leases.
    Silence(Story),
    /// Pauses of this story are over.
    Pause(Story),
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
    /// Stories that their users took away.
    pub(super) deleted: Vec<Story>,
}

impl Move {
    pub(super) async fn make(&self, database: &TestDatabase) -> Option<Value> {
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
            Self::Pause(story) => {
                database.let_time_pass(story).await;
                None
            }
        }
    }
}

impl World {
    pub(super) async fn new(database: &TestDatabase, stories: usize) -> Self {
        let mut asked = Vec::new();
        for index in 0..stories {
            // The first is asked for in full, the others in part.
            let chosen = match index {
                0 => 0xff,
                _ => [0b1000_0011, 0b0110_0000, 0b0001_1110][index % 3],
            };
            asked.push(super::story_with_some_assets(database, chosen).await);
        }
        Self {
            stories: asked,
            leases: Vec::new(),
            last_settling: None,
            completed: Vec::new(),
            deleted: Vec::new(),
        }
    }

    pub(super) fn draw(&self, random: &mut StdRng) -> Move {
        let story = self.stories.choose(random).expect("a story").clone();
        match random.random_range(0..100) {
            0..8 => self.start(&story, random),
            8..28 => claim(random.random_range(1..6)),
            28..60 => self.work(random),
            60..66 => self.last_settling.clone().unwrap_or(Move::Pause(story)),
            66..72 => Move::Silence(story),
            72..84 => Move::Pause(story),
            84..90 => {
                let limit = json!({"p_limit": random.random_range(1..10)});
                Move::Verb("expire_stuck_jobs", limit)
            }
            90 => Move::Verb(
                "delete_story",
                json!({"p_user_id": story.user, "p_story_id": story.id}),
            ),
            _ => steer(&story, random),
        }
    }

    fn start(&self, story: &Story, random: &mut StdRng) -> Move {
        let owner = owner(random);
        let known = self
            .leases
            .choose(random)
            .filter(|_| random.random_bool(0.5));
        let Some(lease) = known else {
            let start = json!({"p_story_id": story.id, "p_owner": owner, "p_max_in_flight": 12});
            return Move::Verb("start_content", start);
        };
        let mut start = json!({"p_story_id": lease.story, "p_owner": owner});
        if lease.asset == "content" {
            start["p_lease_token"] = json!(lease.token);
            start["p_max_in_flight"] = json!(12);
            return Move::Verb("start_content", start);
        }
        start["p_jobs"] = json!([{"jobId": lease.job, "leaseToken": lease.token}]);
        Move::Verb("start_assets", start)
    }

    /// Something only the holder of a lease may do, with a lease that is mostly but not always a recent one.
    fn work(&self, random: &mut StdRng) -> Move {
        let recent = self.leases.len().saturating_sub(6);
        let among = &self.leases[if random.random_bool(0.8) { recent } else { 0 }..];
        let Some(lease) = among.choose(random) else {
            return claim(3);
        };
        let then = json!({"owner": owner(random), "limit": 3, "leaseSeconds": 60, "maxInFlight": 12, "holding": []});
        let (verb, mut arguments) = match random.random_range(0..10) {
            0..2 => {
                let mut beat = |lease: &Lease| json!({"jobId": lease.job, "leaseToken": lease.token, "progress": random.random_range(0..120)});
                let beats: Vec<_> = among.iter().take(3).map(&mut beat).collect();
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
        let is_made = answer["accepted"] == true && answer["waitsForText"] != true;
        if *verb == "complete_job" && is_made && answer["replayed"] != true {
            let token = arguments["p_lease_token"].as_str();
            self.completed.push(token.expect("a token").to_owned());
        }
        if *verb == "delete_story" {
            let is_gone = |story: &&Story| arguments["p_story_id"] == story.id.as_str();
            self.deleted
                .extend(self.stories.iter().find(is_gone).cloned());
        }
        if matches!(*verb, "complete_job" | "fail_job") {
            self.last_settling = Some(made);
        }
    }
}

const STEERING: [&str; 6] = [
    "retry_assets",
    "regenerate_assets",
    "generate_assets",
    "cancel_assets",
    "continue_story",
    "restore_asset",
];

fn claim(limit: u32) -> Move {
    Move::Verb(
        "claim_asset_jobs",
        json!({"p_limit": limit, "p_max_in_flight": 12}),
    )
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
    let verb = *STEERING.choose(random).expect("six verbs");
    if verb == "retry_assets" {
        arguments["p_force"] = json!(random.random_bool(0.3));
    }
    if matches!(verb, "retry_assets" | "regenerate_assets") {
        arguments["p_cascade"] = json!(random.random_bool(0.7));
    }
    if matches!(verb, "restore_asset" | "continue_story") {
        let named = arguments.as_object_mut().expect("an object");
        named.remove("p_asset_types");
    }
    if verb == "restore_asset" {
        arguments["p_asset_type"] = json!(assets[0]);
        arguments["p_version"] = json!(random.random_range(1..4));
    }
    if random.random_bool(0.3) {
        arguments["p_idempotency_key"] = json!(format!("key-{}", random.random_range(0..4)));
        arguments["p_request_hash"] = json!("h");
    }
    Move::Verb(verb, arguments)
}
