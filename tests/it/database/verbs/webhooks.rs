//! Webhooks: what ends a story tells every endpoint that wants it, in the same transaction, under one id until it is accepted.

use crate::database::fixture::{Database, Story, fresh_key};
use serde_json::{Value, json};
use std::{collections::BTreeSet, time::Duration};
use uuid::Uuid;

mod endpoints;

const DELIVERIES: &str = "private.webhook_deliveries";
const ALL: [&str; 4] = [
    "story.ready",
    "story.partial",
    "story.failed",
    "story.deleted",
];

async fn webhook(database: &Database, user: Uuid, events: &[&str]) -> Value {
    let arguments = json!({"p_user_id": user, "p_email": null, "p_url": "https://hooks.example.com/a", "p_events": events,
        "p_idempotency_key": fresh_key(), "p_request_hash": "1"});
    let mut made = database.call("create_webhook", arguments).await;
    made["webhook"].take()
}

/// A user with a webhook, and a story of theirs that failed.
async fn told(database: &Database) -> (Value, Story) {
    let user = database.user("school").await;
    let webhook = webhook(database, user, &ALL).await;
    (webhook, failed(database, user).await)
}

async fn failed(database: &Database, user: Uuid) -> Story {
    let story = database.story_of(user, &["cover"]).await;
    let text = database.start_content(&story, "writer").await;
    database.fail(&text, false).await;
    story
}

async fn claim(database: &Database) -> Value {
    let arguments = json!({"p_limit": 10, "p_mail": false});
    database.call("claim_notices", arguments).await
}

fn due(claimed: &Value) -> &Vec<Value> {
    claimed["deliveries"].as_array().expect("a list")
}

async fn settle(database: &Database, claimed: &Value, how: Value) -> Value {
    let result = |due: &Value| {
        let mut result = how.clone();
        result["id"] = due["id"].clone();
        result["durationMs"] = 7.into();
        result
    };
    let results: Vec<_> = due(claimed).iter().map(result).collect();
    let arguments = json!({"p_lease_token": claimed["leaseToken"], "p_results": json!([]), "p_deliveries": results});
    database.call("settle_notices", arguments).await
}

/// Makes every pause and every lease be over.
async fn let_time_pass(database: &Database) {
    let over = format!("update {DELIVERIES} set available_at = now() where available_at > now()");
    database.arrange(&over).await;
}

fn of(story: &Story, webhook: &Value) -> Value {
    json!({"p_user_id": story.user, "p_webhook_id": webhook["id"]})
}

async fn log(database: &Database, story: &Story, webhook: &Value) -> Value {
    database
        .call("webhook_deliveries", of(story, webhook))
        .await
}

#[tokio::test]
async fn each_end_of_a_story_and_its_deletion_are_told_once_to_whoever_wants_them_and_nothing_of_the_child_is_in_it()
 {
    let database = Database::new().await;
    let user = database.user("school").await;
    let all = webhook(&database, user, &ALL).await;
    let ready_alone = webhook(&database, user, &["story.ready"]).await;
    webhook(&database, database.user("school").await, &ALL).await;

    let story = database.story_of(user, &["cover", "audio"]).await;
    database.write_text(&story).await;
    let audio = database.claim_asset(&story, "audio").await;
    database.fail(&audio, false).await;
    database.finish(&story).await;
    let retry = json!({"p_user_id": user, "p_story_id": story.id});
    database.call("retry_assets", retry).await;
    database.finish(&story).await;
    failed(&database, user).await;
    let deleted = json!({"p_user_id": user, "p_story_id": story.id});
    let gone = database.call("delete_story", deleted).await;
    assert_eq!(
        (&gone["told"], &gone["unfinished"]),
        (&json!(true), &json!(false))
    );

    let told = format!(
        "select event || ' ' || case endpoint_id when '{}' then 'all' else 'ready' end from {DELIVERIES} order by created_at, 1",
        all["id"].as_str().unwrap()
    );
    let expected = [
        "story.partial all",
        "story.ready all",
        "story.ready ready",
        "story.failed all",
        "story.deleted all",
    ];
    assert_eq!(database.column(&told).await, expected);
    assert_ne!(all["secret"], ready_alone["secret"]);
    let claimed = claim(&database).await;
    assert_eq!(due(&claimed).len(), 4, "three of one endpoint at most");
    let sent = claimed["deliveries"].to_string();
    for private in ["Luna", "title", "beat", "theme", &user.to_string()] {
        assert!(!sent.contains(private), "{private}: {sent}");
    }
    let partial = &due(&claimed)[0];
    assert_eq!(partial["data"]["assets"]["audio"], "failed");
    assert_eq!(partial["data"]["storyId"], json!(story.id));
    assert_eq!(partial["secrets"], json!([all["secret"]]));
}

#[tokio::test]
async fn five_tries_after_longer_and_longer_pauses_bear_one_id_and_then_it_is_dead_until_it_is_asked_for()
 {
    let database = Database::new().await;
    let (webhook, story) = told(&database).await;
    let mut ids = BTreeSet::new();
    let mut pauses = Vec::new();
    for attempt in 1..=5 {
        let claimed = claim(&database).await;
        let [one] = &due(&claimed)[..] else {
            panic!("{claimed}")
        };
        ids.insert(one["id"].to_string());
        let how = if attempt == 2 {
            json!({"error": "no answer within 10 s"})
        } else {
            json!({"status": 500})
        };
        let settled = settle(&database, &claimed, how.clone()).await;
        assert_eq!(settled["dead"], i32::from(attempt == 5));
        settle(&database, &claimed, how).await;
        let pause =
            format!("select extract(epoch from available_at - now())::float8 from {DELIVERIES}");
        let pause: f64 = database.value(&pause).await;
        pauses.push(pause.ceil() as i64);
        let_time_pass(&database).await;
    }
    assert_eq!(pauses[..4], [5, 10, 20, 40]);
    assert_eq!(ids.len(), 1);
    assert!(due(&claim(&database).await).is_empty(), "it is dead");
    let log = log(&database, &story, &webhook).await;
    let dead = &log[0];
    assert_eq!(
        (&dead["status"], &dead["event"]),
        (&json!("dead"), &json!("story.failed"))
    );
    let attempts = dead["attempts"].as_array().unwrap();
    assert_eq!(attempts.len(), 5, "told twice, noted once: {dead}");
    assert_eq!(
        (&attempts[0]["attempt"], &attempts[0]["status"]),
        (&json!(1), &json!(500))
    );
    assert_eq!(attempts[1]["error"], "no answer within 10 s");
    assert_eq!(attempts[4]["durationMs"], 7);

    let mut again = of(&story, &webhook);
    again["p_delivery_id"] = dead["id"].clone();
    assert_eq!(
        database.call("redeliver_webhook", again).await["status"],
        "pending"
    );
    let claimed = claim(&database).await;
    ids.insert(due(&claimed)[0]["id"].to_string());
    assert_eq!(
        settle(&database, &claimed, json!({"status": 204})).await["delivered"],
        1
    );
    assert_eq!(ids.len(), 1);
}

#[tokio::test]
async fn who_dies_before_the_note_leaves_a_delivery_for_the_next_and_one_that_was_accepted_is_done()
{
    let database = Database::new().await;
    told(&database).await;
    let dead = claim(&database).await;
    let next = claim(&database).await;
    assert!(due(&next).is_empty(), "leased to the first");
    assert!(next["nextInSeconds"].as_f64().expect("a lease ends") > 20.0);
    let woken = json!({"p_limit": 1});
    assert_eq!(
        database.call("claim_asset_jobs", woken.clone()).await["deliveries"],
        false
    );
    database
        .arrange(&format!(
            "update {DELIVERIES} set available_at = now() - interval '3 seconds' where true"
        ))
        .await;
    assert_eq!(
        database.call("claim_asset_jobs", woken).await["deliveries"],
        true
    );
    let quick = claim(&database).await;
    assert_eq!(due(&dead)[0]["id"], due(&quick)[0]["id"]);
    settle(&database, &dead, json!({"status": 500})).await;
    assert_eq!(
        database
            .count(&format!("{DELIVERIES} where lease_token is not null"))
            .await,
        1
    );
    assert_eq!(
        settle(&database, &dead, json!({"status": 200})).await["delivered"],
        1
    );
    assert_eq!(
        settle(&database, &quick, json!({"status": 500})).await["dead"],
        0
    );
    assert_eq!(
        database
            .count(&format!("{DELIVERIES} where status = 'delivered'"))
            .await,
        1
    );
}

#[tokio::test]
async fn an_endpoint_that_is_gone_or_switched_off_is_told_nothing_any_more() {
    let database = Database::new().await;
    let (webhook, story) = told(&database).await;
    failed(&database, story.user).await;
    let claimed = claim(&database).await;
    settle(&database, &claimed, json!({"status": 410})).await;
    let arguments = json!({"p_user_id": story.user});
    let listed = database.call("list_webhooks", arguments).await;
    assert_eq!(
        (&listed[0]["enabled"], &listed[0]["disabledBecause"]),
        (&json!(false), &json!("gone"))
    );
    assert!(!listed.to_string().contains("whsec_"), "{listed}");
    assert_eq!(
        database
            .count(&format!("{DELIVERIES} where status = 'dead'"))
            .await,
        2
    );
    failed(&database, story.user).await;
    assert_eq!(database.count(DELIVERIES).await, 2);

    let mut change = of(&story, &webhook);
    change["p_change"] = json!({"enabled": true, "events": ["story.ready", "story.failed"]});
    let changed = database.call("change_webhook", change.clone()).await;
    assert_eq!(changed["disabledBecause"], Value::Null);
    failed(&database, story.user).await;
    assert_eq!(
        database
            .count(&format!("{DELIVERIES} where status = 'pending'"))
            .await,
        1
    );
    change["p_change"] = json!({"enabled": false});
    database.call("change_webhook", change).await;
    assert_eq!(
        database
            .count(&format!("{DELIVERIES} where status = 'pending'"))
            .await,
        0
    );
    database.call("delete_webhook", of(&story, &webhook)).await;
    assert_eq!(database.count(DELIVERIES).await, 0);
}

#[tokio::test]
async fn nobody_who_is_slow_keeps_others_waiting_and_a_story_is_settled_while_its_webhook_is_deleted()
 {
    let database = Database::new().await;
    let (_, story) = told(&database).await;
    for _ in 0..5 {
        failed(&database, story.user).await;
    }
    let (other, _) = told(&database).await;
    let claimed = claim(&database).await;
    let endpoints = due(&claimed)
        .iter()
        .map(|due| due["secrets"][0].to_string());
    let mut endpoints: Vec<_> = endpoints.collect();
    endpoints.dedup();
    assert_eq!((due(&claimed).len(), endpoints.len()), (4, 2));
    assert!(endpoints.contains(&other["secret"].to_string()));

    let (webhook, story) = told(&database).await;
    let mut deleting = database.service.begin().await.expect("a transaction");
    sqlx::query("select public.delete_webhook($1, $2::text::uuid)")
        .bind(story.user)
        .bind(webhook["id"].as_str())
        .execute(&mut *deleting)
        .await
        .expect("deleted, and not committed");
    let waiting =
        "pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    let commit = async {
        while database.count(waiting).await == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        deleting.commit().await.expect("committed");
    };
    let ((), settled) = tokio::join!(commit, failed(&database, story.user));
    assert_eq!(database.overall(&settled).await, "failed");
}

#[tokio::test]
async fn what_was_delivered_or_given_up_a_month_ago_is_forgotten_and_no_role_but_service_reads_a_secret()
 {
    let database = Database::new().await;
    let (webhook, story) = told(&database).await;
    let claimed = claim(&database).await;
    settle(&database, &claimed, json!({"status": 200})).await;
    failed(&database, story.user).await;
    let tidied = database.call("tidy_history", json!({})).await;
    assert_eq!(tidied["deliveries"], 0);
    let old =
        format!("update {DELIVERIES} set settled_at = settled_at - interval '31 days' where true");
    database.arrange(&old).await;
    assert_eq!(
        database.call("expire_stuck_jobs", json!({})).await["tidy"],
        true
    );
    let tidied = database.call("tidy_history", json!({})).await;
    assert_eq!(tidied["deliveries"], 1);
    let left = log(&database, &story, &webhook).await;
    assert_eq!(
        left.as_array().map(Vec::len),
        Some(1),
        "what is to be sent stays"
    );
    let readers = "select distinct grantee::text from information_schema.role_table_grants
        where table_schema = 'private' and table_name like 'webhook%' and grantee <> 'postgres'";
    assert_eq!(database.column(readers).await, ["service_role"]);
}
