//! What the emulator is told once, at start: functions, schedules, limits and faults.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

/// Everything [`Emulator::start`](crate::lambda::Emulator::start) needs besides its listener.
///
/// `Default` gives the numbers of AWS and no functions, so that a caller names what differs.
#[derive(Debug, Clone)]
pub struct EmulatorConfig {
    pub functions: Vec<FunctionConfig>,
    /// Where another program runs the functions, as an address: invocations are handed to it, and no process is started.
    pub runner: Option<String>,
    /// Short or deployed name of the function that answers `/api/…` as its Function URL.
    pub url_function: Option<String>,
    pub schedules: Vec<Schedule>,
    /// Region of the ARNs, and `AWS_REGION` of the functions.
    pub region: String,
    /// Twelve digits, the account in the ARNs.
    pub account_id: String,
    pub faults: Faults,
    /// How long a new process may take to ask for its first event (AWS: 10 s).
    pub init_timeout: Duration,
    /// An instance idle for longer is stopped.
    pub idle_timeout: Duration,
    /// Directory of one log file per function, `<short name>.log`, appended to.
    pub log_dir: Option<PathBuf>,
    /// File that gets one JSON line per event given up on.
    pub dead_letter_file: Option<PathBuf>,
}

impl Default for EmulatorConfig {
    fn default() -> Self {
        Self {
            functions: Vec::new(),
            runner: None,
            url_function: None,
            schedules: Vec::new(),
            region: "us-east-1".to_owned(),
            account_id: "123456789012".to_owned(),
            faults: Faults::default(),
            init_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(300),
            log_dir: None,
            dead_letter_file: None,
        }
    }
}

/// One function: what to run and the limits it runs under.
#[derive(Debug, Clone)]
pub struct FunctionConfig {
    /// Short name, such as `asset-worker`; also the name of its log file.
    pub name: String,
    /// Name in the cloud, such as `storytailor-asset-worker-production`.
    pub deployed_name: String,
    /// The function's binary.
    pub program: PathBuf,
    /// Variables of the function. The process inherits nothing else from this one.
    pub env: BTreeMap<String, String>,
    /// Configured memory in MB (1 MB = 1,048,576 bytes), the factor of the GB-seconds.
    pub memory_mb: u32,
    /// A process still working after this long is killed.
    pub timeout: Duration,
    /// Most instances at once. 0 stops the function: calls are throttled, events dead-lettered.
    pub max_concurrency: usize,
    /// Instances started ahead of the first call and kept.
    pub warm: usize,
    /// Invocations one instance takes at once, as those of Lambda Managed Instances do.
    pub at_once: usize,
    /// An event that could not be delivered for this long is given up on (AWS: 60 s to 6 h).
    pub max_event_age: Duration,
    /// Short or deployed name of the function that is sent the record of every event given up on, as its on-failure
    /// destination. The dead letters keep the record in any case.
    pub on_failure: Option<String>,
}

impl FunctionConfig {
    /// A function of 128 MB with a timeout of 60 s and ten instances.
    pub fn new(name: &str, deployed_name: &str, program: impl Into<PathBuf>) -> Self {
        Self {
            name: name.to_owned(),
            deployed_name: deployed_name.to_owned(),
            program: program.into(),
            env: BTreeMap::new(),
            memory_mb: 128,
            timeout: Duration::from_secs(60),
            max_concurrency: 10,
            warm: 0,
            at_once: 1,
            max_event_age: Duration::from_secs(6 * 60 * 60),
            on_failure: None,
        }
    }
}

/// An EventBridge rule of the form `rate(…)` with one function as its target.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// Short or deployed name of the target.
    pub function: String,
    pub rule_name: String,
    /// The first tick comes after one period, as on AWS.
    pub every: Duration,
}

/// What goes wrong on purpose, mostly with `Event` invocations. Rates are shares from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Faults {
    /// Share of events delivered twice under one request id (`LAMBDA_DUPLICATE_RATE`).
    pub duplicate_rate: f64,
    /// The second delivery comes at a random moment within this many milliseconds of the first.
    pub duplicate_within_ms: u64,
    /// Share of events accepted with 202 and then lost.
    pub drop_rate: f64,
    /// Share of records that never reach their on-failure destination.
    pub lose_failure_rate: f64,
    /// The function, by its short name, of which no process works twice: none knows what went wrong before it.
    pub always_cold: Option<&'static str>,
}
