//! From a batch of changes to frames: match filters first, then ask row-level security, then send.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use super::{
    catalog::TableFacts,
    payload::{Access, data},
    rows::{self, Rows},
    visibility::{Questions, existence_query},
};
use crate::{
    change::{Action, RowChange},
    realtime::{
        Shared,
        frame::{Head, write},
        outbox::SocketId,
        registry::Subscription,
    },
};

/// A change somebody subscribed to.
struct Wanted {
    change: RowChange,
    by: Vec<Arc<Subscription>>,
}

/// Order is kept: a socket gets the changes as they were committed.
///
/// # Errors
/// When the database went away meanwhile: some of the changes are lost then.
pub(crate) async fn deliver(server: &Shared, changes: Vec<RowChange>) -> Result<(), sqlx::Error> {
    let wanted: Vec<Wanted> = changes
        .into_iter()
        .map(|change| Wanted {
            by: server.subscriptions.matching(&change),
            change,
        })
        .filter(|wanted| !wanted.by.is_empty())
        .collect();
    if wanted.is_empty() {
        return Ok(());
    }
    let facts = table_facts(server, &wanted).await?;

    let mut questions = Questions::default();
    let mut existence: Vec<Option<String>> = Vec::with_capacity(wanted.len());
    for Wanted { change, by } in &wanted {
        let facts = &facts[&change.relation.oid];
        let needs_check = facts.row_security && change.action != Action::Delete && facts.has_key();
        let query = needs_check
            .then(|| existence_query(change, facts))
            .flatten();
        if let Some(query) = &query {
            for subscription in by {
                if Access::of(&subscription.identity.role, change.action, facts) == Access::Granted
                {
                    questions.ask(&subscription.identity, query);
                }
            }
        }
        existence.push(query);
    }
    let mut answers = questions.answer(&server.pool).await;
    let changed = wanted
        .iter()
        .map(|Wanted { change, .. }| (change, &facts[&change.relation.oid]));
    let rows = rows::read(&server.pool, changed).await?;

    for ((Wanted { change, by }, query), rows) in wanted.iter().zip(existence).zip(&rows) {
        let facts = &facts[&change.relation.oid];
        let allowed = by.iter().filter(|subscription| {
            let access = Access::of(&subscription.identity.role, change.action, facts);
            let unchecked =
                access != Access::Granted || !facts.row_security || change.action == Action::Delete;
            unchecked
                || query
                    .as_ref()
                    .is_some_and(|query| answers.sees(&subscription.identity, query))
        });
        send(change, facts, rows, allowed);
    }
    answers.interruption.take().map_or(Ok(()), Err)
}

/// Read anew for every batch: a grant or policy changed a moment ago counts.
async fn table_facts(
    server: &Shared,
    wanted: &[Wanted],
) -> Result<HashMap<u32, TableFacts>, sqlx::Error> {
    let mut roles_of_tables: BTreeMap<u32, BTreeSet<&str>> = BTreeMap::new();
    for Wanted { change, by } in wanted {
        let roles = by
            .iter()
            .map(|subscription| subscription.identity.role.as_str());
        roles_of_tables
            .entry(change.relation.oid)
            .or_default()
            .extend(roles);
    }
    let mut facts = HashMap::new();
    for (oid, roles) in roles_of_tables {
        let roles: Vec<String> = roles.into_iter().map(str::to_owned).collect();
        facts.insert(oid, TableFacts::read(&server.pool, oid, &roles).await?);
    }
    Ok(facts)
}

/// One frame per channel and column selection, naming every binding the change hit.
fn send<'a>(
    change: &RowChange,
    facts: &TableFacts,
    rows: &Rows,
    subscriptions: impl Iterator<Item = &'a Arc<Subscription>>,
) {
    type Columns<'a> = Option<&'a [String]>;
    let mut frames: BTreeMap<(SocketId, &str, Columns<'a>), (&Subscription, BTreeSet<u64>)> =
        BTreeMap::new();
    for subscription in subscriptions {
        let key = (
            subscription.outbox.socket,
            &*subscription.topic,
            subscription.columns.as_deref(),
        );
        let (_, ids) = frames
            .entry(key)
            .or_insert_with(|| (subscription, BTreeSet::new()));
        ids.insert(subscription.binding_id);
    }
    let mut written: HashMap<(&str, Columns<'_>), String> = HashMap::new();
    for ((_, topic, columns), (subscription, ids)) in frames {
        let role = subscription.identity.role.as_str();
        let data = written.entry((role, columns)).or_insert_with(|| {
            let access = Access::of(role, change.action, facts);
            data(change, facts, rows, access, role, columns)
        });
        let ids: Vec<String> = ids.iter().map(u64::to_string).collect();
        let payload = format!(r#"{{"ids":[{}],"data":{data}}}"#, ids.join(","));
        let text = write(
            subscription.outbox.version,
            Head::push(topic, "postgres_changes"),
            &payload,
        );
        subscription.outbox.deliver(text);
    }
}
