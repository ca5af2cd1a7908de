//! A picture that a user has and nobody else: sent to the bucket by a form that is good for one file, and kept as any other.

use super::{
    User, newcomer,
    notices::until,
    references::{PICTURE, files, references},
    requests::post,
};
use crate::stack::{Shared, shared};
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use stack::environment::SECRET_ACCESS_KEY;
use std::{collections::BTreeMap, process::Command};

async fn hero(user: &User) -> String {
    let hero = user.api.create_character(&json!({"name": "Ember"})).await;
    let hero = hero.expect("a character");
    hero["id"].as_str().expect("an id").to_owned()
}

/// A form of the API.
async fn form(shared: &Shared, user: &User, hero: &str) -> Value {
    let api = shared.stack().variable("API_URL");
    let url = format!("{api}/api/v1/characters/{hero}/uploads");
    let (status, mut answer) = post(&url, &user.token, None, &Value::Null).await;
    assert_eq!(status, 201, "{answer}");
    answer["data"].take()
}

/// The status of what the bucket answers to a form with this file.
async fn send(url: &str, fields: &BTreeMap<String, String>, kind: &str, file: Vec<u8>) -> u16 {
    let mut form = Form::new();
    for (name, value) in fields {
        form = form.text(name.clone(), value.clone());
    }
    form = form.text("Content-Type", kind.to_owned());
    form = form.part("file", Part::bytes(file).file_name("ember.png"));
    let answer = reqwest::Client::new().post(url).multipart(form).send();
    answer.await.expect("an answer").status().as_u16()
}

fn fields(form: &Value) -> BTreeMap<String, String> {
    serde_json::from_value(form["fields"].clone()).expect("texts")
}

/// The same form, good until another moment, signed with the key of the local stack by Python's own hmac.
fn good_until(mut fields: BTreeMap<String, String>, moment: &str) -> BTreeMap<String, String> {
    let script = "import base64, hashlib, hmac, json, sys\n\
        policy, credential, secret, moment = sys.argv[1:]\n\
        policy = dict(json.loads(base64.b64decode(policy)), expiration=moment)\n\
        policy = base64.b64encode(json.dumps(policy).encode())\n\
        key = ('AWS4' + secret).encode()\n\
        for part in credential.split('/')[1:] + [policy.decode()]:\n    \
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()\n\
        print(policy.decode(), key.hex())";
    let output = Command::new("python3")
        .args(["-c", script, &fields["policy"], &fields["x-amz-credential"]])
        .args([SECRET_ACCESS_KEY, moment])
        .output()
        .expect("Python runs");
    let output = String::from_utf8_lossy(&output.stdout).into_owned();
    let (policy, signature) = output.trim().split_once(' ').expect("two words");
    fields.insert("policy".to_owned(), policy.to_owned());
    fields.insert("x-amz-signature".to_owned(), signature.to_owned());
    fields
}

#[test]
fn a_picture_is_sent_by_a_form_named_by_its_character_kept_and_deleted_where_it_was_sent() {
    let shared = shared();
    shared.run(async {
        let user = newcomer(&shared).await;
        let id = hero(&user).await;
        let form = form(&shared, &user, &id).await;
        let url = form["url"].as_str().expect("an address");
        assert_eq!(
            send(url, &fields(&form), "image/png", PICTURE.to_vec()).await,
            204
        );
        assert!(files(&shared, &id)[0].contains("/uploads/"));
        let change = reqwest::Client::new()
            .patch(format!(
                "{}/api/v1/characters/{id}",
                shared.stack().variable("API_URL")
            ))
            .bearer_auth(&user.token)
            .json(&json!({"referenceImages": [form["reference"]]}));
        assert_eq!(change.send().await.expect("an answer").status(), 200);
        until(async || references(&shared, &user, &id).await[0]["status"] == "ready").await;
        until(async || {
            let files = files(&shared, &id);
            files.len() == 1 && files[0].contains("/characters/")
        })
        .await;
    });
}

#[test]
fn a_form_is_good_for_its_key_for_pictures_of_ten_megabytes_at_most_and_for_nobody_else() {
    let shared = shared();
    shared.run(async {
        let user = newcomer(&shared).await;
        let id = hero(&user).await;
        let form = form(&shared, &user, &id).await;
        let url = form["url"].as_str().expect("an address");
        let good = fields(&form);
        let with = |name: &str, value: &str| {
            let mut fields = good.clone();
            fields.insert(name.to_owned(), value.to_owned());
            fields
        };
        let picture = || PICTURE.to_vec();
        for (fields, kind, file) in [
            (with("key", "stories/1/cover.png"), "image/png", picture()),
            (
                with("key", &format!("uploads/{id}/another")),
                "image/png",
                picture(),
            ),
            (with("x-amz-meta-more", "1"), "image/png", picture()),
            (
                with("x-amz-signature", &"0".repeat(64)),
                "image/png",
                picture(),
            ),
            (with("policy", "e30="), "image/png", picture()),
            (good.clone(), "text/html", picture()),
            (good.clone(), "image/png", Vec::new()),
            (good.clone(), "image/png", vec![0; (10 << 20) + 1]),
        ] {
            let status = send(url, &fields, kind, file).await;
            assert!(
                (400..500).contains(&status),
                "{status} for {kind} {fields:?}"
            );
        }
        let expired = good_until(good.clone(), "2026-01-01T00:00:00.000Z");
        let status = send(url, &expired, "image/png", picture()).await;
        assert!((400..500).contains(&status), "{status}");
        assert_eq!(files(&shared, &id), [""; 0]);
        let longer = good_until(good.clone(), "2099-01-01T00:00:00.000Z");
        assert_eq!(send(url, &longer, "image/png", picture()).await, 204);
        let api = shared.stack().variable("API_URL");
        let stranger = newcomer(&shared).await;
        let url = format!("{api}/api/v1/characters/{id}/uploads");
        assert_eq!(post(&url, &stranger.token, None, &Value::Null).await.0, 404);
    });
}
