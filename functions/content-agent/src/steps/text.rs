//! The story text.

use crate::{failure::StepError, prompt, studio::Studio};
use domain::story::StoryText;
use providers::TextModelRole;
use store::UsageEntry;

pub(crate) async fn write(
    studio: &Studio,
    usage: &mut Vec<UsageEntry>,
) -> Result<StoryText, StepError> {
    let question = prompt::story(&studio.story.request, &studio.story.characters);
    let usable = |mut text: StoryText| {
        if let Some(title) = studio.story.request.title() {
            title.clone_into(&mut text.title);
        }
        text.usable()
    };
    let (text, tokens) = studio
        .ask_usable(TextModelRole::Story, question, usage, usable)
        .await?;
    tracing::info!(target: "AssetGenerationPipeline", storyId = %studio.story.story_id, tokensUsed = tokens, "Story content generated");
    Ok(text)
}
