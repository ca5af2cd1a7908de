//! create_story: what is accepted, what is refused, and that a refusal writes nothing.

use crate::database::fixture::{Database, EVERYTHING, creation, fresh_key};
use serde_json::json;
use uuid::Uuid;

#[tokio::test]
async fn a_story_is_accepted_with_its_jobs_its_debit_and_a_status_that_promises_everything() {
    let database = Database::new().await;
    let user = database.user("free").await;
    let story = database.story_of(user, &EVERYTHING).await;
    let row = database.row(&story).await;
    assert_eq!(
        (&row["status"], &row["title"]),
        (&json!("generating"), &json!("Untitled Story"))
    );
    let assets = row["asset_generation_status"]["assets"]
        .as_object()
        .unwrap();
    assert_eq!(assets.len(), 9);
    assert_eq!(
        assets["content"],
        json!({"status": "generating", "progress": 0})
    );
    for asset in EVERYTHING {
        assert_eq!(
            assets[asset],
            json!({"status": "pending", "progress": 0}),
            "{asset}"
        );
    }
    assert_eq!(database.credits(user).await, (1, 1));
    assert_eq!(
        row["library_id"],
        database
            .value::<serde_json::Value>(&format!(
                "select to_jsonb(id) from public.libraries where owner_user_id = '{user}'"
            ))
            .await
    );
}

#[tokio::test]
async fn a_user_whose_profile_is_missing_gets_one_with_the_free_tier_and_a_library() {
    let database = Database::new().await;
    let stranger = Uuid::new_v4();
    let story = database.story_of(stranger, &["cover"]).await;
    assert_eq!(
        database.row(&story).await["creator_user_id"],
        json!(stranger)
    );
    assert_eq!(
        database
            .value::<String>(&format!(
                "select tier from public.users where id = '{stranger}'"
            ))
            .await,
        "free"
    );
}

#[tokio::test]
async fn the_third_story_of_a_free_user_is_refused_and_a_pack_allows_it() {
    let database = Database::new().await;
    let user = database.user("free").await;
    let character = database.character(user).await;
    for _ in 0..2 {
        database
            .call("create_story", creation(user, &character, &["cover"]))
            .await;
    }
    let refusal = database
        .try_call("create_story", &creation(user, &character, &["cover"]))
        .await
        .unwrap_err();
    assert_eq!(
        (refusal.code.as_str(), refusal.message.as_str()),
        ("PT403", "QUOTA_EXCEEDED")
    );
    assert_eq!(
        refusal.detail,
        json!({"tier": "free", "storiesUsed": 2, "storyLimit": 2, "upgradeOptions": ["individual", "story_pack_5"]})
    );
    assert_eq!(database.count("public.stories").await, 2);
    assert_eq!(database.credits(user).await, (2, 2));
    database
        .arrange("update public.users set extra_stories = 1")
        .await;
    database
        .call("create_story", creation(user, &character, &["cover"]))
        .await;
}

#[tokio::test]
async fn the_daily_limit_is_refused_with_the_seconds_until_midnight_and_yesterday_does_not_count() {
    let database = Database::new().await;
    let user = database.user("individual").await;
    let character = database.character(user).await;
    database
        .arrange("update public.tiers set daily_generation_limit = 1 where code = 'individual'")
        .await;
    database
        .call("create_story", creation(user, &character, &["cover"]))
        .await;
    let refusal = database
        .try_call("create_story", &creation(user, &character, &["cover"]))
        .await
        .unwrap_err();
    assert_eq!(
        (refusal.code.as_str(), refusal.message.as_str()),
        ("PT429", "ERR_4002")
    );
    let seconds = refusal.detail["retryAfterSeconds"].as_i64().unwrap();
    assert!((1..=86_400).contains(&seconds), "{seconds}");
    database
        .arrange("update public.credit_ledger set created_at = created_at - interval '1 day'")
        .await;
    database
        .call("create_story", creation(user, &character, &["cover"]))
        .await;
}

#[tokio::test]
async fn somebody_elses_character_or_library_is_as_good_as_missing() {
    let database = Database::new().await;
    let (user, other) = (database.user("free").await, database.user("free").await);
    let (own, foreign) = (
        database.character(user).await,
        database.character(other).await,
    );
    let refusal = database
        .try_call("create_story", &creation(user, &foreign, &["cover"]))
        .await
        .unwrap_err();
    assert_eq!(
        (refusal.code.as_str(), refusal.message.as_str()),
        ("PT404", "CHARACTER_NOT_FOUND")
    );
    let mut with_foreign_library = creation(user, &own, &["cover"]);
    let library: String = database
        .value(&format!(
            "select id::text from public.libraries where owner_user_id = '{other}'"
        ))
        .await;
    with_foreign_library["p_request"]["library_id"] = json!(library);
    let refusal = database
        .try_call("create_story", &with_foreign_library)
        .await
        .unwrap_err();
    assert_eq!(
        (refusal.code.as_str(), refusal.message.as_str()),
        ("PT404", "LIBRARY_NOT_FOUND")
    );
    assert_eq!(database.credits(user).await, (0, 0));
}

#[tokio::test]
async fn an_asset_outside_the_plan_is_refused_by_name() {
    let database = Database::new().await;
    database
        .arrange("update public.tiers set asset_types = '{content,cover}' where code = 'free'")
        .await;
    let user = database.user("free").await;
    let character = database.character(user).await;
    let refusal = database
        .try_call(
            "create_story",
            &creation(user, &character, &["cover", "pdf"]),
        )
        .await
        .unwrap_err();
    assert_eq!(
        (refusal.code.as_str(), refusal.message.as_str()),
        ("PT403", "ERR_6002")
    );
    let options = json!(["individual", "story_pack_5"]);
    let detail = json!({"assetType": "pdf", "tier": "free", "upgradeOptions": options});
    assert_eq!(refusal.detail, detail);
}

#[tokio::test]
async fn a_repeated_key_gets_the_same_answer_another_body_is_refused_and_another_user_is_not_concerned()
 {
    let database = Database::new().await;
    let (user, other) = (database.user("free").await, database.user("free").await);
    let (character, others_character) = (
        database.character(user).await,
        database.character(other).await,
    );
    let key = fresh_key();
    let with_key = |user, character: &str, hash: &str| {
        let mut arguments = creation(user, character, &["cover"]);
        arguments["p_idempotency_key"] = json!(key);
        arguments["p_request_hash"] = json!(hash);
        arguments
    };
    let first = database
        .call("create_story", with_key(user, &character, "a"))
        .await;
    let again = database
        .call("create_story", with_key(user, &character, "a"))
        .await;
    assert_eq!(
        (&first["replayed"], &again["replayed"]),
        (&json!(false), &json!(true))
    );
    assert_eq!(first["story"], again["story"]);
    let refusal = database
        .try_call("create_story", &with_key(user, &character, "b"))
        .await
        .unwrap_err();
    assert_eq!(
        (refusal.code.as_str(), refusal.message.as_str()),
        ("PT422", "IDEMPOTENCY_KEY_REUSED")
    );
    let elsewhere = database
        .call("create_story", with_key(other, &others_character, "b"))
        .await;
    assert_eq!(elsewhere["replayed"], false);
    assert_eq!(database.credits(user).await, (1, 1));

    database
        .arrange("update public.idempotency_keys set created_at = now() - interval '25 hours'")
        .await;
    let next_day = database
        .call("create_story", with_key(user, &character, "b"))
        .await;
    assert_eq!(next_day["replayed"], false);
}

#[tokio::test]
async fn usage_tells_what_was_used_and_what_is_left() {
    let database = Database::new().await;
    let user = database.user("free").await;
    database.story_of(user, &["cover"]).await;
    let usage = database
        .call("user_usage", json!({"p_user_id": user, "p_email": null}))
        .await;
    assert_eq!(
        (
            &usage["tier"],
            &usage["storiesUsed"],
            &usage["storyLimit"],
            &usage["storiesToday"]
        ),
        (&json!("free"), &json!(1), &json!(2), &json!(1))
    );
    assert_eq!(usage["remakesPerStory"], 16);
    assert_eq!(usage["dailyCostLimitUsd"].as_f64(), Some(4.0));
    assert!(
        usage["resetsAt"].as_str().unwrap().contains("T00:00:00"),
        "{usage}"
    );
}

#[tokio::test]
async fn of_many_stories_each_is_accepted_or_refused_alone_and_asked_again_none_is_made_twice() {
    let database = Database::new().await;
    let user = database.user("free").await;
    let hero = database.character(user).await;
    let wish = |hero: &str, key: &str| {
        let request = json!({"character_ids": [hero], "story_type": "adventure", "themes": [], "asset_types": []});
        json!({"request": request, "key": key, "hash": "h"})
    };
    let nobody = Uuid::new_v4().to_string();
    let stories = json!([
        wish(&hero, "1"),
        wish(&nobody, "2"),
        wish(&hero, "3"),
        wish(&hero, "4")
    ]);
    let asked = json!({"p_user_id": user, "p_email": null, "p_stories": stories});
    let first = database.call("create_stories", asked.clone()).await;
    let refused = |place: usize| first[place]["refused"].as_str().unwrap_or_default();
    assert_eq!(
        [refused(0), refused(1), refused(2), refused(3)],
        ["", "CHARACTER_NOT_FOUND", "", "QUOTA_EXCEEDED"]
    );
    assert_eq!(first[3]["detail"]["storyLimit"], 2);
    assert_eq!(database.credits(user).await, (2, 2));
    let again = database.call("create_stories", asked).await;
    assert_eq!(
        (&again[0]["replayed"], &again[0]["story"]["id"]),
        (&json!(true), &first[0]["story"]["id"])
    );
    assert_eq!(database.credits(user).await, (2, 2));
}
