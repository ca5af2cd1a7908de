//! The stack every black-box test shares: started by the first test that needs it, stopped after the last.

use stack::{
    functions::Profile,
    home::Home,
    ports::Ports,
    report::Reporter,
    stack::{Stack, StackOptions},
};
use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex, Weak},
    time::{Duration, Instant},
};
use tokio::runtime::Runtime;

/// A running stack with the runtime it runs on.
pub(crate) struct Shared {
    runtime: Option<Runtime>,
    stack: Option<Stack>,
}

impl Shared {
    pub(crate) fn stack(&self) -> &Stack {
        self.stack.as_ref().expect("there until dropped")
    }

    /// Runs a test on the stack's runtime; none may take longer than two minutes.
    pub(crate) fn run<T>(&self, test: impl Future<Output = T>) -> T {
        self.run_within(Duration::from_secs(120), test)
    }

    /// The same for a test of many parts.
    pub(crate) fn run_within<T>(&self, limit: Duration, test: impl Future<Output = T>) -> T {
        let runtime = self.runtime.as_ref().expect("there until dropped");
        runtime.block_on(async {
            tokio::time::timeout(limit, test)
                .await
                .unwrap_or_else(|_| panic!("within {} s", limit.as_secs()))
        })
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let (Some(runtime), Some(stack)) = (self.runtime.take(), self.stack.take()) {
            runtime.block_on(stack.stop());
        }
    }
}

static RUNNING: Mutex<Weak<Shared>> = Mutex::new(Weak::new());

/// The shared stack: quick stand-ins, schedules that hardly ever tick.
pub(crate) fn shared() -> Arc<Shared> {
    // A test that panicked while starting the stack leaves nothing behind that another could not start again.
    let mut running = RUNNING
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(shared) = running.upgrade() {
        return shared;
    }
    let shared = Arc::new(start(&options("shared")));
    *running = Arc::downgrade(&shared);
    shared
}

/// A stack of a test's own, for settings that would disturb the others.
pub(crate) fn own(name: &str, change: impl FnOnce(&mut StackOptions)) -> Shared {
    let mut options = options(name);
    change(&mut options);
    start(&options)
}

fn options(name: &str) -> StackOptions {
    StackOptions {
        workspace: stack::home::workspace(),
        home: Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("stack-{name}")),
        ports: Ports::free().expect("free ports"),
        profile: Profile::Dev,
        latency: Some("text=60,image=120,speech=90".to_owned()),
        faults: None,
        duplicate_rate: 0.0,
        schedule: Some(Duration::from_secs(3600)),
        watch: None,
        at_once: 1,
        overrides: BTreeMap::new(),
        reporter: Reporter::Silent,
    }
}

fn start(options: &StackOptions) -> Shared {
    // The stand-ins number their calls from one again, so rows of an earlier run would pass for calls of this one.
    let _ = std::fs::remove_dir_all(&options.home);
    let runtime = Runtime::new().expect("a runtime");
    let stack = runtime.block_on(async {
        let patience = Instant::now() + Duration::from_secs(30);
        let home = Home::open(options.home.clone()).expect("a folder");
        // The last test before this one is still stopping the stack it shared.
        while home.lock().expect("a lock").is_none() && Instant::now() < patience {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Stack::start(options).await.expect("the stack starts")
    });
    Shared {
        runtime: Some(runtime),
        stack: Some(stack),
    }
}
