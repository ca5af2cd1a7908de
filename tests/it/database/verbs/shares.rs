//! Shared books: one link a story, for a while, until its user takes it back; it shows a book and nothing of its user.

use crate::database::fixture::{Database, EVERYTHING, Story, completion};
use serde_json::{Value, json};
use uuid::Uuid;

fn of(story: &Story) -> Value {
    json!({"p_user_id": story.user, "p_story_id": story.id})
}

async fn written(database: &Database) -> Story {
    database.story_with_text(&EVERYTHING).await
}

async fn opened(database: &Database, share: &Value) -> Value {
    database
        .call("shared_story", json!({"p_token": share["token"]}))
        .await
}

#[tokio::test]
async fn a_link_opens_the_book_and_nothing_of_its_user_until_it_is_taken_back() {
    let database = Database::new().await;
    let story = written(&database).await;
    let share = database.call("share_story", of(&story)).await;
    let book = opened(&database, &share).await;
    assert_eq!(book["id"], json!(story.id));
    let text = book.to_string();
    for private in [
        &story.user.to_string(),
        "metadata",
        "request",
        "themes",
        "library_id",
    ] {
        assert!(!text.contains(private), "{private}: {text}");
    }
    assert_eq!(database.call("unshare_story", of(&story)).await, true);
    assert_eq!(opened(&database, &share).await, Value::Null);
    assert_eq!(database.call("unshare_story", of(&story)).await, false);
    let again = database.call("share_story", of(&story)).await;
    assert_ne!(again["token"], share["token"], "the old link stays closed");
}

#[tokio::test]
async fn of_what_is_known_of_an_asset_a_link_shows_its_files_alone() {
    let database = Database::new().await;
    let story = written(&database).await;
    let mut cover = completion(&database.claim_asset(&story, "cover").await);
    let files = json!({"screenUrl": "https://cdn.example/a.jpg", "thumbnailUrl": "https://cdn.example/a.small.jpg"});
    cover["p_result"]["metadata"] = files.clone();
    cover["p_result"]["metadata"]["motif"] = json!("a lamp");
    database.call("complete_job", cover).await;
    let share = database.call("share_story", of(&story)).await;
    let book = opened(&database, &share).await;
    let shown = &book["asset_generation_status"]["assets"]["cover"];
    assert_eq!(shown["metadata"], files);
}

#[tokio::test]
async fn asked_again_it_is_the_same_link_for_longer_and_one_that_ran_out_stays_closed() {
    let database = Database::new().await;
    let story = written(&database).await;
    let share = database.call("share_story", of(&story)).await;
    let sooner = "update private.shares set expires_at = now() + interval '1 hour' where true";
    database.arrange(sooner).await;
    let prolonged = database.call("share_story", of(&story)).await;
    assert_eq!(prolonged["token"], share["token"]);
    let over = "update private.shares set expires_at = now() where true";
    database.arrange(over).await;
    assert_eq!(opened(&database, &share).await, Value::Null);
    let new = database.call("share_story", of(&story)).await;
    assert_ne!(new["token"], share["token"]);
}

#[tokio::test]
async fn only_its_user_shares_a_story_and_only_one_that_can_be_read() {
    let database = Database::new().await;
    let story = written(&database).await;
    for verb in ["share_story", "unshare_story"] {
        let stranger = json!({"p_user_id": Uuid::new_v4(), "p_story_id": story.id});
        let refusal = database.try_call(verb, &stranger).await.unwrap_err();
        assert_eq!(refusal.message, "STORY_NOT_FOUND");
    }
    let user = database.user("free").await;
    let unwritten = database.story_of(user, &[]).await;
    let refusal = database
        .try_call("share_story", &of(&unwritten))
        .await
        .unwrap_err();
    assert_eq!(
        (refusal.code.as_str(), refusal.message.as_str()),
        ("PT409", "MISSING_REQUIRED_ASSETS")
    );
}
