//! What every process needs before its first event: settings, telemetry, clients, deadlines, and how to call the others.

mod aws;
mod deadline;
mod diagnostic;
pub mod env;
mod fallen;
mod invoke;
mod shutdown;
mod telemetry;
mod tick;
mod tls;
mod variables;

pub use aws::{Aws, http_client};
pub use deadline::Deadline;
pub use diagnostic::{Boot, chain, failure, start};
pub use fallen::{BadRecord, Fallen};
pub use invoke::{DispatchedJob, Invoke, InvokeError, LambdaInvoker, Payload};
pub use shutdown::{AtWork, Shutdown};
pub use telemetry::init as init_telemetry;
pub use tick::{BadEvent, Tick};
pub use variables::{SettingError, Variables};
