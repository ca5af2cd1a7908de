//! Stories: asking for one, finding them again, moving one, taking one away.

use crate::{
    answer::{Answer, Caching, Gone, Tagged},
    deps::{AppState, Deps},
    error::ApiError,
    extract::{
        Body, Checked, Cursor, Held, Keyed, PageQuery, PathStoryId, Posted, Query, SignedIn,
    },
    hand_off::{delete_files, start_text, wake_notice_sender},
    moderation::words_of_story,
    request_log::note_story,
    store_error::story_not_found,
    voices,
};
use axum::extract::State;
use domain::{
    LibraryId, StoryId, StoryStatus,
    request::{InvalidField, NewStory, StoryForm},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use store::{AssetGenerationStatus, Created, DeletedStory, StoryColumns, StoryFilter, StoryRow};

impl Checked for NewStory {
    type Form = StoryForm;
    const LEAST: &'static str = r#"{"character_ids": ["00000000-0000-0000-0000-000000000000"], "story_type": "a", "themes": []}"#;

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
    let request = understand(&deps, body).await?;
    let created = deps
        .store
        .create_story(&caller, &request, &idempotency)
        .await?;
    let replayed = matches!(created, Created::Replayed(_));
    let story = created.into_inner();
    note_story(story.id);
    if !replayed {
        let assets = story.asset_generation_status.assets.len();
        tracing::info!(target: "AssetGenerationPipeline", assets, "Story accepted");
    }
    // Also on a replay: the first answer may have been lost because its process died before this line.
    start_text(&deps, story.id).await;
    Ok(Answer::created(StoryAccepted::from(story)).replayed(replayed))
}

/// A wish with its voice, once neither that nor its words are to be refused.
pub(crate) async fn understand(deps: &Deps, story: NewStory) -> Result<NewStory, ApiError> {
    let words = words_of_story(&story);
    let voice = voices::resolve(&*deps.voices, story.voice_id().cloned());
    let checked = deps.moderation.check(story.reader_age(), &words);
    let (voice, ()) = tokio::try_join!(voice, checked)?;
    Ok(story.with_voice(voice))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StoryList {
    stories: Vec<Map<String, Value>>,
    limit: usize,
    offset: usize,
    has_more: bool,
    /// Where the next page begins, whatever is made meanwhile.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<Cursor>,
}

/// `GET /stories`: the caller's own, newest first.
pub(crate) async fn list(
    State(deps): State<AppState>,
    SignedIn(caller): SignedIn,
    page: PageQuery,
    query: Query,
) -> Result<Answer<StoryList>, ApiError> {
    let after = query.cursor()?.map(|Cursor(place)| place);
    if after.is_some() && page.offset > 0 {
        let problem = "cursor says where the page begins, so offset must be left out";
        return Err(ApiError::invalid("cursor", problem));
    }
    let filter = StoryFilter {
        library: query.id("library_id")?,
        status: query.word("status")?,
        after,
    };
    let columns = query.fields(StoryColumns::listed())?;
    let mut rows = deps
        .store
        .stories(caller.user_id, &filter, &columns, page.with_one_more())
        .await?;
    let has_more = page.cut(&mut rows);
    let last = rows.last().filter(|_| has_more);
    Ok(Answer::ok(StoryList {
        next_cursor: last.map(|story| Cursor(story.place.clone())),
        stories: rows.into_iter().map(|story| story.columns).collect(),
        limit: page.limit,
        offset: page.offset,
        has_more,
    }))
}

/// A story, or what was asked for of it.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Shown {
    Whole(Box<StoryRow>),
    Part(Map<String, Value>),
}

/// `GET /stories/{id}`: the whole row; with `fields` so much of it.
pub(crate) async fn show(
    State(deps): State<AppState>,
    SignedIn(caller): SignedIn,
    PathStoryId(id): PathStoryId,
    held: Held,
    query: Query,
) -> Result<Tagged<Shown>, ApiError> {
    let (whole, user) = (StoryColumns::whole(), caller.user_id);
    let columns = query.fields(whole.clone())?;
    let story = if columns == whole {
        let story = deps.store.story(user, id).await?;
        story.map(Box::new).map(Shown::Whole)
    } else {
        let part = deps.store.story_part(user, id, &columns).await?;
        part.map(Shown::Part)
    };
    Ok(Tagged {
        answer: Answer::ok(story.ok_or_else(story_not_found)?),
        held,
        caching: Caching::Revalidated,
    })
}

/// `DELETE /stories/{id}`: the rows are gone with the answer, the files a moment later.
pub(crate) async fn remove(
    State(deps): State<AppState>,
    SignedIn(caller): SignedIn,
    PathStoryId(id): PathStoryId,
    Keyed(idempotency): Keyed,
) -> Result<Gone, ApiError> {
    let deleted = deps.store.delete_story(caller.user_id, id, &idempotency);
    let DeletedStory {
        told,
        unfinished,
        replayed,
    } = deleted.await?;
    let is_left = unfinished && !replayed;
    tracing::info!(target: "AssetGenerationPipeline", isLeft = is_left, "Story deleted");
    delete_files(&deps).await;
    if told {
        wake_notice_sender(&deps).await;
    }
    Ok(Gone { replayed })
}

/// `{"library_id": …}`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangeForm {
    #[serde(alias = "libraryId")]
    library_id: LibraryId,
}

/// The body of `PATCH /stories/{id}`: where the story is to stand.
pub(crate) struct Change {
    library: LibraryId,
}

impl Checked for Change {
    type Form = ChangeForm;

    fn check(form: ChangeForm) -> Result<Self, InvalidField> {
        let library = form.library_id;
        Ok(Self { library })
    }
}

/// `PATCH /stories/{id}`: puts it into another library.
pub(crate) async fn change(
    State(deps): State<AppState>,
    SignedIn(caller): SignedIn,
    PathStoryId(id): PathStoryId,
    Body(Change { library }): Body<Change>,
) -> Result<Answer<StoryRow>, ApiError> {
    let store = &deps.store;
    Ok(Answer::ok(
        store.move_story(caller.user_id, id, library).await?,
    ))
}
