//! The auth service as auth-js calls it.

use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};
use sqlx::Row as _;

use crate::stack::Stack;

const VERSION: (&str, &str) = ("x-supabase-api-version", "2024-01-01");

fn post(stack: &Stack, path: &str, body: &Value) -> RequestBuilder {
    let request = Client::new()
        .post(stack.url(path))
        .header("apikey", &stack.api_keys.publishable);
    request.header(VERSION.0, VERSION.1).json(body)
}

async fn json_of(response: Response) -> Value {
    response.json().await.unwrap()
}

fn ada() -> Value {
    json!({"email": "Ada@Example.com", "password": "lovelace", "data": {"name": "Ada"}})
}

async fn signed_up(stack: &Stack) -> Value {
    let response = post(stack, "/auth/v1/signup", &ada()).send().await.unwrap();
    assert_eq!(response.status(), 200);
    json_of(response).await
}

#[tokio::test]
async fn signing_up_stores_the_user_with_a_hash_and_signs_in() {
    let stack = Stack::start().await;
    let reply = signed_up(&stack).await;
    assert_eq!(
        (&reply["token_type"], &reply["expires_in"]),
        (&json!("bearer"), &json!(3600))
    );
    assert_eq!(reply["user"]["email"], "ada@example.com");
    assert_eq!(reply["user"]["user_metadata"], json!({"name": "Ada"}));
    let claims = stack
        .keys
        .verify(reply["access_token"].as_str().unwrap())
        .unwrap();
    assert_eq!(
        (claims.role(), claims.subject()),
        ("authenticated", reply["user"]["id"].as_str())
    );
    assert_eq!(json!(claims.expires_at_unix()), reply["expires_at"]);
    let row = sqlx::query("select id::text, encrypted_password from auth.users")
        .fetch_one(&stack.pool)
        .await
        .unwrap();
    assert_eq!(row.get::<&str, _>(0), reply["user"]["id"]);
    assert!(row.get::<&str, _>(1).starts_with("$2"), "bcrypt");

    let again = post(&stack, "/auth/v1/signup", &ada())
        .send()
        .await
        .unwrap();
    assert_eq!(again.status(), 422);
    assert_eq!(again.headers()["x-sb-error-code"], "user_already_exists");
}

#[tokio::test]
async fn an_anonymous_user_is_authenticated_and_marked() {
    let stack = Stack::start().await;
    let reply = json_of(
        post(&stack, "/auth/v1/signup", &json!({"data": {}}))
            .send()
            .await
            .unwrap(),
    )
    .await;
    assert_eq!(
        (&reply["user"]["is_anonymous"], &reply["user"]["role"]),
        (&json!(true), &json!("authenticated"))
    );
}

#[tokio::test]
async fn a_password_signs_in_and_a_wrong_one_does_not_in_either_error_shape() {
    let stack = Stack::start().await;
    signed_up(&stack).await;
    let path = "/auth/v1/token?grant_type=password";
    let good = post(&stack, path, &ada()).send().await.unwrap();
    assert_eq!(good.status(), 200);

    let wrong = json!({"email": "ada@example.com", "password": "byron"});
    let versioned = post(&stack, path, &wrong).send().await.unwrap();
    assert_eq!(versioned.status(), 400);
    assert_eq!(
        json_of(versioned).await,
        json!({"code": "invalid_credentials", "message": "Invalid login credentials"})
    );
    let plain = Client::new()
        .post(stack.url(path))
        .json(&wrong)
        .send()
        .await
        .unwrap();
    let expected = json!({"code": 400, "error_code": "invalid_credentials", "msg": "Invalid login credentials"});
    assert_eq!(json_of(plain).await, expected);
}

#[tokio::test]
async fn a_refresh_token_gives_a_new_pair_in_the_same_session_and_dies_with_it() {
    let stack = Stack::start().await;
    let reply = signed_up(&stack).await;
    let path = "/auth/v1/token?grant_type=refresh_token";
    let grant = |reply: &Value| json!({"refresh_token": reply["refresh_token"]});
    let renewed = json_of(post(&stack, path, &grant(&reply)).send().await.unwrap()).await;
    let session = |reply: &Value| {
        let claims = stack
            .keys
            .verify(reply["access_token"].as_str().unwrap())
            .unwrap();
        claims.text("session_id").unwrap().to_owned()
    };
    assert_eq!(session(&reply), session(&renewed));
    assert_ne!(reply["refresh_token"], renewed["refresh_token"]);

    let token = renewed["access_token"].as_str().unwrap();
    let out = post(&stack, "/auth/v1/logout?scope=global", &json!({}))
        .bearer_auth(token)
        .send()
        .await
        .unwrap();
    assert_eq!(out.status(), 204);
    let dead = post(&stack, path, &grant(&renewed)).send().await.unwrap();
    assert_eq!(dead.headers()["x-sb-error-code"], "refresh_token_not_found");
    let access_token_as_refresh_token = json!({"refresh_token": renewed["access_token"]});
    assert_eq!(
        post(&stack, path, &access_token_as_refresh_token)
            .send()
            .await
            .unwrap()
            .status(),
        400
    );
}

#[tokio::test]
async fn the_user_is_shown_to_its_own_token_only() {
    let stack = Stack::start().await;
    let reply = signed_up(&stack).await;
    let url = stack.url("/auth/v1/user");
    let ask = |token: String| {
        Client::new()
            .get(&url)
            .header(VERSION.0, VERSION.1)
            .bearer_auth(token)
            .send()
    };
    let shown = ask(reply["access_token"].as_str().unwrap().to_owned())
        .await
        .unwrap();
    assert_eq!(json_of(shown).await["id"], reply["user"]["id"]);
    assert_eq!(
        json_of(ask("x.y.z".into()).await.unwrap()).await["code"],
        "bad_jwt"
    );
    assert_eq!(
        ask(reply["refresh_token"].as_str().unwrap().to_owned())
            .await
            .unwrap()
            .status(),
        403
    );
    let key = ask(stack.api_keys.publishable.clone()).await.unwrap();
    assert_eq!(
        (key.status().as_u16(), json_of(key).await["code"].clone()),
        (401, json!("no_authorization"))
    );
}

#[tokio::test]
async fn the_published_key_verifies_a_token() {
    let stack = Stack::start().await;
    let token = signed_up(&stack).await["access_token"]
        .as_str()
        .unwrap()
        .to_owned();
    let response = Client::new()
        .get(stack.url("/auth/v1/.well-known/jwks.json"))
        .send()
        .await
        .unwrap();
    assert_eq!(response.headers()["cache-control"], "public, max-age=600");
    let set: jsonwebtoken::jwk::JwkSet = response.json().await.unwrap();
    let header = jsonwebtoken::decode_header(&token).unwrap();
    let key = jsonwebtoken::DecodingKey::from_jwk(set.find(&header.kid.unwrap()).unwrap()).unwrap();
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::ES256);
    validation.set_audience(&["authenticated"]);
    validation.set_issuer(&[stack.url("/auth/v1")]);
    jsonwebtoken::decode::<Value>(&token, &key, &validation).unwrap();
}

#[tokio::test]
async fn unusable_requests_are_told_what_is_wrong() {
    let stack = Stack::start().await;
    for (path, body, code) in [
        (
            "/auth/v1/signup",
            json!({"email": "ada", "password": "lovelace"}),
            "validation_failed",
        ),
        (
            "/auth/v1/signup",
            json!({"email": "ada@example.com", "password": "short"}),
            "weak_password",
        ),
        (
            "/auth/v1/token?grant_type=password",
            json!({"email": "ada@example.com"}),
            "bad_json",
        ),
        (
            "/auth/v1/token?grant_type=magic",
            json!({}),
            "validation_failed",
        ),
        (
            "/auth/v1/token?grant_type=refresh_token",
            json!({"refresh_token": "x"}),
            "refresh_token_not_found",
        ),
    ] {
        let response = post(&stack, path, &body).send().await.unwrap();
        assert_eq!(response.headers()["x-sb-error-code"], code, "{path} {body}");
    }
}

#[tokio::test]
async fn a_mailed_link_signs_in_and_another_one_says_why_not() {
    let stack = Stack::start().await;
    let redirect = "http://127.0.0.1/app/?id=1";
    let wish = json!({"email": "grace@example.com", "create_user": true});
    let path = "/auth/v1/otp?redirect_to=http%3A%2F%2F127.0.0.1%2Fapp%2F%3Fid%3D1";
    let sent = post(&stack, path, &wish).send().await.unwrap();
    assert_eq!(sent.status(), 200);
    let mail = std::fs::read_dir(&stack.mails)
        .unwrap()
        .flatten()
        .next()
        .unwrap();
    let mail = std::fs::read_to_string(mail.path()).unwrap();
    assert!(mail.contains("To: grace@example.com\r\n"), "{mail}");
    let (_, link) = mail.split_once("\r\n\r\n").unwrap();

    let client = Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let leads_to = async |link: &str| {
        let answer = client.get(link).send().await.unwrap();
        answer.headers()["location"].to_str().unwrap().to_owned()
    };
    let brought = leads_to(link.trim()).await;
    let (page, session) = brought.split_once('#').unwrap();
    assert_eq!(page, redirect);
    let pairs: std::collections::HashMap<_, _> =
        url::form_urlencoded::parse(session.as_bytes()).collect();
    let claims = stack.keys.verify(&pairs["access_token"]).unwrap();
    assert_eq!(claims.text("email"), Some("grace@example.com"));
    assert!(pairs.contains_key("refresh_token"));

    let forged = leads_to(&link.trim().replace("token=", "token=x")).await;
    assert!(forged.contains("#error=access_denied"), "{forged}");
}
