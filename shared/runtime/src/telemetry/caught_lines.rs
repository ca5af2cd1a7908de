//! What is logged while something is tried, for tests.

use super::{json_lines::JsonLines, metrics::Metrics};
use serde_json::Value;
use std::{
    io::Write,
    sync::{Arc, Mutex},
};
use tracing_subscriber::layer::SubscriberExt;

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The lines that `work` writes, with figures where `metrics` are kept.
pub(crate) fn lines_of(metrics: Option<Metrics>, work: impl FnOnce()) -> Vec<Value> {
    let written = Written::default();
    let make_writer = {
        let written = written.clone();
        move || written.clone()
    };
    let lines = JsonLines::new(make_writer).counting(metrics);
    let subscriber = tracing_subscriber::registry().with(lines);
    tracing::subscriber::with_default(subscriber, work);
    let bytes = written.0.lock().unwrap();
    let text = std::str::from_utf8(&bytes).unwrap();
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}
