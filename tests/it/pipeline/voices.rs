//! Heroes whose names are said in another way than they are written, and heroes who speak for themselves.

use super::{User, asset, newcomer, requests::post};
use crate::stack::{Shared, own};
use serde_json::{Value, json};
use stand_ins::{CallKind, CallRecord, Outcome, Scripted};
use std::collections::HashSet;

const LAURA: &str = "FGY2WhTYpPnrIDTdsKH5";

async fn buy(shared: &Shared, user: &User, tier: &str) {
    let purchase =
        "select public.apply_purchase(gen_random_uuid()::text, $1, jsonb_build_object('tier', $2))";
    let bought = sqlx::query(purchase).bind(user.id).bind(tier);
    bought.execute(shared.stack().pool()).await.expect("bought");
}

async fn story_about(user: &User, hero: &Value) -> String {
    let hero = user.api.create_character(hero).await.expect("a character");
    let wish =
        json!({"character_ids": [hero["id"]], "story_type": "adventure", "themes": ["courage"]});
    let story = user.api.create_story(&wish).await.expect("a story");
    story["id"].as_str().expect("an id").to_owned()
}

/// The narration, made anew.
async fn read_again(user: &User, id: &str) -> Value {
    let wish = json!({"assetTypes": ["audio"]});
    user.api
        .steer(id, "regenerate", &wish)
        .await
        .expect("begun");
    asset(&user.settled(id).await, "audio").clone()
}

fn recordings(shared: &Shared, since: usize) -> Vec<CallRecord> {
    let calls = shared.stack().stand_ins().calls().into_iter().skip(since);
    calls
        .filter(|call| call.kind == CallKind::Speech && call.paid)
        .collect()
}

#[test]
fn a_name_is_said_as_its_family_says_it_and_written_as_they_write_it() {
    let shared = own("pronunciation", |_| {});
    shared.run(async {
        let user = newcomer(&shared).await;
        let stand_ins = shared.stack().stand_ins();
        // Whatever is sent to the voice with the written name meets a fault that would be noted.
        stand_ins.script([Scripted {
            contains: Some("Siobhan".to_owned()),
            times: u32::MAX,
            ..Scripted::next_of(CallKind::Speech, Outcome::ServerError)
        }]);
        let hero = json!({"name": "Siobhan", "species": "dragon", "pronunciation": "Shiv-AWN"});
        let id = story_about(&user, &hero).await;
        let story = user.settled(&id).await;
        let audio = asset(&story, "audio");
        assert_eq!(audio["status"], "ready", "{audio}");
        assert_eq!(audio["metadata"]["wordTimes"], "present", "{audio}");
        let calls = stand_ins.calls();
        assert!(calls.iter().all(|call| call.fault.is_none()), "{calls:?}");

        let words = story["audio_words"].as_array().expect("times of words");
        let shown = story["audio_blocks"].to_string().matches("data-w=").count();
        assert_eq!(words.len(), shown);
        let has = |name: &str| {
            words
                .iter()
                .any(|word| word["txt"].as_str().is_some_and(|txt| txt.contains(name)))
        };
        assert!(has("Siobhan") && !has("Shiv"), "{words:?}");
        assert!(
            !story.to_string().contains("Shiv-AWN"),
            "the hint is shown to nobody"
        );

        // A call that holds the hint is answered without times.
        stand_ins.script([Scripted {
            contains: Some("Shiv-AWN".to_owned()),
            ..Scripted::next_of(CallKind::Speech, Outcome::Empty)
        }]);
        assert_eq!(
            read_again(&user, &id).await["metadata"]["wordTimes"],
            "missing"
        );
    });
}

#[test]
fn a_hero_speaks_with_a_voice_of_its_own_while_the_plan_has_it_and_nothing_is_bought_twice() {
    let shared = own("character-voices", |_| {});
    shared.run(async {
        let user = newcomer(&shared).await;
        let url = format!("{}/api/v1/characters", shared.stack().variable("API_URL"));
        let hero = json!({"name": "Ember", "species": "dragon", "voiceId": "Laura"});
        let (status, refusal) = post(&url, &user.token, None, &hero).await;
        assert_eq!(
            (status, &refusal["code"]),
            (403, &json!("ERR_6002")),
            "{refusal}"
        );
        assert_eq!(refusal["data"]["characterVoices"], true);
        buy(&shared, &user, "premium").await;
        let unknown = json!({"name": "Ember", "voiceId": "ABCDEFGHIJ0123456789"});
        assert_eq!(
            post(&url, &user.token, None, &unknown).await.1["code"],
            "VOICE_NOT_FOUND"
        );

        // The fourth call finds the account at its limit, so that a later attempt goes on.
        let stand_ins = shared.stack().stand_ins();
        stand_ins.script([
            Scripted {
                times: 3,
                ..Scripted::next_of(CallKind::Speech, Outcome::Ok)
            },
            Scripted {
                times: 2,
                ..Scripted::next_of(CallKind::Speech, Outcome::RateLimited)
            },
        ]);
        let id = story_about(&user, &hero).await;
        let story = user.settled(&id).await;
        let audio = asset(&story, "audio");
        assert_eq!(audio["status"], "ready", "{audio}");
        assert_eq!(audio["metadata"]["wordTimes"], "present", "{audio}");
        let words = story["audio_words"].as_array().expect("times of words");
        assert_eq!(
            words.len(),
            story["audio_blocks"].to_string().matches("data-w=").count()
        );
        let starts = words
            .iter()
            .map(|word| word["start"].as_f64().expect("a time"));
        assert!(starts.is_sorted());

        let bought = recordings(&shared, 0);
        let is_hers = |call: &&CallRecord| call.path.contains(LAURA);
        let hers = bought.iter().filter(is_hers).count();
        assert!(
            hers >= 2 && hers < bought.len(),
            "{hers} of {}",
            bought.len()
        );
        let different: HashSet<_> = bought
            .iter()
            .map(|call| (&call.path, &call.sha256))
            .collect();
        assert_eq!(different.len(), bought.len(), "bought twice");

        // Another plan, another reader.
        buy(&shared, &user, "free").await;
        let before = stand_ins.calls().len();
        assert_eq!(read_again(&user, &id).await["status"], "ready");
        let bought = recordings(&shared, before);
        assert!(
            bought.len() == 4 && !bought.iter().any(|call| call.path.contains(LAURA)),
            "{bought:?}"
        );

        let hero = &story["character_ids"][0];
        let change =
            reqwest::Client::new().patch(format!("{url}/{}", hero.as_str().expect("an id")));
        let change = change
            .bearer_auth(&user.token)
            .json(&json!({"voiceId": "Sarah"}));
        let refused = change.send().await.expect("an answer");
        assert_eq!(
            refused.status(),
            403,
            "a plan without such voices takes no other one"
        );

        // And a voice that is gone silences nobody.
        buy(&shared, &user, "premium").await;
        stand_ins.withdraw_voice(LAURA);
        let audio = read_again(&user, &id).await;
        assert_eq!(audio["status"], "ready", "{audio}");
        assert_eq!(audio["metadata"]["wordTimes"], "present", "{audio}");
    });
}
