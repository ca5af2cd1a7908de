//! One story from its creation to its end, with events that a queue of virtual time delivers.

use crate::prelude::*;
use rand::{Rng, rngs::StdRng};

/// Of a lease, in seconds.
const LEASE: f64 = 60.0;
/// The worker's schedule, in seconds.
const TICK: f64 = 60.0;
/// The longest an event is under way, in seconds.
const LATEST: f64 = 6.0 * 3600.0;

/// How events are delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    /// Once, at once, in order.
    InOrder,
    /// One to five times, in any order, up to six hours late.
    Reordered,
}

/// What fails in the course of a story, whoever delivers its events.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct InjectedFailures {
    /// Fails at the first try.
    first_try: &'static str,
    /// Fails for good.
    permanent: Option<&'static str>,
}

impl InjectedFailures {
    pub(super) fn draw(random: &mut StdRng) -> Self {
        let mut asset = || EVERYTHING[random.random_range(0..EVERYTHING.len())];
        Self {
            first_try: asset(),
            permanent: Some(asset()).filter(|_| random.random_bool(0.5)),
        }
    }
}

/// What came of it.
#[derive(Clone, Debug)]
pub(super) struct Outcome {
    /// The story without ids and times.
    pub(super) end: Value,
    pub(super) deliveries: u64,
    /// Attempts that an invocation was let begin.
    pub(super) work_begun: u64,
    pub(super) virtual_seconds: f64,
}

#[derive(Clone, Debug)]
enum Event {
    /// The API's direct invocation for a new story.
    Kick,
    /// "There is something to claim", or the schedule.
    Wake,
    /// A claim of the worker, handed to an invocation.
    Dispatch(Value),
    /// An invocation is done with one job.
    Done(Value),
}

pub(super) struct ReorderRun<'a> {
    database: &'a TestDatabase,
    story: Story,
    delivery: Delivery,
    random: StdRng,
    failures: InjectedFailures,
    /// Moments in virtual seconds; not sorted.
    under_way: Vec<(f64, Event)>,
    now: f64,
    outcome: Outcome,
}

impl<'a> ReorderRun<'a> {
    pub(super) async fn run(
        database: &'a TestDatabase,
        delivery: Delivery,
        failures: InjectedFailures,
        random: StdRng,
    ) -> Outcome {
        let mut run = Self {
            story: database.story(&EVERYTHING).await,
            database,
            delivery,
            random,
            failures,
            under_way: Vec::new(),
            now: 0.0,
            outcome: Outcome {
                end: Value::Null,
                deliveries: 0,
                work_begun: 0,
                virtual_seconds: 0.0,
            },
        };
        run.send(Event::Kick);
        run.play().await;
        run.outcome.end = run.end().await;
        run.outcome.virtual_seconds = run.now;
        run.outcome
    }

    /// Delivers until the story is settled and nothing is under way any more; the schedule ticks while it is not.
    async fn play(&mut self) {
        let mut next_tick = TICK;
        let mut settled = false;
        loop {
            let next = (0..self.under_way.len())
                .min_by(|a, b| self.under_way[*a].0.total_cmp(&self.under_way[*b].0));
            let due = next.map(|index| self.under_way[index].0);
            if !settled && due.is_none_or(|due| due > next_tick) {
                self.pass_until(next_tick).await;
                next_tick += TICK;
                self.handle(Event::Wake).await;
                settled = self.database.overall(&self.story).await != "generating";
                assert!(
                    self.now < 20.0 * LATEST,
                    "{:?} is never settled",
                    self.story
                );
                continue;
            }
            let Some(index) = next else { return };
            let (due, event) = self.under_way.swap_remove(index);
            if settled {
                // Nothing of a settled story is compared with the clock.
                self.now = self.now.max(due);
            } else {
                self.pass_until(due).await;
            }
            self.outcome.deliveries += 1;
            self.handle(event).await;
        }
    }

    async fn handle(&mut self, event: Event) {
        match event {
            Event::Kick => {
                let owner = self.owner();
                let start = json!({"p_story_id": self.story.id, "p_owner": owner});
                let started = self.database.call("start_content", start).await;
                if started["granted"] == true {
                    self.work_on(&started["job"]);
                }
            }
            Event::Wake => {
                let claim = json!({"p_limit": 20, "p_owner": format!("claim:{}", self.owner())});
                let claimed = self.database.call("claim_asset_jobs", claim).await;
                for job in claimed["jobs"].as_array().into_iter().flatten() {
                    self.send(Event::Dispatch(job.clone()));
                }
            }
            Event::Dispatch(job) => self.start(&job).await,
            Event::Done(job) => self.finish(&job).await,
        }
    }

    async fn start(&mut self, job: &Value) {
        let owner = self.owner();
        let jobs = json!([{"jobId": job["jobId"], "leaseToken": job["leaseToken"]}]);
        let granted = if job["assetType"] == "content" {
            let start = json!({"p_story_id": self.story.id, "p_owner": owner, "p_lease_token": job["leaseToken"]});
            let started = self.database.call("start_content", start).await;
            (started["granted"] == true).then(|| started["job"].clone())
        } else {
            let start = json!({"p_story_id": self.story.id, "p_jobs": jobs, "p_owner": owner});
            let started = self.database.call("start_assets", start).await;
            started["jobs"].get(0).cloned()
        };
        if let Some(job) = granted {
            self.work_on(&job);
        }
    }

    fn work_on(&mut self, job: &Value) {
        self.outcome.work_begun += 1;
        let done = self.now + self.random.random_range(0.1..0.7) * LEASE;
        self.under_way.push((done, Event::Done(job.clone())));
        // An answer that was lost on its way is asked for again.
        if self.delivery == Delivery::Reordered && self.random.random_bool(0.3) {
            let again = done + self.random.random_range(0.0..LATEST);
            self.under_way.push((again, Event::Done(job.clone())));
        }
    }

    async fn finish(&mut self, job: &Value) {
        let lease = Lease::from_json(job);
        let asset = lease.asset.as_str();
        let settled = if self.failures.permanent == Some(asset) {
            self.database.fail(&lease, false).await
        } else if self.failures.first_try == asset && job["retryCount"] == 0 {
            self.database.call("fail_job", failure(&lease, true)).await
        } else {
            let mut result = completion(&lease);
            if result["p_result"]["url"].is_string() {
                result["p_result"]["url"] = json!(format!("https://cdn.example/{asset}"));
            }
            self.database.call("complete_job", result).await
        };
        if settled["claimable"].as_i64() > Some(0) {
            self.send(Event::Wake);
        }
    }

    /// The first copy of a dispatch comes while its lease holds: a later one is a lost event, which the sweep makes up for
    /// at the price of a retry, and that is another fault. All other copies come whenever they like.
    fn send(&mut self, event: Event) {
        if self.delivery == Delivery::InOrder {
            self.under_way.push((self.now, event));
            return;
        }
        let copies = self.random.random_range(1..=5);
        for copy in 0..copies {
            let latest = match event {
                Event::Dispatch(_) if copy == 0 => LEASE * 0.9,
                _ => LATEST,
            };
            // Spread over the orders of magnitude, from at once to the latest.
            let delay = self.random.random_range(0.0..latest.ln()).exp() - 1.0;
            self.under_way.push((self.now + delay, event.clone()));
        }
    }

    /// Lets the clock of the database go on by moving what it is compared with.
    async fn pass_until(&mut self, due: f64) {
        let seconds = due - self.now;
        self.now = due;
        if seconds <= 0.0 {
            return;
        }
        let moved: Vec<String> = [
            "available_at",
            "claim_order",
            "lease_expires_at",
            "limited_since",
        ]
        .iter()
        .map(|column| format!("{column} = {column} - make_interval(secs => {seconds})"))
        .collect();
        self.database
            .arrange(&format!(
                "update public.asset_generation_jobs set {} where story_id = '{}'",
                moved.join(", "),
                self.story.id
            ))
            .await;
    }

    fn owner(&mut self) -> String {
        format!("request/{}", self.random.random::<u64>())
    }

    /// The status JSON without times, the text, the colours, the credit and the notices.
    async fn end(&self) -> Value {
        let mut end: Value = self
            .database
            .value(&format!(
                "select jsonb_build_object('status', s.status, 'shown', s.asset_generation_status, 'title', s.title,
                   'content', s.content, 'hue', s.hue_extracted_colors,
                   'credit', (select sum(delta) from public.credit_ledger l where l.story_id = s.id),
                   'notices', (select jsonb_agg(kind order by kind) from public.notification_outbox o where o.story_id = s.id))
                 from public.stories s where s.id = '{}'",
                self.story.id
            ))
            .await;
        let assets = end["shown"]["assets"].as_object_mut();
        for state in assets.into_iter().flat_map(|assets| assets.values_mut()) {
            if let Some(state) = state.as_object_mut() {
                state.remove("startedAt");
                state.remove("completedAt");
            }
            state["data"] = state["data"]["questions"].take();
        }
        // Which attempt wrote it is not the same each time.
        end["content"] = end["content"]["moral"].take();
        end
    }
}
