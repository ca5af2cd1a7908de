//! Stories in other scripts than Latin, from answers as models really write them.

use super::{asset, demo};
use crate::stack::own;
use serde_json::{Value, json};
use stand_ins::{CallKind, Scripted};

const JAPANESE: &str = "小さな竜は、カフェ「Caf\u{0}e9」の前で、はじめて夜の森を見ました。木の葉がさわさわと鳴り、足もとは暗くて見えません。それでも、*遠くの小さな灯り*を見つめて、一歩ずつ前へ進みました。";
const CLEANED: &str = "小さな竜は、カフェ「Café」の前で、はじめて夜の森を見ました。木の葉がさわさわと鳴り、足もとは暗くて見えません。それでも、遠くの小さな灯りを見つめて、一歩ずつ前へ進みました。";

/// What a browser shows of a block of one paragraph.
fn shown(html: &Value) -> String {
    let mut text = String::new();
    let mut rest = html.as_str().expect("a block");
    while let Some((before, tag)) = rest.split_once('<') {
        text.push_str(before);
        rest = tag.split_once('>').expect("a tag is closed").1;
    }
    text + rest
}

#[test]
fn a_japanese_story_with_nul_is_bought_once_read_aloud_word_by_word_and_has_no_book_of_marks() {
    let shared = own("scripts", |_| {});
    shared.run(async {
        let user = demo(&shared);
        let stand_ins = shared.stack().stand_ins();
        let beat = json!({"heading": "夜\u{0}", "text": JAPANESE, "dialogue": [], "sceneDescription": "A dragon walks to a lamp."});
        let told = json!({"title": "小さな灯り", "moral": "小さな灯りは助けになる。", "beats": [beat, beat, beat, beat]});
        let palette = json!({"motif": "a caf\u{0}e9 sign", "steps": vec![json!({"name": "Night\u{0}", "colors": ["#102030", "#203040", "#304050"]}); 5]});
        let question = json!({"question": "どこ？\u{0}", "answer": "At the caf\u{0}e9", "skill": "memory\u{7}"});
        let asked = json!({"questions": vec![question; 3], "vocabulary": [{"word": "灯り", "meaning": "光"}],
            "activity": {"title": "Draw", "instructions": "**Draw** a lamp."}});
        stand_ins.script([
            Scripted::next_answer(r#""name":"story""#, &told.to_string()),
            Scripted::next_answer(r#""name":"palette_journey""#, &palette.to_string()),
            Scripted::next_answer(r#""name":"activities""#, &format!("```json\n{asked}\n```")),
        ]);
        let id = user.ask_for_story().await;
        let story = user.settled(&id).await;

        let status = &story["asset_generation_status"];
        assert_eq!(status["overall"], "partial", "{status}");
        let pdf = asset(&story, "pdf");
        assert_eq!((&pdf["status"], &pdf["code"]), (&json!("failed"), &json!("UNSUPPORTED_SCRIPT")), "{pdf}");
        assert!(pdf["error"].as_str().is_some_and(|words| words.contains("Han, Hiragana")), "{pdf}");
        for made in ["content", "cover", "scene_1", "scene_2", "scene_3", "scene_4", "audio", "activities"] {
            assert_eq!(asset(&story, made)["status"], "ready", "{made}: {status}");
        }

        assert_eq!(story["content"]["beats"][3]["text"], CLEANED);
        assert_eq!(story["content"]["beats"][0]["heading"], "夜");
        let data = &asset(&story, "activities")["data"];
        assert_eq!(data["questions"][0]["answer"], "At the café");
        assert_eq!(data["activity"]["instructions"], "Draw a lamp.");

        let words = story["audio_words"].as_array().expect("words");
        let blocks = &story["audio_blocks"];
        let html: String = ["a", "b", "c", "d"].iter().filter_map(|block| blocks[block].as_str()).collect();
        let spans: Vec<&str> = html.split("<span data-w=\"").skip(1).collect();
        assert!(words.len() > 80, "{} words", words.len());
        assert_eq!(spans.len(), words.len());
        for (index, (span, word)) in spans.iter().zip(words).enumerate() {
            let expected = format!("{index}\">{}</span>", word["txt"].as_str().expect("a word"));
            assert!(span.starts_with(&expected), "{span} is not {expected}");
        }
        assert_eq!(shown(&blocks["a"]), CLEANED);
        assert!(blocks["a"].as_str().is_some_and(|html| html.starts_with("<p dir=\"auto\" lang=\"ja\">")));

        let calls = stand_ins.calls();
        let bought = calls.iter().filter(|call| call.kind == CallKind::Text && call.paid).count();
        // Story, palette, activities, five scenes, five checks: nothing twice.
        assert_eq!(bought, 1 + 1 + 1 + 5 + 5);
        let booked: i64 = sqlx::query_scalar("select count(*) from public.usage_ledger where story_id = $1::uuid and kind not in ('picture', 'speech')")
            .bind(&id)
            .fetch_one(shared.stack().pool())
            .await
            .expect("a number");
        assert_eq!(booked, 13);
    });
}
