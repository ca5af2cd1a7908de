//! A new text is in everything that was made from the old one, and a new try that fails takes nothing away.

use super::{User, assert_documented, asset, demo};
use crate::stack::{Shared, own, shared};
use domain::AssetType;
use operate::follow::StoryFeed;
use serde_json::{Value, json};
use stack::lambda::InstanceActivity;
use stand_ins::{CallKind, Outcome, Scripted};
use std::{collections::BTreeSet, process::Stdio};
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

/// All that a row shows of a story, without how far the next version of it is.
fn contents(row: &Value) -> Value {
    let columns = [
        "title",
        "content",
        "audio_words",
        "audio_blocks",
        "hue_extracted_colors",
    ];
    let columns = columns.map(|column| row[column].clone());
    let assets = AssetType::ALL.map(|one| {
        let parts = ["url", "data", "version", "textVersion", "stale"];
        json!(parts.map(|part| asset(row, one.name())[part].clone()))
    });
    json!([
        columns,
        assets,
        row["asset_generation_status"]["textVersion"]
    ])
}

/// Every version of the row that Realtime sends and the API answers, until it is as wanted.
async fn watch(
    user: &User,
    id: &str,
    feed: &mut StoryFeed,
    wanted: impl Fn(&Value) -> bool,
) -> Vec<Value> {
    let mut seen = Vec::new();
    while seen
        .last()
        .is_none_or(|row: &Value| !wanted(&row["asset_generation_status"]))
    {
        feed.next().await.expect("a newer row");
        seen.push(user.api.story(id).await.expect("the story"));
        seen.push(feed.row().clone());
    }
    seen
}

async fn follow(shared: &Shared, user: &User, id: &str) -> StoryFeed {
    let variable = |name| shared.stack().variable(name);
    StoryFeed::open(
        variable("SUPABASE_URL"),
        variable("SUPABASE_ANON_KEY"),
        &user.token,
        id,
    )
    .await
    .expect("a subscription")
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
        let mut feed = follow(&shared, &user, &id).await;
        regenerate(&user, &id, json!(["content"])).await;
        let seen = watch(&user, &id, &mut feed, |status| status["overall"] == "ready").await;
        let after = user.settled(&id).await;
        let (old, new) = (contents(&before), contents(&after));
        for row in &seen {
            let shown = contents(row);
            assert!(shown == old || shown == new, "two texts in {row}");
        }
        assert!(seen.len() > 9, "each asset was on its way for a while");
        let all_new = AssetType::ALL.map(|one| asset(&after, one.name())["textVersion"].clone());
        assert_eq!(all_new, [2; 9]);
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

/// kill -9 of every content agent that is at work.
async fn kill_content_agents(shared: &Shared) {
    for instance in shared.stack().emulator().instances() {
        let is_at_work = matches!(instance.activity, InstanceActivity::Busy { .. });
        if let Some(pid) = instance.pid
            && is_at_work
            && instance.function == "content-agent"
        {
            // Unless it is gone already.
            let told = Command::new("kill")
                .args(["-KILL", &pid.to_string()])
                .status()
                .await;
            told.expect("kill runs");
        }
    }
}

#[test]
fn a_new_text_is_shown_whole_though_the_process_dies_that_makes_it() {
    let shared = own("versions-killed", |options| {
        options.latency = Some("text=100,image=600,speech=600".to_owned());
        let lease = ("JOB_LEASE_SECONDS".to_owned(), "5".to_owned());
        options.overrides.extend([lease]);
    });
    shared.run(async {
        let user = demo(&shared);
        let id = user.ask_for_story().await;
        let before = user.settled(&id).await;
        let mut feed = follow(&shared, &user, &id).await;
        regenerate(&user, &id, json!(["content"])).await;
        let mut killed = BTreeSet::new();
        let mut seen = Vec::new();
        while feed.row()["asset_generation_status"]["overall"] != "ready" || seen.is_empty() {
            feed.next().await.expect("a newer row");
            seen.push(feed.row().clone());
            for made in ["content", "cover"] {
                // There, and not shown yet.
                let is_there = asset(feed.row(), made)["progress"] == 99;
                if is_there && killed.insert(made) {
                    kill_content_agents(&shared).await;
                }
            }
        }
        assert_eq!(killed.len(), 2, "it was over too soon");
        let after = user.settled(&id).await;
        assert_eq!(after["asset_generation_status"]["textVersion"], 2);
        let (old, new) = (contents(&before), contents(&after));
        for row in &seen {
            let shown = contents(row);
            assert!(shown == old || shown == new, "two texts in {row}");
        }
        for one in AssetType::ALL {
            assert_eq!(asset(&after, one.name())["textVersion"], 2, "{one}");
        }
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
        for (kind, asked, refused) in [
            (CallKind::Image, "scene_2", "scene_2"),
            (CallKind::Text, "content", "content"),
            (CallKind::Image, "content", "cover"),
        ] {
            let mut refusal = Scripted::next_of(kind, Outcome::Policy);
            refusal.times = 20;
            stand_ins.script([refusal]);
            regenerate(&user, &id, json!([asked])).await;
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
            assert!(asset(&after, asked)["lastError"].is_object(), "{asked}");
            assert_eq!(contents(&after), contents(&before), "{asked}");
        }
    });
}

#[test]
fn a_text_alone_leaves_the_rest_stale_and_the_book_unbound_until_the_old_one_is_restored() {
    let shared = own("history", |_| {});
    shared.run(async {
        let user = demo(&shared);
        let id = user.ask_for_story_about("Ember").await;
        let before = user.settled(&id).await;
        let calls = || super::paid_calls(&shared);
        let paid = calls();
        write_about(&shared, &id, "Zephyrine").await;
        let alone = json!({"assetTypes": ["content"], "cascade": false});
        user.api
            .steer(&id, "regenerate", &alone)
            .await
            .expect("regenerated");
        let stale = user
            .until(&id, |status| {
                status["overall"] == "ready" && status["textVersion"] == 2
            })
            .await;
        assert!(stale["content"].to_string().contains("Zephyrine"));
        for one in AssetType::BESIDE_TEXT {
            assert_eq!(asset(&stale, one.name())["stale"], true, "{one}");
            assert_eq!(
                asset(&stale, one.name())["url"],
                asset(&before, one.name())["url"]
            );
        }
        assert!(text_of_the_book(&stale).await.contains("Ember"));
        assert_eq!(calls(), paid + 1, "the text alone is bought");

        let back = json!({"assetType": "content", "version": 1});
        user.api
            .steer(&id, "restore", &back)
            .await
            .expect("restored");
        let restored = user.settled(&id).await;
        assert_eq!(contents(&restored), contents(&before));
        assert_eq!(calls(), paid + 1);

        let path = format!("/api/v1/stories/{id}/history");
        let answer = reqwest::Client::new()
            .get(format!("{}{path}", shared.stack().variable("API_URL")))
            .bearer_auth(&user.token)
            .send()
            .await
            .expect("the history");
        let headers = answer.headers().clone();
        let body: Value = answer.json().await.expect("JSON");
        assert_documented("GET", &path, 200, &headers, &body);
        let versions = body["data"]["versions"].as_array().expect("versions");
        assert_eq!(versions.len(), 10);
        let shown = versions.iter().filter(|version| version["shown"] == true);
        assert_eq!(shown.count(), 9);
        assert!(body["data"]["totalCostUsd"].as_f64() > Some(0.0));
    });
}
