//! complete_job and fail_job: fenced by the lease, repeatable, and the story's status follows.

use crate::database::fixture::{Database, EVERYTHING, Lease, Story, completion};
use serde_json::{Value, json};

#[tokio::test]
async fn a_stale_lease_changes_nothing() {
    let database = Database::new().await;
    let story = database.story_with_text(&["cover"]).await;
    let old = database.claim_asset(&story, "cover").await;
    database.let_leases_run_out(&story).await;
    let new = database.claim(1).await.remove(0);
    let before = (
        database.row(&story).await,
        database.job(&story, "cover").await,
    );
    for answer in [
        database.complete(&old).await,
        database.fail(&old, true).await,
        database.fail(&old, false).await,
    ] {
        assert_eq!(answer, json!({"accepted": false, "reason": "LEASE_LOST"}));
    }
    assert_eq!(
        (
            database.row(&story).await,
            database.job(&story, "cover").await
        ),
        before
    );
    assert_eq!(database.complete(&new).await["accepted"], true);
    assert!(
        database.asset(&story, "cover").await["url"]
            .as_str()
            .unwrap()
            .ends_with(&new.token)
    );
    assert_eq!(database.complete(&old).await["accepted"], false);
}

#[tokio::test]
async fn a_completion_said_twice_counts_once() {
    let database = Database::new().await;
    let story = database.story_with_text(&["cover"]).await;
    let lease = database.claim_asset(&story, "cover").await;
    database.complete(&lease).await;
    let before = (
        database.row(&story).await,
        database.job(&story, "cover").await,
    );
    let again = database.complete(&lease).await;
    assert_eq!(
        (&again["accepted"], &again["replayed"], &again["overall"]),
        (&json!(true), &json!(true), &json!("ready"))
    );
    assert_eq!(
        (
            database.row(&story).await,
            database.job(&story, "cover").await
        ),
        before
    );
}

#[tokio::test]
async fn the_verb_that_ends_a_story_says_how_it_ended_and_no_other_does() {
    let database = Database::new().await;
    let story = database.story_with_text(&["cover", "audio"]).await;
    let cover = database.claim_asset(&story, "cover").await;
    let going_on = database.complete(&cover).await;
    assert_eq!(going_on["summary"], json!(null));
    let audio = database.claim_asset(&story, "audio").await;
    let ended = database.complete(&audio).await;
    let summary = &ended["summary"];
    assert_eq!(summary["storyId"], story.id);
    assert_eq!(
        [
            "overall",
            "ready",
            "failed",
            "placeholders",
            "hardFailures",
            "retries"
        ]
        .map(|field| summary[field].clone()),
        [
            json!("ready"),
            json!(3),
            json!(0),
            json!(0),
            json!(0),
            json!(0)
        ]
    );
    assert!(summary["seconds"].is_number() && summary["costUsd"].is_number());
    let again = database.complete(&audio).await;
    assert_eq!(again["summary"], json!(null), "told once");
}

#[tokio::test]
async fn ready_needs_an_url_or_data() {
    let database = Database::new().await;
    let story = database.story_with_text(&["cover"]).await;
    let lease = database.claim_asset(&story, "cover").await;
    let mut empty = completion(&lease);
    empty["p_result"] = json!({"bytes": 1});
    assert_eq!(
        database
            .try_call("complete_job", &empty)
            .await
            .unwrap_err()
            .code,
        "23514"
    );
    assert_eq!(
        database.asset(&story, "cover").await["status"],
        "generating"
    );
}

#[tokio::test]
async fn the_cover_frees_the_scenes_the_scenes_the_book_and_the_book_makes_the_story_ready() {
    let database = Database::new().await;
    let story = database.story_with_text(&EVERYTHING).await;
    let cover = database.claim_asset(&story, "cover").await;
    assert_eq!(
        database.complete(&cover).await["claimable"],
        6,
        "four scenes, audio and activities"
    );
    for page in ["activities", "scene_1", "scene_2", "scene_3"] {
        let lease = database.claim_asset(&story, page).await;
        database.complete(&lease).await;
    }
    assert_eq!(database.job(&story, "pdf").await["inputs_settled"], false);
    let last = database.claim_asset(&story, "scene_4").await;
    database.fail(&last, false).await;
    assert_eq!(
        database.job(&story, "pdf").await["inputs_settled"],
        true,
        "a failed scene is settled too"
    );
    assert_eq!(database.overall(&story).await, "generating");
    database.finish(&story).await;
    let row = database.row(&story).await;
    assert_eq!(
        (&row["asset_generation_status"]["overall"], &row["status"]),
        (&json!("partial"), &json!("ready"))
    );
    assert!(row["asset_generation_completed_at"].is_string());
    assert_eq!(row["hue_extracted_colors"]["cover"], json!(["#101010"]));
    assert_eq!(
        database
            .count("public.notification_outbox where kind = 'partial'")
            .await,
        1
    );
    database
        .call(
            "retry_assets",
            json!({"p_user_id": story.user, "p_story_id": story.id}),
        )
        .await;
    database.finish(&story).await;
    assert_eq!(database.overall(&story).await, "ready");
    let kinds = database
        .column("select kind from public.notification_outbox order by id")
        .await;
    assert_eq!(kinds, ["partial", "ready"], "one notice an outcome");
}

#[tokio::test]
async fn whichever_of_book_and_narration_comes_last_the_page_that_plays_is_named_and_no_older_one()
{
    let database = Database::new().await;
    let brings = async |lease: &Lease, more: Value| {
        let mut body = completion(lease);
        let members = more.as_object().cloned().unwrap_or_default();
        body["p_result"].as_object_mut().unwrap().extend(members);
        let settled = database.call("complete_job", body).await;
        assert_eq!(settled["accepted"], true, "{settled}");
    };
    let named =
        async |story: &Story| database.asset(story, "pdf").await["metadata"]["htmlUrl"].clone();
    let begun = async || {
        let story = database.story_with_text(&["cover", "audio", "pdf"]).await;
        let cover = database.claim_asset(&story, "cover").await;
        database.complete(&cover).await;
        let audio = database.claim_asset(&story, "audio").await;
        let book = database.claim_asset(&story, "pdf").await;
        (story, audio, book)
    };
    let silent = json!({"metadata": {"htmlUrl": "silent"}});
    let playing = json!({"page": {"url": "playing", "of": 1}});
    for book_is_first in [true, false] {
        let (story, audio, book) = begun().await;
        if book_is_first {
            brings(&book, silent.clone()).await;
            assert_eq!(named(&story).await, "silent");
            brings(&audio, playing.clone()).await;
        } else {
            brings(&audio, playing.clone()).await;
            brings(&book, silent.clone()).await;
        }
        assert_eq!(named(&story).await, "playing");
    }

    // A page of another version of the book is not named with this one.
    let (story, audio, book) = begun().await;
    brings(&book, silent).await;
    brings(&audio, json!({"page": {"url": "older", "of": 7}})).await;
    assert_eq!(named(&story).await, "silent");
}
