//! What operators ask of the stack that is up, or else of the one that the environment names: mostly one verb of the database
//! each.

use super::Outcome;
use serde_json::{Value, json};
use stack::{environment, home::Home};

/// The variables of the stack that is up, else of the environment.
pub(super) fn variables()
-> Result<impl Fn(&str) -> Option<String>, Box<dyn std::error::Error + Send + Sync>> {
    let running = Home::open(stack::home::workspace().join(".local"))?.running();
    Ok(move |name: &str| match &running {
        Some(variables) => variables.get(name).cloned(),
        None => environment::variable(name),
    })
}

/// What a verb answers; what it refuses is an error in its own words.
pub(super) async fn call(
    verb: &str,
    arguments: Value,
) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
    let variable = variables()?;
    let (Some(url), Some(key)) = (
        variable("SUPABASE_URL"),
        variable("SUPABASE_SERVICE_ROLE_KEY"),
    ) else {
        return Err(
            "no stack is up, and SUPABASE_URL and SUPABASE_SERVICE_ROLE_KEY name none".into(),
        );
    };
    let request = reqwest::Client::new().post(format!("{url}/rest/v1/rpc/{verb}"));
    let request = request.header("apikey", &key).json(&arguments);
    // An opaque key belongs in `apikey` alone.
    let request = match key.starts_with("sb_") {
        true => request,
        false => request.bearer_auth(&key),
    };
    let answer = request.send().await?;
    let is_done = answer.status().is_success();
    let answer: Value = answer.json().await?;
    match is_done {
        true => Ok(answer),
        false => Err(answer["message"].as_str().unwrap_or("no answer").into()),
    }
}

/// What stands before a story, a line for each asset that is not there.
pub(super) async fn why(story: &str) -> Outcome {
    let why = call("story_why", json!({"p_story_id": story})).await?;
    println!("Story {story}: {}", text(&why["overall"]));
    for asset in why["assets"].as_array().into_iter().flatten() {
        let mut line = format!(
            "  {}: {}",
            text(&asset["assetType"]),
            text(&asset["reason"])
        );
        for (name, words) in [
            ("waitsFor", "waits for"),
            ("waitedOnBy", "holds up"),
            ("nextAttemptAt", "next attempt"),
            ("retriesLeft", "retries left"),
        ] {
            if !asset[name].is_null() {
                line = format!("{line}; {words} {}", text(&asset[name]));
            }
        }
        if let Some(code) = asset["lastError"]["code"].as_str() {
            line = format!(
                "{line}; last error {code}: {}",
                text(&asset["lastError"]["message"])
            );
        }
        println!("{line}");
    }
    Ok(())
}

/// Brings a story back, or says why not.
pub(super) async fn recover(story: &str) -> Outcome {
    let variable = variables()?;
    let function = variable("CONTENT_AGENT_FUNCTION");
    let target = operate::recover::Target {
        endpoint: variable("AWS_ENDPOINT_URL_LAMBDA"),
        function: function.ok_or("no stack is up, and CONTENT_AGENT_FUNCTION names none")?,
    };
    println!("{}", operate::recover::run(&target, story).await?);
    Ok(())
}

/// Turns the switch.
pub(super) async fn switch(state: &str, reason: Option<&str>) -> Outcome {
    let mut arguments = json!({"p_state": state});
    if let Some(reason) = reason {
        arguments["p_reason"] = reason.into();
    }
    let now = call("set_platform_state", arguments).await?;
    let [was, state, working, waiting] =
        ["was", "state", "working", "waiting"].map(|name| text(&now[name]));
    println!(
        "{was} -> {state}: {working} jobs are being made and will be finished, {waiting} wait."
    );
    Ok(())
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(text).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}
