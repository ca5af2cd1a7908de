//! Starting a function's process, listening to it, and seeing it off.

use std::{
    io,
    process::{ExitStatus, Stdio},
    sync::Arc,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, BufReader},
    process::{Child, Command},
    task::JoinHandle,
    time::timeout,
};

use crate::lambda::{
    function::Function,
    instance::{Instance, Order},
    logs::{LogLine, LogSource},
    state::Core,
};

/// Between SIGTERM and SIGKILL, for a process without work.
const TERMINATION_GRACE: Duration = Duration::from_millis(500);
/// The same for one at work (AWS gives 2 s in all to a function with extensions).
const TERMINATION_GRACE_AT_WORK: Duration = Duration::from_secs(2);
/// For the last lines of a process that has ended.
const LAST_LINES_WAIT: Duration = Duration::from_millis(200);

impl Core {
    /// Starts a process of `function`. It works once it has asked for work.
    ///
    /// # Errors
    /// A sentence saying why there is no process.
    pub(crate) fn start_instance(
        self: &Arc<Self>,
        function: &Arc<Function>,
    ) -> Result<Arc<Instance>, String> {
        let program = &function.config.program;
        if !program.is_file() {
            return Err(format!("there is no program at {}", program.display()));
        }
        let instance = Arc::new(Instance::new(Arc::clone(&function.config)));
        // Known before it runs, because its first call may come before `spawn` returns.
        self.admit(&instance)?;
        match self.command(&instance).spawn() {
            Ok(child) => {
                self.watch(&instance, child);
                for _ in 1..function.config.at_once {
                    self.idle.give_back(Arc::clone(&instance));
                }
                Ok(instance)
            }
            Err(error) => {
                self.forget(&instance);
                Err(format!("{} could not be run: {error}", program.display()))
            }
        }
    }

    fn command(&self, instance: &Instance) -> Command {
        let config = &instance.function;
        let mut command = Command::new(&config.program);
        // On AWS this is a bare host and port. An address with a path needs its scheme, or
        // `lambda_runtime` takes it for a malformed URL.
        let runtime_api = format!("http://{}/.rt/{}", self.runtime_api, instance.token);
        command.env_clear();
        // What a function may set for itself, then what Lambda reserves.
        command.env("PATH", "/usr/local/bin:/usr/bin:/bin:/opt/bin");
        command.env("LANG", "en_US.UTF-8").env("TZ", ":UTC");
        command.env("AWS_LAMBDA_LOG_FORMAT", "JSON");
        command.envs(&config.env);
        if let Some(directory) = config.program.parent() {
            command.env("LAMBDA_TASK_ROOT", directory);
        }
        command
            .env("_HANDLER", "bootstrap")
            .env("AWS_REGION", &self.config.region)
            .env("AWS_DEFAULT_REGION", &self.config.region)
            .env("AWS_LAMBDA_FUNCTION_NAME", &config.deployed_name)
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env(
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
                config.memory_mb.to_string(),
            )
            .env(
                "AWS_LAMBDA_LOG_GROUP_NAME",
                format!("/aws/lambda/{}", config.deployed_name),
            )
            .env("AWS_LAMBDA_LOG_STREAM_NAME", &instance.log_stream)
            .env("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")
            .env("AWS_LAMBDA_RUNTIME_API", runtime_api)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(self.guardian.group())
            .kill_on_drop(true);
        if config.at_once > 1 {
            command.env("AWS_LAMBDA_MAX_CONCURRENCY", config.at_once.to_string());
        }
        command
    }

    fn watch(self: &Arc<Self>, instance: &Arc<Instance>, mut child: Child) {
        if let Some(pid) = child.id() {
            instance.set_pid(pid);
        }
        let stdout = child
            .stdout
            .take()
            .map(|pipe| self.listen(instance, pipe, LogSource::Stdout));
        let stderr = child
            .stderr
            .take()
            .map(|pipe| self.listen(instance, pipe, LogSource::Stderr));
        let core = Arc::clone(self);
        let instance = Arc::clone(instance);
        tokio::spawn(async move {
            let status = see_off(&core, &instance, &mut child).await;
            for listener in [stdout, stderr].into_iter().flatten() {
                let _ = timeout(LAST_LINES_WAIT, listener).await;
            }
            core.forget(&instance);
            instance.exit.send_replace(Some(describe_exit(status)));
        });
    }

    fn listen(
        self: &Arc<Self>,
        instance: &Arc<Instance>,
        pipe: impl AsyncRead + Send + Unpin + 'static,
        source: LogSource,
    ) -> JoinHandle<()> {
        let core = Arc::clone(self);
        let instance = Arc::clone(instance);
        tokio::spawn(async move {
            let mut reader = BufReader::new(pipe);
            let mut bytes = Vec::new();
            while matches!(reader.read_until(b'\n', &mut bytes).await, Ok(count) if count > 0) {
                let line = String::from_utf8_lossy(&bytes);
                let line = line.trim_end_matches(['\r', '\n']);
                instance.hear(line);
                core.log(&instance, source, line.to_owned());
                bytes.clear();
            }
        })
    }

    pub(crate) fn log(&self, instance: &Instance, source: LogSource, text: String) {
        self.logs.write(LogLine {
            function: instance.function.name.clone(),
            stream: instance.log_stream.clone(),
            request_id: instance.current_request_id(),
            source,
            text,
        });
    }
}

/// Waits for the end of the process, and brings it about when ordered to.
async fn see_off(core: &Core, instance: &Instance, child: &mut Child) -> io::Result<ExitStatus> {
    let mut own_orders = instance.orders.subscribe();
    let mut general_orders = core.orders.subscribe();
    let is_order = |order: &Order| *order != Order::Live;
    let order = tokio::select! {
        status = child.wait() => return status,
        Ok(order) = own_orders.wait_for(is_order) => *order,
        Ok(order) = general_orders.wait_for(is_order) => *order,
    };
    if order == Order::Terminate {
        let pid = child
            .id()
            .and_then(|pid| i32::try_from(pid).ok())
            .and_then(Pid::from_raw);
        if let Some(pid) = pid {
            // The child is not reaped yet, so the pid is still its own.
            let _ = kill_process(pid, Signal::TERM);
        }
        let grace = if instance.current_request_id().is_some() {
            TERMINATION_GRACE_AT_WORK
        } else {
            TERMINATION_GRACE
        };
        if let Ok(status) = timeout(grace, child.wait()).await {
            return status;
        }
    }
    child.start_kill()?;
    child.wait().await
}

/// The end of a process in the words Lambda uses.
fn describe_exit(status: io::Result<ExitStatus>) -> String {
    use std::os::unix::process::ExitStatusExt as _;
    let ended = status.map(|status| (status.code(), status.signal()));
    match ended.unwrap_or_default() {
        (Some(code @ 1..), _) => format!("Runtime exited with error: exit status {code}"),
        (_, Some(signal)) => {
            format!("Runtime exited with error: signal: {}", signal_name(signal))
        }
        _ => "Runtime exited without providing a reason".to_owned(),
    }
}

fn signal_name(signal: i32) -> String {
    match signal {
        6 => "aborted".to_owned(),
        9 => "killed".to_owned(),
        11 => "segmentation fault".to_owned(),
        15 => "terminated".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;

    use super::*;

    #[test]
    fn ends_are_worded_as_lambda_words_them() {
        let words = |raw| describe_exit(Ok(ExitStatus::from_raw(raw)));
        assert_eq!(words(9), "Runtime exited with error: signal: killed");
        assert_eq!(words(3 << 8), "Runtime exited with error: exit status 3");
        assert_eq!(words(0), "Runtime exited without providing a reason");
    }
}
