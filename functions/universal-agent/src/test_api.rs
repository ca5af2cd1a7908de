//! The API of tests: the real router before a database that gives canned answers, and an invoker that notes every event.

use crate::{
    Config, Deps, TokenVerifier, Voice, Voices, VoicesError, app,
    deps::{MEDIANS_FRESH_FOR, PLANS_FRESH_FOR},
    last_known::LastKnown,
    moderation::PATIENCE,
    rates::Rates,
    recent::Recent,
    signatures::Secrets,
    voices::{account_voices, built_in},
};
use async_trait::async_trait;
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_types::{SdkConfig, region::Region};
use axum::{
    Json, Router,
    body::{Body, to_bytes},
    extract::Request,
    http::{HeaderMap, Method, StatusCode},
    response::{IntoResponse, Response},
};
use contract::{Answered, find_deviations};
use jsonwebtoken::{EncodingKey, Header, encode, get_current_timestamp};
use providers::Moderation;
use runtime::{Invoke, InvokeError, SealingKeys, signing::UnsubscribeKey};
use secrecy::SecretString;
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};
use store::{RestConfig, Store, Uploads};
use tower::ServiceExt;
use url::Url;

pub(crate) mod contract;

pub(crate) const SECRET: &str = "a-legacy-secret-with-at-least-32-characters";
pub(crate) const PAYMENT_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
pub(crate) const MAIL_SECRET: &str = "sb_secret_test";
/// Base64 of 32 zero bytes.
pub(crate) const SHOP_KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
pub(crate) const USER: &str = "0190a5a0-0000-7000-8000-00000000000a";
pub(crate) const STORY: &str = "01234567-89ab-cdef-0123-456789abcdef";

/// A server on a free port of this machine, gone with the test's runtime.
pub(crate) async fn serve(router: Router) -> Url {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    url.parse().unwrap()
}

/// What forms for uploads are signed with.
fn signer() -> SdkConfig {
    let key = Credentials::new("AKIDEXAMPLE", "secret", None, None, "test");
    SdkConfig::builder()
        .region(Region::new("eu-west-1"))
        .credentials_provider(SharedCredentialsProvider::new(key))
        .build()
}

/// What the database was asked: method, path below `/rest/v1` with query, body.
pub(crate) type Question = (String, String, Value);

#[derive(Default)]
struct Told {
    answers: HashMap<String, (u16, Value)>,
    is_silent: bool,
    questions: Vec<Question>,
}

/// PostgREST with one canned answer per table or function, for a platform that runs, and `[]` for all others.
#[derive(Clone, Default)]
pub(crate) struct Database(Arc<Mutex<Told>>);

impl Database {
    pub(crate) fn answers(&self, what: &str, status: u16, answer: Value) {
        let mut told = self.0.lock().unwrap();
        told.answers.insert(what.to_owned(), (status, answer));
    }

    /// From now on it takes questions and answers none.
    pub(crate) fn falls_silent(&self) {
        self.0.lock().unwrap().is_silent = true;
    }

    /// A store before a server that answers so.
    pub(crate) async fn store(&self) -> Store {
        let answering = self.clone();
        let fallback = move |request| answering.clone().answer(request);
        let rest = RestConfig {
            supabase_url: serve(Router::new().fallback(fallback)).await,
            service_role_key: "sb_secret_test".into(),
        };
        Store::new(&rest, reqwest::Client::new()).unwrap()
    }

    pub(crate) fn questions(&self) -> Vec<Question> {
        self.0.lock().unwrap().questions.clone()
    }

    async fn answer(self, request: Request) -> Response {
        let (parts, body) = request.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        let path = parts
            .uri
            .to_string()
            .trim_start_matches("/rest/v1/")
            .to_owned();
        let (is_silent, status, answer) = {
            let mut told = self.0.lock().unwrap();
            let what = path.split('?').next().unwrap();
            let answer = told.answers.get(what).cloned();
            let (status, answer) = answer.unwrap_or_else(|| (200, usual_answer(what)));
            let body = serde_json::from_slice(&body).unwrap_or_default();
            told.questions.push((parts.method.to_string(), path, body));
            (told.is_silent, status, answer)
        };
        if is_silent {
            return std::future::pending().await;
        }
        (StatusCode::from_u16(status).unwrap(), Json(answer)).into_response()
    }
}

fn usual_answer(what: &str) -> Value {
    match what {
        "rpc/platform_state" => json!({"state": "running", "since": "2026-01-01T00:00:00+00:00"}),
        _ => json!([]),
    }
}

/// Notes every event; refuses them all when told so.
#[derive(Default)]
pub(crate) struct Invoker {
    pub(crate) refuses: Mutex<bool>,
    pub(crate) events: Mutex<Vec<(String, Value)>>,
}

#[async_trait]
impl Invoke for Invoker {
    async fn invoke(&self, function: &str, event: Value) -> Result<(), InvokeError> {
        self.events
            .lock()
            .unwrap()
            .push((function.to_owned(), event));
        if *self.refuses.lock().unwrap() {
            return Err(InvokeError {
                function: function.to_owned(),
                source: "throttled".into(),
            });
        }
        Ok(())
    }
}

/// The account's voices: none are to be had unless a test says which there are.
#[derive(Default)]
pub(crate) struct Account(Mutex<Option<Value>>);

impl Account {
    /// As the provider would list them.
    pub(crate) fn has(&self, voices: Value) {
        *self.0.lock().unwrap() = Some(json!({"voices": voices}));
    }
}

#[async_trait]
impl Voices for Account {
    async fn list(&self, _: Duration) -> Result<Vec<Voice>, VoicesError> {
        let answer = self.0.lock().unwrap().clone().ok_or(VoicesError::NoKey)?;
        let listed = domain::voice::read_listing(&answer).ok_or(VoicesError::NoVoices)?;
        Ok(account_voices(listed, None))
    }

    fn built_in(&self) -> Vec<Voice> {
        built_in(None)
    }
}

pub(crate) struct TestApi {
    app: Router,
    pub(crate) database: Database,
    pub(crate) invoker: Arc<Invoker>,
    pub(crate) account: Arc<Account>,
    issuer: String,
}

impl TestApi {
    pub(crate) async fn new() -> Self {
        Self::before(Rates::off(), None, &[SHOP_KEY]).await
    }

    /// One whose operators have set no key for shops.
    pub(crate) async fn without_shops() -> Self {
        Self::before(Rates::off(), None, &[]).await
    }

    /// One that counts requests.
    pub(crate) async fn counting() -> Self {
        Self::before(Rates::default(), None, &[SHOP_KEY]).await
    }

    /// One that asks this service about the words of its users.
    pub(crate) async fn moderated_by(service: &Url) -> Self {
        Self::before(Rates::off(), Some(service), &[SHOP_KEY]).await
    }

    async fn before(rates: Rates, moderation: Option<&Url>, shop_keys: &[&str]) -> Self {
        let database = Database::default();
        let answering = database.clone();
        let url =
            serve(Router::new().fallback(move |request| answering.clone().answer(request))).await;
        Self::over(url, database, rates, moderation, shop_keys)
    }

    /// With nobody at the database's address.
    pub(crate) async fn without_database() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        Self::over(
            url.parse().unwrap(),
            Database::default(),
            Rates::off(),
            None,
            &[],
        )
    }

    fn over(
        supabase_url: Url,
        database: Database,
        rates: Rates,
        moderation: Option<&Url>,
        shop_keys: &[&str],
    ) -> Self {
        let shop_keys: Vec<_> = shop_keys.iter().map(ToString::to_string).collect();
        let http = reqwest::Client::new();
        let key = moderation.map(|_| SecretString::from("sk-test"));
        let moderation = moderation.unwrap_or(&supabase_url);
        let invoker = Arc::new(Invoker::default());
        let account = Arc::new(Account::default());
        let rest = RestConfig {
            supabase_url: supabase_url.clone(),
            service_role_key: "sb_secret_test".into(),
        };
        let app = app(Deps {
            store: Store::new(&rest, http.clone()).unwrap(),
            moderation: Moderation::new(moderation, key, http.clone(), PATIENCE),
            invoker: Arc::clone(&invoker) as Arc<dyn Invoke>,
            uploads: Uploads::new(async { signer() }, "assets".to_owned(), None),
            verifier: TokenVerifier::new(&supabase_url, Some(&SECRET.into()), http),
            voices: Arc::clone(&account) as Arc<dyn Voices>,
            config: Config {
                content_agent: "content-agent".to_owned(),
                asset_worker: "asset-worker".to_owned(),
                notice_sender: Some("timeout-handler".to_owned()),
                environment: "test".to_owned(),
                page: Some("https://page.test/app/".to_owned()),
                picture_quality: domain::picture_quality::PictureQuality::default(),
            },
            plans: Recent::new(PLANS_FRESH_FOR),
            medians: Recent::new(MEDIANS_FRESH_FOR),
            last_known: LastKnown::default(),
            rates,
            secrets: Secrets::new(&["hush".to_owned()], &[PAYMENT_SECRET.to_owned()]),
            unsubscribing: UnsubscribeKey::of(&MAIL_SECRET.into()),
            shop_keys: SealingKeys::new("SHOP_KEY", &shop_keys).unwrap(),
        });
        Self {
            app,
            database,
            invoker,
            account,
            issuer: format!("{supabase_url}auth/v1"),
        }
    }

    pub(crate) fn token(&self) -> String {
        let now = get_current_timestamp();
        let claims = json!({"iss": self.issuer, "sub": USER, "aud": "authenticated", "role": "authenticated",
            "iat": now, "exp": now + 3600, "email": "ada@example.com"});
        let secret = EncodingKey::from_secret(SECRET.as_bytes());
        encode(&Header::default(), &claims, &secret).unwrap()
    }

    /// Sends a request and holds the answer to `openapi.json`.
    pub(crate) async fn send(&self, request: Request) -> Response {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let response = self.app.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        // A preflight request is the browser's affair and stands in no description.
        if method != Method::OPTIONS || parts.status != StatusCode::NO_CONTENT {
            let headers = parts.headers.iter();
            let answered = Answered {
                method: method.as_str(),
                path: &path,
                status: parts.status.as_u16(),
                headers: headers
                    .map(|(name, value)| {
                        (
                            name.to_string(),
                            value.to_str().unwrap_or_default().to_owned(),
                        )
                    })
                    .collect(),
                body: serde_json::from_slice(&body).ok(),
            };
            let deviations = find_deviations(&answered);
            assert!(deviations.is_empty(), "{deviations:#?} in {answered:#?}");
        }
        Response::from_parts(parts, body.into())
    }

    /// As the signed-in user, below `/api/v1`; the body as given.
    pub(crate) async fn ask(&self, method: &str, path: &str, body: impl Into<Body>) -> Response {
        let request = Request::builder()
            .method(method)
            .uri(format!("/api/v1{path}"))
            .header("authorization", format!("Bearer {}", self.token()))
            .header("content-type", "application/json");
        self.send(request.body(body.into()).unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Response {
        self.ask("POST", path, body.to_string()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.ask("GET", path, Body::empty()).await
    }

    /// Asks for what an earlier answer may still stand for.
    pub(crate) async fn get_unless(&self, path: &str, held: &str) -> Response {
        let request = Request::get(format!("/api/v1{path}"))
            .header("authorization", format!("Bearer {}", self.token()))
            .header("if-none-match", held);
        self.send(request.body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn post_with_key(&self, path: &str, key: &str, body: Value) -> Response {
        let request = Request::post(format!("/api/v1{path}"))
            .header("authorization", format!("Bearer {}", self.token()))
            .header("content-type", "application/json")
            .header("idempotency-key", key);
        self.send(request.body(body.to_string().into()).unwrap())
            .await
    }

    pub(crate) fn events(&self) -> Vec<(String, Value)> {
        self.invoker.events.lock().unwrap().clone()
    }
}

/// The JSON body of an answer; `null` where there is none.
pub(crate) async fn body(response: Response) -> Value {
    let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    serde_json::from_slice(&bytes).unwrap_or_default()
}

/// A story as PostgREST tells it, with these assets.
pub(crate) fn story_row(overall: &str, assets: Value) -> Value {
    json!({"id": STORY, "library_id": USER, "creator_user_id": USER, "title": "Untitled Story", "content": {},
        "status": "generating", "asset_generation_status": {"overall": overall, "assets": assets},
        "asset_generation_started_at": "2026-01-01T00:00:00+00:00", "asset_generation_completed_at": null,
        "hue_extracted_colors": {}, "audio_words": null, "audio_blocks": null, "character_ids": [USER],
        "story_type": "adventure", "themes": ["courage"], "version": 3, "created_at": "2026-01-01T00:00:00+00:00",
        "updated_at": "2026-01-01T00:00:00+00:00"})
}

pub(crate) fn code_of(body: &Value) -> &str {
    body["code"].as_str().unwrap_or_default()
}

pub(crate) fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers
        .get(name)
        .map_or("", |value| value.to_str().unwrap())
}
