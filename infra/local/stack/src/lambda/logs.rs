//! Where the lines go that functions print: one file per function, and whoever listens.

use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions},
    io::{self, Write as _},
    path::Path,
};

use parking_lot::Mutex;
use tokio::sync::broadcast;

/// Lines a slow listener may fall behind before it loses the oldest.
const LISTENER_LINES_MAX: usize = 4096;

/// Who wrote a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogSource {
    Stdout,
    Stderr,
    /// The emulator itself: `START`, `END` and `REPORT`.
    Platform,
}

/// One line of a function's log, without its line break.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// Short name of the function.
    pub function: String,
    /// Log stream, one per instance.
    pub stream: String,
    /// The invocation the instance was working on.
    pub request_id: Option<String>,
    pub source: LogSource,
    pub text: String,
}

pub(crate) struct LogSink {
    files: BTreeMap<String, Mutex<File>>,
    listeners: broadcast::Sender<LogLine>,
}

impl LogSink {
    pub(crate) fn open<'a>(
        dir: Option<&Path>,
        functions: impl Iterator<Item = &'a str>,
    ) -> io::Result<Self> {
        let mut files = BTreeMap::new();
        if let Some(dir) = dir {
            std::fs::create_dir_all(dir)?;
            for name in functions {
                let path = dir.join(format!("{name}.log"));
                let file = OpenOptions::new().create(true).append(true).open(path)?;
                files.insert(name.to_owned(), Mutex::new(file));
            }
        }
        Ok(Self {
            files,
            listeners: broadcast::Sender::new(LISTENER_LINES_MAX),
        })
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<LogLine> {
        self.listeners.subscribe()
    }

    pub(crate) fn write(&self, line: LogLine) {
        if let Some(file) = self.files.get(&line.function) {
            // One write per line keeps the lines of parallel instances whole.
            let text = format!("{}\n", line.text);
            if let Err(error) = file.lock().write_all(text.as_bytes()) {
                tracing::warn!(function = line.function, %error, "Could not write to a function's log");
            }
        }
        // No listener is not an error.
        let _ = self.listeners.send(line);
    }
}
