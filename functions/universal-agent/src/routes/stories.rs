//! Stories: asking for one, finding them again, taking one away.

use crate::{
    answer::{Answer, Gone},
    deps::AppState,
    error::ApiError,
    extract::{Checked, Keyed, PageQuery, PathStoryId, Posted, SignedIn},
    hand_off::{delete_files, start_text},
    request_log::note_story,
    store_error::story_not_found,
    voices,
};
use axum::extract::State;
use domain::{
    StoryId, StoryStatus,
    request::{InvalidField, NewStory, StoryForm},
};
use serde::Serialize;
use store::{AssetGenerationStatus, Created, StoryRow, StorySummary};

impl Checked for NewStory {
    type Form = StoryForm;

    fn check(form: StoryForm) -> Result<Self, InvalidField> {
        Self::try_from(form)
    }
}

/// The documented answer to `POST /stories`, and where its changes can be watched.
#[derive(Serialize)]
pub(crate) struct StoryAccepted {
    id: StoryId,
    status: StoryStatus,
    asset_generation_status: AssetGenerationStatus,
    #[serde(rename = "realtimeChannel")]
    realtime_channel: String,
    realtime: Realtime,
}

/// What a Realtime subscription needs; the channel's name is free, the filter is what matters (C-13).
#[derive(Serialize)]
struct Realtime {
    channel: String,
    event: &'static str,
    schema: &'static str,
    table: &'static str,
    filter: String,
}

impl From<StoryRow> for StoryAccepted {
    fn from(story: StoryRow) -> Self {
        let id = story.id;
        Self {
            id,
            status: story.status,
            asset_generation_status: story.asset_generation_status,
            realtime_channel: format!("stories:id={id}"),
            realtime: Realtime {
                channel: format!("story-{id}"),
                event: "UPDATE",
                schema: "public",
                table: "stories",
                filter: format!("id=eq.{id}"),
            },
        }
    }
}

/// `POST /stories`: 201 as soon as the story stands in the database; everything else happens elsewhere.
pub(crate) async fn create(
    State(deps): State<AppState>,
    SignedIn(caller): SignedIn,
    Posted { body, idempotency }: Posted<NewStory>,
) -> Result<Answer<StoryAccepted>, ApiError> {
    let voice_id = voices::resolve(&*deps.voices, body.voice_id().cloned()).await?;
    let request = body.with_voice(voice_id);
    let created = deps
        .store
        .create_story(&caller, &request, &idempotency)
        .await?;
    let replayed = matches!(created, Created::Replayed(_));
    let story = created.into_inner();
    note_story(story.id);
    if !replayed {
        tracing::info!(target: "AssetGenerationPipeline", assets = request.asset_types().len() + 1, "Story accepted");
    }
    // Also on a replay: the first answer may have been lost because its process died before this line.
    start_text(&deps, story.id).await;
    Ok(Answer::created(StoryAccepted::from(story)).replayed(replayed))
}

/// A story in a list.
#[derive(Serialize)]
pub(crate) struct StoryListItem {
    id: StoryId,
    title: String,
    status: StoryStatus,
    asset_generation_status: AssetGenerationStatus,
    story_type: String,
    themes: Vec<String>,
    version: u64,
    created_at: String,
    updated_at: String,
}

impl From<StorySummary> for StoryListItem {
    fn from(story: StorySummary) -> Self {
        Self {
            id: story.id,
            title: story.title,
            status: story.status,
            asset_generation_status: story.asset_generation_status,
            story_type: story.story_type,
            themes: story.themes,
            version: story.version,
            created_at: story.created_at,
            updated_at: story.updated_at,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StoryList {
    stories: Vec<StoryListItem>,
    limit: usize,
    offset: usize,
    has_more: bool,
}

/// `GET /stories`: the caller's own, newest first.
pub(crate) async fn list(
    State(deps): State<AppState>,
    SignedIn(caller): SignedIn,
    page: PageQuery,
) -> Result<Answer<StoryList>, ApiError> {
    let mut rows = deps
        .store
        .stories(caller.user_id, page.with_one_more())
        .await?;
    let has_more = page.cut(&mut rows);
    Ok(Answer::ok(StoryList {
        stories: rows.into_iter().map(StoryListItem::from).collect(),
        limit: page.limit,
        offset: page.offset,
        has_more,
    }))
}

/// `GET /stories/{id}`: the whole row.
pub(crate) async fn show(
    State(deps): State<AppState>,
    SignedIn(caller): SignedIn,
    PathStoryId(id): PathStoryId,
) -> Result<Answer<StoryRow>, ApiError> {
    let story = deps.store.story(caller.user_id, id).await?;
    story.map(Answer::ok).ok_or_else(story_not_found)
}

/// `DELETE /stories/{id}`: the rows are gone with the answer, the files a moment later.
pub(crate) async fn remove(
    State(deps): State<AppState>,
    SignedIn(caller): SignedIn,
    PathStoryId(id): PathStoryId,
    Keyed(idempotency): Keyed,
) -> Result<Gone, ApiError> {
    let deleted = deps.store.delete_story(caller.user_id, id, &idempotency);
    let replayed = deleted.await?;
    tracing::info!(target: "AssetGenerationPipeline", "Story deleted");
    delete_files(&deps).await;
    Ok(Gone { replayed })
}
