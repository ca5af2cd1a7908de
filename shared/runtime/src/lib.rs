//! What every process needs before its first event: settings, telemetry, clients, deadlines, and how to call the others.

mod aws;
mod deadline;
mod diagnostic;
pub mod env;
mod invoke;
mod panics;
mod public_web;
pub mod release;
mod sealing;
mod shutdown;
pub mod signing;
mod telemetry;
mod tls;
mod variables;

pub use aws::{Aws, SdkHttp, http_client};
pub use deadline::Deadline;
pub use diagnostic::{Boot, chain, failure, start};
pub use invoke::{Invoke, InvokeError, LambdaInvoker};
pub use public_web::{PublicAnswer, PublicWeb, PublicWebError};
pub use sealing::{NotOpened, SealingKeys};
pub use shutdown::{AtWork, Shutdown};
pub use telemetry::{errors_sent, init as init_telemetry, invoked, report_errors};
pub use variables::{SettingError, Variables};
