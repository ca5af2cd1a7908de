//! What could not be done on this machine: one sentence for a person, and its cause.

use std::error::Error;

type Cause = Box<dyn Error + Send + Sync>;

/// A part of the local stack could not be had. It ends a command or a test, and nobody tells one from another: so there is
/// one type for all of them.
#[derive(Debug, thiserror::Error)]
#[error("{sentence}")]
pub struct Trouble {
    sentence: String,
    source: Option<Cause>,
}

impl Trouble {
    /// One that has no other cause.
    pub fn new(sentence: impl Into<String>) -> Self {
        Self {
            sentence: sentence.into(),
            source: None,
        }
    }
}

/// Says of a failure what was attempted.
pub trait Context<T> {
    /// The failure becomes the cause of a [`Trouble`] with this sentence.
    fn context(self, sentence: impl Into<String>) -> Result<T, Trouble>;
}

impl<T, E: Into<Cause>> Context<T> for Result<T, E> {
    fn context(self, sentence: impl Into<String>) -> Result<T, Trouble> {
        self.map_err(|cause| Trouble {
            sentence: sentence.into(),
            source: Some(cause.into()),
        })
    }
}
