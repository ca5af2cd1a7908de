//! An account as the auth service shows it.

use serde_json::{Value, json};
use uuid::Uuid;

/// One row of `auth.users`, without the password.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct User {
    /// `auth.users.id`, the `sub` of every token.
    pub id: Uuid,
    /// Absent for anonymous users.
    pub email: Option<String>,
    /// Signed in without credentials; the role is `authenticated` all the same.
    pub is_anonymous: bool,
    /// Server-only metadata (`raw_app_meta_data`).
    pub app_metadata: Value,
    /// Metadata the user may write (`raw_user_meta_data`).
    pub user_metadata: Value,
    /// RFC 3339, UTC.
    pub created_at: String,
    /// RFC 3339, UTC.
    pub last_sign_in_at: Option<String>,
}

impl User {
    /// A signed-up user with an e-mail address, created now.
    pub fn with_email(id: Uuid, email: impl Into<String>) -> Self {
        Self {
            id,
            email: Some(email.into()),
            is_anonymous: false,
            app_metadata: json!({"provider": "email", "providers": ["email"]}),
            user_metadata: json!({}),
            created_at: jiff::Timestamp::now().to_string(),
            last_sign_in_at: None,
        }
    }

    /// The `user` object of the auth API.
    pub(crate) fn to_json(&self) -> Value {
        let mut shown = json!({
            "id": self.id,
            "aud": "authenticated",
            "role": "authenticated",
            "email": self.email.as_deref().unwrap_or_default(),
            "phone": "",
            "last_sign_in_at": self.last_sign_in_at,
            "app_metadata": self.app_metadata,
            "user_metadata": self.user_metadata,
            "identities": [],
            "created_at": self.created_at,
            "updated_at": self.last_sign_in_at.as_ref().unwrap_or(&self.created_at),
            "is_anonymous": self.is_anonymous,
        });
        if self.email.is_some() {
            shown["email_confirmed_at"] = json!(self.created_at);
            shown["confirmed_at"] = json!(self.created_at);
        }
        shown
    }
}
