//! AWS Lambda and EventBridge for a developer's machine: runs the unmodified function binaries
//! as child processes, with the queue, the deadlines and the failures they will meet in the cloud.
//!
//! Where it differs from AWS: an event that finds every instance busy waits for the next free one;
//! a process is not frozen between invocations; memory is measured and not limited; signatures,
//! permissions, layers, SnapStart, streamed responses, client contexts and the log tail of `Invoke`
//! are not there. Where another program runs the functions (`runner`), their time limits are its business.

mod api;
mod body;
mod config;
mod dead_letters;
mod emulator;
mod error;
mod function;
mod function_url;
mod guardian;
mod instance;
mod invocation;
mod logs;
mod memory;
mod metrics;
mod naming;
mod pool;
mod process;
mod queue;
mod run;
mod schedule;
mod state;

pub use config::{EmulatorConfig, Faults, FunctionConfig, Schedule};
pub use emulator::Emulator;
pub use error::{FunctionFailure, InvokeError};
pub use instance::{InstanceActivity, InstanceView};
pub use logs::{LogLine, LogSource};
pub use memory::Memory;
pub use metrics::{EventMetrics, FunctionMetrics, InvocationRecord, Metrics};
