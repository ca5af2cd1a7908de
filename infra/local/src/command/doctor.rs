//! `cargo local doctor`: what works and what does not, a line each; values of secrets are never shown.

use super::Outcome;
use local_stack::{environment, home::Home, tools::on_path};
use serde_json::Value;
use std::{collections::BTreeMap, time::Duration};

/// A thing that was looked at.
struct Finding {
    what: String,
    problem: Option<String>,
}

impl Finding {
    fn new(what: impl Into<String>, found: Result<(), String>) -> Self {
        Self {
            what: what.into(),
            problem: found.err(),
        }
    }
}

pub(super) async fn run() -> Outcome {
    println!("Running System Diagnostics...\n");
    let home = Home::open(local_stack::home::workspace().join(".local"))?;
    let running = home.running();
    let mut findings = tools().await;
    match &running {
        Some(variables) => findings.extend(stack(variables).await),
        None => println!(
            "  No local stack is up (`cargo local up` starts one): looking at the environment's own services.\n"
        ),
    }
    if running.is_none() {
        let outside = outside();
        if outside.is_empty() {
            println!("  SUPABASE_URL is not set either, so only tools are checked.\n");
        } else {
            findings.extend(stack(&outside).await);
        }
    }
    let mut problems = 0;
    for finding in &findings {
        match &finding.problem {
            None => println!("  ✓ {}", finding.what),
            Some(problem) => {
                problems += 1;
                println!("  ✗ {}: {problem}", finding.what);
            }
        }
    }
    if problems == 0 {
        Ok(())
    } else {
        Err(format!("{problems} of {} checks failed", findings.len()).into())
    }
}

async fn tools() -> Vec<Finding> {
    let tool = |program: &str, how: &str| {
        Finding::new(
            program,
            on_path(program).map(drop).ok_or_else(|| how.to_owned()),
        )
    };
    let postgres = local_stack::postgres::require_installed()
        .await
        .map_err(|error| error.to_string());
    let mut findings = vec![
        tool("cargo", "install Rust from https://rustup.rs"),
        Finding::new("postgres", postgres),
    ];
    findings.push(tool(
        "node",
        "needed for the front-end test: install Node.js 20 or later",
    ));
    findings.push(tool(
        "python3",
        "needed for the template checks: install Python 3",
    ));
    findings
}

const VARIABLES: [&str; 10] = [
    "SUPABASE_URL",
    "SUPABASE_ANON_KEY",
    "SUPABASE_SERVICE_ROLE_KEY",
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
    "ELEVENLABS_API_KEY",
    "ELEVENLABS_BASE_URL",
    "ASSETS_BUCKET",
    "ASSETS_CDN_URL",
    "API_URL",
];

fn outside() -> BTreeMap<String, String> {
    if environment::variable("SUPABASE_URL").is_none() {
        return BTreeMap::new();
    }
    VARIABLES
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), environment::variable(name)?)))
        .collect()
}

async fn stack(variables: &BTreeMap<String, String>) -> Vec<Finding> {
    let get = |name: &str| variables.get(name).cloned().unwrap_or_default();
    let mut findings: Vec<_> = VARIABLES
        .iter()
        .map(|name| {
            Finding::new(
                *name,
                variables
                    .get(*name)
                    .map(drop)
                    .ok_or_else(|| "not set".to_owned()),
            )
        })
        .collect();

    let key = get("SUPABASE_SERVICE_ROLE_KEY");
    let rest = format!("{}/rest/v1", get("SUPABASE_URL"));
    let database = fetch(
        &format!("{rest}/tiers?select=code&limit=1"),
        &[("apikey", &key)],
    )
    .await
    .map(drop);
    findings.push(Finding::new("database connection", database));
    findings.push(queue(&rest, &key).await);
    let storage = fetch(&get("ASSETS_CDN_URL"), &[])
        .await
        .map(drop)
        .or_else(|problem| {
            // A bucket without a listing answers 403 or 404, which is an answer.
            if problem.starts_with("HTTP 4") {
                Ok(())
            } else {
                Err(problem)
            }
        });
    findings.push(Finding::new("storage and CDN", storage));
    let bearer = format!("Bearer {}", get("OPENAI_API_KEY"));
    findings.push(models(&get("OPENAI_BASE_URL"), &bearer).await);
    let voices = fetch(
        &format!("{}/v1/voices", get("ELEVENLABS_BASE_URL")),
        &[("xi-api-key", &get("ELEVENLABS_API_KEY"))],
    )
    .await;
    findings.push(Finding::new("ElevenLabs responding", voices.map(drop)));
    let health = fetch(&format!("{}/api/v1/health", get("API_URL")), &[]).await;
    findings.push(Finding::new("API health", health.map(drop)));
    findings
}

/// How many jobs wait, and for how long the oldest that could be claimed has.
async fn queue(rest: &str, key: &str) -> Finding {
    let url = format!(
        "{rest}/asset_generation_jobs?select=claim_order,available_at&status=eq.queued&inputs_settled=is.true&order=available_at&limit=1000"
    );
    match fetch(&url, &[("apikey", key)]).await {
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
            let stuck = age > 180;
            Finding::new(
                what,
                if stuck {
                    Err("nothing claims them: is the asset worker running?".to_owned())
                } else {
                    Ok(())
                },
            )
        }
    }
}

/// The configured models are alive, and say so if they end soon.
async fn models(base: &str, bearer: &str) -> Finding {
    let what = "OpenAI responding, its configured models alive";
    match fetch(&format!("{base}/models"), &[("authorization", bearer)]).await {
        Err(problem) => Finding::new(what, Err(problem)),
        Ok(list) => {
            let known = |model: &str| {
                list["data"]
                    .as_array()
                    .is_some_and(|all| all.iter().any(|one| one["id"] == model))
            };
            let settings = [
                ("OPENAI_TEXT_MODEL", "gpt-5.2"),
                ("OPENAI_ANALYSIS_MODEL", "gpt-5.2"),
                ("OPENAI_IMAGE_MODELS", "gpt-image-2.5-sunburst,gpt-image-2"),
            ];
            let configured = settings.map(|(name, default)| {
                environment::variable(name).unwrap_or_else(|| default.to_owned())
            });
            let mut gone: Vec<_> = configured
                .iter()
                .flat_map(|models| models.split(','))
                .map(str::trim)
                .filter(|model| !model.is_empty() && !known(model))
                .collect();
            gone.dedup();
            Finding::new(
                what,
                if gone.is_empty() {
                    Ok(())
                } else {
                    Err(format!("unknown or retired: {}", gone.join(", ")))
                },
            )
        }
    }
}

async fn fetch(url: &str, headers: &[(&str, &str)]) -> Result<Value, String> {
    let mut request = reqwest::Client::new()
        .get(url)
        .timeout(Duration::from_secs(10));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = request
        .send()
        .await
        .map_err(|error| format!("no answer ({})", error.without_url()))?;
    let status = response.status();
    if !status.is_success() {
        return Err(format!("HTTP {}", status.as_u16()));
    }
    Ok(response.json().await.unwrap_or(Value::Null))
}
