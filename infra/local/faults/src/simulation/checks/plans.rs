//! Checks of the guards around plans, purchases and libraries, and around what is shown of progress.

use crate::prelude::*;
use std::sync::Arc;

/// What the plan does not include is not made: neither at once, nor by force, nor because something else is made again.
pub(super) async fn a_plan_makes_what_it_includes(database: Arc<TestDatabase>) {
    let user = database.user("premium").await;
    let story = database.story_of(user, &["cover", "audio", "pdf"]).await;
    database.write_text(&story).await;
    database.finish(&story).await;
    database
        .arrange("update public.tiers set asset_types = '{content,cover}' where code = 'premium'")
        .await;
    let mut forced = database.wish(&story, &["audio"]);
    forced["p_force"] = json!(true);
    let again = database.try_call("retry_assets", &forced).await;
    assert!(again.is_err(), "audio was made again by force");
    let cover = database.wish(&story, &["cover"]);
    database.call("regenerate_assets", cover).await;
    let book = database.asset(&story, "pdf").await;
    assert_eq!(book["status"], "ready", "a book is made again");
}

/// Urgent is a right of some plans.
pub(super) async fn a_plan_has_its_priorities(database: Arc<TestDatabase>) {
    let user = database.user("free").await;
    let character = database.character(user).await;
    let mut wish = creation(user, &character, &["cover"]);
    wish["p_request"]["priority"] = json!("urgent");
    let made = database.try_call("create_story", &wish).await;
    assert!(made.is_err(), "a free story is urgent");
}

/// A payment counts once, for whom it was made.
pub(super) async fn a_purchase_counts_once(database: Arc<TestDatabase>) {
    let (user, other) = (database.user("free").await, database.user("free").await);
    let told =
        |user| json!({"p_key": "paid", "p_user_id": user, "p_purchase": {"pack": "story_pack_5"}});
    for replayed in [false, true] {
        let answer = database.call("apply_purchase", told(user)).await;
        let expected = (json!(5), json!(replayed));
        let answered = (answer["extraStories"].clone(), answer["replayed"].clone());
        assert_eq!(answered, expected);
    }
    let by_another = database.try_call("apply_purchase", &told(other)).await;
    assert!(by_another.is_err(), "another user is told of it");
}

/// A story moves to a library of its user alone.
pub(super) async fn libraries_have_owners(database: Arc<TestDatabase>) {
    let (user, other) = (database.user("free").await, database.user("free").await);
    let of_other = json!({"p_user_id": other});
    let foreign = database.call("list_libraries", of_other).await[0]["id"].take();
    let story = database.story_of(user, &[]).await;
    let target = json!({"p_user_id": user, "p_story_id": story.id, "p_library_id": foreign});
    let moved = database.try_call("move_story", &target).await;
    assert!(moved.is_err(), "a story stands in a stranger's library");
}

/// Mere progress is written once a second at most, and says of nothing that it is done.
pub(super) async fn progress_is_shown_with_measure(database: Arc<TestDatabase>) {
    let story = database.story_with_text(&["cover"]).await;
    let lease = database.claim_asset(&story, "cover").await;
    let before = database.row(&story).await["version"].clone();
    for percent in [10, 20, 100] {
        let beat = json!({"jobId": lease.job, "leaseToken": lease.token, "progress": percent});
        let told = json!({"p_jobs": [beat]});
        let answer = database.call("extend_leases", told).await;
        assert_eq!(answer["deferred"], true);
    }
    assert_eq!(database.row(&story).await["version"], before);
    let reached = database.job(&story, "cover").await["progress"].take();
    assert_eq!(reached, Value::from(95));
}
