//! Plans are rows: what is added there is sold, made and refused without a word of code.

use super::{User, assert_documented, asset, newcomer, requests::post};
use crate::stack::{Shared, own, shared};
use serde_json::{Value, json};

/// A plan of this test alone, with everything but a voice, and a user who bought it.
async fn user_of_a_silent_plan(shared: &Shared) -> User {
    let plan = "insert into public.tiers (code, name, position, price_usd_month, asset_types)
        values ('silent', 'Silent', 9, 1.50, '{content,cover,scene_1,scene_2,scene_3,scene_4,activities,pdf}')";
    let pool = shared.stack().pool();
    sqlx::query(plan).execute(pool).await.expect("a new plan");
    let user = newcomer(shared).await;
    let purchase = "select public.apply_purchase($1::uuid::text, $1, '{\"tier\": \"silent\"}')";
    let bought = sqlx::query(purchase).bind(user.id).execute(pool);
    bought.await.expect("bought");
    user
}

async fn stories_of(shared: &Shared, user: &User) -> i64 {
    sqlx::query_scalar("select count(*) from public.stories where creator_user_id = $1")
        .bind(user.id)
        .fetch_one(shared.stack().pool())
        .await
        .expect("a count")
}

#[test]
fn a_plan_without_a_voice_makes_whole_books_in_silence_and_refuses_what_it_lacks() {
    let shared = shared();
    shared.run(async {
        let user = user_of_a_silent_plan(&shared).await;
        let id = user.ask_for_story().await;
        let story = user.settled(&id).await;
        assert_eq!(story["asset_generation_status"]["overall"], "ready");
        assert_eq!(asset(&story, "audio"), &Value::Null);
        assert_eq!(asset(&story, "pdf")["status"], "ready");

        let url = format!("{}/api/v1/stories", shared.stack().variable("API_URL"));
        let hero = user.api.create_character(&json!({"name": "Ember"})).await;
        let hero = hero.expect("a character")["id"].take();
        let wish = |more: Value| {
            let mut wish =
                json!({"character_ids": [hero], "story_type": "adventure", "themes": []});
            wish.as_object_mut()
                .expect("a wish")
                .extend(more.as_object().expect("more").clone());
            wish
        };
        for (more, named, is) in [
            (json!({"priority": "urgent"}), "priority", "urgent"),
            (
                json!({"assetTypes": ["cover", "audio"]}),
                "assetType",
                "audio",
            ),
        ] {
            let (status, refusal) = post(&url, &user.token, None, &wish(more)).await;
            assert_eq!((status, &refusal["code"]), (403, &json!("ERR_6002")));
            let data = json!({named: is, "tier": "silent", "upgradeOptions": []});
            assert_eq!(refusal["data"], data);
        }
        assert_eq!(
            stories_of(&shared, &user).await,
            1,
            "a refusal left a story"
        );
        let (status, made) = post(
            &url,
            &user.token,
            None,
            &wish(json!({"assetTypes": ["scene_3"]})),
        )
        .await;
        assert_eq!(status, 201, "{made}");
        let story = user
            .settled(made["data"]["id"].as_str().expect("an id"))
            .await;
        let assets = story["asset_generation_status"]["assets"]
            .as_object()
            .expect("assets");
        let names: Vec<_> = assets.keys().map(String::as_str).collect();
        assert_eq!(names, ["content", "scene_3"]);
        assert_eq!(story["asset_generation_status"]["overall"], "ready");

        let refused = user
            .api
            .steer(&id, "generate", &json!({"assetTypes": ["audio"]}))
            .await;
        assert!(
            refused
                .expect_err("no voice")
                .to_string()
                .contains("ERR_6002")
        );

        let plans = reqwest::get(format!(
            "{}/api/v1/plans",
            shared.stack().variable("API_URL")
        ));
        let plans = plans.await.expect("an answer");
        let (status, headers) = (plans.status().as_u16(), plans.headers().clone());
        let plans: Value = plans.json().await.expect("JSON");
        assert_documented("GET", "/api/v1/plans", status, &headers, &plans);
        let plans = plans["data"]["plans"].as_array().expect("plans");
        let silent = plans.iter().find(|plan| plan["code"] == "silent");
        assert_eq!(silent.expect("the new plan")["priceUsdMonth"], 1.5);
    });
}

#[test]
fn a_process_that_begins_while_the_voices_are_away_lets_no_unknown_one_pass() {
    let nobody = (
        "ELEVENLABS_BASE_URL".to_owned(),
        "http://127.0.0.1:9".to_owned(),
    );
    let shared = own("voices-away", |options| {
        options.overrides.extend([nobody]);
    });
    shared.run(async {
        let user = super::demo(&shared);
        let url = format!("{}/api/v1/stories", shared.stack().variable("API_URL"));
        let hero = shared.stack().variable("DEMO_CHARACTER_ID");
        let ask = async |voice: &str| {
            let wish = json!({"character_ids": [hero], "story_type": "adventure", "themes": [],
                "assetTypes": ["audio"], "voiceId": voice});
            let (status, mut answer) = post(&url, &user.token, None, &wish).await;
            (status, answer["code"].take())
        };
        let (unknown, laura) = ("ABCDEFGHIJ0123456789", "FGY2WhTYpPnrIDTdsKH5");
        let away = (503, json!("SERVICE_UNAVAILABLE"));
        for voice in [unknown, laura, "Laura"] {
            assert_eq!(ask(voice).await, away, "{voice}: nobody can tell");
        }
        assert_eq!(ask("alloy").await.0, 201);

        let voices = json!([{"id": laura, "name": "Laura", "description": null, "preview_url": null, "labels": null}]);
        let keep = sqlx::query("select public.keep_voices($1)").bind(voices);
        keep.execute(shared.stack().pool()).await.expect("kept");
        assert_eq!(ask(unknown).await, (400, json!("VOICE_NOT_FOUND")));
        for voice in [laura, "Laura"] {
            assert_eq!(ask(voice).await.0, 201, "{voice}");
        }
    });
}
