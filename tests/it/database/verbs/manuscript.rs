//! save_manuscript: what stands of a text while it is written, and what is begun from it.

use crate::database::fixture::{Database, EVERYTHING, Lease, Story, completion, failure, leases};
use serde_json::{Value, json};

/// What stands of a text under a lease: its outline, and so many beats.
fn manuscript(lease: &Lease, beats: usize) -> Value {
    let outline = json!({"title": "The Shy Dragon", "coverScene": lease.token});
    let beats: Vec<_> = (0..beats)
        .map(|beat| json!({"text": format!("Beat {beat}")}))
        .collect();
    let standing = json!({"outline": outline, "beats": beats});
    json!({"p_job_id": lease.job, "p_lease_token": lease.token, "p_manuscript": standing, "p_progress": 20,
        "p_continue": {"owner": "writer", "limit": 9, "leaseSeconds": 60, "maxInFlight": 100, "holding": ["content"]}})
}

async fn save(database: &Database, lease: &Lease, beats: usize) -> Vec<Lease> {
    let saved = database
        .call("save_manuscript", manuscript(lease, beats))
        .await;
    assert_eq!(saved["accepted"], true, "{saved}");
    leases(&saved["leased"])
}

fn names(leases: &[Lease]) -> Vec<&str> {
    leases.iter().map(|lease| lease.asset.as_str()).collect()
}

async fn begun(database: &Database, assets: &[&str]) -> (Story, Lease) {
    let story = database.story(assets).await;
    let text = database.start_content(&story, "writer").await;
    (story, text)
}

#[tokio::test]
async fn an_outline_gives_the_story_its_title_and_frees_the_cover_alone() {
    let database = Database::new().await;
    let (story, text) = begun(&database, &EVERYTHING).await;
    let mut silent = manuscript(&text, 0);
    silent["p_continue"] = Value::Null;
    let saved = database.call("save_manuscript", silent).await;
    assert_eq!(saved["claimable"], 1);
    let row = database.row(&story).await;
    assert_eq!(row["title"], "The Shy Dragon");
    assert_eq!(row["content"], json!({}));
    let claimed = database.claim(10).await;
    assert_eq!(names(&claimed), ["cover"]);
    // Whoever makes it elsewhere is told what it is about.
    let start = json!({"p_story_id": story.id, "p_owner": "elsewhere",
        "p_jobs": [{"jobId": claimed[0].job, "leaseToken": claimed[0].token}]});
    let started = database.call("start_assets", start).await;
    assert_eq!(started["story"]["content"], json!({}));
    assert_eq!(
        started["story"]["manuscript"]["outline"]["coverScene"],
        json!(text.token)
    );
}

#[tokio::test]
async fn whoever_draws_the_cover_while_another_writes_is_given_the_text_with_the_scenes() {
    let database = Database::new().await;
    let (story, text) = begun(&database, &EVERYTHING).await;
    let mut silent = manuscript(&text, 0);
    silent["p_continue"] = Value::Null;
    database.call("save_manuscript", silent).await;
    let cover = database.claim_asset(&story, "cover").await;
    database.write_text_of(&text).await;
    let mut done = completion(&cover);
    done["p_continue"] = json!({"owner": "w", "limit": 9, "leaseSeconds": 60, "maxInFlight": 100, "holding": [], "needsText": true});
    // The second answer is to a call whose first answer was lost.
    for _ in 0..2 {
        let settled = database.call("complete_job", done.clone()).await;
        let leased = leases(&settled["leased"]);
        assert!(names(&leased).contains(&"scene_4"), "{settled}");
        assert_eq!(settled["text"], database.row(&story).await["content"]);
    }
    done["p_continue"]["needsText"] = json!(false);
    let settled = database.call("complete_job", done).await;
    assert_eq!(settled["text"], Value::Null, "who knows it is not told");
}

#[tokio::test]
async fn beats_are_in_the_row_as_they_stand_and_the_whole_text_takes_their_place() {
    let database = Database::new().await;
    let (story, text) = begun(&database, &["cover"]).await;
    for beats in [1, 3] {
        save(&database, &text, beats).await;
        let row = database.row(&story).await;
        assert_eq!(row["content"]["beats"].as_array().unwrap().len(), beats);
        assert_eq!(
            (&row["content"]["title"], &row["content"]["moral"]),
            (&json!("The Shy Dragon"), &json!(""))
        );
        assert_eq!(
            row["asset_generation_status"]["assets"]["content"]["status"],
            "generating"
        );
    }
    database.write_text_of(&text).await;
    assert_eq!(database.row(&story).await["content"]["moral"], "Courage.");
}

#[tokio::test]
async fn the_writer_goes_on_with_the_cover_and_from_the_first_beat_with_the_narration() {
    let database = Database::new().await;
    let (story, text) = begun(&database, &EVERYTHING).await;
    assert_eq!(names(&save(&database, &text, 0).await), ["cover"]);
    assert_eq!(names(&save(&database, &text, 1).await), ["audio"]);
    assert!(save(&database, &text, 2).await.is_empty());
    let audio = database.job(&story, "audio").await;
    assert_eq!(audio["sources"]["content"], 1, "the text to be");
    // Its writer gone, nobody could read it to the end.
    let failed = database.call("fail_job", failure(&text, true)).await;
    assert_eq!(failed["accepted"], true);
    let audio = database.job(&story, "audio").await;
    assert_eq!(
        (
            &audio["status"],
            &audio["inputs_settled"],
            &audio["retry_count"]
        ),
        (&json!("queued"), &json!(false), &json!(0))
    );
    assert_eq!(database.job(&story, "cover").await["status"], "generating");
    let again = database.claim_asset(&story, "content").await;
    database.write_text_of(&again).await;
    assert_eq!(database.job(&story, "audio").await["inputs_settled"], true);
}

#[tokio::test]
async fn a_cover_is_shown_no_sooner_than_its_text_and_keeps_its_lease_until_then() {
    let database = Database::new().await;
    let (story, text) = begun(&database, &EVERYTHING).await;
    let cover = save(&database, &text, 0).await.remove(0);
    let early = database.complete(&cover).await;
    assert_eq!(
        early,
        json!({"accepted": false, "reason": "TEXT_NOT_READY"})
    );
    assert_eq!(database.job(&story, "cover").await["status"], "generating");
    database.write_text_of(&text).await;
    assert_eq!(database.complete(&cover).await["accepted"], true);
    let shown = database.asset(&story, "cover").await;
    assert_eq!(
        (&shown["textVersion"], &shown["stale"]),
        (&json!(1), &Value::Null)
    );
}

#[tokio::test]
async fn a_cover_whose_text_is_written_by_nobody_is_kept_and_settled_with_the_text_unless_another_was_wished_for()
 {
    for restyled in [false, true] {
        let database = Database::new().await;
        let (story, text) = begun(&database, &EVERYTHING).await;
        let cover = save(&database, &text, 0).await.remove(0);
        database.call("fail_job", failure(&text, true)).await;
        let settled = database.complete(&cover).await;
        assert_eq!(
            (&settled["accepted"], &settled["waitsForText"]),
            (&json!(true), &json!(true))
        );
        let job = database.job(&story, "cover").await;
        assert_eq!(
            (&job["status"], &job["inputs_settled"], &job["lease_owner"]),
            (&json!("queued"), &json!(false), &Value::Null),
            "nobody holds it and nobody draws it again"
        );
        assert_eq!(database.asset(&story, "cover").await["status"], "pending");
        if restyled {
            let wish = json!({"p_story_id": story.id, "p_user_id": story.user, "p_asset_types": ["cover"]});
            database.call("cancel_assets", wish).await;
            let mut wish = database_wish(&story, &["cover"]);
            wish["p_options"] = json!({"style": "ink"});
            database.call("generate_assets", wish).await;
            let cover = database.job(&story, "cover").await;
            assert_eq!(
                (&cover["status"], &cover["inputs_settled"]),
                (&json!("queued"), &json!(true)),
                "another cover may be begun from the outline"
            );
        }
        let again = database.claim_asset(&story, "content").await;
        database.write_text_of(&again).await;
        let start = database.claim_asset(&story, "cover").await;
        let started = json!({"p_story_id": story.id, "p_owner": "other",
            "p_jobs": [{"jobId": start.job, "leaseToken": start.token}]});
        let started = database.call("start_assets", started).await;
        let finished = &started["jobs"][0]["finished"];
        match restyled {
            true => assert_eq!(finished, &Value::Null),
            false => assert_eq!(finished, &completion(&cover)["p_result"]),
        }
        assert_eq!(started["jobs"][0]["checkpoint"], json!({}));
    }
}

#[tokio::test]
async fn a_text_that_fails_after_its_outline_takes_the_cover_and_its_beats_with_it() {
    let database = Database::new().await;
    let (story, text) = begun(&database, &EVERYTHING).await;
    let cover = save(&database, &text, 2).await.remove(0);
    let art = json!([{"jobId": cover.job, "leaseToken": cover.token, "checkpoint": {"art-1": {"journey": {"motif": "a lamp"}}}}]);
    database
        .call("report_progress", json!({"p_jobs": art}))
        .await;
    database.call("fail_job", failure(&text, false)).await;
    assert_eq!(database.overall(&story).await, "failed");
    assert_eq!(database.row(&story).await["content"], json!({}));
    let state = database.asset(&story, "cover").await;
    assert_eq!(
        (&state["status"], &state["code"]),
        (&json!("cancelled"), &json!("INPUT_FAILED"))
    );
    assert_eq!(database.complete(&cover).await["reason"], "CANCELLED");
    assert_eq!(database.credits(story.user).await, (0, 0));

    // The next text is another one, and so is what is found out from it.
    database
        .call("retry_assets", database_wish(&story, &["content"]))
        .await;
    for asset in ["content", "cover"] {
        let checkpoint = database.job(&story, asset).await["checkpoint"].clone();
        assert_eq!(checkpoint, json!({}), "{asset}");
    }
    let again = database.start_content(&story, "writer").await;
    assert_eq!(names(&save(&database, &again, 0).await), ["cover"]);
}

fn database_wish(story: &Story, assets: &[&str]) -> Value {
    json!({"p_user_id": story.user, "p_story_id": story.id, "p_asset_types": assets})
}

#[tokio::test]
async fn a_repeated_call_names_its_leases_again_and_one_that_was_overtaken_takes_nothing_away() {
    let database = Database::new().await;
    let (story, text) = begun(&database, &EVERYTHING).await;
    let first = save(&database, &text, 0).await;
    assert_eq!(save(&database, &text, 0).await, first);
    save(&database, &text, 2).await;
    save(&database, &text, 1).await;
    let kept = database.job(&story, "content").await["checkpoint"]["manuscript-1"].clone();
    assert_eq!(kept["beats"].as_array().unwrap().len(), 2);
    let stale = manuscript(&first[0], 1);
    let stale = json!({"p_job_id": text.job, "p_lease_token": stale["p_lease_token"], "p_manuscript": stale["p_manuscript"]});
    let refused = database.call("save_manuscript", stale).await;
    assert_eq!(refused, json!({"accepted": false, "reason": "LEASE_LOST"}));
}

#[tokio::test]
async fn readers_of_a_finished_story_see_the_old_text_while_a_new_one_grows() {
    let database = Database::new().await;
    let story = database.story_with_text(&EVERYTHING).await;
    database.finish(&story).await;
    let before = database.row(&story).await;
    database
        .call("regenerate_assets", database_wish(&story, &["content"]))
        .await;
    let text = database.start_content(&story, "writer").await;
    assert_eq!(names(&save(&database, &text, 0).await), ["cover"]);
    save(&database, &text, 2).await;
    let now = database.row(&story).await;
    for column in ["title", "content", "audio_words"] {
        assert_eq!(now[column], before[column], "{column}");
    }
    let cover = database.job(&story, "cover").await;
    assert_eq!(cover["sources"]["content"], 2);
    assert_eq!(
        now["asset_generation_status"]["assets"]["cover"]["url"],
        before["asset_generation_status"]["assets"]["cover"]["url"]
    );
}

#[tokio::test]
async fn a_text_that_is_to_stand_alone_begins_nothing_else() {
    let database = Database::new().await;
    let story = database.story_with_text(&EVERYTHING).await;
    database.finish(&story).await;
    let mut alone = database_wish(&story, &["content"]);
    alone["p_cascade"] = json!(false);
    database.call("regenerate_assets", alone).await;
    let text = database.start_content(&story, "writer").await;
    assert!(save(&database, &text, 2).await.is_empty());
    assert_eq!(database.row(&story).await["content"]["moral"], "Courage.");
    assert_eq!(database.job(&story, "cover").await["status"], "ready");
}
