//! One process of a function, from its start to its exit.

use std::{
    collections::VecDeque,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use jiff::Timestamp;
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot, watch};
use uuid::Uuid;

use crate::lambda::{config::FunctionConfig, invocation::Invocation, memory::Memory, naming};

/// Lines of a process kept for the sentence that explains why it ended.
const LAST_WORDS_MAX: usize = 4;

/// What the process said at the end of an invocation.
#[derive(Debug)]
pub(crate) enum Reply {
    Answer(Bytes),
    Error {
        body: Bytes,
        error_type: Option<String>,
    },
    TooLarge {
        limit: usize,
    },
}

/// An invocation on its way to a process.
pub(crate) struct Work {
    pub(crate) invocation: Invocation,
    /// Told the moment the process took the event; its deadline counts from there.
    pub(crate) started: oneshot::Sender<Instant>,
    pub(crate) reply: oneshot::Sender<Reply>,
}

/// An invocation a process is working on.
pub(crate) struct Current {
    pub(crate) request_id: String,
    pub(crate) payload: Bytes,
    pub(crate) reply: oneshot::Sender<Reply>,
}

/// How a process is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Live,
    /// SIGTERM, then SIGKILL after a grace period.
    Terminate,
    Kill,
}

pub(crate) struct Instance {
    /// Unguessable part of the address of this process's Runtime API.
    pub(crate) token: String,
    pub(crate) log_stream: String,
    pub(crate) function: Arc<FunctionConfig>,
    pub(crate) spawned_at: Instant,
    pid: OnceLock<u32>,
    ready_after: OnceLock<Duration>,
    worked_before: AtomicBool,
    pub(crate) work_in: mpsc::Sender<Work>,
    pub(crate) work_out: tokio::sync::Mutex<mpsc::Receiver<Work>>,
    pub(crate) current: Mutex<Vec<Current>>,
    pub(crate) init_error: Mutex<Option<(Bytes, Option<String>)>>,
    last_words: Mutex<VecDeque<String>>,
    pub(crate) orders: watch::Sender<Order>,
    /// How the process ended, once it has.
    pub(crate) exit: watch::Sender<Option<String>>,
}

impl Instance {
    pub(crate) fn new(function: Arc<FunctionConfig>) -> Self {
        let (work_in, work_out) = mpsc::channel(function.at_once.max(1));
        Self {
            token: Uuid::new_v4().simple().to_string(),
            log_stream: naming::log_stream(Timestamp::now()),
            function,
            spawned_at: Instant::now(),
            pid: OnceLock::new(),
            ready_after: OnceLock::new(),
            worked_before: AtomicBool::new(false),
            work_in,
            work_out: tokio::sync::Mutex::new(work_out),
            current: Mutex::default(),
            init_error: Mutex::default(),
            last_words: Mutex::default(),
            orders: watch::Sender::new(Order::Live),
            exit: watch::Sender::new(None),
        }
    }

    pub(crate) fn set_pid(&self, pid: u32) {
        let _ = self.pid.set(pid);
    }

    pub(crate) fn pid(&self) -> Option<u32> {
        self.pid.get().copied()
    }

    pub(crate) fn is_alive(&self) -> bool {
        self.exit.borrow().is_none() && *self.orders.borrow() == Order::Live
    }

    /// Resolves with the way the process ended.
    pub(crate) async fn exited(&self) -> String {
        let mut exit = self.exit.subscribe();
        match exit.wait_for(Option::is_some).await {
            Ok(how) => how.clone().unwrap_or_default(),
            Err(_) => "Runtime exited without providing a reason".to_owned(),
        }
    }

    /// The process asked for work; the first time ends its start.
    pub(crate) fn asked_for_work(&self) {
        self.ready_after.get_or_init(|| self.spawned_at.elapsed());
    }

    /// Time the start took, for the first caller only: it is reported and billed once.
    pub(crate) fn take_init_duration(&self) -> Option<Duration> {
        let ready_after = *self.ready_after.get()?;
        (!self.worked_before.swap(true, Ordering::Relaxed)).then_some(ready_after)
    }

    pub(crate) fn memory(&self) -> Option<Memory> {
        Memory::of_process(*self.pid.get()?)
    }

    /// What it works on; the eldest where that is several.
    pub(crate) fn current_request_id(&self) -> Option<String> {
        let current = self.current.lock();
        current.first().map(|current| current.request_id.clone())
    }

    /// Ends the invocation `request_id`. `false` when the process is not working on it.
    pub(crate) fn finish(&self, request_id: &str, reply: Reply) -> bool {
        let mut current = self.current.lock();
        let at = current
            .iter()
            .position(|working| working.request_id == request_id);
        if let Some(at) = at {
            // The invoker may have given up, which is its own affair.
            let _ = current.remove(at).reply.send(reply);
        }
        at.is_some()
    }

    pub(crate) fn hear(&self, line: &str) {
        let mut last_words = self.last_words.lock();
        if last_words.len() == LAST_WORDS_MAX {
            last_words.pop_front();
        }
        last_words.push_back(line.to_owned());
    }

    /// The last lines it printed, on one line.
    pub(crate) fn last_words(&self) -> Option<String> {
        let last_words = self.last_words.lock();
        (!last_words.is_empty())
            .then(|| Vec::from_iter(last_words.iter().map(String::as_str)).join(" / "))
    }

    pub(crate) fn view(&self) -> InstanceView {
        let activity = match self.current_request_id() {
            Some(request_id) => InstanceActivity::Busy { request_id },
            None if self.ready_after.get().is_some() => InstanceActivity::Idle,
            None => InstanceActivity::Starting,
        };
        InstanceView {
            function: self.function.name.clone(),
            pid: self.pid.get().copied(),
            activity,
        }
    }
}

/// A process as others see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceView {
    /// Short name of the function.
    pub function: String,
    /// Absent for the moment before the process exists.
    pub pid: Option<u32>,
    pub activity: InstanceActivity,
}

/// What a process is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InstanceActivity {
    Starting,
    Idle,
    Busy { request_id: String },
}
