//! The money of a user's own day.

use super::*;

#[tokio::test]
async fn a_user_s_day_refuses_what_it_has_no_money_for_and_counts_what_still_waits() {
    let database = Database::new().await;
    let story = finished_story(&database, &EVERYTHING).await;
    // 1.62 are set aside for all of it.
    limit_premium(&database, 1.7).await;
    let text = ["content"];
    ask_again(&database, &story, &text).await.unwrap();
    let other = database.story_of(story.user, &EVERYTHING).await;
    database.write_text(&other).await;
    let refusal = ask_again(&database, &other, &text).await.unwrap_err();
    assert_eq!(
        (refusal.code.as_str(), refusal.message.as_str()),
        ("PT429", "SPEND_LIMIT"),
        "a new story is made all the same, a new text of it is not"
    );
    assert!(refusal.detail["retryAfterSeconds"].is_number());
    assert_eq!(refusal.detail["askedUsd"], json!(0.15));
    database.call("cancel_assets", database_wish(&story)).await;
    ask_again(&database, &other, &text).await.unwrap();
}

#[tokio::test]
async fn what_a_user_has_no_money_for_waits_for_midnight_and_lets_others_pass() {
    let database = Database::new().await;
    let story = finished_story(&database, &["cover", "activities"]).await;
    limit_premium(&database, 2.0).await;
    ask_again(&database, &story, &["cover", "activities"])
        .await
        .unwrap();
    let first = database.claim_asset(&story, "activities").await;
    complete_for(&database, &first, 1.9).await;
    let other = covers(&database, 1).await.remove(0);
    let claimed = database
        .call("claim_asset_jobs", json!({"p_limit": 1}))
        .await;
    let again = database
        .call("claim_asset_jobs", json!({"p_limit": 1}))
        .await;
    let held: Vec<_> = [&claimed, &again]
        .into_iter()
        .flat_map(|answer| leases(&answer["jobs"]))
        .collect();
    assert_eq!(held.len(), 1);
    assert_eq!(held[0].story, other.id);
    assert_eq!(again["more"], false);
    assert_eq!(
        database
            .count("public.asset_generation_jobs where status = 'queued' and available_at = private.end_of_day()")
            .await,
        1
    );
    let_the_day_turn(&database).await;
    assert_eq!(database.claim(5).await[0].story, story.id);
}

#[tokio::test]
async fn what_only_leases_under_way_stand_before_is_looked_at_again_soon() {
    let database = Database::new().await;
    let story = finished_story(&database, &["cover", "audio"]).await;
    ask_again(&database, &story, &["cover", "audio"])
        .await
        .unwrap();
    limit_premium(&database, 0.7).await;
    let held = database.claim(5).await;
    assert_eq!(held.len(), 1, "0.22 and 0.60 are more than 0.70");
    let soon = "public.asset_generation_jobs where status = 'queued' and available_at between now() and now() + interval '5 seconds'";
    assert_eq!(database.count(soon).await, 1);
    complete_for(&database, &held[0], 0.05).await;
    database.let_time_pass(&story).await;
    assert_eq!(database.claim(5).await.len(), 1);
}
