//! `cargo local doctor`: what works and what does not, a line each; values of secrets are never shown.

use super::Outcome;
use operate::doctor::{self, Finding, Verdict};
use stack::{environment, home::Home, tools::on_path};
use std::collections::BTreeMap;

pub(super) async fn run() -> Outcome {
    println!("Running System Diagnostics...\n");
    let home = Home::open(stack::home::workspace().join(".local"))?;
    let running = home.running();
    let mut findings = tools().await;
    match &running {
        Some(variables) => findings.extend(doctor::look_at_all(variables).await),
        None => println!(
            "  No local stack is up (`cargo local up` starts one): looking at the environment's own services.\n"
        ),
    }
    if running.is_none() {
        let outside = outside();
        if outside.is_empty() {
            println!("  SUPABASE_URL is not set either, so only tools are checked.\n");
        } else {
            findings.extend(doctor::look_at_all(&outside).await);
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
        match stand_ins::storyteller::speech::synthesiser().advice() {
            None => Finding::new("speech synthesiser", Ok(())),
            Some(advice) => Finding::note("speech synthesiser", advice),
        },
        tool("node", node),
        tool("python3", python),
    ]
}

fn outside() -> BTreeMap<String, String> {
    if environment::variable("SUPABASE_URL").is_none() {
        return BTreeMap::new();
    }
    doctor::names()
        .filter_map(|name| Some((name.to_owned(), environment::variable(name)?)))
        .collect()
}
