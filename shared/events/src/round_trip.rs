//! What one function writes is what another reads, whatever the ids are and whatever is added on the way.

use crate::{Command, DispatchedJob, FailedInvocation, Tick};
use domain::{AssetType, CharacterId, JobId, LeaseToken, StoryId};
use proptest::prelude::*;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use uuid::Uuid;

fn id<T>(kind: fn(Uuid) -> T) -> impl Strategy<Value = T>
where
    T: std::fmt::Debug,
{
    any::<u128>().prop_map(move |bits| kind(Uuid::from_u128(bits)))
}

fn job() -> impl Strategy<Value = DispatchedJob> {
    let asset = prop::sample::select(AssetType::ALL.to_vec());
    (asset, id(JobId::from_uuid), id(LeaseToken::from_uuid)).prop_map(
        |(asset_type, job_id, lease_token)| DispatchedJob {
            asset_type,
            job_id,
            lease_token,
        },
    )
}

fn command() -> impl Strategy<Value = Command> {
    let story = || id(StoryId::from_uuid);
    prop_oneof![
        story().prop_map(Command::generate_story),
        (story(), job()).prop_map(|(story, job)| {
            Command::generate_claimed_story(story, job.job_id, job.lease_token)
        }),
        (story(), prop::collection::vec(job(), 0..12))
            .prop_map(|(story_id, jobs)| Command::GenerateAssets { story_id, jobs }),
        Just(Command::DeleteFiles),
        id(CharacterId::from_uuid)
            .prop_map(|character_id| Command::PrepareCharacter { character_id }),
        story().prop_map(|story_id| Command::RecoverStory { story_id }),
        Just(Command::CheckModels),
    ]
}

fn tick() -> impl Strategy<Value = Tick> {
    prop::sample::select(vec![Tick::Sweep, Tick::WAKE, Tick::RESCUE_WAKE])
}

/// As bytes on the wire.
fn sent<T: Serialize + DeserializeOwned>(event: &T) -> T {
    let bytes = serde_json::to_vec(event).expect("an event is JSON");
    serde_json::from_slice(&bytes).expect("the other side reads it")
}

/// Lambda's record of a failed invocation with this event.
fn failed(event: Value) -> FailedInvocation {
    let record = json!({
        "requestContext": {"requestId": "r", "condition": "RetriesExhausted",
            "functionArn": "arn:aws:lambda:eu-west-1:1:function:f:$LATEST"},
        "requestPayload": event});
    FailedInvocation::try_from(record).expect("a record")
}

proptest! {
    #[test]
    fn a_command_arrives_as_it_was_sent_and_fields_of_others_change_nothing(
        command in command(),
        extra in "[a-z]{1,8}Extra",
    ) {
        prop_assert_eq!(&sent(&command), &command);
        let mut event = Value::from(command.clone());
        event[extra] = json!({"userId": 7});
        prop_assert_eq!(Command::try_from(event), Ok(command));
    }

    #[test]
    fn a_tick_arrives_as_it_was_sent(tick in tick()) {
        prop_assert_eq!(sent(&tick), tick);
    }

    #[test]
    fn the_record_of_a_failed_command_names_every_lease_it_was_sent_with(command in command()) {
        let failed = failed(command.clone().into());
        match command {
            Command::GenerateStory { story_id, lease_token, .. } => {
                prop_assert_eq!(failed.new_story, lease_token.is_none().then_some(story_id));
                prop_assert_eq!(failed.lease_tokens, lease_token.into_iter().collect::<Vec<_>>());
            }
            Command::GenerateAssets { jobs, .. } => {
                let tokens: Vec<_> = jobs.iter().map(|job| job.lease_token).collect();
                prop_assert_eq!(failed.lease_tokens, tokens);
                prop_assert_eq!(failed.new_story, None);
            }
            Command::DeleteFiles
            | Command::CheckModels
            | Command::PrepareCharacter { .. }
            | Command::RecoverStory { .. } => {
                prop_assert_eq!((failed.new_story, failed.lease_tokens.len()), (None, 0));
            }
        }
    }

    #[test]
    fn the_record_of_a_failed_tick_says_whether_it_was_sent_for_a_rescue(tick in tick()) {
        prop_assert_eq!(failed(tick.into()).is_rescue_wake, tick == Tick::RESCUE_WAKE);
    }
}
