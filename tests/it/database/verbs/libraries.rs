//! Libraries: the first one comes with the profile, others are made, renamed and filled by their user alone.

use crate::database::fixture::{Database, Story, fresh_key};
use serde_json::{Value, json};
use uuid::Uuid;

async fn list(database: &Database, user: Uuid) -> Value {
    database
        .call("list_libraries", json!({"p_user_id": user}))
        .await
}

async fn make(database: &Database, user: Uuid, name: &str) -> Value {
    let wish = json!({"p_user_id": user, "p_email": null, "p_name": name});
    database.call("create_library", wish).await["library"].take()
}

fn move_to(story: &Story, library: &Value) -> Value {
    json!({"p_user_id": story.user, "p_story_id": story.id, "p_library_id": library["id"]})
}

async fn message(database: &Database, verb: &str, arguments: &Value) -> String {
    let refusal = database.try_call(verb, arguments).await.unwrap_err();
    assert_eq!(refusal.code, "PT404");
    refusal.message
}

#[tokio::test]
async fn somebody_new_has_one_library_and_the_oldest_takes_the_stories_that_name_none() {
    let database = Database::new().await;
    let user = Uuid::new_v4();
    let first = list(&database, user).await;
    assert_eq!(first.as_array().unwrap().len(), 1);
    assert_eq!(first[0]["name"], "My library");
    let second = make(&database, user, "Bedtime").await;
    let story = database.story_of(user, &[]).await;
    assert_eq!(database.row(&story).await["library_id"], first[0]["id"]);
    let both = list(&database, user).await;
    assert_eq!(
        (&both[0]["storyCount"], &both[1]["storyCount"]),
        (&json!(1), &json!(0))
    );
    assert_eq!(both[1]["id"], second["id"]);
    let page = json!({"p_user_id": user, "p_limit": 1, "p_offset": 1});
    let page = database.call("list_libraries", page).await;
    assert_eq!(page, json!([both[1]]));
}

#[tokio::test]
async fn a_repeated_key_makes_one_library() {
    let database = Database::new().await;
    let user = database.user("free").await;
    let wish = json!({"p_user_id": user, "p_email": null, "p_name": "Bedtime", "p_idempotency_key": fresh_key(),
        "p_request_hash": "a"});
    let first = database.call("create_library", wish.clone()).await;
    let again = database.call("create_library", wish).await;
    assert_eq!(first["library"], again["library"]);
    assert_eq!(again["replayed"], true);
    assert_eq!(list(&database, user).await.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_library_is_renamed_by_its_user_and_is_nothing_to_others() {
    let database = Database::new().await;
    let (user, other) = (database.user("free").await, database.user("free").await);
    let library = make(&database, user, "Bedtime").await;
    let rename =
        |user: Uuid| json!({"p_user_id": user, "p_library_id": library["id"], "p_name": "Morning"});
    assert_eq!(
        message(&database, "rename_library", &rename(other)).await,
        "LIBRARY_NOT_FOUND"
    );
    assert_eq!(list(&database, user).await[1]["name"], "Bedtime");
    let renamed = database.call("rename_library", rename(user)).await;
    assert_eq!(renamed["name"], "Morning");
    assert_eq!(list(&database, user).await[1], renamed);
}

#[tokio::test]
async fn a_story_moves_between_the_libraries_of_its_user_whether_or_not_it_is_being_made() {
    let database = Database::new().await;
    let user = database.user("school").await;
    let library = make(&database, user, "Bedtime").await;
    let story = database.story_of(user, &["cover"]).await;
    let text = database.start_content(&story, "writer").await;
    let before = database.row(&story).await;
    let moved = database.call("move_story", move_to(&story, &library)).await;
    assert_eq!(moved["library_id"], library["id"]);
    let after = database.row(&story).await;
    assert_eq!(
        after["version"].as_i64(),
        before["version"].as_i64().map(|version| version + 1)
    );
    database.call("move_story", move_to(&story, &library)).await;
    assert_eq!(database.row(&story).await, after, "it stands there already");

    let saved = database.write_text_of(&text).await;
    assert_eq!(saved["accepted"], true, "its worker is not disturbed");
    database.finish(&story).await;
    let row = database.row(&story).await;
    assert_eq!(row["library_id"], library["id"]);
    assert_eq!(row["asset_generation_status"]["overall"], "ready");
}

#[tokio::test]
async fn neither_a_foreign_story_nor_a_foreign_library_is_found() {
    let database = Database::new().await;
    let (user, other) = (database.user("free").await, database.user("free").await);
    let (own, foreign) = (
        make(&database, user, "mine").await,
        make(&database, other, "theirs").await,
    );
    let story = database.story_of(user, &[]).await;
    let before = database.row(&story).await;
    let to_foreign = move_to(&story, &foreign);
    assert_eq!(
        message(&database, "move_story", &to_foreign).await,
        "LIBRARY_NOT_FOUND"
    );
    let nowhere = move_to(&story, &json!({"id": Uuid::new_v4()}));
    assert_eq!(
        message(&database, "move_story", &nowhere).await,
        "LIBRARY_NOT_FOUND"
    );
    let by_stranger =
        json!({"p_user_id": other, "p_story_id": story.id, "p_library_id": own["id"]});
    assert_eq!(
        message(&database, "move_story", &by_stranger).await,
        "STORY_NOT_FOUND"
    );
    assert_eq!(database.row(&story).await, before);
}
