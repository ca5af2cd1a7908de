//! A question to a text model until its answer can be used: once more, with what was wrong, and then no further.

use crate::failure::StepError;
use domain::story::UnusableAnswer;
use providers::{CallUsage, ErrorKind, TextCall, TextModel};
use serde::de::DeserializeOwned;
use std::time::{Duration, Instant};

/// With less time than this left, a useless answer is left to the next attempt.
pub(crate) const TIME_FOR_ANOTHER: Duration = Duration::from_secs(45);

/// Asks, reads the answer as `T`, and lets `usable` have a look at it. A useless answer is asked for once more, with what
/// was wrong with it; every billed answer is added to `billed`.
pub(crate) async fn ask_until_usable<T: DeserializeOwned, R>(
    model: &dyn TextModel,
    mut call: TextCall,
    billed: &mut Vec<CallUsage>,
    usable: impl Fn(T) -> Result<R, UnusableAnswer>,
) -> Result<R, StepError> {
    loop {
        let answer = model.ask(&call, billed).await;
        let read = answer
            .map_err(StepError::from)
            .and_then(|answer| Ok(usable(serde_json::from_value(answer)?)?));
        let error = match read {
            Ok(usable) => return Ok(usable),
            Err(error) => error,
        };
        let left = call.deadline.saturating_duration_since(Instant::now());
        let problem = match &error {
            _ if call.correction.is_some() || left < TIME_FOR_ANOTHER => None,
            error => problem_of(error),
        };
        let Some(problem) = problem else {
            return Err(error);
        };
        // Not the problem itself: it may quote the answer.
        tracing::warn!(
            question = call.name,
            "Answer cannot be used, asking again with what was wrong"
        );
        call.correction = Some(problem);
    }
}

/// What was wrong with an answer, in words for the model; nothing where the answer was not the problem.
pub(crate) fn problem_of(error: &StepError) -> Option<String> {
    match error {
        StepError::Provider(error) if error.kind == ErrorKind::Malformed => {
            Some("It was not the JSON that was asked for.".to_owned())
        }
        StepError::Schema(error) => Some(error.to_string()),
        StepError::Unusable(UnusableAnswer(problem)) => Some(problem.clone()),
        StepError::UnsafeText { concern, reader } => Some(format!(
            "What came next spoke of {}, which does not belong in a story for {reader}. Tell it without.",
            concern.words
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use providers::{ProviderError, TextModelRole};
    use serde::Deserialize;
    use serde_json::{Value, json};
    use std::sync::Mutex;

    /// Answers one after the other, and keeps the corrections it was sent.
    struct Scripted {
        answers: Mutex<Vec<Value>>,
        corrections: Mutex<Vec<Option<String>>>,
    }

    #[async_trait::async_trait]
    impl TextModel for Scripted {
        async fn ask(
            &self,
            call: &TextCall,
            billed: &mut Vec<CallUsage>,
        ) -> Result<Value, ProviderError> {
            let mut corrections = self.corrections.lock().expect("no holder panics");
            corrections.push(call.correction.clone());
            billed.push(CallUsage::default());
            Ok(self.answers.lock().expect("no holder panics").remove(0))
        }
    }

    #[derive(Debug, Deserialize, PartialEq)]
    struct Motif {
        motif: String,
    }

    async fn ask(answers: Vec<Value>) -> (Result<Motif, StepError>, Vec<Option<String>>, usize) {
        let model = Scripted {
            answers: Mutex::new(answers),
            corrections: Mutex::default(),
        };
        let call = TextCall {
            name: "palette_journey",
            schema: providers::object([]),
            instructions: String::new(),
            data: Value::Null,
            picture: None,
            correction: None,
            model: TextModelRole::Analysis,
            deadline: Instant::now() + Duration::from_secs(100),
        };
        let mut billed = Vec::new();
        let usable = |motif: Motif| match motif.motif.as_str() {
            "" => Err(UnusableAnswer("a journey has a motif".to_owned())),
            _ => Ok(motif),
        };
        let answer = ask_until_usable(&model, call, &mut billed, usable).await;
        let corrections = model.corrections.into_inner().expect("no holder panics");
        (answer, corrections, billed.len())
    }

    #[tokio::test]
    async fn the_next_question_says_what_was_wrong_with_the_last_answer() {
        for (useless, problem) in [
            (json!({"motive": "a kite"}), "missing field `motif`"),
            (json!({"motif": ""}), "a journey has a motif"),
        ] {
            let (answer, corrections, billed) =
                ask(vec![useless, json!({"motif": "a kite"})]).await;
            assert_eq!(answer.expect("an answer").motif, "a kite");
            assert_eq!(corrections, [None, Some(problem.to_owned())]);
            assert_eq!(billed, 2);
        }
    }

    #[tokio::test]
    async fn a_second_useless_answer_is_the_last_of_an_attempt() {
        let useless = json!({"motif": ""});
        let (answer, _, billed) = ask(vec![useless.clone(), useless.clone(), useless]).await;
        assert!(matches!(answer, Err(StepError::Unusable(_))), "{answer:?}");
        assert_eq!(billed, 2);
    }
}
