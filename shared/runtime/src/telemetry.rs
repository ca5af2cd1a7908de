//! JSON log lines with their fields at the top level, so that Logs Insights can filter by `storyId`.

use tracing_subscriber::EnvFilter;

/// Starts logging to standard output. The level comes from `AWS_LAMBDA_LOG_LEVEL`, else `RUST_LOG`, else `info`; HTTP
/// and TLS libraries are kept at `warn`, because their debug lines would show headers.
pub fn init() {
    #[expect(
        clippy::disallowed_methods,
        reason = "logging starts before settings are read"
    )]
    let level = ["AWS_LAMBDA_LOG_LEVEL", "RUST_LOG"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok())
        .unwrap_or_else(|| "info".to_owned());
    let filter = format!(
        "{level},hyper=warn,reqwest=warn,rustls=warn,h2=warn,aws=warn,aws_smithy_runtime=warn,lambda_runtime=warn"
    );
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    // A second call comes from tests that start two functions in one process; the first subscriber stays.
    let _ = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_env_filter(filter)
        .try_init();
}
