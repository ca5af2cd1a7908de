//! What becomes of an exchange that a test names.

use axum::body::Body;
use bytes::Bytes;
use futures::StreamExt;
use std::{io, time::Duration};

/// Of the next requests of a kind, those about a name.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    /// Whoever it is about, where this is nothing.
    pub(crate) about: Option<String>,
    pub(crate) kind: String,
    pub(crate) times: u32,
    pub(crate) spoil: Spoil,
}

#[derive(Clone, Debug)]
pub(crate) enum Spoil {
    /// Nothing reaches the provider; this is answered.
    Answer {
        status: u16,
        content_type: &'static str,
        body: String,
    },
    /// The provider is asked for something else.
    Ask(fn(&[u8]) -> Bytes),
    /// Its answer is changed.
    Change(fn(&[u8]) -> Bytes),
    /// After half of it the connection breaks.
    Cut,
    /// It ends after its half, in good order.
    Half,
    /// One byte a second.
    Drip,
}

impl Spoil {
    /// An answer in JSON.
    pub(crate) fn json(status: u16, body: impl ToString) -> Self {
        Self::Answer {
            status,
            content_type: "application/json",
            body: body.to_string(),
        }
    }

    /// What is left of the provider's answer.
    pub(super) fn body(self, whole: Bytes) -> Body {
        let half = whole.slice(..whole.len() / 2);
        match self {
            Self::Answer { .. } | Self::Ask(_) => whole.into(),
            Self::Change(change) => change(&whole).into(),
            Self::Half => half.into(),
            Self::Cut => {
                let pieces = futures::stream::iter([Some(half), None]).then(|piece| async move {
                    match piece {
                        Some(piece) => Ok(piece),
                        None => {
                            // What was sent before leaves before the connection goes.
                            tokio::time::sleep(Duration::from_millis(20)).await;
                            Err(io::Error::other("cut on purpose"))
                        }
                    }
                });
                Body::from_stream(pieces)
            }
            Self::Drip => {
                let drops = futures::stream::iter(0..whole.len()).then(move |at| {
                    let drop = whole.slice(at..=at);
                    async move {
                        tokio::time::sleep(Duration::from_secs(1)).await;
                        Ok::<_, io::Error>(drop)
                    }
                });
                Body::from_stream(drops)
            }
        }
    }
}
