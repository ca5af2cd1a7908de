//! What the verbs of those who work answer: leased jobs and their story, and what became of a job.

use crate::{Completion, FinishedStory};
use domain::{
    AssetType, CharacterId, JobId, LeaseToken, Overall, StoryId, UserId,
    character::Character,
    reference::ReferenceStates,
    request::NewStory,
    sheet::Looks,
    story::{Outline, StoryText},
};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// A job held under a lease.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LeasedJob {
    pub job_id: JobId,
    pub story_id: StoryId,
    pub asset_type: AssetType,
    pub lease_token: LeaseToken,
    /// Claims of the job so far, this one included.
    pub attempt: u32,
    /// Retries so far.
    pub retry_count: u32,
    /// Retries in all (`private.retry_policies`).
    pub max_retries: u32,
    /// Versions of the asset that exist already.
    pub asset_version: u32,
    /// Percent that an earlier attempt came to which was held up.
    #[serde(default)]
    pub progress: u8,
    /// What such an asset takes by our own measure; nothing while too few were made.
    #[serde(default)]
    pub typical_seconds: Option<f64>,
    /// One of them is shown, and serves on when this attempt ends without another.
    #[serde(default)]
    pub earlier_version_stands: bool,
    /// Its result, where that waited for the text it was made ahead of: there is nothing left to do but to settle it.
    #[serde(default)]
    pub finished: Option<Box<Completion>>,
    /// Results of paid steps so far.
    pub checkpoint: Value,
    /// Wishes of the last retry or regenerate.
    pub options: Value,
}

/// What an invocation needs to know of a story.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoryWork {
    pub story_id: StoryId,
    pub user_id: UserId,
    pub title: String,
    /// The text, once there is one.
    pub content: Value,
    /// Of the text, or of the one that is being written, as far as it was saved.
    #[serde(default)]
    pub manuscript: Value,
    pub request: NewStory,
    pub characters: Vec<Character>,
    /// How their references turned out by now.
    #[serde(default)]
    pub references: BTreeMap<CharacterId, ReferenceStates>,
    /// Digests of the looks of those that have a sheet which shows them.
    #[serde(default)]
    pub sheets: BTreeMap<CharacterId, Looks>,
    /// The assets and colours as they stand.
    pub view: StoryView,
}

/// What a job needs to know of its siblings.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct StoryView {
    /// The assets as the front end sees them.
    pub assets: BTreeMap<AssetType, AssetView>,
    /// Extracted colours per picture.
    pub hue: BTreeMap<AssetType, Vec<String>>,
    /// Palette journey and scene analyses, as any picture's job checkpointed them.
    #[serde(default)]
    pub art: Value,
}

impl StoryWork {
    /// The text, once there is one.
    pub fn text(&self) -> Result<StoryText, serde_json::Error> {
        StoryText::deserialize(&self.content)
    }

    /// What the text is about, where that is known.
    pub fn outline(&self) -> Option<Outline> {
        Outline::deserialize(&self.manuscript["outline"]).ok()
    }
}

/// One entry of `asset_generation_status.assets`, as far as a worker reads it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AssetView {
    /// Versions that exist; 0 before the first.
    pub version: u32,
    pub url: Option<String>,
    /// The picture at `url` as screens show it, and at half its size.
    pub screen_url: Option<String>,
    pub thumbnail_url: Option<String>,
    pub data: Option<Value>,
    pub is_placeholder: bool,
}

/// The answer to taking up a text job.
#[derive(Debug, Deserialize)]
#[serde(try_from = "StartedAnswer")]
pub enum StartedContent {
    Granted {
        job: LeasedJob,
        story: Box<StoryWork>,
    },
    Refused {
        reason: String,
    },
}

/// The same as it comes. An untagged enum would keep a fraction as an object where serde_json is built with
/// `arbitrary_precision`, as it is where a function is compiled together with the local stack, and find no seconds in it.
#[derive(Deserialize)]
struct StartedAnswer {
    job: Option<LeasedJob>,
    story: Option<Box<StoryWork>>,
    reason: Option<String>,
}

impl TryFrom<StartedAnswer> for StartedContent {
    type Error = &'static str;

    fn try_from(answer: StartedAnswer) -> Result<Self, Self::Error> {
        match (answer.job, answer.story, answer.reason) {
            (Some(job), Some(story), _) => Ok(Self::Granted { job, story }),
            (_, _, Some(reason)) => Ok(Self::Refused { reason }),
            _ => Err("neither a job with its story nor a reason"),
        }
    }
}

/// The jobs an invocation may work on, and their story.
#[derive(Debug, Deserialize)]
pub struct StartedAssets {
    /// Those whose lease was still in force; the others belong to somebody else by now.
    pub jobs: Vec<LeasedJob>,
    pub story: Option<StoryWork>,
}

/// The answer to a claim.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Claimed {
    pub jobs: Vec<LeasedJob>,
    /// Something claimable was passed over; claim again.
    pub more: bool,
    /// How long the oldest job that could be claimed and was not has waited.
    #[serde(default)]
    pub oldest_claimable_seconds: Option<f64>,
    /// Seconds until a job in backoff becomes claimable, a lease that misses its heartbeats ends, or a provider whose limit
    /// is reached takes calls again. One caller at a time is told, and waits.
    pub next_in_seconds: Option<f64>,
    /// Files are to be deleted: the content agent does that.
    #[serde(default)]
    pub deletions: bool,
    /// Webhooks are overdue: the sender of notices does that.
    #[serde(default)]
    pub deliveries: bool,
    /// Stories that ended because their last worker was gone.
    #[serde(default)]
    pub(super) ended: Option<Vec<FinishedStory>>,
}

/// The answer to settling a job.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Settled {
    /// False when the lease was lost or the job cancelled; nothing was written then.
    pub accepted: bool,
    pub reason: Option<String>,
    /// It was made ahead of its text, which nobody writes at the moment: kept until there is one.
    pub waits_for_text: bool,
    pub overall: Option<Overall>,
    /// Jobs of the story that wait for a worker.
    pub claimable: u64,
    /// Jobs leased to the caller.
    pub leased: Vec<LeasedJob>,
    /// The story as it stands, when jobs were leased.
    pub view: Option<StoryView>,
    /// The text they are made from, where it was asked for.
    pub text: Option<StoryText>,
    pub retry_in_seconds: Option<f64>,
    /// How the story ended, when this ended it.
    pub summary: Option<FinishedStory>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Lost {
    pub(super) lost: Vec<LostJob>,
    #[serde(default)]
    pub(super) deferred: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LostJob {
    pub(super) job_id: JobId,
}

/// The answer of the rescuer.
#[derive(Debug, Deserialize)]
pub struct Expired {
    pub expired: u64,
    pub requeued: u64,
    /// The batch was full; call again.
    pub more: bool,
    /// Something waits for a worker.
    pub claimable: bool,
    /// There is something for [`crate::Store::tidy_history`].
    #[serde(default)]
    pub tidy: bool,
    /// What providers were paid since midnight UTC, for everybody together.
    #[serde(default)]
    pub spent_today_usd: f64,
    #[serde(default)]
    pub(super) ended: Option<Vec<FinishedStory>>,
}

impl Claimed {
    /// Whether the claim ended a story.
    pub fn has_ended_stories(&self) -> bool {
        self.ended.is_some()
    }
}

impl Expired {
    /// Whether a story ended.
    pub fn has_ended_stories(&self) -> bool {
        self.ended.is_some()
    }
}

/// What left the tables of the daily work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Tidied {
    /// Stories whose jobs moved to the history.
    pub stories: u64,
    pub jobs: u64,
    /// Sent notices of those stories.
    pub notices: u64,
    /// Idempotency keys forgotten.
    pub keys: u64,
    /// Webhooks that were delivered or given up, forgotten.
    #[serde(default)]
    pub deliveries: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_job_is_taken_up_however_its_seconds_are_written() {
        for seconds in ["45", "45.2500", "4.525e1", "null"] {
            let id = "00000000-0000-4000-8000-000000000001";
            let answer = format!(
                r#"{{"job": {{"jobId": "{id}", "storyId": "{id}", "assetType": "content", "leaseToken": "{id}",
                "attempt": 1, "retryCount": 0, "maxRetries": 3, "assetVersion": 0, "typicalSeconds": {seconds}, "checkpoint": {{}},
                "options": {{}}}}, "story": {{"storyId": "{id}", "userId": "{id}", "title": "", "content": {{}},
                "request": {{"character_ids": ["{id}"], "story_type": "a", "themes": [], "asset_types": []}},
                "characters": [], "view": {{"assets": {{}}, "hue": {{}}}}}}}}"#
            );
            let answer: StartedContent = serde_json::from_str(&answer).expect(seconds);
            assert!(matches!(answer, StartedContent::Granted { .. }));
        }
        let refused: StartedContent =
            serde_json::from_str(r#"{"reason": "LEASE_LOST"}"#).expect("an answer");
        assert!(matches!(refused, StartedContent::Refused { .. }));
        assert!(serde_json::from_str::<StartedContent>("{}").is_err());
    }
}
