//! With `PICTURE_PREVIEWS` a picture is seen while it is drawn: what was looked at, for as long as it is drawn, and no more.

use super::{User, asset, demo};
use crate::stack::{Shared, own};
use operate::follow::StoryFeed;
use serde_json::Value;
use stack::{
    breakpoints::{Moment, Server},
    environment::BUCKET,
};
use stand_ins::{CallKind, Outcome, Scripted};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

const PICTURES: [&str; 5] = ["cover", "scene_1", "scene_2", "scene_3", "scene_4"];

fn with_previews(name: &str, latency: &str) -> Shared {
    own(name, |options| {
        options.latency = Some(latency.to_owned());
        let setting = ("PICTURE_PREVIEWS".to_owned(), "true".to_owned());
        options.overrides.extend([setting]);
    })
}

/// These looks at pictures, and none at words.
fn looks(times: u32, outcome: Outcome) -> Scripted {
    Scripted {
        contains: Some("image_url".to_owned()),
        times,
        ..Scripted::next_of(CallKind::Moderation, outcome)
    }
}

/// When a picture was begun, seen first and ready, as who follows the story saw it.
#[derive(Default)]
struct Moments {
    begun: Option<Instant>,
    seen: Option<Instant>,
    ready: Option<Instant>,
    previews: Vec<String>,
}

/// A story from its wish to its end, as Realtime tells of it.
async fn follow(shared: &Shared, user: &User) -> (String, Value, BTreeMap<&'static str, Moments>) {
    let id = user.ask_for_story().await;
    let variable = |name| shared.stack().variable(name);
    let (url, key) = (variable("SUPABASE_URL"), variable("SUPABASE_ANON_KEY"));
    let feed = StoryFeed::open(url, key, &user.token, &id).await;
    let mut feed = feed.expect("a subscription");
    let mut moments = BTreeMap::<_, Moments>::new();
    let heard = |status: &Value| {
        for picture in PICTURES {
            let state = &status["assets"][picture];
            let of = moments.entry(picture).or_default();
            let is_generating = state["status"] == "generating";
            if is_generating {
                of.begun.get_or_insert_with(Instant::now);
            }
            if state["status"] == "ready" {
                of.ready.get_or_insert_with(Instant::now);
            }
            if let Some(preview) = state["metadata"]["previewUrl"].as_str() {
                assert!(is_generating, "{picture} is {state}");
                of.seen.get_or_insert_with(Instant::now);
                if of.previews.last().is_none_or(|last| last != preview) {
                    of.previews.push(preview.to_owned());
                }
            }
        }
    };
    let ended = feed.to_the_end(Duration::from_secs(60), heard).await;
    ended.expect("an end");
    let story = user.settled(&id).await;
    (id, story, moments)
}

fn preview_files(shared: &Shared, story: &str) -> usize {
    let folder = shared.stack().home().join("files").join(BUCKET);
    let folder = folder.join("stories").join(story);
    let files = std::fs::read_dir(folder).expect("the story's files");
    files
        .filter(|file| {
            let name = file.as_ref().expect("a file").file_name();
            name.to_string_lossy().ends_with(".preview.jpg")
        })
        .count()
}

/// Deletes what is no part of any version, as soon as nobody can be at it any more.
async fn delete_orphans(shared: &Shared, story: &str) {
    let pool = shared.stack().pool();
    sqlx::query("update private.deletion_queue set available_at = now() where story_id::text = $1")
        .bind(story)
        .execute(pool)
        .await
        .expect("due");
    let event = r#"{"action": "delete_files"}"#.to_owned().into();
    let emulator = shared.stack().emulator();
    emulator.invoke_event("content-agent", event).expect("sent");
    let left = || async {
        let query = "select count(*) from private.deletion_queue where story_id::text = $1";
        let left: Result<i64, _> = sqlx::query_scalar(query).bind(story).fetch_one(pool).await;
        left.expect("a number")
    };
    while left().await > 0 {
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}

#[test]
fn a_picture_is_seen_while_it_is_drawn_once_it_was_looked_at_and_its_glimpse_goes_with_it() {
    let shared = with_previews("previews", "text=60,image=8000,speech=90");
    shared.run(async {
        let user = demo(&shared);
        let stand_ins = shared.stack().stand_ins();
        // The cover's is not for children.
        stand_ins.script([looks(1, Outcome::Policy)]);
        let (id, story, moments) = follow(&shared, &user).await;
        let status = &story["asset_generation_status"];
        assert_eq!(status["overall"], "ready", "{status}");
        assert!(moments["cover"].previews.is_empty(), "nobody saw that one");
        for scene in &PICTURES[1..] {
            let of = &moments[scene];
            let [preview] = of.previews.as_slice() else {
                panic!("{scene}: {:?}", of.previews);
            };
            let answer = reqwest::get(preview).await.expect("an answer");
            let bytes = answer.bytes().await.expect("all of it");
            assert!(bytes.starts_with(b"\xff\xd8") && bytes.len() < 60_000);
            let (Some(begun), Some(seen), Some(ready)) = (of.begun, of.seen, of.ready) else {
                panic!("{scene} was not followed");
            };
            let share = (seen - begun).as_secs_f64() / (ready - begun).as_secs_f64();
            println!("{scene}: seen after {share:.3} of its time");
            assert!(share <= 0.6, "{scene}: seen after {share:.2} of its time");
            assert!(asset(&story, scene)["metadata"]["previewUrl"].is_null());
        }
        let costs = "select output_units, cost_usd::double precision from public.usage_ledger
            where story_id::text = $1 and kind = 'picture'";
        let costs: Vec<(i64, f64)> = sqlx::query_as(costs)
            .bind(&id)
            .fetch_all(shared.stack().pool())
            .await
            .expect("the ledger");
        assert_eq!(costs.len(), 5);
        for (tokens, usd) in costs {
            assert_eq!(tokens, 1_056 + 100, "with what was shown of it");
            assert!((0.037..0.0375).contains(&usd), "{usd}");
        }
        assert_eq!(preview_files(&shared, &id), 4);
        delete_orphans(&shared, &id).await;
        assert_eq!(preview_files(&shared, &id), 0, "none outlives its picture");
        for picture in PICTURES {
            let url = asset(&story, picture)["url"].as_str().expect("an address");
            let answer = reqwest::get(url).await.expect("an answer");
            assert_eq!(answer.status(), 200, "{picture} is there");
        }
    });
}

#[test]
fn nothing_is_seen_of_a_picture_while_nobody_can_look_at_it_first() {
    let shared = with_previews("unseen", "text=60,image=900,speech=90");
    shared.run(async {
        let user = demo(&shared);
        let stand_ins = shared.stack().stand_ins();
        for outcome in [Outcome::Policy, Outcome::ServerError] {
            stand_ins.script([looks(u32::MAX, outcome)]);
            let (id, story, moments) = follow(&shared, &user).await;
            let status = &story["asset_generation_status"];
            assert_eq!(status["overall"], "ready", "{status}");
            assert!(moments.values().all(|of| of.previews.is_empty()));
            assert_eq!(preview_files(&shared, &id), 0);
            stand_ins.clear_script();
        }
        // A stream that breaks off after the glimpse costs one call more.
        stand_ins.script([Scripted::next_of(CallKind::Image, Outcome::Cut)]);
        stand_ins.clear_calls();
        let (_, story, _) = follow(&shared, &user).await;
        assert_eq!(story["asset_generation_status"]["overall"], "ready");
        let calls = stand_ins.calls();
        let pictures = calls.iter().filter(|call| call.kind == CallKind::Image);
        assert_eq!(pictures.count(), 5 + 1);
    });
}

#[test]
fn a_process_that_dies_with_a_glimpse_just_stored_costs_the_picture_in_flight_and_nothing_else() {
    let shared = with_previews("previews-killed", "text=60,image=6000,speech=90");
    shared.run(async {
        let (user, stack) = (demo(&shared), shared.stack());
        let reached = stack.breakpoints().arm(Moment::After, |seen| {
            seen.server == Server::Files
                && seen.method == "PUT"
                && seen.path.contains("/cover-v1-")
                && seen.path.contains(".preview.jpg")
        });
        let id = user.ask_for_story().await;
        let held = reached.await;
        user.until(&id, |status| {
            let done = |asset: &str| status["assets"][asset]["status"] == "ready";
            done("content") && done("audio") && done("activities")
        })
        .await;
        let before = stack.stand_ins().calls().len();
        let pid = stack.emulator().pid_working_on("content-agent", &id);
        let killed = std::process::Command::new("kill")
            .args(["-9", &pid.expect("somebody draws").to_string()])
            .status();
        assert!(killed.expect("kill runs").success());
        drop(held);
        let story = user.settled(&id).await;
        let status = &story["asset_generation_status"];
        assert_eq!(status["overall"], "ready", "{status}");
        let calls = stack.stand_ins().calls();
        let count = |kind: CallKind| calls.iter().filter(|call| call.kind == kind).count();
        assert_eq!(count(CallKind::Image), 5 + 1);
        assert_eq!(count(CallKind::Speech), 4);
        let later = calls[before..].iter();
        let asked: Vec<_> = later.filter_map(|call| call.schema.as_deref()).collect();
        assert!(
            asked.iter().all(|schema| *schema == "image_check"),
            "{asked:?}"
        );
        // What the dead one left behind is deleted with what the others showed.
        assert_eq!(preview_files(&shared, &id), 5 + 1);
        delete_orphans(&shared, &id).await;
        assert_eq!(preview_files(&shared, &id), 0);
    });
}
