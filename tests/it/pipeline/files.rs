//! The files of a story: what is public, what is not, and what is found again.

use super::{User, asset, demo};
use crate::stack::{Shared, own};
use serde_json::{Value, json};
use stack::environment::BUCKET;
use stand_ins::{CallKind, Outcome, Scripted};

/// Names of the files below a prefix of the bucket, of one story, that begin with `asset`.
fn files(shared: &Shared, prefix: &str, story: &str, asset: &str) -> Vec<String> {
    let bucket = shared.stack().home().join("files").join(BUCKET);
    let folder = bucket.join(prefix).join(story);
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let names = entries.map(|entry| {
        let name = entry.expect("an entry").file_name();
        name.into_string().expect("a plain name")
    });
    names.filter(|name| name.starts_with(asset)).collect()
}

async fn status(url: &str) -> u16 {
    let answer = reqwest::get(url).await.expect("an answer");
    answer.status().as_u16()
}

fn edits(shared: &Shared) -> usize {
    let calls = shared.stack().stand_ins().calls();
    let edits = calls.iter().filter(|call| call.path.contains("edits"));
    edits.count()
}

async fn settled_as(user: &User, id: &str, overall: &str) -> Value {
    let story = user.settled(id).await;
    let status = &story["asset_generation_status"];
    assert_eq!(status["overall"], overall, "{status}");
    story
}

#[test]
fn only_the_picture_that_passed_its_check_is_public_and_it_is_found_wherever_the_cdn_was() {
    let shared = own("files", |_| {});
    shared.run(async {
        let user = demo(&shared);
        shared.stack().stand_ins().script([Scripted {
            kind: Some(CallKind::Text),
            contains: Some("You check pictures".to_owned()),
            times: 2,
            ..Scripted::next(Outcome::CheckFails)
        }]);
        let id = user.ask_for_story().await;
        let story = settled_as(&user, &id, "ready").await;

        let url = asset(&story, "cover")["url"].as_str().expect("an address");
        assert_eq!(status(url).await, 200);
        let mut public = files(&shared, "stories", &id, "cover");
        public.sort();
        let (folder, name) = url.rsplit_once('/').expect("an address in a folder");
        let stem = name.trim_end_matches(".png");
        let beside = ["jpg", "png", "small.jpg"].map(|kind| format!("{stem}.{kind}"));
        assert_eq!(public, beside, "nothing but what lies beside it");
        let metadata = &asset(&story, "cover")["metadata"];
        assert_eq!(metadata["screenUrl"], format!("{folder}/{stem}.jpg"));
        assert_eq!(metadata["thumbnailUrl"], format!("{folder}/{stem}.small.jpg"));
        let drafts = files(&shared, "drafts/stories", &id, "cover");
        assert_eq!(drafts.len(), 1, "the rejected ones are gone: {drafts:?}");
        let cdn = shared.stack().variable("ASSETS_CDN_URL");
        let draft = format!("{cdn}/drafts/stories/{id}/{}", drafts[0]);
        assert_eq!(status(&draft).await, 403);
        // What was found of all three is there to be read, and so is what the last was asked for in.
        let validation = &asset(&story, "cover")["metadata"]["validation"];
        let tries = validation["tries"].as_array().expect("a list").iter();
        let passed: Vec<_> = tries.map(|found| found["passed"].as_bool()).collect();
        assert_eq!(passed, [Some(false), Some(false), Some(true)]);
        assert_eq!(validation["passed"], true);
        let path = format!("/api/v1/stories/{id}/history");
        let address = format!("{}{path}", shared.stack().variable("API_URL"));
        let answer = reqwest::Client::new().get(address).bearer_auth(&user.token);
        let answer = answer.send().await.expect("the history");
        let history: Value = answer.json().await.expect("JSON");
        let versions = history["data"]["versions"].as_array().expect("a list").iter();
        let asked_for = |of: &str| {
            let mut versions = versions.clone();
            let version = versions.find(|version| version["assetType"] == of);
            version.and_then(|version| version["prompt"].as_str())
        };
        let prompt = asked_for("cover").expect("a prompt");
        assert!(prompt.contains("Feedback: The picture does not clearly show this"));
        assert!(asked_for("scene_1").is_some_and(|prompt| !prompt.contains("Feedback")));
        assert_eq!(asked_for("audio"), None);

        // As if all of it had been published while the CDN had another name.
        for statement in [
            "update public.asset_generation_jobs set url = replace(url, $1, 'https://d1.example.net/v1')
             where story_id = $2",
            "update public.stories set asset_generation_status =
             replace(asset_generation_status::text, $1, 'https://d1.example.net/v1')::jsonb where id = $2",
        ] {
            sqlx::query(statement)
                .bind(cdn)
                .bind(id.parse::<uuid::Uuid>().expect("an id"))
                .execute(shared.stack().pool())
                .await
                .expect("the addresses of before");
        }
        let edits_before = edits(&shared);
        user.api
            .steer(&id, "regenerate", &json!({"assetTypes": ["scene_2"]}))
            .await
            .expect("a new version");
        let story = settled_as(&user, &id, "ready").await;
        assert_eq!(edits(&shared), edits_before + 1, "drawn from the cover");
        let book = asset(&story, "pdf");
        assert_eq!(book["version"], 2, "{book}");
        assert_eq!(status(book["url"].as_str().expect("an address")).await, 200);
    });
}
