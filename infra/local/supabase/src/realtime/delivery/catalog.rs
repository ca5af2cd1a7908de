//! What the catalogue says about a changed table: types, key, row-level security, column privileges.

use sqlx::PgPool;

/// A table at the time of delivery.
pub(crate) struct TableFacts {
    pub(crate) row_security: bool,
    pub(crate) columns: Vec<ColumnFacts>,
}

#[derive(sqlx::FromRow)]
pub(crate) struct ColumnFacts {
    pub(crate) name: String,
    /// As Realtime names it: `int4`, `_text`.
    pub(crate) type_name: String,
    /// As SQL names it: `integer`, `text[]`.
    pub(crate) sql_type: String,
    pub(crate) in_primary_key: bool,
    /// The roles that were asked about and may read it.
    readers: Vec<String>,
    /// The whole table's.
    row_security: bool,
}

impl ColumnFacts {
    pub(crate) fn readable_by(&self, role: &str) -> bool {
        self.readers.iter().any(|reader| reader == role)
    }
}

impl TableFacts {
    /// Reads the facts as far as `roles` are concerned; no columns when the table is gone.
    pub(crate) async fn read(
        pool: &PgPool,
        oid: u32,
        roles: &[String],
    ) -> Result<Self, sqlx::Error> {
        let columns: Vec<ColumnFacts> = sqlx::query_as(include_str!("table_facts.sql"))
            .bind(i64::from(oid))
            .bind(roles)
            .fetch_all(pool)
            .await?;
        Ok(Self {
            row_security: columns.iter().any(|column| column.row_security),
            columns,
        })
    }

    pub(crate) fn column(&self, name: &str) -> Option<&ColumnFacts> {
        self.columns.iter().find(|column| column.name == name)
    }

    pub(crate) fn key(&self) -> impl Iterator<Item = &ColumnFacts> {
        self.columns.iter().filter(|column| column.in_primary_key)
    }

    pub(crate) fn has_key(&self) -> bool {
        self.key().next().is_some()
    }
}
