//! What the catalogue says about a changed table: types, key, row-level security, column privileges.

use std::collections::HashSet;

use sqlx::{PgPool, Row as _};

/// A table at the time of delivery.
pub(crate) struct TableFacts {
    pub(crate) row_security: bool,
    pub(crate) columns: Vec<ColumnFacts>,
}

pub(crate) struct ColumnFacts {
    pub(crate) name: String,
    /// As Realtime names it: `int4`, `_text`.
    pub(crate) type_name: String,
    /// As SQL names it: `integer`, `text[]`.
    pub(crate) sql_type: String,
    pub(crate) in_primary_key: bool,
    readers: HashSet<String>,
}

impl ColumnFacts {
    pub(crate) fn readable_by(&self, role: &str) -> bool {
        self.readers.contains(role)
    }
}

impl TableFacts {
    /// Reads the facts as far as `roles` are concerned; no columns when the table is gone.
    pub(crate) async fn read(
        pool: &PgPool,
        oid: u32,
        roles: &[String],
    ) -> Result<Self, sqlx::Error> {
        let rows = sqlx::query(
            "select c.relrowsecurity as row_security, a.attname::text as name, t.typname::text as type_name,
                    coalesce(a.attnum = any(i.indkey), false) as in_primary_key,
                    format_type(t.oid, null) as sql_type,
                    array(select r.rolname::text from pg_roles r where r.rolname = any($2)
                          and has_column_privilege(r.oid, c.oid, a.attnum, 'SELECT')) as readers
             from pg_class c
             join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
             join pg_type t on t.oid = a.atttypid
             left join pg_index i on i.indrelid = c.oid and i.indisprimary
             where c.oid = $1::bigint::oid
             order by a.attnum",
        )
        .bind(i64::from(oid))
        .bind(roles)
        .fetch_all(pool)
        .await?;
        let mut facts = Self {
            row_security: false,
            columns: Vec::with_capacity(rows.len()),
        };
        for row in rows {
            facts.row_security = row.try_get("row_security")?;
            facts.columns.push(ColumnFacts {
                name: row.try_get("name")?,
                type_name: row.try_get("type_name")?,
                in_primary_key: row.try_get("in_primary_key")?,
                sql_type: row.try_get("sql_type")?,
                readers: row
                    .try_get::<Vec<String>, _>("readers")?
                    .into_iter()
                    .collect(),
            });
        }
        Ok(facts)
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
