//! JSON log lines with their fields at the top level, so that Logs Insights can filter by `storyId`; what CloudWatch counts of
//! them, and what Sentry is told.

#[cfg(test)]
mod caught_lines;
mod fields;
mod json_lines;
mod metrics;
mod reports;

use crate::{SettingError, Variables, env};
use json_lines::JsonLines;
use metrics::Metrics;
use reports::Reports;
use std::{
    future::Future,
    sync::{Arc, OnceLock},
};
use tracing::Instrument;
use tracing_subscriber::{filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};

/// What this process sends to Sentry; one for all its threads, as the log is.
static REPORTS: OnceLock<Arc<Reports>> = OnceLock::new();

/// Our own crates, and the target of the pipeline's lines: these alone tell more at `debug`.
const OURS: [&str; 10] = [
    "AssetGenerationPipeline",
    "asset_worker",
    "content_agent",
    "domain",
    "providers",
    "render",
    "runtime",
    "store",
    "timeout_handler",
    "universal_agent",
];

/// Starts logging to standard output. The level is [`env::LOG_LEVEL`], `debug` where `DEBUG` is `true`, else
/// `AWS_LAMBDA_LOG_LEVEL`, `RUST_LOG` or `info`. A plain `debug` or `trace` is that of our own crates; HTTP and TLS libraries
/// are kept at `warn` whatever is said, because their debug lines would show headers; the Lambda runtime does not repeat an
/// invocation's error, which was logged where it was found.
pub fn init() {
    // Levels per target are enough, and ten times smaller than the filter that also reads spans.
    let filter: Targets = levels(variable)
        .parse()
        .unwrap_or_else(|_| Targets::new().with_default(tracing::Level::INFO));
    let lines = JsonLines::new(std::io::stdout)
        .counting(metrics_of(variable))
        .reporting(&REPORTS);
    // A second call comes from tests that start two functions in one process; the first subscriber stays.
    let _ = tracing_subscriber::registry()
        .with(filter)
        .with(lines)
        .try_init();
}

/// From now on errors are sent to Sentry as well, where `SENTRY_DSN` says so.
///
/// # Errors
/// When it is no DSN, or `SENTRY_SAMPLE_RATE` no share.
pub fn report_errors(function: &'static str, variables: &Variables) -> Result<(), SettingError> {
    if let Some(reports) = reports_of(function, variables)? {
        let _ = REPORTS.set(Arc::new(reports));
    }
    Ok(())
}

/// Settings of the log come from the environment alone: it starts before anything else is read.
fn variable(name: &str) -> Option<String> {
    #[expect(
        clippy::disallowed_methods,
        reason = "logging starts before settings are read"
    )]
    let value = std::env::var(name).ok()?.trim().to_owned();
    (!value.is_empty()).then_some(value)
}

fn levels(variable: impl Fn(&str) -> Option<String>) -> String {
    let is_on = |text: &String| text.eq_ignore_ascii_case("true") || text == "1";
    let debug = || variable(env::DEBUG).filter(is_on);
    let level = variable(env::LOG_LEVEL)
        .or_else(|| debug().map(|_| "debug".to_owned()))
        .or_else(|| variable("AWS_LAMBDA_LOG_LEVEL"))
        .or_else(|| variable("RUST_LOG"))
        .unwrap_or_else(|| "info".to_owned());
    let level = match level.to_ascii_lowercase().as_str() {
        more @ ("debug" | "trace") => {
            let ours = OURS.map(|target| format!("{target}={more}"));
            format!("info,{}", ours.join(","))
        }
        _ => level,
    };
    format!(
        "{level},hyper=warn,reqwest=warn,rustls=warn,h2=warn,aws=warn,aws_smithy_runtime=warn,lambda_runtime=warn,\
         lambda_runtime::layers::panic=off"
    )
}

fn metrics_of(variable: impl Fn(&str) -> Option<String>) -> Option<Metrics> {
    Some(Metrics {
        namespace: variable(env::METRICS_NAMESPACE)?,
        environment: variable(env::ENVIRONMENT).unwrap_or_else(|| "local".to_owned()),
    })
}

fn reports_of(
    function: &'static str,
    variables: &Variables,
) -> Result<Option<Reports>, SettingError> {
    let Some(dsn) = variables.parsed_optional(env::SENTRY_DSN)? else {
        return Ok(None);
    };
    let rate = variables.parsed_or(env::SENTRY_SAMPLE_RATE, 1.0)?;
    if !(0.0..=1.0).contains(&rate) {
        return Err(SettingError::Invalid {
            name: env::SENTRY_SAMPLE_RATE,
            problem: format!("{rate} is not between 0 and 1"),
        });
    }
    let environment = variables.optional(env::ENVIRONMENT).unwrap_or("local");
    Ok(Some(Reports::new(
        dsn,
        function,
        environment.to_owned(),
        rate,
    )))
}

/// Waits, a moment at most, until the errors of this process that are on their way to Sentry have arrived: before an answer
/// after which the process may be frozen.
pub async fn errors_sent() {
    if let Some(reports) = REPORTS.get() {
        reports.sent().await;
    }
}

/// Does the work of one invocation: every line written in it says `requestId`, Lambda's id of the invocation, and its errors
/// are on their way before it ends.
pub async fn invoked<T>(request_id: String, work: impl Future<Output = T>) -> T {
    // Written nowhere by itself; of the level ERROR, so that it lends lines its id whatever the level is.
    let span = tracing::error_span!("invocation", requestId = request_id);
    let done = work.instrument(span).await;
    errors_sent().await;
    done
}

#[cfg(test)]
mod tests;
