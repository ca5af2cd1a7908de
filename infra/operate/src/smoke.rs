//! A story against any stack, deployed or local, by a user who is made for it and taken away again: whether it works, and
//! where its time went.

use crate::{api::Api, database::as_service, follow::StoryFeed};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::{
    error::Error,
    time::{Duration, Instant},
};

/// A story in which nothing changes for this long has got stuck.
pub const SILENCE_MAX: Duration = Duration::from_secs(300);

/// What is tried.
#[derive(Clone, Debug)]
pub struct Target {
    /// `API_URL`, with or without a slash at its end.
    pub api: String,
    pub supabase_url: String,
    /// The key a front end has.
    pub anon_key: String,
    /// The key that makes and removes users.
    pub service_role_key: String,
    /// The commit the API must have been built from, where that matters.
    pub commit: Option<String>,
}

/// Who hears how it goes: a line for a person.
pub type Tell<'a> = &'a (dyn Fn(&str) + Sync);

type Fault = Box<dyn Error + Send + Sync>;
type Outcome = Result<(), Fault>;

/// Makes a user, a character and a story; follows it over Realtime; fetches its files; removes all of it, also after a
/// failure.
///
/// # Errors
/// The first thing that is not as it should be.
pub async fn run(target: &Target, tell: Tell<'_>) -> Outcome {
    let target = Target {
        api: target.api.trim_end_matches('/').to_owned(),
        supabase_url: target.supabase_url.trim_end_matches('/').to_owned(),
        ..target.clone()
    };
    health(&target, tell).await?;
    let user = User::create(&target).await?;
    tell(&format!("✓ user {} made and signed in", user.email));
    let made = story(&target, &user, tell).await;
    let removed = user.remove(&target).await;
    made?;
    removed?;
    tell("✓ user, character and story removed");
    Ok(())
}

async fn health(target: &Target, tell: Tell<'_>) -> Outcome {
    let began = Instant::now();
    let url = format!("{}/api/v1/health", target.api);
    let health = answer("ask for the API's health", reqwest::Client::new().get(url)).await?;
    let data = &health["data"];
    tell(&format!(
        "✓ {} answers in {} ms: environment {}, version {}, commit {}",
        target.api,
        began.elapsed().as_millis(),
        text(&data["environment"]),
        text(&data["version"]),
        text(&data["commit"])
    ));
    match &target.commit {
        Some(commit) if data["commit"] != **commit => Err(format!(
            "the API was built from {} and not from {commit}: it was not deployed, or built without STORYTAILOR_COMMIT",
            text(&data["commit"])
        )
        .into()),
        _ => Ok(()),
    }
}

/// Somebody who is there for this story alone.
struct User {
    id: String,
    email: String,
    token: String,
}

impl User {
    async fn create(target: &Target) -> Result<Self, Fault> {
        let email = format!("smoke-{}@example.com", uuid::Uuid::new_v4());
        let password = uuid::Uuid::new_v4().to_string();
        let auth = format!("{}/auth/v1", target.supabase_url);
        let wanted = json!({"email": email, "password": password, "email_confirm": true});
        let request = reqwest::Client::new().post(format!("{auth}/admin/users"));
        let request = as_service(request, &target.service_role_key).json(&wanted);
        let made = answer("make a user", request).await?;
        let grant = json!({"email": email, "password": password});
        let request = reqwest::Client::new()
            .post(format!("{auth}/token?grant_type=password"))
            .header("apikey", &target.anon_key)
            .json(&grant);
        let mut user = Self {
            id: text(&made["id"]).to_owned(),
            email,
            token: String::new(),
        };
        match answer("sign in", request).await {
            Ok(session) => user.token = text(&session["access_token"]).to_owned(),
            Err(fault) => {
                user.remove(target).await?;
                return Err(fault);
            }
        }
        Ok(user)
    }

    /// By the API, as users do it; by Auth where that fails. Rows and files follow either way.
    async fn remove(&self, target: &Target) -> Result<(), Fault> {
        let api = Api::new(&target.api, &self.token);
        let Err(refused) = api.delete_account().await else {
            return Ok(());
        };
        let url = format!("{}/auth/v1/admin/users/{}", target.supabase_url, self.id);
        let request = as_service(reqwest::Client::new().delete(url), &target.service_role_key);
        answer("remove the user", request).await?;
        match self.token.is_empty() {
            true => Ok(()),
            false => Err(refused.into()),
        }
    }
}

async fn answer(attempted: &str, request: reqwest::RequestBuilder) -> Result<Value, Fault> {
    let unreachable = |error: reqwest::Error| format!("could not {attempted}: {error}");
    let request = request.timeout(Duration::from_secs(30));
    let response = request.send().await.map_err(unreachable)?;
    let status = response.status();
    let body = response.text().await.map_err(unreachable)?;
    if !status.is_success() {
        return Err(format!("could not {attempted}: HTTP {} {body}", status.as_u16()).into());
    }
    Ok(serde_json::from_str(&body).unwrap_or(Value::Null))
}

async fn story(target: &Target, user: &User, tell: Tell<'_>) -> Outcome {
    let api = Api::new(&target.api, &user.token);
    let hero =
        json!({"name": "Luna", "species": "dragon", "appearance": {"skin": "soft green scales"}});
    let hero = api.create_character(&hero).await?;
    let began = Instant::now();
    let wish = json!({"character_ids": [hero["id"]], "story_type": "adventure", "themes": ["courage"],
        "idea": "a shy dragon who is afraid of the dark"});
    let id = text(&api.create_story(&wish).await?["id"]).to_owned();
    tell(&format!(
        "✓ POST /stories answered in {} ms: story {id}",
        began.elapsed().as_millis()
    ));

    let Target {
        supabase_url,
        anon_key,
        ..
    } = target;
    let mut feed = StoryFeed::open(supabase_url, anon_key, &user.token, &id).await?;
    feed.to_the_end(SILENCE_MAX, |_| ()).await?;
    let wall = began.elapsed();
    let row = api.story(&id).await?;
    let status = &row["asset_generation_status"];
    tell(&format!(
        "✓ {} after {:.1} s, {} changes heard over Realtime",
        text(&status["overall"]),
        wall.as_secs_f64(),
        feed.counts().taken
    ));
    for line in times(status, wall) {
        tell(&line);
    }
    if status["overall"] != "ready" {
        return Err(format!("the story ended as {}", status["overall"]).into());
    }
    let assets = status["assets"].as_object().into_iter().flatten();
    for (asset, state) in assets {
        if let Some(url) = state["url"].as_str() {
            file(asset, url, tell).await?;
        }
    }
    Ok(())
}

/// When each asset was begun and how long it took, and how much of the time nobody was at work.
fn times(status: &Value, wall: Duration) -> Vec<String> {
    let moment = |state: &Value, field: &str| -> Option<Timestamp> {
        state[field].as_str().and_then(|at| at.parse().ok())
    };
    let assets = status["assets"].as_object().into_iter().flatten();
    let mut made: Vec<_> = assets
        .filter_map(|(asset, state)| {
            let (from, to) = (moment(state, "startedAt")?, moment(state, "completedAt")?);
            Some((from, to, asset))
        })
        .collect();
    made.sort();
    let Some(&(first, ..)) = made.first() else {
        return Vec::new();
    };
    let seconds = |from: Timestamp, to: Timestamp| to.duration_since(from).as_secs_f64();
    let mut at_work = 0.0;
    let mut until = first;
    let mut lines = Vec::new();
    for (from, to, asset) in made {
        lines.push(format!(
            "    {asset:<10} from {:5.1} s for {:5.1} s",
            seconds(first, from),
            seconds(from, to)
        ));
        at_work += seconds(from.max(until), to).max(0.0);
        until = until.max(to);
    }
    lines.push(format!(
        "    nobody was at work for {:.1} s of it: start of the functions, dispatch, and the way back",
        (wall.as_secs_f64() - at_work).max(0.0)
    ));
    lines
}

/// A page of any origin must be able to fetch it, and to show it in a frame.
async fn file(asset: &str, url: &str, tell: Tell<'_>) -> Outcome {
    let began = Instant::now();
    let failed = |error: reqwest::Error| format!("could not fetch {asset}: {error}");
    let request = reqwest::Client::new()
        .get(url)
        .header("origin", "https://example.com");
    let response = request.send().await.map_err(failed)?;
    let response = response.error_for_status().map_err(failed)?;
    let header = |name: &str| {
        let value = response.headers().get(name);
        value.and_then(|value| value.to_str().ok().map(str::to_owned))
    };
    let (kind, origin) = (
        header("content-type"),
        header("access-control-allow-origin"),
    );
    if origin.is_none() || header("x-frame-options").is_some() {
        return Err(format!(
            "{asset} cannot be shown on a page: {:?}",
            response.headers()
        )
        .into());
    }
    let size = response.bytes().await.map_err(failed)?.len();
    tell(&format!(
        "✓ {asset}: {size} bytes of {} in {} ms",
        kind.unwrap_or_default(),
        began.elapsed().as_millis()
    ));
    Ok(())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_in_which_nobody_worked_is_what_no_asset_covers() {
        let at = |second: u32| format!("2026-01-01T00:00:{second:02}Z");
        let status = json!({"assets": {
            "content": {"startedAt": at(0), "completedAt": at(4)},
            "cover": {"startedAt": at(5), "completedAt": at(9)},
            "audio": {"startedAt": at(5), "completedAt": at(7)},
            "pdf": {"status": "pending"},
        }});
        let lines = times(&status, Duration::from_secs(10));
        assert_eq!(lines.len(), 4);
        assert!(lines[2].contains("cover") && lines[2].contains("5.0 s for   4.0 s"));
        assert!(lines[3].contains("for 2.0 s of it"), "{}", lines[3]);
    }
}
