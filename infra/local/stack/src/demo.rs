//! The demo user every local stack has: signed in for half a day, with a library, a character and no limits.

use sqlx::{PgPool, Row as _};
use std::{collections::BTreeMap, time::Duration};
use supabase::{
    auth::{Keys, User},
    trouble::{Context as _, Trouble},
};
use uuid::Uuid;

pub const EMAIL: &str = "demo@storytailor.dev";
pub const PASSWORD: &str = "demo-password";
const TOKEN_LIFETIME: Duration = Duration::from_secs(12 * 60 * 60);

/// Makes sure of the demo user and answers its variables.
pub async fn seed(pool: &PgPool, keys: &Keys) -> Result<BTreeMap<String, String>, Trouble> {
    let made = async {
        let rows = sqlx::raw_sql(include_str!("demo.sql"))
            .fetch_all(pool)
            .await?;
        let ids = rows.last().ok_or(sqlx::Error::RowNotFound)?;
        let id = |name: &str| ids.try_get::<Uuid, _>(name);
        Ok::<_, sqlx::Error>((id("user")?, id("library")?, id("character")?))
    };
    let (user, library, character) = made.await.context("could not set up the demo user")?;
    let token = keys.access_token(&User::with_email(user, EMAIL), TOKEN_LIFETIME);
    let variables = [
        ("DEMO_USER_TOKEN", token),
        ("DEMO_USER_ID", user.to_string()),
        ("DEMO_LIBRARY_ID", library.to_string()),
        ("DEMO_CHARACTER_ID", character.to_string()),
    ];
    Ok(variables
        .map(|(name, value)| (name.to_owned(), value))
        .into())
}
