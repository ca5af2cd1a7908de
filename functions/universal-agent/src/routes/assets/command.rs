//! Commands on the assets of an existing story. Meanings (C-17): generate makes what is missing, retry what failed,
//! regenerate what is there, continue goes on without what failed, cancel stops what is not settled.

use super::{
    requests::CommandRequest,
    unchanged::{Unchanged, unchanged_assets},
};
use crate::{
    answer::Answer,
    deps::{AppState, Deps},
    error::ApiError,
    extract::{PathStoryId, Posted, SignedIn},
    hand_off::{wake_notice_sender, wake_worker},
    voices,
};
use axum::extract::State;
use domain::{AssetType, StoryId, StoryStatus};
use serde::Serialize;
use store::{AssetCommand, AssetGenerationStatus, CommandResult};

/// What a command did, and how the story stands after it.
#[derive(Serialize)]
pub(crate) struct Outcome {
    id: StoryId,
    status: StoryStatus,
    /// Assets the command had an effect on.
    #[serde(rename = "assetTypes")]
    asset_types: Vec<AssetType>,
    /// Assets that were asked for and stayed as they were. Asking again is no error, so this is no failure.
    unchanged: Vec<Unchanged>,
    asset_generation_status: AssetGenerationStatus,
}

impl Outcome {
    /// Wakes the worker where something became claimable, and answers. A retried text is claimed by the worker too.
    /// `verb` is the word of the route for what was asked, in the log.
    pub(crate) async fn announce(
        deps: &Deps,
        verb: &'static str,
        command: &AssetCommand,
        result: CommandResult,
    ) -> Answer<Self> {
        if result.has_ended_story() {
            wake_notice_sender(deps).await;
        }
        let is_left = matches!(command, AssetCommand::Cancel { .. }) && result.has_ended_making();
        let story = result.story;
        tracing::info!(target: "AssetGenerationPipeline", verb, assets = result.asset_types.len(), isLeft = is_left, "Story steered");
        wake_worker(deps, result.claimable).await;
        Answer::ok(Self {
            id: story.id,
            status: story.status,
            unchanged: unchanged_assets(
                command,
                &result.asset_types,
                &story.asset_generation_status.assets,
            ),
            asset_types: result.asset_types,
            asset_generation_status: story.asset_generation_status,
        })
        .replayed(result.replayed)
    }
}

/// `POST …/assets/{generate,retry,regenerate,continue,cancel}` and `POST …/art/regenerate`: carries out the command that
/// the body stands for.
pub(crate) async fn command<Request: CommandRequest>(
    State(deps): State<AppState>,
    SignedIn(caller): SignedIn,
    PathStoryId(story): PathStoryId,
    Posted { body, idempotency }: Posted<Request>,
) -> Result<Answer<Outcome>, ApiError> {
    let mut command: AssetCommand = body.into();
    if let Some(options) = command.options_mut() {
        options.voice_id = voices::resolve(&*deps.voices, options.voice_id.take()).await?;
        if let Some(style) = &options.style {
            let words = [("style".to_owned(), style.clone())];
            deps.moderation.check(None, &words).await?;
        }
    }
    let result = deps
        .store
        .command_assets(caller.user_id, story, &command, &idempotency)
        .await?;
    Ok(Outcome::announce(&deps, command.name(), &command, result).await)
}
