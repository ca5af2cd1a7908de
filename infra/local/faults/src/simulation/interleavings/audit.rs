//! Watches every write by triggers of its own, and checks the invariants against what it saw.

use super::moves::World;
use crate::prelude::*;
use std::sync::LazyLock;

/// The stories of which something that always holds does not, with their jobs.
static BROKEN: LazyLock<String> = LazyLock::new(|| {
    let always = queries(INVARIANTS).filter(|(what, _)| what.starts_with("always"));
    let broken: Vec<String> = always
        .map(|(what, query)| format!("select '{what}', id from ({query}) as broken (id)"))
        .collect();
    format!(
        "select jsonb_agg(jsonb_build_object('broken', what, 'story', to_jsonb(s), 'jobs',
           (select jsonb_agg(to_jsonb(j)) from public.asset_generation_jobs j where j.story_id = s.id)))
         from ({}) as broken (what, story) join public.stories s on s.id = broken.story",
        broken.join(" union all ")
    )
});

/// Proof that the triggers are there.
pub(super) struct Audit(());

impl Audit {
    pub(super) async fn install(database: &TestDatabase) -> Self {
        database.arrange(include_str!("audit.sql")).await;
        Self(())
    }

    /// What must hold between any two calls.
    pub(super) async fn check_states(&self, database: &TestDatabase) {
        let broken: Option<Value> = database.value(&BROKEN).await;
        assert_eq!(broken, None);
    }

    /// What must hold over the whole run.
    pub(super) async fn check_history(&self, database: &TestDatabase, world: &World) {
        for (what, query) in queries(include_str!("history.sql")) {
            let broken = format!("select jsonb_agg(to_jsonb(broken)) from ({query}) as broken");
            let broken: Option<Value> = database.value(&broken).await;
            assert_eq!(broken, None, "{what}");
        }
        check_deleted(database, &world.deleted).await;
        let completed = database
            .column("select lease_token::text from audit.completions")
            .await;
        for token in &world.completed {
            assert!(
                completed.contains(token),
                "{token} was told it completed, and did not"
            );
        }
    }
}

/// Of a story that was taken away nothing is left but the wish to delete its files; its credit is still spent.
async fn check_deleted(database: &TestDatabase, deleted: &[Story]) {
    let tables = "select oid::regclass::text from pg_class where relkind = 'r'
        and relnamespace in ('public'::regnamespace, 'private'::regnamespace)
        and oid <> 'private.deletion_queue'::regclass";
    let tables = database.column(tables).await;
    for Story { id, user } in deleted {
        for table in &tables {
            let rows = format!("{table} as t where to_jsonb(t)::text like '%{id}%'");
            assert_eq!(database.count(&rows).await, 0, "{table} names {id}");
        }
        let files = format!("private.deletion_queue where kind = 'files' and story_id = '{id}'");
        assert_eq!(database.count(&files).await, 1, "files of {id}");
        let (used, spent) = database.credits(*user).await;
        assert_eq!(i64::from(used), spent, "the credits of {user}");
    }
}
