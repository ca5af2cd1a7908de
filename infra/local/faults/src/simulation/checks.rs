//! Directed checks for guards that random play hardly ever needs. Each panics where its guard is missing, as a test does.

mod deletion;
mod manuscript;
mod new_text;
mod plans;
mod spending;
mod versions;

use crate::prelude::*;
use futures::future::BoxFuture;
use std::{collections::BTreeSet, sync::Arc};
use tokio::task::JoinSet;

use deletion::*;
use manuscript::*;
use new_text::*;
use plans::*;
use spending::*;
use versions::*;

type Check = fn(Arc<TestDatabase>) -> BoxFuture<'static, ()>;

/// The checks, by their own names.
macro_rules! checks {
    ($($check:ident)*) => {
        &[$((stringify!($check), |database| Box::pin($check(database))),)*]
    };
}

const CHECKS: &[(&str, Check)] = checks! {
    the_quota_is_exact a_key_makes_one_story only_what_may_be_claimed_is users_take_turns
    old_leases_are_worth_nothing retries_are_bounded one_invocation_owns_a_lease
    a_failed_text_is_refunded_once strangers_find_no_story no_update_is_lost nothing_is_made_before_the_text
    a_deleted_story_leaves_nothing a_deleted_user_comes_to_nothing_but_sums files_are_deleted_under_a_lease_and_twice
    a_book_is_of_one_text a_new_text_leaves_nothing_of_the_old_one a_new_text_that_fails_is_given_up
    a_text_is_restored_whole readers_see_one_text
    a_plan_has_its_priorities a_plan_makes_what_it_includes a_purchase_counts_once libraries_have_owners
    progress_is_shown_with_measure
    a_user_s_day_is_kept an_allowance_is_exact no_money_is_lost the_platform_s_day_is_kept
    a_cancelled_text_is_refunded a_new_text_has_no_art_direction a_refunded_story_costs_again
    a_story_is_begun_from_its_outline a_story_keeps_its_heroes a_version_stands_until_a_better_one_is_there an_older_cover_is_marked
};

/// The check of this name.
pub(super) fn named(name: &str) -> Option<Check> {
    let (_, check) = CHECKS.iter().find(|(check, _)| *check == name)?;
    Some(*check)
}

/// A story with everything, made.
async fn finished(database: &TestDatabase) -> Story {
    let story = database.story_with_text(&EVERYTHING).await;
    database.finish(&story).await;
    story
}

async fn steer(database: &TestDatabase, verb: &str, story: &Story, assets: &[&str]) {
    database.call(verb, database.wish(story, assets)).await;
}

async fn write_anew(database: &TestDatabase, story: &Story) {
    let text = database.claim_asset(story, "content").await;
    assert_eq!(database.write_text_of(&text).await["accepted"], true);
}

/// Whether what a worker made comes too late.
async fn is_late(database: &TestDatabase, lease: &Lease) -> bool {
    database.complete(lease).await["accepted"] == false
}

async fn new_text(database: &TestDatabase, story: &Story) {
    steer(database, "regenerate_assets", story, &["content"]).await;
    write_anew(database, story).await;
}

/// Of twenty asked for at once exactly the two of the plan are accepted.
async fn the_quota_is_exact(database: Arc<TestDatabase>) {
    for _ in 0..3 {
        let user = database.user("free").await;
        let character = database.character(user).await;
        let arguments = creation(user, &character, &["cover"]);
        let mut asking = JoinSet::new();
        for _ in 0..20 {
            let (database, arguments) = (Arc::clone(&database), arguments.clone());
            asking.spawn(async move { database.try_call("create_story", &arguments).await });
        }
        let answers = asking.join_all().await;
        let accepted = answers.iter().filter(|answer| answer.is_ok()).count();
        assert_eq!(accepted, 2);
    }
}

/// One key, one story, however often it is sent.
async fn a_key_makes_one_story(database: Arc<TestDatabase>) {
    let user = database.user("school").await;
    let character = database.character(user).await;
    let mut arguments = creation(user, &character, &["cover"]);
    arguments["p_idempotency_key"] = json!("k");
    arguments["p_request_hash"] = json!("h");
    let mut made = BTreeSet::new();
    for _ in 0..2 {
        let created = database.call("create_story", arguments.clone()).await;
        made.insert(created["story"]["id"].to_string());
    }
    assert_eq!(made.len(), 1);
    arguments["p_request_hash"] = json!("another");
    let again = database.try_call("create_story", &arguments).await;
    assert!(again.is_err(), "the key of another request");
}

/// No more than the cap, whatever the limit; and nothing before its pause is over, its inputs are settled.
async fn only_what_may_be_claimed_is(database: Arc<TestDatabase>) {
    let story = database.story_with_text(&EVERYTHING).await;
    let one = json!({"p_limit": 10, "p_max_in_flight": 1});
    let capped = database.call("claim_asset_jobs", one).await;
    let mut claimed = leases(&capped["jobs"]);
    assert_eq!(claimed.len(), 1, "the cap");
    claimed.extend(database.claim(20).await);
    let assets: BTreeSet<&str> = claimed.iter().map(|lease| lease.asset.as_str()).collect();
    let after_the_text = BTreeSet::from(["cover", "audio", "activities"]);
    assert_eq!(assets, after_the_text, "inputs first");
    for lease in &claimed {
        // A narration that failed pauses for five seconds.
        match lease.asset.as_str() {
            "audio" => database.fail(lease, true).await,
            _ => database.complete(lease).await,
        };
    }
    let next = database.claim(20).await;
    let scenes = next.iter().filter(|lease| lease.asset.starts_with("scene"));
    assert_eq!((scenes.count(), next.len()), (4, 4), "nothing in its pause");
    for lease in &next[1..] {
        database.complete(lease).await;
    }
    let early = database.claim(20).await;
    assert!(early.is_empty(), "the book waits for the last picture");
    assert_eq!(database.overall(&story).await, "generating");
}

/// Somebody with one story is served between the many of another.
async fn users_take_turns(database: Arc<TestDatabase>) {
    let school = database.user("school").await;
    for _ in 0..4 {
        let story = database.story_of(school, &["cover", "audio"]).await;
        database.write_text(&story).await;
    }
    let parent = database.story_with_text(&["cover"]).await;
    let mut served = database.claim(3).await.into_iter();
    let has_turn = served.any(|lease| lease.story == parent.id);
    assert!(has_turn, "the parent waits behind the school");
}

/// A zombie changes nothing; a lost answer asked for again has one effect; a retry is counted.
async fn old_leases_are_worth_nothing(database: Arc<TestDatabase>) {
    let story = database.story_with_text(&["cover"]).await;
    let old = database.claim_asset(&story, "cover").await;
    database.let_leases_run_out(&story).await;
    let new = database.claim_asset(&story, "cover").await;
    assert_ne!(old.token, new.token);
    let completed = database.complete(&old).await;
    assert_eq!(completed["accepted"], false, "a zombie completed");
    let failed = database.fail(&old, false).await;
    assert_eq!(failed["accepted"], false, "a zombie failed it");
    let beat = json!({"p_jobs": [{"jobId": old.job, "leaseToken": old.token, "progress": 90}]});
    let told = database.call("report_progress", beat).await;
    let lost = told["lost"].as_array().map(Vec::len);
    assert_eq!(lost, Some(1), "a zombie is not told");
    assert_eq!(database.job(&story, "cover").await["progress"], 0);
    for _ in 0..2 {
        assert_eq!(database.complete(&new).await["accepted"], true);
    }
    let version = &database.job(&story, "cover").await["asset_version"];
    assert_eq!(version, 1, "one version of one result");
}

/// Silent workers cost a retry each, and in the end the job fails.
async fn retries_are_bounded(database: Arc<TestDatabase>) {
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
async fn one_invocation_owns_a_lease(database: Arc<TestDatabase>) {
    let story = database.story(&EVERYTHING).await;
    let lease = database.start_content(&story, "one/a").await;
    let second = json!({"p_story_id": story.id, "p_owner": "one/b", "p_lease_token": lease.token});
    let again = database.call("start_content", second).await;
    assert_eq!(again["granted"], false, "granted twice");
    let cancel = database.wish(&story, &EVERYTHING);
    database.call("cancel_assets", cancel).await;
    database.write_text_of(&lease).await;
    let claimed = database.claim(20).await;
    assert!(claimed.is_empty(), "a cancelled asset was claimed");
    for asset in EVERYTHING {
        assert_eq!(database.job(&story, asset).await["status"], "cancelled");
    }
}

/// A text that fails for good gives its credit back once, says so once, and takes the rest with it.
async fn a_failed_text_is_refunded_once(database: Arc<TestDatabase>) {
    let story = database.story(&EVERYTHING).await;
    let lease = database.start_content(&story, "writer").await;
    database.fail(&lease, false).await;
    let cover = database.wish(&story, &["cover"]);
    for (verb, arguments) in [
        ("fail_job", failure(&lease, false)),
        ("expire_stuck_jobs", json!({})),
        ("cancel_assets", cover.clone()),
        ("retry_assets", cover),
    ] {
        // Refused or not, it must change nothing.
        let _ = database.try_call(verb, &arguments).await;
    }
    assert_eq!(database.overall(&story).await, "failed");
    let credits = database.credits(story.user).await;
    assert_eq!(credits, (0, 0), "one credit, given back once");
    for asset in EVERYTHING {
        assert_eq!(database.job(&story, asset).await["status"], "cancelled");
    }
    let kinds = database
        .column("select kind from public.notification_outbox")
        .await;
    assert_eq!(kinds, ["failed"], "one notice");
}

/// A stranger steers nothing.
async fn strangers_find_no_story(database: Arc<TestDatabase>) {
    let story = database.story_with_text(&["cover"]).await;
    let stranger = database.user("school").await;
    let mut wish = database.wish(&story, &["cover"]);
    wish["p_user_id"] = json!(stranger);
    for verb in ["cancel_assets", "regenerate_assets", "retry_assets"] {
        let answer = database.try_call(verb, &wish).await;
        assert!(answer.is_err(), "{verb} by a stranger");
    }
}

/// Of two assets that are settled at the same moment neither is missing in the row.
async fn no_update_is_lost(database: Arc<TestDatabase>) {
    let assets = ["cover", "audio"];
    let story = database.story_with_text(&assets).await;
    let leases = database.claim(20).await;
    let done = completion(&leases[0]);
    let first = database.begin_call("complete_job", &done).await;
    let second = tokio::spawn({
        let (database, lease) = (Arc::clone(&database), leases[1].clone());
        async move { database.complete(&lease).await }
    });
    // It waits for the first, be it before it has read the story's jobs or, too late, when it writes what it read.
    let waiting =
        "pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    while database.count(waiting).await == 0 {
        tokio::task::yield_now().await;
    }
    first.commit().await.expect("the first is committed");
    second.await.expect("the second is accepted");
    for asset in assets {
        let status = &database.asset(&story, asset).await["status"];
        assert_eq!(status, "ready", "{asset}");
    }
}

/// A text that has to be written again holds everything back.
async fn nothing_is_made_before_the_text(database: Arc<TestDatabase>) {
    let story = database.story(&EVERYTHING).await;
    let lease = database.start_content(&story, "writer").await;
    database.fail(&lease, true).await;
    database.let_time_pass(&story).await;
    let claimed = database.claim(20).await;
    let all_text = claimed.iter().all(|lease| lease.asset == "content");
    assert!(all_text, "{claimed:?}");
}
