//! What the catalogue says about a changed table: types, key, row-level security, column privileges.

use std::collections::HashSet;

use sqlx::{PgPool, Row as _};

use super::values::{ValueKind, array_to_json};

/// A table at the time of delivery.
pub(crate) struct TableFacts {
    pub(crate) row_security: bool,
    pub(crate) columns: Vec<ColumnFacts>,
}

pub(crate) struct ColumnFacts {
    pub(crate) name: String,
    /// As Realtime names it: `int4`, `_text`.
    pub(crate) type_name: String,
    pub(crate) in_primary_key: bool,
    kind: ValueKind,
    is_array: bool,
    readers: HashSet<String>,
}

impl ColumnFacts {
    pub(crate) fn readable_by(&self, role: &str) -> bool {
        self.readers.contains(role)
    }

    pub(crate) fn to_json(&self, text: &str) -> serde_json::Value {
        if self.is_array {
            array_to_json(self.kind, text)
        } else {
            self.kind.to_json(text)
        }
    }
}

impl TableFacts {
    /// Reads the facts as far as `roles` are concerned; no columns when the table is gone.
    pub(crate) async fn read(
        pool: &PgPool,
        oid: u32,
        roles: &[String],
    ) -> Result<Self, sqlx::Error> {
        // A domain is treated as the type below it; an array (also one below a domain) by its elements.
        let rows = sqlx::query(
            "select c.relrowsecurity as row_security, a.attname::text as name, t.typname::text as type_name,
                    coalesce(a.attnum = any(i.indkey), false) as in_primary_key,
                    case when b.typcategory = 'A' then b.typelem else b.oid end::bigint as value_type,
                    b.typcategory = 'A' as is_array,
                    array(select r.rolname::text from pg_roles r where r.rolname = any($2)
                          and has_column_privilege(r.oid, c.oid, a.attnum, 'SELECT')) as readers
             from pg_class c
             join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
             join pg_type t on t.oid = a.atttypid
             join pg_type b on b.oid = coalesce(nullif(t.typbasetype, 0), t.oid)
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
                kind: ValueKind::of_type(row.try_get("value_type")?),
                is_array: row.try_get("is_array")?,
                readers: row
                    .try_get::<Vec<String>, _>("readers")?
                    .into_iter()
                    .collect(),
            });
        }
        Ok(facts)
    }

    pub(crate) fn key(&self) -> impl Iterator<Item = &ColumnFacts> {
        self.columns.iter().filter(|column| column.in_primary_key)
    }

    pub(crate) fn has_key(&self) -> bool {
        self.key().next().is_some()
    }
}
