//! Verbs of users: create, retry, regenerate, generate, continue, cancel; each repeatable under an idempotency key.

use crate::{Store, StoreError, StoryRow};
use domain::{
    AssetType, StoryId, UserId,
    character::{Character, NewCharacter},
    request::NewStory,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
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
    pub request_hash: String,
}

/// Something made, or the same answer as last time.
#[derive(Clone, Debug)]
pub enum Created<T> {
    New(T),
    Replayed(T),
}

impl<T> Created<T> {
    pub fn into_inner(self) -> T {
        match self {
            Self::New(value) | Self::Replayed(value) => value,
        }
    }
}

/// Wishes that come with a retry or regenerate; stored on the jobs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AssetOptions {
    /// Ask for a plainer picture, for prompts that tripped a safety filter (S0-028).
    pub simplify_prompt: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub style: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub voice_id: Option<String>,
}

/// The answer to a verb on an existing story.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CommandResult {
    pub story: StoryRow,
    /// Assets the verb had an effect on.
    pub asset_types: Vec<AssetType>,
    /// Jobs of the story that wait for a worker: wake it when there are any.
    pub claimable: u64,
    /// True when this is the answer given before under the same key.
    #[serde(default)]
    pub replayed: bool,
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
    pub asset_types: Vec<AssetType>,
    pub upgrade_options: Vec<String>,
}

#[derive(Deserialize)]
struct Replayable<T> {
    replayed: bool,
    #[serde(flatten)]
    value: T,
}

#[derive(Deserialize)]
struct StoryAnswer {
    story: StoryRow,
}

#[derive(Deserialize)]
struct CharacterAnswer {
    character: Character,
}

impl Store {
    /// Accepts a story: quota, story, jobs and debit in one transaction.
    ///
    /// Refused with `QuotaExceeded`, `DailyQuotaExceeded`, `NotInPlan`, `CharacterNotFound`, `LibraryNotFound` or
    /// `IdempotencyKeyReused`; nothing is written then.
    pub async fn create_story(
        &self,
        caller: &Caller,
        request: &NewStory,
        idempotency: &Idempotency,
    ) -> Result<Created<StoryRow>, StoreError> {
        let arguments = json!({"p_user_id": caller.user_id, "p_email": caller.email, "p_request": request,
            "p_idempotency_key": idempotency.key, "p_request_hash": idempotency.request_hash});
        let answer: Replayable<StoryAnswer> = self.call("create_story", &arguments).await?;
        let story = answer.value.story;
        Ok(if answer.replayed {
            Created::Replayed(story)
        } else {
            Created::New(story)
        })
    }

    pub async fn create_character(
        &self,
        caller: &Caller,
        character: &NewCharacter,
        idempotency: &Idempotency,
    ) -> Result<Created<Character>, StoreError> {
        let arguments = json!({"p_user_id": caller.user_id, "p_email": caller.email, "p_character": character,
            "p_idempotency_key": idempotency.key, "p_request_hash": idempotency.request_hash});
        let answer: Replayable<CharacterAnswer> = self.call("create_character", &arguments).await?;
        let character = answer.value.character;
        Ok(if answer.replayed {
            Created::Replayed(character)
        } else {
            Created::New(character)
        })
    }

    pub async fn user_usage(&self, caller: &Caller) -> Result<Usage, StoreError> {
        self.call(
            "user_usage",
            &json!({"p_user_id": caller.user_id, "p_email": caller.email}),
        )
        .await
    }

    /// Failed assets again (`None`: all of them); with `force`, settled ones of any kind.
    pub async fn retry_assets(
        &self,
        user: UserId,
        story: StoryId,
        assets: Option<&[AssetType]>,
        options: &AssetOptions,
        force: bool,
        idempotency: &Idempotency,
    ) -> Result<CommandResult, StoreError> {
        let more = json!({"p_asset_types": assets, "p_options": options, "p_force": force});
        self.steer("retry_assets", user, story, more, idempotency)
            .await
    }

    /// A new version of assets that are there.
    pub async fn regenerate_assets(
        &self,
        user: UserId,
        story: StoryId,
        assets: &[AssetType],
        options: &AssetOptions,
        idempotency: &Idempotency,
    ) -> Result<CommandResult, StoreError> {
        let more = json!({"p_asset_types": assets, "p_options": options});
        self.steer("regenerate_assets", user, story, more, idempotency)
            .await
    }

    /// Assets that were not asked for at first, or were cancelled or skipped.
    pub async fn generate_assets(
        &self,
        user: UserId,
        story: StoryId,
        assets: &[AssetType],
        options: &AssetOptions,
        idempotency: &Idempotency,
    ) -> Result<CommandResult, StoreError> {
        let more = json!({"p_asset_types": assets, "p_options": options});
        self.steer("generate_assets", user, story, more, idempotency)
            .await
    }

    /// Goes on without what failed.
    pub async fn continue_story(
        &self,
        user: UserId,
        story: StoryId,
        skip_failed: bool,
        idempotency: &Idempotency,
    ) -> Result<CommandResult, StoreError> {
        self.steer(
            "continue_story",
            user,
            story,
            json!({"p_skip_failed": skip_failed}),
            idempotency,
        )
        .await
    }

    /// Stops what is queued or being made (`None`: everything).
    pub async fn cancel_assets(
        &self,
        user: UserId,
        story: StoryId,
        assets: Option<&[AssetType]>,
        idempotency: &Idempotency,
    ) -> Result<CommandResult, StoreError> {
        self.steer(
            "cancel_assets",
            user,
            story,
            json!({"p_asset_types": assets}),
            idempotency,
        )
        .await
    }

    async fn steer<T: DeserializeOwned>(
        &self,
        verb: &str,
        user: UserId,
        story: StoryId,
        more: Value,
        idempotency: &Idempotency,
    ) -> Result<T, StoreError> {
        let mut arguments = json!({"p_user_id": user, "p_story_id": story,
            "p_idempotency_key": idempotency.key, "p_request_hash": idempotency.request_hash});
        if let (Some(arguments), Value::Object(more)) = (arguments.as_object_mut(), more) {
            arguments.extend(more);
        }
        self.call(verb, &arguments).await
    }
}
