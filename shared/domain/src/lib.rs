//! Pure nouns and rules of the pipeline: ids, assets, the job state machine, retry policy, traits, prices.
//! No IO, no clock, no async: data in, data out.

pub mod address;
pub mod asset;
pub mod character;
pub mod estimate;
pub mod failure;
pub mod ids;
pub mod job;
pub mod library;
pub mod picture_quality;
pub mod price;
pub mod reading_level;
pub mod reason;
pub mod reference;
pub mod request;
pub mod retry;
pub mod sanitize;
pub mod sheet;
pub mod shop;
pub mod status;
pub mod story;
pub mod text;
pub mod traits;
pub mod voice;
pub mod words;

pub use asset::{AssetType, UnknownAssetType};
pub use failure::{FailureCode, UnknownFailureCode};
pub use ids::{
    CharacterId, DeliveryId, JobId, LeaseToken, LibraryId, ProductId, StoryId, UploadId, UserId,
    WebhookId,
};
pub use job::JobStatus;
pub use status::{AssetStatus, Overall, StoryStatus};
