//! What the catalogue says of itself is true, and the bodies of functions keep the rules that Postgres does not check.

use super::{fixture::Database, schemas::schemas};
use std::{collections::BTreeSet, path::Path};

/// Names `private.x` and `public.x` in a text.
pub(super) fn qualified_names(text: &str) -> BTreeSet<String> {
    let is_of_word = |sign: char| sign.is_ascii_alphanumeric() || sign == '_';
    ["private.", "public."]
        .into_iter()
        .flat_map(|schema| text.match_indices(schema))
        .filter(|(at, _)| !text[..*at].ends_with(is_of_word))
        .filter_map(|(at, schema)| {
            let rest = &text[at + schema.len()..];
            let end = rest.find(|sign| !is_of_word(sign)).unwrap_or(rest.len());
            (end > 0).then(|| format!("{schema}{}", &rest[..end]))
        })
        .collect()
}

/// What follows `--` on each line.
fn comments(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .filter_map(|line| line.split_once("--").map(|(_, comment)| comment))
}

/// Functions, tables, views and sequences.
async fn names_that_exist(database: &Database) -> BTreeSet<String> {
    let query = "select format('%s.%s', pronamespace::regnamespace, proname) from pg_proc
           where pronamespace in ('public'::regnamespace, 'private'::regnamespace)
         union select format('%s.%s', relnamespace::regnamespace, relname) from pg_class
           where relnamespace in ('public'::regnamespace, 'private'::regnamespace)";
    sqlx::query_scalar(query)
        .fetch_all(&database.superuser)
        .await
        .unwrap()
        .into_iter()
        .collect()
}

#[tokio::test]
async fn every_function_and_table_that_a_comment_names_exists() {
    let database = Database::new().await;
    let exist = names_that_exist(&database).await;
    let stored: Vec<String> = sqlx::query_scalar("select description from pg_description")
        .fetch_all(&database.superuser)
        .await
        .unwrap();
    let mut named = BTreeSet::new();
    for text in &stored {
        named.extend(qualified_names(text));
    }
    for (_, text) in schemas() {
        comments(&text).for_each(|comment| named.extend(qualified_names(comment)));
    }
    assert!(named.len() > 3, "the comments were not read: {named:?}");
    let unknown: Vec<_> = named.difference(&exist).collect();
    assert_eq!(unknown, Vec::<&String>::new());
}

/// Texts of the files below a folder whose names end like this.
fn texts_below(folder: &Path, ending: &str) -> Vec<String> {
    let mut texts = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            texts.extend(texts_below(&path, ending));
        } else if path.extension().is_some_and(|own| own == ending) {
            texts.push(std::fs::read_to_string(&path).unwrap());
        }
    }
    texts
}

#[tokio::test]
async fn every_sql_function_that_our_rust_names_exists() {
    let database = Database::new().await;
    let exist = names_that_exist(&database).await;
    let mut named = BTreeSet::new();
    for folder in ["shared", "functions"] {
        for text in texts_below(&stack::home::workspace().join(folder), "rs") {
            let after = text.split("SQL `").skip(1);
            named.extend(after.filter_map(|rest| rest.split('`').next().map(str::to_owned)));
        }
    }
    assert!(named.len() > 2, "the sources were not read: {named:?}");
    for name in named {
        let known = ["public", "private"].map(|schema| exist.contains(&format!("{schema}.{name}")));
        assert!(known.contains(&true), "{name}");
    }
}

/// Bodies of our functions by name.
async fn bodies(database: &Database) -> Vec<(String, String)> {
    let query = "select oid::regproc::text, prosrc from pg_proc
         where pronamespace in ('public'::regnamespace, 'private'::regnamespace) order by 1";
    let bodies: Vec<(String, String)> = sqlx::query_as(query)
        .fetch_all(&database.superuser)
        .await
        .unwrap();
    assert!(bodies.len() > 40, "the catalogue was not read");
    bodies
}

/// The words of a body without comments and without what stands in quotes; brackets, semicolons and commas are words.
fn words(body: &str) -> Vec<String> {
    let code: String = body
        .lines()
        .map(|line| line.split("--").next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join(" ");
    let unquoted: String = code.split('\'').step_by(2).collect::<Vec<_>>().join(" _ ");
    let mut spaced = String::new();
    for sign in unquoted.chars() {
        if "();,".contains(sign) {
            spaced.extend([' ', sign, ' ']);
        } else {
            spaced.push(sign);
        }
    }
    spaced
        .split_whitespace()
        .map(str::to_ascii_lowercase)
        .collect()
}

/// The words of the statement that begins at `start`, up to its end; what stands in brackets counts for nothing.
fn statement(words: &[String], start: usize) -> Vec<&str> {
    let mut depth = 0;
    let mut own = Vec::new();
    for word in &words[start..] {
        match word.as_str() {
            ";" if depth == 0 => break,
            "(" => depth += 1,
            ")" if depth == 0 => break,
            ")" => depth -= 1,
            other if depth == 0 => own.push(other),
            _ => {}
        }
    }
    own
}

/// Statements that write rows without saying which. pg-safeupdate, which hosted projects load for the roles of the API,
/// refuses them.
fn writes_without_where(body: &str) -> Vec<String> {
    let words = words(body);
    let before = |at: usize| at.checked_sub(1).map_or("", |at| words[at].as_str());
    (0..words.len())
        .filter(|&at| match words[at].as_str() {
            // Not `for update` and `on conflict … do update`.
            "update" => !matches!(before(at), "for" | "do"),
            "delete" => true,
            _ => false,
        })
        .map(|at| statement(&words, at))
        .filter(|statement| !statement.contains(&"where"))
        .map(|statement| statement.join(" "))
        .collect()
}

#[tokio::test]
async fn no_function_updates_or_deletes_without_saying_which_rows() {
    let database = Database::new().await;
    for (function, body) in bodies(&database).await {
        assert_eq!(writes_without_where(&body), [] as [&str; 0], "{function}");
    }
}

#[test]
fn a_write_without_where_is_found_wherever_it_stands() {
    for body in [
        "update public.users set tier = 'where';",
        "with gone as (delete from public.users returning id) select 1 from gone where true",
        "begin update public.users set tier = (select code from public.tiers where true); -- where
         end",
    ] {
        assert_eq!(writes_without_where(body).len(), 1, "{body}");
    }
    let body = "select 1 for update; insert into t (a) values (1) on conflict (a) do update set a = 2; \
        delete from t where a in (select 1);";
    assert_eq!(writes_without_where(body), [] as [&str; 0]);
}

/// The columns of a list in brackets that follows a text.
fn columns_after<'a>(body: &'a str, text: &str) -> BTreeSet<&'a str> {
    let (_, rest) = body.split_once(text).expect("the insert is there");
    let (_, list) = rest.split_once('(').expect("a list of columns");
    let (list, _) = list.split_once(')').expect("its end");
    list.split(',').map(str::trim).collect()
}

#[tokio::test]
async fn the_moves_into_the_history_and_back_name_every_column() {
    let database = Database::new().await;
    for (function, table) in [
        ("public.tidy_history", "public.asset_generation_history"),
        ("public.tidy_history", "public.notification_history"),
        ("private.recall_history", "public.asset_generation_jobs"),
        ("private.recall_history", "public.notification_outbox"),
    ] {
        let body: String = database
            .value(&format!(
                "select prosrc from pg_proc where oid = '{function}'::regproc"
            ))
            .await;
        let columns: Vec<String> = sqlx::query_scalar(
            "select attname::text from pg_attribute
             where attrelid = $1::text::regclass and attnum > 0 and not attisdropped",
        )
        .bind(table)
        .fetch_all(&database.superuser)
        .await
        .unwrap();
        let columns: BTreeSet<_> = columns.iter().map(String::as_str).collect();
        let insert = format!("insert into {table}");
        assert_eq!(
            columns_after(&body, &insert),
            columns,
            "{function}: {table}"
        );
    }
}

#[tokio::test]
async fn every_insert_names_its_columns() {
    let database = Database::new().await;
    for (function, body) in bodies(&database).await {
        let words = words(&body);
        for (at, pair) in words.windows(2).enumerate() {
            if pair == ["insert", "into"] {
                assert_eq!(
                    words.get(at + 3).map(String::as_str),
                    Some("("),
                    "{function}: {}",
                    words[at + 2]
                );
            }
        }
    }
}
