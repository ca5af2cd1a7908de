//! Questions, words and something to do.

use crate::{failure::StepError, prompt, studio::Studio};
use domain::story::Activities;
use providers::TextModelRole;
use store::{Completion, UsageEntry};

pub(crate) async fn think_up(
    studio: &Studio,
    usage: &mut Vec<UsageEntry>,
) -> Result<Completion, StepError> {
    let question = prompt::activities(studio.text()?, studio.story.request.reader_age());
    let (activities, _) = studio
        .ask_usable(TextModelRole::Analysis, question, usage, Activities::usable)
        .await?;
    Ok(Completion {
        data: Some(serde_json::to_value(activities)?),
        ..Completion::default()
    })
}
