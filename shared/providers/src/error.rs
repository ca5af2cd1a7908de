//! One taxonomy for both providers: what an error means for the job, decided by code first and HTTP status last.

use std::{fmt, time::Duration};

/// What to do about a failed call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The key is wrong or may not do this: nothing helps but a human.
    BadCredentials,
    /// Not asked at all: the provider is down, and one call after this time looks whether it still is.
    CircuitOpen { retry_in: Duration },
    /// The model used up its room before it was done: reasoning counts too, so that nothing may be left for the answer.
    CutShort,
    /// A 4xx that is our bug: a wrong parameter, a schema out of the subset.
    Invalid,
    /// An answer that is no answer: truncated JSON, no choices, a picture that is none.
    Malformed,
    /// The model is not open to this account (an unverified organisation, a project that may not use it); another may be.
    ModelClosed,
    /// The model id is retired or unknown; another one may serve.
    ModelGone,
    /// The account has no money left: every further call fails too.
    OutOfCredits,
    /// Too many calls; wait as told.
    RateLimited { retry_after: Option<Duration> },
    /// A reference picture could not be fetched or read: the one at this place of those that were sent, if it is known.
    ReferenceUnreadable { index: Option<usize> },
    /// A safety filter said no to this input.
    Refused,
    /// The text is longer than the model takes.
    TextTooLong,
    /// No answer in time.
    TimedOut,
    /// 5xx, connection trouble: passes by itself.
    Unavailable,
    /// The voice does not exist (any more).
    VoiceNotFound,
    /// The voice exists and the account's plan does not cover it; others are served.
    VoiceNotInPlan,
}

impl ErrorKind {
    /// In words, for a log line.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Self::BadCredentials => "the key is refused",
            Self::CircuitOpen { .. } => "the provider is left alone for a while",
            Self::CutShort => "it had no room left for its answer",
            Self::Invalid => "it refused a parameter",
            Self::Malformed => "its answer cannot be used",
            Self::ModelClosed => "it is not open to this account",
            Self::ModelGone => "it is retired or unknown",
            Self::OutOfCredits => "the account has no money left",
            Self::RateLimited { .. } => "the rate limit is reached",
            Self::ReferenceUnreadable { .. } => "a reference picture cannot be read",
            Self::Refused => "a safety filter refused",
            Self::TextTooLong => "the text is too long",
            Self::TimedOut => "it did not answer in time",
            Self::Unavailable => "it is unavailable",
            Self::VoiceNotFound | Self::VoiceNotInPlan => "the voice cannot be used",
        }
    }

    /// In one word, for the outcome of a call in the log.
    pub fn code(&self) -> &'static str {
        match self {
            Self::BadCredentials => "bad_credentials",
            Self::CircuitOpen { .. } => "circuit_open",
            Self::CutShort => "cut_short",
            Self::Invalid => "invalid",
            Self::Malformed => "malformed",
            Self::ModelClosed => "model_closed",
            Self::ModelGone => "model_gone",
            Self::OutOfCredits => "out_of_credits",
            Self::RateLimited { .. } => "rate_limited",
            Self::ReferenceUnreadable { .. } => "reference_unreadable",
            Self::Refused => "refused",
            Self::TextTooLong => "text_too_long",
            Self::TimedOut => "timed_out",
            Self::Unavailable => "unavailable",
            Self::VoiceNotFound => "voice_not_found",
            Self::VoiceNotInPlan => "voice_not_in_plan",
        }
    }

    /// Whether another model of the same provider may do what this one did not. Not where the account or the request itself
    /// is at fault, and not for a rate limit: it is over in seconds, while all pictures of a book by one model look alike.
    pub fn may_spare_other_models(&self) -> bool {
        matches!(
            self,
            Self::CutShort
                | Self::Invalid
                | Self::Malformed
                | Self::ModelClosed
                | Self::ModelGone
                | Self::TextTooLong
                | Self::TimedOut
                | Self::Unavailable
        )
    }
}

/// What is attempted where a picture is asked for.
pub(crate) const DRAWING: &str = "draw a picture";

/// A provider call that did not succeed.
#[derive(Debug, thiserror::Error)]
#[error("{provider} did not {attempted}: {}{}", kind.reason(), Said { status: *status, code: code.as_deref() })]
pub struct ProviderError {
    pub provider: &'static str,
    pub attempted: &'static str,
    pub kind: ErrorKind,
    pub status: Option<u16>,
    /// The provider's own code, or the parameter it refused, never its message: that may quote the prompt.
    pub code: Option<String>,
    /// Every model of the chain was asked and failed; this is the failure to act on.
    pub is_of_all_models: bool,
    /// The circuit is open from this failure on: nobody asks the provider sooner.
    pub circuit_open_for: Option<Duration>,
    #[source]
    pub source: Option<reqwest::Error>,
}

/// Status and code, as far as there was an answer that had them.
struct Said<'a> {
    status: Option<u16>,
    code: Option<&'a str>,
}

impl fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.status, self.code) {
            (Some(status), Some(code)) => write!(f, " (HTTP {status}, code {code})"),
            (Some(status), None) => write!(f, " (HTTP {status})"),
            (None, Some(code)) => write!(f, " (code {code})"),
            (None, None) => Ok(()),
        }
    }
}

impl ProviderError {
    /// An error that says nothing but its kind: for models of another make, and for tests.
    pub fn of_kind(provider: &'static str, attempted: &'static str, kind: ErrorKind) -> Self {
        Self::new(provider, attempted, kind)
    }

    pub(crate) fn new(provider: &'static str, attempted: &'static str, kind: ErrorKind) -> Self {
        Self {
            provider,
            attempted,
            kind,
            status: None,
            code: None,
            is_of_all_models: false,
            circuit_open_for: None,
            source: None,
        }
    }

    pub(crate) fn transport(
        provider: &'static str,
        attempted: &'static str,
        error: reqwest::Error,
    ) -> Self {
        let kind = if error.is_timeout() {
            ErrorKind::TimedOut
        } else {
            ErrorKind::Unavailable
        };
        // The URL may carry ids; it adds nothing to the cause.
        Self {
            source: Some(error.without_url()),
            ..Self::new(provider, attempted, kind)
        }
    }

    /// True when the same call may succeed later: the job is worth another attempt.
    pub fn is_retryable(&self) -> bool {
        matches!(
            self.kind,
            ErrorKind::CircuitOpen { .. }
                | ErrorKind::CutShort
                | ErrorKind::Malformed
                | ErrorKind::RateLimited { .. }
                | ErrorKind::TimedOut
                | ErrorKind::Unavailable
        )
    }

    /// True when it was met by a picture that was asked for, and not by a question about one.
    pub fn is_about_drawing(&self) -> bool {
        self.attempted == DRAWING
    }

    /// True when another voice may be served.
    pub fn is_about_the_voice(&self) -> bool {
        matches!(
            self.kind,
            ErrorKind::VoiceNotFound | ErrorKind::VoiceNotInPlan
        )
    }

    /// The pause the provider asked for, or that it is given.
    pub fn retry_after(&self) -> Option<Duration> {
        match self.kind {
            ErrorKind::RateLimited { retry_after } => retry_after,
            ErrorKind::CircuitOpen { retry_in } => Some(retry_in),
            _ => self.circuit_open_for,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_what_was_attempted_why_it_failed_and_what_the_provider_called_it() {
        let limited = ErrorKind::RateLimited { retry_after: None };
        let mut error = ProviderError::new("OpenAI", "draw a picture", limited);
        assert_eq!(
            error.to_string(),
            "OpenAI did not draw a picture: the rate limit is reached"
        );
        error.status = Some(429);
        error.code = Some("rate_limit_exceeded".to_owned());
        assert_eq!(
            error.to_string(),
            "OpenAI did not draw a picture: the rate limit is reached (HTTP 429, code rate_limit_exceeded)"
        );
    }
}
