//! An execution environment that takes several invocations at once, as Lambda Managed Instances do: one process of the
//! content agent, before a Runtime API of its own.

use crate::{Context, Result, TestStack, stuck};
use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use std::{
    process::Stdio,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::{
    net::TcpListener,
    process::{Child, Command},
    sync::{Mutex, mpsc, watch},
    task::JoinHandle,
    time::timeout,
};
use uuid::Uuid;

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
            .route("/2018-06-01/runtime/invocation/{id}/response", post(done))
            .route(
                "/2018-06-01/runtime/invocation/{id}/error",
                post(failed_one),
            )
            .with_state(api);
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .context("start an environment of the content agent")?;
        let address = listener
            .local_addr()
            .context("start an environment of the content agent")?;
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
            .context("start an environment of the content agent")?;
        Ok(Self {
            child,
            server,
            events: sender,
            answered: watched,
        })
    }

    /// The process; 0 once it is gone.
    pub(super) fn pid(&self) -> u32 {
        self.child.id().unwrap_or(0)
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
    let deadline = SystemTime::now() + TIME_LIMIT;
    let deadline_ms = deadline
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_millis());
    let headers = [
        ("content-type", "application/json".to_owned()),
        ("lambda-runtime-aws-request-id", Uuid::new_v4().to_string()),
        ("lambda-runtime-deadline-ms", deadline_ms.to_string()),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:us-east-1:123456789012:function:content-agent".to_owned(),
        ),
    ];
    (headers, event).into_response()
}

async fn done(State(api): State<RuntimeApi>, Path(_id): Path<String>, _body: Bytes) -> StatusCode {
    api.answered.send_modify(|counts| counts.0 += 1);
    StatusCode::ACCEPTED
}

async fn failed_one(
    State(api): State<RuntimeApi>,
    Path(_id): Path<String>,
    _body: Bytes,
) -> StatusCode {
    api.answered.send_modify(|counts| {
        counts.0 += 1;
        counts.1 += 1;
    });
    StatusCode::ACCEPTED
}
