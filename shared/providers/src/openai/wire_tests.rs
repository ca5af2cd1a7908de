//! Whole calls against a server that answers as a test says: which model is asked next, with what, and what is billed.

mod call_log;
mod models;
mod previews;
mod references;
mod streams;
mod texts;

use super::*;
use crate::{
    CallCount, OpenOrders, PictureBytes, PictureCall, PictureModel, Previews, References, TextCall,
    TextModel, TextModelRole,
};
use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    http::{StatusCode, Uri},
    response::{IntoResponse, Response},
};
use base64::Engine;
use serde_json::{Value, json};
use std::sync::Mutex;

type Answering = fn(&Asked) -> Response;

/// One request, as the server saw it.
#[derive(Clone, Debug)]
struct Asked {
    path: String,
    /// `Null` for a form.
    body: Value,
    form: String,
}

impl Asked {
    fn model(&self) -> &str {
        self.body["model"].as_str().unwrap_or_default()
    }
}

#[derive(Clone)]
struct Server {
    answering: Answering,
    asked: Arc<Mutex<Vec<Asked>>>,
}

async fn answer(State(server): State<Server>, uri: Uri, body: Bytes) -> Response {
    let asked = Asked {
        path: uri.path().to_owned(),
        body: serde_json::from_slice(&body).unwrap_or_default(),
        form: String::from_utf8_lossy(&body).into_owned(),
    };
    let number = {
        let mut all = server.asked.lock().expect("no holder panics");
        all.push(asked.clone());
        all.len()
    };
    let mut response = (server.answering)(&asked);
    let id = format!("req_{number}").parse().expect("a header");
    response.headers_mut().insert("x-request-id", id);
    response
}

impl Server {
    /// A server, and an account there with two models of each kind.
    async fn with_account(answering: Answering) -> (Self, OpenAi) {
        let server = Self {
            answering,
            asked: Arc::default(),
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let router = Router::new()
            .fallback(answer)
            .layer(axum::extract::DefaultBodyLimit::disable())
            .with_state(server.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let models = |names: [&str; 2]| names.map(str::to_owned).to_vec();
        let config = OpenAiConfig {
            base_url: format!("http://{address}/v1").parse().expect("a URL"),
            api_key: "sk-test".into(),
            text_models: models(["gpt-5.2", "gpt-5.4"]),
            analysis_models: vec!["gpt-5.2".to_owned()],
            image_models: models(["gpt-image-2.5-sunburst", "gpt-image-2"]),
            picture_quality: PictureQuality::default(),
            picture_try: crate::PICTURE_TRY,
            timeouts: CallTimeouts::default(),
        };
        (server, OpenAi::new(config, reqwest::Client::new()))
    }

    fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("no holder panics").clone()
    }

    fn models(&self) -> Vec<String> {
        let asked = self.asked();
        asked.iter().map(|asked| asked.model().to_owned()).collect()
    }
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

fn text_call(model: TextModelRole) -> TextCall {
    TextCall {
        name: "story",
        schema: crate::object([
            ("title", crate::text_schema("A name")),
            ("beats", crate::boolean()),
        ]),
        instructions: "Write.".to_owned(),
        data: json!({}),
        picture: None,
        correction: None,
        model,
        deadline: soon(),
    }
}

fn picture_call(references: References) -> PictureCall {
    PictureCall {
        prompt: "A dragon".to_owned(),
        references,
        deadline: soon(),
        left_usd: f64::INFINITY,
        has_stand_in: false,
        sent: CallCount::default(),
        previews: Previews::default(),
        orders: OpenOrders::default(),
    }
}

/// A picture by itself, whatever it is billed.
async fn draw(openai: &OpenAi, references: References) -> Result<PictureBytes, ProviderError> {
    openai
        .draw(&picture_call(references), &mut Vec::new())
        .await
}

fn json_answer(status: u16, body: Value) -> Response {
    let status = StatusCode::from_u16(status).expect("a status");
    (status, Json(body)).into_response()
}

fn error(status: u16, code: Value) -> Response {
    json_answer(
        status,
        json!({"error": {"message": "organization must be verified", "type": "invalid_request_error", "param": null, "code": code}}),
    )
}

fn picture_bytes() -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image::RgbImage::new(300, 300)
        .write_to(&mut bytes, image::ImageFormat::Png)
        .expect("encodes");
    bytes.into_inner()
}

fn drawn() -> Response {
    let encoded = base64::engine::general_purpose::STANDARD.encode(picture_bytes());
    json_answer(
        200,
        json!({"data": [{"b64_json": encoded}], "usage": {"input_tokens": 140, "output_tokens": 1056}}),
    )
}

fn written(reason: &str, content: &str) -> Response {
    json_answer(
        200,
        json!({"model": "gpt-5.2", "choices": [{"message": {"content": content, "refusal": null}, "finish_reason": reason}],
            "usage": {"prompt_tokens": 900, "completion_tokens": 8000}}),
    )
}

const FIRST: &str = "gpt-image-2.5-sunburst";
const SECOND: &str = "gpt-image-2";
