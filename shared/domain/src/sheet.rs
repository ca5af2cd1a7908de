//! The sheet of a character: drawn once from all sides, so that it looks the same from book to book.

use crate::FailureCode;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What became of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SheetStatus {
    /// It is to be drawn, or is being drawn.
    Pending,
    /// Covers are drawn from it.
    Ready,
    /// There is none; it may be asked for again.
    Failed,
}

/// Digest of all that decides how a character is drawn, as the database makes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Looks(String);

impl fmt::Display for Looks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The sheet of the looks that a character has now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sheet {
    pub status: SheetStatus,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<FailureCode>,
}
