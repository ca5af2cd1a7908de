//! What users ask: a story, a character, commands on the assets of a story; each repeatable under an idempotency key.

use crate::{FinishedStory, Refusal, Store, StoreError, StoryRow, finished_story::log_change};
use domain::{
    AssetType, Overall, StoryId, UserId,
    character::{Character, NewCharacter},
    request::{NewStory, Priority},
    voice::VoiceId,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The signed-in user a verb acts for.
#[derive(Clone, Debug)]
pub struct Caller {
    pub user_id: UserId,
    /// As the access token says; for the profile made on first use.
    pub email: Option<String>,
}

/// The key of a request and a digest of its body. The API makes a key of its own where the client sent none, so that a
/// lost answer can be asked for again.
#[derive(Clone, Debug)]
pub struct Idempotency {
    pub key: String,
    /// Digest of what was understood of the request: the same key with another one is refused.
    pub request_hash: String,
}

/// Something made, or the same answer as last time.
#[derive(Clone, Debug)]
pub enum Created<T> {
    New(T),
    Replayed(T),
}

impl<T> Created<T> {
    /// What was made, whichever time.
    pub fn into_inner(self) -> T {
        match self {
            Self::New(value) | Self::Replayed(value) => value,
        }
    }
}

/// Wishes that come with a command; stored on the jobs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AssetOptions {
    /// Ask for a plainer picture, for prompts that tripped a safety filter (S0-028).
    pub simplify_prompt: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub style: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub voice_id: Option<VoiceId>,
}

/// What a user may ask of the assets of a story that exists (C-17).
#[derive(Clone, Debug, PartialEq)]
pub enum AssetCommand {
    /// Makes assets that were not asked for at first, or were cancelled or skipped.
    Generate {
        assets: Vec<AssetType>,
        options: AssetOptions,
    },
    /// Tries failed assets again (`None`: all of them); with `force`, settled ones of any kind, whatever their retries
    /// (C-42).
    Retry {
        assets: Option<Vec<AssetType>>,
        options: AssetOptions,
        force: bool,
        cascade: bool,
    },
    /// Makes a new version of assets that are there, and with `cascade` of what is made from them.
    Regenerate {
        assets: Vec<AssetType>,
        options: AssetOptions,
        cascade: bool,
    },
    /// Shows an earlier version again.
    Restore { asset: AssetType, version: u32 },
    /// Goes on without what failed when `skip_failed`, else only with what can be made.
    Continue { skip_failed: bool },
    /// Stops what is queued or being made (`None`: everything).
    Cancel { assets: Option<Vec<AssetType>> },
}

impl AssetCommand {
    /// The SQL function that carries it out, with the arguments that are the command's own.
    pub fn rpc(&self) -> (&'static str, Value) {
        match self {
            Self::Generate { assets, options } => (
                "generate_assets",
                json!({"p_asset_types": assets, "p_options": options}),
            ),
            Self::Retry {
                assets,
                options,
                force,
                cascade,
            } => (
                "retry_assets",
                json!({"p_asset_types": assets, "p_options": options, "p_force": force, "p_cascade": cascade}),
            ),
            Self::Regenerate {
                assets,
                options,
                cascade,
            } => (
                "regenerate_assets",
                json!({"p_asset_types": assets, "p_options": options, "p_cascade": cascade}),
            ),
            Self::Restore { asset, version } => (
                "restore_asset",
                json!({"p_asset_type": asset, "p_version": version}),
            ),
            Self::Continue { skip_failed } => {
                ("continue_story", json!({"p_skip_failed": skip_failed}))
            }
            Self::Cancel { assets } => ("cancel_assets", json!({"p_asset_types": assets})),
        }
    }

    /// The word for it in logs.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Generate { .. } => "generate",
            Self::Retry { .. } => "retry",
            Self::Regenerate { .. } => "regenerate",
            Self::Restore { .. } => "restore",
            Self::Continue { .. } => "continue",
            Self::Cancel { .. } => "cancel",
        }
    }

    /// The assets it names, if it names any.
    pub fn assets(&self) -> Option<&[AssetType]> {
        match self {
            Self::Generate { assets, .. } | Self::Regenerate { assets, .. } => Some(assets),
            Self::Retry { assets, .. } | Self::Cancel { assets } => assets.as_deref(),
            Self::Restore { asset, .. } => Some(std::slice::from_ref(asset)),
            Self::Continue { .. } => None,
        }
    }

    /// The wishes that come with it, where it takes any.
    pub const fn options_mut(&mut self) -> Option<&mut AssetOptions> {
        match self {
            Self::Generate { options, .. }
            | Self::Retry { options, .. }
            | Self::Regenerate { options, .. } => Some(options),
            Self::Continue { .. } | Self::Cancel { .. } | Self::Restore { .. } => None,
        }
    }
}

/// The answer to a command on an existing story.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CommandResult {
    pub story: StoryRow,
    /// Assets the command had an effect on.
    pub asset_types: Vec<AssetType>,
    /// Jobs of the story that wait for a worker: wake it when there are any.
    pub claimable: u64,
    /// True when this is the answer given before under the same key.
    #[serde(default)]
    pub replayed: bool,
    /// The overall state before the command.
    was: Option<Overall>,
    /// There when the command ended the story.
    summary: Option<FinishedStory>,
}

impl CommandResult {
    /// Whether the command is what ended the story, or what made it end otherwise.
    pub fn has_ended_story(&self) -> bool {
        let overall = self.story.asset_generation_status.overall;
        let is_other = self.was.is_some_and(|was| was != overall);
        !self.replayed && overall != Overall::Generating && (self.summary.is_some() || is_other)
    }

    /// Whether the story was being made until the command.
    pub fn has_ended_making(&self) -> bool {
        let overall = self.story.asset_generation_status.overall;
        let was_made = self.was == Some(Overall::Generating) || self.summary.is_some();
        !self.replayed && was_made && overall != Overall::Generating
    }

    /// Logs what became of the story, once however often the command is repeated.
    fn log(&self) {
        let overall = self.story.asset_generation_status.overall;
        match (&self.summary, self.was) {
            _ if self.replayed => {}
            (Some(summary), _) => summary.log(),
            (None, Some(was)) => log_change(self.story.id, was, overall),
            (None, None) => {}
        }
    }
}

/// What a user has used and may use.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    pub tier: String,
    pub stories_used: u32,
    /// `None`: unlimited.
    pub story_limit: Option<u32>,
    pub stories_today: u32,
    pub daily_limit: Option<u32>,
    /// Midnight UTC, RFC 3339.
    pub resets_at: String,
    /// Assets of one story that may be asked for again. `None`: unlimited.
    pub remakes_per_story: Option<u32>,
    /// What they may cost between two midnights UTC, in USD. `None`: unlimited.
    pub daily_cost_limit_usd: Option<f64>,
    /// What they have cost since midnight UTC, in USD.
    pub cost_today_usd: f64,
    pub asset_types: Vec<AssetType>,
    pub priorities: Vec<Priority>,
    pub upgrade_options: Vec<String>,
}

/// The answer of a verb that makes something under an idempotency key.
#[derive(Deserialize)]
pub(crate) struct Replayable<T> {
    replayed: bool,
    #[serde(flatten)]
    value: T,
}

impl<T> Replayable<T> {
    /// What was made, as `of` finds it in the answer.
    pub(crate) fn map<U>(self, of: impl FnOnce(T) -> U) -> Created<U> {
        let value = of(self.value);
        if self.replayed {
            Created::Replayed(value)
        } else {
            Created::New(value)
        }
    }
}

#[derive(Deserialize)]
struct StoryAnswer {
    story: StoryRow,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOfMany {
    Refused { refused: Refusal, detail: Value },
    Made(Box<Replayable<StoryAnswer>>),
}

impl OneOfMany {
    fn result(self) -> Result<Created<StoryRow>, StoreError> {
        match self {
            Self::Made(answer) => Ok(answer.map(|answer| answer.story)),
            Self::Refused { refused, detail } => Err(StoreError::Refused {
                refusal: refused,
                detail,
            }),
        }
    }
}

#[derive(Deserialize)]
struct CharacterAnswer {
    character: Character,
}

impl Store {
    /// Accepts a story: quota, story, jobs and debit in one transaction.
    ///
    /// Refused with `QuotaExceeded`, `DailyQuotaExceeded`, `PlatformPaused`, `NotInPlan`, `MissingRequiredAssets`,
    /// `CharacterNotFound`, `LibraryNotFound` or `IdempotencyKeyReused`; nothing is written then.
    pub async fn create_story(
        &self,
        caller: &Caller,
        request: &NewStory,
        idempotency: &Idempotency,
    ) -> Result<Created<StoryRow>, StoreError> {
        let arguments = json!({"p_user_id": caller.user_id, "p_email": caller.email, "p_request": request,
            "p_idempotency_key": idempotency.key, "p_request_hash": idempotency.request_hash});
        let answer: Replayable<StoryAnswer> = self.call("create_story", &arguments).await?;
        Ok(answer.map(|answer| answer.story))
    }

    /// Accepts stories, each as [`Self::create_story`] does, in one round trip: what is refused of one changes nothing of
    /// the others.
    pub async fn create_stories(
        &self,
        caller: &Caller,
        stories: &[(NewStory, Idempotency)],
    ) -> Result<Vec<Result<Created<StoryRow>, StoreError>>, StoreError> {
        let stories: Vec<_> = stories
            .iter()
            .map(|(request, Idempotency { key, request_hash })| {
                json!({"request": request, "key": key, "hash": request_hash})
            })
            .collect();
        let arguments =
            json!({"p_user_id": caller.user_id, "p_email": caller.email, "p_stories": stories});
        let answers: Vec<OneOfMany> = self.call("create_stories", &arguments).await?;
        Ok(answers.into_iter().map(OneOfMany::result).collect())
    }

    /// Makes a character.
    ///
    /// Refused with `IdempotencyKeyReused`; nothing is written then.
    pub async fn create_character(
        &self,
        caller: &Caller,
        character: &NewCharacter,
        idempotency: &Idempotency,
    ) -> Result<Created<Character>, StoreError> {
        let arguments = json!({"p_user_id": caller.user_id, "p_email": caller.email, "p_character": character,
            "p_idempotency_key": idempotency.key, "p_request_hash": idempotency.request_hash});
        let answer: Replayable<CharacterAnswer> = self.call("create_character", &arguments).await?;
        Ok(answer.map(|answer| answer.character))
    }

    /// What the user has used and may use; makes the profile on first use.
    pub async fn user_usage(&self, caller: &Caller) -> Result<Usage, StoreError> {
        self.call(
            "user_usage",
            &json!({"p_user_id": caller.user_id, "p_email": caller.email}),
        )
        .await
    }

    /// Carries out a command on a story of this user.
    ///
    /// Refused with `StoryNotFound`, `NotInPlan`, `MissingRequiredAssets`, `VersionNotFound`, `VersionOfAnotherText`,
    /// `DailyQuotaExceeded`, `QuotaExceeded`, `RegenerationLimit`, `SpendLimit`, `PlatformPaused` or
    /// `IdempotencyKeyReused`; nothing is written then.
    pub async fn command_assets(
        &self,
        user: UserId,
        story: StoryId,
        command: &AssetCommand,
        idempotency: &Idempotency,
    ) -> Result<CommandResult, StoreError> {
        let (function, mut arguments) = command.rpc();
        for (name, value) in [
            ("p_user_id", json!(user)),
            ("p_story_id", json!(story)),
            ("p_idempotency_key", json!(idempotency.key)),
            ("p_request_hash", json!(idempotency.request_hash)),
        ] {
            arguments[name] = value;
        }
        let result: CommandResult = self.call(function, &arguments).await?;
        result.log();
        Ok(result)
    }
}

#[cfg(test)]
mod tests;
