//! The list of every call a stand-in received: what a test needs to count paid calls and the time
//! during which no provider call was in flight.

use std::time::{SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

/// What a call asks for; decides its latency and which scripted outcomes it may meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CallKind {
    /// Chat completions.
    Text,
    /// Image generations and edits, and orders for pictures.
    Image,
    /// Text to speech.
    Speech,
    /// Moderations (free of charge).
    Moderation,
    /// One mail.
    Mail,
    /// One book for a shop.
    Product,
    /// Lists of models and voices and the like (free of charge).
    Other,
}

impl CallKind {
    /// Whether nobody pays for it: no fault meets it unless one is scripted for its kind.
    pub(crate) const fn is_free(self) -> bool {
        matches!(self, Self::Moderation | Self::Other)
    }
}

/// One call as the stand-in saw it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CallRecord {
    /// Position in the order of arrival, from 1, never reused.
    pub id: u64,
    /// `openai`, `bfl`, `elevenlabs`, `ses` or `shopify`.
    pub provider: &'static str,
    pub method: String,
    pub path: String,
    pub kind: CallKind,
    /// The model the request named, if any.
    pub model: Option<String>,
    /// The name of the structured-output schema, if any: `story`, `palette_journey`, ….
    pub schema: Option<String>,
    /// SHA-256 of the body in hexadecimal; a multipart body without its random boundary.
    pub sha256: String,
    /// When its head arrived, which its latency counts from: how long it took to read is the call's own time.
    pub started_unix_ms: u64,
    /// None while in flight.
    pub ended_unix_ms: Option<u64>,
    /// The status sent; None while in flight and when the client went away before the answer.
    pub status: Option<u16>,
    pub in_flight: bool,
    /// Whether the real service would have charged for it: the answer was a complete success.
    pub paid: bool,
    /// The fault that was played, if any.
    pub fault: Option<String>,
}

#[derive(Debug, Default)]
pub(crate) struct CallLog {
    entries: Mutex<Entries>,
}

#[derive(Debug, Default)]
struct Entries {
    records: Vec<CallRecord>,
    last_id: u64,
}

impl CallLog {
    pub(crate) fn list(&self) -> Vec<CallRecord> {
        self.entries.lock().records.clone()
    }

    /// How many calls of a kind are under way.
    pub(crate) fn in_flight(&self, kind: CallKind) -> usize {
        let under_way = |record: &&CallRecord| record.in_flight && record.kind == kind;
        self.entries.lock().records.iter().filter(under_way).count()
    }

    pub(crate) fn clear(&self) {
        self.entries
            .lock()
            .records
            .retain(|record| record.in_flight);
    }

    /// Notes an arrival; the record's id is filled in and returned.
    pub(crate) fn begin(&self, mut record: CallRecord) -> u64 {
        let mut entries = self.entries.lock();
        entries.last_id += 1;
        record.id = entries.last_id;
        entries.records.push(record);
        entries.last_id
    }

    pub(crate) fn amend(&self, id: u64, change: impl FnOnce(&mut CallRecord)) {
        if let Some(record) = self
            .entries
            .lock()
            .records
            .iter_mut()
            .rev()
            .find(|record| record.id == id)
        {
            change(record);
        }
    }

    /// How often this body was seen before, in flight or finished.
    pub(crate) fn times_seen(&self, sha256: &str) -> usize {
        self.entries
            .lock()
            .records
            .iter()
            .filter(|record| record.sha256 == sha256)
            .count()
    }
}

/// Milliseconds since 1970.
pub(crate) fn unix_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| elapsed.as_millis() as u64)
}
