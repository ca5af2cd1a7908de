//! The result of an attempt on its way to the database, and what becomes of one that the database does not take.

use crate::{
    attempt::Attempt,
    failure::StepError,
    steps::{self, Product},
};
use domain::{AssetType, FailureCode, story::StoryText};
use runtime::chain;
use std::time::Duration;
use store::{Completion, Continuation, Settled, StoreError, UsageEntry};

/// Between two tries to record what was begun from the outline of a text that others write.
const TEXT_PAUSE: Duration = Duration::from_secs(2);
/// The answer of `complete_job` while there is no text yet.
const TEXT_NOT_READY: &str = "TEXT_NOT_READY";

/// What was sent to the database of a job, and what it said.
pub(crate) struct RecordedOutcome {
    /// What the job is called if the database accepted it.
    pub(crate) status: &'static str,
    pub(crate) url: Option<String>,
    /// The text it wrote.
    pub(crate) text: Option<StoryText>,
    /// Why it failed.
    pub(crate) code: Option<FailureCode>,
    /// A drawn picture stands in for the one that could not be made.
    pub(crate) has_placeholder: bool,
    pub(crate) settled: Result<Settled, StoreError>,
}

/// Tells the database the result of an attempt. A result that it will never take fails the job, with what was paid for it:
/// nothing waits for the end of a lease, nothing is bought again.
pub(crate) async fn record_result(
    attempt: &Attempt,
    result: Result<Product, StepError>,
    then: Option<&Continuation>,
) -> RecordedOutcome {
    if let Some(reason) = result.as_ref().err().and_then(StepError::reason) {
        attempt.shown.note_reason(reason);
    }
    // Rare, and no reason to lose the result.
    if let Err(error) = attempt.tell_shown().await {
        tracing::warn!(
            error = chain(&error),
            "Could not say what became of an asset on its way"
        );
    }
    let (store, job, usage) = (
        &attempt.deps().store,
        &attempt.job,
        attempt.usage.unrecorded(),
    );
    let (url, text, settled) = match result {
        Ok(Product::Text(text)) => {
            let settled = store.save_story_content(job, &text, &usage, then).await;
            (None, Some(text), settled)
        }
        Ok(Product::Asset(completion)) => {
            let settled = complete_with_text(attempt, &completion, &usage, then).await;
            (completion.url, None, settled)
        }
        Err(error) => return record_failure(attempt, error, then).await,
    };
    match settled {
        Err(refused) if refused.is_about_the_data() => {
            record_failure(attempt, StepError::Unstorable(refused), then).await
        }
        settled => RecordedOutcome {
            status: "ready",
            url,
            text,
            code: None,
            has_placeholder: false,
            settled,
        },
    }
}

/// What was begun from the outline of a text waits for the text while somebody writes it. It may come to nothing yet: the
/// lease ends then; and where nobody writes at the moment, the database keeps the result.
async fn complete_with_text(
    attempt: &Attempt,
    completion: &Completion,
    usage: &[UsageEntry],
    then: Option<&Continuation>,
) -> Result<Settled, StoreError> {
    let (store, job) = (&attempt.deps().store, &attempt.job);
    loop {
        if attempt.story.is_ahead_of_text() {
            attempt.story.telling.ended().await;
        }
        let settled = store.complete_job(job, completion, usage, then).await?;
        if settled.accepted || settled.reason.as_deref() != Some(TEXT_NOT_READY) {
            return Ok(settled);
        }
        tokio::time::sleep(TEXT_PAUSE).await;
    }
}

/// What was paid for is saved before the failure is told: the next attempt goes on from there.
async fn save_what_stands(attempt: &Attempt) {
    let Some(manuscript) = attempt.story.telling.manuscript() else {
        return;
    };
    if attempt.manuscript().as_ref() == Some(&*manuscript) {
        return;
    }
    let (store, lease) = (&attempt.deps().store, attempt.deps().config.lease);
    let saved = store.save_manuscript(&attempt.job, &manuscript, 0, lease, None);
    if let Err(error) = saved.await {
        tracing::warn!(
            error = chain(&error),
            "Could not save what stands of the text"
        );
    }
}

async fn record_failure(
    attempt: &Attempt,
    error: StepError,
    then: Option<&Continuation>,
) -> RecordedOutcome {
    let job = &attempt.job;
    let cause = chain(&error);
    let failure = steps::describe_failure(attempt, error).await;
    if attempt.asset() == AssetType::Content && failure.retryable {
        save_what_stands(attempt).await;
    }
    let usage = attempt.usage.unrecorded();
    let store = &attempt.deps().store;
    let settled = store.fail_job(job, &failure, &usage, then).await;
    // Told once it is known whether somebody has to look: not where another try follows, or where nobody asks any more.
    match &settled {
        Ok(Settled {
            retry_in_seconds: Some(seconds),
            ..
        }) => {
            tracing::warn!(target: "AssetGenerationPipeline", error = cause, retryInSeconds = seconds, "Asset generation failed, trying again");
        }
        Ok(Settled {
            accepted: false, ..
        }) => {
            tracing::warn!(target: "AssetGenerationPipeline", error = cause, "Asset generation failed, for nobody");
        }
        _ => {
            tracing::error!(target: "AssetGenerationPipeline", error = cause, code = failure.code.code(), "Asset generation failed");
        }
    }
    RecordedOutcome {
        status: "failed",
        url: None,
        text: None,
        code: Some(failure.code),
        has_placeholder: failure.placeholder.is_some(),
        settled,
    }
}
