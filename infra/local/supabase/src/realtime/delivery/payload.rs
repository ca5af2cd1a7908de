//! The `data` of a `postgres_changes` message: what one role may see of one change.

use serde_json::{Map, Value, json};

use super::{
    catalog::{ColumnFacts, TableFacts},
    rows::Rows,
};
use crate::change::{Action, RowChange};

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
    rows: &Rows,
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
    let logged = change.relation.columns.iter();
    let shown: Vec<&ColumnFacts> = logged
        .filter_map(|logged| facts.column(&logged.name))
        .filter(|column| column.readable_by(role) && selected(column))
        .collect();
    let mut record = change.new.is_some().then(|| part(&rows.new, &shown));
    let mut old_record = (change.action != Action::Insert).then(|| {
        // With row-level security on, only the key of an old row is shown: nobody checks the rest.
        let mut shown = shown.clone();
        shown.retain(|column| column.in_primary_key || !facts.row_security);
        part(&rows.old, &shown)
    });
    let whole = envelope(change, &shown, record.as_ref(), old_record.as_ref(), None).to_string();
    if whole.len() <= DATA_BYTES_MAX {
        return whole;
    }
    for row in [&mut record, &mut old_record].into_iter().flatten() {
        row.retain(|_, value| value.to_string().len() <= SURVIVING_VALUE_BYTES_MAX);
    }
    envelope(
        change,
        &shown,
        record.as_ref(),
        old_record.as_ref(),
        Some(ERROR_TOO_LARGE),
    )
    .to_string()
}

/// Of a row these columns, as far as they are known.
fn part(row: &Map<String, Value>, columns: &[&ColumnFacts]) -> Map<String, Value> {
    let known = columns
        .iter()
        .filter_map(|column| row.get_key_value(&column.name));
    known
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
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
