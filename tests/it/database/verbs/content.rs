//! start_content and save_story_content: the text is granted to one, and what depends on it follows.

use crate::database::fixture::{Database, EVERYTHING, Lease, text_of};
use serde_json::json;

#[tokio::test]
async fn the_text_is_granted_once_and_again_only_to_the_one_who_has_it() {
    let database = Database::new().await;
    let story = database.story(&["cover"]).await;
    let lease = database.start_content(&story, "first").await;
    assert_eq!(database.start_content(&story, "first").await, lease);
    let second = database
        .call(
            "start_content",
            json!({"p_story_id": story.id, "p_owner": "second"}),
        )
        .await;
    assert_eq!(second, json!({"granted": false, "reason": "LEASE_LOST"}));
    let unknown = database
        .call(
            "start_content",
            json!({"p_story_id": story.user, "p_owner": "x"}),
        )
        .await;
    assert_eq!(
        unknown,
        json!({"granted": false, "reason": "NO_SUCH_STORY"})
    );
}

#[tokio::test]
async fn a_start_brings_all_that_the_text_is_made_from() {
    let database = Database::new().await;
    let story = database.story(&["cover"]).await;
    let started = database
        .call(
            "start_content",
            json!({"p_story_id": story.id, "p_owner": "first"}),
        )
        .await;
    let work = &started["story"];
    assert_eq!(
        (&work["request"]["story_type"], &work["request"]["themes"]),
        (&json!("adventure"), &json!(["courage"]))
    );
    assert_eq!(work["characters"][0]["name"], "Luna");
}

#[tokio::test]
async fn a_sweep_may_claim_the_text_after_ten_seconds_and_hands_its_lease_on() {
    let database = Database::new().await;
    let story = database.story(&["cover"]).await;
    assert_eq!(database.claim(10).await, []);
    database.let_time_pass(&story).await;
    let claimed = database.claim(10).await;
    assert_eq!(claimed[0].asset, "content");
    let direct = database
        .call(
            "start_content",
            json!({"p_story_id": story.id, "p_owner": "late"}),
        )
        .await;
    assert_eq!(direct["granted"], false, "{direct}");
    let with_lease =
        json!({"p_story_id": story.id, "p_owner": "swept", "p_lease_token": claimed[0].token});
    let started = database.call("start_content", with_lease.clone()).await;
    assert_eq!(Lease::from_json(&started["job"]), claimed[0]);
    let mut duplicate = with_lease;
    duplicate["p_owner"] = json!("duplicate");
    assert_eq!(
        database.call("start_content", duplicate).await["reason"],
        "LEASE_LOST"
    );
}

#[tokio::test]
async fn at_capacity_the_text_waits_for_a_sweep() {
    let database = Database::new().await;
    let (one, two) = (
        database.story(&["cover"]).await,
        database.story(&["cover"]).await,
    );
    database.start_content(&one, "first").await;
    let refused = database
        .call(
            "start_content",
            json!({"p_story_id": two.id, "p_owner": "second", "p_max_in_flight": 1}),
        )
        .await;
    assert_eq!(refused, json!({"granted": false, "reason": "AT_CAPACITY"}));
    assert_eq!(database.claim(10).await[0].story, two.id);
}

#[tokio::test]
async fn a_saved_text_is_in_the_story_and_frees_cover_audio_and_activities() {
    let database = Database::new().await;
    let story = database.story(&EVERYTHING).await;
    assert_eq!(
        database
            .count("public.asset_generation_jobs where inputs_settled")
            .await,
        1
    );
    let lease = database.start_content(&story, "writer").await;
    let saved = database.call("save_story_content", text_of(&lease)).await;
    assert_eq!(
        (&saved["accepted"], &saved["claimable"], &saved["overall"]),
        (&json!(true), &json!(3), &json!("generating"))
    );
    let row = database.row(&story).await;
    assert_eq!(
        (&row["title"], &row["content"]["moral"]),
        (&json!("The Shy Dragon"), &json!("Courage."))
    );
    let mut claimed: Vec<_> = database
        .claim(10)
        .await
        .into_iter()
        .map(|lease| lease.asset)
        .collect();
    claimed.sort();
    assert_eq!(claimed, ["activities", "audio", "cover"]);
}

#[tokio::test]
async fn a_scene_without_a_cover_still_waits_for_the_text() {
    let database = Database::new().await;
    let story = database.story(&["scene_1", "scene_2"]).await;
    database.let_time_pass(&story).await;
    let claimed: Vec<_> = database
        .claim(10)
        .await
        .into_iter()
        .map(|lease| lease.asset)
        .collect();
    assert_eq!(claimed, ["content"]);
}

#[tokio::test]
async fn what_follows_is_leased_to_the_writer_who_asks_unless_another_story_waits() {
    let database = Database::new().await;
    let alone = database.story(&EVERYTHING).await;
    let then = json!({"owner": "writer", "limit": 3, "leaseSeconds": 60, "maxInFlight": 100, "holding": ["content"]});
    let mut text = text_of(&database.start_content(&alone, "writer").await);
    text["p_continue"] = then.clone();
    let saved = database.call("save_story_content", text.clone()).await;
    assert_eq!(
        (
            saved["leased"].as_array().unwrap().len(),
            &saved["claimable"]
        ),
        (3, &json!(0))
    );
    let again = database.call("save_story_content", text).await;
    assert_eq!(
        (&again["replayed"], &again["leased"]),
        (&json!(true), &saved["leased"])
    );

    database.story_with_text(&["cover"]).await;
    let contended = database.story(&["audio"]).await;
    let mut text = text_of(&database.start_content(&contended, "writer").await);
    text["p_continue"] = then;
    let saved = database.call("save_story_content", text).await;
    assert_eq!(
        (&saved["leased"], &saved["claimable"]),
        (&json!([]), &json!(1))
    );
}
