//! A story whose rows are lost or damaged comes back from its snapshot, with everything that its user saw.

use super::{asset, newcomer, notices::until};
use crate::stack::{Shared, own};
use operate::recover::{Target, run};
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use stack::{environment::BUCKET, functions::deployed_name};
use std::path::PathBuf;

fn snapshots(shared: &Shared, story: &str) -> Vec<PathBuf> {
    let bucket = shared.stack().home().join("files").join(BUCKET);
    let folder = std::fs::read_dir(bucket.join("snapshots/stories").join(story));
    let entries = folder.into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

/// A sweep writes what is settled; this one did.
async fn sweep(shared: &Shared, story: &str) {
    let tick = shared
        .stack()
        .emulator()
        .tick("storytailor-timeout-handler-production");
    tick.expect("a sweep");
    let waiting = format!("select count(*) from private.snapshot_queue where story_id = '{story}'");
    until(async || {
        let waiting: i64 = sqlx::query_scalar(AssertSqlSafe(waiting.clone()))
            .fetch_one(shared.stack().pool())
            .await
            .expect("a number");
        waiting == 0
    })
    .await;
    assert_eq!(
        snapshots(shared, story).len(),
        1,
        "one is kept of each story"
    );
}

/// As an operator types it.
async fn recover(shared: &Shared, story: &str) -> String {
    let target = Target {
        endpoint: Some(
            shared
                .stack()
                .variable("AWS_ENDPOINT_URL_LAMBDA")
                .to_owned(),
        ),
        function: deployed_name("content-agent"),
    };
    match run(&target, story).await {
        Ok(message) => message,
        Err(refused) => refused.to_string(),
    }
}

async fn damage(shared: &Shared, sql: &str) {
    let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
    done.execute(shared.stack().pool()).await.expect("damage");
}

#[test]
fn a_lost_or_damaged_story_is_as_before_a_newer_one_stays_and_one_that_was_deleted_is_gone() {
    let shared = own("recovery", |_| {});
    shared.run(async {
        let user = newcomer(&shared).await;
        let id = user.ask_for_story().await;
        user.settled(&id).await;
        let get = async |path: &str| -> Value {
            let url = format!("{}/api/v1{path}", shared.stack().variable("API_URL"));
            let answer = reqwest::Client::new().get(url).bearer_auth(&user.token).send().await;
            answer.expect("an answer").json().await.expect("JSON")
        };
        let all = async || {
            let mut story = get(&format!("/stories/{id}")).await["data"].take();
            for changes in ["version", "updated_at"] {
                story[changes].take();
            }
            let mut status = get(&format!("/stories/{id}/assets/status")).await["data"].take();
            status["version"].take();
            let history = get(&format!("/stories/{id}/history")).await;
            [story, status, history, get("/users/me/usage").await]
        };
        let before = all().await;
        let none = recover(&shared, &id).await;
        assert_eq!(none, "Story not recoverable: there is no snapshot of it");
        sweep(&shared, &id).await;
        assert_eq!(recover(&shared, &id).await, "Story is whole; nothing was changed");
        let url = format!("{}/snapshots/stories/{id}/v1.json", shared.stack().variable("ASSETS_CDN_URL"));
        assert!(!reqwest::get(url).await.expect("an answer").status().is_success());

        for sql in [
            format!("update public.stories set title = '?', content = '{{}}', audio_words = null,
                asset_generation_status = '{{\"overall\": \"failed\", \"assets\": {{}}}}' where id = '{id}'"),
            format!("delete from public.asset_versions where story_id = '{id}';
                delete from public.asset_generation_jobs where story_id = '{id}' and asset_type <> 'content'"),
            format!("delete from public.stories where id = '{id}'"),
            format!("set session_replication_role = replica; delete from public.stories where id = '{id}';
                delete from public.asset_generation_jobs where story_id = '{id}'; set session_replication_role = origin"),
        ] {
            damage(&shared, &sql).await;
            assert_eq!(recover(&shared, &id).await, "Story recovered", "{sql}");
            assert_eq!(all().await, before, "{sql}");
        }
        let story = user.settled(&id).await;
        let pdf = asset(&story, "pdf")["url"].as_str().expect("an address");
        assert_eq!(reqwest::get(pdf).await.expect("an answer").status(), 200);

        // What is known since is not taken back, and the next snapshot knows it.
        let again = json!({"assetTypes": ["activities"]});
        user.api.steer(&id, "regenerate", &again).await.expect("a new version");
        user.settled(&id).await;
        let newer = recover(&shared, &id).await;
        assert_eq!(newer, "Story is newer than its snapshot; nothing was changed");
        sweep(&shared, &id).await;
        let now = all().await;
        assert_ne!(now[2], before[2]);
        damage(&shared, &format!("update public.stories set content = '{{}}' where id = '{id}'")).await;
        assert_eq!(recover(&shared, &id).await, "Story recovered");
        assert_eq!(all().await, now);

        // What its user deleted is gone with its snapshot.
        assert_eq!(user.delete(&shared, &format!("/stories/{id}")).await, 204);
        until(async || snapshots(&shared, &id).is_empty()).await;
        let gone = recover(&shared, &id).await;
        assert_eq!(gone, "Story not recoverable: there is no snapshot of it");
    });
}
