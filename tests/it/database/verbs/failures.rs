//! fail_job: what waits for another attempt, what is final, and what is remembered of it.

use crate::database::fixture::{Database, EVERYTHING, failure};
use serde_json::{Value, json};

#[tokio::test]
async fn an_attempt_that_failed_waits_as_its_asset_is_told_to_and_a_retry_after_wins() {
    let database = Database::new().await;
    let story = database
        .story_with_text(&["audio", "activities", "cover"])
        .await;
    let pause = async |asset: &str| {
        let lease = database.claim_asset(&story, asset).await;
        database.fail(&lease, true).await["retryInSeconds"]
            .as_f64()
            .unwrap()
    };
    for (asset, least) in [
        ("audio", [5.0, 10.0].as_slice()),
        ("activities", &[1.0, 2.0, 4.0]),
        ("cover", &[0.0, 0.0, 0.0]),
    ] {
        for seconds in least {
            let waited = pause(asset).await;
            assert!(
                (*seconds..=*seconds * 1.25).contains(&waited),
                "{asset} waits {seconds} s, not {waited}"
            );
            assert_eq!(database.asset(&story, asset).await["status"], "retrying");
        }
        let lease = database.claim_asset(&story, asset).await;
        assert_eq!(
            database.fail(&lease, true).await["retryInSeconds"],
            json!(null),
            "{asset} has no retry left"
        );
        let shown = database.asset(&story, asset).await;
        assert_eq!(
            (&shown["status"], &shown["error"]),
            (&json!("failed"), &json!("The provider did not answer"))
        );
    }
    let other = database.story_with_text(&["cover"]).await;
    let mut told = failure(&database.claim_asset(&other, "cover").await, true);
    told["p_retry_after_seconds"] = json!(77);
    assert_eq!(
        database.call("fail_job", told).await["retryInSeconds"].as_f64(),
        Some(77.0)
    );
}

#[tokio::test]
async fn a_permanent_failure_is_final_at_once_and_said_twice_counts_once() {
    let database = Database::new().await;
    let story = database.story_with_text(&["cover", "audio"]).await;
    let lease = database.claim_asset(&story, "cover").await;
    assert_eq!(database.fail(&lease, false).await["accepted"], true);
    let before = database.job(&story, "cover").await;
    assert_eq!(database.fail(&lease, false).await["replayed"], true);
    assert_eq!(database.job(&story, "cover").await, before);
    assert_eq!(
        (
            &before["status"],
            &before["error_code"],
            &before["is_placeholder"]
        ),
        (
            &json!("failed"),
            &json!("PROVIDER_UNAVAILABLE"),
            &json!(false)
        )
    );
    assert_eq!(
        database
            .count("public.dead_letters where error_code = 'PROVIDER_UNAVAILABLE'")
            .await,
        1
    );
}

#[tokio::test]
async fn a_placeholder_is_shown_as_one_with_its_url_and_its_colours() {
    let database = Database::new().await;
    let story = database.story_with_text(&["cover"]).await;
    // As a picture leaves it whose text came to be another.
    let left = "update public.asset_generation_jobs
        set metadata = '{\"motif\": \"a lamp\", \"screenUrl\": \"older\", \"thumbnailUrl\": \"older\"}'
        where asset_type = 'cover'";
    database.arrange(left).await;
    let mut with_placeholder = failure(&database.claim_asset(&story, "cover").await, false);
    with_placeholder["p_placeholder"] =
        json!({"url": "https://cdn.example/placeholder.png", "colors": ["#000000"]});
    database.call("fail_job", with_placeholder).await;
    let shown = database.asset(&story, "cover").await;
    assert_eq!(
        (&shown["status"], &shown["isPlaceholder"]),
        (&json!("failed"), &json!(true))
    );
    assert_eq!(shown["url"], "https://cdn.example/placeholder.png");
    assert_eq!(shown["metadata"], json!({"motif": "a lamp"}));
    assert_eq!(database.overall(&story).await, "partial");
    database
        .call(
            "retry_assets",
            json!({"p_user_id": story.user, "p_story_id": story.id}),
        )
        .await;
    database.finish(&story).await;
    assert_eq!(
        database.asset(&story, "cover").await["isPlaceholder"],
        json!(null)
    );
}

#[tokio::test]
async fn a_text_that_fails_for_good_cancels_the_rest_and_gives_the_credit_back_once() {
    let database = Database::new().await;
    let story = database.story(&EVERYTHING).await;
    let text = database.start_content(&story, "writer").await;
    for _ in 0..3 {
        assert_eq!(database.fail(&text, false).await["accepted"], true);
    }
    assert_eq!(database.credits(story.user).await, (0, 0));
    assert_eq!(database.count("public.credit_ledger").await, 2);
    let row = database.row(&story).await;
    assert_eq!(
        (&row["asset_generation_status"]["overall"], &row["status"]),
        (&json!("failed"), &json!("failed"))
    );
    assert_eq!(database.count("public.asset_generation_jobs where status = 'cancelled' and error_code = 'INPUT_FAILED'").await, 8);
    assert_eq!(
        database
            .count("public.notification_outbox where kind = 'failed'")
            .await,
        1
    );

    // Asked for again, it costs a credit again, and that one comes back too.
    database
        .call(
            "retry_assets",
            json!({"p_user_id": story.user, "p_story_id": story.id}),
        )
        .await;
    assert_eq!(database.credits(story.user).await, (1, 1));
    assert_eq!(
        database
            .count("public.asset_generation_jobs where status = 'queued'")
            .await,
        9
    );
    database.let_time_pass(&story).await;
    let text = database.claim_asset(&story, "content").await;
    database.fail(&text, false).await;
    assert_eq!(database.credits(story.user).await, (0, 0));
    assert_eq!(
        database
            .count("public.notification_outbox where kind = 'failed'")
            .await,
        1
    );
}

#[tokio::test]
async fn every_attempt_that_failed_is_remembered_by_number_and_the_last_twenty_stay() {
    let database = Database::new().await;
    let story = database.story_with_text(&["cover"]).await;
    let mut limited = failure(&database.claim_asset(&story, "cover").await, true);
    limited["p_error_code"] = json!("RATE_LIMITED");
    database.call("fail_job", limited).await;
    let retried = database.claim_asset(&story, "cover").await;
    database.fail(&retried, true).await;
    // Said twice because its answer was lost: one attempt all the same.
    database.fail(&retried, true).await;
    let last = database.claim_asset(&story, "cover").await;
    database.fail(&last, false).await;

    let ends: Value = database
        .value("select to_jsonb(attempt_errors) from public.dead_letters")
        .await;
    let known = |end: &Value| (end["attempt"].clone(), end["code"].clone());
    let ends: Vec<_> = ends.as_array().unwrap().iter().map(known).collect();
    assert_eq!(
        ends,
        [
            (json!(1), json!("RATE_LIMITED")),
            (json!(2), json!("PROVIDER_UNAVAILABLE")),
            (json!(3), json!("PROVIDER_UNAVAILABLE")),
        ]
    );

    database
        .arrange(
            "update public.asset_generation_jobs set attempt_errors = array_fill(attempt_errors[1], array[20])
             where asset_type = 'cover'",
        )
        .await;
    let again = json!({"p_user_id": story.user, "p_story_id": story.id});
    database.call("retry_assets", again).await;
    let fourth = database.claim_asset(&story, "cover").await;
    database.fail(&fourth, true).await;
    let job = database.job(&story, "cover").await;
    let ends = job["attempt_errors"].as_array().unwrap();
    assert_eq!(ends.len(), 20);
    assert_eq!(ends[19]["attempt"], 4);
    assert_eq!(ends[19]["message"], "The provider did not answer");
    assert!(ends[19]["at"].is_string());
}

#[tokio::test]
async fn a_failure_whose_code_nobody_documented_is_refused() {
    let database = Database::new().await;
    let story = database.story_with_text(&["cover"]).await;
    let mut unknown = failure(&database.claim_asset(&story, "cover").await, false);
    unknown["p_error_code"] = json!("NO_SUCH_CODE");
    let refusal = database.try_call("fail_job", &unknown).await.unwrap_err();
    assert_eq!(refusal.code, "23514", "{refusal:?}");
}
