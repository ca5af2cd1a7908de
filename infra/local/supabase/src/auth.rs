//! Supabase Auth for demo users: sign-up, sign-in by password or mailed link, refresh, sign-out, the signed-in user, the JWKS.

mod accounts;
mod claims;
mod failure;
mod key_file;
mod keys;
mod link;
mod routes;
mod sessions;
mod user;

use std::{path::PathBuf, sync::Arc};

use accounts::Accounts;
use sessions::Sessions;
use sqlx::PgPool;

pub use accounts::{AccountError, hash_password};
pub use claims::Claims;
pub use key_file::KeyError;
pub use keys::{Keys, TokenError, legacy_key};
pub use user::User;

/// How long an access token lives, in seconds (the platform's default `jwt_expiry`).
pub const ACCESS_TOKEN_LIFETIME_SECONDS: u64 = 3_600;

/// The auth service; cheap to clone.
#[derive(Clone)]
pub struct AuthServer {
    pub(crate) keys: Arc<Keys>,
    accounts: Accounts,
    sessions: Arc<Sessions>,
    /// Where mails go.
    mails: PathBuf,
}

impl AuthServer {
    /// `pool` needs full rights on `auth.users`; `mails` is the folder that mailed links are written into.
    pub fn new(pool: PgPool, keys: Arc<Keys>, mails: PathBuf) -> Self {
        Self {
            keys,
            accounts: Accounts::new(pool),
            sessions: Arc::default(),
            mails,
        }
    }

    /// Everything below `/auth/v1`.
    pub fn router(&self) -> axum::Router {
        routes::router(self.clone())
    }
}
