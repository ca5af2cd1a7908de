//! A text is heard while it is written: what is begun from a part of it, what readers see, and how it goes on when it breaks off.

use super::{asset, demo};
use crate::stack::own;
use serde_json::{Value, json};
use stack::lambda::Faults;
use stand_ins::{CallKind, CallRecord, Outcome, Scripted};

fn of_schema<'a>(calls: &'a [CallRecord], schema: &str) -> Vec<&'a CallRecord> {
    let calls = calls.iter();
    calls
        .filter(|call| call.schema.as_deref() == Some(schema))
        .collect()
}

#[test]
fn a_story_grows_before_its_text_is_whole_and_cover_looks_and_voice_are_begun_meanwhile() {
    let shared = own("growing", |options| {
        options.latency = Some("story=9000,text=60,image=400,speech=800".to_owned());
    });
    shared.run(async {
        let user = demo(&shared);
        let id = user.ask_for_story().await;
        let planned = user
            .until(&id, |status| {
                status["assets"]["cover"]["status"] == "generating"
            })
            .await;
        assert_eq!(asset(&planned, "content")["status"], "generating");
        let mut seen = 0;
        let mut grown = Vec::new();
        let story = loop {
            let story = user.api.story(&id).await.expect("the story");
            let beats = story["content"]["beats"].as_array().cloned();
            let beats = beats.unwrap_or_default();
            if asset(&story, "content")["status"] == "ready" {
                break story;
            }
            assert!(beats.len() >= seen, "a beat was taken back");
            if beats.len() > seen {
                assert_eq!(story["title"], planned["title"]);
                assert_eq!(story["content"]["moral"], "");
            }
            seen = beats.len();
            grown = beats;
            tokio::time::sleep(std::time::Duration::from_millis(25)).await;
        };
        assert!((2..=3).contains(&seen), "{seen} beats were seen to grow");
        let beats = story["content"]["beats"].as_array().expect("beats");
        assert!(
            beats.starts_with(&grown),
            "what was seen is what was written"
        );
        assert_eq!(story["title"], planned["title"]);

        let story = user.settled(&id).await;
        assert_eq!(story["asset_generation_status"]["overall"], "ready");
        let calls = shared.stack().stand_ins().calls();
        let [text] = of_schema(&calls, "story")[..] else {
            panic!("the text is asked for once");
        };
        let written = text.ended_unix_ms.expect("an end");
        let before = |calls: Vec<&CallRecord>| {
            let before = calls.iter().filter(|call| call.started_unix_ms < written);
            before.count()
        };
        assert_eq!(before(of_schema(&calls, "palette_journey")), 1);
        assert!(before(of_schema(&calls, "scene_analysis")) >= 4);
        let of = |kind: CallKind| calls.iter().filter(move |call| call.kind == kind);
        assert_eq!(before(of(CallKind::Image).collect()), 1, "the cover");
        assert!(before(of(CallKind::Speech).collect()) >= 3);
        assert_eq!(
            of(CallKind::Speech).count(),
            4,
            "each beat is recorded once"
        );
        let words = story["audio_words"].as_array().expect("words");
        let starts: Vec<f64> = words
            .iter()
            .filter_map(|word| word["start"].as_f64())
            .collect();
        assert_eq!(starts.len(), words.len());
        assert!(starts.is_sorted(), "word times run on over the joins");
        let length = asset(&story, "audio")["metadata"]["durationSeconds"].as_f64();
        let length = length.expect("a length");
        let last = words
            .last()
            .and_then(|word| word["end"].as_f64())
            .expect("a time");
        assert!(
            last <= length + 0.1 && last > length - 3.0,
            "{last} of {length}"
        );
    });
}

#[test]
fn a_text_that_breaks_off_in_the_middle_is_gone_on_with_and_nothing_made_from_it_is_bought_again() {
    for outcome in [Outcome::Cut, Outcome::Truncated] {
        let shared = own("cut", |options| {
            options.latency = Some("story=2400,text=60,image=120,speech=90".to_owned());
        });
        shared.run(async {
            let user = demo(&shared);
            let stand_ins = shared.stack().stand_ins();
            stand_ins.script([Scripted {
                contains: Some("\"name\":\"story\"".to_owned()),
                ..Scripted::next_of(CallKind::Text, outcome)
            }]);
            let id = user.ask_for_story().await;
            let story = user.settled(&id).await;
            let status = &story["asset_generation_status"];
            assert_eq!(status["overall"], "ready", "{status}");
            assert_eq!(asset(&story, "content")["version"], 1);
            let calls = stand_ins.calls();
            let count = |of: &dyn Fn(&&CallRecord) -> bool| calls.iter().filter(of).count();
            assert_eq!(of_schema(&calls, "story").len(), 2);
            assert_eq!(of_schema(&calls, "palette_journey").len(), 1);
            assert_eq!(of_schema(&calls, "scene_analysis").len(), 5);
            assert_eq!(count(&|call| call.kind == CallKind::Image), 5);
            assert_eq!(count(&|call| call.kind == CallKind::Speech), 4);
            let beats = story["content"]["beats"].as_array().expect("beats");
            let texts: std::collections::BTreeSet<_> = beats
                .iter()
                .filter_map(|beat| beat["text"].as_str())
                .collect();
            assert_eq!(texts.len(), 4, "no beat is told twice");
        });
    }
}

/// A text as a model writes it, in the order of its schema, whose third beat speaks of what no child should hear.
fn unsafe_answer() -> String {
    let beat = |number: usize| {
        let what = match number {
            2 => "a murder in a house",
            _ => "the small lamp",
        };
        let text = format!("In part {number} the dragon walked on. Ember saw {what}. It was late.");
        json!({"heading": "On", "text": text, "dialogue": [], "sceneDescription": "A dragon walks"})
    };
    let beats = Value::from((0..4).map(beat).collect::<Vec<_>>());
    format!(
        r#"{{"hero":"Ember","want":"light","obstacle":"the dark","turn":"a lamp","ending":"home","title":"The Lane","coverScene":"Ember at a window","beats":{beats},"moral":"Small lights help."}}"#
    )
}

#[test]
fn a_beat_that_does_not_belong_in_a_childs_story_is_told_anew_and_nobody_saw_heard_or_drew_it() {
    let shared = own("unsafe", |options| {
        options.latency = Some("story=1500,text=60,image=120,speech=90".to_owned());
    });
    shared.run(async {
        let user = demo(&shared);
        let stand_ins = shared.stack().stand_ins();
        stand_ins.script([Scripted::next_answer(r#""name":"story""#, &unsafe_answer())]);
        let id = user.ask_for_story().await;
        let story = user.settled(&id).await;
        let status = &story["asset_generation_status"];
        assert_eq!(status["overall"], "ready", "{status}");
        assert_eq!(story["title"], "The Lane", "what stood before it stays");
        let beats = story["content"]["beats"].as_array().expect("beats");
        let is_first = |at: usize| {
            let text = beats[at]["text"].as_str().expect("a text");
            text.starts_with(&format!("In part {at}"))
        };
        assert_eq!([0, 1, 2, 3].map(is_first), [true, true, false, false]);
        assert!(!story.to_string().contains("murder"));
        let reason = |story: &Value| asset(story, "content")["metadata"]["reason"].clone();
        assert_eq!(reason(&story), "MODERATED_VIOLENCE");
        let calls = stand_ins.calls();
        assert_eq!(of_schema(&calls, "story").len(), 2);
        assert_eq!(of_schema(&calls, "scene_analysis").len(), 5);
        let spoken = calls.iter().filter(|call| call.kind == CallKind::Speech);
        assert_eq!(spoken.count(), 4, "what was refused was not read aloud");

        let whole: Value = serde_json::from_str(&unsafe_answer()).expect("JSON");
        let rest = json!({"beats": [whole["beats"][2], whole["beats"][3]], "moral": "No."});
        stand_ins.script([
            Scripted::next_answer("beatsSoFar", &rest.to_string()),
            Scripted::next_answer(r#""name":"story""#, &unsafe_answer()),
        ]);
        let id = user.ask_for_story().await;
        let story = user.settled(&id).await;
        let content = asset(&story, "content");
        assert_eq!(content["code"], "CONTENT_POLICY_VIOLATION", "{content}");
        assert_eq!(reason(&story), "MODERATED_VIOLENCE");
        let words = content["error"].as_str().expect("words");
        assert!(
            words.ends_with(
                "it spoke of violence, which does not belong in a story for a small child"
            ),
            "{words}"
        );
        assert_eq!(story["asset_generation_status"]["overall"], "failed");
        assert!(!story.to_string().contains("murder"));
    });
}

#[test]
fn scenes_are_drawn_from_the_text_by_a_process_that_drew_the_cover_while_another_wrote() {
    let shared = own("elsewhere", |options| {
        options.latency = Some("story=3000,text=60,image=120,speech=90".to_owned());
    });
    shared.run(async {
        let (user, stack) = (demo(&shared), shared.stack());
        // While another story waits for the worker, the cover is left to the worker too.
        let lost = Faults {
            drop_rate: 1.0,
            ..Faults::default()
        };
        stack.emulator().set_faults(lost);
        let waiting = user.ask_for_story().await;
        stack.emulator().set_faults(Faults::default());
        sqlx::query("update public.asset_generation_jobs set available_at = now() where story_id::text = $1 and status = 'queued'")
            .bind(&waiting)
            .execute(stack.pool())
            .await
            .expect("it waits no longer");
        let id = user.ask_for_story().await;
        let story = user.settled(&id).await;
        let log = std::fs::read_to_string(stack.home().join("logs/content-agent.log"));
        let log = log.expect("the content agent's log");
        let maker = |asset: &str| {
            let mut lines = log.lines().filter(|line| line.contains(&id));
            let started = lines.find(|line| line.contains(&format!(r#""assetType":"{asset}""#)));
            let line: Value = serde_json::from_str(started.expect("a line")).expect("JSON");
            line["requestId"].clone()
        };
        assert_ne!(maker("cover"), maker("content"), "another process");
        assert_eq!(maker("scene_1"), maker("cover"), "the same process");
        let status = &story["asset_generation_status"];
        assert_eq!(status["overall"], "ready", "{status}");
    });
}
