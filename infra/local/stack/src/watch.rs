//! The developer loop: the functions under `cargo lambda watch`, with what it leaves out put in front of it.
//!
//! `cargo lambda watch` answers every invocation only when the function has, reports a function's error as HTTP 500, and
//! knows no schedules. This front accepts events at once, answers errors as Lambda does, and ticks.

use crate::{
    environment::{ENVIRONMENT, REGION},
    lambda::{naming, schedule::scheduled_event},
};
use axum::{
    Router,
    body::Bytes,
    extract::{Path, Request, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{any, post},
};
use serde_json::json;
use std::{
    path::{Path as FilePath, PathBuf},
    process::Stdio,
    time::Duration,
};
use tokio::{
    net::TcpListener,
    process::{Child, Command},
    task::JoinSet,
};

/// `cargo lambda watch` and the front before it.
pub struct Watch {
    process: Child,
    servers: JoinSet<()>,
}

/// The developer loop could not be started.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    #[error("could not start `cargo lambda watch`")]
    Start(#[source] std::io::Error),
    #[error("no port is free for `cargo lambda watch`")]
    Port(#[source] std::io::Error),
}

/// What the watch needs to know.
pub struct WatchConfig {
    pub workspace: PathBuf,
    /// The `cargo-lambda` program.
    pub cargo_lambda: PathBuf,
    /// dotenv file for the functions.
    pub env_file: PathBuf,
    /// Function and period of each schedule.
    pub schedules: Vec<(String, Duration)>,
}

#[derive(Clone)]
struct Front {
    http: reqwest::Client,
    /// Where `cargo lambda watch` listens.
    base: String,
}

/// The account in the events of schedules.
const ACCOUNT: &str = "123456789012";
/// Invocations of one function at a time; with one, a function that waits for another would wait for ever.
const CONCURRENCY: &str = "16";

impl Watch {
    pub fn start(config: &WatchConfig, listener: TcpListener) -> Result<Self, WatchError> {
        let port = crate::postgres::free_port().map_err(WatchError::Port)?;
        let process = spawn(config, port).map_err(WatchError::Start)?;
        let front = Front {
            http: reqwest::Client::new(),
            base: format!("http://127.0.0.1:{port}"),
        };
        let mut servers = JoinSet::new();
        for (function, every) in config.schedules.clone() {
            servers.spawn(tick(front.clone(), function, every));
        }
        let router = Router::new()
            .route("/2015-03-31/functions/{name}/invocations", post(invoke))
            .route("/api/{*path}", any(function_url))
            .with_state(front);
        servers.spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "The front of cargo lambda watch stopped");
            }
        });
        Ok(Self { process, servers })
    }

    pub async fn stop(mut self) {
        self.servers.shutdown().await;
        // Interrupt lets it end the functions it started; what does not end is killed when dropped.
        if let Some(pid) = self.process.id() {
            let _ = Command::new("kill")
                .args(["-INT", &pid.to_string()])
                .status()
                .await;
            let _ = tokio::time::timeout(Duration::from_secs(3), self.process.wait()).await;
        }
        let _ = self.process.kill().await;
    }
}

fn spawn(config: &WatchConfig, port: u16) -> std::io::Result<Child> {
    let tools = config
        .cargo_lambda
        .parent()
        .map(FilePath::to_owned)
        .unwrap_or_default();
    let path = std::env::join_paths(std::iter::once(tools).chain(std::env::split_paths(
        &crate::environment::variable("PATH").unwrap_or_default(),
    )))
    .unwrap_or_default();
    Command::new(&config.cargo_lambda)
        .current_dir(&config.workspace)
        .args([
            "lambda",
            "watch",
            "--invoke-address",
            "127.0.0.1",
            "--invoke-port",
            &port.to_string(),
        ])
        .args(["--concurrency", CONCURRENCY])
        .arg("--env-file")
        .arg(&config.env_file)
        .env("PATH", path)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .spawn()
}

/// `storytailor-asset-worker-production` and `asset-worker` are the same function.
fn short_name(name: &str) -> &str {
    let name = naming::bare_function_name(name);
    name.strip_prefix("storytailor-")
        .and_then(|name| name.strip_suffix(&format!("-{ENVIRONMENT}")))
        .unwrap_or(name)
}

impl Front {
    async fn forward(
        &self,
        function: &str,
        body: Bytes,
    ) -> Result<(StatusCode, Bytes), reqwest::Error> {
        // Lambda hands a function an empty object where the caller sent nothing.
        let body = if body.is_empty() {
            Bytes::from_static(b"{}")
        } else {
            body
        };
        let url = format!(
            "{}/2015-03-31/functions/{}/invocations",
            self.base,
            short_name(function)
        );
        let response = self
            .http
            .post(url)
            .header("content-type", "application/json")
            .body(body)
            .send()
            .await?;
        Ok((response.status(), response.bytes().await?))
    }
}

async fn invoke(
    State(front): State<Front>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let kind = headers
        .get("x-amz-invocation-type")
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or("RequestResponse");
    match kind {
        "DryRun" => StatusCode::NO_CONTENT.into_response(),
        "Event" => {
            tokio::spawn(async move {
                if let Err(error) = front.forward(&name, body).await {
                    tracing::error!(function = name, %error, "An event was lost");
                }
            });
            StatusCode::ACCEPTED.into_response()
        }
        _ => match front.forward(&name, body).await {
            Ok((StatusCode::INTERNAL_SERVER_ERROR, body)) => (
                StatusCode::OK,
                [("x-amz-function-error", "Unhandled")],
                body,
            )
                .into_response(),
            Ok((status, body)) => (status, body).into_response(),
            Err(error) => (
                StatusCode::BAD_GATEWAY,
                axum::Json(json!({"Message": error.without_url().to_string()})),
            )
                .into_response(),
        },
    }
}

async fn function_url(State(front): State<Front>, request: Request) -> Response {
    let path = request
        .uri()
        .path_and_query()
        .map_or("/", |path| path.as_str());
    let url = format!("{}/lambda-url/universal-agent{path}", front.base);
    let (parts, body) = request.into_parts();
    let mut forwarded = front.http.request(parts.method, url);
    for (name, value) in &parts.headers {
        if name != "host" && name != "content-length" {
            forwarded = forwarded.header(name, value);
        }
    }
    let Ok(body) = axum::body::to_bytes(body, 6 << 20).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    match forwarded.body(body).send().await {
        Err(_) => StatusCode::BAD_GATEWAY.into_response(),
        Ok(answer) => {
            let (status, headers) = (answer.status(), answer.headers().clone());
            let mut response = (status, answer.bytes().await.unwrap_or_default()).into_response();
            for (name, value) in &headers {
                if name != "content-length" && name != "transfer-encoding" {
                    response.headers_mut().insert(name, value.clone());
                }
            }
            response
        }
    }
}

async fn tick(front: Front, function: String, every: Duration) {
    let mut ticks = tokio::time::interval(every);
    ticks.tick().await;
    loop {
        ticks.tick().await;
        let event = scheduled_event(&function, REGION, ACCOUNT);
        if let Err(error) = front.forward(&function, event.to_string().into()).await {
            tracing::warn!(function, %error, "A tick was lost");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_known_by_its_short_and_its_deployed_name_and_its_arn() {
        for name in [
            "asset-worker",
            "storytailor-asset-worker-production",
            "arn:aws:lambda:us-east-1:123456789012:function:storytailor-asset-worker-production",
        ] {
            assert_eq!(short_name(name), "asset-worker");
        }
    }
}
