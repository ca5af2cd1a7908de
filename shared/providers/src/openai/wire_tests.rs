//! Whole calls against a server that answers as a test says: which model is asked next, with what, and what is billed.

use super::*;
use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    http::{StatusCode, Uri},
    response::{IntoResponse, Response},
};
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
            api_key: "sk-test".to_owned(),
            text_models: models(["gpt-5.2", "gpt-5.4"]),
            analysis_models: vec!["gpt-5.2".to_owned()],
            image_models: models(["gpt-image-2.5-sunburst", "gpt-image-2"]),
            patience: Patience::default(),
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
        schema: json!({}),
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

#[tokio::test]
async fn a_model_that_is_not_open_to_the_account_is_asked_once_and_the_second_draws_every_picture()
{
    let (server, openai) = Server::with_account(|asked| match asked.model() {
        FIRST => error(403, Value::Null),
        _ => drawn(),
    })
    .await;
    let mut billed = Vec::new();
    for _ in 0..3 {
        let call = picture_call(References::None);
        openai.draw(&call, &mut billed).await.expect("a picture");
    }
    assert_eq!(server.models(), [FIRST, SECOND, SECOND, SECOND]);
    let models: Vec<_> = billed.iter().map(|billed| billed.model.as_str()).collect();
    assert_eq!(models, [SECOND; 3]);
}

#[tokio::test]
async fn whatever_the_second_model_may_do_better_it_is_asked_for() {
    let failures: [(Answering, u64); 6] = [
        (|_| error(404, json!("model_not_found")), 0),
        (|_| error(503, json!("server_is_overloaded")), 0),
        (
            |_| {
                json_answer(
                    400,
                    json!({"error": {"message": "x", "type": "invalid_request_error", "param": "quality", "code": 400}}),
                )
            },
            0,
        ),
        (
            |_| json_answer(200, json!({"data": [{}], "usage": {"input_tokens": 7}})),
            7,
        ),
        (|_| json_answer(200, json!("nothing")), 0),
        (|_| "<html>".into_response(), 0),
    ];
    for (failure, units) in failures {
        static FAILURE: Mutex<Option<Answering>> = Mutex::new(None);
        *FAILURE.lock().expect("no holder panics") = Some(failure);
        let (server, openai) = Server::with_account(|asked| match asked.model() {
            FIRST => FAILURE.lock().expect("no holder panics").expect("set")(asked),
            _ => drawn(),
        })
        .await;
        let mut billed = Vec::new();
        let call = picture_call(References::None);
        let picture = openai.draw(&call, &mut billed).await;
        assert!(picture.is_ok(), "{picture:?}");
        assert_eq!(server.models(), [FIRST, SECOND]);
        let first_unit = billed.first().map(|billed| billed.input_units);
        if billed.len() == 2 {
            assert_eq!(first_unit, Some(units));
        }
    }
}

#[tokio::test]
async fn a_refusal_a_wrong_key_and_a_rate_limit_are_no_matter_of_the_model() {
    let failures: [(Answering, ErrorKind); 4] = [
        (
            |_| error(401, json!("invalid_api_key")),
            ErrorKind::BadCredentials,
        ),
        (
            |_| error(429, json!("insufficient_quota")),
            ErrorKind::OutOfCredits,
        ),
        (
            |_| error(400, json!("moderation_blocked")),
            ErrorKind::Refused,
        ),
        (
            |_| {
                (
                    [("retry-after", "30")],
                    error(429, json!("rate_limit_exceeded")),
                )
                    .into_response()
            },
            ErrorKind::RateLimited {
                retry_after: Some(Duration::from_secs(30)),
            },
        ),
    ];
    for (failure, kind) in failures {
        let (server, openai) = Server::with_account(failure).await;
        let picture = draw(&openai, References::None);
        assert_eq!(picture.await.expect_err("no picture").kind, kind);
        assert_eq!(server.models(), [FIRST]);
    }
}

#[tokio::test]
async fn when_no_model_is_open_to_the_account_the_error_says_so() {
    let (server, openai) = Server::with_account(|_| error(403, Value::Null)).await;
    let picture = draw(&openai, References::None);
    let failed = picture.await.expect_err("no picture");
    assert_eq!(
        (failed.kind, failed.is_of_all_models),
        (ErrorKind::ModelClosed, true)
    );
    assert_eq!(server.models(), [FIRST, SECOND]);
}

#[tokio::test]
async fn one_dead_model_does_not_stop_the_provider_for_everybody() {
    let (server, openai) = Server::with_account(|asked| match asked.model() {
        FIRST => error(503, Value::Null),
        _ => drawn(),
    })
    .await;
    let call = picture_call(References::None);
    let eight = futures::future::join_all(
        (0..8).map(|_| async { openai.draw(&call, &mut Vec::new()).await }),
    );
    assert!(eight.await.iter().all(Result::is_ok));
    assert!(openai.breaker.is_closed());
    let first = server
        .models()
        .iter()
        .filter(|model| *model == FIRST)
        .count();
    openai
        .draw(&call, &mut Vec::new())
        .await
        .expect("a picture");
    assert_eq!(
        server
            .models()
            .iter()
            .filter(|model| *model == FIRST)
            .count(),
        first,
        "a model that keeps failing is asked last"
    );
}

#[tokio::test]
async fn a_provider_that_is_down_is_left_alone_after_as_few_calls_as_with_one_model() {
    let (server, openai) = Server::with_account(|_| error(503, Value::Null)).await;
    let call = picture_call(References::None);
    let four = futures::future::join_all(
        (0..4).map(|_| async { openai.draw(&call, &mut Vec::new()).await }),
    );
    for picture in four.await {
        let error = picture.expect_err("no picture");
        assert!(
            error.is_retryable() && error.retry_after().is_some(),
            "{error}"
        );
    }
    assert!(!openai.breaker.is_closed());
    assert!(server.asked().len() <= 10, "{} calls", server.asked().len());
}

#[tokio::test]
async fn an_answer_that_reasoning_left_no_room_for_is_asked_for_with_more_room_and_both_are_billed()
{
    let (server, openai) = Server::with_account(|asked| {
        let room = asked.body["max_completion_tokens"]
            .as_u64()
            .unwrap_or_default();
        if room <= 8000 && asked.body["reasoning_effort"].is_null() {
            written("length", "")
        } else {
            written("stop", r#"{"a":1}"#)
        }
    })
    .await;
    let mut billed = Vec::new();
    let call = text_call(TextModelRole::Story);
    let value = openai.ask(&call, &mut billed).await.expect("a text");
    assert_eq!(value, json!({"a": 1}));
    let asked = server.asked();
    let rooms: Vec<_> = asked
        .iter()
        .map(|asked| {
            (
                &asked.body["max_completion_tokens"],
                &asked.body["reasoning_effort"],
            )
        })
        .collect();
    assert_eq!(
        rooms,
        [(&json!(8000), &Value::Null), (&json!(16000), &json!("low"))]
    );
    let units: Vec<_> = billed
        .iter()
        .map(|billed| {
            (
                billed.input_units,
                billed.output_units,
                billed.request_id.as_str(),
            )
        })
        .collect();
    assert_eq!(units, [(900, 8000, "req_1"), (900, 8000, "req_2")]);

    openai.ask(&call, &mut billed).await.expect("a text");
    let third = server.asked().pop().expect("a third call");
    assert_eq!(
        third.body["max_completion_tokens"], 16000,
        "what was learnt is kept"
    );
}

#[tokio::test]
async fn an_answer_that_is_always_cut_short_is_paid_for_twice_a_model_and_asked_with_still_more_room_later()
 {
    let (server, openai) = Server::with_account(|_| written("length", "")).await;
    let mut billed = Vec::new();
    let call = text_call(TextModelRole::Analysis);
    let room = |asked: &Asked| asked.body["max_completion_tokens"].as_u64();
    let error = openai.ask(&call, &mut billed).await.expect_err("no text");
    assert_eq!(error.kind, ErrorKind::CutShort);
    assert!(error.is_retryable());
    assert_eq!(billed.len(), 2);
    openai.ask(&call, &mut billed).await.expect_err("no text");
    let rooms: Vec<_> = server.asked().iter().filter_map(room).collect();
    assert_eq!(rooms, [8000, 16000, 32000]);
    assert_eq!(billed.len(), 3);
}

#[tokio::test]
async fn a_model_that_takes_no_more_room_than_usual_is_not_taken_for_a_wrong_request() {
    let (server, openai) = Server::with_account(|asked| match &asked.body["reasoning_effort"] {
        Value::Null => written("length", ""),
        _ => error(400, json!("unsupported_value")),
    })
    .await;
    let call = text_call(TextModelRole::Analysis);
    for calls in [2, 4] {
        let error = openai.ask(&call, &mut Vec::new()).await;
        let error = error.expect_err("no text");
        assert_eq!(error.kind, ErrorKind::CutShort);
        assert_eq!(server.asked().len(), calls);
    }
}

#[tokio::test]
async fn texts_have_a_chain_of_models_too() {
    let (server, openai) = Server::with_account(|asked| match asked.model() {
        "gpt-5.2" => error(403, Value::Null),
        _ => written("stop", "{}"),
    })
    .await;
    let mut billed = Vec::new();
    let call = text_call(TextModelRole::Story);
    let text = openai.ask(&call, &mut billed).await;
    assert!(text.is_ok());
    assert_eq!(server.models(), ["gpt-5.2", "gpt-5.4"]);
}

#[tokio::test]
async fn a_refused_and_a_useless_text_are_billed() {
    let useless: [(Answering, ErrorKind); 2] = [
        (
            |_| {
                json_answer(
                    200,
                    json!({"choices": [{"message": {"refusal": "No."}, "finish_reason": "stop"}],
                        "usage": {"prompt_tokens": 900, "completion_tokens": 12}}),
                )
            },
            ErrorKind::Refused,
        ),
        (|_| written("stop", "Certainly!"), ErrorKind::Malformed),
    ];
    for (answering, kind) in useless {
        let (_, openai) = Server::with_account(answering).await;
        let mut billed = Vec::new();
        let call = text_call(TextModelRole::Analysis);
        let error = openai.ask(&call, &mut billed).await.expect_err("no text");
        assert_eq!(error.kind, kind);
        assert_eq!(billed.len(), 1);
        assert_eq!(billed[0].input_units, 900);
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_billed_though_nobody_knows_how_much() {
    let (_, openai) = Server::with_account(|_| {
        // The head leaves while the body is waited for.
        let pieces = futures::stream::unfold(0, |piece| async move {
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
            match piece {
                0 => Some((Ok(Bytes::from_static(b"{\"data\":[")), 1)),
                _ => Some((Err(std::io::Error::other("cut")), 2)),
            }
        });
        axum::body::Body::from_stream(pieces).into_response()
    })
    .await;
    let mut billed = Vec::new();
    let call = PictureCall {
        deadline: Instant::now() + Duration::from_millis(800),
        ..picture_call(References::None)
    };
    let error = openai
        .draw(&call, &mut billed)
        .await
        .expect_err("no picture");
    assert!(error.is_retryable());
    assert!(!billed.is_empty());
    assert_eq!(billed[0].request_id, "req_1");
}

#[tokio::test]
async fn a_reference_nobody_can_read_is_told_from_a_request_that_is_wrong() {
    let (server, openai) = Server::with_account(|asked| {
        if asked.path.ends_with("edits") {
            return json_answer(
                400,
                json!({"error": {"message": "invalid image", "type": "image_generation_user_error", "param": "images[1]", "code": "invalid_image_file"}}),
            );
        }
        error(400, json!("invalid_image_file"))
    })
    .await;
    let urls = [
        "https://img.example.com/a.png",
        "https://img.example.com/b.gif",
    ];
    let urls = urls.map(|url| url.parse().expect("a URL")).to_vec();
    let picture = draw(&openai, References::Urls(urls));
    let failed = picture.await.expect_err("no picture").kind;
    assert_eq!(failed, ErrorKind::ReferenceUnreadable { index: Some(1) });
    assert_eq!(server.models(), [FIRST], "no other model reads it either");
    let picture = draw(&openai, References::None);
    assert_eq!(
        picture.await.expect_err("no picture").kind,
        ErrorKind::Invalid
    );
}

#[tokio::test]
async fn an_edit_that_is_refused_without_a_word_is_put_down_to_its_references() {
    let (server, openai) = Server::with_account(|_| {
        json_answer(
            400,
            json!({"error": "Error while downloading https://img.example.com/expired"}),
        )
    })
    .await;
    let url = "https://img.example.com/expired".parse().expect("a URL");
    let picture = draw(&openai, References::Urls(vec![url])).await;
    let kind = picture.expect_err("no picture").kind;
    assert_eq!(kind, ErrorKind::ReferenceUnreadable { index: None });
    assert_eq!(server.models(), [FIRST]);
}

#[tokio::test]
async fn a_reference_of_ours_is_sent_as_what_it_is() {
    let (server, openai) = Server::with_account(|_| drawn()).await;
    let mut bytes = std::io::Cursor::new(Vec::new());
    image::RgbImage::new(300, 300)
        .write_to(&mut bytes, image::ImageFormat::WebP)
        .expect("encodes");
    let cover = PictureBytes::parse(bytes.into_inner().into()).expect("a picture");
    let picture = draw(&openai, References::Picture(cover));
    picture.await.expect("a picture");
    let form = &server.asked()[0].form;
    assert!(form.contains("Content-Type: image/webp") && form.contains("reference.webp"));
}

#[tokio::test]
async fn what_was_wrong_before_stands_beside_the_data_and_cannot_close_its_tags() {
    let (server, openai) = Server::with_account(|_| written("stop", "{}")).await;
    let call = TextCall {
        correction: Some("unknown </problem> member".to_owned()),
        ..text_call(TextModelRole::Story)
    };
    openai.ask(&call, &mut Vec::new()).await.expect("a text");
    let asked = &server.asked()[0].body["messages"];
    assert_eq!(asked[0]["content"], "Write.");
    let content = asked[1]["content"].as_str().unwrap_or_default();
    assert_eq!(content.matches("</problem>").count(), 1, "{content}");
}
