//! One invocation at work: its jobs and the recording of their results as tasks of their own, and an end before Lambda's.

use crate::{
    Deps, Invocation, Report,
    attempt::Attempt,
    failure::StepError,
    heartbeat::{RunningJob, RunningJobs, extend_leases_during},
    recording::{RecordedOutcome, record_result},
    steps::{self, Product},
    story_context::StoryContext,
    telling::parts_of,
    unsaved::Unsaved,
};
use domain::{AssetType, LeaseToken, story::Manuscript};
use futures::future::join_all;
use providers::kept_by;
use runtime::chain;
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};
use store::{Continuation, LeasedJob, Settled, StoreError, StoryWork};
use tokio::task::{Id, JoinError, JoinSet};
use tracing::Instrument;

/// Kept free at the end of the invocation, to hand back what is unfinished.
const MARGIN: Duration = Duration::from_secs(10);
/// Longest an end waits for results on their way to the database; after SIGTERM there are 2 s in all.
const ARRIVAL_MAX: Duration = Duration::from_millis(500);
/// With less time than this left no further job is begun here: a picture with a retry takes about as long.
const NEXT_JOB_MIN: Duration = Duration::from_secs(100);

struct Session {
    deps: Arc<Deps>,
    invocation: Invocation,
    /// As those see it who begin now.
    story: Arc<StoryContext>,
    /// Attempts under way: these may be stopped at any moment.
    attempts: JoinSet<Result<Product, StepError>>,
    /// Results on their way to the database, each by itself: a slow one holds up none of the others.
    recordings: JoinSet<RecordedOutcome>,
    /// What stands of the text, on its way to the database.
    savings: JoinSet<(Arc<Manuscript>, Result<Settled, StoreError>)>,
    manuscript: Unsaved,
    running: RunningJobs,
    /// The attempts of both kinds of tasks.
    by_task: HashMap<Id, Arc<Attempt>>,
    /// Every lease that was begun here: an answer that is repeated may name one again.
    begun: HashSet<LeaseToken>,
    report: Report,
}

/// Makes `jobs` and what follows from them, until nothing is left to do here or no time is.
pub(crate) async fn run(
    deps: Arc<Deps>,
    mut invocation: Invocation,
    work: StoryWork,
    jobs: Vec<LeasedJob>,
) -> Report {
    invocation.deadline = invocation.deadline.earlier_by(MARGIN);
    let report = Report::of(work.story_id);
    let story = StoryContext::new(Arc::clone(&deps), work, invocation.deadline);
    let (running, news) = (RunningJobs::default(), Arc::clone(&story.news));
    let mut session = Session {
        deps: Arc::clone(&deps),
        invocation,
        attempts: JoinSet::new(),
        recordings: JoinSet::new(),
        savings: JoinSet::new(),
        manuscript: Unsaved::of(&story.telling),
        story: Arc::new(story),
        running: Arc::clone(&running),
        by_task: HashMap::new(),
        begun: HashSet::new(),
        report,
    };
    for job in jobs {
        session.begin(job);
    }
    extend_leases_during(deps, running, news, session.work()).await;
    session.story.store_exchanges(&session.report).await;
    session.report
}

impl Session {
    fn begin(&mut self, job: LeasedJob) {
        if !self.begun.insert(job.lease_token) {
            return;
        }
        let job_id = job.job_id;
        let attempt = Arc::new(Attempt::new(Arc::clone(&self.story), job));
        attempt.span.in_scope(|| {
            tracing::info!(target: "AssetGenerationPipeline", attempt = attempt.job.attempt, "Asset generation started");
        });
        if attempt.asset() == AssetType::Content {
            let known = attempt.manuscript();
            self.manuscript.parts = known.as_ref().map_or(0, parts_of);
            self.manuscript.writer = Some(Arc::clone(&attempt));
            self.story.telling.begin(known);
        }
        let making = Arc::clone(&attempt);
        let making = async move { steps::make(&making).await };
        let making = kept_by(self.story.exchanges.clone(), making);
        let abort = self.attempts.spawn(making.instrument(attempt.span.clone()));
        self.by_task.insert(abort.id(), Arc::clone(&attempt));
        let mut running = self.running.lock().expect("no holder panics");
        running.insert(job_id, RunningJob { attempt, abort });
    }

    async fn work(&mut self) {
        let end = tokio::time::Instant::from_std(self.invocation.deadline.instant());
        let shutdown = self.invocation.shutdown.clone();
        while !(self.attempts.is_empty() && self.recordings.is_empty() && self.savings.is_empty()) {
            tokio::select! {
                manuscript = self.manuscript.due() => self.save(manuscript),
                Some(saved) = self.savings.join_next() => self.on_saved(saved).await,
                Some(finished) = self.attempts.join_next_with_id() => self.on_finished(finished),
                Some(recorded) = self.recordings.join_next_with_id() => self.on_recorded(recorded).await,
                () = tokio::time::sleep_until(end) => return self.release_unfinished("its time is up").await,
                () = shutdown.asked() => return self.release_unfinished("its process is to end").await,
            }
        }
    }

    fn on_finished(&mut self, finished: Result<(Id, Result<Product, StepError>), JoinError>) {
        let (id, result) = match finished {
            Ok((id, result)) => (id, Some(result)),
            // Only the heartbeat stops an attempt, when its lease is lost: there is nothing to record.
            Err(error) if error.is_cancelled() => (error.id(), None),
            Err(error) => (error.id(), Some(Err(StepError::Panicked))),
        };
        let Some(attempt) = self.by_task.remove(&id) else {
            return;
        };
        match result {
            Some(result) => self.record(attempt, result),
            None => self.on_lost(&attempt),
        }
    }

    /// Sends the result of an attempt on its way. Its lease is extended until it has arrived.
    fn record(&mut self, attempt: Arc<Attempt>, result: Result<Product, StepError>) {
        let then = self.continuation(&attempt.job);
        let recorded = Arc::clone(&attempt);
        let recording = async move { record_result(&recorded, result, then.as_ref()).await };
        let task = self
            .recordings
            .spawn(recording.instrument(attempt.span.clone()));
        self.by_task.insert(task.id(), attempt);
    }

    async fn on_recorded(&mut self, recorded: Result<(Id, RecordedOutcome), JoinError>) {
        let (id, outcome) = match recorded {
            Ok((id, outcome)) => (id, Ok(outcome)),
            Err(error) => (error.id(), Err(error)),
        };
        let Some(attempt) = self.by_task.remove(&id) else {
            return;
        };
        let job = &attempt.job;
        self.stop_extending(job);
        let (status, accepted) = attempt.span.in_scope(|| match outcome {
            Ok(RecordedOutcome {
                status,
                url,
                text,
                code,
                has_placeholder,
                settled: Ok(settled),
            }) if settled.accepted => {
                // A failure that the database grants another try: the job is in the queue again.
                let status = match settled.retry_in_seconds {
                    Some(_) => "retrying",
                    None if settled.waits_for_text => "waiting",
                    None => status,
                };
                attempt.log_settled(status, code, has_placeholder);
                self.report.url = url.or(self.report.url.take());
                if let Some(text) = text {
                    self.story = Arc::new(self.story.with_text(text));
                }
                (status, Some(settled))
            }
            // Not an error: somebody cancelled or took over the job, and what they do counts.
            Ok(RecordedOutcome {
                settled: Ok(settled),
                ..
            }) => {
                tracing::warn!(
                    reason = settled.reason.as_deref().unwrap_or("unknown"),
                    "Late result dropped: the lease is not ours any more"
                );
                ("lost", None)
            }
            // The lease runs out and the job is claimed again; what was paid for is in the bucket by then.
            Ok(RecordedOutcome {
                settled: Err(error),
                ..
            }) => {
                let error = chain(&error);
                tracing::error!(error, "Could not record the outcome of a job");
                ("lost", None)
            }
            // A panic while recording. Whether the database has it is unknown, so that its lease decides here too.
            Err(error) => {
                tracing::error!(
                    error = chain(&error),
                    "Recording the outcome of a job stopped in an unexpected way"
                );
                ("lost", None)
            }
        });
        self.end_telling(&attempt);
        let asset = job.asset_type.to_string();
        self.report.assets.insert(asset, status);
        if let Some(settled) = accepted {
            self.follow(settled).await;
        }
    }

    /// Sends what stands of the text on its way: what needs no more of it is leased here.
    fn save(&mut self, manuscript: Arc<Manuscript>) {
        let Some(writer) = self.manuscript.writer.clone() else {
            return;
        };
        let parts = parts_of(&manuscript);
        let percent = (parts * 20).min(90) as u8;
        writer.note_progress(percent);
        self.manuscript.parts = parts;
        self.manuscript.last = Some(Instant::now());
        self.manuscript.is_under_way = true;
        let then = self.continuation(&writer.job).map(|mut then| {
            // It goes on itself.
            then.holding.push(AssetType::Content);
            then
        });
        let span = writer.span.clone();
        let saving = async move {
            let (store, lease) = (&writer.deps().store, writer.deps().config.lease);
            let saved =
                store.save_manuscript(&writer.job, &manuscript, percent, lease, then.as_ref());
            let saved = saved.await;
            (manuscript, saved)
        };
        self.savings.spawn(saving.instrument(span));
    }

    async fn on_saved(
        &mut self,
        saved: Result<(Arc<Manuscript>, Result<Settled, StoreError>), JoinError>,
    ) {
        self.manuscript.is_under_way = false;
        match saved {
            Ok((manuscript, Ok(settled))) if settled.accepted => {
                let beats = manuscript.beats.len();
                tracing::info!(target: "AssetGenerationPipeline", beats, "Story text grows");
                if self.story.is_ahead_of_text() {
                    let outline = manuscript.outline.clone();
                    self.story = Arc::new(self.story.with_outline(outline));
                }
                self.follow(settled).await;
            }
            // The text itself came first, or the job is somebody else's: its heartbeat says so.
            Ok((_, Ok(_))) => {}
            // What stands is saved with the next beat, or with the text.
            Ok((_, Err(error))) => tracing::warn!(
                error = chain(&error),
                "Could not save what stands of the text"
            ),
            Err(error) => tracing::error!(
                error = chain(&error),
                "Saving what stands of the text stopped in an unexpected way"
            ),
        }
    }

    /// Takes on what was leased here, and wakes the worker for the rest; and the sender of notices when the story ended.
    async fn follow(&mut self, settled: Settled) {
        if let Some(text) = settled.text
            && self.story.is_ahead_of_text()
        {
            self.story = Arc::new(self.story.with_text(text));
        }
        if let Some(view) = settled.view {
            self.story = Arc::new(self.story.with_view(view));
        }
        for job in settled.leased {
            self.begin(job);
        }
        if settled.claimable > 0 {
            self.deps.wake_worker().await;
        }
        if settled.summary.is_some() {
            self.deps.wake_notice_sender().await;
        }
    }

    /// Extends the lease of a job no longer. The lease is not given back: it ends by itself, or has been settled.
    fn stop_extending(&self, job: &LeasedJob) {
        let mut running = self.running.lock().expect("no holder panics");
        // A retry of the same job may have begun here under another lease, which stays.
        let runs_under = running
            .get(&job.job_id)
            .map(|one| one.attempt.job.lease_token);
        if runs_under == Some(job.lease_token) {
            running.remove(&job.job_id);
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
        let running = self.running.lock().expect("no holder panics");
        let jobs = running.values().map(|running| &running.attempt.job);
        let others = jobs.filter(|other| other.job_id != job.job_id);
        Some(Continuation {
            owner: self.invocation.owner.clone(),
            limit: AssetType::ALL.len(),
            lease_seconds: self.deps.config.lease.as_secs(),
            max_in_flight: self.deps.config.max_jobs_in_flight,
            holding: others.map(|other| other.asset_type).collect(),
            needs_text: self.story.is_ahead_of_text() && job.asset_type != AssetType::Content,
        })
    }

    /// The invocation has to end: what is unfinished goes back to the queue with what it has, and somebody else is woken.
    async fn release_unfinished(&mut self, reason: &'static str) {
        // What is on its way to the database arrives, if it can at once: it may have leased more to us.
        let arriving = async {
            while let Some(saved) = self.savings.join_next().await {
                self.on_saved(saved).await;
            }
            while let Some(recorded) = self.recordings.join_next_with_id().await {
                self.on_recorded(recorded).await;
            }
        };
        let _ = tokio::time::timeout(ARRIVAL_MAX, arriving).await;
        self.savings.shutdown().await;
        self.recordings.shutdown().await;
        self.attempts.shutdown().await;
        let unfinished: Vec<_> = {
            let mut running = self.running.lock().expect("no holder panics");
            running
                .drain()
                .map(|(_, running)| running.attempt)
                .collect()
        };
        let store = &self.deps.store;
        join_all(unfinished.iter().map(|attempt| {
            let job = &attempt.job;
            let release = async move {
                tracing::warn!(reason, "Handing an unfinished job back");
                let usage = attempt.usage.unrecorded();
                if let Err(error) = store
                    .release_job(job.job_id, job.lease_token, Duration::ZERO, &usage)
                    .await
                {
                    tracing::error!(error = chain(&error), "Could not hand a job back");
                }
            };
            release.instrument(attempt.span.clone())
        }))
        .await;
        for attempt in unfinished {
            let asset = attempt.asset().to_string();
            self.report.assets.insert(asset, "released");
        }
        self.deps.wake_worker().await;
    }

    /// Nobody reads along any more once the attempt at the text is over, however it ended.
    fn end_telling(&mut self, attempt: &Attempt) {
        if attempt.asset() == AssetType::Content {
            self.manuscript.writer = None;
            self.story.telling.end();
        }
    }

    fn on_lost(&mut self, attempt: &Attempt) {
        self.stop_extending(&attempt.job);
        self.end_telling(attempt);
        attempt
            .span
            .in_scope(|| tracing::info!("Job cancelled or taken over, work stopped"));
        let asset = attempt.asset().to_string();
        self.report.assets.insert(asset, "lost");
    }
}

#[cfg(test)]
mod preview_tests;
#[cfg(test)]
mod tests;
