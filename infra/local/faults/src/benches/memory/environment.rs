//! An execution environment that takes several invocations at once, as Lambda Managed Instances do: one process of the
//! content agent, before a Runtime API of its own.

use crate::{Context, Result, TestStack, stuck, unix_ms};
use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use stack::lambda::Memory;
use std::{
    process::Stdio,
    sync::Arc,
    time::{Duration, SystemTime},
};
use tokio::{
    net::TcpListener,
    process::{Child, Command},
    sync::{Mutex, mpsc, watch},
    task::JoinHandle,
    time::timeout,
};
use uuid::Uuid;

const ATTEMPTED: &str = "start an environment of the content agent";
/// The documented time limit of the content agent.
const TIME_LIMIT: Duration = Duration::from_secs(300);
/// What the template tells glibc: pictures that were freed go back to the system instead of staying in arenas.
const ALLOCATOR: [(&str, &str); 3] = [
    ("MALLOC_ARENA_MAX", "2"),
    ("MALLOC_MMAP_THRESHOLD_", "131072"),
    ("MALLOC_TRIM_THRESHOLD_", "131072"),
];

pub(super) struct Environment {
    child: Child,
    server: JoinHandle<()>,
    events: mpsc::UnboundedSender<String>,
    /// Invocations answered, and those that failed.
    answered: watch::Receiver<(usize, usize)>,
}

#[derive(Clone)]
struct RuntimeApi {
    events: Arc<Mutex<mpsc::UnboundedReceiver<String>>>,
    answered: watch::Sender<(usize, usize)>,
}

impl Environment {
    /// Starts `program`, a release binary, with the variables of this stack.
    pub(super) async fn start(
        stack: &TestStack,
        program: &std::path::Path,
        at_once: usize,
    ) -> Result<Self> {
        let (sender, receiver) = mpsc::unbounded_channel();
        let (answered, watched) = watch::channel((0, 0));
        let api = RuntimeApi {
            events: Arc::new(Mutex::new(receiver)),
            answered,
        };
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/{how}", post(answer))
            .with_state(api);
        let listener = TcpListener::bind("127.0.0.1:0").await.context(ATTEMPTED)?;
        let address = listener.local_addr().context(ATTEMPTED)?;
        let server = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "The Runtime API of the environment stopped");
            }
        });
        let child = Command::new(program)
            .env_clear()
            .envs(stack.variables())
            .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", "content-agent")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
            .env("AWS_LAMBDA_MAX_CONCURRENCY", at_once.to_string())
            .envs(ALLOCATOR)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context(ATTEMPTED)?;
        Ok(Self {
            child,
            server,
            events: sender,
            answered: watched,
        })
    }

    /// What its process holds; nothing once it is gone.
    pub(super) fn memory(&self) -> Memory {
        let memory = self.child.id().and_then(Memory::of_process);
        memory.unwrap_or_default()
    }

    /// Hands over all these events, and waits until every one is answered.
    pub(super) async fn work_on(
        &self,
        events: impl Iterator<Item = String>,
        within: Duration,
    ) -> Result<()> {
        let mut answered = self.answered.clone();
        let (already, _) = *answered.borrow_and_update();
        let mut wanted = already;
        for event in events {
            wanted += 1;
            self.events
                .send(event)
                .context("hand an event to the environment")?;
        }
        let all = answered.wait_for(|(answered, _)| *answered >= wanted);
        match timeout(within, all).await {
            Ok(Ok(counts)) if counts.1 == 0 => Ok(()),
            _ => stuck("the environment did not answer all of its events well"),
        }
    }

    pub(super) async fn stop(mut self) {
        let _ = self.child.kill().await;
        self.server.abort();
    }
}

async fn next(State(api): State<RuntimeApi>) -> Response {
    let Some(event) = api.events.lock().await.recv().await else {
        return StatusCode::GONE.into_response();
    };
    let deadline_ms = unix_ms(SystemTime::now() + TIME_LIMIT);
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("lambda-runtime-aws-request-id", Uuid::new_v4().to_string()),
        ("lambda-runtime-deadline-ms", format!("{deadline_ms:.0}")),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:us-east-1:123456789012:function:content-agent".to_owned(),
        ),
    ];
    (headers, event).into_response()
}

/// `response` or `error`.
async fn answer(
    State(api): State<RuntimeApi>,
    Path((_id, how)): Path<(String, String)>,
    _body: Bytes,
) -> StatusCode {
    api.answered.send_modify(|(answered, failed)| {
        *answered += 1;
        *failed += usize::from(how == "error");
    });
    StatusCode::ACCEPTED
}
