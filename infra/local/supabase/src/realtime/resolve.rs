//! Turns the wishes of a channel into subscriptions, checking each against the database.

use std::sync::Arc;

use sqlx::{AssertSqlSafe, PgPool};

use super::{
    PUBLICATION,
    channel::{Binding, Wish},
    filter::{Comparison, Condition},
    outbox::Outbox,
    registry::{Identity, Subscription},
};
use crate::sql;

/// Why a channel gets no database changes.
#[derive(Debug)]
pub(crate) enum SubscribeError {
    /// The parameters are wrong; the text is for the client. Not retried.
    Refused(String),
    /// The database is in trouble; worth another try.
    Database(sqlx::Error),
}

impl From<sqlx::Error> for SubscribeError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

/// For whom to subscribe.
pub(crate) struct Subscriber {
    pub(crate) outbox: Outbox,
    pub(crate) topic: Arc<str>,
    pub(crate) identity: Arc<Identity>,
}

/// All bindings or none, as the real server does in one transaction.
pub(crate) async fn resolve(
    pool: &PgPool,
    subscriber: &Subscriber,
    bindings: &[Binding],
) -> Result<Vec<Subscription>, SubscribeError> {
    let mut subscriptions = Vec::new();
    for binding in bindings {
        let refused = |message: &String| SubscribeError::Refused(message.clone());
        let wish = binding.wish.as_ref().map_err(refused)?;
        let tables = published_tables(pool, wish).await?;
        if tables.is_empty() {
            return Err(SubscribeError::Refused(format!(
                "Unable to subscribe to changes with given parameters. Please check Realtime is enabled for the given \
                 connect parameters: [{}]",
                wish.describe()
            )));
        }
        for (schema, table) in tables {
            let mut conditions = Vec::with_capacity(wish.conditions.len());
            for condition in &wish.conditions {
                let on = (schema.as_str(), table.as_str());
                conditions.push(check(pool, wish, on, &subscriber.identity.role, condition).await?);
            }
            subscriptions.push(Subscription {
                outbox: subscriber.outbox.clone(),
                topic: subscriber.topic.clone(),
                binding_id: binding.id,
                schema,
                table,
                action: wish.action,
                conditions,
                columns: wish.columns.clone(),
                identity: subscriber.identity.clone(),
            });
        }
    }
    Ok(subscriptions)
}

async fn published_tables(
    pool: &PgPool,
    wish: &Wish,
) -> Result<Vec<(String, String)>, sqlx::Error> {
    sqlx::query_as(
        "select schemaname::text, tablename::text from pg_publication_tables
         where pubname = $1 and $2 in ('*', schemaname) and $3 in ('*', tablename)",
    )
    .bind(PUBLICATION)
    .bind(&wish.schema)
    .bind(&wish.table)
    .fetch_all(pool)
    .await
}

/// Postgres would have raised this.
fn exception(wish: &Wish, text: &str) -> SubscribeError {
    SubscribeError::Refused(format!(
        "Unable to subscribe to changes with given parameters. An exception happened so please check your \
         connect parameters: [{}]. Exception: {text}",
        wish.describe()
    ))
}

/// The condition with its values in the form Postgres prints them, so that a changed row's text can
/// be compared as it comes. The column must be one the role may read.
async fn check(
    pool: &PgPool,
    wish: &Wish,
    (schema, table): (&str, &str),
    role: &str,
    condition: &Condition,
) -> Result<Condition, SubscribeError> {
    let column: Option<(String, i64)> = sqlx::query_as(
        "select format_type(a.atttypid, null), coalesce(nullif(t.typbasetype, 0), t.oid)::bigint
         from pg_attribute a join pg_type t on t.oid = a.atttypid
         where a.attrelid = format('%I.%I', $1::text, $2::text)::regclass
           and a.attname = $3 and a.attnum > 0 and not a.attisdropped
           and exists (select from pg_roles r where r.rolname = $4
                       and has_column_privilege(r.oid, a.attrelid, a.attnum, 'SELECT'))",
    )
    .bind(schema)
    .bind(table)
    .bind(&condition.column)
    .bind(role)
    .fetch_optional(pool)
    .await?;
    let Some((type_name, base_type)) = column else {
        let invalid = format!("invalid column for filter {}", condition.column);
        return Err(exception(wish, &invalid));
    };
    let values = as_printed(pool, &type_name, &condition.values).await;
    let values = values.map_err(|error| match error {
        sqlx::Error::Database(error) => exception(wish, error.message()),
        other => SubscribeError::Database(other),
    })?;
    Ok(Condition {
        values,
        comparison: match base_type {
            // int8, int2, int4, float4, float8, numeric: from the catalogue `pg_type.dat`, which never changes.
            20 | 21 | 23 | 700 | 701 | 1700 => Comparison::Number,
            _ => Comparison::Text,
        },
        ..condition.clone()
    })
}

/// `type_name` comes from `format_type`, which quotes it.
async fn as_printed(
    pool: &PgPool,
    type_name: &str,
    values: &[String],
) -> Result<Vec<String>, sqlx::Error> {
    let literals: Vec<String> = values.iter().map(|value| sql::literal(value)).collect();
    let sql = format!(
        "select value::{type_name}::text from unnest(array[{}]::text[]) with ordinality as given (value, place)
         order by place",
        literals.join(",")
    );
    sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(pool).await
}
