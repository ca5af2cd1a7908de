//! The claims of a verified token, kept whole so that Postgres sees exactly what was signed.

use serde_json::{Map, Value};

/// Claims of a token whose signature and expiry were checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Claims {
    role: String,
    expires_at_unix: i64,
    all: Map<String, Value>,
}

impl Claims {
    /// `None` unless `role` is a non-empty string and `exp` a number, which every service here demands.
    pub(crate) fn from_map(all: Map<String, Value>) -> Option<Self> {
        let role = all
            .get("role")?
            .as_str()
            .filter(|role| !role.is_empty())?
            .to_owned();
        let expires_at = all.get("exp")?;
        let expires_at_unix = expires_at
            .as_i64()
            .or_else(|| expires_at.as_f64().map(|seconds| seconds as i64))?;
        Some(Self {
            role,
            expires_at_unix,
            all,
        })
    }

    /// The database role the bearer acts as.
    pub fn role(&self) -> &str {
        &self.role
    }

    /// `exp`, seconds since 1970.
    pub fn expires_at_unix(&self) -> i64 {
        self.expires_at_unix
    }

    /// `sub`; absent from the project's own keys.
    pub fn subject(&self) -> Option<&str> {
        self.text("sub")
    }

    /// A claim that is a string.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.all.get(name).and_then(Value::as_str)
    }

    /// The JSON text for the setting `request.jwt.claims`.
    pub fn to_json(&self) -> String {
        Value::Object(self.all.clone()).to_string()
    }
}
