//! Verbs of those who work: start, claim, report, complete, fail, release, expire.

mod answers;

pub use answers::{
    AssetView, Claimed, Expired, LeasedJob, Settled, StartedAssets, StartedContent, StoryView,
    StoryWork,
};

use crate::{FinishedStory, Store, StoreError, rest::RetryBudget};
use answers::{Lost, Tidied};
use domain::{
    AssetType, FailureCode, JobId, LeaseToken, StoryId,
    story::{Manuscript, StoryText},
};
use serde::Serialize;
use serde_json::{Value, json};
use std::time::Duration;

/// One paid provider call, recorded once under its key.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UsageEntry {
    pub call_key: String,
    pub provider: &'static str,
    pub model: String,
    pub kind: &'static str,
    pub input_units: u64,
    pub output_units: u64,
    pub cost_usd: f64,
    /// Of the price it was computed with.
    pub price_version: &'static str,
}

/// Asks for the jobs that a settled one makes claimable to be leased to the caller at once.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Continuation {
    /// The invocation, as it named itself when it started.
    pub owner: String,
    pub limit: usize,
    pub lease_seconds: u64,
    pub max_in_flight: u32,
    /// Assets the invocation is already working on.
    pub holding: Vec<AssetType>,
    /// It began before there was a text, and has not heard of one since: what is leased comes with it.
    pub needs_text: bool,
}

/// A finished asset.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Completion {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub colors: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocks: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Value>,
    /// What a picture was asked for in; its owner finds it in the history.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// Length and digest of the stored file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Of a narration: the book's page, made anew with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<BookPage>,
}

/// The book as a page of the web that plays a narration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BookPage {
    pub url: String,
    /// The version of the book that it shows.
    pub of: u32,
}

/// A picture that stands in for one that could not be made.
#[derive(Clone, Debug, Serialize)]
pub struct Placeholder {
    pub url: String,
    pub colors: Vec<String>,
}

/// An attempt that failed.
#[derive(Clone, Debug)]
pub struct Failure {
    /// A code a user can act on.
    pub code: FailureCode,
    /// Words for the user; never a provider's text.
    pub message: String,
    pub retryable: bool,
    pub retry_after: Option<Duration>,
    pub placeholder: Option<Placeholder>,
}

/// A heartbeat for one job; `None` leaves a field as it is.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    pub job_id: JobId,
    pub lease_token: LeaseToken,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub usage: Vec<UsageEntry>,
    #[serde(skip_serializing_if = "ExtraCalls::is_empty")]
    pub extra_calls: ExtraCalls,
}

/// Calls to providers that a lease did not speak for: pictures drawn once more, questions asked again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ExtraCalls {
    pub picture: u32,
    pub text: u32,
}

impl ExtraCalls {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What became of a heartbeat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reported {
    /// Jobs that are no longer the caller's.
    pub lost: Vec<JobId>,
    /// The row showed something else less than a second ago; the progress that was told is shown by the next report.
    pub is_deferred: bool,
}

impl Store {
    /// Takes up the text job of a story. `owner` names this invocation; repeating with the same owner is safe.
    pub async fn start_content(
        &self,
        story: StoryId,
        owner: &str,
        lease_token: Option<LeaseToken>,
        lease: Duration,
        max_in_flight: u32,
    ) -> Result<StartedContent, StoreError> {
        let arguments = json!({"p_story_id": story, "p_owner": owner, "p_lease_token": lease_token,
            "p_lease_seconds": lease.as_secs(), "p_max_in_flight": max_in_flight});
        self.call("start_content", &arguments).await
    }

    /// Claims up to `limit` jobs for dispatch. `request_id` names the claiming invocation, so that what it had not handed
    /// over is found when it dies.
    ///
    /// Each call names itself too: when its answer was lost, the same jobs are answered again. `can_wait` is how long the
    /// caller could stay for what comes free later.
    pub async fn claim_asset_jobs(
        &self,
        limit: usize,
        lease: Duration,
        max_in_flight: u32,
        request_id: &str,
        can_wait: Duration,
    ) -> Result<Claimed, StoreError> {
        let arguments = json!({"p_limit": limit, "p_lease_seconds": lease.as_secs(), "p_max_in_flight": max_in_flight,
            "p_owner": format!("claim:{request_id}/{}", uuid::Uuid::new_v4()), "p_wait_seconds": can_wait.as_secs_f64()});
        let claimed: Claimed = self.call("claim_asset_jobs", &arguments).await?;
        log_ended(claimed.ended.as_deref());
        Ok(claimed)
    }

    /// Takes up claimed jobs and reads their story.
    pub async fn start_assets(
        &self,
        story: StoryId,
        jobs: &[(JobId, LeaseToken)],
        owner: &str,
        lease: Duration,
    ) -> Result<StartedAssets, StoreError> {
        let jobs: Vec<_> = jobs
            .iter()
            .map(|(job, token)| json!({"jobId": job, "leaseToken": token}))
            .collect();
        let arguments = json!({"p_story_id": story, "p_jobs": jobs, "p_owner": owner, "p_lease_seconds": lease.as_secs()});
        self.call("start_assets", &arguments).await
    }

    /// Saves progress, checkpoints and what they cost, and extends the leases; answers the jobs that are no longer the
    /// caller's.
    pub async fn report_progress(
        &self,
        jobs: &[Progress],
        lease: Duration,
    ) -> Result<Vec<JobId>, StoreError> {
        // The result of a paid step is not found out again.
        let reported = self.report(RetryBudget::Lease, "report_progress", jobs, lease);
        Ok(reported.await?.lost)
    }

    /// The heartbeat of an invocation: extends its leases and tells how far its jobs are. Comes again by itself.
    pub async fn extend_leases(
        &self,
        jobs: &[Progress],
        lease: Duration,
    ) -> Result<Reported, StoreError> {
        self.report(RetryBudget::Attempts, "extend_leases", jobs, lease)
            .await
    }

    async fn report(
        &self,
        budget: RetryBudget,
        verb: &str,
        jobs: &[Progress],
        lease: Duration,
    ) -> Result<Reported, StoreError> {
        let arguments = json!({"p_jobs": jobs, "p_lease_seconds": lease.as_secs()});
        let Lost { lost, deferred } = self.call_with(budget, verb, &arguments).await?;
        Ok(Reported {
            lost: lost.into_iter().map(|job| job.job_id).collect(),
            is_deferred: deferred,
        })
    }

    /// Saves what stands of a text that is being written, and takes on what may be begun from it.
    pub async fn save_manuscript(
        &self,
        job: &LeasedJob,
        manuscript: &Manuscript,
        progress: u8,
        lease: Duration,
        then: Option<&Continuation>,
    ) -> Result<Settled, StoreError> {
        let arguments = json!({"p_job_id": job.job_id, "p_lease_token": job.lease_token, "p_manuscript": manuscript,
            "p_progress": progress, "p_lease_seconds": lease.as_secs(), "p_continue": then});
        self.settle("save_manuscript", &arguments).await
    }

    /// Settles the text job: the text is there.
    pub async fn save_story_content(
        &self,
        job: &LeasedJob,
        text: &StoryText,
        usage: &[UsageEntry],
        then: Option<&Continuation>,
    ) -> Result<Settled, StoreError> {
        let arguments = json!({"p_job_id": job.job_id, "p_lease_token": job.lease_token, "p_title": text.title,
            "p_content": text, "p_usage": usage, "p_continue": then});
        self.settle("save_story_content", &arguments).await
    }

    /// Settles a job as ready.
    pub async fn complete_job(
        &self,
        job: &LeasedJob,
        result: &Completion,
        usage: &[UsageEntry],
        then: Option<&Continuation>,
    ) -> Result<Settled, StoreError> {
        let arguments = json!({"p_job_id": job.job_id, "p_lease_token": job.lease_token, "p_result": result,
            "p_usage": usage, "p_continue": then});
        self.settle("complete_job", &arguments).await
    }

    /// Ends an attempt that failed: a retry later, or failed for good.
    pub async fn fail_job(
        &self,
        job: &LeasedJob,
        failure: &Failure,
        usage: &[UsageEntry],
        then: Option<&Continuation>,
    ) -> Result<Settled, StoreError> {
        let arguments = json!({"p_job_id": job.job_id, "p_lease_token": job.lease_token, "p_error_code": failure.code,
            "p_error_message": failure.message, "p_retryable": failure.retryable,
            "p_retry_after_seconds": failure.retry_after.map(|pause| pause.as_secs_f64()),
            "p_placeholder": failure.placeholder, "p_usage": usage, "p_continue": then});
        self.settle("fail_job", &arguments).await
    }

    /// Hands a claimed job back, with what was paid for it; no attempt is counted as a retry.
    pub async fn release_job(
        &self,
        job: JobId,
        token: LeaseToken,
        delay: Duration,
        usage: &[UsageEntry],
    ) -> Result<Settled, StoreError> {
        let arguments = json!({"p_job_id": job, "p_lease_token": token, "p_delay_seconds": delay.as_secs_f64(),
            "p_usage": usage});
        self.call("release_job", &arguments).await
    }

    /// Settles up to `limit` jobs whose lease ran out.
    pub async fn expire_stuck_jobs(&self, limit: usize) -> Result<Expired, StoreError> {
        self.expire(&json!({"p_limit": limit})).await
    }

    /// Moves the jobs of up to `limit` stories at rest to the history, and forgets as many idempotency keys.
    pub async fn tidy_history(&self, limit: usize) -> Result<Tidied, StoreError> {
        self.call("tidy_history", &json!({"p_limit": limit})).await
    }

    /// Settles up to `limit` jobs of an invocation that is known to be dead: what it held, and the claims in `tokens`,
    /// which its event named, as far as nobody started them. The text of `new_story`, which it was to claim, waits no
    /// longer for it.
    pub async fn settle_dead_invocation(
        &self,
        limit: usize,
        request_id: &str,
        tokens: &[LeaseToken],
        new_story: Option<StoryId>,
    ) -> Result<Expired, StoreError> {
        let arguments = json!({"p_limit": limit, "p_dead_request": request_id, "p_lease_tokens": tokens,
            "p_new_story": new_story});
        self.expire(&arguments).await
    }

    /// A verb that ends a job, repeated as long as its lease may last. A story that it ended is told once, here.
    async fn settle(&self, verb: &str, arguments: &Value) -> Result<Settled, StoreError> {
        let settled: Settled = self.call_with(RetryBudget::Lease, verb, arguments).await?;
        if let Some(summary) = &settled.summary {
            summary.log();
        }
        Ok(settled)
    }

    async fn expire(&self, arguments: &Value) -> Result<Expired, StoreError> {
        let expired: Expired = self.call("expire_stuck_jobs", arguments).await?;
        log_ended(expired.ended.as_deref());
        Ok(expired)
    }
}

fn log_ended(stories: Option<&[FinishedStory]>) {
    stories.into_iter().flatten().for_each(FinishedStory::log);
}
