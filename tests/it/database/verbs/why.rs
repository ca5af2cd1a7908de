//! Why a story is not whole: the asset that stands before the others, its last error, its next attempt, who waits on it.

use crate::database::fixture::{Database, EVERYTHING, Story};
use serde_json::{Value, json};
use uuid::Uuid;

async fn why(database: &Database, story: &Story) -> Value {
    let arguments = json!({"p_user_id": story.user, "p_story_id": story.id});
    database.call("story_why", arguments).await
}

fn asset<'w>(why: &'w Value, name: &str) -> &'w Value {
    let mut assets = why["assets"].as_array().unwrap().iter();
    assets
        .find(|asset| asset["assetType"] == name)
        .unwrap_or(&Value::Null)
}

#[tokio::test]
async fn a_cover_that_failed_once_is_what_all_pictures_wait_for() {
    let database = Database::new().await;
    let story = database.story_with_text(&EVERYTHING).await;
    let lease = database.claim_asset(&story, "cover").await;
    let made = why(&database, &story).await;
    assert_eq!(asset(&made, "cover")["reason"], "BEING_MADE");
    database.fail(&lease, true).await;
    database
        .arrange("update public.asset_generation_jobs set available_at = now() + interval '1 minute' where asset_type = 'cover'")
        .await;

    let told = why(&database, &story).await;
    assert_eq!(told["overall"], "generating");
    assert_eq!(told["blockedBy"], json!(["activities", "audio", "cover"]));
    let cover = asset(&told, "cover");
    assert_eq!(cover["reason"], "WAITS_FOR_RETRY");
    assert_eq!(
        (&cover["attempts"], &cover["retriesLeft"]),
        (&json!(1), &json!(2))
    );
    assert!(cover["nextAttemptAt"].is_string(), "{cover}");
    assert!(cover["lastError"]["code"].is_string(), "{cover}");
    assert_eq!(
        cover["waitedOnBy"],
        json!(["pdf", "scene_1", "scene_2", "scene_3", "scene_4"])
    );
    let scene = asset(&told, "scene_2");
    assert_eq!(
        (&scene["reason"], &scene["waitsFor"]),
        (&json!("WAITS_FOR_INPUTS"), &json!(["cover"]))
    );
    assert_eq!(asset(&told, "audio")["reason"], "WAITS_FOR_TURN");
    assert_eq!(asset(&told, "content"), &Value::Null, "what is there");
}

#[tokio::test]
async fn what_failed_for_good_is_told_with_its_cause_also_when_it_is_history() {
    let database = Database::new().await;
    let story = database.story_with_text(&["cover"]).await;
    let lease = database.claim_asset(&story, "cover").await;
    database.fail(&lease, false).await;
    let now = why(&database, &story).await;
    assert_eq!(
        (&now["overall"], &now["blockedBy"]),
        (&json!("partial"), &json!(["cover"]))
    );
    assert_eq!(asset(&now, "cover")["reason"], "FAILED");
    assert!(asset(&now, "cover")["lastError"]["message"].is_string());
    assert_eq!(asset(&now, "cover").get("retriesLeft"), None);

    let old = "update public.stories set asset_generation_completed_at = now() - interval '31 days' where true;
        update public.asset_generation_jobs set completed_at = now() - interval '31 days' where true";
    database.arrange(old).await;
    assert_eq!(database.call("tidy_history", json!({})).await["stories"], 1);
    let later = why(&database, &story).await;
    assert_eq!(later["blockedBy"], json!(["cover"]));
    assert_eq!(
        asset(&later, "cover")["lastError"]["code"],
        asset(&now, "cover")["lastError"]["code"]
    );
}

#[tokio::test]
async fn money_providers_and_silent_workers_are_told_apart() {
    let database = Database::new().await;
    let story = database.story_with_text(&["cover", "audio"]).await;
    database
        .arrange("update public.provider_limits set paused_until = now() + interval '1 minute' where kind = 'picture'")
        .await;
    let told = why(&database, &story).await;
    assert_eq!(asset(&told, "cover")["reason"], "WAITS_FOR_PROVIDER");
    assert!(asset(&told, "cover")["nextAttemptAt"].is_string(), "{told}");
    database
        .arrange("update private.platform_limits set daily_cost_usd = 0 where true")
        .await;
    let told = why(&database, &story).await;
    assert_eq!(asset(&told, "audio")["reason"], "WAITS_FOR_MONEY");
    database
        .arrange("update private.platform_limits set daily_cost_usd = null where true")
        .await;
    database.claim_asset(&story, "audio").await;
    database.let_leases_run_out(&story).await;
    let told = why(&database, &story).await;
    assert_eq!(asset(&told, "audio")["reason"], "WORKER_SILENT");
}

#[tokio::test]
async fn a_whole_story_has_nothing_to_explain_and_a_stranger_is_told_nothing() {
    let database = Database::new().await;
    let story = database.story_with_text(&[]).await;
    assert_eq!(
        why(&database, &story).await,
        json!({"overall": "ready", "blockedBy": [], "assets": []})
    );
    let of_any = json!({"p_user_id": null, "p_story_id": story.id});
    assert_eq!(database.call("story_why", of_any).await["overall"], "ready");
    let stranger = json!({"p_user_id": Uuid::new_v4(), "p_story_id": story.id});
    let refusal = database.try_call("story_why", &stranger).await.unwrap_err();
    assert_eq!(refusal.message, "STORY_NOT_FOUND");
}
