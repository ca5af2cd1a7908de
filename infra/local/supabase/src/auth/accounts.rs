//! `auth.users`: finding, adding and signing in accounts.

use serde_json::Value;
use sqlx::{AssertSqlSafe, FromRow as _, PgPool, Row as _};
use uuid::Uuid;

use super::user::User;

/// bcrypt's lowest cost (2^4 rounds). Local demo passwords protect nothing, and tests sign in a lot.
const PASSWORD_HASH_COST: u32 = 4;

const COLUMNS: &str = r#"id, email, coalesce(is_anonymous, false) as is_anonymous,
    coalesce(raw_app_meta_data, '{}') as app_metadata, coalesce(raw_user_meta_data, '{}') as user_metadata,
    to_char(coalesce(created_at, now()) at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as created_at,
    to_char(last_sign_in_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as last_sign_in_at"#;

/// An account could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// Another account has this address.
    #[error("an account with this e-mail address exists")]
    EmailTaken,
    /// The password could not be hashed (longer than bcrypt takes).
    #[error("hashing the password")]
    Hash(#[source] bcrypt::BcryptError),
    /// The database refused or is away.
    #[error("{attempt} in auth.users")]
    Database {
        attempt: &'static str,
        #[source]
        source: sqlx::Error,
    },
}

/// The bcrypt hash for `auth.users.encrypted_password`, the format the real service stores.
///
/// # Errors
/// Fails when the operating system gives no randomness for the salt.
pub fn hash_password(password: &str) -> Result<String, AccountError> {
    bcrypt::hash(password, PASSWORD_HASH_COST).map_err(AccountError::Hash)
}

#[derive(Clone)]
pub(crate) struct Accounts {
    pool: PgPool,
}

impl Accounts {
    pub(crate) fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    pub(crate) async fn by_id(&self, id: Uuid) -> Result<Option<User>, AccountError> {
        let sql = format!("select {COLUMNS} from auth.users where id = $1");
        let user = sqlx::query_as(AssertSqlSafe(sql)).bind(id);
        let user = user.fetch_optional(&self.pool).await;
        user.map_err(while_trying("finding a user by id"))
    }

    pub(crate) async fn by_email(&self, email: &str) -> Result<Option<User>, AccountError> {
        let sql = format!("select {COLUMNS} from auth.users where lower(email) = lower($1)");
        let user = sqlx::query_as(AssertSqlSafe(sql)).bind(email);
        let user = user.fetch_optional(&self.pool).await;
        user.map_err(while_trying("finding a user by e-mail"))
    }

    /// The account with this address and password; `None` when either is wrong.
    pub(crate) async fn by_credentials(
        &self,
        email: &str,
        password: &str,
    ) -> Result<Option<User>, AccountError> {
        let sql = format!(
            "select encrypted_password, {COLUMNS} from auth.users where lower(email) = lower($1)"
        );
        let row = sqlx::query(AssertSqlSafe(sql))
            .bind(email)
            .fetch_optional(&self.pool)
            .await
            .map_err(while_trying("finding a user by e-mail"))?;
        let Some(row) = row else { return Ok(None) };
        let hash: Option<String> = row.try_get("encrypted_password").map_err(reading)?;
        let fits = hash.is_some_and(|hash| bcrypt::verify(password, &hash).unwrap_or(false));
        let user = fits.then(|| User::from_row(&row)).transpose();
        user.map_err(reading)
    }

    /// Adds an account; without credentials it is an anonymous one.
    pub(crate) async fn create(
        &self,
        credentials: Option<(&str, &str)>,
        user_metadata: &Value,
    ) -> Result<User, AccountError> {
        let hash = credentials
            .map(|(_, password)| hash_password(password))
            .transpose()?;
        let app_metadata = match credentials {
            Some(_) => serde_json::json!({"provider": "email", "providers": ["email"]}),
            None => serde_json::json!({}),
        };
        let sql = format!(
            "insert into auth.users (id, email, encrypted_password, raw_app_meta_data, raw_user_meta_data,
                                     is_anonymous, created_at, last_sign_in_at)
             values ($1, lower($2), $3, $4, $5, $6, now(), now()) returning {COLUMNS}"
        );
        let user = sqlx::query_as(AssertSqlSafe(sql))
            .bind(Uuid::new_v4())
            .bind(credentials.map(|(email, _)| email))
            .bind(hash)
            .bind(app_metadata)
            .bind(user_metadata)
            .bind(credentials.is_none())
            .fetch_one(&self.pool)
            .await;
        match user {
            Ok(user) => Ok(user),
            Err(sqlx::Error::Database(error)) if error.is_unique_violation() => {
                Err(AccountError::EmailTaken)
            }
            Err(error) => Err(while_trying("adding a user")(error)),
        }
    }

    /// False where there is none.
    pub(crate) async fn remove(&self, id: Uuid) -> Result<bool, AccountError> {
        let removed = sqlx::query("delete from auth.users where id = $1")
            .bind(id)
            .execute(&self.pool)
            .await
            .map_err(while_trying("removing a user"))?;
        Ok(removed.rows_affected() == 1)
    }

    pub(crate) async fn record_sign_in(&self, id: Uuid) -> Result<(), AccountError> {
        sqlx::query("update auth.users set last_sign_in_at = now() where id = $1")
            .bind(id)
            .execute(&self.pool)
            .await
            .map(drop)
            .map_err(while_trying("recording a sign-in"))
    }
}

fn while_trying(attempt: &'static str) -> impl FnOnce(sqlx::Error) -> AccountError {
    move |source| AccountError::Database { attempt, source }
}

fn reading(source: sqlx::Error) -> AccountError {
    while_trying("reading a user")(source)
}
