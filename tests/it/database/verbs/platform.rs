//! set_platform_state: what each state refuses, that it holds at once, and that what is under way is finished.

use crate::database::fixture::{Database, EVERYTHING, creation, fresh_key};
use serde_json::{Value, json};

const REASON: &str = "We are moving house.";

async fn switch(database: &Database, state: &str) -> Value {
    let arguments = json!({"p_state": state, "p_reason": REASON});
    database.call("set_platform_state", arguments).await
}

/// Whether a call was refused because the platform rests; any other answer is none of that.
async fn is_paused(database: &Database, verb: &str, arguments: Value) -> bool {
    let answer = database.try_call(verb, &arguments).await;
    answer.is_err_and(|refusal| {
        (refusal.code.as_str(), refusal.message.as_str()) == ("PT503", "PLATFORM_PAUSED")
    })
}

#[tokio::test]
async fn each_state_refuses_what_it_says_and_no_more() {
    let database = Database::new().await;
    let user = database.user("school").await;
    let hero = database.character(user).await;
    let story = database.story_of(user, &["cover"]).await;
    database.write_text(&story).await;
    database.finish(&story).await;
    let of_story = |more: Value| {
        let mut arguments = json!({"p_user_id": user, "p_story_id": story.id, "p_idempotency_key": fresh_key(), "p_request_hash": "h"});
        for (name, value) in more.as_object().unwrap() {
            arguments[name] = value.clone();
        }
        arguments
    };
    for (state, stories, work, changes) in [
        ("running", false, false, false),
        ("no_new_stories", true, false, false),
        ("no_new_work", true, true, false),
        ("read_only", true, true, true),
    ] {
        assert_eq!(switch(&database, state).await["state"], state);
        let new = creation(user, &hero, &["cover"]);
        assert_eq!(
            is_paused(&database, "create_story", new).await,
            stories,
            "{state}"
        );
        let again =
            of_story(json!({"p_asset_types": ["cover"], "p_options": {}, "p_cascade": false}));
        assert_eq!(
            is_paused(&database, "regenerate_assets", again).await,
            work,
            "{state}"
        );
        let cancel = of_story(json!({"p_asset_types": null}));
        assert_eq!(
            is_paused(&database, "cancel_assets", cancel).await,
            changes,
            "{state}"
        );
        let library = json!({"p_user_id": user, "p_email": null, "p_name": "Bedtime"});
        assert_eq!(
            is_paused(&database, "create_library", library).await,
            changes,
            "{state}"
        );
        let of_user = json!({"p_user_id": user, "p_story_id": story.id});
        assert_eq!(
            is_paused(&database, "share_story", of_user.clone()).await,
            changes,
            "{state}"
        );
        let setting = json!({"p_user_id": user, "p_email": null, "p_change": {"notices": true}});
        assert_eq!(
            is_paused(&database, "user_settings", setting).await,
            changes,
            "{state}"
        );
        assert!(
            !is_paused(&database, "story_history", of_user).await,
            "{state}"
        );
    }
}

#[tokio::test]
async fn while_there_is_no_new_work_what_is_under_way_is_finished_and_the_rest_waits() {
    let database = Database::new().await;
    let story = database.story_with_text(&EVERYTHING).await;
    let cover = database.claim_asset(&story, "cover").await;
    let now = switch(&database, "no_new_work").await;
    assert_eq!(
        (&now["was"], &now["working"]),
        (&json!("running"), &json!(1))
    );
    assert!(database.claim(10).await.is_empty());
    assert_eq!(database.complete(&cover).await["accepted"], true);
    let leased = "public.asset_generation_jobs where status = 'generating'";
    assert_eq!(database.count(leased).await, 0, "nothing is gone on with");
    let why = json!({"p_user_id": story.user, "p_story_id": story.id});
    let why = database.call("story_why", why).await;
    assert_eq!(why["assets"][0]["reason"], "PLATFORM_PAUSED");
    let drained = switch(&database, "no_new_work").await;
    assert_eq!(
        (&drained["was"], &drained["working"]),
        (&json!("no_new_work"), &json!(0))
    );
    switch(&database, "running").await;
    assert!(!database.claim(10).await.is_empty());
}

#[tokio::test]
async fn in_read_only_characters_stay_as_they_are_and_the_state_is_told() {
    let database = Database::new().await;
    let user = database.user("free").await;
    database.character(user).await;
    switch(&database, "read_only").await;
    for change in [
        "update public.characters set age = 3 where true",
        "delete from public.characters where true",
    ] {
        let refused = sqlx::query(change).execute(&database.service).await;
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains("PLATFORM_PAUSED"), "{refused}");
    }
    let story = json!({"p_user_id": user, "p_story_id": uuid::Uuid::new_v4()});
    assert!(is_paused(&database, "delete_story", story).await);
    assert!(is_paused(&database, "delete_user", json!({"p_user_id": user})).await);
    let told = database.call("platform_state", json!({})).await;
    assert_eq!(
        (&told["state"], &told["reason"]),
        (&json!("read_only"), &json!(REASON))
    );
    let unknown = json!({"p_state": "asleep", "p_reason": null});
    assert!(
        database
            .try_call("set_platform_state", &unknown)
            .await
            .is_err()
    );
}
