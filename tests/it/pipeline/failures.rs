//! What a story becomes when a provider says no.

use super::{asset, demo};
use crate::stack::own;
use serde_json::json;
use stand_ins::{CallKind, Outcome, Scripted};

#[test]
fn a_refused_picture_becomes_a_placeholder_the_story_partial_and_a_retry_makes_it_whole() {
    let shared = own("failures", |_| {});
    shared.run(async {
        let user = demo(&shared);
        let stand_ins = shared.stack().stand_ins();
        // The first picture drawn is the cover: refused as asked, in plainer words, from far away, and as a symbol.
        stand_ins.script([Scripted {
            times: 4,
            ..Scripted::next_of(CallKind::Image, Outcome::Policy)
        }]);
        let id = user.ask_for_story().await;
        let story = user.settled(&id).await;
        let cover = asset(&story, "cover");
        assert_eq!(
            story["asset_generation_status"]["overall"], "partial",
            "{cover}"
        );
        assert_eq!(
            (cover["status"].as_str(), cover["isPlaceholder"].as_bool()),
            (Some("failed"), Some(true)),
            "{cover}"
        );
        assert_eq!(cover["error"], "Content policy violation");
        assert!(cover["url"].is_string());
        assert_eq!(
            asset(&story, "pdf")["status"],
            "ready",
            "the book is made with the placeholder"
        );
        let image_calls = stand_ins
            .calls()
            .iter()
            .filter(|call| call.kind == CallKind::Image)
            .count();
        assert_eq!(image_calls, 4 + 4, "no fifth call for a refused picture");

        user.api
            .steer(
                &id,
                "retry",
                &json!({"assetTypes": ["cover"], "options": {"simplifyPrompt": true}}),
            )
            .await
            .expect("a retry");
        let story = user.settled(&id).await;
        assert_eq!(story["asset_generation_status"]["overall"], "ready");
        assert_eq!(
            asset(&story, "cover")["isPlaceholder"],
            serde_json::Value::Null
        );
    });
}

#[test]
fn a_picture_that_ends_in_the_middle_is_drawn_again_at_once() {
    let shared = own("half", |_| {});
    shared.run(async {
        let user = demo(&shared);
        let stand_ins = shared.stack().stand_ins();
        stand_ins.script([Scripted::next_of(CallKind::Image, Outcome::HalfAPicture)]);
        let id = user.ask_for_story().await;
        let story = user.settled(&id).await;
        let status = &story["asset_generation_status"];
        assert_eq!(status["overall"], "ready", "{status}");
        let drawn = stand_ins.calls();
        let drawn = drawn.iter().filter(|call| call.kind == CallKind::Image);
        assert_eq!(drawn.count(), 5 + 1);
    });
}

#[test]
fn a_text_that_cannot_be_written_fails_the_story_and_gives_the_credit_back() {
    let shared = own("credit", |_| {});
    shared.run(async {
        let user = super::newcomer(&shared).await;
        shared.stack().stand_ins().script([Scripted::next_of(CallKind::Text, Outcome::Policy)]);
        let id = user.ask_for_story().await;
        let story = user.settled(&id).await;
        assert_eq!(story["asset_generation_status"]["overall"], "failed");
        assert_eq!(story["status"], "failed");
        assert_eq!(asset(&story, "pdf")["status"], "cancelled");
        let used: i32 = sqlx::query_scalar("select u.stories_used from public.users u join public.stories s on s.creator_user_id = u.id where s.id = $1::uuid")
            .bind(&id)
            .fetch_one(shared.stack().pool())
            .await
            .expect("a number");
        assert_eq!(used, 0);
    });
}

#[test]
fn a_text_the_database_refuses_is_booked_fails_the_story_and_is_not_bought_again() {
    let shared = own("refused", |_| {});
    shared.run(async {
        let user = super::newcomer(&shared).await;
        sqlx::query(
            "alter table public.stories add constraint takes_no_text check (not content ? 'beats')",
        )
        .execute(shared.stack().pool())
        .await
        .expect("a constraint");
        let id = user.ask_for_story().await;
        let story = user.settled(&id).await;
        let content = asset(&story, "content");
        assert_eq!(
            (&content["status"], &content["code"]),
            (&json!("failed"), &json!("INTERNAL")),
            "{content}"
        );
        let calls = shared.stack().stand_ins().calls();
        let texts = calls
            .iter()
            .filter(|call| call.schema.as_deref() == Some("story"));
        assert_eq!(texts.count(), 1);
        let booked: i64 = sqlx::query_scalar(
            "select count(*) from public.usage_ledger where story_id = $1::uuid and kind = 'story'",
        )
        .bind(&id)
        .fetch_one(shared.stack().pool())
        .await
        .expect("a number");
        assert_eq!(booked, 1);
    });
}
