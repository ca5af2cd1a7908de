//! The only room that knows PostgREST, S3 and SES: typed verbs in, domain nouns out.

mod cdn;
mod commands;
mod deletion;
mod digest;
mod error;
mod files;
mod finished_story;
mod history;
mod libraries;
mod mail;
mod medians;
mod notices;
mod plans;
mod platform;
mod reading;
mod references;
mod requests;
mod rest;
mod shares;
mod sheets;
mod shop;
mod signed;
mod snapshots;
mod uploads;
mod voices;
mod webhooks;
mod why;
mod work;

pub use cdn::Cdn;
pub use commands::{
    AssetCommand, AssetOptions, Caller, CommandResult, Created, Idempotency, Usage,
};
pub use deletion::{ClaimedDeletions, DeletedStory, Deletion, DeletionKind};
pub use digest::{digest_parts, sha256_hex};
pub use error::{DatabaseMessage, Refusal, StoreError};
pub use files::{AssetFiles, AssetVersion, Draft, FileKind, Fingerprint, StoredFile};
pub use finished_story::FinishedStory;
pub use history::{StoryHistory, VersionEntry};
pub use libraries::Library;
pub use mail::{Mail, MailError, Mailer};
pub use notices::{
    ClaimedNotices, DueNotice, MailOutcome, NoticeKind, NoticeResult, SettingsChange,
    SettledNotices, UserSettings,
};
pub use plans::{Bought, Pack, Plan, Plans};
pub use platform::{Operation, PlatformState};
pub use reading::{
    AssetEntry, AssetGenerationStatus, JobRow, ListedStory, Page, Place, StoryColumns, StoryFilter,
    StoryRow, StoryStatusRow,
};
pub use references::{ClaimedReferences, LeasedReferences, NotedReferences};
pub use requests::{RequestShare, RequestShares};
pub use rest::{RestConfig, RestConfigError, Store};
pub use shares::{NoShareToken, Share, ShareToken};
pub use sheets::{ClaimedSheet, LeasedSheet, RequestedSheet, SheetOutcome};
pub use shop::{
    DueProduct, ProductResult, ShopAccess, ShopConnection, ShopProduct, place_of_access,
};
pub use snapshots::{ClaimedSnapshots, RecoveryOutcome, StorySnapshot};
pub use uploads::{UPLOAD_BYTES_MAX, UploadForm, Uploads};
pub use webhooks::{
    Delivery, DeliveryResult, DueDelivery, Webhook, WebhookChange, WebhookEvent, WebhookWithSecret,
};
pub use why::{AssetWhy, Hindrance, LastError, StoryWhy};
pub use work::{
    AssetView, BookPage, Claimed, Completion, Continuation, Expired, ExtraCalls, Failure,
    LeasedJob, Placeholder, Progress, Reported, Settled, StartedAssets, StartedContent, StoryView,
    StoryWork, UsageEntry,
};
