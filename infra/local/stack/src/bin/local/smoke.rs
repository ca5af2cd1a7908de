//! `cargo local smoke`: a story against a deployed stack, or against the one that is up here.

use super::Outcome;
use operate::smoke::{self, Target};
use stack::{command::interruptible, environment, home::Home};

/// What the user typed; the rest comes from the environment.
#[derive(Debug, clap::Args)]
pub(super) struct Smoke {
    /// Where the API is: output ApiUrl of the stack
    #[arg(long, value_name = "URL")]
    api: String,
    /// Commit the API must have been built from
    #[arg(long)]
    commit: Option<String>,
}

pub(super) async fn run(smoke: Smoke) -> Outcome {
    let target = target(smoke)?;
    let tell = |line: &str| println!("  {line}");
    interruptible(smoke::run(&target, &tell)).await
}

/// Keys of the environment; those of the local stack where that is meant and they are not there.
fn target(smoke: Smoke) -> Result<Target, Box<dyn std::error::Error + Send + Sync>> {
    let home = Home::open(stack::home::workspace().join(".local"))?;
    let here = home.running().unwrap_or_default();
    let is_here = here.get("API_URL").map(String::as_str) == Some(smoke.api.trim_end_matches('/'));
    let find = |name: &str| {
        let local = is_here.then(|| here.get(name).cloned()).flatten();
        environment::variable(name).or(local)
    };
    let required = |name: &str| {
        find(name).ok_or_else(|| format!("{name} is not set: docs/RUNBOOK.md, \"Smoke test\""))
    };
    let service_role_key = required("SUPABASE_SERVICE_ROLE_KEY")?;
    Ok(Target {
        supabase_url: required("SUPABASE_URL")?,
        // Row-level security goes by the user's token; the key only opens the door.
        anon_key: find("SUPABASE_ANON_KEY").unwrap_or_else(|| service_role_key.clone()),
        service_role_key,
        api: smoke.api,
        commit: smoke.commit,
    })
}
