//! The story text.

use crate::{attempt::Attempt, failure::StepError, prompt};
use domain::story::StoryText;
use providers::TextModelRole;

pub(super) async fn write(attempt: &Attempt) -> Result<StoryText, StepError> {
    let work = &attempt.story.work;
    let question = prompt::story(&work.request, &work.characters);
    let usable = |mut text: StoryText| {
        if let Some(title) = work.request.title() {
            title.clone_into(&mut text.title);
        }
        text.usable()
    };
    let (text, tokens) = attempt
        .ask_usable(TextModelRole::Story, question, usable)
        .await?;
    tracing::info!(target: "AssetGenerationPipeline", tokensUsed = tokens, "Story content generated");
    Ok(text)
}
