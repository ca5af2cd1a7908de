//! The four functions: how they are built, and what Lambda is told of each.

use crate::lambda::{FunctionConfig, Schedule};
use crate::{environment::ENVIRONMENT, report::Reporter};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use supabase::trouble::{Context as _, Trouble};
use tokio::process::Command;

/// The functions, with the limits of template.yaml: name, memory in MB, time limit in seconds, most at once, and how many are
/// started with the stack, so that the first request does not wait for a process.
const FUNCTIONS: [(&str, u32, u64, usize, usize); 4] = [
    ("universal-agent", 256, 10, 50, 1),
    ("content-agent", 256, 300, 400, 1),
    ("asset-worker", 256, 60, 50, 1),
    (RESCUER, 128, 60, 2, 0),
];
/// Who is told of the events that died or never ran.
const RESCUER: &str = "timeout-handler";
const RESCUED: [&str; 2] = ["content-agent", "asset-worker"];

/// Events older than this are given up on; the sweep finds their jobs.
const EVENT_AGE_MAX: Duration = Duration::from_secs(120);

/// Which build of the functions runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// Unoptimised, of the packages that are deployed.
    #[default]
    Dev,
    /// Unoptimised, of what `cargo local` was compiled from: a person who waits for a first story waits for no
    /// dependency twice.
    DevShared,
    /// As it is deployed.
    Release,
}

impl Profile {
    const fn folder(self) -> &'static str {
        match self {
            Self::Dev | Self::DevShared => "debug",
            Self::Release => "release",
        }
    }
}

pub fn deployed_name(function: &str) -> String {
    format!("storytailor-{function}-{ENVIRONMENT}")
}

/// Builds the four binaries and answers the folder they are in. Cargo's own progress goes to the terminal.
pub async fn build(
    workspace: &Path,
    profile: Profile,
    reporter: Reporter,
) -> Result<PathBuf, Trouble> {
    let mut command = inner_cargo();
    command
        .current_dir(workspace)
        .arg("build")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    match profile {
        Profile::Dev => {}
        // Features of dependencies are those of all packages that are named (the manifest says the rest).
        Profile::DevShared => {
            command.args(["--package", env!("CARGO_PKG_NAME")]);
        }
        Profile::Release => {
            command.arg("--release");
        }
    }
    for (name, ..) in FUNCTIONS {
        command.args(["--package", name, "--bin", name]);
    }
    if reporter == Reporter::Silent {
        command.arg("--quiet");
    }
    let no_cargo = "could not run `cargo`: is Rust installed (https://rustup.rs)?";
    if !command.status().await.context(no_cargo)?.success() {
        let why = "the functions do not compile; cargo says why above";
        return Err(Trouble::new(why));
    }
    let target = crate::environment::variable("CARGO_TARGET_DIR")
        .map_or_else(|| workspace.join("target"), PathBuf::from);
    Ok(target.join(profile.folder()))
}

/// Cargo inside `cargo run`, without what the outer one says of its own package: build scripts that look at it would run,
/// and compile, anew each time.
pub fn inner_cargo() -> Command {
    let mut command = Command::new("cargo");
    let of_a_package = "CARGO_PKG_ CARGO_MANIFEST CARGO_BIN CARGO_CRATE CARGO_PRIMARY";
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        let mut parts = of_a_package.split(' ');
        if parts.any(|part| text.starts_with(part)) || text == "CARGO" || text == "LD_LIBRARY_PATH"
        {
            command.env_remove(&name);
        }
    }
    command
}

/// What the emulator is told of each function.
pub fn configs(
    binaries: &Path,
    variables: &BTreeMap<String, String>,
    at_once: usize,
) -> Vec<FunctionConfig> {
    FUNCTIONS
        .map(
            |(name, memory_mb, seconds, max_concurrency, warm)| FunctionConfig {
                env: variables_of(name, variables),
                memory_mb,
                timeout: Duration::from_secs(seconds),
                max_concurrency,
                warm,
                at_once: if name == "content-agent" { at_once } else { 1 },
                max_event_age: EVENT_AGE_MAX,
                on_failure: RESCUED.contains(&name).then(|| RESCUER.to_owned()),
                ..FunctionConfig::new(name, &deployed_name(name), binaries.join(name))
            },
        )
        .into()
}

/// Lambda gives each role a session of its own. Here its token is the function's name, which tells who called.
fn variables_of(name: &str, variables: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut variables = variables.clone();
    variables.insert("AWS_SESSION_TOKEN".to_owned(), name.to_owned());
    variables
}

/// Both schedules, at the template's rates or every `LOCAL_SCHEDULE_SECONDS`.
pub fn schedules(every: Option<Duration>) -> Vec<Schedule> {
    let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
    [
        ("asset-worker", minutes(1)),
        ("timeout-handler", minutes(15)),
    ]
    .map(|(function, rate)| Schedule {
        function: function.to_owned(),
        rule_name: deployed_name(function),
        every: every.unwrap_or(rate),
    })
    .into()
}
