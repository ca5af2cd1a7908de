//! The verbs on an existing story. Meanings (C-17): generate makes what is missing, retry what failed, regenerate what is
//! there, continue goes on without what failed, cancel stops what is not settled.

use super::{
    requests::{Cancel, Continue, GenerateRequest, Picture, Retry},
    unchanged::{Unchanged, Verb, unchanged},
};
use crate::{
    Deps,
    answer::Answer,
    deps::AppState,
    error::ApiError,
    extract::{Posted, SignedIn, StoryInPath},
    hand_off::wake_worker,
    voices,
};
use axum::extract::State;
use domain::{AssetType, StoryId};
use serde::Serialize;
use store::{AssetGenerationStatus, CommandResult};

/// What a verb did, and how the story stands after it.
#[derive(Serialize)]
pub(crate) struct Outcome {
    id: StoryId,
    status: String,
    /// Assets the verb had an effect on.
    #[serde(rename = "assetTypes")]
    asset_types: Vec<AssetType>,
    /// Assets that were asked for and stayed as they were. Asking again is no error, so this is no failure.
    unchanged: Vec<Unchanged>,
    asset_generation_status: AssetGenerationStatus,
}

impl Outcome {
    /// Wakes the worker where something became claimable, and answers. A retried text is claimed by the worker too.
    /// `asked`: the assets that were named, if any were.
    pub(crate) async fn of(
        deps: &Deps,
        verb: Verb,
        asked: Option<&[AssetType]>,
        steered: CommandResult,
    ) -> Answer<Self> {
        let story = steered.story;
        tracing::info!(target: "AssetGenerationPipeline", storyId = %story.id, verb = verb.name(),
            assets = steered.asset_types.len(), "Story steered");
        wake_worker(deps, story.id, steered.claimable).await;
        Answer::ok(Self {
            id: story.id,
            status: story.status,
            unchanged: unchanged(
                verb,
                asked,
                &steered.asset_types,
                &story.asset_generation_status.assets,
            ),
            asset_types: steered.asset_types,
            asset_generation_status: story.asset_generation_status,
        })
        .replayed(steered.replayed)
    }
}

type Answered = Result<Answer<Outcome>, ApiError>;

/// `POST …/assets/generate`
pub(crate) async fn generate(
    State(deps): State<AppState>,
    SignedIn(caller): SignedIn,
    StoryInPath(story): StoryInPath,
    Posted {
        mut body,
        idempotency,
    }: Posted<GenerateRequest>,
) -> Answered {
    body.options.voice_id = voices::resolve(&*deps.voices, body.options.voice_id).await?;
    let user = caller.user_id;
    let store = &deps.store;
    let steered = store
        .generate_assets(user, story, &body.assets, &body.options, &idempotency)
        .await?;
    Ok(Outcome::of(&deps, Verb::Generate, Some(&body.assets), steered).await)
}

/// `POST …/assets/retry`
pub(crate) async fn retry(
    State(deps): State<AppState>,
    SignedIn(caller): SignedIn,
    StoryInPath(story): StoryInPath,
    Posted {
        mut body,
        idempotency,
    }: Posted<Retry>,
) -> Answered {
    body.options.voice_id = voices::resolve(&*deps.voices, body.options.voice_id).await?;
    let (user, assets) = (caller.user_id, body.assets.as_deref());
    let store = &deps.store;
    let steered = store
        .retry_assets(user, story, assets, &body.options, body.force, &idempotency)
        .await?;
    let verb = if body.force {
        Verb::RetryForced
    } else {
        Verb::Retry
    };
    Ok(Outcome::of(&deps, verb, assets, steered).await)
}

/// `POST …/assets/regenerate`
pub(crate) async fn regenerate(
    State(deps): State<AppState>,
    SignedIn(caller): SignedIn,
    StoryInPath(story): StoryInPath,
    Posted {
        mut body,
        idempotency,
    }: Posted<GenerateRequest>,
) -> Answered {
    body.options.voice_id = voices::resolve(&*deps.voices, body.options.voice_id).await?;
    let user = caller.user_id;
    let store = &deps.store;
    let steered = store
        .regenerate_assets(user, story, &body.assets, &body.options, &idempotency)
        .await?;
    Ok(Outcome::of(&deps, Verb::Regenerate, Some(&body.assets), steered).await)
}

/// `POST …/art/regenerate`: one picture by its index.
pub(crate) async fn regenerate_picture(
    State(deps): State<AppState>,
    SignedIn(caller): SignedIn,
    StoryInPath(story): StoryInPath,
    Posted { body, idempotency }: Posted<Picture>,
) -> Answered {
    let user = caller.user_id;
    let store = &deps.store;
    let steered = store
        .regenerate_assets(user, story, &[body.asset], &body.options, &idempotency)
        .await?;
    Ok(Outcome::of(&deps, Verb::Regenerate, Some(&[body.asset]), steered).await)
}

/// `POST …/assets/continue`
pub(crate) async fn continue_assets(
    State(deps): State<AppState>,
    SignedIn(caller): SignedIn,
    StoryInPath(story): StoryInPath,
    Posted { body, idempotency }: Posted<Continue>,
) -> Answered {
    let store = &deps.store;
    let steered = store
        .continue_story(caller.user_id, story, body.skip_failed, &idempotency)
        .await?;
    Ok(Outcome::of(&deps, Verb::Continue, None, steered).await)
}

/// `POST …/assets/cancel`
pub(crate) async fn cancel(
    State(deps): State<AppState>,
    SignedIn(caller): SignedIn,
    StoryInPath(story): StoryInPath,
    Posted { body, idempotency }: Posted<Cancel>,
) -> Answered {
    let store = &deps.store;
    let steered = store
        .cancel_assets(caller.user_id, story, body.assets.as_deref(), &idempotency)
        .await?;
    Ok(Outcome::of(&deps, Verb::Cancel, body.assets.as_deref(), steered).await)
}
