//! What the content agent is asked to do, parsed once; what is missing or unknown is named.

use domain::{AssetType, CharacterId, JobId, LeaseToken, StoryId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An event of the content agent. Field names are a contract with callers outside this repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "action",
    rename_all = "snake_case",
    rename_all_fields = "camelCase",
    try_from = "Value"
)]
pub enum Command {
    /// Write the text; with a token when the job was claimed already.
    GenerateStory {
        story_id: StoryId,
        #[serde(skip_serializing_if = "Option::is_none")]
        job_id: Option<JobId>,
        #[serde(skip_serializing_if = "Option::is_none")]
        lease_token: Option<LeaseToken>,
    },
    /// Make the assets of claimed jobs of one story, concurrently.
    GenerateAssets {
        story_id: StoryId,
        jobs: Vec<DispatchedJob>,
    },
    /// Delete the files that the database says are to be deleted, write the snapshots that it wants, fetch the
    /// references that nobody has fetched, and draw the sheets that nobody has drawn.
    DeleteFiles,
    /// Fetch the references of a character that nobody has looked at, and draw its sheet where that was asked for.
    PrepareCharacter { character_id: CharacterId },
    /// Bring the rows of a story back from its snapshot.
    RecoverStory { story_id: StoryId },
    /// Look whether the configured models and voices end soon.
    CheckModels,
}

/// One claimed job in an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DispatchedJob {
    pub asset_type: AssetType,
    pub job_id: JobId,
    pub lease_token: LeaseToken,
}

/// The event cannot be carried out.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum BadCommand {
    #[error("the event must be a JSON object with `action`")]
    NotAnObject,
    #[error("the event lacks the field `{0}`")]
    Missing(&'static str),
    #[error("the field `{field}` of the event is not {expected}")]
    Invalid {
        field: &'static str,
        expected: &'static str,
    },
    #[error(
        "unknown action `{0}`: expected generate_story, generate_asset, generate_assets, delete_files, prepare_character, check_models or recover_story"
    )]
    UnknownAction(String),
}

impl Command {
    /// The text of a story whose job the content agent claims itself.
    pub const fn generate_story(story_id: StoryId) -> Self {
        Self::GenerateStory {
            story_id,
            job_id: None,
            lease_token: None,
        }
    }

    /// The text of a story whose job is claimed already.
    pub const fn generate_claimed_story(
        story_id: StoryId,
        job_id: JobId,
        lease_token: LeaseToken,
    ) -> Self {
        Self::GenerateStory {
            story_id,
            job_id: Some(job_id),
            lease_token: Some(lease_token),
        }
    }
}

impl From<Command> for Value {
    fn from(command: Command) -> Self {
        serde_json::to_value(command).expect("ids and names are JSON")
    }
}

impl TryFrom<Value> for Command {
    type Error = BadCommand;

    fn try_from(event: Value) -> Result<Self, BadCommand> {
        Self::try_from(&event)
    }
}

impl TryFrom<&Value> for Command {
    type Error = BadCommand;

    /// Reads `action`, or `intent.type` as older callers send it. Fields beyond those needed are ignored: the row is read.
    fn try_from(event: &Value) -> Result<Self, BadCommand> {
        if !event.is_object() {
            return Err(BadCommand::NotAnObject);
        }
        let action = match &event["action"] {
            Value::Null => event["intent"]["type"]
                .as_str()
                .ok_or(BadCommand::Missing("action"))?,
            _ => field(event, "action")?,
        };
        match action {
            "generate_story" => Ok(Self::GenerateStory {
                story_id: id(event, "storyId")?,
                // The token alone decides; callers outside may name the job in their own way.
                job_id: event["jobId"].as_str().and_then(|job| job.parse().ok()),
                lease_token: event
                    .get("leaseToken")
                    .filter(|token| !token.is_null())
                    .map(|_| id(event, "leaseToken"))
                    .transpose()?,
            }),
            "generate_asset" => Ok(Self::GenerateAssets {
                story_id: id(event, "storyId")?,
                jobs: vec![job(event)?],
            }),
            "generate_assets" => {
                let jobs = event["jobs"]
                    .as_array()
                    .ok_or(BadCommand::Missing("jobs"))?;
                Ok(Self::GenerateAssets {
                    story_id: id(event, "storyId")?,
                    jobs: jobs.iter().map(job).collect::<Result<_, _>>()?,
                })
            }
            "delete_files" => Ok(Self::DeleteFiles),
            "prepare_character" => Ok(Self::PrepareCharacter {
                character_id: id(event, "characterId")?,
            }),
            "recover_story" => Ok(Self::RecoverStory {
                story_id: id(event, "storyId")?,
            }),
            "check_models" => Ok(Self::CheckModels),
            other => Err(BadCommand::UnknownAction(other.chars().take(60).collect())),
        }
    }
}

fn field<'a>(event: &'a Value, name: &'static str) -> Result<&'a str, BadCommand> {
    match &event[name] {
        Value::Null => Err(BadCommand::Missing(name)),
        Value::String(text) => Ok(text),
        _ => Err(BadCommand::Invalid {
            field: name,
            expected: "a string",
        }),
    }
}

fn id<T: std::str::FromStr>(event: &Value, name: &'static str) -> Result<T, BadCommand> {
    field(event, name)?
        .parse()
        .map_err(|_| BadCommand::Invalid {
            field: name,
            expected: "a UUID",
        })
}

fn job(event: &Value) -> Result<DispatchedJob, BadCommand> {
    let asset_type: Result<AssetType, _> = field(event, "assetType")?.parse();
    Ok(DispatchedJob {
        asset_type: asset_type.map_err(|_| BadCommand::Invalid {
            field: "assetType",
            expected: "an asset type",
        })?,
        job_id: id(event, "jobId")?,
        lease_token: id(event, "leaseToken")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const ID: &str = "0190a5a0-0000-7000-8000-000000000001";

    #[test]
    fn events_have_the_documented_fields() {
        let (story, job, token) = (
            ID.parse().unwrap(),
            ID.parse().unwrap(),
            ID.parse().unwrap(),
        );
        assert_eq!(
            Value::from(Command::generate_story(story)),
            json!({"action": "generate_story", "storyId": ID})
        );
        assert_eq!(
            Value::from(Command::generate_claimed_story(story, job, token)),
            json!({"action": "generate_story", "storyId": ID, "jobId": ID, "leaseToken": ID})
        );
        let jobs = vec![DispatchedJob {
            asset_type: AssetType::Scene1,
            job_id: job,
            lease_token: token,
        }];
        assert_eq!(
            Value::from(Command::GenerateAssets {
                story_id: story,
                jobs
            }),
            json!({"action": "generate_assets", "storyId": ID,
                "jobs": [{"assetType": "scene_1", "jobId": ID, "leaseToken": ID}]})
        );
        assert_eq!(
            Value::from(Command::DeleteFiles),
            json!({"action": "delete_files"})
        );
        for event in [
            json!({"action": "recover_story", "storyId": ID}),
            json!({"action": "prepare_character", "characterId": ID}),
        ] {
            let read = Command::try_from(&event).unwrap();
            assert_eq!(Value::from(read), event);
        }
        let check = json!({"action": "check_models"});
        assert_eq!(Command::try_from(&check), Ok(Command::CheckModels));
    }

    #[test]
    fn the_documented_payloads_are_understood_and_extra_fields_ignored() {
        let story = json!({"action": "generate_story", "storyId": ID, "userId": ID, "characterId": ID, "themes": []});
        assert_eq!(
            Command::try_from(&story),
            Ok(Command::generate_story(ID.parse().unwrap()))
        );
        let asset = json!({"action": "generate_asset", "storyId": ID, "assetType": "cover", "jobId": ID, "leaseToken": ID, "story": {}});
        assert!(
            matches!(Command::try_from(&asset), Ok(Command::GenerateAssets { jobs, .. }) if jobs.len() == 1)
        );
        let old = json!({"intent": {"type": "generate_story"}, "storyId": ID});
        assert!(Command::try_from(&old).is_ok());
    }

    #[test]
    fn what_is_wrong_with_an_event_is_named() {
        let problem = |event: Value| Command::try_from(&event).unwrap_err().to_string();
        assert!(problem(json!({"storyId": ID})).contains("`action`"));
        assert!(problem(json!({"action": "sing", "storyId": ID})).contains("`sing`"));
        assert!(problem(json!({"action": "generate_story"})).contains("`storyId`"));
        assert!(problem(json!({"action": "generate_story", "storyId": 7})).contains("`storyId`"));
        assert!(
            problem(json!({"action": "generate_asset", "storyId": ID, "assetType": "hat"}))
                .contains("`assetType`")
        );
        assert!(
            problem(
                json!({"action": "generate_asset", "storyId": ID, "assetType": "pdf", "jobId": ID})
            )
            .contains("`leaseToken`")
        );
        assert!(problem(json!("hi")).contains("JSON object"));
    }
}
