//! A committed change of a row: what the log tells, and what subscribers ask of it.

use std::sync::Arc;

use jiff::Timestamp;

/// What happened to a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    Insert,
    Update,
    Delete,
}

impl Action {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Insert => "INSERT",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
        }
    }
}

/// A table as the log describes it; only published columns are listed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Relation {
    pub(crate) oid: u32,
    pub(crate) schema: String,
    pub(crate) table: String,
    pub(crate) columns: Vec<RelationColumn>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RelationColumn {
    pub(crate) name: String,
    /// Part of the replica identity.
    pub(crate) identifies: bool,
}

/// One value of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cell {
    Null,
    /// A large value stored elsewhere that the update did not touch: it is not in the log.
    UnchangedToast,
    /// In the type's text form.
    Text(String),
}

/// The row before the change, as much of it as the replica identity logs.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum OldRow {
    /// Only identity columns are real; the rest are placeholders.
    Key(Vec<Cell>),
    Full(Vec<Cell>),
}

/// One committed change of one row.
#[derive(Debug)]
pub(crate) struct RowChange {
    pub(crate) relation: Arc<Relation>,
    pub(crate) action: Action,
    pub(crate) committed_at: Timestamp,
    /// Absent for deletes.
    pub(crate) new: Option<Vec<Cell>>,
    pub(crate) old: Option<OldRow>,
}

impl RowChange {
    /// The value a filter on `column` sees: of the new row, or of what is known of a deleted one.
    pub(crate) fn filterable_text(&self, column: &str) -> Option<&str> {
        let mut columns = self.relation.columns.iter();
        let at = columns.position(|known| known.name == column)?;
        let cell = match self.new {
            Some(_) => self.new_cell(at),
            None => self.old_cell(at),
        };
        match cell {
            Some(Cell::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// The new value; one that is unchanged and not in the log is taken from a fully logged old row.
    pub(crate) fn new_cell(&self, at: usize) -> Option<&Cell> {
        match (self.new.as_ref()?.get(at), &self.old) {
            (Some(Cell::UnchangedToast), Some(OldRow::Full(old))) => old.get(at),
            (cell, _) => cell,
        }
    }

    /// The old value, if it was logged.
    pub(crate) fn old_cell(&self, at: usize) -> Option<&Cell> {
        match self.old.as_ref()? {
            OldRow::Full(cells) => cells.get(at),
            OldRow::Key(cells) => {
                let identifies = self.relation.columns[at].identifies;
                cells.get(at).filter(|_| identifies)
            }
        }
    }
}
