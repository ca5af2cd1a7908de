//! References of characters: to be fetched by one, told by who holds the lease, and deleted with what names them.

use super::deletion::files::{claim_deletions, complete_deletion, let_writers_end};
use crate::database::fixture::Database;
use serde_json::{Value, json};

const ONE: &str = "https://img.example.com/a.png";
const OTHER: &str = "https://img.example.com/b.png";

async fn hero(database: &Database, images: &str) -> String {
    let user = database.user("free").await;
    let id = database.character(user).await;
    name(database, &id, images).await;
    id
}

async fn name(database: &Database, hero: &str, images: &str) {
    let change = format!(
        "update public.characters set reference_images = '{{{images}}}', updated_at = now() where id = '{hero}'"
    );
    database.arrange(&change).await;
}

async fn claim(database: &Database, owner: &str, heroes: Value) -> Value {
    let arguments = json!({"p_owner": owner, "p_character_ids": heroes});
    database.call("claim_references", arguments).await
}

async fn note(database: &Database, leased: &Value, outcomes: Value) -> Value {
    let told = json!({"p_character_id": leased["characterId"], "p_lease_token": leased["leaseToken"], "p_outcomes": outcomes});
    database.call("note_references", told).await
}

async fn states(database: &Database, hero: &str) -> Value {
    let query = format!("select reference_states from public.characters where id = '{hero}'");
    database.value(&query).await
}

async fn let_time_pass(database: &Database) {
    database
        .arrange("update private.reference_queue set available_at = now() - interval '1 second'")
        .await;
}

async fn is_due(database: &Database) -> bool {
    database.call("claim_asset_jobs", json!({})).await["deletions"] == true
}

#[tokio::test]
async fn references_are_fetched_by_one_and_told_once() {
    let database = Database::new().await;
    let hero = hero(&database, &format!("{ONE},{OTHER}")).await;
    assert_eq!(
        states(&database, &hero).await,
        json!({ONE: "pending", OTHER: "pending"})
    );
    assert!(!is_due(&database).await, "whoever was asked has its time");
    let claimed = claim(&database, "r/1", json!([hero])).await;
    let leased = &claimed["leased"][0];
    assert_eq!(
        (&leased["sources"], &leased["attempts"]),
        (&json!([ONE, OTHER]), &json!(1))
    );
    assert_eq!(
        claim(&database, "r/1", json!([hero])).await,
        claimed,
        "its answer was lost"
    );
    let second = claim(&database, "r/2", json!([hero])).await;
    assert_eq!(second["leased"], json!([]));
    assert_eq!(second["states"][&hero][ONE], "pending");
    let outcomes = json!({ONE: "ready", OTHER: "unreadable"});
    let noted = note(&database, leased, outcomes.clone()).await;
    assert_eq!(noted, json!({"accepted": true, "more": false}));
    assert_eq!(states(&database, &hero).await, outcomes);
    let late = note(&database, leased, json!({ONE: "refused"})).await;
    assert_eq!(late["accepted"], false);
    assert_eq!(states(&database, &hero).await, outcomes);
    assert_eq!(database.count("private.reference_queue").await, 0);
}

#[tokio::test]
async fn references_that_nobody_fetched_are_due_after_a_while_and_so_are_those_of_one_who_died() {
    let database = Database::new().await;
    hero(&database, ONE).await;
    assert_eq!(
        claim(&database, "r/1", Value::Null).await["leased"],
        json!([])
    );
    let_time_pass(&database).await;
    assert!(is_due(&database).await);
    let claimed = claim(&database, "r/2", Value::Null).await;
    assert!(!is_due(&database).await, "somebody is at it");
    let_time_pass(&database).await;
    let again = claim(&database, "r/3", Value::Null).await;
    assert_eq!(again["leased"][0]["attempts"], 2);
    let dead = note(&database, &claimed["leased"][0], json!({ONE: "ready"})).await;
    assert_eq!(dead["accepted"], false, "its lease went to another");
    // What could not be had is due again after a pause.
    let noted = note(&database, &again["leased"][0], json!({ONE: "pending"})).await;
    assert_eq!(noted, json!({"accepted": true, "more": false}));
    let wait =
        "select extract(epoch from available_at - now())::float8 from private.reference_queue";
    let wait: f64 = database.value(wait).await;
    assert!((100.0..=120.0).contains(&wait), "{wait}");
}

#[tokio::test]
async fn what_is_named_again_keeps_its_state_and_what_is_named_meanwhile_is_fetched_next() {
    let database = Database::new().await;
    let hero = hero(&database, ONE).await;
    let claimed = claim(&database, "r/1", json!([hero])).await;
    name(&database, &hero, &format!("{ONE},{OTHER}")).await;
    let noted = note(&database, &claimed["leased"][0], json!({ONE: "ready"})).await;
    assert_eq!(noted, json!({"accepted": true, "more": true}));
    let next = claim(&database, "r/2", json!([hero])).await;
    assert_eq!(next["leased"][0]["sources"], json!([OTHER]));
    // Taken away while it is fetched.
    name(&database, &hero, ONE).await;
    let noted = note(&database, &next["leased"][0], json!({OTHER: "ready"})).await;
    assert_eq!(noted["accepted"], false);
    assert_eq!(states(&database, &hero).await, json!({ONE: "ready"}));
}

#[tokio::test]
async fn a_story_is_told_how_the_references_of_its_heroes_turned_out_by_now() {
    let database = Database::new().await;
    let story = database.story(&[]).await;
    let hero: String = database
        .value(&format!(
            "select character_ids[1]::text from public.stories where id = '{}'",
            story.id
        ))
        .await;
    name(&database, &hero, ONE).await;
    let payload = format!(
        "select private.story_payload('{}') -> 'references'",
        story.id
    );
    let told: Value = database.value(&payload).await;
    assert_eq!(told, json!({hero: {ONE: "pending"}}));
}

#[tokio::test]
async fn files_go_with_the_place_in_the_list_and_with_the_character_and_again_when_nobody_can_store()
 {
    let database = Database::new().await;
    let hero = hero(&database, &format!("{ONE},{OTHER}")).await;
    assert_eq!(claim_deletions(&database, "r/1").await, Vec::<Value>::new());
    name(&database, &hero, OTHER).await;
    let [claimed] = claim_deletions(&database, "r/2").await.try_into().unwrap();
    assert_eq!(
        (&claimed["kind"], &claimed["characterId"], &claimed["kept"]),
        (&json!("references"), &json!(hero), &json!([OTHER]))
    );
    database
        .arrange(&format!(
            "delete from public.characters where id = '{hero}'"
        ))
        .await;
    let stale = complete_deletion(&database, &claimed, None).await;
    assert!(!stale, "more is to go since");
    let [claimed] = claim_deletions(&database, "r/3").await.try_into().unwrap();
    assert_eq!(claimed["kept"], Value::Null);
    assert!(complete_deletion(&database, &claimed, None).await);
    assert_eq!(claim_deletions(&database, "r/4").await, Vec::<Value>::new());
    let_writers_end(&database).await;
    let [claimed] = claim_deletions(&database, "r/5").await.try_into().unwrap();
    assert!(complete_deletion(&database, &claimed, None).await);
    assert_eq!(database.count("private.deletion_queue").await, 0);
}
