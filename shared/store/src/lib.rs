//! The only room that knows PostgREST and S3: typed verbs in, domain nouns out.

mod error;
mod files;
mod reading;
mod rest;
mod steering;
mod work;

pub use error::{Refusal, StoreError};
pub use files::{AssetFiles, AssetVersion, Draft, FileKind, Fingerprint, StoredFile};
pub use reading::{AssetGenerationStatus, JobRow, Page, StoryRow, StorySummary};
pub use rest::{RestConfig, RestConfigError, Store};
pub use steering::{Caller, Created, Idempotency, Steered, SteeringOptions, Usage};
pub use work::{
    AssetView, Claimed, Completion, Continuation, Expired, Failure, LeasedJob, Paid, Placeholder,
    Progress, Settled, StartedAssets, StartedContent, StoryView, StoryWork,
};
