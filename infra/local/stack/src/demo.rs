//! The demo user every local stack has: signed in for half a day, with a library, a character and no limits.

use sqlx::PgPool;
use std::{collections::BTreeMap, time::Duration};
use supabase::auth::{AccountError, Keys, User, hash_password};
use uuid::{Uuid, uuid};

const USER_ID: Uuid = uuid!("00000000-0000-4000-8000-00000000d3e0");
const CHARACTER_ID: Uuid = uuid!("00000000-0000-4000-8000-0000000c4a2a");
pub const EMAIL: &str = "demo@storytailor.dev";
pub const PASSWORD: &str = "demo-password";
const TOKEN_LIFETIME: Duration = Duration::from_secs(12 * 60 * 60);

/// The demo user could not be made.
#[derive(Debug, thiserror::Error)]
#[error("could not set up the demo user")]
pub enum DemoError {
    Database(#[from] sqlx::Error),
    Password(#[from] AccountError),
}

/// Makes sure of the demo user and answers its variables.
pub async fn seed(pool: &PgPool, keys: &Keys) -> Result<BTreeMap<String, String>, DemoError> {
    let password = hash_password(PASSWORD)?;
    sqlx::query(
        "insert into auth.users (id, email, encrypted_password, raw_app_meta_data)
         values ($1, $2, $3, '{\"provider\": \"email\", \"providers\": [\"email\"]}')
         on conflict (id) do nothing",
    )
    .bind(USER_ID)
    .bind(EMAIL)
    .bind(password)
    .execute(pool)
    .await?;
    sqlx::query("update public.users set tier = 'school' where id = $1")
        .bind(USER_ID)
        .execute(pool)
        .await?;
    sqlx::query(
        "insert into public.characters (id, owner_user_id, name, species, age, traits, appearance, personality)
         values ($1, $2, 'Luna', 'human child', 6, '{curly_hair,glasses}',
           '{\"hair\": \"curly dark brown hair\", \"skin\": \"brown\", \"eyes\": \"brown\", \"clothes\": \"a yellow raincoat\"}',
           '{curious,kind}')
         on conflict (id) do nothing",
    )
    .bind(CHARACTER_ID)
    .bind(USER_ID)
    .execute(pool)
    .await?;
    let library: Uuid = sqlx::query_scalar(
        "select id from public.libraries where owner_user_id = $1 order by created_at limit 1",
    )
    .bind(USER_ID)
    .fetch_one(pool)
    .await?;
    let token = keys.access_token(&User::with_email(USER_ID, EMAIL), TOKEN_LIFETIME);
    Ok(BTreeMap::from(
        [
            ("DEMO_USER_TOKEN", token),
            ("DEMO_USER_ID", USER_ID.to_string()),
            ("DEMO_LIBRARY_ID", library.to_string()),
            ("DEMO_CHARACTER_ID", CHARACTER_ID.to_string()),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    ))
}
