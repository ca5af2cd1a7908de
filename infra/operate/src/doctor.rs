//! Whether everything is there that a story needs: settings, prices, and services that answer. Values of secrets are never
//! shown.

mod prices;
mod services;

use std::collections::BTreeMap;

/// A thing that was looked at.
#[derive(Debug, PartialEq, Eq)]
pub struct Finding {
    pub what: String,
    pub verdict: Verdict,
}

/// What was found.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    Fine,
    /// Nothing is wrong, but somebody may want to know.
    Note(String),
    Problem(String),
}

impl Finding {
    /// Fine, or the problem.
    pub fn new(what: impl Into<String>, found: Result<(), String>) -> Self {
        Self {
            what: what.into(),
            verdict: found.map_or_else(Verdict::Problem, |()| Verdict::Fine),
        }
    }

    /// With a note for whom it may concern.
    pub fn note(what: impl Into<String>, note: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            verdict: Verdict::Note(note.into()),
        }
    }
}

/// Names of the variables that are worth having for [`look_at_all`].
pub fn names() -> impl Iterator<Item = &'static str> {
    variables().map(|(name, _)| name).chain(FOR_CHECKS)
}

/// The variables that are looked at, one a line.
const VARIABLES: &str = include_str!("doctor/variables.txt");
/// What else a check needs where it is set.
const FOR_CHECKS: [&str; 5] = [
    "AWS_REGION",
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT_URL_SESV2",
    "ELEVENLABS_DEFAULT_VOICE",
    "EMAIL_FROM",
];

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

/// The entries of a setting that lists several.
fn listed(setting: &str) -> impl Iterator<Item = &str> {
    let entries = setting.split(',').map(str::trim);
    entries.filter(|entry| !entry.is_empty())
}

/// Looks at the settings, and at the services that they name.
pub async fn look_at_all(variables: &BTreeMap<String, String>) -> Vec<Finding> {
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
