//! One invocation at work: its jobs as tasks of their own, a heartbeat for all of them, and an end before Lambda's.

use crate::{
    Answer, Deps, Invocation,
    failure::StepError,
    steps::{self, Delivery},
    studio::Studio,
};
use domain::{AssetType, JobId};
use futures::future::join_all;
use runtime::{Payload, chain};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};
use store::{Completion, Continuation, LeasedJob, Progress, Settled, StoreError, StoryWork};
use tokio::task::{AbortHandle, Id, JoinSet};

/// Kept free at the end of the invocation, to hand back what is unfinished.
const MARGIN: Duration = Duration::from_secs(10);
/// With less time than this left no further job is begun here: a picture with a retry takes about as long.
const NEXT_JOB_MIN: Duration = Duration::from_secs(100);

/// A job this invocation holds the lease of.
struct Held {
    job: LeasedJob,
    abort: AbortHandle,
}

type Holding = Arc<Mutex<HashMap<JobId, Held>>>;
type Outcome = (LeasedJob, Result<Delivery, (StepError, Vec<store::Paid>)>);

struct Session {
    deps: Arc<Deps>,
    invocation: Invocation,
    studio: Arc<Studio>,
    tasks: JoinSet<Outcome>,
    holding: Holding,
    by_task: HashMap<Id, LeasedJob>,
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
        tasks: JoinSet::new(),
        holding: Holding::default(),
        by_task: HashMap::new(),
        answer,
    };
    let heartbeat = tokio::spawn(heartbeat(
        Arc::clone(&session.deps),
        Arc::clone(&session.studio),
        Arc::clone(&session.holding),
    ));
    for job in jobs {
        session.begin(job);
    }
    session.work().await;
    heartbeat.abort();
    session.answer
}

impl Session {
    fn begin(&mut self, job: LeasedJob) {
        tracing::info!(target: "AssetGenerationPipeline", storyId = %job.story_id, jobId = %job.job_id,
            assetType = %job.asset_type, attempt = job.attempt, "Asset generation started");
        let studio = Arc::clone(&self.studio);
        let task_job = job.clone();
        let abort = self.tasks.spawn(async move {
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
        loop {
            let joined = tokio::select! {
                joined = self.tasks.join_next_with_id() => joined,
                () = tokio::time::sleep_until(end) => return self.hand_back("its time is up").await,
                () = shutdown.asked() => return self.hand_back("its process is to end").await,
            };
            match joined {
                None => return,
                Some(Ok((_, (job, outcome)))) => self.settle(job, outcome).await,
                Some(Err(error)) => {
                    let Some(job) = self.by_task.remove(&error.id()) else {
                        continue;
                    };
                    if error.is_cancelled() {
                        self.lost(&job);
                    } else {
                        self.settle(job, Err((StepError::Panicked, Vec::new())))
                            .await;
                    }
                }
            }
        }
    }

    async fn settle(
        &mut self,
        job: LeasedJob,
        outcome: Result<Delivery, (StepError, Vec<store::Paid>)>,
    ) {
        let asset = job.asset_type;
        let (settled, word) = match outcome {
            Ok(delivery) => {
                let then = self.continuation(&job);
                let url = delivery.url();
                let settled = self.deliver(&job, delivery, then.as_ref()).await;
                self.answer.url = url;
                (settled, "ready")
            }
            Err((error, usage)) => {
                tracing::error!(target: "AssetGenerationPipeline", storyId = %job.story_id, jobId = %job.job_id,
                    assetType = %asset, error = chain(&error), "Asset generation failed");
                let then = self.continuation(&job);
                let failure = steps::failure_of(&self.studio, &job, error).await;
                (
                    self.deps
                        .store
                        .fail_job(&job, &failure, &usage, then.as_ref())
                        .await,
                    "failed",
                )
            }
        };
        self.holding
            .lock()
            .expect("no holder panics")
            .remove(&job.job_id);
        match settled {
            Ok(settled) if settled.accepted => {
                let word = if settled.retry_in_seconds.is_some() {
                    "retrying"
                } else {
                    word
                };
                tracing::info!(target: "AssetGenerationPipeline", storyId = %job.story_id, jobId = %job.job_id,
                    assetType = %asset, status = word, "Asset generation settled");
                self.answer.assets.insert(asset.to_string(), word);
                self.follow(settled).await;
            }
            Ok(settled) => {
                tracing::warn!(storyId = %job.story_id, jobId = %job.job_id, assetType = %asset,
                    reason = settled.reason.as_deref().unwrap_or("unknown"), "Late result dropped: the lease is not ours any more");
                self.answer.assets.insert(asset.to_string(), "lost");
            }
            Err(error) => {
                // The lease runs out and the job is claimed again; what was paid for is in the bucket by then.
                tracing::error!(storyId = %job.story_id, jobId = %job.job_id, assetType = %asset,
                    error = chain(&error), "Could not record the outcome of a job");
                self.answer.assets.insert(asset.to_string(), "lost");
            }
        }
    }

    async fn deliver(
        &self,
        job: &LeasedJob,
        delivery: Delivery,
        then: Option<&Continuation>,
    ) -> Result<Settled, StoreError> {
        match delivery {
            Delivery::Text { text, usage } => {
                let settled = self
                    .deps
                    .store
                    .save_story_content(job, &text, &usage, then)
                    .await;
                self.studio.set_text(text);
                settled
            }
            Delivery::Asset { result, usage } => {
                self.deps
                    .store
                    .complete_job(job, &result, &usage, then)
                    .await
            }
        }
    }

    /// Takes on what was leased here, and wakes the worker for the rest.
    async fn follow(&mut self, settled: Settled) {
        if let Some(view) = settled.view {
            self.studio.refresh(view);
        }
        for job in settled.leased {
            self.begin(job);
        }
        if settled.claimable > 0 {
            self.wake().await;
        }
    }

    async fn wake(&self) {
        if let Err(error) = self
            .deps
            .invoker
            .invoke(&self.deps.config.asset_worker, &Payload::wake())
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
        self.tasks.shutdown().await;
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
        self.holding
            .lock()
            .expect("no holder panics")
            .remove(&job.job_id);
        tracing::info!(storyId = %job.story_id, jobId = %job.job_id, assetType = %job.asset_type,
            "Job cancelled or taken over, work stopped");
        self.answer
            .assets
            .insert(job.asset_type.to_string(), "lost");
    }
}

/// Extends the leases of everything held, three times a lease, and stops what is not ours any more.
async fn heartbeat(deps: Arc<Deps>, studio: Arc<Studio>, holding: Holding) {
    let mut ticks = tokio::time::interval(deps.config.lease / 3);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    ticks.tick().await;
    loop {
        ticks.tick().await;
        let beats: Vec<_> = {
            let holding = holding.lock().expect("no holder panics");
            holding
                .values()
                .map(|held| beat(&studio, &held.job))
                .collect()
        };
        if beats.is_empty() {
            continue;
        }
        match deps.store.report_progress(&beats, deps.config.lease).await {
            Ok(lost) => {
                let holding = holding.lock().expect("no holder panics");
                for job in lost {
                    // A retry of the same job may be held by now, under a lease of its own.
                    let reported = beats.iter().find(|beat| beat.job_id == job);
                    if let (Some(held), Some(reported)) = (holding.get(&job), reported)
                        && held.job.lease_token == reported.lease_token
                    {
                        held.abort.abort();
                    }
                }
            }
            Err(error) => tracing::warn!(
                error = chain(&error),
                "Heartbeat failed; the leases hold until the next one"
            ),
        }
    }
}

fn beat(studio: &Studio, job: &LeasedJob) -> Progress {
    Progress {
        job_id: job.job_id,
        lease_token: job.lease_token,
        progress: studio.noted_progress(job.job_id),
        metadata: None,
        checkpoint: None,
        usage: Vec::new(),
    }
}

impl Delivery {
    fn url(&self) -> Option<String> {
        match self {
            Self::Asset {
                result: Completion { url, .. },
                ..
            } => url.clone(),
            Self::Text { .. } => None,
        }
    }
}
