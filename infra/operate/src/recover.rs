//! A story brought back from its snapshot: asked of the content agent, which alone may touch the bucket, here or deployed.

use serde_json::{Value, json};
use std::error::Error;
use tokio::process::Command;

type Fault = Box<dyn Error + Send + Sync>;

/// Whom to ask.
#[derive(Clone, Debug)]
pub struct Target {
    /// `AWS_ENDPOINT_URL_LAMBDA` of the local stack; none where the AWS command line asks, with whatever it is signed in as.
    pub endpoint: Option<String>,
    /// `CONTENT_AGENT_FUNCTION`.
    pub function: String,
}

/// Asks for it, and answers what became of it in a sentence.
///
/// # Errors
/// The sentence where it was refused; or that nobody answered.
pub async fn run(target: &Target, story: &str) -> Result<String, Fault> {
    let event = json!({"action": "recover_story", "storyId": story});
    let answer = match &target.endpoint {
        Some(endpoint) => ask_here(endpoint, &target.function, &event).await?,
        None => ask_aws(&target.function, &event).await?,
    };
    let message = answer["message"].as_str();
    let failure = || {
        answer["errorMessage"]
            .as_str()
            .unwrap_or("the content agent gave no answer")
    };
    match (message, answer["outcome"].as_str()) {
        (Some(message), Some("recovered" | "whole")) => Ok(message.to_owned()),
        (message, _) => Err(message.unwrap_or_else(failure).into()),
    }
}

async fn ask_here(endpoint: &str, function: &str, event: &Value) -> Result<Value, Fault> {
    let url = format!("{endpoint}/2015-03-31/functions/{function}/invocations");
    let answer = reqwest::Client::new().post(url).json(event).send().await?;
    Ok(answer.json().await?)
}

async fn ask_aws(function: &str, event: &Value) -> Result<Value, Fault> {
    let payload = event.to_string();
    let asked = Command::new("aws")
        .args(["lambda", "invoke", "--function-name", function])
        .args([
            "--cli-binary-format",
            "raw-in-base64-out",
            "--payload",
            &payload,
        ])
        .arg("/dev/stdout")
        .output()
        .await?;
    if !asked.status.success() {
        let said = String::from_utf8_lossy(&asked.stderr).trim().to_owned();
        return Err(format!("aws lambda invoke failed: {said}").into());
    }
    // What the command line tells of the call follows the function's answer.
    let mut answers = serde_json::Deserializer::from_slice(&asked.stdout).into_iter();
    let first = answers.next().ok_or("the content agent gave no answer")?;
    Ok(first?)
}
