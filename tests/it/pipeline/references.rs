//! Pictures that users bring of a hero: fetched once whatever happens, kept with us, and drawn from there.

use super::{User, asset, demo, invocations::invoke, newcomer, notices::until};
use crate::stack::{Shared, own};
use axum::{
    Router,
    body::Bytes,
    extract::{OriginalUri, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use serde_json::{Value, json};
use stack::environment::BUCKET;
use stand_ins::{CallKind, Outcome, Scripted};
use std::sync::{Arc, Mutex};

const CONTENT_AGENT: &str = "storytailor-content-agent-production";

/// A PNG of 300 x 300 pixels, of the colours of nobody's hero, 1 bit each.
pub(super) const PICTURE: &[u8] = include_bytes!("references/picture.png");

/// The hosts that users name, and how often each path was asked for.
#[derive(Clone, Default)]
struct Web(Arc<Mutex<Vec<String>>>);

impl Web {
    async fn listen(&self) -> String {
        let router = Router::new().fallback(answer).with_state(self.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move { axum::serve(listener, router).await });
        format!("http://{address}")
    }

    fn asked_for(&self, path: &str) -> usize {
        let asked = self.0.lock().expect("whole");
        asked.iter().filter(|one| *one == path).count()
    }
}

async fn answer(State(web): State<Web>, OriginalUri(uri): OriginalUri) -> Response {
    let path = uri.path().to_owned();
    let answer = match path.rsplit('/').next().expect("a part") {
        "ember.png" | "kid.png" => Bytes::from_static(PICTURE).into_response(),
        "ember.gif" => Bytes::from_static(b"GIF89a\x00\x04\x00\x04\xf0\x00\x00").into_response(),
        "inside.png" => Redirect::to("https://169.254.169.254/latest/meta-data/").into_response(),
        _ => StatusCode::NOT_FOUND.into_response(),
    };
    web.0.lock().expect("whole").push(path);
    answer
}

fn own_with_web(name: &'static str) -> (Arc<Shared>, Web) {
    let web = Web::default();
    let address = {
        let web = web.clone();
        // Its runtime lives as long as the tests do: the functions fetch from it.
        static RUNTIME: std::sync::OnceLock<tokio::runtime::Runtime> = std::sync::OnceLock::new();
        let runtime = RUNTIME.get_or_init(|| tokio::runtime::Runtime::new().expect("a runtime"));
        runtime.block_on(async move { web.listen().await })
    };
    let shared = own(name, |options| {
        let overrides = &mut options.overrides;
        overrides.insert("REFERENCES_ENDPOINT_URL".to_owned(), address);
    });
    (Arc::new(shared), web)
}

fn always(kind: CallKind, outcome: Outcome, contains: &str) -> Scripted {
    Scripted {
        times: u32::MAX,
        contains: Some(contains.to_owned()),
        ..Scripted::next_of(kind, outcome)
    }
}

async fn hero(user: &User, images: &[&str]) -> String {
    let hero = json!({"name": "Ember", "species": "dragon", "referenceImages": images});
    let hero = user.api.create_character(&hero).await.expect("a character");
    hero["id"].as_str().expect("an id").to_owned()
}

async fn story_of(user: &User, hero: &str) -> Value {
    let wish = json!({"character_ids": [hero], "story_type": "adventure", "themes": ["courage"]});
    let story = user.api.create_story(&wish).await.expect("a story");
    let story = user.settled(story["id"].as_str().expect("an id")).await;
    let status = &story["asset_generation_status"];
    assert_eq!(status["overall"], "ready", "{status}");
    assert_eq!(asset(&story, "cover")["isPlaceholder"], Value::Null);
    story
}

/// How each reference of a character turned out, as the API tells it.
pub(super) async fn references(shared: &Shared, user: &User, hero: &str) -> Value {
    let url = format!(
        "{}/api/v1/characters/{hero}",
        shared.stack().variable("API_URL")
    );
    let request = reqwest::Client::new().get(url).bearer_auth(&user.token);
    let answer = request.send().await.expect("an answer");
    let answer: Value = answer.json().await.expect("JSON");
    answer["data"]["references"].clone()
}

/// Names of the files of a character in the bucket, with what was sent for it.
pub(super) fn files(shared: &Shared, hero: &str) -> Vec<String> {
    let bucket = shared.stack().home().join("files").join(BUCKET);
    let folders = ["characters", "uploads"].map(|folder| bucket.join(folder).join(hero));
    let entries = folders
        .iter()
        .filter_map(|folder| std::fs::read_dir(folder).ok());
    entries
        .flatten()
        .map(|entry| entry.expect("an entry").path().display().to_string())
        .collect()
}

#[test]
fn three_stories_of_a_hero_fetch_its_picture_once_and_no_provider_is_sent_where_it_came_from() {
    let (shared, web) = own_with_web("references");
    shared.run(async {
        let stand_ins = shared.stack().stand_ins();
        // Whoever is sent the address answers nothing.
        let kinds = [CallKind::Image, CallKind::Text, CallKind::Speech];
        stand_ins.script(kinds.map(|kind| always(kind, Outcome::ServerError, "img.example.com")));
        let user = demo(&shared);
        let id = hero(&user, &["https://img.example.com/ember.png"]).await;
        // The first does not wait until it is fetched; the others may as well come at once.
        let stories = tokio::join!(
            story_of(&user, &id),
            story_of(&user, &id),
            story_of(&user, &id)
        );
        for story in [&stories.0, &stories.1, &stories.2] {
            let metadata = &asset(story, "cover")["metadata"];
            assert_eq!(metadata["unusedReferences"], Value::Null, "{metadata}");
        }
        assert_eq!(web.asked_for("/img.example.com/ember.png"), 1);
        let calls = stand_ins.calls();
        assert!(calls.iter().all(|call| call.fault.is_none()));
        let edits = calls.iter().filter(|call| call.path.ends_with("edits"));
        assert_eq!(
            edits.count(),
            15,
            "covers from the picture, scenes from the cover"
        );
        let told = references(&shared, &user, &id).await;
        assert_eq!(told[0]["status"], "ready", "{told}");
        let [file] = files(&shared, &id).try_into().expect("one file");
        // No CDN serves it.
        let key = file.split(&format!("{BUCKET}/")).last().expect("a key");
        let url = format!("{}/{key}", shared.stack().variable("ASSETS_CDN_URL"));
        let answer = reqwest::get(url).await.expect("an answer");
        assert_eq!(answer.status(), 403);
    });
}

#[test]
fn a_picture_that_is_of_no_use_costs_itself_and_the_user_is_told() {
    let (shared, web) = own_with_web("no-use");
    shared.run(async {
        let stand_ins = shared.stack().stand_ins();
        let user = demo(&shared);
        let hosts = "https://img.example.com";
        let bad = ["ember.gif", "inside.png", "gone.png"].map(|name| format!("{hosts}/{name}"));
        let id = hero(&user, &[&bad[0], &bad[1], &bad[2]]).await;
        let story = story_of(&user, &id).await;
        let unused = &asset(&story, "cover")["metadata"]["unusedReferences"];
        let told =
            |index| json!({"characterId": id, "index": index, "reason": "UNREADABLE_REFERENCE"});
        assert_eq!(*unused, json!([told(0), told(1), told(2)]));
        assert!(
            references(&shared, &user, &id)
                .await
                .as_array()
                .expect("three")
                .iter()
                .all(|one| one["reason"] == "UNREADABLE_REFERENCE")
        );
        assert_eq!(files(&shared, &id), [""; 0]);
        assert_eq!(web.asked_for("/169.254.169.254/latest/meta-data/"), 0);

        // One that the provider's own filter refuses, twice, and is then left out.
        stand_ins.clear_calls();
        stand_ins.script([always(CallKind::Image, Outcome::Policy, "reference.jpg")]);
        let id = hero(&user, &[&format!("{hosts}/kid.png")]).await;
        let story = story_of(&user, &id).await;
        let unused = &asset(&story, "cover")["metadata"]["unusedReferences"];
        assert_eq!(unused[0]["reason"], "REFUSED_REFERENCE", "{unused}");
        let images = stand_ins.calls().into_iter();
        let images = images.filter(|call| call.kind == CallKind::Image);
        assert_eq!(images.count(), 2 + 5);
    });
}

#[test]
fn a_picture_is_fetched_though_its_event_is_lost_and_once_though_it_comes_twice() {
    let (shared, web) = own_with_web("lost-event");
    shared.run(async {
        let lambda = shared.stack().variable("AWS_ENDPOINT_URL_LAMBDA");
        let user = newcomer(&shared).await;
        let id = uuid::Uuid::new_v4();
        let insert = "insert into public.characters (id, owner_user_id, name, reference_images)
            values ($1, $2, 'Ember', '{https://img.example.com/ember.png}')";
        // Nobody is told of it.
        sqlx::query(insert)
            .bind(id)
            .bind(user.id)
            .execute(shared.stack().pool())
            .await
            .expect("a row");
        let due = "update private.reference_queue set available_at = now() where character_id = $1";
        sqlx::query(due)
            .bind(id)
            .execute(shared.stack().pool())
            .await
            .expect("a row");
        let wake = json!({"wake": true});
        let worker = "storytailor-asset-worker-production";
        assert_eq!(invoke(lambda, worker, "Event", &wake).await.0, 202);
        let id = id.to_string();
        until(async || references(&shared, &user, &id).await[0]["status"] == "ready").await;
        assert_eq!(web.asked_for("/img.example.com/ember.png"), 1);

        let id = hero(&user, &["https://img.example.com/kid.png"]).await;
        let prepare = json!({"action": "prepare_character", "characterId": id});
        for _ in 0..3 {
            let (_, error, answer) =
                invoke(lambda, CONTENT_AGENT, "RequestResponse", &prepare).await;
            assert_eq!(error, None, "{answer}");
        }
        until(async || references(&shared, &user, &id).await[0]["status"] == "ready").await;
        assert_eq!(web.asked_for("/img.example.com/kid.png"), 1);
    });
}

#[test]
fn a_picture_goes_with_its_place_in_the_list_with_its_character_and_with_its_user() {
    let (shared, _) = own_with_web("taken-away");
    shared.run(async {
        let user = newcomer(&shared).await;
        let [one, other] =
            ["ember", "kid"].map(|name| format!("https://img.example.com/{name}.png"));
        let id = hero(&user, &[&one, &other]).await;
        until(async || files(&shared, &id).len() == 2).await;
        let url = format!(
            "{}/api/v1/characters/{id}",
            shared.stack().variable("API_URL")
        );
        let change = reqwest::Client::new().patch(&url).bearer_auth(&user.token);
        let change = change
            .json(&json!({"referenceImages": [other]}))
            .send()
            .await;
        let answer: Value = change.expect("an answer").json().await.expect("JSON");
        assert_eq!(
            answer["data"]["references"][0]["status"], "ready",
            "it is not fetched again"
        );
        let lambda = shared.stack().variable("AWS_ENDPOINT_URL_LAMBDA");
        let delete = json!({"action": "delete_files"});
        invoke(lambda, CONTENT_AGENT, "RequestResponse", &delete).await;
        assert_eq!(files(&shared, &id).len(), 1);
        assert_eq!(
            user.delete(&shared, &format!("/characters/{id}")).await,
            200
        );
        until(async || files(&shared, &id).is_empty()).await;

        let id = hero(&user, &[&one]).await;
        until(async || files(&shared, &id).len() == 1).await;
        user.delete(&shared, "/users/me").await;
        until(async || files(&shared, &id).is_empty()).await;
    });
}
