//! A hero that is drawn once, and looks the same from book to book.

use super::{User, asset, demo, invocations::invoke, notices::until, references::files};
use crate::stack::{Shared, own};
use serde_json::{Value, json};
use stand_ins::CallKind;

async fn ask(shared: &Shared, user: &User, hero: &str) -> (u16, Value) {
    let api = shared.stack().variable("API_URL");
    let url = format!("{api}/api/v1/characters/{hero}/sheet");
    let request = reqwest::Client::new().post(url).bearer_auth(&user.token);
    let answer = request.send().await.expect("an answer");
    let status = answer.status().as_u16();
    (status, answer.json().await.expect("JSON"))
}

async fn sheet(shared: &Shared, user: &User, hero: &str) -> Value {
    let api = shared.stack().variable("API_URL");
    let url = format!("{api}/api/v1/characters/{hero}");
    let request = reqwest::Client::new().get(url).bearer_auth(&user.token);
    let answer = request.send().await.expect("an answer");
    let answer: Value = answer.json().await.expect("JSON");
    answer["data"]["sheet"].clone()
}

#[test]
fn a_hero_is_drawn_once_for_two_books_though_its_event_comes_again() {
    let shared = own("sheet", |_| {});
    shared.run(async {
        let stand_ins = shared.stack().stand_ins();
        let user = demo(&shared);
        let hero = json!({"name": "Ember", "species": "dragon", "traits": ["glasses"]});
        let hero = user.api.create_character(&hero).await.expect("a character");
        let id = hero["id"].as_str().expect("an id").to_owned();
        assert_eq!(sheet(&shared, &user, &id).await, Value::Null);
        let (status, answer) = ask(&shared, &user, &id).await;
        assert_eq!(
            (status, &answer["data"]["status"]),
            (202, &json!("pending"))
        );
        let lambda = shared.stack().variable("AWS_ENDPOINT_URL_LAMBDA");
        let prepare = json!({"action": "prepare_character", "characterId": id});
        let agent = "storytailor-content-agent-production";
        invoke(lambda, agent, "RequestResponse", &prepare).await;
        until(async || sheet(&shared, &user, &id).await["status"] == "ready").await;
        let (status, answer) = ask(&shared, &user, &id).await;
        assert_eq!((status, &answer["data"]["status"]), (200, &json!("ready")));
        let drawn = |path: &str| {
            let calls = stand_ins.calls().into_iter();
            let calls = calls.filter(|call| call.kind == CallKind::Image);
            calls.filter(|call| call.path.ends_with(path)).count()
        };
        assert_eq!((drawn("generations"), drawn("edits")), (1, 0));
        assert_eq!(files(&shared, &id).len(), 1);

        for _ in 0..2 {
            let wish =
                json!({"character_ids": [id], "story_type": "adventure", "themes": ["courage"]});
            let story = user.api.create_story(&wish).await.expect("a story");
            let story = user.settled(story["id"].as_str().expect("an id")).await;
            assert_eq!(asset(&story, "cover")["status"], "ready");
        }
        // Covers from the sheet, scenes from the cover.
        assert_eq!((drawn("generations"), drawn("edits")), (1, 10));
        assert_eq!(
            user.delete(&shared, &format!("/characters/{id}")).await,
            200
        );
        until(async || files(&shared, &id).is_empty()).await;
    });
}
