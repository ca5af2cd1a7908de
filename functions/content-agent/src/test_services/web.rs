//! The public web in memory, and who looks at pictures from there; what the database is told of them.

use super::TestServices;
use axum::{
    body::Bytes,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use url::Url;

#[derive(Default)]
pub(super) struct Web {
    pub(super) address: Option<Url>,
    files: BTreeMap<String, Bytes>,
    fetched: Vec<String>,
    /// The last question to moderation.
    moderated: Value,
    /// What the next claims of references are answered.
    pub(super) leases: VecDeque<Value>,
    /// Bodies of `note_references`.
    pub(super) notes: Vec<Value>,
    pub(super) refuses_notes: bool,
}

impl Web {
    pub(super) fn answer(&mut self, path: &str, body: &[u8]) -> Response {
        if path == "/moderations" {
            self.moderated = serde_json::from_slice(body).unwrap();
            let verdict =
                json!({"categories": {"sexual": true}, "category_scores": {"sexual": 0.9}});
            return axum::Json(json!({"results": [verdict]})).into_response();
        }
        self.fetched.push(path.to_owned());
        match self.files.get(path) {
            Some(bytes) => bytes.clone().into_response(),
            None if path.ends_with("/busy") => StatusCode::SERVICE_UNAVAILABLE.into_response(),
            None => StatusCode::NOT_FOUND.into_response(),
        }
    }
}

impl TestServices {
    /// Where all of them are, once there are clients.
    pub(crate) fn address(&self) -> Url {
        self.0.lock().unwrap().web.address.clone().unwrap()
    }

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

    /// What the database was told of references.
    pub(crate) fn noted_references(&self) -> Vec<Value> {
        self.0.lock().unwrap().web.notes.clone()
    }

    /// From now on it believes nothing of them.
    pub(crate) fn refuse_notes(&self) {
        self.0.lock().unwrap().web.refuses_notes = true;
    }

    /// What moderation was asked last.
    pub(crate) fn moderated(&self) -> Value {
        self.0.lock().unwrap().web.moderated.clone()
    }

    /// The bytes of an object of the bucket.
    pub(crate) fn object(&self, key: &str) -> Bytes {
        self.0.lock().unwrap().objects[key].clone()
    }
}
