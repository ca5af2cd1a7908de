//! Whole calls against a server that answers as a test says: an order, how it stands, and the picture.

use super::*;
use crate::{CallCount, OpenOrders, Previews, References};
use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::json;
use std::sync::Mutex;

/// One request, as the server saw it.
#[derive(Clone, Debug)]
struct Asked {
    path: String,
    body: Value,
    key: String,
}

/// From path, body and number of requests so far to an answer.
type Answering = fn(&Asked, usize, &str) -> Response;

#[derive(Clone)]
struct Server {
    answering: Answering,
    address: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

async fn answer(
    State(server): State<Server>,
    _method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let key = headers.get("x-key").and_then(|key| key.to_str().ok());
    let asked = Asked {
        path: uri.path().to_owned(),
        body: serde_json::from_slice(&body).unwrap_or_default(),
        key: key.unwrap_or_default().to_owned(),
    };
    let number = {
        let mut all = server.asked.lock().expect("no holder panics");
        all.push(asked.clone());
        all.len()
    };
    (server.answering)(&asked, number, &server.address)
}

impl Server {
    async fn with_account(answering: Answering) -> (Self, Bfl) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a free port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let server = Self {
            answering,
            address: address.clone(),
            asked: Arc::default(),
        };
        let router = Router::new()
            .fallback(answer)
            .layer(axum::extract::DefaultBodyLimit::disable())
            .with_state(server.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let config = BflConfig {
            base_url: address.parse().expect("a URL"),
            api_key: "bfl-test".into(),
            image_models: vec!["flux-2-pro".to_owned()],
            picture_try: Duration::from_secs(5),
            timeouts: CallTimeouts::default(),
        };
        (server, Bfl::new(config, reqwest::Client::new()))
    }

    fn asked(&self, path: &str) -> Vec<Asked> {
        let mut asked = self.asked.lock().expect("no holder panics").clone();
        asked.retain(|asked| asked.path == path);
        asked
    }
}

const ORDER: &str = "/v1/flux-2-pro";
const RESULT: &str = "/v1/get_result";
const FILE: &str = "/delivery/1.png";

fn json_answer(status: u16, body: Value) -> Response {
    let status = StatusCode::from_u16(status).expect("a status");
    (status, Json(body)).into_response()
}

fn placed(address: &str) -> Response {
    let url = format!("{address}{RESULT}?id=task-1");
    json_answer(
        200,
        json!({"id": "task-1", "polling_url": url, "cost": 4.5, "input_mp": 1.0, "output_mp": 1.05}),
    )
}

fn stands(status: &str, address: &str) -> Response {
    let sample = format!("{address}{FILE}");
    json_answer(
        200,
        json!({"id": "task-1", "status": status, "result": {"sample": sample}}),
    )
}

fn file() -> Response {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image::RgbImage::new(300, 300)
        .write_to(&mut bytes, image::ImageFormat::Png)
        .expect("encodes");
    Body::from(bytes.into_inner()).into_response()
}

/// As on a good day, but for how the order stands.
fn answer_as(asked: &Asked, address: &str, standing: Response) -> Response {
    match asked.path.as_str() {
        ORDER => placed(address),
        RESULT => standing,
        _ => file(),
    }
}

async fn draw(
    bfl: &Bfl,
    references: References,
) -> (Result<PictureBytes, ProviderError>, Vec<CallUsage>) {
    draw_knowing(bfl, references, &OpenOrders::default()).await
}

async fn draw_knowing(
    bfl: &Bfl,
    references: References,
    orders: &OpenOrders,
) -> (Result<PictureBytes, ProviderError>, Vec<CallUsage>) {
    let mut billed = Vec::new();
    let picture = bfl.draw(&call(references, orders), &mut billed).await;
    (picture, billed)
}

fn call(references: References, orders: &OpenOrders) -> PictureCall {
    PictureCall {
        prompt: "A dragon".to_owned(),
        references,
        deadline: Instant::now() + Duration::from_secs(60),
        left_usd: f64::INFINITY,
        has_stand_in: false,
        sent: CallCount::default(),
        previews: Previews::default(),
        orders: orders.clone(),
    }
}

#[tokio::test]
async fn an_order_is_placed_asked_after_and_fetched_and_its_megapixels_are_billed() {
    let (server, bfl) = Server::with_account(|asked, number, address| {
        let status = if number < 3 { "Pending" } else { "Ready" };
        answer_as(asked, address, stands(status, address))
    })
    .await;
    let picture = PictureBytes::parse(
        axum::body::to_bytes(file().into_body(), usize::MAX)
            .await
            .expect("bytes"),
    );
    let cover = References::Picture(picture.expect("a picture"));
    let (picture, billed) = draw(&bfl, cover).await;
    assert!(picture.is_ok(), "{picture:?}");
    let billed = &billed[0];
    assert_eq!(
        (
            billed.provider,
            billed.model.as_str(),
            billed.request_id.as_str()
        ),
        ("bfl", "flux-2-pro", "task-1")
    );
    assert_eq!((billed.input_units, billed.output_units), (1, 2));
    let order = &server.asked(ORDER)[0];
    assert_eq!(order.key, "bfl-test");
    assert_eq!(
        (&order.body["width"], &order.body["output_format"]),
        (&json!(1024), &json!("png"))
    );
    let sent = order.body["input_image"].as_str().expect("a reference");
    assert!(STANDARD.decode(sent).is_ok(), "{sent}");
    assert!(server.asked(RESULT).len() >= 2);
    assert!(
        server
            .asked(RESULT)
            .iter()
            .all(|asked| asked.key == "bfl-test")
    );
    assert_eq!(server.asked(FILE)[0].key, "", "the address alone is enough");
}

#[tokio::test]
async fn no_more_references_are_sent_than_are_worth_their_price() {
    let (server, bfl) = Server::with_account(|asked, _, address| {
        answer_as(asked, address, stands("Ready", address))
    })
    .await;
    let file = axum::body::to_bytes(file().into_body(), usize::MAX);
    let one = PictureBytes::parse(file.await.expect("bytes")).expect("a picture");
    let (picture, _) = draw(&bfl, References::Pictures(vec![one.clone(); 6])).await;
    assert!(picture.is_ok());
    let body = &server.asked(ORDER)[0].body;
    assert_eq!(body["input_image_4"], STANDARD.encode(one.bytes()));
    assert_eq!(body["input_image_5"], Value::Null);
}

#[tokio::test]
async fn a_refusal_of_the_words_or_of_the_picture_is_a_refusal_and_was_paid_for() {
    for answering in [
        (|asked, _, address| answer_as(asked, address, stands("Request Moderated", address)))
            as Answering,
        |asked, _, address| answer_as(asked, address, stands("Content Moderated", address)),
    ] {
        let (server, bfl) = Server::with_account(answering).await;
        let (picture, billed) = draw(&bfl, References::None).await;
        assert_eq!(picture.expect_err("none").kind, ErrorKind::Refused);
        assert_eq!((billed.len(), server.asked(ORDER).len()), (1, 1));
    }
}

#[tokio::test]
async fn a_question_that_is_lost_loses_nothing() {
    let (server, bfl) = Server::with_account(|asked, number, address| {
        let standing = match number {
            2 => json_answer(502, Value::Null),
            3 => json_answer(429, Value::Null),
            4 => "half of a".into_response(),
            _ => stands("Ready", address),
        };
        answer_as(asked, address, standing)
    })
    .await;
    let (picture, billed) = draw(&bfl, References::None).await;
    assert!(picture.is_ok(), "{picture:?}");
    assert_eq!((billed.len(), server.asked(ORDER).len()), (1, 1));
}

#[tokio::test]
async fn an_order_that_is_never_done_ends_with_the_try_and_one_that_failed_at_once() {
    let (_server, mut bfl) = Server::with_account(|asked, _, address| {
        answer_as(asked, address, stands("Pending", address))
    })
    .await;
    bfl.config.picture_try = Duration::from_millis(900);
    let (picture, billed) = draw(&bfl, References::None).await;
    assert_eq!(picture.expect_err("none").kind, ErrorKind::TimedOut);
    assert_eq!(billed.len(), 1, "it may be drawn all the same");

    let (_server, bfl) = Server::with_account(|asked, _, address| {
        answer_as(asked, address, stands("Error", address))
    })
    .await;
    let (picture, _) = draw(&bfl, References::None).await;
    assert_eq!(picture.expect_err("none").kind, ErrorKind::Unavailable);
}

#[tokio::test]
async fn an_order_that_could_not_be_had_in_time_is_asked_after_by_the_next_try_and_not_placed_again()
 {
    let (server, mut bfl) = Server::with_account(|asked, number, address| {
        let status = if number < 5 { "Pending" } else { "Ready" };
        answer_as(asked, address, stands(status, address))
    })
    .await;
    bfl.config.picture_try = Duration::from_millis(1_500);
    let orders = OpenOrders::default();
    let (picture, billed) = draw_knowing(&bfl, References::None, &orders).await;
    assert_eq!(picture.expect_err("none").kind, ErrorKind::TimedOut);
    assert_eq!((billed.len(), orders.are_open_at(BFL)), (1, true));

    // As another process reads it from where it was kept.
    let kept = serde_json::to_value(&orders).expect("JSON");
    let orders: OpenOrders = serde_json::from_value(kept).expect("orders");
    bfl.config.picture_try = Duration::from_secs(5);
    let (picture, billed) = draw_knowing(&bfl, References::None, &orders).await;
    assert!(picture.is_ok(), "{picture:?}");
    assert_eq!((billed.len(), server.asked(ORDER).len()), (0, 1));
    assert!(orders.are_none());
}

#[tokio::test]
async fn an_order_that_nobody_knows_any_more_or_of_other_things_is_placed_anew() {
    let in_words: Answering = |asked, number, address| {
        let status = if number == 1 {
            "Task not found"
        } else {
            "Ready"
        };
        answer_as(asked, address, stands(status, address))
    };
    let by_status: Answering = |asked, number, address| match number {
        1 => json_answer(404, json!({"detail": "Not Found"})),
        _ => answer_as(asked, address, stands("Ready", address)),
    };
    for answering in [in_words, by_status] {
        let (server, bfl) = Server::with_account(answering).await;
        let same = call(References::None, &OpenOrders::default());
        let order = OpenOrder {
            provider: BFL.to_owned(),
            model: "flux-2-pro".to_owned(),
            request: Order::of("flux-2-pro", &same).digest(),
            polling_url: format!("{}{RESULT}?id=old", server.address)
                .parse()
                .expect("a URL"),
        };
        let other = OpenOrder {
            request: "of something else".to_owned(),
            ..order.clone()
        };
        let elsewhere = OpenOrder {
            polling_url: "https://elsewhere.example.com".parse().expect("a URL"),
            ..order.clone()
        };
        for (known, questions) in [(order, 2), (other, 3), (elsewhere, 4)] {
            let orders = OpenOrders::from(vec![known]);
            let (picture, billed) = draw_knowing(&bfl, References::None, &orders).await;
            assert!(picture.is_ok(), "{picture:?}");
            assert_eq!((billed.len(), server.asked(RESULT).len()), (1, questions));
        }
    }
}

#[tokio::test]
async fn the_key_is_shown_to_nobody_else_and_what_cannot_be_read_is_malformed() {
    for (answering, billed_calls) in [
        (
            (|asked, _, _| match asked.path.as_str() {
                ORDER => json_answer(
                    200,
                    json!({"id": "t", "polling_url": "https://elsewhere.example.com/v1/get_result"}),
                ),
                _ => file(),
            }) as Answering,
            1,
        ),
        // Whatever was taken is paid for, though nobody knows where to ask after it.
        (|_, _, _| "<html>".into_response(), 1),
        (
            |asked, _, address| match asked.path.as_str() {
                FILE => "no picture".into_response(),
                _ => answer_as(asked, address, stands("Ready", address)),
            },
            1,
        ),
    ] {
        let (_server, bfl) = Server::with_account(answering).await;
        let (picture, billed) = draw(&bfl, References::None).await;
        assert_eq!(picture.expect_err("none").kind, ErrorKind::Malformed);
        assert_eq!(billed.len(), billed_calls);
    }
    let (_server, mut bfl) = Server::with_account(|_, _, _| file()).await;
    bfl.config.base_url = "https://api.eu.bfl.ai".parse().expect("a URL");
    for (url, is_shown) in [
        ("https://api.eu2.bfl.ai/v1/get_result?id=1", true),
        ("http://api.eu2.bfl.ai/v1/get_result?id=1", false),
        ("https://bfl.ai.example.com/v1/get_result", false),
        ("https://evilbfl.ai/v1/get_result", false),
        ("https://api.bfl.ai:8443/v1/get_result", false),
    ] {
        let url = url.parse().expect("a URL");
        assert_eq!(bfl.may_be_shown_the_key(&url), is_shown, "{url}");
    }
}
