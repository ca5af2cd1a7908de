//! Questions, words and something to do.

use super::text::find_unsafe;
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
    if let Some((_, error)) = find_unsafe(attempt, &[words_of(&activities)]).await {
        return Err(error);
    }
    Ok(Completion {
        data: Some(serde_json::to_value(activities)?),
        ..Completion::default()
    })
}

fn words_of(activities: &Activities) -> String {
    let questions = activities.questions.iter();
    let asked = questions.flat_map(|one| [one.question.as_str(), &one.answer]);
    let words = activities.vocabulary.iter();
    let told = words.flat_map(|one| [one.word.as_str(), &one.meaning]);
    let activity = [
        activities.activity.title.as_str(),
        &activities.activity.instructions,
    ];
    asked
        .chain(told)
        .chain(activity)
        .collect::<Vec<_>>()
        .join("\n")
}
