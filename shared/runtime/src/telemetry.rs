//! JSON log lines with their fields at the top level, so that Logs Insights can filter by `storyId`.

mod json_lines;

use json_lines::JsonLines;
use tracing::Span;
use tracing_subscriber::{filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};

/// Starts logging to standard output. The level comes from `AWS_LAMBDA_LOG_LEVEL`, else `RUST_LOG`, else `info`; HTTP
/// and TLS libraries are kept at `warn`, because their debug lines would show headers; the Lambda runtime does not repeat an
/// invocation's error, which was logged where it was found.
pub fn init() {
    #[expect(
        clippy::disallowed_methods,
        reason = "logging starts before settings are read"
    )]
    let level = ["AWS_LAMBDA_LOG_LEVEL", "RUST_LOG"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok())
        .unwrap_or_else(|| "info".to_owned());
    let limits = format!(
        "{level},hyper=warn,reqwest=warn,rustls=warn,h2=warn,aws=warn,aws_smithy_runtime=warn,lambda_runtime=warn,\
         lambda_runtime::layers::panic=off"
    );
    // Levels per target are enough, and ten times smaller than the filter that also reads spans.
    let filter: Targets = limits
        .parse()
        .unwrap_or_else(|_| Targets::new().with_default(tracing::Level::INFO));
    // A second call comes from tests that start two functions in one process; the first subscriber stays.
    let _ = tracing_subscriber::registry()
        .with(filter)
        .with(JsonLines::new(std::io::stdout))
        .try_init();
}

/// The span of one invocation: every line written in it says `requestId`, Lambda's id of the invocation.
///
/// A span is written nowhere by itself; it is of the level ERROR, so that it lends lines its ids whatever the level is.
pub fn invocation_span(request_id: &str) -> Span {
    tracing::error_span!("invocation", requestId = request_id)
}
