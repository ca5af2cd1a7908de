//! The schemas are the truth: the migrations give the same database, and each file builds on the earlier ones alone.

use super::catalogue::qualified_names;
use sqlx::{Connection, PgConnection};
use stack::postgres::Postgres;
use std::{collections::BTreeSet, path::PathBuf};

fn folder(name: &str) -> PathBuf {
    stack::home::workspace().join("infra/supabase").join(name)
}

/// The SQL files of a folder in their order: name and text.
fn files(name: &str) -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = std::fs::read_dir(folder(name))
        .unwrap()
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "sql"))
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read_to_string(&path).unwrap())
        })
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{name} was not read");
    files
}

/// The schemas in their order: name and text.
pub(super) fn schemas() -> Vec<(String, String)> {
    files("schemas")
}

/// Everything of ours in a database, a line a thing. The order of columns means nothing: a migration can only add at the end.
const EVERYTHING: &str = "
    with ours as (select oid from pg_namespace where nspname in ('public', 'private'))
    select format('schema %s %s', nspname, nspacl) from pg_namespace where oid in (select oid from ours)
    union all select format('function %s %s %s', p.oid::regprocedure, pg_get_functiondef(p.oid), p.proacl)
      from pg_proc p where pronamespace in (select oid from ours)
    union all select format('relation %s %s %s %s %s', c.oid::regclass, relkind, relrowsecurity, relacl, reloptions)
      from pg_class c where relnamespace in (select oid from ours) and relkind in ('r', 'p', 'v', 'm', 'S', 'f')
    union all select format('column %s.%s %s %s %s %s %s', attrelid::regclass, attname, format_type(atttypid, atttypmod),
        attnotnull, attidentity, pg_get_expr(d.adbin, d.adrelid), attacl)
      from pg_attribute a join pg_class c on c.oid = attrelid left join pg_attrdef d on d.adrelid = attrelid and d.adnum = attnum
      where relnamespace in (select oid from ours) and relkind in ('r', 'p', 'v') and attnum > 0 and not attisdropped
    union all select format('view %s %s', c.oid::regclass, pg_get_viewdef(c.oid))
      from pg_class c where relnamespace in (select oid from ours) and relkind = 'v'
    union all select format('sequence %s %s %s %s', seqrelid::regclass, seqtypid::regtype, seqstart, seqmin)
      from pg_sequence join pg_class c on c.oid = seqrelid where relnamespace in (select oid from ours)
    union all select format('constraint %s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
      from pg_constraint where connamespace in (select oid from ours)
    union all select format('index %s', indexdef) from pg_indexes where schemaname in ('public', 'private')
    union all select format('policy %s %s %s %s %s %s', tablename, policyname, roles, cmd, qual, with_check)
      from pg_policies where schemaname in ('public', 'private')
    union all select format('trigger %s', pg_get_triggerdef(t.oid)) from pg_trigger t where not tgisinternal
    union all select format('comment %s %s', pg_describe_object(classoid, objoid, objsubid), description) from pg_description
      where pg_describe_object(classoid, objoid, objsubid) ~ 'public|private|tiers|users|stories|jobs|ledger|limits'
    union all select format('published %s', tablename) from pg_publication_tables where pubname = 'supabase_realtime'
    union all select format('row %s', to_jsonb(t)) from public.tiers t
    union all select format('row %s', to_jsonb(l) - 'taken_until') from public.provider_limits l
    union all select format('row %s', to_jsonb(c)) from private.asset_calls c
    union all select format('row %s', to_jsonb(w)) from private.limit_waiter w";

async fn everything_made_from(name: &str) -> BTreeSet<String> {
    let server = Postgres::start_temporary(&folder(name)).await.unwrap();
    let mut superuser = PgConnection::connect(&server.address().superuser_url())
        .await
        .unwrap();
    let lines: Vec<String> = sqlx::query_scalar(EVERYTHING)
        .fetch_all(&mut superuser)
        .await
        .unwrap();
    superuser.close().await.unwrap();
    server.stop().await;
    lines.into_iter().collect()
}

#[tokio::test]
async fn the_schemas_and_the_migrations_make_the_same_database() {
    let (declared, migrated) = tokio::join!(
        everything_made_from("schemas"),
        everything_made_from("migrations")
    );
    assert!(declared.len() > 400, "the catalogue was not read");
    let missing: Vec<_> = declared.difference(&migrated).collect();
    let beside: Vec<_> = migrated.difference(&declared).collect();
    assert_eq!((missing, beside), (vec![], vec![]));
}

/// After the first release a change is a migration of its own, and the baseline stays as it was released.
#[test]
fn the_baseline_is_what_its_command_makes() {
    let migrations = files("migrations");
    if let [(_, baseline)] = &migrations[..] {
        let made: String = schemas().into_iter().map(|(_, text)| text).collect();
        assert!(*baseline == made, "run infra/supabase/baseline.sh");
    }
}

/// Names that a file makes: functions, tables, views, sequences.
fn made_by(text: &str) -> BTreeSet<String> {
    let made = |line: &str| {
        let (kind, rest) = line.strip_prefix("create ")?.split_once(' ')?;
        let name = rest.split(['(', ' ']).next()?;
        matches!(kind, "function" | "table" | "view" | "sequence").then(|| name.to_owned())
    };
    text.lines().filter_map(made).collect()
}

/// The text without what follows `--` and without the texts of comments.
fn code(text: &str) -> String {
    let without = |line: &str| line.split("--").next().unwrap_or_default().to_owned();
    text.split(";\n")
        .filter(|statement| !statement.trim_start().starts_with("comment on"))
        .flat_map(|statement| statement.lines().map(without).collect::<Vec<_>>())
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn each_file_names_only_what_it_or_an_earlier_one_makes() {
    let mut known = BTreeSet::new();
    for (name, text) in schemas() {
        known.extend(made_by(&text));
        let named = qualified_names(&code(&text));
        let unknown: Vec<_> = named.difference(&known).collect();
        assert_eq!(unknown, Vec::<&String>::new(), "{name}");
    }
    assert!(known.len() > 80, "the files were not read");
}

#[test]
fn the_files_are_written_one_way() {
    for (name, text) in schemas() {
        assert!(text.starts_with("-- "), "{name} does not say what it is");
        for line in text.lines() {
            assert!(line.chars().count() <= 132, "{name}: {line}");
            let grants = line.starts_with("grant ") || line.starts_with("revoke ");
            assert!(!grants || name == "90_grants.sql", "{name}: {line}");
        }
        // Keywords are lower case; upper case is for codes, which stand in quotes.
        let shouted = |word: &&str| word.len() > 1 && word.bytes().all(|b| b.is_ascii_uppercase());
        let unquoted: Vec<_> = code(&text)
            .split('\'')
            .step_by(2)
            .map(str::to_owned)
            .collect();
        let shouts: Vec<_> = unquoted
            .iter()
            .flat_map(|part| part.split_whitespace())
            .filter(shouted)
            .collect();
        assert_eq!(shouts, Vec::<&str>::new(), "{name}");
    }
}
