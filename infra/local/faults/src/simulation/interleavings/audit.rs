//! Watches every write by triggers of its own, and checks the invariants against what it saw.

use super::moves::World;
use crate::{INVARIANTS, TestDatabase, queries};
use serde_json::Value;
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
