//! The finished book: every file is what it claims to be.

use super::{asset, demo};
use crate::stack::shared;
use serde_json::Value;

async fn fetch(url: &Value) -> (reqwest::header::HeaderMap, Vec<u8>) {
    let response = reqwest::get(url.as_str().expect("a url"))
        .await
        .expect("an answer");
    assert_eq!(response.status(), 200, "{url}");
    let headers = response.headers().clone();
    (headers, response.bytes().await.expect("a body").to_vec())
}

fn png_side(bytes: &[u8]) -> (u32, u32) {
    assert_eq!(&bytes[..8], b"\x89PNG\r\n\x1a\n");
    let side = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
    (side(16), side(20))
}

#[test]
fn a_story_becomes_a_book_with_text_pictures_voice_activities_and_pdf() {
    let shared = shared();
    shared.run(async {
        let user = demo(&shared);
        let id = user.ask_for_story().await;
        let story = user.settled(&id).await;
        assert_eq!(
            story["asset_generation_status"]["overall"], "ready",
            "{}",
            story["asset_generation_status"]
        );
        assert_eq!(story["status"], "ready");

        assert_eq!(story["content"]["beats"].as_array().map(Vec::len), Some(4));
        assert!(
            story["content"]["beats"][0]["text"]
                .as_str()
                .is_some_and(|text| text.contains("Ember"))
        );

        let mut pictures = Vec::new();
        for picture in ["cover", "scene_1", "scene_2", "scene_3", "scene_4"] {
            let (headers, bytes) = fetch(&asset(&story, picture)["url"]).await;
            assert_eq!(headers["content-type"], "image/png");
            assert_eq!(headers["cache-control"], "public, max-age=31536000");
            let (width, height) = png_side(&bytes);
            assert!(width >= 1024 && height >= 1024);
            assert!(
                !pictures.contains(&bytes),
                "{picture} is the same as another picture"
            );
            // Beside it lies what screens show: light, and lighter still.
            let metadata = &asset(&story, picture)["metadata"];
            let mut lighter = bytes.len();
            for (url, share) in [("screenUrl", 2), ("thumbnailUrl", 3)] {
                let (headers, jpeg) = fetch(&metadata[url]).await;
                assert_eq!(headers["content-type"], "image/jpeg");
                assert_eq!(headers["cache-control"], "public, max-age=31536000");
                assert!(jpeg.starts_with(b"\xff\xd8\xff"), "{url}");
                assert!(jpeg.len() * share < lighter, "{url} of {} B", jpeg.len());
                lighter = jpeg.len() * share;
            }
            pictures.push(bytes);
            let colors = story["hue_extracted_colors"][picture]
                .as_array()
                .expect("colours");
            assert_eq!(colors.len(), 3);
        }

        let words = story["audio_words"].as_array().expect("words");
        let (headers, audio) = fetch(&asset(&story, "audio")["url"]).await;
        assert_eq!(headers["content-type"], "audio/mpeg");
        // 64 kbit/s: eight bytes a millisecond.
        let seconds = audio.len() as f64 / 8000.0;
        assert!(seconds > 20.0, "{seconds} s");
        assert!(
            words.last().expect("a word")["end"]
                .as_f64()
                .expect("a time")
                <= seconds + 0.1
        );
        let spans: usize = ["a", "b", "c", "d"]
            .iter()
            .map(|block| {
                story["audio_blocks"][block]
                    .as_str()
                    .expect("a block")
                    .matches("<span data-w=")
                    .count()
            })
            .sum();
        assert_eq!(spans, words.len());

        let questions = &asset(&story, "activities")["data"]["questions"];
        assert!(
            questions
                .as_array()
                .is_some_and(|questions| questions.len() >= 3)
        );
        let (headers, pdf) = fetch(&asset(&story, "pdf")["url"]).await;
        assert_eq!(headers["content-type"], "application/pdf");
        assert!(pdf.starts_with(b"%PDF-"));
    });
}

#[test]
fn a_regenerated_picture_has_a_new_address_and_the_old_one_serves_until_then() {
    let shared = shared();
    shared.run(async {
        let user = demo(&shared);
        let id = user.ask_for_story().await;
        let before = user.settled(&id).await;
        let old = asset(&before, "scene_2")["url"].clone();
        let body = serde_json::json!({"assetTypes": ["scene_2"]});
        let steered = user
            .api
            .steer(&id, "regenerate", &body)
            .await
            .expect("regenerated");
        assert!(steered.to_string().contains("scene_2"), "{steered}");

        let after = user
            .until(&id, |status| {
                status["overall"] == "ready" && status["assets"]["scene_2"]["version"] == 2
            })
            .await;
        assert_ne!(asset(&after, "scene_2")["url"], old);
        for url in ["screenUrl", "thumbnailUrl"] {
            let of = |story| asset(story, "scene_2")["metadata"][url].clone();
            assert_ne!(of(&after), of(&before));
        }
        fetch(&old).await;
        assert_eq!(
            asset(&after, "pdf")["version"],
            2,
            "the book is made again with the new picture"
        );
        assert_eq!(
            asset(&after, "cover")["url"],
            asset(&before, "cover")["url"]
        );
    });
}

#[test]
fn a_book_is_a_page_without_script_that_plays_the_voice_and_a_link_leads_there_until_it_is_taken_back()
 {
    let shared = shared();
    shared.run(async {
        let user = demo(&shared);
        let id = user.ask_for_story().await;
        let story = user.settled(&id).await;
        let address = asset(&story, "pdf")["metadata"]["htmlUrl"].clone();
        let (headers, page) = fetch(&address).await;
        assert_eq!(headers["content-type"], "text/html; charset=utf-8");
        let page = String::from_utf8(page).expect("text");
        let files: Vec<&str> = page
            .split(" src=\"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
            .collect();
        assert_eq!(
            files.len(),
            7,
            "five pictures, the voice and its captions: {files:?}"
        );
        let shown = [
            "cover", "audio", "audio", "scene_1", "scene_2", "scene_3", "scene_4",
        ];
        let folder = address
            .as_str()
            .and_then(|url| url.rsplit_once('/'))
            .expect("an address")
            .0;
        for (name, asset) in files.iter().zip(&shown) {
            assert!(name.starts_with(*asset), "{files:?}");
            let (headers, bytes) = fetch(&format!("{folder}/{name}").into()).await;
            if *asset != "audio" {
                assert_eq!(headers["content-type"], "image/jpeg");
            }
            if name.ends_with(".vtt") {
                assert_eq!(headers["content-type"], "text/vtt; charset=utf-8");
                let captions = String::from_utf8(bytes).expect("text");
                assert!(
                    captions.starts_with("WEBVTT\n\n00:00:00.") && captions.contains("Ember"),
                    "{captions}"
                );
            }
        }
        assert!(page.contains("Ember") && !page.contains("<script"));

        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .expect("a client");
        let api = format!("{}/api/v1", shared.stack().variable("API_URL"));
        let share = client
            .post(format!("{api}/stories/{id}/share"))
            .bearer_auth(&user.token);
        let share = share.header("idempotency-key", uuid::Uuid::new_v4().to_string());
        let share: Value = share
            .send()
            .await
            .expect("an answer")
            .json()
            .await
            .expect("a link");
        let token = share["data"]["token"].as_str().expect("a token");
        let link = format!("{api}/shared/{token}/book");
        let opened = client.get(&link).send().await.expect("an answer");
        assert_eq!(opened.headers()["location"].to_str().ok(), address.as_str());
        assert_eq!(opened.headers()["cache-control"], "no-store");
        assert_eq!(
            user.delete(&shared, &format!("/stories/{id}/share")).await,
            204
        );
        let closed = client.get(&link).send().await.expect("an answer");
        assert_eq!(closed.status(), 404);

        let body = serde_json::json!({"assetTypes": ["audio"]});
        user.api
            .steer(&id, "regenerate", &body)
            .await
            .expect("read anew");
        let after = user
            .until(&id, |status| {
                status["overall"] == "ready" && status["assets"]["audio"]["version"] == 2
            })
            .await;
        let (_, page) = fetch(&asset(&after, "pdf")["metadata"]["htmlUrl"]).await;
        let page = String::from_utf8(page).expect("text");
        assert!(page.contains("src=\"audio-v2-"), "{page}");
        assert_eq!(asset(&after, "pdf")["version"], 1, "the book stays");
    });
}
