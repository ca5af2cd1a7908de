//! Questions, words and something to do.

use crate::{attempt::Attempt, failure::StepError, prompt};
use domain::story::Activities;
use providers::TextModelRole;
use store::Completion;

pub(super) async fn generate(attempt: &Attempt) -> Result<Completion, StepError> {
    let story = &attempt.story;
    let question = prompt::activities(story.text()?, story.work.request.reader_age());
    let (activities, _) = attempt
        .ask_usable(TextModelRole::Analysis, question, Activities::usable)
        .await?;
    Ok(Completion {
        data: Some(serde_json::to_value(activities)?),
        ..Completion::default()
    })
}
