//! One credit a story, given back when its text fails, taken again by whichever verb begins it again.

use crate::database::fixture::{Database, Story, creation};
use serde_json::{Value, json};
use uuid::Uuid;

async fn story_whose_text_failed(database: &Database, user: Uuid) -> Story {
    let story = database.story_of(user, &["cover"]).await;
    fail_text(database, &story).await;
    story
}

async fn fail_text(database: &Database, story: &Story) {
    let text = database.claim_asset(story, "content").await;
    database.fail(&text, false).await;
    assert_eq!(database.overall(story).await, "failed");
}

fn ask(story: &Story) -> Value {
    json!({"p_user_id": story.user, "p_story_id": story.id, "p_asset_types": ["content"]})
}

#[tokio::test]
async fn every_verb_that_begins_a_refunded_story_again_takes_a_credit_once() {
    let database = Database::new().await;
    for verb in ["retry_assets", "regenerate_assets"] {
        let user = database.user("free").await;
        let story = story_whose_text_failed(&database, user).await;
        assert_eq!(database.credits(user).await, (0, 0));
        database.call(verb, ask(&story)).await;
        assert_eq!(database.credits(user).await, (1, 1), "{verb}");
        database.finish(&story).await;
        assert_eq!(database.overall(&story).await, "ready");
        database.call("regenerate_assets", ask(&story)).await;
        database.finish(&story).await;
        assert_eq!(
            database.credits(user).await,
            (1, 1),
            "{verb}: the story that was paid for may have a new text"
        );
    }
}

#[tokio::test]
async fn a_refunded_story_is_not_begun_again_on_an_empty_account() {
    let database = Database::new().await;
    for verb in ["retry_assets", "regenerate_assets"] {
        let user = database.user("free").await;
        let story = story_whose_text_failed(&database, user).await;
        for _ in 0..2 {
            database.story_of(user, &[]).await;
        }
        let before = database.row(&story).await;
        let refusal = database.try_call(verb, &ask(&story)).await.unwrap_err();
        assert_eq!(
            (refusal.code.as_str(), refusal.message.as_str()),
            ("PT403", "QUOTA_EXCEEDED"),
            "{verb}"
        );
        assert_eq!(database.row(&story).await, before);
        assert_eq!(database.credits(user).await, (2, 2));
    }
}

async fn user_with_a_daily_limit_of_one(database: &Database) -> Uuid {
    database
        .arrange("update public.tiers set daily_generation_limit = 1 where code = 'premium'")
        .await;
    database.user("premium").await
}

#[tokio::test]
async fn a_story_whose_text_failed_does_not_use_up_the_day() {
    let database = Database::new().await;
    let user = user_with_a_daily_limit_of_one(&database).await;
    story_whose_text_failed(&database, user).await;
    let usage = json!({"p_user_id": user, "p_email": null});
    assert_eq!(
        database.call("user_usage", usage.clone()).await["storiesToday"],
        0
    );
    database.story_of(user, &[]).await;
    assert_eq!(database.call("user_usage", usage).await["storiesToday"], 1);
    let character = database.character(user).await;
    let refusal = database
        .try_call("create_story", &creation(user, &character, &[]))
        .await
        .unwrap_err();
    assert_eq!(refusal.message, "ERR_4002");
}

#[tokio::test]
async fn a_day_has_three_tries_for_each_story_of_its_limit() {
    let database = Database::new().await;
    let user = user_with_a_daily_limit_of_one(&database).await;
    let character = database.character(user).await;
    for _ in 0..3 {
        story_whose_text_failed(&database, user).await;
    }
    let refusal = database
        .try_call("create_story", &creation(user, &character, &[]))
        .await
        .unwrap_err();
    assert_eq!(
        (refusal.code.as_str(), refusal.message.as_str()),
        ("PT429", "ERR_4002")
    );
    assert_eq!(database.credits(user).await, (0, 0));
}

#[tokio::test]
async fn a_story_that_is_cancelled_before_its_text_costs_nothing_and_is_no_news() {
    let database = Database::new().await;
    let user = user_with_a_daily_limit_of_one(&database).await;
    for begun in [false, true] {
        let story = database.story_of(user, &["cover", "pdf"]).await;
        let late = match begun {
            true => Some(database.start_content(&story, "writer").await),
            false => None,
        };
        for _ in 0..2 {
            let all = json!({"p_user_id": story.user, "p_story_id": story.id});
            database.call("cancel_assets", all).await;
        }
        if let Some(late) = late {
            assert_eq!(database.write_text_of(&late).await["accepted"], false);
        }
        let row = database.row(&story).await;
        assert_eq!(
            (&row["status"], &row["asset_generation_status"]["overall"]),
            (&json!("failed"), &json!("cancelled"))
        );
        assert!(row["asset_generation_completed_at"].is_string());
        assert_eq!(database.credits(user).await, (0, 0), "once");
        let usage = json!({"p_user_id": user, "p_email": null});
        let usage = database.call("user_usage", usage).await;
        assert_eq!(usage["storiesToday"], 0, "nothing was delivered");
    }
    assert_eq!(database.count("public.notification_outbox").await, 0);
}

#[tokio::test]
async fn a_cancelled_story_that_is_begun_again_costs_a_credit_and_each_round_gives_back_one() {
    let database = Database::new().await;
    let user = database.user("free").await;
    let story = database.story_of(user, &["cover"]).await;
    let text = json!({"p_user_id": user, "p_story_id": story.id, "p_asset_types": ["content"]});
    for _ in 0..2 {
        database.call("cancel_assets", text.clone()).await;
        assert_eq!(database.overall(&story).await, "cancelled");
        assert_eq!(database.credits(user).await, (0, 0));
        database.call("generate_assets", text.clone()).await;
        assert_eq!(database.credits(user).await, (1, 1));
    }
    fail_text(&database, &story).await;
    assert_eq!(database.credits(user).await, (0, 0));
    let refunds = "public.credit_ledger where delta > 0";
    assert_eq!(database.count(refunds).await, 3);
    let twice = format!(
        "insert into public.credit_ledger (user_id, story_id, reason, round, delta)
         values ('{user}', '{}', 'text_cancelled', 3, 1)",
        story.id
    );
    let refused = sqlx::raw_sql(sqlx::AssertSqlSafe(twice))
        .execute(&database.superuser)
        .await;
    assert!(refused.is_err(), "one refund a round, whatever the reason");

    database.call("retry_assets", text.clone()).await;
    database.write_text(&story).await;
    database.call("cancel_assets", text).await;
    assert_eq!(
        database.credits(user).await,
        (1, 1),
        "a text that is there is paid for"
    );
}
