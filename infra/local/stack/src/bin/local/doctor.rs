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

/// The variables that are looked at, one a line.
const VARIABLES: &str = include_str!("doctor/variables.txt");
/// What else a check needs where it is set.
const FOR_CHECKS: [&str; 2] = ["AWS_REGION", "AWS_ENDPOINT_URL_S3"];

/// Names of variables, each with what stands behind it.
fn variables() -> impl Iterator<Item = (&'static str, &'static str)> {
    let lines = VARIABLES.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.split_once(' ').unwrap_or((line, "")))
}

/// What is set, else the value that holds then, else nothing.
fn setting<'v>(variables: &'v BTreeMap<String, String>, name: &str) -> &'v str {
    let set = variables.get(name).filter(|value| !value.is_empty());
    set.map(String::as_str).unwrap_or_else(|| {
        let mut known = self::variables().filter(|(known, _)| *known == name);
        let default = known.find_map(|(_, without)| without.strip_prefix("= "));
        default.unwrap_or_default()
    })
}

fn outside() -> BTreeMap<String, String> {
    if environment::variable("SUPABASE_URL").is_none() {
        return BTreeMap::new();
    }
    let names = variables().map(|(name, _)| name).chain(FOR_CHECKS);
    names
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

fn settings(set: &BTreeMap<String, String>) -> Vec<Finding> {
    let finding = |(name, without): (&'static str, &str)| match without.split_once(' ') {
        _ if set.contains_key(name) => Finding::new(name, Ok(())),
        Some((_, without)) => Finding::note(name, format!("not set: {without}")),
        None => Finding::new(name, Err("not set".to_owned())),
    };
    variables().map(finding).collect()
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
        let required = variables().filter(|(_, without)| without.is_empty());
        let required: Vec<&str> = required.map(|(name, _)| name).collect();
        assert!(problems(&required).is_empty());
        assert_eq!(
            problems(&required[..6]),
            ["CONTENT_AGENT_FUNCTION", "ASSET_WORKER_FUNCTION", "API_URL"]
        );
    }
}
