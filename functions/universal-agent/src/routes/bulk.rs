//! Many stories in one request, for a class or a school: each is answered as if it had been asked for alone.

use super::stories::{self, StoryAccepted};
use crate::{
    answer::Answer,
    deps::AppState,
    error::ApiError,
    extract::{Checked, Posted, SignedIn, check},
    hand_off::start_text,
};
use axum::{extract::State, http::StatusCode};
use domain::{
    StoryId,
    request::{InvalidField, NewStory},
};
use futures::{StreamExt, stream};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use store::{Created, Idempotency, digest_parts, sha256_hex};
use tokio::task::JoinSet;

const STORIES_MAX: usize = 100;
/// Wishes whose words are looked at at once.
const UNDERSTOOD_AT_ONCE: usize = 20;
/// Texts that are started at once.
const STARTED_AT_ONCE: usize = 20;

/// `{"stories": [{…}, …]}`, each as `POST /stories` takes it.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wishes {
    stories: Vec<Map<String, Value>>,
}

impl Checked for Wishes {
    type Form = Self;

    fn check(form: Self) -> Result<Self, InvalidField> {
        if (1..=STORIES_MAX).contains(&form.stories.len()) {
            return Ok(form);
        }
        Err(InvalidField::new("stories", "must be 1 to 100 stories"))
    }
}

/// One answer per story, in their order: the body that it would have alone, with its status.
#[derive(Serialize)]
pub(crate) struct Bulk {
    accepted: usize,
    refused: usize,
    answers: Vec<Value>,
}

/// `POST /stories/bulk`: one round trip to the database, however many there are.
pub(crate) async fn create(
    State(deps): State<AppState>,
    SignedIn(caller): SignedIn,
    Posted { body, idempotency }: Posted<Wishes>,
) -> Result<Answer<Bulk>, ApiError> {
    let mut answers = Vec::new();
    let (mut asked, mut places) = (Vec::new(), Vec::new());
    let wishes = body.stories.into_iter();
    let understanding = wishes.map(|wish| understand(&deps, wish.into()));
    let mut understood = stream::iter(understanding)
        .buffered(UNDERSTOOD_AT_ONCE)
        .enumerate();
    while let Some((place, story)) = understood.next().await {
        answers.push(Value::Null);
        match story {
            Ok(story) => {
                let key = within(&idempotency.key, place);
                let request_hash = digest(&story)?;
                asked.push((story, Idempotency { key, request_hash }));
                places.push(place);
            }
            Err(refusal) => answers[place] = refused(&refusal),
        }
    }
    let made = match asked.is_empty() {
        true => Vec::new(),
        false => deps.store.create_stories(&caller, &asked).await?,
    };
    let mut ids = Vec::new();
    for (place, story) in places.into_iter().zip(made) {
        answers[place] = match story.map(Created::into_inner) {
            Ok(story) => {
                ids.push(story.id);
                let story = StoryAccepted::from(story);
                json!({"status": StatusCode::CREATED.as_u16(), "success": true, "data": story})
            }
            Err(refusal) => refused(&ApiError::from(refusal)),
        };
    }
    tracing::info!(target: "AssetGenerationPipeline", stories = ids.len(), "Stories accepted");
    let (accepted, refused) = (ids.len(), answers.len() - ids.len());
    start_texts(&deps, &ids).await;
    Ok(Answer::ok(Bulk {
        accepted,
        refused,
        answers,
    }))
}

async fn understand(deps: &AppState, wish: Value) -> Result<NewStory, ApiError> {
    stories::understand(deps, check(wish)?).await
}

fn refused(refusal: &ApiError) -> Value {
    let (status, mut body) = refusal.to_json();
    body["status"] = status.as_u16().into();
    body
}

/// The key of one story under that of the request. No client's key holds a comma, so none is the same.
fn within(key: &str, place: usize) -> String {
    format!("bulk,{place},{}", sha256_hex(key))
}

fn digest(story: &NewStory) -> Result<String, ApiError> {
    let story = serde_json::to_vec(story).map_err(ApiError::internal)?;
    Ok(digest_parts([&b"bulk"[..], &story]))
}

/// Also of those that were answered before, as one alone.
async fn start_texts(deps: &AppState, stories: &[StoryId]) {
    for some in stories.chunks(STARTED_AT_ONCE) {
        let mut starting = JoinSet::new();
        for story in some.iter().copied() {
            let deps = AppState::clone(deps);
            starting.spawn(async move { start_text(&deps, story).await });
        }
        starting.join_all().await;
    }
}
