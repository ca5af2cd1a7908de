//! Sheets of characters: asked for once for the looks of each, drawn by one, and paid for by whoever asked.

use super::deletion::files::claim_deletions;
use crate::database::fixture::{Database, Refusal, fresh_key};
use serde_json::{Value, json};
use uuid::Uuid;

async fn hero_of(database: &Database, plan: &str) -> (Uuid, String) {
    let user = database.user(plan).await;
    let hero = database.character(user).await;
    (user, hero)
}

async fn request(database: &Database, user: Uuid, hero: &str) -> Result<Value, Refusal> {
    let wish = json!({"p_user_id": user, "p_character_id": hero});
    database.try_call("request_sheet", &wish).await
}

async fn claim(database: &Database, owner: &str, hero: Value) -> Value {
    let arguments = json!({"p_owner": owner, "p_character_id": hero});
    database.call("claim_sheet", arguments).await
}

async fn note(database: &Database, leased: &Value, usd: f64, outcome: Value) -> bool {
    let usage = json!([{"callKey": fresh_key(), "provider": "openai", "model": "m", "kind": "picture", "costUsd": usd}]);
    let told = json!({"p_character_id": leased["hero"]["id"], "p_looks": leased["looks"],
        "p_lease_token": leased["leaseToken"], "p_usage": usage, "p_outcome": outcome});
    database.call("note_sheet", told).await["accepted"] == true
}

async fn shown(database: &Database, hero: &str) -> Value {
    let query =
        format!("select coalesce(sheet, 'null') from public.characters where id = '{hero}'");
    database.value(&query).await
}

async fn look(database: &Database, hero: &str, species: &str) {
    let change = format!(
        "update public.characters set species = '{species}', updated_at = now() where id = '{hero}'"
    );
    database.arrange(&change).await;
}

async fn let_time_pass(database: &Database) {
    let due = "update private.character_sheets set available_at = now() - interval '1 second'";
    database.arrange(due).await;
}

async fn spent(database: &Database, payer: Uuid) -> f64 {
    let query = format!(
        "select coalesce(sum(spent_usd), 0)::float8 from private.spending where payer = '{payer}'"
    );
    database.value(&query).await
}

#[tokio::test]
async fn a_sheet_is_asked_for_once_and_drawn_by_one_who_holds_it() {
    let database = Database::new().await;
    let (user, hero) = hero_of(&database, "premium").await;
    let pending = json!({"status": "pending"});
    let first = request(&database, user, &hero).await.unwrap();
    assert_eq!(first, json!({"sheet": pending, "begun": true}));
    let again = request(&database, user, &hero).await.unwrap();
    assert_eq!(again, json!({"sheet": pending, "begun": false}));
    let none = claim(&database, "r/0", Value::Null).await;
    assert_eq!(
        none["leased"],
        Value::Null,
        "whoever was asked has its time"
    );
    let claimed = claim(&database, "r/1", json!(hero)).await;
    let leased = &claimed["leased"];
    assert_eq!(leased["hero"]["id"], json!(hero));
    assert_eq!(claim(&database, "r/1", json!(hero)).await, claimed);
    let other = claim(&database, "r/2", json!(hero)).await;
    assert_eq!(other["leased"], Value::Null);
    assert!(note(&database, leased, 0.04, Value::Null).await);
    assert_eq!(shown(&database, &hero).await, pending);
    assert!(note(&database, leased, 0.01, json!({"status": "ready"})).await);
    assert_eq!(shown(&database, &hero).await, json!({"status": "ready"}));
    // Late: it was paid for, and changes nothing.
    let failed = json!({"status": "failed", "reason": "IMAGE_VALIDATION_FAILED"});
    assert!(!note(&database, leased, 0.02, failed).await);
    assert_eq!(shown(&database, &hero).await, json!({"status": "ready"}));
    for payer in [user, Uuid::nil()] {
        let usd = spent(&database, payer).await;
        assert!((usd - 0.07).abs() < 1e-6, "{usd}");
    }
    let ready = request(&database, user, &hero).await.unwrap();
    assert_eq!(ready, json!({"sheet": {"status": "ready"}, "begun": false}));
}

#[tokio::test]
async fn a_sheet_is_of_the_looks_it_shows_and_a_story_takes_the_one_of_its_hero() {
    let database = Database::new().await;
    let (user, hero) = hero_of(&database, "premium").await;
    look(&database, &hero, "dragon").await;
    request(&database, user, &hero).await.unwrap();
    let leased = claim(&database, "r/1", json!(hero)).await["leased"].take();
    // Another look, while it is drawn.
    look(&database, &hero, "owl").await;
    assert_eq!(shown(&database, &hero).await, Value::Null);
    assert!(note(&database, &leased, 0.04, json!({"status": "ready"})).await);
    assert_eq!(shown(&database, &hero).await, Value::Null);
    let told = |species: &str| {
        let heroes = json!([{"id": hero, "name": "Ember", "species": species}]);
        format!(
            "select private.sheets_of(jsonb_build_array(to_jsonb(c) || '{}'::jsonb)) from public.characters c where id = '{hero}'",
            heroes[0]
        )
    };
    let owl: Value = database.value(&told("owl")).await;
    assert_eq!(owl, json!({}));
    let dragon: Value = database.value(&told("dragon")).await;
    assert_eq!(dragon, json!({&hero: leased["looks"]}));
    // A name is no look.
    let rename = format!(
        "update public.characters set name = 'Ash', updated_at = now() where id = '{hero}'"
    );
    database.arrange(&rename).await;
    look(&database, &hero, "dragon").await;
    assert_eq!(shown(&database, &hero).await, json!({"status": "ready"}));
}

#[tokio::test]
async fn a_story_knows_the_sheets_that_are_ready_by_now() {
    let database = Database::new().await;
    let (user, hero) = hero_of(&database, "premium").await;
    let wish = crate::database::fixture::creation(user, &hero, &["cover"]);
    let story = database.call("create_story", wish).await["story"]["id"].take();
    let payload = format!(
        "select private.story_payload({}::uuid) -> 'sheets'",
        story.to_string().replace('"', "'")
    );
    let before: Value = database.value(&payload).await;
    assert_eq!(before, json!({}));
    request(&database, user, &hero).await.unwrap();
    let leased = claim(&database, "r/1", json!(hero)).await["leased"].take();
    assert!(note(&database, &leased, 0.04, json!({"status": "ready"})).await);
    let after: Value = database.value(&payload).await;
    assert_eq!(after, json!({&hero: leased["looks"]}));
}

#[tokio::test]
async fn what_cannot_be_had_is_tried_three_times_and_may_be_asked_for_again() {
    let database = Database::new().await;
    let (user, hero) = hero_of(&database, "premium").await;
    request(&database, user, &hero).await.unwrap();
    let outage = json!({"status": "pending", "reason": "PROVIDER_UNAVAILABLE"});
    for number in 1..=3 {
        assert_eq!(shown(&database, &hero).await["status"], "pending");
        let_time_pass(&database).await;
        let due = database.call("claim_asset_jobs", json!({})).await;
        assert_eq!(due["deletions"], true, "the sweep finds it");
        let owner = format!("r/{number}");
        let leased = claim(&database, &owner, Value::Null).await["leased"].take();
        assert!(note(&database, &leased, 0.0, outage.clone()).await);
    }
    let failed = json!({"status": "failed", "reason": "PROVIDER_UNAVAILABLE"});
    assert_eq!(shown(&database, &hero).await, failed);
    let again = request(&database, user, &hero).await.unwrap();
    assert_eq!(again["begun"], true);
    // Nobody who holds it ever tells.
    for number in 4..=7 {
        let_time_pass(&database).await;
        let owner = format!("r/{number}");
        let leased = claim(&database, &owner, Value::Null).await["leased"].take();
        assert_eq!(leased.is_null(), number == 7);
    }
    let silent = json!({"status": "failed", "reason": "JOB_TIMEOUT"});
    assert_eq!(shown(&database, &hero).await, silent);
}

#[tokio::test]
async fn who_has_no_plan_no_money_or_no_such_hero_is_refused_before_anything_is_spent() {
    let database = Database::new().await;
    let (user, hero) = hero_of(&database, "free").await;
    let refused = request(&database, user, &hero).await.unwrap_err();
    assert_eq!(refused.message, "ERR_6002");
    assert_eq!(refused.detail["characterSheets"], true);
    let (other, _) = hero_of(&database, "premium").await;
    let refused = request(&database, other, &hero).await.unwrap_err();
    assert_eq!(refused.message, "CHARACTER_NOT_FOUND");
    let limit = "update public.tiers set daily_cost_limit_usd = 0.2 where code = 'premium'";
    database.arrange(limit).await;
    let [one, two] = [
        database.character(other).await,
        database.character(other).await,
    ];
    request(&database, other, &one).await.unwrap();
    // What the first may come to is reserved.
    let refused = request(&database, other, &two).await.unwrap_err();
    assert_eq!(refused.message, "SPEND_LIMIT");
    assert_eq!(database.count("private.character_sheets").await, 1);
}

#[tokio::test]
async fn a_sheet_goes_with_its_character() {
    let database = Database::new().await;
    let (user, hero) = hero_of(&database, "premium").await;
    request(&database, user, &hero).await.unwrap();
    let leased = claim(&database, "r/1", json!(hero)).await["leased"].take();
    let delete = format!("delete from public.characters where id = '{hero}'");
    database.arrange(&delete).await;
    assert!(!note(&database, &leased, 0.04, json!({"status": "ready"})).await);
    let usd = spent(&database, Uuid::nil()).await;
    assert!((usd - 0.04).abs() < 1e-6, "it was paid for: {usd}");
    let [claimed] = claim_deletions(&database, "r/2").await.try_into().unwrap();
    assert_eq!(
        (&claimed["kind"], &claimed["characterId"]),
        (&json!("references"), &json!(hero))
    );
}
