//! One attempt to have a function handle one event: find or start a process, hand the event
//! over, hold it to its deadline, and write down what it cost.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::HeaderValue;
use jiff::Timestamp;
use tokio::{
    sync::{OwnedSemaphorePermit, oneshot},
    time::{sleep, sleep_until},
};
use uuid::Uuid;

use crate::lambda::{
    error::{FunctionFailure, InvokeError},
    function::Function,
    instance::{Instance, Order, Reply, Work},
    logs::LogSource,
    memory::Memory,
    metrics::{InvocationRecord, billed_ms},
    naming,
    state::Core,
};

/// How often the memory of a working process is looked at, when its limit is enforced.
const MEMORY_LOOK_EVERY: Duration = Duration::from_millis(100);

/// An event for a function. A copy is the same event delivered again.
#[derive(Debug, Clone)]
pub(crate) struct Invocation {
    pub(crate) request_id: String,
    pub(crate) payload: Bytes,
    pub(crate) trace_id: String,
    /// `X-Amz-Client-Context` as the caller sent it.
    pub(crate) client_context: Option<HeaderValue>,
}

impl Invocation {
    pub(crate) fn new(payload: Bytes) -> Self {
        Self {
            request_id: Uuid::new_v4().to_string(),
            payload,
            trace_id: naming::trace_id(Timestamp::now()),
            client_context: None,
        }
    }
}

/// A function's answer that is no error.
#[derive(Debug, Clone)]
pub(crate) struct Success {
    pub(crate) body: Bytes,
    /// The body is a prelude and an HTTP body, as `lambda_runtime` streams responses.
    pub(crate) is_http_stream: bool,
}

pub(crate) type Outcome = Result<Success, FunctionFailure>;

/// What a synchronous invocation led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvokeOutput {
    pub request_id: String,
    pub result: Result<Bytes, FunctionFailure>,
}

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
            let Some(instance) = function.take_idle() else {
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
            function.give_back(instance);
        }
        drop(permit);
        attempt.outcome
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
        let instance = match self.start_instance(function).await {
            Ok(instance) => instance,
            Err(why) => return (None, not_started(&why)),
        };
        if let Some(attempt) = self.attempt(&instance, invocation).await {
            return (Some(instance), attempt);
        }
        if let Some((body, error_type)) = crate::lambda::lock::lock(&instance.init_error).take() {
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
        let config = &instance.function.config;
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
            too_much = self.memory_exceeded(instance) => {
                memory = Some(too_much);
                instance.orders.send_replace(Order::Kill);
                Err(FunctionFailure::exited(request_id, &instance.exited().await))
            }
        };
        Attempt {
            outcome,
            duration: started.elapsed(),
            memory,
        }
    }

    /// Resolves when the process holds more than its share; never when nobody asked for that.
    async fn memory_exceeded(&self, instance: &Instance) -> Memory {
        if !self.config.enforce_memory {
            return std::future::pending().await;
        }
        loop {
            sleep(MEMORY_LOOK_EVERY).await;
            let limit_mb = f64::from(instance.function.config.memory_mb);
            if let Some(memory) = instance.memory().filter(|memory| memory.now_mb > limit_mb) {
                return memory;
            }
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
            if let Some(failure) = failure {
                self.log(instance, LogSource::Platform, failure.message.clone());
            }
            self.log(
                instance,
                LogSource::Platform,
                format!("END RequestId: {}", record.request_id),
            );
            self.log(instance, LogSource::Platform, record.report_line());
        }
        self.ledger.record(record, failure);
    }
}

fn settle(reply: Reply) -> Outcome {
    match reply {
        Reply::Answer {
            body,
            is_http_stream,
        } => Ok(Success {
            body,
            is_http_stream,
        }),
        Reply::Error { body, error_type } => {
            Err(FunctionFailure::reported(body, error_type.as_deref()))
        }
        Reply::TooLarge { limit } => Err(FunctionFailure::new(
            "Function.ResponseSizeTooLarge",
            format!("Response payload size exceeded maximum allowed payload size ({limit} bytes)."),
        )),
    }
}
