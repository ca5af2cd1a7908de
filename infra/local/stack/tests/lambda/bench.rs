//! The work bench of the tests: an emulator with one function, and a client that talks to it.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use reqwest::{Client, RequestBuilder, Response};
use serde_json::Value;
use stack::lambda::{Emulator, EmulatorConfig, FunctionConfig};
use tokio::net::TcpListener;

/// Longer than anything here takes, short enough to notice that it never comes.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) struct Bench {
    pub(crate) emulator: Emulator,
    pub(crate) client: Client,
}

impl Bench {
    /// An emulator with the function `probe`, after `adjust` has changed what a test is about.
    pub(crate) async fn start(adjust: impl FnOnce(&mut EmulatorConfig)) -> Self {
        let mut config = EmulatorConfig {
            functions: vec![probe()],
            ..EmulatorConfig::default()
        };
        adjust(&mut config);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let emulator = Emulator::start(config, listener).await.unwrap();
        Self {
            emulator,
            client: Client::new(),
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.emulator.address())
    }

    pub(crate) fn call(&self, name: &str, payload: &Value) -> RequestBuilder {
        let path = format!("/2015-03-31/functions/{name}/invocations");
        self.client.post(self.url(&path)).body(payload.to_string())
    }

    pub(crate) async fn invoke(&self, payload: Value) -> Response {
        self.call("probe", &payload).send().await.unwrap()
    }

    pub(crate) async fn send_event(&self, payload: Value) -> Response {
        self.call("probe", &payload)
            .header("X-Amz-Invocation-Type", "Event")
            .send()
            .await
            .unwrap()
    }

    /// Looks again and again until `look` finds something.
    pub(crate) async fn eventually<T>(
        &self,
        what: &str,
        look: impl Fn(&Emulator) -> Option<T>,
    ) -> T {
        let since = Instant::now();
        loop {
            if let Some(found) = look(&self.emulator) {
                return found;
            }
            assert!(since.elapsed() < PATIENCE, "waited in vain for {what}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub(crate) async fn settled(&self) {
        self.eventually("all events to be settled", |emulator| {
            (emulator.metrics().functions["probe"].events.unsettled == 0).then_some(())
        })
        .await;
    }
}

pub(crate) fn probe() -> FunctionConfig {
    FunctionConfig::new("probe", "storytailor-probe-production", probe_program())
}

fn probe_program() -> PathBuf {
    example("probe_function")
}

/// Cargo builds examples together with tests, into the directory beside theirs.
pub(crate) fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let profile = test.parent().and_then(|deps| deps.parent()).unwrap();
    let program = profile.join("examples").join(name);
    assert!(
        program.is_file(),
        "run `cargo build -p stack --examples` first"
    );
    program
}

/// A path in the test's own directory that nothing else uses.
pub(crate) fn scratch(name: &str) -> PathBuf {
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(uuid::Uuid::new_v4().to_string());
    std::fs::create_dir_all(&dir).unwrap();
    dir.join(name)
}

/// Whether a process exists and is not merely waiting to be buried.
pub(crate) fn is_running(pid: u32) -> bool {
    let output = std::process::Command::new("ps")
        .args(["-o", "stat=", "-p", &pid.to_string()])
        .output();
    let state = String::from_utf8(output.unwrap().stdout).unwrap();
    !state.trim().is_empty() && !state.trim().starts_with('Z')
}

pub(crate) fn kill_9(pid: u64) {
    let status = std::process::Command::new("kill")
        .args(["-9", &pid.to_string()])
        .status();
    assert!(status.unwrap().success());
}
