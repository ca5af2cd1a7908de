//! From claimed jobs to invocations: the jobs of one story travel together, except those that keep failing.

use crate::{Deps, Report};
use domain::{AssetType, StoryId, retry};
use events::{Command, DispatchedJob, SendNotices};
use futures::{StreamExt, stream};
use runtime::chain;
use std::{collections::BTreeMap, time::Duration};
use store::LeasedJob;
use tracing::instrument;

/// Invocations being accepted at one moment.
const INVOCATIONS_AT_ONCE: usize = 16;
/// A job that could not be handed over is not claimed again before this.
const PAUSE_AFTER_RELEASE: Duration = Duration::from_secs(5);

/// The jobs of each invocation.
fn group_by_invocation(jobs: Vec<LeasedJob>) -> Vec<(StoryId, Vec<LeasedJob>)> {
    let (alone, together): (Vec<_>, Vec<_>) = jobs
        .into_iter()
        .partition(|job| retry::travels_alone(job.retry_count));
    let mut by_story: BTreeMap<StoryId, Vec<LeasedJob>> = BTreeMap::new();
    for job in together {
        by_story.entry(job.story_id).or_default().push(job);
    }
    by_story
        .into_iter()
        .chain(alone.into_iter().map(|job| (job.story_id, vec![job])))
        .collect()
}

pub(crate) async fn hand_over(deps: &Deps, jobs: Vec<LeasedJob>) -> Report {
    stream::iter(group_by_invocation(jobs))
        .map(|(story, jobs)| hand_over_story(deps, story, jobs))
        .buffer_unordered(INVOCATIONS_AT_ONCE)
        .fold(Report::default(), |sum, one| async move {
            Report {
                processed: sum.processed + one.processed,
                failed: sum.failed + one.failed,
            }
        })
        .await
}

/// Once an invocation: whoever takes them up goes on until none is due.
pub(crate) async fn hand_on_deletions(deps: &Deps) {
    let content_agent = &deps.config.content_agent;
    let event = Command::DeleteFiles.into();
    if let Err(error) = deps.invoker.invoke(content_agent, event).await {
        tracing::error!(
            error = chain(&error),
            "Could not have files deleted; the next sweep tries again"
        );
    }
}

/// A story ended for want of a worker: its user is to hear of it.
pub(crate) async fn wake_notice_sender(deps: &Deps) {
    let Some(sender) = &deps.config.notice_sender else {
        return;
    };
    if let Err(error) = deps.invoker.invoke(sender, SendNotices.into()).await {
        tracing::warn!(
            error = chain(&error),
            "Could not wake the sender of notices; its schedule will find the notice"
        );
    }
}

#[instrument(level = "error", skip_all, fields(storyId = %story))]
async fn hand_over_story(deps: &Deps, story: StoryId, jobs: Vec<LeasedJob>) -> Report {
    let count = jobs.len() as u64;
    let Err(error) = deps
        .invoker
        .invoke(&deps.config.content_agent, command_for(story, &jobs).into())
        .await
    else {
        tracing::info!(target: "AssetGenerationPipeline", jobs = count, "Jobs handed to the content agent");
        return Report {
            processed: count,
            failed: 0,
        };
    };
    tracing::error!(
        error = chain(&error),
        "Could not hand jobs to the content agent, releasing them"
    );
    for job in &jobs {
        if let Err(error) = deps
            .store
            .release_job(job.job_id, job.lease_token, PAUSE_AFTER_RELEASE, &[])
            .await
        {
            // The lease runs out by itself; nothing is lost but its time.
            tracing::error!(jobId = %job.job_id, assetType = %job.asset_type, error = chain(&error), "Could not release a job");
        }
    }
    Report {
        processed: 0,
        failed: count,
    }
}

fn command_for(story_id: StoryId, jobs: &[LeasedJob]) -> Command {
    if let [job] = jobs
        && job.asset_type == AssetType::Content
    {
        return Command::generate_claimed_story(story_id, job.job_id, job.lease_token);
    }
    let jobs = jobs
        .iter()
        .map(|job| DispatchedJob {
            asset_type: job.asset_type,
            job_id: job.job_id,
            lease_token: job.lease_token,
        })
        .collect();
    Command::GenerateAssets { story_id, jobs }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn job(story: u8, asset_type: AssetType, retry_count: u32) -> LeasedJob {
        let id = |kind: u8| format!("00000000-0000-0000-0000-0000000000{kind}{story}");
        LeasedJob {
            job_id: id(1).parse().unwrap(),
            story_id: id(2).parse().unwrap(),
            asset_type,
            lease_token: id(3).parse().unwrap(),
            attempt: retry_count + 1,
            retry_count,
            max_retries: 3,
            asset_version: 0,
            progress: 0,
            typical_seconds: None,
            earlier_version_stands: false,
            finished: None,
            checkpoint: Value::Null,
            options: Value::Null,
        }
    }

    #[test]
    fn what_failed_twice_travels_alone_and_the_rest_of_a_story_together() {
        let groups = group_by_invocation(vec![
            job(1, AssetType::Scene1, 0),
            job(1, AssetType::Scene2, 1),
            job(1, AssetType::Scene3, 2),
            job(2, AssetType::Scene1, 3),
            job(2, AssetType::Scene2, 2),
        ]);
        let mut sizes: Vec<_> = groups.iter().map(|(_, jobs)| jobs.len()).collect();
        sizes.sort_unstable();
        assert_eq!(sizes, [1, 1, 1, 2]);
    }
}
