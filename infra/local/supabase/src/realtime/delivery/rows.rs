//! Rows of the log as JSON: Postgres itself makes it of their text, as `to_jsonb` says it.

use serde_json::{Map, Value};
use sqlx::{AssertSqlSafe, PgPool};

use super::catalog::TableFacts;
use crate::{
    change::{Cell, RowChange},
    sql,
};

/// The rows of a change by column. What the log does not tell is missing, not null: the client keeps what it has.
pub(crate) struct Rows {
    pub(crate) new: Map<String, Value>,
    pub(crate) old: Map<String, Value>,
}

/// Of all these changes, in one round trip.
///
/// # Errors
/// When the database is away, or a type is not what it was when the change was made.
pub(crate) async fn read(
    pool: &PgPool,
    changes: impl Iterator<Item = (&RowChange, &TableFacts)>,
) -> Result<Vec<Rows>, sqlx::Error> {
    let queries: Vec<String> = changes
        .flat_map(|(change, facts)| {
            let new = as_json(change, facts, |at| change.new_cell(at));
            let old = as_json(change, facts, |at| {
                change
                    .old_cell(at)
                    .or_else(|| unchanged_key(change, facts, at))
            });
            [new, old]
        })
        .collect();
    let sql = format!("select unnest(array[{}])", queries.join(",\n"));
    let read = sqlx::query_scalar(AssertSqlSafe(sql)).persistent(false);
    let mut rows = read
        .fetch_all(pool)
        .await?
        .into_iter()
        .map(|row: Value| match row {
            Value::Object(row) => row,
            _ => Map::new(),
        });
    let pairs = std::iter::from_fn(|| Some((rows.next()?, rows.next()?)));
    Ok(pairs.map(|(new, old)| Rows { new, old }).collect())
}

fn as_json<'a>(
    change: &'a RowChange,
    facts: &TableFacts,
    cell: impl Fn(usize) -> Option<&'a Cell>,
) -> String {
    let mut columns = Vec::new();
    for (at, logged) in change.relation.columns.iter().enumerate() {
        let (Some(column), Some(cell)) = (facts.column(&logged.name), cell(at)) else {
            continue;
        };
        let value = match cell {
            Cell::Text(text) => sql::literal(text),
            Cell::Null => "null".to_owned(),
            Cell::UnchangedToast => continue,
        };
        let (kind, name) = (&column.sql_type, sql::identifier(&column.name));
        columns.push(format!("{value}::{kind} as {name}"));
    }
    let columns = columns.join(", ");
    format!("(select to_jsonb(whole_row) from (select {columns}) as whole_row)")
}

/// An update that left the key alone does not log it: the old key is the new one.
fn unchanged_key<'a>(change: &'a RowChange, facts: &TableFacts, at: usize) -> Option<&'a Cell> {
    let column = facts.column(&change.relation.columns[at].name)?;
    let is_the_same = change.old.is_none() && column.in_primary_key;
    is_the_same.then(|| change.new_cell(at)).flatten()
}
