//! Whether the services that a story needs answer, with the defaults the functions have.

mod mail;
mod speech;

use super::{Finding, listed, setting};
use crate::database::as_service;
use reqwest::RequestBuilder;
use serde_json::Value;
use std::{collections::BTreeMap, time::Duration};

const ANSWERS_WITHIN: Duration = Duration::from_secs(10);
/// So many days before its end a model is worth a note.
const DAYS_AHEAD: i32 = 30;

/// The variables of what is looked at.
#[derive(Clone, Copy)]
struct Variables<'v>(&'v BTreeMap<String, String>);

impl<'v> Variables<'v> {
    fn get(self, name: &str) -> &'v str {
        setting(self.0, name)
    }

    /// An address without a slash at its end.
    fn address(self, name: &str) -> &'v str {
        self.get(name).trim_end_matches('/')
    }
}

pub(super) async fn look_at_all(variables: &BTreeMap<String, String>) -> Vec<Finding> {
    let variables = Variables(variables);
    let mut findings = database(variables).await;
    findings.push(Finding::new("assets bucket", bucket(variables).await));
    let seen = cdn(variables.get("ASSETS_CDN_URL")).await;
    findings.push(Finding::new("CDN", seen));
    findings.push(models(variables).await);
    if variables.0.contains_key("BFL_API_KEY") {
        let url = format!("{}/v1/credits", variables.address("BFL_BASE_URL"));
        let credits = fetch(&url, &[("x-key", variables.get("BFL_API_KEY"))]).await;
        findings.push(Finding::new(
            "Black Forest Labs responding",
            credits.map(drop),
        ));
    }
    findings.extend(speech::look_at_all(variables).await);
    findings.push(mail::look_at(variables).await);
    let health = format!("{}/api/v1/health", variables.address("API_URL"));
    let health = fetch(&health, &[]).await;
    findings.push(Finding::new("API health", health.map(drop)));
    findings
}

async fn database(variables: Variables<'_>) -> Vec<Finding> {
    let rows = Rows {
        rest: format!("{}/rest/v1", variables.address("SUPABASE_URL")),
        key: variables.get("SUPABASE_SERVICE_ROLE_KEY"),
    };
    let tiers = rows.fetch("tiers?select=code&limit=1").await;
    vec![
        Finding::new("database connection", tiers.map(drop)),
        queue(&rows).await,
        limits(&rows).await,
    ]
}

/// What the database's API shows to the functions.
struct Rows<'v> {
    rest: String,
    key: &'v str,
}

impl Rows<'_> {
    async fn fetch(&self, question: &str) -> Result<Value, String> {
        let url = format!("{}/{question}", self.rest);
        read(as_service(reqwest::Client::new().get(url), self.key)).await
    }
}

/// How many jobs wait, and for how long the oldest that could be claimed has.
async fn queue(rows: &Rows<'_>) -> Finding {
    let question = "asset_generation_jobs?select=claim_order,available_at&status=eq.queued&inputs_settled=is.true&order=available_at&limit=1000";
    match rows.fetch(question).await {
        Err(problem) => Finding::new("queue", Err(problem)),
        Ok(rows) => {
            let waiting = rows.as_array().map_or(0, Vec::len);
            let oldest = rows[0]["available_at"]
                .as_str()
                .and_then(|at| at.parse::<jiff::Timestamp>().ok());
            let age = oldest.map_or(0, |at| {
                jiff::Timestamp::now().duration_since(at).as_secs().max(0)
            });
            let what = format!("queue: {waiting} jobs claimable, the oldest for {age} s");
            // Three sweeps without a claim: the worker is not running.
            let stuck = "nothing claims them: is the asset worker running?";
            let found = (age <= 180).then_some(());
            Finding::new(what, found.ok_or_else(|| stuck.to_owned()))
        }
    }
}

/// Whether anything is limited: else the first burst meets the providers' own limits.
async fn limits(rows: &Rows<'_>) -> Finding {
    let what = "limits of the providers";
    let question = "provider_limits?select=kind&per_minute=is.null&at_once=is.null";
    let unlimited = match rows.fetch(question).await {
        Ok(rows) => rows,
        Err(problem) => return Finding::new(what, Err(problem)),
    };
    let rows = unlimited.as_array().into_iter().flatten();
    let kinds: Vec<_> = rows.filter_map(|row| row["kind"].as_str()).collect();
    match kinds.is_empty() {
        true => Finding::new(what, Ok(())),
        false => Finding::note(what, format!("none of {}", kinds.join(", "))),
    }
}

/// The bucket is there: S3 tells anybody whether a bucket exists, 403 or 404 (Amazon S3 API reference, HeadBucket).
async fn bucket(variables: Variables<'_>) -> Result<(), String> {
    let name = variables.get("ASSETS_BUCKET");
    if name.is_empty() {
        return Err("ASSETS_BUCKET is not set".to_owned());
    }
    let region = variables.0.get("AWS_REGION");
    let region = region.map_or("us-east-1", String::as_str);
    let url = match variables.address("AWS_ENDPOINT_URL_S3") {
        "" => format!("https://{name}.s3.{region}.amazonaws.com/"),
        endpoint => format!("{endpoint}/{name}"),
    };
    match send(get(&url, &[])).await?.status().as_u16() {
        404 => Err(format!("there is no bucket {name}")),
        // Whoever is refused is told that there is something to refuse.
        200..400 | 403 => Ok(()),
        status => Err(format!("HTTP {status}")),
    }
}

/// The CDN answers, and not with the news that there is nothing behind it.
async fn cdn(url: &str) -> Result<(), String> {
    let response = send(get(url, &[])).await?;
    let status = response.status();
    let text = response.text().await.unwrap_or_default();
    if text.contains("NoSuchBucket") {
        return Err("the bucket behind it does not exist".to_owned());
    }
    // A bucket without a listing answers 403 or 404, which is an answer.
    if status.is_server_error() {
        return Err(format!("HTTP {}", status.as_u16()));
    }
    Ok(())
}

/// The configured models are alive.
async fn models(variables: Variables<'_>) -> Finding {
    let what = "OpenAI responding, its configured models alive";
    let url = format!("{}/models", variables.address("OPENAI_BASE_URL"));
    let bearer = format!("Bearer {}", variables.get("OPENAI_API_KEY"));
    let list = match fetch(&url, &[("authorization", &bearer)]).await {
        Err(problem) => return Finding::new(what, Err(problem)),
        Ok(list) => list,
    };
    let is_known = |model: &str| {
        let all = list["data"].as_array();
        all.is_some_and(|all| all.iter().any(|one| one["id"] == model))
    };
    let lists = [
        variables.get("OPENAI_TEXT_MODEL"),
        variables.get("OPENAI_ANALYSIS_MODEL"),
        variables.get("OPENAI_IMAGE_MODELS"),
    ];
    let mut gone: Vec<_> = lists.iter().copied().flat_map(listed).collect();
    gone.retain(|model| !is_known(model));
    gone.dedup();
    if !gone.is_empty() {
        let problem = format!("unknown or retired: {}", gone.join(", "));
        return Finding::new(what, Err(problem));
    }
    let today = jiff::Timestamp::now()
        .to_zoned(jiff::tz::TimeZone::UTC)
        .date();
    let mut ending = Vec::new();
    for model in lists.into_iter().flat_map(listed) {
        let all = list["data"].as_array().into_iter().flatten();
        let end = all.filter(|one| one["id"] == model);
        let end = end.filter_map(|one| one["shutdown_date"].as_str()?.get(..10)?.parse().ok());
        for end in end {
            let end: jiff::civil::Date = end;
            if today
                .until(end)
                .is_ok_and(|left| left.get_days() <= DAYS_AHEAD)
            {
                ending.push(format!("{model} ends on {end}"));
            }
        }
    }
    ending.dedup();
    match ending.is_empty() {
        true => Finding::new(what, Ok(())),
        false => Finding::note(what, ending.join(", ")),
    }
}

async fn fetch(url: &str, headers: &[(&str, &str)]) -> Result<Value, String> {
    read(get(url, headers)).await
}

async fn read(request: RequestBuilder) -> Result<Value, String> {
    let response = send(request).await?;
    let status = response.status();
    if !status.is_success() {
        return Err(format!("HTTP {}", status.as_u16()));
    }
    Ok(response.json().await.unwrap_or(Value::Null))
}

fn get(url: &str, headers: &[(&str, &str)]) -> RequestBuilder {
    let request = reqwest::Client::new().get(url);
    let headers = headers.iter();
    headers.fold(request, |request, (name, value)| {
        request.header(*name, *value)
    })
}

async fn send(request: RequestBuilder) -> Result<reqwest::Response, String> {
    let sent = request.timeout(ANSWERS_WITHIN).send().await;
    sent.map_err(|error| format!("no answer ({})", error.without_url()))
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;
    use axum::{Json, Router, http::StatusCode, routing::get};
    use serde_json::json;

    async fn serve(router: Router) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        url
    }

    fn variables<const N: usize>(pairs: [(&str, &str); N]) -> BTreeMap<String, String> {
        pairs
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into()
    }

    #[tokio::test]
    async fn a_bucket_that_is_not_there_is_a_problem() {
        let there = Router::new()
            .route("/assets", get(async || StatusCode::FORBIDDEN))
            .route("/broken", get(async || StatusCode::BAD_GATEWAY));
        let endpoint = serve(there).await;
        let looked = async |name: &str| {
            let variables =
                variables([("ASSETS_BUCKET", name), ("AWS_ENDPOINT_URL_S3", &endpoint)]);
            bucket(Variables(&variables)).await
        };
        assert_eq!(looked("assets").await, Ok(()));
        assert_eq!(
            looked("elsewhere").await.unwrap_err(),
            "there is no bucket elsewhere"
        );
        assert_eq!(looked("broken").await.unwrap_err(), "HTTP 502");
        assert!(looked("").await.is_err());
    }

    #[tokio::test]
    async fn a_cdn_before_no_bucket_is_a_problem_and_one_that_lists_nothing_is_not() {
        let no_bucket = "<Error><Code>NoSuchBucket</Code></Error>";
        let url = serve(
            Router::new()
                .route("/closed", get(async || StatusCode::FORBIDDEN))
                .route("/empty", get(async || StatusCode::NOT_FOUND))
                .route("/broken", get(async || StatusCode::BAD_GATEWAY))
                .route(
                    "/gone",
                    get(async move || (StatusCode::NOT_FOUND, no_bucket)),
                ),
        )
        .await;
        let looked = async |path: &str| cdn(&format!("{url}{path}")).await.is_ok();
        assert!(looked("/closed").await && looked("/empty").await);
        assert!(!looked("/broken").await && !looked("/gone").await);
        assert!(cdn("http://127.0.0.1:1").await.is_err());
    }

    #[tokio::test]
    async fn the_models_of_text_and_of_pictures_are_looked_up_under_their_defaults() {
        let tomorrow = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24);
        let tomorrow = tomorrow.strftime("%Y-%m-%d").to_string();
        let ending = json!({"id": "gpt-5.1", "shutdown_date": tomorrow});
        let list = json!({"data": [ending, {"id": "gpt-5.2", "shutdown_date": "2999-01-01"}, {"id": "gpt-image-2.5-sunburst"}, {"id": "gpt-image-2"}]});
        let url = serve(Router::new().route("/models", get(async move || Json(list)))).await;
        let looked = async |model: Option<&str>| {
            let mut variables = variables([("OPENAI_BASE_URL", &*url), ("OPENAI_API_KEY", "k")]);
            if let Some(model) = model {
                variables.insert("OPENAI_ANALYSIS_MODEL".to_owned(), model.to_owned());
            }
            models(Variables(&variables)).await.verdict
        };
        assert_eq!(looked(None).await, Verdict::Fine);
        assert_eq!(
            looked(Some("gpt-4")).await,
            Verdict::Problem("unknown or retired: gpt-4".to_owned())
        );
        assert_eq!(
            looked(Some("gpt-5.1")).await,
            Verdict::Note(format!("gpt-5.1 ends on {tomorrow}"))
        );
    }
}
