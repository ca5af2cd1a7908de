//! One invocation at work: its jobs and their outcomes as tasks of their own, and an end before Lambda's.

use crate::{
    Answer, Deps, Invocation,
    failure::StepError,
    heartbeat::{Held, Holding, heartbeat},
    steps::{self, Delivery},
    studio::Studio,
};
use domain::{AssetType, LeaseToken, story::StoryText};
use events::Tick;
use futures::future::join_all;
use runtime::chain;
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};
use store::{Continuation, LeasedJob, Settled, StoreError, StoryWork};
use tokio::task::{Id, JoinError, JoinSet};

/// Kept free at the end of the invocation, to hand back what is unfinished.
const MARGIN: Duration = Duration::from_secs(10);
/// Longest an end waits for outcomes on their way to the database; after SIGTERM there are 2 s in all.
const ARRIVAL_MAX: Duration = Duration::from_millis(500);
/// With less time than this left no further job is begun here: a picture with a retry takes about as long.
const NEXT_JOB_MIN: Duration = Duration::from_secs(100);

type Outcome = Result<Delivery, (StepError, Vec<store::UsageEntry>)>;

/// What the database said to the outcome of a job.
struct Settlement {
    job: LeasedJob,
    /// What it is called when it was accepted.
    word: &'static str,
    url: Option<String>,
    /// The text it wrote.
    text: Option<StoryText>,
    settled: Result<Settled, StoreError>,
}

struct Session {
    deps: Arc<Deps>,
    invocation: Invocation,
    studio: Arc<Studio>,
    /// Jobs being made: these may be stopped at any moment.
    making: JoinSet<(LeasedJob, Outcome)>,
    /// Outcomes on their way to the database, each by itself: a slow one holds up none of the others.
    settling: JoinSet<Settlement>,
    holding: Holding,
    /// The jobs of both kinds of tasks.
    by_task: HashMap<Id, LeasedJob>,
    /// Every lease that was begun here: an answer that is repeated may name one again.
    begun: HashSet<LeaseToken>,
    answer: Answer,
}

/// Makes `jobs` and what follows from them, until nothing is left to do here or no time is.
pub(crate) async fn run(
    deps: Arc<Deps>,
    mut invocation: Invocation,
    story: StoryWork,
    jobs: Vec<LeasedJob>,
) -> Answer {
    invocation.deadline = invocation.deadline.earlier_by(MARGIN);
    let answer = Answer {
        success: true,
        story_id: story.story_id.to_string(),
        ..Answer::default()
    };
    let studio = Arc::new(Studio::new(Arc::clone(&deps), story, invocation.deadline));
    let mut session = Session {
        deps,
        invocation,
        studio,
        making: JoinSet::new(),
        settling: JoinSet::new(),
        holding: Holding::default(),
        by_task: HashMap::new(),
        begun: HashSet::new(),
        answer,
    };
    // It ends with this invocation, however that ends.
    let mut beating = JoinSet::new();
    beating.spawn(heartbeat(
        Arc::clone(&session.deps),
        Arc::clone(&session.studio),
        Arc::clone(&session.holding),
    ));
    for job in jobs {
        session.begin(job);
    }
    session.work().await;
    session.answer
}

impl Session {
    fn begin(&mut self, job: LeasedJob) {
        if !self.begun.insert(job.lease_token) {
            return;
        }
        tracing::info!(target: "AssetGenerationPipeline", storyId = %job.story_id, jobId = %job.job_id,
            assetType = %job.asset_type, attempt = job.attempt, "Asset generation started");
        let studio = Arc::clone(&self.studio);
        let task_job = job.clone();
        let abort = self.making.spawn(async move {
            let outcome = steps::make(&studio, &task_job).await;
            (task_job, outcome)
        });
        self.by_task.insert(abort.id(), job.clone());
        self.holding
            .lock()
            .expect("no holder panics")
            .insert(job.job_id, Held { job, abort });
    }

    async fn work(&mut self) {
        let end = tokio::time::Instant::from_std(self.invocation.deadline.instant());
        let shutdown = self.invocation.shutdown.clone();
        while !(self.making.is_empty() && self.settling.is_empty()) {
            tokio::select! {
                Some(made) = self.making.join_next_with_id() => self.made(made),
                Some(settlement) = self.settling.join_next_with_id() => self.settled(settlement).await,
                () = tokio::time::sleep_until(end) => return self.hand_back("its time is up").await,
                () = shutdown.asked() => return self.hand_back("its process is to end").await,
            }
        }
    }

    fn made(&mut self, made: Result<(Id, (LeasedJob, Outcome)), JoinError>) {
        match made {
            Ok((id, (job, outcome))) => {
                self.by_task.remove(&id);
                self.settle(job, outcome);
            }
            Err(error) => {
                let Some(job) = self.by_task.remove(&error.id()) else {
                    return;
                };
                if error.is_cancelled() {
                    self.lost(&job);
                } else {
                    self.settle(job, Err((StepError::Panicked, Vec::new())));
                }
            }
        }
    }

    /// Sends the outcome of a job on its way.
    fn settle(&mut self, job: LeasedJob, outcome: Outcome) {
        let then = self.continuation(&job);
        let studio = Arc::clone(&self.studio);
        let settling_job = job.clone();
        let task = self
            .settling
            .spawn(async move { settle(&studio, settling_job, outcome, then.as_ref()).await });
        self.by_task.insert(task.id(), job);
    }

    async fn settled(&mut self, settlement: Result<(Id, Settlement), JoinError>) {
        let (id, settlement) = match settlement {
            Ok((id, settlement)) => (id, Ok(settlement)),
            Err(error) => (error.id(), Err(error)),
        };
        let Some(job) = self.by_task.remove(&id) else {
            return;
        };
        self.let_go(&job);
        let asset = job.asset_type;
        let (word, accepted) = match settlement {
            Ok(Settlement {
                job,
                word,
                url,
                text,
                settled: Ok(settled),
            }) if settled.accepted => {
                let word = if settled.retry_in_seconds.is_some() {
                    "retrying"
                } else {
                    word
                };
                tracing::info!(target: "AssetGenerationPipeline", storyId = %job.story_id, jobId = %job.job_id,
                    assetType = %asset, status = word, "Asset generation settled");
                self.answer.url = url.or(self.answer.url.take());
                if let Some(text) = text {
                    self.studio = Arc::new(self.studio.with_text(text));
                }
                (word, Some(settled))
            }
            Ok(Settlement {
                settled: Ok(settled),
                ..
            }) => {
                tracing::warn!(storyId = %job.story_id, jobId = %job.job_id, assetType = %asset,
                    reason = settled.reason.as_deref().unwrap_or("unknown"), "Late result dropped: the lease is not ours any more");
                ("lost", None)
            }
            Ok(Settlement {
                settled: Err(error),
                ..
            }) => {
                // The lease runs out and the job is claimed again; what was paid for is in the bucket by then.
                tracing::error!(storyId = %job.story_id, jobId = %job.job_id, assetType = %asset,
                    error = chain(&error), "Could not record the outcome of a job");
                ("lost", None)
            }
            Err(error) => {
                tracing::error!(storyId = %job.story_id, jobId = %job.job_id, assetType = %asset,
                    error = chain(&error), "Recording the outcome of a job stopped in an unexpected way");
                ("lost", None)
            }
        };
        self.answer.assets.insert(asset.to_string(), word);
        if let Some(settled) = accepted {
            self.follow(settled).await;
        }
    }

    /// Takes on what was leased here, and wakes the worker for the rest.
    async fn follow(&mut self, settled: Settled) {
        if let Some(view) = settled.view {
            self.studio = Arc::new(self.studio.with_view(view));
        }
        for job in settled.leased {
            self.begin(job);
        }
        if settled.claimable > 0 {
            self.wake().await;
        }
    }

    /// Its lease is extended no longer.
    fn let_go(&self, job: &LeasedJob) {
        let mut holding = self.holding.lock().expect("no holder panics");
        let held_under = holding.get(&job.job_id).map(|held| held.job.lease_token);
        if held_under == Some(job.lease_token) {
            holding.remove(&job.job_id);
        }
    }

    async fn wake(&self) {
        if let Err(error) = self
            .deps
            .invoker
            .invoke(&self.deps.config.asset_worker, Tick::WAKE.into())
            .await
        {
            tracing::error!(storyId = %self.studio.story.story_id, error = chain(&error),
                "Could not wake the asset worker; its schedule will find the jobs");
        }
    }

    /// The wish to go on with what `job` makes claimable, while there is time for it and nobody ends the process.
    fn continuation(&self, job: &LeasedJob) -> Option<Continuation> {
        let Invocation {
            deadline, shutdown, ..
        } = &self.invocation;
        if deadline.left() < NEXT_JOB_MIN || shutdown.is_asked() {
            return None;
        }
        let holding = self.holding.lock().expect("no holder panics");
        let others = holding
            .values()
            .filter(|held| held.job.job_id != job.job_id);
        Some(Continuation {
            owner: self.invocation.owner.clone(),
            limit: AssetType::ALL.len(),
            lease_seconds: self.deps.config.lease.as_secs(),
            max_in_flight: self.deps.config.max_jobs_in_flight,
            holding: others.map(|held| held.job.asset_type).collect(),
        })
    }

    /// The invocation has to end: what is unfinished goes back to the queue with what it has, and somebody else is woken.
    async fn hand_back(&mut self, reason: &'static str) {
        // What is on its way to the database arrives, if it can at once: it may have leased more to us.
        let arriving = async {
            while let Some(settlement) = self.settling.join_next_with_id().await {
                self.settled(settlement).await;
            }
        };
        let _ = tokio::time::timeout(ARRIVAL_MAX, arriving).await;
        self.settling.shutdown().await;
        self.making.shutdown().await;
        let unfinished: Vec<_> = self
            .holding
            .lock()
            .expect("no holder panics")
            .drain()
            .map(|(_, held)| held.job)
            .collect();
        let store = &self.deps.store;
        join_all(unfinished.iter().map(|job| async move {
            tracing::warn!(storyId = %job.story_id, jobId = %job.job_id, assetType = %job.asset_type, reason,
                "Handing an unfinished job back");
            if let Err(error) = store
                .release_job(job.job_id, job.lease_token, Duration::ZERO)
                .await
            {
                tracing::error!(jobId = %job.job_id, error = chain(&error), "Could not hand a job back");
            }
        }))
        .await;
        for job in unfinished {
            self.answer
                .assets
                .insert(job.asset_type.to_string(), "released");
        }
        self.wake().await;
    }

    fn lost(&mut self, job: &LeasedJob) {
        self.let_go(job);
        tracing::info!(storyId = %job.story_id, jobId = %job.job_id, assetType = %job.asset_type,
            "Job cancelled or taken over, work stopped");
        self.answer
            .assets
            .insert(job.asset_type.to_string(), "lost");
    }
}

/// Records the outcome of a job: what it is called, its file, and what the database says. An outcome that the database
/// will never take fails the job, with what was paid for it: nothing waits for the end of a lease, nothing is bought again.
async fn settle(
    studio: &Studio,
    job: LeasedJob,
    outcome: Outcome,
    then: Option<&Continuation>,
) -> Settlement {
    let store = &studio.deps.store;
    let (url, text, settled, usage) = match outcome {
        Ok(Delivery::Text { text, usage }) => {
            let settled = store.save_story_content(&job, &text, &usage, then).await;
            (None, Some(text), settled, usage)
        }
        Ok(Delivery::Asset { result, usage }) => {
            let settled = store.complete_job(&job, &result, &usage, then).await;
            (result.url, None, settled, usage)
        }
        Err((error, usage)) => return failed(studio, job, error, &usage, then).await,
    };
    match settled {
        Err(refused) if refused.is_about_the_data() => {
            failed(studio, job, StepError::Unstorable(refused), &usage, then).await
        }
        settled => Settlement {
            job,
            word: "ready",
            url,
            text,
            settled,
        },
    }
}

async fn failed(
    studio: &Studio,
    job: LeasedJob,
    error: StepError,
    usage: &[store::UsageEntry],
    then: Option<&Continuation>,
) -> Settlement {
    tracing::error!(target: "AssetGenerationPipeline", storyId = %job.story_id, jobId = %job.job_id,
        assetType = %job.asset_type, error = chain(&error), "Asset generation failed");
    let failure = steps::failure_of(studio, &job, error).await;
    let settled = studio.deps.store.fail_job(&job, &failure, usage, then);
    let settled = settled.await;
    Settlement {
        job,
        word: "failed",
        url: None,
        text: None,
        settled,
    }
}
