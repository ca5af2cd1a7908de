//! How far a story is: one figure, one entry per asset, and with `?detailed=true` the jobs behind them.

use crate::{
    answer::Answer,
    deps::AppState,
    error::ApiError,
    extract::{PathStoryId, Query, SignedIn},
    progress::{expect, percent},
    store_error::story_not_found,
};
use axum::extract::State;
use domain::{AssetType, JobId, JobStatus, Overall, estimate::Medians};
use jiff::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;
use store::{AssetEntry, JobRow, StoryRow};

#[derive(Serialize)]
pub(crate) struct Status {
    overall: Overall,
    /// The version of the text that is shown; none before the first.
    #[serde(rename = "textVersion", skip_serializing_if = "Option::is_none")]
    text_version: Option<u32>,
    /// By asset name; the detailed answer has the text under both its names (C-02).
    assets: BTreeMap<&'static str, AssetEntry>,
    /// 0 to 100, over everything that was asked for.
    progress: u64,
    /// Grows with every change of the story.
    version: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    jobs: Option<Vec<Job>>,
}

/// A job as the documents show it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Job {
    id: JobId,
    asset_type: AssetType,
    status: &'static str,
    retry_count: u32,
    error_code: Option<String>,
    error: Option<String>,
    started_at: Option<String>,
    completed_at: Option<String>,
    created_at: String,
}

impl From<JobRow> for Job {
    fn from(row: JobRow) -> Self {
        Self {
            id: row.id,
            asset_type: row.asset_type,
            // The two documents have two words for it (C-01).
            status: match row.status {
                JobStatus::Generating => "running",
                other => other.name(),
            },
            retry_count: row.retry_count,
            error_code: row.error_code,
            error: row.error_message,
            started_at: row.started_at,
            completed_at: row.completed_at,
            created_at: row.created_at,
        }
    }
}

/// `GET …/assets/status`
pub(crate) async fn status(
    State(deps): State<AppState>,
    SignedIn(caller): SignedIn,
    PathStoryId(id): PathStoryId,
    query: Query,
) -> Result<Answer<Status>, ApiError> {
    let (store, user) = (&deps.store, caller.user_id);
    let is_detailed = query.flag("detailed")?;
    let jobs = async {
        match is_detailed {
            true => store.jobs(user, id).await.map(Some),
            false => Ok(None),
        }
    };
    let medians = async { Ok(deps.medians().await) };
    let (story, jobs, medians) = tokio::try_join!(store.story(user, id), jobs, medians)?;
    let story = story.ok_or_else(story_not_found)?;
    Ok(Answer::ok(match jobs {
        Some(jobs) => summarize_with_jobs(story, jobs, &medians, Timestamp::now()),
        None => summarize(story, &medians),
    }))
}

fn summarize(story: StoryRow, medians: &Medians) -> Status {
    let status = story.asset_generation_status;
    Status {
        overall: status.overall,
        text_version: status.text_version,
        progress: percent(&status.assets, medians),
        assets: status
            .assets
            .into_iter()
            .map(|(asset, entry)| (asset.name(), entry))
            .collect(),
        version: story.version,
        jobs: None,
    }
}

fn summarize_with_jobs(
    story: StoryRow,
    jobs: Vec<JobRow>,
    medians: &Medians,
    now: Timestamp,
) -> Status {
    let moments: Vec<_> = story
        .asset_generation_status
        .assets
        .keys()
        .filter_map(|asset| {
            let assets = &story.asset_generation_status.assets;
            let moment = expect(*asset, assets, medians, now)?;
            Some((asset.name(), moment))
        })
        .collect();
    let mut status = summarize(story, medians);
    for (asset, moment) in moments {
        if let Some(entry) = status.assets.get_mut(asset) {
            // Whole seconds, as it is an estimate, and in the form in which the database writes all other times.
            let moment = moment.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string();
            entry
                .more
                .insert("estimatedCompletion".to_owned(), moment.into());
        }
    }
    if let Some(text) = status.assets.get(AssetType::Content.name()).cloned() {
        status.assets.insert("text", text);
    }
    status.jobs = Some(jobs.into_iter().map(Job::from).collect());
    status
}
