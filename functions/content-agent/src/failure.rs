//! What a failed step means for its job: a code and words a user can act on, and whether to try again.

use domain::{AssetType, FailureCode, reason::Reason};
use providers::{Concern, ErrorKind, ProviderError};
use std::time::Duration;
use store::{Failure, LeasedJob, StoreError};

/// Why a step did not deliver.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StepError {
    #[error("a provider call failed")]
    Provider(#[from] ProviderError),
    #[error("providers failed for longer than one picture may take")]
    OutOfTime(#[source] ProviderError),
    #[error("the model's answer does not fit")]
    Unusable(#[from] domain::story::UnusableAnswer),
    #[error("the model's answer does not fit its schema")]
    Schema(#[from] serde_json::Error),
    #[error("the text speaks of {}", concern.words)]
    UnsafeText { concern: Concern, reader: String },
    #[error("the picture failed its check each time")]
    CheckFailed,
    #[error("no picture could be read")]
    NothingReadable,
    #[error("an asset this one is made of is missing")]
    MissingInput,
    #[error("a file or the database could not be reached")]
    Store(#[from] StoreError),
    #[error("a picture could not be read")]
    Picture(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the book could not be set")]
    Book(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("no font of the book has the letters of {}", scripts.join(", "))]
    MissingLetters { scripts: Vec<&'static str> },
    #[error("the database does not take the result")]
    Unstorable(#[source] StoreError),
    #[error("the recording cannot be played")]
    Sound(#[from] render::mp3::NoSound),
    #[error("the voice that was wished for is none we know")]
    UnknownVoice,
    #[error("the job was cancelled or taken over")]
    LeaseLost,
    #[error("the job stopped in an unexpected way")]
    Panicked,
}

/// A provider that is down is not asked again by the next attempt at once.
const PAUSE_AFTER_OUTAGE: Duration = Duration::from_secs(10);

/// A defect of ours: every answer is cleaned so that it can be stored.
const UNSTORABLE: (FailureCode, &str) = (FailureCode::Internal, "The result could not be stored");

impl StepError {
    /// Whether a placeholder may stand in: not for trouble of ours that an operator should see as such.
    pub(crate) fn is_about_the_picture(&self) -> bool {
        !matches!(
            self,
            Self::Store(_) | Self::Unstorable(_) | Self::MissingInput | Self::LeaseLost
        )
    }

    /// What is noted of the asset, where a filter had its say.
    pub(crate) fn reason(&self) -> Option<Reason> {
        match self {
            Self::UnsafeText { concern, .. } => Some(concern.reason),
            Self::Provider(error) if error.kind == ErrorKind::Refused => {
                Some(Reason::RefusedByFilter)
            }
            _ => None,
        }
    }

    /// Without a placeholder: drawing one is worth while for the last attempt only.
    pub(crate) fn into_failure(self, asset: AssetType) -> Failure {
        let (code, message) = self.code_and_message(asset);
        let message = match &self {
            Self::MissingLetters { scripts } => format!("{message}: {}", scripts.join(", ")),
            Self::UnsafeText { concern, reader } => {
                format!(
                    "{message}: it spoke of {}, which does not belong in a story for {reader}",
                    concern.words
                )
            }
            _ => message.to_owned(),
        };
        let (retryable, retry_after) = match &self {
            Self::Provider(error) => {
                let outage =
                    matches!(error.kind, ErrorKind::Unavailable).then_some(PAUSE_AFTER_OUTAGE);
                (error.is_retryable(), error.retry_after().or(outage))
            }
            Self::Unusable(_)
            | Self::Schema(_)
            | Self::Picture(_)
            | Self::Sound(_)
            | Self::LeaseLost
            | Self::Panicked => (true, None),
            // What the database refuses today it refuses tomorrow, and each attempt is paid for.
            Self::Store(error) => (!error.is_about_the_data(), None),
            Self::OutOfTime(_)
            | Self::UnsafeText { .. }
            | Self::CheckFailed
            | Self::NothingReadable
            | Self::MissingInput
            | Self::UnknownVoice
            | Self::Book(_)
            | Self::MissingLetters { .. }
            | Self::Unstorable(_) => (false, None),
        };
        Failure {
            code,
            message,
            retryable,
            retry_after,
            placeholder: None,
        }
    }

    fn code_and_message(&self, asset: AssetType) -> (FailureCode, &'static str) {
        match self {
            Self::Provider(error) | Self::OutOfTime(error)
                if error.is_of_all_models && error.is_about_drawing() =>
            {
                let (code, _) = describe_provider_error(&error.kind, asset);
                (code, "All image providers failed")
            }
            Self::Provider(error) | Self::OutOfTime(error) => {
                // Of a picture, its palette, its scene or the look at it.
                let is_text = asset.picture_index().is_some() && !error.is_about_drawing();
                let asset = if is_text { AssetType::Content } else { asset };
                describe_provider_error(&error.kind, asset)
            }
            Self::Unusable(_) | Self::Schema(_) => (
                FailureCode::UnusableAnswer,
                "The model gave an answer that could not be used",
            ),
            Self::UnsafeText { .. } => describe_provider_error(&ErrorKind::Refused, asset),
            Self::Sound(_) => (
                FailureCode::UnusableAnswer,
                "The recording could not be played",
            ),
            Self::UnknownVoice => INVALID_VOICE,
            Self::CheckFailed => (
                FailureCode::ImageValidationFailed,
                "The picture did not show the character as described",
            ),
            Self::MissingInput => (
                FailureCode::MissingRequiredAssets,
                "Missing required assets",
            ),
            Self::Store(StoreError::Files { .. }) => {
                (FailureCode::UploadFailed, "Upload failed after retries")
            }
            Self::Store(error) if error.is_about_the_data() => UNSTORABLE,
            Self::Unstorable(_) => UNSTORABLE,
            Self::Store(_) => (
                FailureCode::DatabaseUnavailable,
                "The database could not be reached",
            ),
            Self::Picture(_) | Self::NothingReadable => {
                (FailureCode::UnusablePicture, "A picture could not be read")
            }
            Self::MissingLetters { .. } => (
                FailureCode::UnsupportedScript,
                "The book cannot be printed yet in these letters",
            ),
            Self::Book(_) => (FailureCode::BookFailed, "The book could not be set"),
            // The database takes no outcome from whoever has lost the lease, so nobody sees these.
            Self::LeaseLost => (FailureCode::Internal, "The job was cancelled or taken over"),
            Self::Panicked => (FailureCode::Internal, "Something unexpected happened"),
        }
    }
}

/// Whether a failure ends its job: nothing helps, or the retries are used up. A rate limit may be granted more of them,
/// which only the database knows.
pub(crate) fn is_final(failure: &Failure, job: &LeasedJob) -> bool {
    !failure.retryable || job.retry_count >= job.max_retries
}

const INVALID_VOICE: (FailureCode, &str) = (FailureCode::InvalidVoice, "Invalid voice ID");

fn describe_provider_error(kind: &ErrorKind, asset: AssetType) -> (FailureCode, &'static str) {
    match (kind, asset) {
        (ErrorKind::Refused, _) => (
            FailureCode::ContentPolicyViolation,
            "Content policy violation",
        ),
        (ErrorKind::TimedOut, AssetType::Audio) => {
            (FailureCode::ProviderTimeout, "Voice synthesis timeout")
        }
        (ErrorKind::TimedOut, _) => (
            FailureCode::ProviderTimeout,
            "The provider did not answer in time",
        ),
        (ErrorKind::RateLimited { .. }, _) => (FailureCode::RateLimited, "API rate limit exceeded"),
        (ErrorKind::Unavailable | ErrorKind::CircuitOpen { .. }, AssetType::Audio) => (
            FailureCode::ProviderUnavailable,
            "ElevenLabs API unavailable",
        ),
        (ErrorKind::Unavailable | ErrorKind::CircuitOpen { .. }, _) => (
            FailureCode::ProviderUnavailable,
            "The provider is unavailable",
        ),
        (ErrorKind::OutOfCredits, _) => (
            FailureCode::ProviderOutOfCredits,
            "Generation is paused, please try again later",
        ),
        (ErrorKind::BadCredentials, _) => (
            FailureCode::ProviderRefusedKey,
            "Generation is paused, please try again later",
        ),
        (ErrorKind::ModelClosed, _) => (
            FailureCode::ModelNotOpen,
            "Generation is paused, please try again later",
        ),
        (ErrorKind::ModelGone, AssetType::Audio) => {
            (FailureCode::ModelGone, "The voice model is not available")
        }
        (ErrorKind::ModelGone, AssetType::Content | AssetType::Activities) => {
            (FailureCode::ModelGone, "The text model is not available")
        }
        (ErrorKind::ModelGone, _) => (FailureCode::ModelGone, "All image providers failed"),
        (ErrorKind::VoiceNotFound, _) => INVALID_VOICE,
        (ErrorKind::VoiceNotInPlan, _) => (
            FailureCode::InvalidVoice,
            "This voice is not available, choose another one",
        ),
        (ErrorKind::TextTooLong, _) => (FailureCode::TextTooLong, "Story text too long"),
        (ErrorKind::CutShort | ErrorKind::Malformed, _) => (
            FailureCode::UnusableAnswer,
            "The provider gave an answer that could not be used",
        ),
        (ErrorKind::ReferenceUnreadable { .. }, _) => (
            FailureCode::UnreadableReference,
            "A reference picture could not be read",
        ),
        (ErrorKind::Invalid, _) => (
            FailureCode::ProviderRejected,
            "The provider rejected the request",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_services::job;
    use serde_json::Value;

    fn cover(retry_count: u32) -> LeasedJob {
        job(AssetType::Cover, retry_count + 1, Value::Null, Value::Null)
    }

    #[test]
    fn when_every_model_failed_a_picture_says_so_and_the_code_says_why() {
        let words = |kind| {
            let mut error = ProviderError::of_kind("OpenAI", "draw a picture", kind);
            error.is_of_all_models = true;
            let failure = StepError::from(error).into_failure(AssetType::Scene2);
            (failure.code, failure.message, failure.retryable)
        };
        let all_failed = "All image providers failed".to_owned();
        assert_eq!(
            words(ErrorKind::ModelClosed),
            (FailureCode::ModelNotOpen, all_failed.clone(), false)
        );
        assert_eq!(
            words(ErrorKind::TimedOut),
            (FailureCode::ProviderTimeout, all_failed, true)
        );
        let mut error = ProviderError::of_kind("OpenAI", "write a text", ErrorKind::ModelGone);
        error.is_of_all_models = true;
        let failure = StepError::from(error).into_failure(AssetType::Cover);
        assert_eq!(failure.message, "The text model is not available");
    }

    #[test]
    fn letters_that_cannot_be_printed_are_named_by_their_scripts_and_not_tried_again() {
        let scripts = vec!["Han", "Hiragana"];
        let failure = StepError::MissingLetters { scripts }.into_failure(AssetType::Pdf);
        assert_eq!(
            (failure.code, failure.retryable),
            (FailureCode::UnsupportedScript, false)
        );
        assert_eq!(
            failure.message,
            "The book cannot be printed yet in these letters: Han, Hiragana"
        );
    }

    #[test]
    fn what_the_database_refuses_for_its_content_is_not_bought_again() {
        let refused = |status, code: &str| {
            let error = StoreError::Failed {
                attempted: "report_progress".to_owned(),
                status,
                code: code.to_owned(),
                source: store::DatabaseMessage(String::new()),
            };
            let failure = StepError::Store(error).into_failure(AssetType::Cover);
            (failure.code, failure.retryable)
        };
        for code in ["22P05", "22001", "23514"] {
            assert_eq!(refused(400, code), (FailureCode::Internal, false), "{code}");
        }
        assert_eq!(
            refused(500, "40P01"),
            (FailureCode::DatabaseUnavailable, true)
        );
        assert_eq!(
            refused(404, "PGRST202"),
            (FailureCode::DatabaseUnavailable, true)
        );
    }

    #[test]
    fn only_the_last_attempt_of_a_picture_is_worth_a_placeholder() {
        let passing = StepError::Panicked.into_failure(AssetType::Cover);
        let ends = [0, 2, 3].map(|retries| is_final(&passing, &cover(retries)));
        assert_eq!(ends, [false, false, true]);
        let lasting = StepError::CheckFailed.into_failure(AssetType::Cover);
        assert!(is_final(&lasting, &cover(0)));
    }
}
