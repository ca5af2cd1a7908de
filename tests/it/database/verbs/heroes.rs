//! A story keeps its heroes as they were when it was asked for.

use crate::database::fixture::{Database, Story};
use serde_json::{Value, json};

/// The heroes an invocation is told of when it takes up an asset.
async fn heroes(database: &Database, story: &Story, asset: &str) -> Value {
    let lease = database.claim_asset(story, asset).await;
    let start = json!({"p_story_id": story.id, "p_owner": "r/n",
        "p_jobs": [{"jobId": lease.job, "leaseToken": lease.token}]});
    let started = database.call("start_assets", start).await;
    assert_eq!(started["jobs"].as_array().unwrap().len(), 1);
    started["story"]["characters"].clone()
}

fn only_name(heroes: &Value) -> (usize, &Value) {
    (heroes.as_array().unwrap().len(), &heroes[0]["name"])
}

async fn rename(database: &Database, story: &Story, name: &str) {
    let user = story.user;
    database
        .arrange(&format!(
            "update public.characters set name = '{name}' where owner_user_id = '{user}'"
        ))
        .await;
}

async fn remove(database: &Database, story: &Story) {
    let user = story.user;
    database
        .arrange(&format!(
            "delete from public.characters where owner_user_id = '{user}'"
        ))
        .await;
}

#[tokio::test]
async fn a_hero_that_was_changed_or_deleted_afterwards_is_drawn_as_it_was() {
    let database = Database::new().await;
    let story = database.story_with_text(&["cover", "audio"]).await;
    rename(&database, &story, "Zephyrine").await;
    let known = heroes(&database, &story, "cover").await;
    assert_eq!(only_name(&known), (1, &json!("Luna")));
    assert_eq!(known[0]["traits"], json!(["glasses"]));
    remove(&database, &story).await;
    let known = heroes(&database, &story, "audio").await;
    assert_eq!(only_name(&known), (1, &json!("Luna")));
    assert_eq!(known[0]["owner_user_id"], Value::Null);
}

#[tokio::test]
async fn a_hero_that_is_deleted_before_the_text_is_written_is_in_it_all_the_same() {
    let database = Database::new().await;
    let story = database.story(&[]).await;
    remove(&database, &story).await;
    let start = json!({"p_story_id": story.id, "p_owner": "writer"});
    let started = database.call("start_content", start).await;
    assert_eq!(
        only_name(&started["story"]["characters"]),
        (1, &json!("Luna"))
    );
}

#[tokio::test]
async fn a_story_that_never_had_a_text_begins_again_with_the_heroes_of_today() {
    let database = Database::new().await;
    let story = database.story(&[]).await;
    let text = database.claim_asset(&story, "content").await;
    database.fail(&text, false).await;
    rename(&database, &story, "Mira").await;
    let again = json!({"p_user_id": story.user, "p_story_id": story.id});
    database.call("retry_assets", again.clone()).await;
    let known = heroes_of_the_text(&database, &story).await;
    assert_eq!(only_name(&known), (1, &json!("Mira")));

    let text = database.claim_asset(&story, "content").await;
    database.fail(&text, false).await;
    remove(&database, &story).await;
    database.call("retry_assets", again).await;
    let known = heroes_of_the_text(&database, &story).await;
    assert_eq!(
        only_name(&known),
        (1, &json!("Mira")),
        "a hero that is gone stays as it was"
    );
}

async fn heroes_of_the_text(database: &Database, story: &Story) -> Value {
    database
        .value(&format!(
            "select private.story_payload('{}') -> 'characters'",
            story.id
        ))
        .await
}
