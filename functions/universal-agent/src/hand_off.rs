//! Starting work elsewhere: an event is accepted within a moment or given up, because the sweep finds what it missed.

use crate::Deps;
use domain::{CharacterId, StoryId};
use events::{Command, SendNotices, Tick};
use runtime::chain;
use serde_json::Value;
use std::time::Duration;

/// A request waits no longer than this for an event to be accepted.
const ACCEPTED_WITHIN: Duration = Duration::from_secs(1);

/// Asks the content agent for the text. Harmless when it is being written already: the job can be claimed once.
pub(crate) async fn start_text(deps: &Deps, story: StoryId) {
    let function = &deps.config.content_agent;
    invoke(deps, function, Command::generate_story(story).into()).await;
}

/// Has the pictures fetched that a user brings of a character, and its sheet drawn. Without this the next sweep does it.
pub(crate) async fn prepare_character(deps: &Deps, character: CharacterId) {
    let function = &deps.config.content_agent;
    let command = Command::PrepareCharacter {
        character_id: character,
    };
    invoke(deps, function, command.into()).await;
}

/// Tells the asset worker that jobs of this story can be claimed, if there are any.
pub(crate) async fn wake_worker(deps: &Deps, claimable: u64) {
    if claimable > 0 {
        let function = &deps.config.asset_worker;
        invoke(deps, function, Tick::WAKE.into()).await;
    }
}

/// Has the files of what was taken away deleted. Without this the next sweep does it.
pub(crate) async fn delete_files(deps: &Deps) {
    let function = &deps.config.content_agent;
    invoke(deps, function, Command::DeleteFiles.into()).await;
}

/// There is something to tell, by mail or webhook. Without this the next sweep finds it.
pub(crate) async fn wake_notice_sender(deps: &Deps) {
    if let Some(function) = &deps.config.notice_sender {
        invoke(deps, function, SendNotices.into()).await;
    }
}

async fn invoke(deps: &Deps, function: &str, event: Value) {
    let problem =
        match tokio::time::timeout(ACCEPTED_WITHIN, deps.invoker.invoke(function, event)).await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => chain(&error),
            Err(late) => chain(&late),
        };
    tracing::error!(target: "AssetGenerationPipeline", function, error = problem,
        "Could not start work, leaving it to the sweep");
}
