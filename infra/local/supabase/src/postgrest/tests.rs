//! What the store and a browser ask of PostgREST, asked of the embedded one over our own migrations.

use super::*;
use crate::{
    auth::{Keys, User},
    postgres::Postgres,
};
use reqwest::{Method, RequestBuilder};
use serde_json::json;
use std::{path::Path, sync::Arc, time::Duration};
use tokio::sync::OnceCell;
use uuid::Uuid;

const SECRET: &str = "super-secret-jwt-token-with-at-least-32-characters-long";

/// One server for all tests here; its guardian takes it down with this process.
static SERVER: OnceCell<Postgres> = OnceCell::const_new();

struct Served {
    base: String,
    keys: Arc<Keys>,
    http: reqwest::Client,
}

impl Served {
    async fn new() -> Self {
        let migrations = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../supabase/migrations");
        let server = SERVER
            .get_or_try_init(|| Postgres::start_temporary(&migrations))
            .await
            .unwrap();
        let database = server.copy_database().await.unwrap();
        let key_file = std::env::temp_dir().join(format!("storytailor-key-{}.pem", Uuid::new_v4()));
        let keys = Arc::new(
            Keys::load_or_create(&key_file, "http://127.0.0.1/auth/v1".to_owned(), SECRET).unwrap(),
        );
        std::fs::remove_file(key_file).unwrap();
        let router = super::router(&database.authenticator_url(), &keys.verification_jwks())
            .await
            .unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            base,
            keys,
            http: reqwest::Client::new(),
        }
    }

    fn as_service(&self, method: Method, path: &str) -> RequestBuilder {
        let key = self.keys.legacy_api_key("service_role");
        self.http
            .request(method, format!("{}{path}", self.base))
            .bearer_auth(key)
    }

    fn as_user(&self, user: Uuid, method: Method, path: &str) -> RequestBuilder {
        let token = self
            .keys
            .access_token(&User::with_email(user, "a@b.c"), Duration::from_secs(60));
        self.http
            .request(method, format!("{}{path}", self.base))
            .bearer_auth(token)
    }

    async fn call(&self, function: &str, arguments: &Value) -> (u16, Value) {
        answer(
            self.as_service(Method::POST, &format!("/rpc/{function}"))
                .json(arguments),
        )
        .await
    }

    async fn character(&self, user: Uuid) -> String {
        let arguments = json!({"p_user_id": user, "p_email": null, "p_character": {"name": "Luna", "traits": ["glasses"]}});
        let (status, body) = self.call("create_character", &arguments).await;
        assert_eq!(status, 200, "{body}");
        body["character"]["id"].as_str().unwrap().to_owned()
    }

    async fn story(&self, user: Uuid, character: &str) -> (u16, Value) {
        let request = json!({"character_ids": [character], "story_type": "adventure", "themes": ["it's \"courage\""],
            "asset_types": ["cover", "audio"]});
        self.call(
            "create_story",
            &json!({"p_user_id": user, "p_email": "a@b.c", "p_request": request}),
        )
        .await
    }
}

async fn answer(request: RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (
        status,
        if text.is_empty() {
            Value::Null
        } else {
            serde_json::from_str(&text).unwrap()
        },
    )
}

#[tokio::test]
async fn a_function_is_called_by_name_with_defaults_left_out_and_answers_bare_json() {
    let served = Served::new().await;
    let user = Uuid::new_v4();
    let character = served.character(user).await;
    let (status, body) = served.story(user, &character).await;
    assert_eq!((status, &body["replayed"]), (200, &json!(false)));
    assert_eq!(body["story"]["character_ids"], json!([character]));
    assert_eq!(body["story"]["themes"], json!(["it's \"courage\""]));

    let story = &body["story"]["id"];
    let (status, body) = served
        .call(
            "cancel_assets",
            &json!({"p_user_id": user, "p_story_id": story, "p_asset_types": ["audio", "cover"]}),
        )
        .await;
    assert_eq!(
        (status, body["assetTypes"].as_array().unwrap().len()),
        (200, 2),
        "{body}"
    );
    let (status, body) = served
        .call(
            "cancel_assets",
            &json!({"p_user_id": user, "p_story_id": story, "p_asset_types": null}),
        )
        .await;
    assert_eq!(
        (status, &body["assetTypes"]),
        (200, &json!(["content"])),
        "{body}"
    );
    let (status, body) = served
        .call(
            "report_progress",
            &json!({"p_jobs": [], "p_lease_seconds": 60}),
        )
        .await;
    assert_eq!((status, body), (200, json!({"lost": []})));
    let email: Value =
        answer(served.as_service(Method::GET, &format!("/users?id=eq.{user}&select=email")))
            .await
            .1;
    assert_eq!(
        email,
        json!([{"email": null}]),
        "a null must not arrive as the empty text"
    );
}

#[tokio::test]
async fn a_refusal_raised_in_sql_keeps_its_status_code_message_and_details() {
    let served = Served::new().await;
    let user = Uuid::new_v4();
    let character = served.character(user).await;
    let (status, body) = served.story(user, &Uuid::new_v4().to_string()).await;
    assert_eq!(
        (status, &body["code"], &body["message"]),
        (404, &json!("PT404"), &json!("CHARACTER_NOT_FOUND"))
    );
    for _ in 0..2 {
        assert_eq!(served.story(user, &character).await.0, 200);
    }
    let (status, body) = served.story(user, &character).await;
    assert_eq!(
        (status, &body["code"], &body["message"]),
        (403, &json!("PT403"), &json!("QUOTA_EXCEEDED"))
    );
    let details: Value = serde_json::from_str(body["details"].as_str().unwrap()).unwrap();
    assert_eq!(
        (&details["storyLimit"], &body["hint"]),
        (&json!(2), &Value::Null)
    );
}

#[tokio::test]
async fn rows_are_filtered_ordered_cut_and_embedded() {
    let served = Served::new().await;
    let user = Uuid::new_v4();
    let character = served.character(user).await;
    served.story(user, &character).await;
    served.story(user, &character).await;
    let path = format!(
        "/stories?select=id,created_at&creator_user_id=eq.{user}&order=created_at.desc,id.desc"
    );
    let (status, all) = answer(served.as_service(Method::GET, &path)).await;
    assert_eq!((status, all.as_array().unwrap().len()), (200, 2));
    assert!(all[0]["created_at"].as_str() > all[1]["created_at"].as_str());
    let second = served
        .as_service(Method::GET, &path)
        .header("Range-Unit", "items")
        .header("Range", "1-1");
    assert_eq!(answer(second).await.1, json!([all[1]]));
    let limited = served.as_service(Method::GET, &format!("{path}&limit=1&offset=1"));
    assert_eq!(answer(limited).await.1, json!([all[1]]));

    let embedded = format!(
        "/stories?select=id,asset_generation_jobs(asset_type)&id=eq.{}",
        all[0]["id"].as_str().unwrap()
    );
    let (_, body) = answer(served.as_user(user, Method::GET, &embedded)).await;
    assert_eq!(
        body[0]["asset_generation_jobs"].as_array().unwrap().len(),
        3,
        "{body}"
    );
    let none = served
        .as_service(Method::GET, "/stories?story_type=eq.none")
        .header("Accept", "application/vnd.pgrst.object+json");
    let (status, body) = answer(none).await;
    assert_eq!((status, &body["code"]), (406, &json!("PGRST116")));
}

#[tokio::test]
async fn a_change_and_a_removal_answer_the_rows_they_touched() {
    let served = Served::new().await;
    let user = Uuid::new_v4();
    let character = served.character(user).await;
    let path =
        format!("/characters?select=id,name,traits&id=eq.{character}&owner_user_id=eq.{user}");
    let change = served
        .as_service(Method::PATCH, &path)
        .header("Prefer", "return=representation")
        .json(&json!({"name": "Nox", "traits": []}));
    assert_eq!(
        answer(change).await,
        (200, json!([{"id": character, "name": "Nox", "traits": []}]))
    );
    let elsewhere = format!(
        "/characters?select=id&id=eq.{character}&owner_user_id=eq.{}",
        Uuid::new_v4()
    );
    let removal = |path: &str| {
        served
            .as_service(Method::DELETE, path)
            .header("Prefer", "return=representation")
    };
    assert_eq!(answer(removal(&elsewhere)).await, (200, json!([])));
    assert_eq!(answer(removal(&path)).await.1[0]["id"], json!(character));
    assert_eq!(answer(removal(&path)).await, (200, json!([])));
}

#[tokio::test]
async fn each_token_reads_what_its_role_may_and_no_more() {
    let served = Served::new().await;
    let (owner, stranger) = (Uuid::new_v4(), Uuid::new_v4());
    let character = served.character(owner).await;
    served.story(owner, &character).await;
    let (_, body) = answer(served.as_user(owner, Method::GET, "/stories?select=id")).await;
    assert_eq!(body.as_array().unwrap().len(), 1);
    assert_eq!(
        answer(served.as_user(stranger, Method::GET, "/stories?select=id")).await,
        (200, json!([]))
    );

    let (status, body) = answer(
        served
            .as_user(owner, Method::PATCH, "/stories?status=eq.generating")
            .json(&json!({"title": "x"})),
    )
    .await;
    assert_eq!((status, &body["code"]), (403, &json!("42501")), "{body}");
    let (status, body) = answer(
        served
            .as_user(owner, Method::POST, "/rpc/expire_stuck_jobs")
            .json(&json!({})),
    )
    .await;
    assert_eq!((status, &body["code"]), (403, &json!("42501")), "{body}");
    let (status, body) = answer(served.http.get(format!("{}/stories", served.base))).await;
    assert_eq!((status, &body["code"]), (401, &json!("42501")), "{body}");
}

#[tokio::test]
async fn a_forged_or_expired_token_is_nobodys() {
    let served = Served::new().await;
    let url = format!("{}/stories", served.base);
    // Two minutes ago: PostgREST forgives a clock 30 seconds.
    let expiry = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs()
        - 120;
    let claims = json!({"role": "service_role", "exp": expiry});
    let key = jsonwebtoken::EncodingKey::from_secret(SECRET.as_bytes());
    let expired = jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap();
    let (status, body) = answer(served.http.get(&url).bearer_auth(expired)).await;
    assert_eq!((status, &body["code"]), (401, &json!("PGRST303")), "{body}");
    let forged =
        crate::auth::legacy_key("service_role", "another-secret-with-at-least-32-characters");
    let (status, body) = answer(served.http.get(&url).bearer_auth(forged)).await;
    assert_eq!(
        (
            status,
            body["code"].as_str().unwrap().starts_with("PGRST30")
        ),
        (401, true),
        "{body}"
    );
}
