//! Why an asset is not what it would have been: a filter refused it, or it was told or drawn anew. A code, never the words.

use serde::{Deserialize, Serialize};

/// `metadata.reason` of an asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Reason {
    /// Moderation found a part of a text that is cruel to others. A part is told anew once, and the asset fails when it finds
    /// another; so with all that begin like this.
    ModeratedHarassment,
    ModeratedHate,
    /// Something against the law.
    ModeratedIllicit,
    ModeratedSelfHarm,
    ModeratedSexual,
    ModeratedViolence,
    /// A picture that was drawn is not for children; another took its place, or none.
    PictureUnsafe,
    /// A provider's own filter refused: it was asked for in plainer words, or not made.
    RefusedByFilter,
}

impl Reason {
    /// All of them, by the alphabet.
    pub const ALL: [Self; 8] = [
        Self::ModeratedHarassment,
        Self::ModeratedHate,
        Self::ModeratedIllicit,
        Self::ModeratedSelfHarm,
        Self::ModeratedSexual,
        Self::ModeratedViolence,
        Self::PictureUnsafe,
        Self::RefusedByFilter,
    ];
}
