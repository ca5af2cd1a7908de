//! Row-level security, asked of Postgres itself: does this row exist for that identity?

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use futures::StreamExt as _;
use sqlx::{AssertSqlSafe, PgPool, Row as _};

use super::catalog::TableFacts;
use crate::{
    change::{Cell, RowChange},
    realtime::registry::Identity,
    sql,
};

/// Identities asked about at once; each takes a connection of the pool.
const CHECKS_AT_ONCE: usize = 4;
/// Rows per question.
const ROWS_PER_CHECK: usize = 64;

/// `exists(…)` expressions to be answered, by identity. Equal ones are asked once.
#[derive(Default)]
pub(crate) struct Questions {
    by_identity: HashMap<Arc<Identity>, HashSet<String>>,
}

/// The questions Postgres said yes to.
#[derive(Default)]
pub(crate) struct Answers {
    visible: HashMap<Arc<Identity>, HashSet<String>>,
    /// Set when the database went away, so that some questions have no answer.
    pub(crate) interruption: Option<sqlx::Error>,
}

/// The query for the row a change left behind, by its primary key; `None` when the key is not all there.
pub(crate) fn existence_query(change: &RowChange, facts: &TableFacts) -> Option<String> {
    let mut conditions = Vec::new();
    for key in facts.key() {
        let mut logged = change.relation.columns.iter();
        let at = logged.position(|column| column.name == key.name)?;
        let Some(Cell::Text(value)) = change.new_cell(at) else {
            return None;
        };
        let (key, value) = (sql::identifier(&key.name), sql::literal(value));
        conditions.push(format!("{key} = {value}"));
    }
    let conditions = conditions.join(" and ");
    let [schema, table] = [&change.relation.schema, &change.relation.table];
    let (schema, table) = (sql::identifier(schema), sql::identifier(table));
    Some(format!(
        "exists(select from {schema}.{table} where {conditions})"
    ))
}

impl Questions {
    pub(crate) fn ask(&mut self, identity: &Arc<Identity>, existence_query: &str) {
        let questions = self.by_identity.entry(identity.clone()).or_default();
        questions.insert(existence_query.to_owned());
    }

    /// One round trip per identity and [`ROWS_PER_CHECK`] rows.
    pub(crate) async fn answer(self, pool: &PgPool) -> Answers {
        let mut chunks = Vec::new();
        for (identity, questions) in self.by_identity {
            let questions = Vec::from_iter(questions);
            for chunk in questions.chunks(ROWS_PER_CHECK) {
                chunks.push((identity.clone(), chunk.to_vec()));
            }
        }
        let mut answering = futures::stream::iter(chunks)
            .map(|(identity, questions)| async move {
                let visible = visible(pool, &identity, &questions).await;
                (identity, visible)
            })
            .buffer_unordered(CHECKS_AT_ONCE);
        let mut answers = Answers::default();
        while let Some((identity, visible)) = answering.next().await {
            match visible {
                Ok(visible) => answers.visible.entry(identity).or_default().extend(visible),
                Err(error) if is_interruption(&error) => answers.interruption = Some(error),
                // Whoever cannot be asked about (a claim that breaks a policy, a lost privilege) sees nothing.
                Err(error) => {
                    tracing::debug!(%error, role = identity.role, "a row-level security check failed");
                }
            }
        }
        answers
    }
}

/// Whether the connection failed, or the server ended it (class 57 of the SQLSTATEs), rather than the question.
fn is_interruption(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::Protocol(_) => true,
        sqlx::Error::Database(error) => error.code().is_some_and(|code| code.starts_with("57P")),
        _ => false,
    }
}

impl Answers {
    pub(crate) fn sees(&self, identity: &Arc<Identity>, existence_query: &str) -> bool {
        self.visible
            .get(identity)
            .is_some_and(|visible| visible.contains(existence_query))
    }
}

/// The statements of one simple query share a transaction, so the role and claims are gone after it.
async fn visible(
    pool: &PgPool,
    identity: &Identity,
    questions: &[String],
) -> Result<Vec<String>, sqlx::Error> {
    let sql = format!(
        "select set_config('role', {}, true), set_config('request.jwt.claims', {}, true);
         select array[{}]::boolean[] as answers",
        sql::literal(&identity.role),
        sql::literal(&identity.claims_json),
        questions.join(",\n")
    );
    let rows = sqlx::raw_sql(AssertSqlSafe(sql)).fetch_all(pool).await?;
    let last = rows.last().ok_or(sqlx::Error::RowNotFound)?;
    let answers: Vec<bool> = last.try_get("answers")?;
    let visible = questions.iter().zip(answers).filter(|(_, exists)| *exists);
    Ok(visible.map(|(question, _)| question.clone()).collect())
}
