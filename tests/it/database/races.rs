//! Many at once: one key makes one story, the cap is filled and kept, nobody deadlocks. The quota, claims and updates of
//! many are fault tests.

use super::fixture::{Database, EVERYTHING, creation};
use serde_json::json;
use std::{collections::BTreeSet, sync::Arc};
use tokio::task::JoinSet;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_key_sent_fifty_times_at_once_makes_one_story() {
    let database = Arc::new(Database::new().await);
    let user = database.user("school").await;
    let character = database.character(user).await;
    let mut keyed = creation(user, &character, &["cover"]);
    keyed["p_idempotency_key"] = json!("k");
    keyed["p_request_hash"] = json!("h");
    let mut asking = JoinSet::new();
    for _ in 0..50 {
        let (database, arguments) = (Arc::clone(&database), keyed.clone());
        asking.spawn(async move {
            database.call("create_story", arguments).await["story"]["id"].to_string()
        });
    }
    assert_eq!(
        asking
            .join_all()
            .await
            .into_iter()
            .collect::<BTreeSet<_>>()
            .len(),
        1
    );
    assert_eq!(database.credits(user).await, (1, 1));
}

/// A thousand covers to make, of one user: what is tested is claiming, not asking.
async fn a_thousand_waiting_covers() -> Arc<Database> {
    let database = Database::new().await;
    let story = database.story_with_text(&["cover"]).await;
    database
        .arrange(&format!(
            "insert into public.stories (id, library_id, creator_user_id, title, character_ids, story_type)
               select ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, library_id, creator_user_id, title, character_ids, story_type
               from public.stories, generate_series(1, 999) as n where id = '{0}';
             insert into public.asset_generation_jobs (story_id, user_id, asset_type, inputs_settled)
               select id, creator_user_id, 'cover', true from public.stories where id <> '{0}'",
            story.id
        ))
        .await;
    Arc::new(database)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixteen_claimers_at_once_fill_the_cap_and_never_exceed_it() {
    let database = a_thousand_waiting_covers().await;
    for cap in [7, 19, 40] {
        let mut claimers = JoinSet::new();
        for _ in 0..16 {
            let database = Arc::clone(&database);
            claimers.spawn(async move {
                database
                    .call(
                        "claim_asset_jobs",
                        json!({"p_limit": 5, "p_max_in_flight": cap}),
                    )
                    .await
            });
        }
        claimers.join_all().await;
        assert_eq!(
            database
                .count("public.asset_generation_jobs where status = 'generating'")
                .await,
            cap
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_who_steers_while_the_text_fails_does_not_deadlock_with_the_refund() {
    let database = Arc::new(Database::new().await);
    for _ in 0..30 {
        let story = database.story(&EVERYTHING).await;
        let text = database.start_content(&story, "writer").await;
        let mut both = JoinSet::new();
        let (worker, user, steered) = (Arc::clone(&database), Arc::clone(&database), story.clone());
        both.spawn(async move {
            worker
                .try_call("fail_job", &super::fixture::failure(&text, false))
                .await
        });
        both.spawn(async move { user.try_call("cancel_assets", &json!({"p_user_id": steered.user, "p_story_id": steered.id, "p_asset_types": ["cover"]})).await });
        for answer in both.join_all().await {
            answer.expect("neither waits for the other in a circle");
        }
        assert_eq!(database.credits(story.user).await, (0, 0));
    }
}
