//! How a story and its assets stand, as the front end sees them: derived from the jobs by SQL, read here.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! statuses {
    ($($(#[$doc:meta])* $name:ident { $($(#[$about:meta])* $variant:ident = $wire:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$about])* #[serde(rename = $wire)] $variant,)*
        }

        impl $name {
            /// Every one there is.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The word on every wire: column, status JSON, API.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $wire,)*
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }
    )*};
}

statuses! {
    /// Where an asset stands: `asset_generation_status.assets.*.status`.
    AssetStatus {
        /// Waits for its inputs or for a worker.
        Pending = "pending",
        /// Is being made.
        Generating = "generating",
        /// Is there.
        Ready = "ready",
        /// Given up.
        Failed = "failed",
        /// A try failed, another follows.
        Retrying = "retrying",
        /// Stopped on request, or because the text it needs failed.
        Cancelled = "cancelled",
        /// Failed, and the user chose to go on without it.
        Skipped = "skipped",
    }

    /// How all assets of a story stand together: `asset_generation_status.overall`, a pure function of theirs
    /// (SQL `overall_status`).
    Overall {
        /// At least one asset is not settled.
        Generating = "generating",
        /// Every asset is there or was skipped.
        Ready = "ready",
        /// There is no text: it could not be made.
        Failed = "failed",
        /// There is no text: it was cancelled before it was there.
        Cancelled = "cancelled",
        /// All are settled, and some failed or were cancelled.
        Partial = "partial",
    }

    /// `stories.status`.
    StoryStatus {
        /// Until every asset is settled.
        Generating = "generating",
        /// The text is there, and whatever else could be made.
        Ready = "ready",
        /// There is no text.
        Failed = "failed",
    }
}

impl AssetStatus {
    /// Nothing happens to the asset any more unless somebody asks for it.
    pub const fn is_settled(self) -> bool {
        !matches!(self, Self::Pending | Self::Generating | Self::Retrying)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_reads_back_as_itself_and_no_other_is_known() {
        for status in AssetStatus::ALL {
            let word = serde_json::to_value(status).unwrap();
            assert_eq!(word, status.name());
            assert_eq!(
                serde_json::from_value::<AssetStatus>(word).unwrap(),
                *status
            );
        }
        assert!(serde_json::from_value::<AssetStatus>("running".into()).is_err());
        assert!(serde_json::from_value::<Overall>("skipped".into()).is_err());
        assert!(serde_json::from_value::<StoryStatus>("partial".into()).is_err());
    }

    #[test]
    fn an_asset_and_its_job_agree_on_what_is_settled() {
        use crate::job::JobStatus;
        for job in JobStatus::ALL {
            let same = AssetStatus::ALL
                .iter()
                .find(|asset| asset.name() == job.name());
            assert_eq!(
                same.is_some_and(|asset| asset.is_settled()),
                job.is_settled()
            );
        }
    }
}
