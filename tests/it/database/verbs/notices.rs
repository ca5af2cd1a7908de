//! Notices: claimed under a lease, sent once, tried again for a day; and whoever wants none gets none.

use crate::database::fixture::{Database, Story};
use serde_json::{Value, json};
use std::{collections::BTreeSet, sync::Arc};
use tokio::task::JoinSet;
use uuid::Uuid;

const NOTICES: &str = "public.notification_outbox";

async fn ready(database: &Database) -> Story {
    let story = database.story_with_text(&["cover"]).await;
    database.finish(&story).await;
    story
}

async fn partial(database: &Database) -> Story {
    let story = database.story_with_text(&["cover", "audio"]).await;
    let audio = database.claim_asset(&story, "audio").await;
    database.fail(&audio, false).await;
    database.finish(&story).await;
    story
}

async fn failed(database: &Database) -> Story {
    let story = database.story(&["cover"]).await;
    let text = database.start_content(&story, "writer").await;
    database.fail(&text, false).await;
    story
}

async fn claim(database: &Database) -> Value {
    database.call("claim_notices", json!({})).await
}

fn notices(claimed: &Value) -> &Vec<Value> {
    claimed["notices"].as_array().expect("a list")
}

/// Tells what became of everything that was claimed.
async fn settle(database: &Database, claimed: &Value, how: &Value) -> Value {
    let result = |notice: &Value| {
        let mut result = how.clone();
        result["id"] = notice["id"].clone();
        result
    };
    let results: Vec<_> = notices(claimed).iter().map(result).collect();
    let arguments = json!({"p_lease_token": claimed["leaseToken"], "p_results": results});
    database.call("settle_notices", arguments).await
}

/// Makes every pause and every lease be over.
async fn let_time_pass(database: &Database) {
    let over = format!("update {NOTICES} set available_at = now() where available_at > now()");
    database.arrange(&over).await;
}

async fn drops(database: &Database) -> Vec<String> {
    let query = format!("select dropped_because from {NOTICES} where dropped_at is not null");
    database.column(&query).await
}

#[tokio::test]
async fn each_outcome_is_claimed_once_with_all_that_its_mail_says() {
    let database = Database::new().await;
    let stories = [
        ready(&database).await,
        partial(&database).await,
        failed(&database).await,
    ];
    let request = "update public.stories set request = request || '{\"language\": \"pl\"}'
        where id in (select story_id from public.notification_outbox where kind = 'partial')";
    database.arrange(request).await;

    let claimed = claim(&database).await;
    let found = notices(&claimed);
    let kinds: Vec<_> = found.iter().map(|notice| &notice["kind"]).collect();
    assert_eq!(kinds, ["ready", "partial", "failed"]);
    for (notice, story) in found.iter().zip(&stories) {
        assert_eq!(notice["storyId"], story.id);
        assert_eq!(notice["email"], format!("{}@example.com", story.user));
    }
    assert_eq!(found[0]["missing"], json!([]));
    assert_eq!(found[1]["missing"], json!(["audio"]));
    assert_eq!(
        (&found[0]["language"], &found[1]["language"]),
        (&Value::Null, &json!("pl"))
    );
    assert_eq!(found[2]["code"], "PROVIDER_UNAVAILABLE");

    let again = claim(&database).await;
    assert_eq!(notices(&again), &[] as &[Value], "leased to the first");
    let next = again["nextInSeconds"].as_f64().expect("a lease ends");
    assert!((20.0..=30.0).contains(&next), "{next}");
    let sent = settle(&database, &claimed, &json!({"messageId": "0100"})).await;
    assert_eq!(sent["sent"], 3);
    let sent = settle(&database, &claimed, &json!({"messageId": "0101"})).await;
    assert_eq!(sent["sent"], 0, "told twice because the answer was lost");
    let_time_pass(&database).await;
    assert_eq!(notices(&claim(&database).await).len(), 0);
    let kept = format!("{NOTICES} where sent_at is not null and message_id = '0100'");
    assert_eq!(database.count(&kept).await, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_senders_at_once_claim_each_notice_once() {
    let database = Arc::new(Database::new().await);
    for _ in 0..12 {
        failed(&database).await;
    }
    let mut claiming = JoinSet::new();
    for _ in 0..8 {
        let database = Arc::clone(&database);
        claiming.spawn(async move { database.call("claim_notices", json!({"p_limit": 3})).await });
    }
    let claims = claiming.join_all().await;
    let ids: Vec<_> = claims
        .iter()
        .flat_map(notices)
        .map(|notice| notice["id"].as_i64().unwrap())
        .collect();
    let different: BTreeSet<_> = ids.iter().collect();
    assert_eq!(ids.len(), different.len(), "{ids:?}");
    assert_eq!(ids.len(), 12);
}

#[tokio::test]
async fn a_mail_that_was_not_taken_is_tried_again_after_longer_and_longer_pauses() {
    let database = Database::new().await;
    failed(&database).await;
    let mut pauses = Vec::new();
    for _ in 0..12 {
        let claimed = claim(&database).await;
        assert_eq!(notices(&claimed).len(), 1);
        settle(
            &database,
            &claimed,
            &json!({"error": "SES answered HTTP 429"}),
        )
        .await;
        let pause =
            format!("select extract(epoch from available_at - now())::float8 from {NOTICES}");
        let pause: f64 = database.value(&pause).await;
        pauses.push(pause.ceil() as i64);
        let_time_pass(&database).await;
    }
    assert_eq!(pauses, [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]);
    let told: String = database
        .value(&format!("select last_error from {NOTICES}"))
        .await;
    assert_eq!(told, "SES answered HTTP 429");
}

#[tokio::test]
async fn whoever_lost_the_lease_delays_nothing_but_a_mail_that_is_out_is_out() {
    let database = Database::new().await;
    failed(&database).await;
    let slow = claim(&database).await;
    let_time_pass(&database).await;
    let quick = claim(&database).await;
    settle(&database, &slow, &json!({"error": "late"})).await;
    let held = format!(
        "{NOTICES} where lease_token = '{}'",
        quick["leaseToken"].as_str().unwrap()
    );
    assert_eq!(database.count(&held).await, 1);
    assert_eq!(
        settle(&database, &slow, &json!({"messageId": "a"})).await["sent"],
        1
    );
    assert_eq!(
        settle(&database, &quick, &json!({"messageId": "b"})).await["sent"],
        0
    );
}

#[tokio::test]
async fn who_dies_before_the_note_leaves_a_notice_for_later_unless_the_service_reports_the_mail() {
    let database = Database::new().await;
    for reported in [false, true] {
        failed(&database).await;
        let claimed = claim(&database).await;
        let [notice] = &notices(&claimed)[..] else {
            panic!("one notice: {claimed}")
        };
        if reported {
            let event = json!({"p_event": "sent", "p_notice": notice["id"]});
            for _ in 0..2 {
                database.call("note_mail_event", event.clone()).await;
            }
        }
        let_time_pass(&database).await;
        let again = claim(&database).await;
        assert_eq!(notices(&again).is_empty(), reported);
        settle(&database, &again, &json!({"messageId": "0100"})).await;
    }
}

#[tokio::test]
async fn after_a_day_of_tries_it_is_a_dead_letter_and_what_nobody_tried_is_old_news() {
    let database = Database::new().await;
    failed(&database).await;
    let tried = claim(&database).await;
    settle(&database, &tried, &json!({"error": "no"})).await;
    failed(&database).await;
    let_time_pass(&database).await;
    let a_day = format!(
        "update {NOTICES} set created_at = created_at - interval '24 hours 1 second' where sent_at is null"
    );
    database.arrange(&a_day).await;
    let claimed = claim(&database).await;
    assert_eq!((&claimed["dead"], notices(&claimed).len()), (&json!(1), 0));
    let mut reasons = drops(&database).await;
    reasons.sort();
    assert_eq!(reasons, ["too_late", "undeliverable"]);
    assert_eq!(claim(&database).await["dead"], 0, "told once");
}

#[tokio::test]
async fn nobody_is_told_who_switched_it_off_has_no_address_or_knows_better_by_now() {
    let database = Database::new().await;
    let off = failed(&database).await;
    let change = json!({"p_user_id": off.user, "p_email": null, "p_change": {"notices": false}});
    let settings = database.call("user_settings", change).await;
    assert_eq!(settings["notices"], false);
    let nowhere = failed(&database).await;
    let forget = format!(
        "update public.users set email = null where id = '{}'",
        nowhere.user
    );
    database.arrange(&forget).await;
    let mended = partial(&database).await;
    let retry = json!({"p_user_id": mended.user, "p_story_id": mended.id});
    database.call("retry_assets", retry).await;
    let during = claim(&database).await;
    assert_eq!(
        notices(&during).len(),
        0,
        "it is being made again: it may end otherwise"
    );
    database.finish(&mended).await;

    let claimed = claim(&database).await;
    let kinds: Vec<_> = notices(&claimed)
        .iter()
        .map(|notice| &notice["kind"])
        .collect();
    assert_eq!(kinds, ["ready"]);
    let mut reasons = drops(&database).await;
    reasons.sort();
    assert_eq!(reasons, ["no_address", "superseded", "unwanted"]);
}

#[tokio::test]
async fn mail_that_comes_back_or_is_called_spam_switches_it_off_until_its_user_or_a_new_address_does_otherwise()
 {
    let database = Database::new().await;
    let user = database.user("free").await;
    let settings = async |change: Value| {
        let arguments = json!({"p_user_id": user, "p_email": null, "p_change": change});
        database.call("user_settings", arguments).await
    };
    let address = format!("{user}@EXAMPLE.com");
    for event in ["bounce", "complaint"] {
        let arguments = json!({"p_event": event, "p_addresses": [address, "nobody@example.com"]});
        let noted = database.call("note_mail_event", arguments.clone()).await;
        assert_eq!(noted["stopped"], 1);
        let noted = database.call("note_mail_event", arguments).await;
        assert_eq!(noted["stopped"], 0, "told twice");
        let stopped = settings(json!({})).await;
        assert_eq!(
            (&stopped["notices"], &stopped["noticesStopped"]),
            (&json!(false), &json!(event))
        );
        let again = settings(json!({"notices": true})).await;
        assert_eq!(
            (&again["notices"], &again["noticesStopped"]),
            (&json!(true), &Value::Null)
        );
    }
    let bounce = json!({"p_event": "bounce", "p_addresses": [address]});
    database.call("note_mail_event", bounce).await;
    let moved = format!("update auth.users set email = 'new@example.com' where id = '{user}'");
    database.arrange(&moved).await;
    let moved = settings(json!({})).await;
    assert_eq!(
        (&moved["email"], &moved["notices"]),
        (&json!("new@example.com"), &json!(true))
    );
}

#[tokio::test]
async fn settings_keep_what_is_not_named_and_a_new_user_has_them_at_once() {
    let database = Database::new().await;
    let user = Uuid::new_v4();
    let settings = async |change: Value| {
        let arguments = json!({"p_user_id": user, "p_email": "a@example.com", "p_change": change});
        database.call("user_settings", arguments).await
    };
    let first = settings(json!({})).await;
    let expected = json!({"id": user, "email": "a@example.com", "notices": true, "noticesStopped": null, "language": null});
    assert_eq!(first, expected);
    settings(json!({"language": "de"})).await;
    let off = settings(json!({"notices": false})).await;
    assert_eq!(
        (&off["language"], &off["notices"]),
        (&json!("de"), &json!(false))
    );
    assert_eq!(
        settings(json!({"language": null})).await["language"],
        Value::Null
    );

    // By the link in a mail, which says nothing of whether there is such a user, and holds while nothing else is changed.
    settings(json!({"notices": true})).await;
    let pause = json!({"p_state": "read_only", "p_reason": "a test"});
    database.call("set_platform_state", pause).await;
    for who in [user, user, Uuid::new_v4()] {
        let off = database
            .call("switch_off_notices", json!({"p_user_id": who}))
            .await;
        assert_eq!(off, json!({}));
    }
    let off = settings(json!({})).await;
    assert_eq!(
        (&off["notices"], &off["noticesStopped"]),
        (&json!(false), &Value::Null)
    );
}
