//! What a story becomes when one model, one answer or one reference is of no use: a whole book all the same.

use super::{asset, demo};
use crate::stack::{Shared, own};
use serde_json::Value;
use stand_ins::{CallKind, CallRecord, Outcome, Scripted};

const PICTURES: [&str; 5] = ["cover", "scene_1", "scene_2", "scene_3", "scene_4"];

fn always(kind: CallKind, outcome: Outcome, contains: &str) -> Scripted {
    Scripted {
        times: u32::MAX,
        contains: Some(contains.to_owned()),
        ..Scripted::next_of(kind, outcome)
    }
}

/// Five real pictures in a story that is ready.
fn assert_whole(story: &Value) {
    let status = &story["asset_generation_status"];
    assert_eq!(status["overall"], "ready", "{status}");
    for picture in PICTURES {
        let picture = asset(story, picture);
        assert_eq!(picture["isPlaceholder"], Value::Null, "{picture}");
    }
}

fn image_calls(shared: &Shared) -> Vec<CallRecord> {
    let mut calls = shared.stack().stand_ins().calls();
    calls.retain(|call| call.kind == CallKind::Image);
    calls
}

/// How often the ledger names a model for a kind of call.
async fn booked(shared: &Shared, story: &str, kind: &str, model: &str) -> i64 {
    sqlx::query_scalar(
        "select count(*) from public.usage_ledger where story_id = $1::uuid and kind = $2 and model = $3",
    )
    .bind(story)
    .bind(kind)
    .bind(model)
    .fetch_one(shared.stack().pool())
    .await
    .expect("a number")
}

#[test]
fn a_first_picture_model_that_is_not_open_to_the_account_costs_one_call_and_no_picture() {
    let shared = own("closed-model", |_| {});
    shared.run(async {
        let first = "gpt-image-2.5-sunburst";
        let stand_ins = shared.stack().stand_ins();
        stand_ins.script([always(CallKind::Image, Outcome::ModelClosed, first)]);
        let user = demo(&shared);
        let id = user.ask_for_story().await;
        assert_whole(&user.settled(&id).await);
        let calls = image_calls(&shared);
        let count = |model| {
            let of_model = calls
                .iter()
                .filter(|call| call.model.as_deref() == Some(model));
            of_model.count()
        };
        assert_eq!(count(first), 1);
        assert_eq!(count("gpt-image-2"), 5);
        assert_eq!(booked(&shared, &id, "picture", "gpt-image-2").await, 5);
    });
}

#[test]
fn a_text_that_reasoning_left_no_room_for_is_written_with_more_and_every_answer_is_booked() {
    let shared = own("room", |_| {});
    shared.run(async {
        let stand_ins = shared.stack().stand_ins();
        let usual = r#""max_completion_tokens":8000,"#;
        stand_ins.script([always(CallKind::Text, Outcome::Length, usual)]);
        let user = demo(&shared);
        let id = user.ask_for_story().await;
        assert_whole(&user.settled(&id).await);
        assert_eq!(booked(&shared, &id, "story", "gpt-5.2").await, 2);
        let texts = stand_ins.calls();
        let texts = texts.iter().filter(|call| call.kind == CallKind::Text);
        let entries: i64 = sqlx::query_scalar(
            "select count(*) from public.usage_ledger where story_id = $1::uuid and kind not in ('picture', 'speech')",
        )
        .bind(&id)
        .fetch_one(shared.stack().pool())
        .await
        .expect("a number");
        assert_eq!(entries, texts.count() as i64);
    });
}
