//! `auth.users`: finding, adding and signing in accounts.

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, FromRow, PgPool};
use uuid::Uuid;

use super::user::User;
use crate::trouble::{Context as _, Trouble};

/// bcrypt's lowest cost (2^4 rounds). Local demo passwords protect nothing, and tests sign in a lot.
const PASSWORD_HASH_COST: u32 = 4;

const COLUMNS: &str = r#"id, email, coalesce(is_anonymous, false) as is_anonymous,
    coalesce(raw_app_meta_data, '{}') as app_metadata, coalesce(raw_user_meta_data, '{}') as user_metadata,
    to_char(coalesce(created_at, now()) at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as created_at,
    to_char(last_sign_in_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as last_sign_in_at"#;

/// The bcrypt hash for `auth.users.encrypted_password`, the format the real service stores.
fn hash_password(password: &str) -> Result<String, Trouble> {
    bcrypt::hash(password, PASSWORD_HASH_COST).context("could not hash the password")
}

/// What only a sign-in looks at.
#[derive(FromRow)]
struct Credentials {
    encrypted_password: Option<String>,
    #[sqlx(flatten)]
    user: User,
}

#[derive(Clone)]
pub(crate) struct Accounts {
    pool: PgPool,
}

impl Accounts {
    pub(crate) fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    pub(crate) async fn by_id(&self, id: Uuid) -> Result<Option<User>, Trouble> {
        let sql = format!("select {COLUMNS} from auth.users where id = $1");
        let user = sqlx::query_as(AssertSqlSafe(sql)).bind(id);
        let user = user.fetch_optional(&self.pool).await;
        user.context("could not find a user by id")
    }

    pub(crate) async fn by_email(&self, email: &str) -> Result<Option<User>, Trouble> {
        let sql = format!("select {COLUMNS} from auth.users where lower(email) = lower($1)");
        let user = sqlx::query_as(AssertSqlSafe(sql)).bind(email);
        let user = user.fetch_optional(&self.pool).await;
        user.context("could not find a user by e-mail")
    }

    /// The account with this address and password; `None` when either is wrong.
    pub(crate) async fn by_credentials(
        &self,
        email: &str,
        password: &str,
    ) -> Result<Option<User>, Trouble> {
        let sql = format!(
            "select encrypted_password, {COLUMNS} from auth.users where lower(email) = lower($1)"
        );
        let found = sqlx::query_as(AssertSqlSafe(sql)).bind(email);
        let found: Option<Credentials> = found
            .fetch_optional(&self.pool)
            .await
            .context("could not find a user by e-mail")?;
        let fits = |found: &Credentials| {
            let hash = found.encrypted_password.as_deref().unwrap_or_default();
            bcrypt::verify(password, hash).unwrap_or(false)
        };
        Ok(found.filter(fits).map(|found| found.user))
    }

    /// Adds an account; without credentials it is an anonymous one. `None` when another has this address.
    pub(crate) async fn create(
        &self,
        credentials: Option<(&str, &str)>,
        user_metadata: &Value,
    ) -> Result<Option<User>, Trouble> {
        let hash = credentials
            .map(|(_, password)| hash_password(password))
            .transpose()?;
        let app_metadata = match credentials {
            Some(_) => json!({"provider": "email", "providers": ["email"]}),
            None => json!({}),
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
            Err(sqlx::Error::Database(error)) if error.is_unique_violation() => Ok(None),
            user => user.map(Some).context("could not add a user"),
        }
    }

    /// False where there is none.
    pub(crate) async fn remove(&self, id: Uuid) -> Result<bool, Trouble> {
        let statement = "delete from auth.users where id = $1";
        let removed = sqlx::query(statement).bind(id).execute(&self.pool).await;
        Ok(removed.context("could not remove a user")?.rows_affected() == 1)
    }

    pub(crate) async fn record_sign_in(&self, id: Uuid) -> Result<(), Trouble> {
        let statement = "update auth.users set last_sign_in_at = now() where id = $1";
        let recorded = sqlx::query(statement).bind(id).execute(&self.pool).await;
        recorded.map(drop).context("could not record a sign-in")
    }
}
