//! How far a story is: one figure, one entry per asset, and with `?detailed=true` the jobs behind them.

use crate::{
    answer::{Answer, Caching, Tagged},
    deps::AppState,
    error::ApiError,
    extract::{Held, PathStoryId, Query, SignedIn},
    last_known::Known,
    progress::{expect, percent},
    store_error::story_not_found,
};
use axum::extract::State;
use domain::{AssetType, JobId, JobStatus, Overall, StoryId, UserId, estimate::Medians};
use jiff::Timestamp;
use runtime::chain;
use serde::Serialize;
use std::{collections::BTreeMap, time::Duration};
use store::{AssetEntry, AssetGenerationStatus, JobRow, Store, StoreError, StoryStatusRow};
use tokio::time::error::Elapsed;

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
    /// True while the database does not answer: this is the last that was known.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    degraded: bool,
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

/// Longest that anybody waits for a status.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long each try may take, and the pause before the next; a slow database is waited for by the first.
const TRIES: [(Duration, Duration); 2] = [
    (Duration::from_secs(3), Duration::from_millis(100)),
    (Duration::from_secs(1), Duration::from_millis(200)),
];
const LAST_TRY: Duration = Duration::from_secs(1);

/// `GET …/assets/status`: within five seconds, whatever the database does. While it does not answer, what this process was
/// told last is told again, as `degraded`; of a story it knows nothing of, that it is being made (S3-036).
pub(crate) async fn status(
    State(deps): State<AppState>,
    SignedIn(caller): SignedIn,
    PathStoryId(id): PathStoryId,
    held: Held,
    query: Query,
) -> Result<Tagged<Status>, ApiError> {
    let user = caller.user_id;
    let is_detailed = query.flag("detailed")?;
    let read = read_patiently(&deps.store, user, id, is_detailed);
    let medians = tokio::time::timeout(PATIENCE, deps.medians());
    let (read, medians) = tokio::join!(tokio::time::timeout(PATIENCE, read), medians);
    let medians = medians.unwrap_or_default();
    let (known, degraded) = match read {
        Ok(Ok(Some(known))) => {
            deps.last_known.note(user, id, known.clone());
            (known, false)
        }
        Ok(Ok(None)) => {
            deps.last_known.forget(user, id);
            return Err(story_not_found());
        }
        failed_or_late => {
            log_silence(failed_or_late);
            let known = deps.last_known.of(user, id);
            (known.unwrap_or_else(being_made), true)
        }
    };
    let mut status = if is_detailed {
        let jobs = known.jobs.unwrap_or_default();
        summarize_with_jobs(known.story, jobs, &medians, Timestamp::now())
    } else {
        summarize(known.story, &medians)
    };
    status.degraded = degraded;
    Ok(Tagged {
        answer: Answer::ok(status),
        // Whoever polls learns of it, though the state be the same.
        held: if degraded { Held::default() } else { held },
        caching: Caching::None,
    })
}

/// The story and, if wanted, its jobs; failed tries are repeated twice.
async fn read_patiently(
    store: &Store,
    user: UserId,
    id: StoryId,
    with_jobs: bool,
) -> Result<Option<Known>, StoreError> {
    for (number, (timeout, pause)) in TRIES.into_iter().enumerate() {
        match read(&store.once(timeout), user, id, with_jobs).await {
            Err(error) if error.is_transient() => {
                tracing::warn!(
                    error = chain(&error),
                    "[video-status] Attempt {} failed, retrying in {}ms",
                    number + 1,
                    pause.as_millis()
                );
                tokio::time::sleep(pause).await;
            }
            answered => return answered,
        }
    }
    read(&store.once(LAST_TRY), user, id, with_jobs).await
}

async fn read(
    store: &Store,
    user: UserId,
    id: StoryId,
    with_jobs: bool,
) -> Result<Option<Known>, StoreError> {
    let jobs = async {
        match with_jobs {
            true => store.jobs(user, id).await.map(Some),
            false => Ok(None),
        }
    };
    let (story, jobs) = tokio::try_join!(store.story_status(user, id), jobs)?;
    Ok(story.map(|story| Known { story, jobs }))
}

/// What does not pass by itself is an error that somebody has to look at, though nobody is shown one.
fn log_silence<T>(read: Result<Result<T, StoreError>, Elapsed>) {
    const TOLD: &str = "Answering the last known status";
    match read {
        Ok(Err(error)) if !error.is_transient() => tracing::error!(error = chain(&error), "{TOLD}"),
        Ok(Err(error)) => tracing::warn!(error = chain(&error), TOLD),
        _ => tracing::warn!(error = "the database did not answer in time", TOLD),
    }
}

/// What is said of a story that nobody can look at: whatever is known later is newer.
fn being_made() -> Known {
    let asset_generation_status = AssetGenerationStatus {
        overall: Overall::Generating,
        text_version: None,
        assets: BTreeMap::new(),
    };
    let story = StoryStatusRow {
        asset_generation_status,
        version: 0,
    };
    Known { story, jobs: None }
}

fn summarize(story: StoryStatusRow, medians: &Medians) -> Status {
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
        degraded: false,
        jobs: None,
    }
}

fn summarize_with_jobs(
    story: StoryStatusRow,
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
