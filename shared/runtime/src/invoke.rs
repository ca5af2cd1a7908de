//! Asynchronous calls between functions: `Event` invocations that carry ids and a lease, never state that matters.

use aws_sdk_lambda::{Client, primitives::Blob, types::InvocationType};
use domain::{AssetType, JobId, LeaseToken, StoryId};
use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;

/// What one function asks of another. Field names are a contract (design, section 5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Payload {
    GenerateStory(GenerateStory),
    GenerateAssets(GenerateAssets),
    /// Something became claimable.
    Wake {
        wake: bool,
        /// Sent because an invocation died. Should its receiver die too, nobody is woken a third time.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        rescue: bool,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GenerateStory {
    action: &'static str,
    story_id: StoryId,
    #[serde(skip_serializing_if = "Option::is_none")]
    job_id: Option<JobId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lease_token: Option<LeaseToken>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GenerateAssets {
    action: &'static str,
    story_id: StoryId,
    jobs: Vec<DispatchedJob>,
}

/// One claimed job in an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DispatchedJob {
    pub asset_type: AssetType,
    pub job_id: JobId,
    pub lease_token: LeaseToken,
}

impl Payload {
    /// The text of a story whose job the content agent claims itself.
    pub fn generate_story(story_id: StoryId) -> Self {
        Self::GenerateStory(GenerateStory {
            action: "generate_story",
            story_id,
            job_id: None,
            lease_token: None,
        })
    }

    /// The text of a story whose job is claimed already.
    pub fn generate_claimed_story(
        story_id: StoryId,
        job_id: JobId,
        lease_token: LeaseToken,
    ) -> Self {
        let (job_id, lease_token) = (Some(job_id), Some(lease_token));
        Self::GenerateStory(GenerateStory {
            action: "generate_story",
            story_id,
            job_id,
            lease_token,
        })
    }

    /// Claimed jobs of one story, to be made concurrently by one invocation.
    pub fn generate_assets(story_id: StoryId, jobs: Vec<DispatchedJob>) -> Self {
        Self::GenerateAssets(GenerateAssets {
            action: "generate_assets",
            story_id,
            jobs,
        })
    }

    pub const fn wake() -> Self {
        Self::Wake {
            wake: true,
            rescue: false,
        }
    }

    /// A wake because somebody died.
    pub const fn rescue() -> Self {
        Self::Wake {
            wake: true,
            rescue: true,
        }
    }
}

/// The event was not accepted.
#[derive(Debug, thiserror::Error)]
#[error("could not invoke {function}")]
pub struct InvokeError {
    pub function: String,
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

/// Hands an event to a function and does not wait for it to be worked on.
#[async_trait::async_trait]
pub trait Invoke: Send + Sync {
    async fn invoke(&self, function: &str, payload: &Payload) -> Result<(), InvokeError>;
}

/// Lambda's own asynchronous invocation.
#[derive(Debug, Default)]
pub struct LambdaInvoker {
    aws: std::sync::Arc<crate::Aws>,
    client: OnceCell<Client>,
}

impl LambdaInvoker {
    pub fn new(aws: std::sync::Arc<crate::Aws>) -> Self {
        Self {
            aws,
            client: OnceCell::new(),
        }
    }
}

#[async_trait::async_trait]
impl Invoke for LambdaInvoker {
    async fn invoke(&self, function: &str, payload: &Payload) -> Result<(), InvokeError> {
        let failed = |source| InvokeError {
            function: function.to_owned(),
            source,
        };
        let body = serde_json::to_vec(payload).map_err(|error| failed(error.into()))?;
        let client = self
            .client
            .get_or_init(|| async { Client::new(self.aws.config().await) })
            .await;
        client
            .invoke()
            .function_name(function)
            .invocation_type(InvocationType::Event)
            .payload(Blob::new(body))
            .send()
            .await
            .map_err(|error| failed(error.into()))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_have_the_documented_fields() {
        let story: StoryId = "0190a5a0-0000-7000-8000-000000000001".parse().unwrap();
        let event = serde_json::to_value(Payload::generate_story(story)).unwrap();
        assert_eq!(
            event,
            serde_json::json!({"action": "generate_story", "storyId": story})
        );
        assert_eq!(
            serde_json::to_value(Payload::wake()).unwrap(),
            serde_json::json!({"wake": true})
        );
        assert_eq!(
            serde_json::to_value(Payload::rescue()).unwrap(),
            serde_json::json!({"wake": true, "rescue": true})
        );
    }
}
