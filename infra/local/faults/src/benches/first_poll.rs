//! Starting a program as Lambda does, until it first asks for work: how long that takes, and what it holds by then.

use crate::prelude::*;
use stack::lambda::Memory;
use std::{path::Path, process::Stdio};
use tokio::{io::AsyncReadExt, net::TcpListener, process::Command, time::timeout};

/// A start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FirstPoll {
    /// From before the process exists to its request for the next event.
    pub(crate) milliseconds: f64,
    /// Resident at that moment; 0 where the system does not tell.
    pub(crate) resident_mb: f64,
}

/// Longer than any start that could be called one.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the four functions insist on; nothing listens at these addresses, so a start that connected would show.
const SETTINGS: [(&str, &str); 14] = [
    ("PATH", "/usr/local/bin:/usr/bin:/bin"),
    ("AWS_LAMBDA_FUNCTION_NAME", "bench"),
    ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
    ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
    ("AWS_REGION", "us-east-1"),
    ("AWS_ACCESS_KEY_ID", "local"),
    ("AWS_SECRET_ACCESS_KEY", "local-secret"),
    ("SUPABASE_URL", "http://127.0.0.1:9"),
    ("SUPABASE_SERVICE_ROLE_KEY", "sb_secret_bench"),
    ("ASSETS_BUCKET", "bench"),
    ("ASSETS_CDN_URL", "http://127.0.0.1:9/cdn"),
    ("OPENAI_API_KEY", "bench"),
    ("ELEVENLABS_API_KEY", "bench"),
    ("CONTENT_AGENT_FUNCTION", "content-agent"),
];

/// Runs `program` with `arguments` before a Runtime API that answers nothing, and ends it at its first request.
pub(crate) async fn first_poll(program: &Path, arguments: &[&str]) -> Result<FirstPoll> {
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .context("listen as a Runtime API")?;
    let address = listener.local_addr().context("listen as a Runtime API")?;
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_clear()
        .envs(SETTINGS)
        .env("ASSET_WORKER_FUNCTION", "asset-worker")
        .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    let began = Instant::now();
    let mut child = command.spawn().context("start a function")?;
    let never_asked = |how: String| {
        TrialError::Stuck(format!("{} never asked for work: {how}", program.display()))
    };
    let mut connection = tokio::select! {
        accepted = listener.accept() => accepted.context("listen as a Runtime API")?.0,
        ended = child.wait() => return Err(never_asked(format!("it ended, {ended:?}"))),
        () = tokio::time::sleep(PATIENCE) => return Err(never_asked(format!("{} s", PATIENCE.as_secs()))),
    };
    let mut request = [0; 512];
    timeout(PATIENCE, connection.read(&mut request))
        .await
        .map_err(|_| never_asked("it only connected".to_owned()))?
        .context("read what a function asks for")?;
    let milliseconds = began.elapsed().as_secs_f64() * 1000.0;
    if !String::from_utf8_lossy(&request).contains("/runtime/invocation/next") {
        return Err(never_asked("it asked for something else".to_owned()));
    }
    let memory = child.id().and_then(Memory::of_process).unwrap_or_default();
    child.kill().await.context("end a function")?;
    Ok(FirstPoll {
        milliseconds,
        resident_mb: memory.now_mb,
    })
}
