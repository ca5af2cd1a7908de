//! Why an asset failed or was cancelled, as a code that columns, the status and the API name it by.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// The cause of the last attempt that ended without an asset. The words beside it may change; the code is what others
/// decide by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FailureCode {
    /// The book could not be set.
    BookFailed,
    /// The user stopped it.
    Cancelled,
    /// A provider's safety filter refused, in plainer words too.
    ContentPolicyViolation,
    /// PostgREST or Postgres did not answer.
    DatabaseUnavailable,
    /// Each picture that was drawn failed its check.
    ImageValidationFailed,
    /// The text it is made from could not be made.
    InputFailed,
    /// A defect of ours.
    Internal,
    /// The voice is unknown to the account or not in its plan.
    InvalidVoice,
    /// Its invocation died, every time.
    JobTimeout,
    /// An asset it is made of is missing.
    MissingRequiredAssets,
    /// Every configured model has been shut down.
    ModelGone,
    /// No configured model is open to the account.
    ModelNotOpen,
    /// The provider's account has no money left.
    ProviderOutOfCredits,
    /// The provider takes our key no longer.
    ProviderRefusedKey,
    /// The provider found the request at fault.
    ProviderRejected,
    ProviderTimeout,
    ProviderUnavailable,
    /// More calls than the provider allows.
    RateLimited,
    /// The speech model takes no part of the text, however short.
    TextTooLong,
    /// A user's reference picture cannot be read.
    UnreadableReference,
    /// No font of the book has the letters.
    UnsupportedScript,
    /// A model's answer could not be used.
    UnusableAnswer,
    /// A model's picture could not be read.
    UnusablePicture,
    /// The bucket took no file.
    UploadFailed,
}

/// The text is no code of a failed asset.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("unknown failure code `{0}`")]
pub struct UnknownFailureCode(pub String);

impl FailureCode {
    /// All of them, by the alphabet.
    pub const ALL: [Self; 24] = [
        Self::BookFailed,
        Self::Cancelled,
        Self::ContentPolicyViolation,
        Self::DatabaseUnavailable,
        Self::ImageValidationFailed,
        Self::InputFailed,
        Self::Internal,
        Self::InvalidVoice,
        Self::JobTimeout,
        Self::MissingRequiredAssets,
        Self::ModelGone,
        Self::ModelNotOpen,
        Self::ProviderOutOfCredits,
        Self::ProviderRefusedKey,
        Self::ProviderRejected,
        Self::ProviderTimeout,
        Self::ProviderUnavailable,
        Self::RateLimited,
        Self::TextTooLong,
        Self::UnreadableReference,
        Self::UnsupportedScript,
        Self::UnusableAnswer,
        Self::UnusablePicture,
        Self::UploadFailed,
    ];

    /// The name on every wire.
    pub const fn code(self) -> &'static str {
        match self {
            Self::BookFailed => "BOOK_FAILED",
            Self::Cancelled => "CANCELLED",
            Self::ContentPolicyViolation => "CONTENT_POLICY_VIOLATION",
            Self::DatabaseUnavailable => "DATABASE_UNAVAILABLE",
            Self::ImageValidationFailed => "IMAGE_VALIDATION_FAILED",
            Self::InputFailed => "INPUT_FAILED",
            Self::Internal => "INTERNAL",
            Self::InvalidVoice => "INVALID_VOICE",
            Self::JobTimeout => "JOB_TIMEOUT",
            Self::MissingRequiredAssets => "MISSING_REQUIRED_ASSETS",
            Self::ModelGone => "MODEL_GONE",
            Self::ModelNotOpen => "MODEL_NOT_OPEN",
            Self::ProviderOutOfCredits => "PROVIDER_OUT_OF_CREDITS",
            Self::ProviderRefusedKey => "PROVIDER_REFUSED_KEY",
            Self::ProviderRejected => "PROVIDER_REJECTED",
            Self::ProviderTimeout => "PROVIDER_TIMEOUT",
            Self::ProviderUnavailable => "PROVIDER_UNAVAILABLE",
            Self::RateLimited => "RATE_LIMITED",
            Self::TextTooLong => "TEXT_TOO_LONG",
            Self::UnreadableReference => "UNREADABLE_REFERENCE",
            Self::UnsupportedScript => "UNSUPPORTED_SCRIPT",
            Self::UnusableAnswer => "UNUSABLE_ANSWER",
            Self::UnusablePicture => "UNUSABLE_PICTURE",
            Self::UploadFailed => "UPLOAD_FAILED",
        }
    }
}

impl fmt::Display for FailureCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for FailureCode {
    type Err = UnknownFailureCode;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|known| known.code() == text)
            .ok_or_else(|| UnknownFailureCode(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_back_from_its_text_and_from_json() {
        for known in FailureCode::ALL {
            assert_eq!(known.code().parse(), Ok(known));
            assert_eq!(serde_json::to_value(known).unwrap(), known.code());
        }
        assert!(FailureCode::ALL.is_sorted_by(|one, other| one.code() < other.code()));
        assert_eq!(
            "LEASE_LOST".parse::<FailureCode>(),
            Err(UnknownFailureCode("LEASE_LOST".to_owned()))
        );
    }
}
