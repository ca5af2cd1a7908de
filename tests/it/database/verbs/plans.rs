//! What a plan includes is what its users get, by whichever verb they ask; and how they come to another plan.

use crate::database::fixture::{Database, EVERYTHING, Story, creation};
use serde_json::{Value, json};
use uuid::Uuid;

/// The plan includes these assets from now on.
async fn include(database: &Database, tier: &str, assets: &str) {
    let change =
        format!("update public.tiers set asset_types = '{{{assets}}}' where code = '{tier}'");
    database.arrange(&change).await;
}

const WITHOUT_AUDIO: &str = "content,cover,scene_1,scene_2,scene_3,scene_4,activities,pdf";

fn without_assets(user: Uuid, character: &str) -> Value {
    let mut wish = creation(user, character, &[]);
    wish["p_request"]
        .as_object_mut()
        .unwrap()
        .remove("asset_types");
    wish
}

fn names(list: &Value) -> Vec<&str> {
    let list = list.as_array().expect("a list").iter();
    list.filter_map(Value::as_str).collect()
}

fn steer(story: &Story, assets: &[&str]) -> Value {
    json!({"p_user_id": story.user, "p_story_id": story.id, "p_asset_types": assets})
}

/// A whole story of a premium user, whose plan then loses everything but text and pictures.
async fn story_of_a_richer_time(database: &Database) -> Story {
    let user = database.user("premium").await;
    let story = database.story_of(user, &EVERYTHING).await;
    database.write_text(&story).await;
    story
}

async fn impoverish(database: &Database) {
    include(
        database,
        "premium",
        "content,cover,scene_1,scene_2,scene_3,scene_4",
    )
    .await;
}

pub(super) async fn refusal(
    database: &Database,
    verb: &str,
    arguments: &Value,
) -> (String, String, Value) {
    let mut refusal = database.try_call(verb, arguments).await.unwrap_err();
    let detail = refusal.detail.as_object_mut();
    let options = detail.and_then(|detail| detail.remove("upgradeOptions"));
    let has_options = options.is_some_and(|options| options.is_array());
    assert_eq!(has_options, refusal.message == "ERR_6002", "ways out");
    (refusal.code, refusal.message, refusal.detail)
}

fn not_in_plan(detail: Value) -> (String, String, Value) {
    ("PT403".to_owned(), "ERR_6002".to_owned(), detail)
}

#[tokio::test]
async fn a_plan_without_audio_makes_whole_stories_without_audio() {
    let database = Database::new().await;
    include(&database, "free", WITHOUT_AUDIO).await;
    let user = database.user("free").await;
    let character = database.character(user).await;
    for wish in [without_assets(user, &character), {
        let mut wish = without_assets(user, &character);
        wish["p_request"]["asset_types"] = Value::Null;
        wish
    }] {
        let made = database.call("create_story", wish).await;
        let id = made["story"]["id"].as_str().unwrap().to_owned();
        let story = Story { id, user };
        let row = database.row(&story).await;
        let made = names(&row["request"]["asset_types"]).join(",");
        assert_eq!(format!("content,{made}"), WITHOUT_AUDIO, "kept as resolved");
        let assets = &row["asset_generation_status"]["assets"];
        assert_eq!(assets.as_object().unwrap().len(), 8);
        assert!(assets.get("audio").is_none());
        database.finish(&story).await;
        assert_eq!(database.overall(&story).await, "ready");
    }
}

#[tokio::test]
async fn a_new_story_is_refused_before_anything_is_written() {
    let database = Database::new().await;
    include(&database, "free", WITHOUT_AUDIO).await;
    let user = database.user("free").await;
    let character = database.character(user).await;
    let mut urgent = creation(user, &character, &["cover"]);
    urgent["p_request"]["priority"] = json!("urgent");
    let outside = creation(user, &character, &["cover", "audio"]);
    let coverless = creation(user, &character, &["scene_1", "pdf"]);
    assert_eq!(
        refusal(&database, "create_story", &urgent).await,
        not_in_plan(json!({"priority": "urgent", "tier": "free"}))
    );
    assert_eq!(
        refusal(&database, "create_story", &outside).await,
        not_in_plan(json!({"assetType": "audio", "tier": "free"}))
    );
    let (code, message, detail) = refusal(&database, "create_story", &coverless).await;
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("PT409", "MISSING_REQUIRED_ASSETS")
    );
    assert_eq!(detail, json!({"missing": ["cover"]}));
    assert_eq!(database.count("public.stories").await, 0);
    assert_eq!(database.credits(user).await, (0, 0));
}

#[tokio::test]
async fn each_plan_takes_the_priorities_it_includes_and_no_others() {
    let database = Database::new().await;
    for (tier, taken) in [
        ("free", vec!["normal"]),
        ("individual", vec!["normal", "high"]),
        ("premium", vec!["normal", "high", "urgent"]),
        ("school", vec!["normal", "high", "urgent"]),
    ] {
        for priority in ["normal", "high", "urgent"] {
            let user = database.user(tier).await;
            let character = database.character(user).await;
            let mut wish = creation(user, &character, &["cover"]);
            wish["p_request"]["priority"] = json!(priority);
            let made = database.try_call("create_story", &wish).await;
            let expected = taken.contains(&priority);
            assert_eq!(made.is_ok(), expected, "{tier} {priority}");
            let jobs = format!(
                "public.asset_generation_jobs where user_id = '{user}' and priority = '{priority}'"
            );
            assert_eq!(database.count(&jobs).await, 2 * i64::from(expected));
        }
    }
}

#[tokio::test]
async fn later_verbs_keep_the_priority_of_the_story_as_long_as_the_plan_has_it() {
    let database = Database::new().await;
    let user = database.user("premium").await;
    let character = database.character(user).await;
    let mut wish = creation(user, &character, &["cover"]);
    wish["p_request"]["priority"] = json!("urgent");
    let made = database.call("create_story", wish).await;
    let id = made["story"]["id"].as_str().unwrap().to_owned();
    let story = Story { id, user };
    database.write_text(&story).await;
    database.finish(&story).await;
    let priority = async |asset: &str| database.job(&story, asset).await["priority"].clone();

    database
        .call("generate_assets", steer(&story, &["audio"]))
        .await;
    assert_eq!(priority("audio").await, "urgent");
    database.finish(&story).await;
    let downgrade = format!("update public.users set tier = 'individual' where id = '{user}'");
    database.arrange(&downgrade).await;
    database
        .call("regenerate_assets", steer(&story, &["audio"]))
        .await;
    database
        .call("generate_assets", steer(&story, &["scene_1"]))
        .await;
    assert_eq!(priority("audio").await, "high");
    assert_eq!(priority("scene_1").await, "high");
    assert_eq!(
        priority("cover").await,
        "urgent",
        "nobody asked for it again"
    );
}

#[tokio::test]
async fn no_verb_makes_what_the_plan_does_not_include() {
    let database = Database::new().await;
    let story = story_of_a_richer_time(&database).await;
    let audio = database.claim_asset(&story, "audio").await;
    database.fail(&audio, false).await;
    database.finish(&story).await;
    impoverish(&database).await;
    let before = database.row(&story).await;
    let mut forced = steer(&story, &["audio"]);
    forced["p_force"] = json!(true);
    for (verb, arguments) in [
        ("retry_assets", steer(&story, &["audio"])),
        ("retry_assets", forced),
        ("regenerate_assets", steer(&story, &["audio"])),
        ("generate_assets", steer(&story, &["audio"])),
    ] {
        assert_eq!(
            refusal(&database, verb, &arguments).await,
            not_in_plan(json!({"assetType": "audio", "tier": "premium"})),
            "{verb}"
        );
    }
    assert_eq!(database.row(&story).await, before);

    let all = json!({"p_user_id": story.user, "p_story_id": story.id});
    let retried = database.call("retry_assets", all).await;
    assert_eq!(
        retried["assetTypes"],
        json!([]),
        "nothing of the plan failed"
    );
}

#[tokio::test]
async fn what_a_change_takes_with_it_stays_as_it_is_where_the_plan_lacks_it() {
    let database = Database::new().await;
    let story = story_of_a_richer_time(&database).await;
    database.finish(&story).await;
    impoverish(&database).await;
    let book = database.asset(&story, "pdf").await["url"].clone();
    database
        .call("regenerate_assets", steer(&story, &["scene_2"]))
        .await;
    database.finish(&story).await;
    let after = database.asset(&story, "pdf").await;
    assert_eq!(
        (&after["status"], &after["url"], &after["stale"]),
        (&json!("ready"), &book, &json!(true))
    );
    assert_eq!(database.overall(&story).await, "ready");
}

#[tokio::test]
async fn going_on_skips_a_book_that_the_plan_does_not_include() {
    let database = Database::new().await;
    let story = story_of_a_richer_time(&database).await;
    loop {
        database.let_time_pass(&story).await;
        let claimed = database.claim(100).await;
        for lease in &claimed {
            match lease.asset.as_str() {
                "pdf" | "audio" => database.fail(lease, false).await,
                _ => database.complete(lease).await,
            };
        }
        if claimed.is_empty() {
            break;
        }
    }
    impoverish(&database).await;
    let ask = json!({"p_user_id": story.user, "p_story_id": story.id});
    let answer = database.call("continue_story", ask).await;
    let mut done = names(&answer["assetTypes"]);
    done.sort_unstable();
    assert_eq!(done, ["audio", "pdf"]);
    assert_eq!(database.overall(&story).await, "ready");
}

#[tokio::test]
async fn a_text_that_is_tried_again_brings_back_what_the_plan_still_includes() {
    let database = Database::new().await;
    let user = database.user("premium").await;
    let story = database.story_of(user, &EVERYTHING).await;
    let text = database.claim_asset(&story, "content").await;
    database.fail(&text, false).await;
    impoverish(&database).await;
    database
        .call("retry_assets", steer(&story, &["content"]))
        .await;
    database.finish(&story).await;
    for (asset, status) in [
        ("cover", "ready"),
        ("scene_4", "ready"),
        ("audio", "cancelled"),
    ] {
        assert_eq!(
            database.asset(&story, asset).await["status"],
            status,
            "{asset}"
        );
    }
}

#[tokio::test]
async fn plans_and_packs_are_listed_in_their_order_with_what_they_cost() {
    let database = Database::new().await;
    let listed = database.call("list_plans", json!({})).await;
    let plans = listed["plans"].as_array().unwrap();
    let codes: Vec<_> = plans.iter().map(|plan| plan["code"].clone()).collect();
    assert_eq!(codes, ["free", "individual", "premium", "school"]);
    assert_eq!(plans[0]["priceUsdMonth"].as_f64(), Some(0.0));
    assert_eq!(plans[0]["storyLimit"], 2);
    assert_eq!(plans[0]["priorities"], json!(["normal"]));
    assert_eq!(plans[3]["priceUsdMonth"], Value::Null);
    assert_eq!(listed["packs"][0]["code"], "story_pack_5");
    assert_eq!(listed["packs"][0]["stories"], 5);
}
