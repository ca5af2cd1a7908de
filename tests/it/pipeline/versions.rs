//! A new text is in everything that was made from the old one, and a new try that fails takes nothing away.

use super::{User, asset, demo};
use crate::stack::{Shared, own, shared};
use serde_json::{Value, json};
use stand_ins::{CallKind, Outcome, Scripted};
use std::process::Stdio;
use tokio::{io::AsyncWriteExt, process::Command};

/// The model writes something else the second time: another hero, by whose name the two texts can be told apart.
async fn write_about(shared: &Shared, story: &str, name: &str) {
    let renamed = "update public.story_characters set characters = jsonb_set(characters, '{0,name}', $2) where story_id = $1::uuid";
    sqlx::query(renamed)
        .bind(story)
        .bind(json!(name))
        .execute(shared.stack().pool())
        .await
        .expect("another hero");
}

async fn regenerate(user: &User, story: &str, assets: Value) {
    let body = json!({"assetTypes": assets});
    let steered = user.api.steer(story, "regenerate", &body).await;
    steered.expect("regenerated");
}

/// The text of the story's book.
async fn text_of_the_book(story: &Value) -> String {
    let url = asset(story, "pdf")["url"].as_str().expect("an address");
    let answer = reqwest::get(url).await.expect("the book");
    let pdf = answer.bytes().await.expect("all of it");
    let mut reader = Command::new("pdftotext")
        .args(["-", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("pdftotext reads the book: install poppler-utils");
    let mut input = reader.stdin.take().expect("piped");
    input.write_all(&pdf).await.expect("written");
    drop(input);
    let output = reader.wait_with_output().await.expect("read");
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn a_new_text_is_in_the_book_the_voice_the_words_and_the_questions() {
    let shared = shared();
    shared.run(async {
        let user = demo(&shared);
        let id = user.ask_for_story_about("Ember").await;
        let before = user.settled(&id).await;
        assert!(before["content"].to_string().contains("Ember"));
        write_about(&shared, &id, "Zephyrine").await;
        regenerate(&user, &id, json!(["content"])).await;
        let after = user
            .until(&id, |status| {
                let assets = status["assets"].as_object().expect("assets");
                status["overall"] == "ready" && assets.values().all(|asset| asset["version"] == 2)
            })
            .await;
        let book = text_of_the_book(&after).await;
        let parts = [
            ("content", after["content"].to_string()),
            ("blocks", after["audio_blocks"].to_string()),
            ("words", after["audio_words"].to_string()),
            (
                "activities",
                asset(&after, "activities")["data"].to_string(),
            ),
            ("book", book),
        ];
        for (part, text) in parts {
            assert!(!text.contains("Ember"), "{part} is of the old text");
            assert!(text.contains("Zephyrine"), "{part} is not of the new text");
        }
        let is_stale = |(_, state): (&String, &Value)| state["stale"] == true;
        let status = &after["asset_generation_status"]["assets"];
        assert!(!status.as_object().expect("assets").iter().any(is_stale));
    });
}

#[test]
fn a_finished_book_stays_whole_when_a_new_picture_and_a_new_text_are_refused() {
    let shared = own("versions", |_| {});
    shared.run(async {
        let user = demo(&shared);
        let stand_ins = shared.stack().stand_ins();
        let id = user.ask_for_story().await;
        let before = user.settled(&id).await;
        for (kind, refused) in [(CallKind::Image, "scene_2"), (CallKind::Text, "content")] {
            let mut refusal = Scripted::next_of(kind, Outcome::Policy);
            refusal.times = 20;
            stand_ins.script([refusal]);
            regenerate(&user, &id, json!([refused])).await;
            let after = user
                .until(&id, |status| {
                    let tried = &status["assets"][refused];
                    status["overall"] == "ready" && tried["lastError"].is_object()
                })
                .await;
            stand_ins.clear_script();
            assert_eq!(
                asset(&after, refused)["lastError"]["code"],
                "CONTENT_POLICY_VIOLATION"
            );
            for name in ["content", "cover", "scene_2", "audio", "pdf"] {
                for part in ["status", "url", "version", "isPlaceholder"] {
                    assert_eq!(
                        asset(&after, name)[part],
                        asset(&before, name)[part],
                        "{part} of {name} after {refused} was refused"
                    );
                }
            }
            assert_eq!(after["content"], before["content"]);
        }
    });
}
