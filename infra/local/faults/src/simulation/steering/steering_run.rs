//! One story, the workers that hold its jobs, and the user who changes their mind.

use super::{Wrong, Wrongs};
use crate::prelude::*;
use rand::{Rng, rngs::StdRng, seq::IndexedRandom};
use std::collections::{BTreeMap, BTreeSet};

const WISHES: [&str; 8] = [
    "cancel_assets",
    "retry_assets",
    "retry_assets by force",
    "regenerate_assets",
    "regenerate_assets alone",
    "generate_assets",
    "continue_story",
    "restore_asset",
];
/// Of the user; each at a state that workers brought about.
const CHANGES_OF_MIND: usize = 4;
/// Far more rounds than any retry policy needs.
const ROUNDS_TO_SETTLE: usize = 60;

/// A job as the database has it.
type Jobs = BTreeMap<String, Value>;

pub(super) struct SteeringRun<'a> {
    database: &'a TestDatabase,
    random: StdRng,
    story: Story,
    held: Vec<Lease>,
    /// Workers whose lease is gone and who do not know it yet.
    asleep: Vec<Lease>,
    /// Tokens whose lease was taken away while it was held.
    taken_away: BTreeSet<String>,
    /// The versions of the pictures when the book was claimed, by the token of that claim.
    pages: BTreeMap<String, Value>,
    pub(super) wrongs: Wrongs,
    pub(super) zombies: u64,
    pub(super) met: BTreeSet<(String, &'static str)>,
}

impl<'a> SteeringRun<'a> {
    pub(super) async fn open(database: &'a TestDatabase, random: StdRng) -> Self {
        let story = database.story(&EVERYTHING).await;
        let text = database.start_content(&story, "writer").await;
        Self {
            database,
            random,
            story,
            held: vec![text],
            asleep: Vec::new(),
            taken_away: BTreeSet::new(),
            pages: BTreeMap::new(),
            wrongs: Wrongs::default(),
            zombies: 0,
            met: BTreeSet::new(),
        }
    }

    pub(super) async fn play(&mut self) {
        for _ in 0..CHANGES_OF_MIND {
            for _ in 0..self.random.random_range(0..20) {
                self.work().await;
            }
            self.change_of_mind().await;
        }
        self.settle().await;
        for lease in std::mem::take(&mut self.asleep) {
            self.zombie_writes(&lease).await;
        }
        self.look_for_stale_results().await;
    }

    /// One worker claims, finishes or fails something, or wakes from a long sleep; now and then all fall silent.
    async fn work(&mut self) {
        if !self.asleep.is_empty() && self.random.random_bool(0.25) {
            let chosen = self.random.random_range(0..self.asleep.len());
            let lease = self.asleep.swap_remove(chosen);
            self.zombie_writes(&lease).await;
            return;
        }
        if self.random.random_bool(0.08) {
            self.database.let_leases_run_out(&self.story).await;
            self.database.call("expire_stuck_jobs", json!({})).await;
            self.see_who_lost_their_lease().await;
            return;
        }
        if self.held.is_empty() || self.random.random_bool(0.4) {
            self.database.let_time_pass(&self.story).await;
            let limit = self.random.random_range(1..6);
            let claimed = self.database.claim(limit).await;
            self.take_up(claimed).await;
            return;
        }
        let chosen = self.random.random_range(0..self.held.len());
        let lease = self.held.swap_remove(chosen);
        match self.random.random_range(0..10) {
            0 => drop(self.database.fail(&lease, false).await),
            1 => drop(self.database.fail(&lease, true).await),
            _ => self.complete(&lease).await,
        }
    }

    fn note(&mut self, wrong: Wrong, times: u64) {
        if times > 0 {
            *self.wrongs.entry(wrong).or_default() += times;
        }
    }

    async fn take_up(&mut self, claimed: Vec<Lease>) {
        for lease in claimed {
            if lease.asset == "pdf" {
                let pages = self.picture_versions().await;
                self.pages.insert(lease.token.clone(), pages);
            }
            self.held.push(lease);
        }
    }

    async fn complete(&mut self, lease: &Lease) {
        let accepted = self.database.complete(lease).await["accepted"] == true;
        if accepted
            && lease.asset == "pdf"
            && let Some(pages) = self.pages.remove(&lease.token)
        {
            let now = self.picture_versions().await;
            self.note(Wrong::MixedBook, u64::from(pages != now));
        }
    }

    async fn change_of_mind(&mut self) {
        let wish = *WISHES.choose(&mut self.random).expect("eight wishes");
        let mut assets: Vec<&str> = EVERYTHING.to_vec();
        if self.random.random_bool(0.7) {
            let some = self.random.random_range(1..4);
            let chosen = EVERYTHING.choose_multiple(&mut self.random, some);
            assets = chosen.copied().collect();
        }
        // The text itself is steered now and then; a cancelled one ends the story.
        if self.random.random_bool(0.15) {
            assets.push("content");
        }
        let before = self.jobs().await;
        let shown = self.shown().await;
        self.ask(wish, &assets).await;
        let now_shown = self.shown().await;
        let wished = |asset: &str| assets.contains(&asset);
        for (asset, job) in before.iter().filter(|(asset, _)| wished(asset)) {
            let state = format!("{} {}", asset, state_of(job));
            self.met.insert((state, wish));
        }
        let served = |state: &Value| state["url"].is_string() || state["data"].is_object();
        for (asset, state) in shown.as_object().into_iter().flatten() {
            let gone = served(state) && !served(&now_shown[asset]);
            self.note(Wrong::OldResultGone, u64::from(gone));
        }
        self.see_who_lost_their_lease().await;
        if wish == "cancel_assets" {
            self.nothing_comes_back(&assets).await;
        }
    }

    /// A refusal, such as an empty account, is an answer too.
    async fn ask(&mut self, wish: &'static str, assets: &[&str]) {
        let mut arguments = self.database.wish(&self.story, assets);
        if wish == "continue_story" {
            arguments = json!({"p_user_id": self.story.user, "p_story_id": self.story.id});
        }
        if wish == "retry_assets by force" {
            arguments["p_force"] = json!(true);
        }
        if wish == "regenerate_assets alone" {
            arguments["p_cascade"] = json!(false);
            // A book under way is finished from the pages it began with.
            self.pages.clear();
        }
        if wish == "restore_asset" {
            let asset = if self.random.random_bool(0.5) {
                "content"
            } else {
                assets[0]
            };
            let version = self.random.random_range(1..4);
            arguments = json!({"p_user_id": self.story.user, "p_story_id": self.story.id,
                "p_asset_type": asset, "p_version": version});
        }
        let verb = wish.split(' ').next().unwrap_or(wish);
        if let Err(refusal) = self.database.try_call(verb, &arguments).await {
            let is_an_answer = refusal.code.starts_with("PT");
            assert!(is_an_answer, "{verb}({arguments}): {refusal:?}");
        }
    }

    /// Those whose lease was taken away go on: some write at once, some when others have taken over long ago.
    async fn see_who_lost_their_lease(&mut self) {
        let jobs = self.jobs().await;
        let (held, lost): (Vec<_>, Vec<_>) = self.held.drain(..).partition(|lease| {
            let job = &jobs[&lease.asset];
            job["status"] == "generating" && job["lease_token"] == lease.token.as_str()
        });
        self.held = held;
        for lease in lost {
            self.taken_away.insert(lease.token.clone());
            if self.random.random_bool(0.5) {
                self.asleep.push(lease);
            } else {
                self.zombie_writes(&lease).await;
            }
        }
    }

    /// It must be told, and change nothing.
    async fn zombie_writes(&mut self, lease: &Lease) {
        self.zombies += 1;
        let before = self.jobs().await;
        let beat =
            json!({"p_jobs": [{"jobId": lease.job, "leaseToken": lease.token, "progress": 97}]});
        let told = self.database.call("report_progress", beat).await;
        let told = told["lost"].as_array().is_some_and(|lost| !lost.is_empty());
        self.note(Wrong::NotTold, u64::from(!told));
        let verdicts = [
            self.database.complete(lease).await,
            self.database.fail(lease, false).await,
        ];
        let accepted = verdicts.iter().any(|verdict| verdict["accepted"] == true);
        let changed = self.jobs().await != before;
        self.note(Wrong::StaleResult, u64::from(accepted || changed));
    }

    /// Time passes, workers claim and sweeps sweep: what was cancelled stays cancelled.
    async fn nothing_comes_back(&mut self, assets: &[&str]) {
        let mut cancelled = self.jobs().await;
        cancelled
            .retain(|asset, job| assets.contains(&asset.as_str()) && job["status"] == "cancelled");
        self.database.let_time_pass(&self.story).await;
        self.database.call("expire_stuck_jobs", json!({})).await;
        let claimed = self.database.claim(20).await;
        let back = claimed
            .iter()
            .filter(|lease| cancelled.contains_key(&lease.asset));
        self.note(Wrong::CameBack, back.count() as u64);
        self.take_up(claimed).await;
        let now = self.jobs().await;
        let changed = cancelled
            .keys()
            .filter(|asset| now[*asset]["status"] != "cancelled");
        self.note(Wrong::CameBack, changed.count() as u64);
    }

    /// The user is content; the workers finish.
    async fn settle(&mut self) {
        for _ in 0..ROUNDS_TO_SETTLE {
            for lease in std::mem::take(&mut self.held) {
                self.complete(&lease).await;
            }
            self.database.let_time_pass(&self.story).await;
            let claimed = self.database.claim(20).await;
            if claimed.is_empty() && self.database.overall(&self.story).await != "generating" {
                return;
            }
            self.take_up(claimed).await;
        }
        self.note(Wrong::NeverSettled, 1);
        // The next story in this database is not to meet its jobs.
        self.ask("cancel_assets", &EVERYTHING).await;
    }

    /// The address of a result names the attempt that made it.
    async fn look_for_stale_results(&mut self) {
        let shown = self.database.row(&self.story).await["asset_generation_status"].to_string();
        let tokens = self.taken_away.iter();
        let stale = tokens.filter(|token| shown.contains(token.as_str()));
        self.note(Wrong::StaleResult, stale.count() as u64);
    }

    async fn jobs(&self) -> Jobs {
        let query =
            "select jsonb_object_agg(asset_type, to_jsonb(j)) from public.asset_generation_jobs j";
        let query = format!("{query} where story_id = '{}'", self.story.id);
        let rows: Value = self.database.value(&query).await;
        serde_json::from_value(rows).expect("jobs by asset")
    }

    /// The assets as readers see them.
    async fn shown(&self) -> Value {
        self.database.row(&self.story).await["asset_generation_status"]["assets"].clone()
    }

    /// Of each page the version, and whether it is at rest: a book is made of pages at rest.
    async fn picture_versions(&self) -> Value {
        self.database
            .value(&format!(
                "select jsonb_object_agg(asset_type, format('%s %s', asset_version, completed_at is not null))
                 from public.asset_generation_jobs
                 where story_id = '{}' and asset_type = any (public.asset_inputs('pdf'))",
                self.story.id
            ))
            .await
    }
}

fn state_of(job: &Value) -> &'static str {
    match job["status"].as_str().unwrap_or_default() {
        "queued" if job["retry_count"] != 0 => "retrying",
        "queued" if job["inputs_settled"] == true => "claimable",
        "queued" => "waiting",
        "generating" => "generating",
        "ready" => "ready",
        "failed" => "failed",
        "cancelled" => "cancelled",
        "skipped" => "skipped",
        _ => "unknown",
    }
}
