//! The public web in memory, and who looks at pictures from there; what the database is told of them.

use super::TestServices;
use axum::{
    body::Bytes,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};

#[derive(Default)]
pub(super) struct Web {
    files: BTreeMap<String, Bytes>,
    fetched: Vec<String>,
    /// The last question to moderation.
    pub(super) moderated: Value,
    /// What the next claims of references are answered.
    pub(super) leases: VecDeque<Value>,
    /// Bodies of `note_references`.
    pub(super) notes: Vec<Value>,
    pub(super) refuses_notes: bool,
    /// What the next claims of sheets are answered.
    pub(super) sheets: VecDeque<Value>,
    /// Bodies of `note_sheet`.
    pub(super) noted_sheets: Vec<Value>,
}

impl Web {
    pub(super) fn answer(&mut self, path: &str) -> Response {
        self.fetched.push(path.to_owned());
        match self.files.get(path) {
            Some(bytes) => bytes.clone().into_response(),
            None if path.ends_with("/busy") => StatusCode::SERVICE_UNAVAILABLE.into_response(),
            None => StatusCode::NOT_FOUND.into_response(),
        }
    }
}

impl TestServices {
    /// A file of the web, host and path.
    pub(crate) fn publish(&self, path: &str, bytes: Bytes) {
        let mut seen = self.0.lock().unwrap();
        seen.web.files.insert(path.to_owned(), bytes);
    }

    /// How often it was fetched.
    pub(crate) fn fetches(&self, path: &str) -> usize {
        let seen = self.0.lock().unwrap();
        seen.web.fetched.iter().filter(|one| *one == path).count()
    }

    /// The next claims of references are answered like this.
    pub(crate) fn lease_references(&self, answers: impl IntoIterator<Item = Value>) {
        self.0.lock().unwrap().web.leases = answers.into_iter().collect();
    }

    /// The next claims of sheets are answered like this.
    pub(crate) fn lease_sheets(&self, answers: impl IntoIterator<Item = Value>) {
        self.0.lock().unwrap().web.sheets = answers.into_iter().collect();
    }

    /// What the database was told of sheets.
    pub(crate) fn noted_sheets(&self) -> Vec<Value> {
        self.0.lock().unwrap().web.noted_sheets.clone()
    }

    /// What the database was told of references.
    pub(crate) fn noted_references(&self) -> Vec<Value> {
        self.0.lock().unwrap().web.notes.clone()
    }

    /// From now on it believes nothing of them.
    pub(crate) fn refuse_notes(&self) {
        self.0.lock().unwrap().web.refuses_notes = true;
    }

    /// What moderation was asked last.
    pub(crate) fn last_moderated(&self) -> Value {
        self.0.lock().unwrap().web.moderated.clone()
    }

    /// The bytes of an object of the bucket.
    pub(crate) fn object(&self, key: &str) -> Bytes {
        self.0.lock().unwrap().objects[key].clone()
    }
}
