//! The `data` of a `postgres_changes` message: what one role may see of one change.

use serde_json::{Map, Value, json};

use super::catalog::{ColumnFacts, TableFacts};
use crate::change::{Action, Cell, RowChange};

/// A change whose JSON is longer loses its large values (1 MiB).
const DATA_BYTES_MAX: usize = 1_048_576;
/// What survives then: values of at most this many bytes of JSON.
const SURVIVING_VALUE_BYTES_MAX: usize = 64;

const ERROR_NO_PRIMARY_KEY: &str = "Error 400: Bad Request, no primary key";
const ERROR_UNAUTHORIZED: &str = "Error 401: Unauthorized";
const ERROR_TOO_LARGE: &str = "Error 413: Payload Too Large";

/// What a role gets of a change before row-level security is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Granted,
    /// The table has no primary key: nobody's right to a row can be checked.
    NoKey,
    /// The role may not read the key.
    Denied,
}

impl Access {
    pub(crate) fn of(role: &str, action: Action, facts: &TableFacts) -> Self {
        if action == Action::Delete {
            return Self::Granted;
        }
        match (
            facts.has_key(),
            facts.key().all(|column| column.readable_by(role)),
        ) {
            (false, _) => Self::NoKey,
            (true, false) => Self::Denied,
            (true, true) => Self::Granted,
        }
    }
}

/// `columns` is the binding's `select`, if any; the key is always included.
pub(crate) fn data(
    change: &RowChange,
    facts: &TableFacts,
    access: Access,
    role: &str,
    columns: Option<&[String]>,
) -> String {
    let refusal = match access {
        Access::NoKey => Some(ERROR_NO_PRIMARY_KEY),
        Access::Denied => Some(ERROR_UNAUTHORIZED),
        Access::Granted => None,
    };
    if refusal.is_some() {
        return envelope(change, &[], None, None, refusal).to_string();
    }
    let selected = |column: &ColumnFacts| {
        columns.is_none_or(|names| column.in_primary_key || names.contains(&column.name))
    };
    let shown: Vec<(usize, &ColumnFacts)> = change
        .relation
        .columns
        .iter()
        .enumerate()
        .filter_map(|(at, logged)| {
            Some((
                at,
                facts
                    .columns
                    .iter()
                    .find(|column| column.name == logged.name)?,
            ))
        })
        .filter(|(_, column)| column.readable_by(role) && selected(column))
        .collect();
    let columns: Vec<&ColumnFacts> = shown.iter().map(|(_, column)| *column).collect();
    let mut record = change
        .new
        .is_some()
        .then(|| row(&shown, |at| change.new_cell(at)));
    let mut old_record = (change.action != Action::Insert).then(|| {
        // With row-level security on, only the key of an old row is shown: nobody checks the rest.
        let shown: Vec<_> = shown
            .iter()
            .filter(|(_, column)| column.in_primary_key || !facts.row_security)
            .copied()
            .collect();
        row(&shown, |at| {
            change
                .old_cell(at)
                .or_else(|| unchanged_key(change, facts, at))
        })
    });
    let whole = envelope(change, &columns, record.as_ref(), old_record.as_ref(), None).to_string();
    if whole.len() <= DATA_BYTES_MAX {
        return whole;
    }
    for row in [&mut record, &mut old_record].into_iter().flatten() {
        row.retain(|_, value| value.to_string().len() <= SURVIVING_VALUE_BYTES_MAX);
    }
    envelope(
        change,
        &columns,
        record.as_ref(),
        old_record.as_ref(),
        Some(ERROR_TOO_LARGE),
    )
    .to_string()
}

/// An update that left the key alone does not log it: the old key is the new one.
fn unchanged_key<'a>(change: &'a RowChange, facts: &TableFacts, at: usize) -> Option<&'a Cell> {
    let name = &change.relation.columns[at].name;
    let is_key = facts.key().any(|column| column.name == *name);
    (change.old.is_none() && is_key)
        .then(|| change.new_cell(at))
        .flatten()
}

fn row<'a>(
    shown: &[(usize, &ColumnFacts)],
    cell: impl Fn(usize) -> Option<&'a Cell>,
) -> Map<String, Value> {
    let mut row = Map::new();
    for (at, column) in shown {
        let value = match cell(*at) {
            Some(Cell::Text(text)) => column.to_json(text),
            Some(Cell::Null) => Value::Null,
            // Missing, not null: the client keeps what it has.
            Some(Cell::UnchangedToast) | None => continue,
        };
        row.insert(column.name.clone(), value);
    }
    row
}

fn envelope(
    change: &RowChange,
    columns: &[&ColumnFacts],
    record: Option<&Map<String, Value>>,
    old_record: Option<&Map<String, Value>>,
    error: Option<&str>,
) -> Value {
    let columns: Vec<Value> = columns
        .iter()
        .map(|column| json!({"name": column.name, "type": column.type_name}))
        .collect();
    let mut data = json!({
        "schema": change.relation.schema,
        "table": change.relation.table,
        "type": change.action.name(),
        "commit_timestamp": change.committed_at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
        "columns": columns,
        "errors": error.map(|error| vec![error]),
    });
    // A refusal still has the rows its action has, empty: the client reads them unasked.
    if change.action != Action::Delete {
        data["record"] = json!(record.cloned().unwrap_or_default());
    }
    if change.action != Action::Insert {
        data["old_record"] = json!(old_record.cloned().unwrap_or_default());
    }
    data
}
