//! Brings a database to where the migrations are, with the Supabase CLI's own book-keeping.

use super::{address::DatabaseAddress, in_session};
use crate::trouble::{Context as _, Trouble};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::{collections::BTreeMap, fs, path::Path};

/// What a hosted project has before its first migration.
pub(super) const PLATFORM: &str = include_str!("platform.sql");

/// The CLI's table (supabase/cli, `pkg/migration`): a row per applied file.
const BOOK_KEEPING: &str = "
    create schema if not exists supabase_migrations;
    create table if not exists supabase_migrations.schema_migrations
        (version text not null primary key, name text, statements text[]);";

/// A file `<version>_<name>.sql`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Migration {
    version: String,
    name: String,
    text: String,
}

/// How a database stands to the migrations.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Standing<'a> {
    /// These are new.
    Behind(&'a [Migration]),
    /// What was applied is not what the files say; the reason.
    Diverged(String),
}

/// The migrations of a folder in the order of their versions; other files are passed over, as the CLI does.
pub(super) fn read(folder: &Path) -> Result<Vec<Migration>, Trouble> {
    let reading = format!("could not read the migrations in {}", folder.display());
    let mut migrations = Vec::new();
    for entry in fs::read_dir(folder).context(&reading)?.flatten() {
        let file_name = entry.file_name();
        if let Some((version, name)) = file_name.to_str().and_then(version_and_name) {
            let text = fs::read_to_string(entry.path()).context(&reading)?;
            migrations.push(Migration {
                version: version.to_owned(),
                name: name.to_owned(),
                text,
            });
        }
    }
    migrations.sort_by(|one, other| one.version.cmp(&other.version));
    Ok(migrations)
}

fn version_and_name(file_name: &str) -> Option<(&str, &str)> {
    let (version, name) = file_name.strip_suffix(".sql")?.split_once('_')?;
    (!version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit()))
        .then_some((version, name))
}

/// Compares what was applied with the files.
pub(super) async fn standing<'a>(
    address: &DatabaseAddress,
    files: &'a [Migration],
) -> Result<Standing<'a>, Trouble> {
    let applied: Vec<(String, Vec<String>)> = in_session(
        &address.database_url(),
        "read the applied migrations",
        async |owner| {
            sqlx::raw_sql(BOOK_KEEPING).execute(&mut *owner).await?;
            let rows = "select version, statements from supabase_migrations.schema_migrations order by version";
            sqlx::query_as(rows).fetch_all(owner).await
        },
    )
    .await?;
    let applied = applied.into_iter();
    let applied = applied.map(|(version, statements)| (version, statements.concat()));
    Ok(compare(&applied.collect(), files))
}

fn compare<'a>(applied: &BTreeMap<String, String>, files: &'a [Migration]) -> Standing<'a> {
    if let Some(version) = applied
        .keys()
        .find(|version| !files.iter().any(|file| file.version == **version))
    {
        return Standing::Diverged(format!("Migration {version} was applied and is gone"));
    }
    let new_from = files
        .iter()
        .position(|file| !applied.contains_key(&file.version))
        .unwrap_or(files.len());
    for file in &files[..new_from] {
        if applied[&file.version] != file.text {
            return Standing::Diverged(format!(
                "Migration {}_{} was applied and has changed",
                file.version, file.name
            ));
        }
    }
    match files[new_from..]
        .iter()
        .find(|file| applied.contains_key(&file.version))
    {
        Some(later) => Standing::Diverged(format!(
            "A migration was put before {}, which was applied",
            later.version
        )),
        None => Standing::Behind(&files[new_from..]),
    }
}

/// Runs the platform script as the superuser.
pub(super) async fn apply_platform(address: &DatabaseAddress) -> Result<(), Trouble> {
    let attempted = "create the roles and the auth schema";
    in_session(&address.superuser_url(), attempted, async |superuser| {
        sqlx::raw_sql(PLATFORM).execute(superuser).await.map(drop)
    })
    .await
}

/// Applies migrations in order as the project's owner, each in a transaction with its row in the books.
pub(super) async fn apply(
    address: &DatabaseAddress,
    migrations: &[Migration],
) -> Result<(), Trouble> {
    let url = address.database_url();
    let applied = in_session(&url, "prepare for migrations", async |owner| {
        sqlx::raw_sql(BOOK_KEEPING).execute(&mut *owner).await?;
        for migration in migrations {
            let applied = apply_one(owner, migration).await;
            if applied.is_err() {
                let Migration { version, name, .. } = migration;
                let failed = format!("migration {version}_{name}.sql could not be applied");
                return Ok(applied.context(failed));
            }
        }
        Ok(Ok(()))
    });
    applied.await?
}

async fn apply_one(owner: &mut PgConnection, migration: &Migration) -> Result<(), sqlx::Error> {
    let mut transaction = owner.begin().await?;
    sqlx::raw_sql(AssertSqlSafe(migration.text.clone()))
        .execute(&mut *transaction)
        .await?;
    sqlx::query("insert into supabase_migrations.schema_migrations (version, name, statements) values ($1, $2, $3)")
        .bind(&migration.version)
        .bind(&migration.name)
        .bind(vec![migration.text.clone()])
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn migration(version: &str, text: &str) -> Migration {
        Migration {
            version: version.to_owned(),
            name: "x".to_owned(),
            text: text.to_owned(),
        }
    }

    fn applied(rows: &[(&str, &str)]) -> BTreeMap<String, String> {
        rows.iter()
            .map(|(version, text)| ((*version).to_owned(), (*text).to_owned()))
            .collect()
    }

    #[test]
    fn only_files_with_a_version_are_migrations() {
        assert_eq!(
            version_and_name("20261121000001_accounts.sql"),
            Some(("20261121000001", "accounts"))
        );
        assert_eq!(version_and_name("seed.sql"), None);
        assert_eq!(version_and_name("draft_accounts.sql"), None);
    }

    #[test]
    fn new_files_at_the_end_are_applied_and_nothing_else_is_tolerated() {
        let files = [
            migration("1", "a"),
            migration("2", "b"),
            migration("3", "c"),
        ];
        assert_eq!(
            compare(&applied(&[("1", "a")]), &files),
            Standing::Behind(&files[1..])
        );
        assert_eq!(
            compare(&applied(&[("1", "a"), ("2", "b"), ("3", "c")]), &files),
            Standing::Behind(&[])
        );
        for rows in [
            &[("1", "changed")][..],
            &[("1", "a"), ("3", "c")],
            &[("1", "a"), ("4", "d")],
        ] {
            assert!(
                matches!(compare(&applied(rows), &files), Standing::Diverged(_)),
                "{rows:?}"
            );
        }
    }
}
