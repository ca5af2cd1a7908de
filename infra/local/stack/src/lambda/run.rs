//! One attempt to have a function handle one event: find or start a process, hand the event
//! over, hold it to its deadline, and write down what it cost.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use tokio::{
    sync::{OwnedSemaphorePermit, oneshot},
    time::{sleep, sleep_until},
};

use crate::lambda::{
    error::{FunctionFailure, InvokeError},
    function::Function,
    instance::{Instance, Order, Reply, Work},
    invocation::{Invocation, Outcome},
    logs::LogSource,
    memory::Memory,
    metrics::{InvocationRecord, billed_ms},
    state::Core,
};

struct Attempt {
    outcome: Outcome,
    duration: Duration,
    memory: Option<Memory>,
}

impl Core {
    /// Invokes and waits. Going away does not cancel the invocation, as on AWS.
    pub(crate) async fn invoke_and_wait(
        self: &Arc<Self>,
        function: &Arc<Function>,
        invocation: Invocation,
    ) -> Result<Outcome, InvokeError> {
        if self.is_stopping() {
            return Err(InvokeError::Stopping);
        }
        let Ok(permit) = Arc::clone(&function.permits).try_acquire_owned() else {
            self.ledger
                .change(&function.config.name, |totals| totals.throttles += 1);
            return Err(InvokeError::TooManyRequests);
        };
        let core = Arc::clone(self);
        let function = Arc::clone(function);
        let running = tokio::spawn(async move { core.run(&function, &invocation, permit).await });
        running.await.map_err(|_| InvokeError::Stopping)
    }

    /// Runs one invocation to its end while holding the room for it.
    pub(crate) async fn run(
        self: &Arc<Self>,
        function: &Arc<Function>,
        invocation: &Invocation,
        permit: OwnedSemaphorePermit,
    ) -> Outcome {
        let started_at = Timestamp::now();
        let (instance, attempt) = loop {
            if let Some(runner) = &self.config.runner {
                break (None, self.hand_on(runner, function, invocation).await);
            }
            let Some(instance) = self.idle.take(&function.config) else {
                break self.run_cold(function, invocation).await;
            };
            // A process that died while idle is no fault of this event.
            if let Some(attempt) = self.attempt(&instance, invocation).await {
                break (Some(instance), attempt);
            }
        };
        self.account(
            function,
            instance.as_deref(),
            invocation,
            started_at,
            &attempt,
        );
        if let Some(instance) = instance.filter(|instance| instance.is_alive()) {
            match self.faults.lock().always_cold == Some(&function.config.name) {
                true => drop(instance.orders.send_replace(Order::Terminate)),
                false => self.idle.give_back(instance),
            }
        }
        drop(permit);
        attempt.outcome
    }

    /// Has another program run the function; a failure is an HTTP 500 there.
    async fn hand_on(&self, runner: &str, function: &Function, invocation: &Invocation) -> Attempt {
        let started = Instant::now();
        let name = &function.config.name;
        let url = format!("{runner}/2015-03-31/functions/{name}/invocations");
        let request = self.http.post(url).body(invocation.payload.clone());
        let request = request.header("content-type", "application/json");
        let answered = async {
            let response = request.send().await?;
            Ok((response.status(), response.bytes().await?))
        };
        let outcome = answered.await.map_err(|error: reqwest::Error| {
            let why = error.without_url().to_string();
            FunctionFailure::exited(&invocation.request_id, &why)
        });
        Attempt {
            outcome: outcome.and_then(|(status, body)| match status.is_server_error() {
                true => Err(FunctionFailure::reported(body, None)),
                false => Ok(body),
            }),
            duration: started.elapsed(),
            memory: None,
        }
    }

    async fn run_cold(
        self: &Arc<Self>,
        function: &Arc<Function>,
        invocation: &Invocation,
    ) -> (Option<Arc<Instance>>, Attempt) {
        let not_started = |why: &str| Attempt {
            outcome: Err(FunctionFailure::not_started(
                &invocation.request_id,
                &function.config.name,
                why,
            )),
            duration: Duration::ZERO,
            memory: None,
        };
        let instance = match self.start_instance(function) {
            Ok(instance) => instance,
            Err(why) => return (None, not_started(&why)),
        };
        if let Some(attempt) = self.attempt(&instance, invocation).await {
            return (Some(instance), attempt);
        }
        if let Some((body, error_type)) = instance.init_error.lock().take() {
            let failure = FunctionFailure::reported(body, error_type.as_deref());
            return (None, not_started(&failure.to_string()));
        }
        let mut why = instance.exited().await;
        if instance.spawned_at.elapsed() >= self.config.init_timeout {
            why = format!(
                "it did not ask for work within {} s",
                self.config.init_timeout.as_secs_f64()
            );
        }
        if let Some(last_words) = instance.last_words() {
            why += &format!("; its last words: {last_words}");
        }
        (None, not_started(&why))
    }

    /// `None` when the process ended, or had to be ended, before it took the event.
    async fn attempt(
        self: &Arc<Self>,
        instance: &Instance,
        invocation: &Invocation,
    ) -> Option<Attempt> {
        let (started, taken) = oneshot::channel();
        let (reply, replied) = oneshot::channel();
        let work = Work {
            invocation: invocation.clone(),
            started,
            reply,
        };
        instance.work_in.try_send(work).ok()?;
        let started = tokio::select! {
            biased;
            Ok(started) = taken => started,
            _ = instance.exited() => return None,
            () = sleep(self.config.init_timeout) => {
                instance.orders.send_replace(Order::Kill);
                instance.exited().await;
                return None;
            }
        };
        Some(
            self.see_through(instance, invocation, started, replied)
                .await,
        )
    }

    /// Waits for the reply of a process that has the event.
    async fn see_through(
        &self,
        instance: &Instance,
        invocation: &Invocation,
        started: Instant,
        replied: oneshot::Receiver<Reply>,
    ) -> Attempt {
        let config = &instance.function;
        let request_id = &invocation.request_id;
        let mut memory = None;
        let outcome = tokio::select! {
            biased;
            Ok(reply) = replied => {
                memory = instance.memory();
                settle(reply)
            }
            how = instance.exited() => Err(FunctionFailure::exited(request_id, &how)),
            () = sleep_until((started + config.timeout).into()) => {
                memory = instance.memory();
                instance.orders.send_replace(Order::Kill);
                instance.exited().await;
                Err(FunctionFailure::timed_out(request_id, config.timeout))
            }
        };
        Attempt {
            outcome,
            duration: started.elapsed(),
            memory,
        }
    }

    fn account(
        &self,
        function: &Function,
        instance: Option<&Instance>,
        invocation: &Invocation,
        started_at: Timestamp,
        attempt: &Attempt,
    ) {
        let init = instance.and_then(Instance::take_init_duration);
        let failure = attempt.outcome.as_ref().err();
        let record = InvocationRecord {
            function: function.config.name.clone(),
            request_id: invocation.request_id.clone(),
            started_at,
            duration_ms: attempt.duration.as_secs_f64() * 1000.0,
            billed_ms: billed_ms(attempt.duration, init),
            init_ms: init.map(|init| init.as_secs_f64() * 1000.0),
            memory_mb: function.config.memory_mb,
            max_memory_mb: attempt.memory.map(|memory| memory.peak_mb),
            error_type: failure.map(|failure| failure.error_type.clone()),
        };
        if let Some(failure) = failure {
            let (function, request_id) = (&record.function, &record.request_id);
            tracing::warn!(
                function,
                request_id,
                "Function `{function}` failed: {failure}"
            );
        }
        if let Some(instance) = instance {
            let failed = failure.map(|failure| failure.message.clone());
            let end = format!("END RequestId: {}", record.request_id);
            for line in failed.into_iter().chain([end, record.report_line()]) {
                self.log(instance, LogSource::Platform, line);
            }
        }
        self.ledger.record(record, failure);
    }
}

fn settle(reply: Reply) -> Outcome {
    match reply {
        Reply::Answer(body) => Ok(body),
        Reply::Error { body, error_type } => {
            Err(FunctionFailure::reported(body, error_type.as_deref()))
        }
        Reply::TooLarge { limit } => Err(FunctionFailure::new(
            "Function.ResponseSizeTooLarge",
            format!("Response payload size exceeded maximum allowed payload size ({limit} bytes)."),
        )),
    }
}
