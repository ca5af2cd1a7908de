//! How a stack is started: its folder, ports, build, faults and schedules, and what of it the environment says.

use std::{collections::BTreeMap, ops::RangeInclusive, path::PathBuf, time::Duration};

use supabase::trouble::Trouble;

use crate::{environment, functions::Profile, home, ports::Ports, report::Reporter};

/// How a stack is started.
#[derive(Clone, Debug)]
pub struct StackOptions {
    pub workspace: PathBuf,
    /// The stack's own folder.
    pub home: PathBuf,
    pub ports: Ports,
    pub profile: Profile,
    /// `STANDIN_LATENCY_MS`.
    pub latency: Option<String>,
    /// `STANDIN_FAULTS`.
    pub faults: Option<String>,
    /// `LAMBDA_DUPLICATE_RATE`, 0 to 1.
    pub duplicate_rate: f64,
    /// `LOCAL_SCHEDULE_SECONDS`.
    pub schedule: Option<Duration>,
    /// The functions under `cargo lambda watch` instead of in processes of the emulator: this program of it.
    pub watch: Option<PathBuf>,
    /// Stories that one process of the content agent makes at once.
    pub at_once: usize,
    /// Settings of the functions that win over everything else.
    pub overrides: BTreeMap<String, String>,
    pub reporter: Reporter,
}

impl StackOptions {
    /// The stack of this workspace on the documented ports, configured by the environment.
    pub fn from_environment(reporter: Reporter) -> Result<Self, Trouble> {
        let workspace = home::workspace();
        Ok(Self {
            home: workspace.join(".local"),
            workspace,
            ports: Ports::FIXED,
            profile: Profile::DevShared,
            latency: environment::variable("STANDIN_LATENCY_MS"),
            faults: environment::variable("STANDIN_FAULTS"),
            duplicate_rate: number("LAMBDA_DUPLICATE_RATE", 0.0..=1.0)?.unwrap_or(0.0),
            schedule: number("LOCAL_SCHEDULE_SECONDS", 0.05..=86_400.0)?
                .map(Duration::from_secs_f64),
            watch: None,
            at_once: 1,
            overrides: BTreeMap::new(),
            reporter,
        })
    }
}

fn number(name: &str, range: RangeInclusive<f64>) -> Result<Option<f64>, Trouble> {
    let Some(text) = environment::variable(name) else {
        return Ok(None);
    };
    match text.parse() {
        Ok(value) if range.contains(&value) => Ok(Some(value)),
        _ => Err(Trouble::new(format!(
            "{name} is not usable: `{text}` is no number from {} to {}",
            range.start(),
            range.end()
        ))),
    }
}
