//! Directed checks for guards that random play hardly ever needs. Each panics where its guard is missing, as a test does.

mod versions;

pub(crate) use versions::{
    a_new_text_has_no_art_direction, a_new_text_leaves_nothing_of_the_old_one,
    a_refunded_story_costs_again, a_story_keeps_its_heroes,
    a_version_stands_until_a_better_one_is_there, an_older_cover_is_marked,
};

use crate::simulation::database::{Database, EVERYTHING, completion, creation, failure, leases};
use serde_json::{Value, json};
use std::{collections::BTreeSet, sync::Arc};
use tokio::task::JoinSet;

/// Of twenty asked for at once exactly the two of the plan are accepted.
pub(crate) async fn the_quota_is_exact(database: Arc<Database>) {
    for _ in 0..3 {
        let user = database.user("free").await;
        let character = database.character(user).await;
        let mut asking = JoinSet::new();
        for _ in 0..20 {
            let arguments = creation(user, &character, &["cover"]);
            let database = Arc::clone(&database);
            asking
                .spawn(async move { database.try_call("create_story", &arguments).await.is_ok() });
        }
        let accepted = asking
            .join_all()
            .await
            .into_iter()
            .filter(|accepted| *accepted)
            .count();
        assert_eq!(accepted, 2);
    }
}

/// One key, one story, however often it is sent.
pub(crate) async fn a_key_makes_one_story(database: Arc<Database>) {
    let user = database.user("school").await;
    let character = database.character(user).await;
    let mut arguments = creation(user, &character, &["cover"]);
    arguments["p_idempotency_key"] = json!("k");
    arguments["p_request_hash"] = json!("h");
    let mut made = BTreeSet::new();
    for _ in 0..2 {
        made.insert(
            database.call("create_story", arguments.clone()).await["story"]["id"].to_string(),
        );
    }
    assert_eq!(made.len(), 1);
    arguments["p_request_hash"] = json!("another");
    assert!(
        database.try_call("create_story", &arguments).await.is_err(),
        "the key of another request"
    );
}

/// No more than the cap, whatever the limit; and nothing before its pause is over, its inputs are settled.
pub(crate) async fn only_what_may_be_claimed_is(database: Arc<Database>) {
    let story = database.story_with_text(&EVERYTHING).await;
    let capped = database
        .call(
            "claim_asset_jobs",
            json!({"p_limit": 10, "p_max_in_flight": 1}),
        )
        .await;
    assert_eq!(leases(&capped["jobs"]).len(), 1, "the cap");
    let first = leases(&capped["jobs"]).remove(0);
    let rest = database.claim(20).await;
    let assets: BTreeSet<&str> = rest
        .iter()
        .chain([&first])
        .map(|lease| lease.asset.as_str())
        .collect();
    assert_eq!(
        assets,
        BTreeSet::from(["cover", "audio", "activities"]),
        "inputs first"
    );
    for lease in rest
        .iter()
        .chain([&first])
        .filter(|lease| lease.asset != "audio")
    {
        database.complete(lease).await;
    }
    // A narration that failed pauses for five seconds.
    let audio = rest
        .iter()
        .chain([&first])
        .find(|lease| lease.asset == "audio")
        .expect("claimed above");
    database.fail(audio, true).await;
    let next = database.claim(20).await;
    assert!(
        next.iter().all(|lease| lease.asset.starts_with("scene")),
        "nothing in its pause"
    );
    assert_eq!(next.len(), 4);
    for lease in &next[1..] {
        database.complete(lease).await;
    }
    assert!(
        database.claim(20).await.is_empty(),
        "the book waits for the last picture"
    );
    assert_eq!(database.overall(&story).await, "generating");
}

/// Somebody with one story is served between the many of another.
pub(crate) async fn users_take_turns(database: Arc<Database>) {
    let school = database.user("school").await;
    for _ in 0..4 {
        let story = database.story_of(school, &["cover", "audio"]).await;
        database.write_text(&story).await;
    }
    let parent = database.story_with_text(&["cover"]).await;
    let served: Vec<String> = database
        .claim(3)
        .await
        .into_iter()
        .map(|lease| lease.story)
        .collect();
    assert!(
        served.contains(&parent.id),
        "the parent waits behind the school"
    );
}

/// A zombie changes nothing; a lost answer asked for again has one effect; a retry is counted.
pub(crate) async fn old_leases_are_worth_nothing(database: Arc<Database>) {
    let story = database.story_with_text(&["cover"]).await;
    let old = database.claim_asset(&story, "cover").await;
    database.let_leases_run_out(&story).await;
    let new = database.claim_asset(&story, "cover").await;
    assert_ne!(old.token, new.token);
    assert_eq!(
        database.complete(&old).await["accepted"],
        false,
        "a zombie completed"
    );
    assert_eq!(
        database.fail(&old, false).await["accepted"],
        false,
        "a zombie failed it"
    );
    let beat = json!({"p_jobs": [{"jobId": old.job, "leaseToken": old.token, "progress": 90}]});
    let told = database.call("report_progress", beat).await;
    assert_eq!(
        told["lost"].as_array().map(Vec::len),
        Some(1),
        "a zombie is not told"
    );
    assert_eq!(database.job(&story, "cover").await["progress"], 0);
    let first = database.call("complete_job", completion(&new)).await;
    let again = database.call("complete_job", completion(&new)).await;
    assert_eq!(
        (&first["accepted"], &again["accepted"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(
        database.job(&story, "cover").await["asset_version"],
        1,
        "one version of one result"
    );
}

/// Silent workers cost a retry each, and in the end the job fails.
pub(crate) async fn retries_are_bounded(database: Arc<Database>) {
    let story = database.story_with_text(&["cover"]).await;
    for _ in 0..12 {
        if database.job(&story, "cover").await["status"] == "failed" {
            return;
        }
        database.let_time_pass(&story).await;
        database.claim(5).await;
        database.let_leases_run_out(&story).await;
        database.call("expire_stuck_jobs", json!({})).await;
    }
    panic!("a job is retried for ever");
}

/// A second delivery of a start is not granted; nor is the work of a cancelled story.
pub(crate) async fn one_invocation_owns_a_lease(database: Arc<Database>) {
    let story = database.story(&EVERYTHING).await;
    let lease = database.start_content(&story, "one/a").await;
    let second = json!({"p_story_id": story.id, "p_owner": "one/b", "p_lease_token": lease.token});
    assert_eq!(
        database.call("start_content", second).await["granted"],
        false,
        "granted twice"
    );
    let cancel =
        json!({"p_user_id": story.user, "p_story_id": story.id, "p_asset_types": EVERYTHING});
    database.call("cancel_assets", cancel).await;
    database.write_text_of(&lease).await;
    assert!(
        database.claim(20).await.is_empty(),
        "a cancelled asset was claimed"
    );
    for asset in EVERYTHING {
        assert_eq!(database.job(&story, asset).await["status"], "cancelled");
    }
}

/// A text that fails for good gives its credit back once, says so once, and takes the rest with it.
pub(crate) async fn a_failed_text_is_refunded_once(database: Arc<Database>) {
    let story = database.story(&EVERYTHING).await;
    let lease = database.start_content(&story, "writer").await;
    database.fail(&lease, false).await;
    let settle = |verb: &'static str, arguments: Value| {
        let database = Arc::clone(&database);
        async move { database.try_call(verb, &arguments).await.ok() }
    };
    settle("fail_job", failure(&lease, false)).await;
    settle("expire_stuck_jobs", json!({})).await;
    let steer =
        json!({"p_user_id": story.user, "p_story_id": story.id, "p_asset_types": ["cover"]});
    settle("cancel_assets", steer.clone()).await;
    settle("retry_assets", steer).await;
    assert_eq!(database.overall(&story).await, "failed");
    assert_eq!(
        database.credits(story.user).await,
        (0, 0),
        "one credit, given back once"
    );
    for asset in EVERYTHING {
        assert_eq!(database.job(&story, asset).await["status"], "cancelled");
    }
    assert_eq!(
        database.count("public.notification_outbox").await,
        1,
        "one notice"
    );
    let kind: String = database
        .value("select kind from public.notification_outbox")
        .await;
    assert_eq!(kind, "failure");
}

/// A stranger steers nothing.
pub(crate) async fn strangers_find_no_story(database: Arc<Database>) {
    let story = database.story_with_text(&["cover"]).await;
    let stranger = database.user("school").await;
    for verb in ["cancel_assets", "regenerate_assets", "retry_assets"] {
        let wish =
            json!({"p_user_id": stranger, "p_story_id": story.id, "p_asset_types": ["cover"]});
        assert!(
            database.try_call(verb, &wish).await.is_err(),
            "{verb} by a stranger"
        );
    }
}

/// Nine assets that finish at once are all in the story, each with a version of its own.
pub(crate) async fn no_update_is_lost(database: Arc<Database>) {
    let story = database
        .story_with_text(&["cover", "audio", "activities"])
        .await;
    let before = database.row(&story).await["version"]
        .as_i64()
        .unwrap_or_default();
    let mut finishing = JoinSet::new();
    for lease in database.claim(20).await {
        let database = Arc::clone(&database);
        finishing.spawn(async move { database.complete(&lease).await });
    }
    finishing.join_all().await;
    for asset in ["cover", "audio", "activities"] {
        assert_eq!(
            database.asset(&story, asset).await["status"],
            "ready",
            "{asset}"
        );
    }
    let after = database.row(&story).await["version"]
        .as_i64()
        .unwrap_or_default();
    assert!(
        after >= before + 4,
        "three updates and the claim: {before} to {after}"
    );
}

/// A text that has to be written again holds everything back.
pub(crate) async fn nothing_is_made_before_the_text(database: Arc<Database>) {
    let story = database.story(&EVERYTHING).await;
    let lease = database.start_content(&story, "writer").await;
    database.fail(&lease, true).await;
    database.let_time_pass(&story).await;
    let claimed = database.claim(20).await;
    assert!(
        claimed.iter().all(|lease| lease.asset == "content"),
        "{claimed:?}"
    );
}
