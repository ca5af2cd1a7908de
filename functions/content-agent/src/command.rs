//! The events of the content agent, parsed once; what is missing or unknown is named.

use domain::{AssetType, JobId, LeaseToken, StoryId};
use serde_json::Value;

/// What an event asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Write the text; with a token when the job was claimed already.
    GenerateStory {
        story_id: StoryId,
        lease_token: Option<LeaseToken>,
    },
    /// Make the assets of claimed jobs.
    GenerateAssets {
        story_id: StoryId,
        jobs: Vec<(JobId, LeaseToken)>,
    },
}

/// The event cannot be carried out.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum BadCommand {
    #[error("the event must be a JSON object with `action` and `storyId`")]
    NotAnObject,
    #[error("the event lacks the field `{0}`")]
    Missing(&'static str),
    #[error("the field `{field}` of the event is not {expected}")]
    Invalid {
        field: &'static str,
        expected: &'static str,
    },
    #[error("unknown action `{0}`: expected generate_story, generate_asset or generate_assets")]
    UnknownAction(String),
}

impl Command {
    pub const fn story_id(&self) -> StoryId {
        match self {
            Self::GenerateStory { story_id, .. } | Self::GenerateAssets { story_id, .. } => {
                *story_id
            }
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

fn job(event: &Value) -> Result<(JobId, LeaseToken), BadCommand> {
    let asset: Result<AssetType, _> = field(event, "assetType")?.parse();
    asset.map_err(|_| BadCommand::Invalid {
        field: "assetType",
        expected: "an asset type",
    })?;
    Ok((id(event, "jobId")?, id(event, "leaseToken")?))
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
            other => Err(BadCommand::UnknownAction(other.chars().take(60).collect())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const ID: &str = "0190a5a0-0000-7000-8000-000000000001";

    #[test]
    fn the_documented_payloads_are_understood_and_extra_fields_ignored() {
        let story = json!({"action": "generate_story", "storyId": ID, "userId": ID, "characterId": ID, "themes": []});
        assert!(matches!(
            Command::try_from(&story),
            Ok(Command::GenerateStory {
                lease_token: None,
                ..
            })
        ));
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
