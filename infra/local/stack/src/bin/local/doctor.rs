//! `cargo local doctor`: what works and what does not, a line each; values of secrets are never shown.

mod prices;
mod services;

use super::Outcome;
use stack::{environment, home::Home, tools::on_path};
use std::collections::BTreeMap;

/// A thing that was looked at.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    what: String,
    verdict: Verdict,
}

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Fine,
    /// Nothing is wrong, but somebody may want to know.
    Note(String),
    Problem(String),
}

impl Finding {
    fn new(what: impl Into<String>, found: Result<(), String>) -> Self {
        Self {
            what: what.into(),
            verdict: found.map_or_else(Verdict::Problem, |()| Verdict::Fine),
        }
    }

    fn note(what: impl Into<String>, note: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            verdict: Verdict::Note(note.into()),
        }
    }
}

pub(super) async fn run() -> Outcome {
    println!("Running System Diagnostics...\n");
    let home = Home::open(stack::home::workspace().join(".local"))?;
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
        match &finding.verdict {
            Verdict::Fine => println!("  ✓ {}", finding.what),
            Verdict::Note(note) => println!("  · {}: {note}", finding.what),
            Verdict::Problem(problem) => {
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
    let postgres = stack::postgres::require_installed()
        .await
        .map_err(|error| error.to_string());
    let node = "needed for the front-end test: install Node.js 20 or later";
    let python = "needed for the template checks: install Python 3";
    vec![
        tool("cargo", "install Rust from https://rustup.rs"),
        Finding::new("postgres", postgres),
        match storyteller::speech::synthesiser().advice() {
            None => Finding::new("speech synthesiser", Ok(())),
            Some(advice) => Finding::note("speech synthesiser", advice),
        },
        tool("node", node),
        tool("python3", python),
    ]
}

/// What the functions cannot start or work without, and where the API is.
const REQUIRED: [&str; 9] = [
    "SUPABASE_URL",
    "SUPABASE_SERVICE_ROLE_KEY",
    "OPENAI_API_KEY",
    "ELEVENLABS_API_KEY",
    "ASSETS_BUCKET",
    "ASSETS_CDN_URL",
    "CONTENT_AGENT_FUNCTION",
    "ASSET_WORKER_FUNCTION",
    "API_URL",
];

/// What may be left out, and what is so then.
const OPTIONAL: [(&str, &str); 9] = [
    (
        "SUPABASE_ANON_KEY",
        "front ends need it, the functions do not",
    ),
    (
        "DATABASE_URL",
        "migrations and the runbook's SQL need it, the functions do not",
    ),
    ("OPENAI_BASE_URL", services::OPENAI),
    ("OPENAI_TEXT_MODEL", services::TEXT_MODEL),
    ("OPENAI_ANALYSIS_MODEL", services::TEXT_MODEL),
    ("OPENAI_IMAGE_MODELS", services::IMAGE_MODELS),
    ("ELEVENLABS_BASE_URL", services::ELEVENLABS),
    ("ELEVENLABS_MODEL", prices::SPEECH_MODEL),
    ("MODEL_PRICES", "the list prices hold"),
];

/// What else a check needs where it is set.
const FOR_CHECKS: [&str; 2] = ["AWS_REGION", "AWS_ENDPOINT_URL_S3"];

fn outside() -> BTreeMap<String, String> {
    if environment::variable("SUPABASE_URL").is_none() {
        return BTreeMap::new();
    }
    REQUIRED
        .into_iter()
        .chain(OPTIONAL.map(|(name, _)| name))
        .chain(FOR_CHECKS)
        .filter_map(|name| Some((name.to_owned(), environment::variable(name)?)))
        .collect()
}

async fn stack(variables: &BTreeMap<String, String>) -> Vec<Finding> {
    let mut findings = settings(variables);
    findings.push(Finding::new(
        "prices of the configured models",
        prices::look_up(variables),
    ));
    findings.extend(services::look_at_all(variables).await);
    findings
}

fn settings(variables: &BTreeMap<String, String>) -> Vec<Finding> {
    let is_set = |name: &str| variables.contains_key(name);
    let required = REQUIRED.into_iter().map(|name| {
        let found = is_set(name).then_some(());
        Finding::new(name, found.ok_or_else(|| "not set".to_owned()))
    });
    let optional = OPTIONAL.into_iter().map(|(name, without)| {
        if is_set(name) {
            Finding::new(name, Ok(()))
        } else {
            Finding::note(name, format!("not set: {without}"))
        }
    });
    required.chain(optional).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_left_out_is_no_problem_and_what_nothing_starts_without_is() {
        let problems = |names: &[&str]| {
            let variables = names
                .iter()
                .map(|name| ((*name).to_owned(), "x".to_owned()));
            settings(&variables.collect())
                .into_iter()
                .filter(|finding| matches!(finding.verdict, Verdict::Problem(_)))
                .map(|finding| finding.what)
                .collect::<Vec<_>>()
        };
        assert!(problems(&REQUIRED).is_empty());
        assert_eq!(
            problems(&REQUIRED[..6]),
            ["CONTENT_AGENT_FUNCTION", "ASSET_WORKER_FUNCTION", "API_URL"]
        );
    }
}
