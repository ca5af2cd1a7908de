//! Pictures that are shown while they are drawn: how they are asked for, what is billed, and what becomes of one that breaks off.

use super::*;
use axum::body::Body;

fn event(kind: &str, members: Value) -> String {
    let mut event = json!({"type": format!("image_generation.{kind}"), "size": "1024x1024"});
    for (name, value) in members.as_object().into_iter().flatten() {
        event[name] = value.clone();
    }
    format!("event: image_generation.{kind}\ndata: {event}\n\n")
}

fn encoded() -> String {
    base64::engine::general_purpose::STANDARD.encode(picture_bytes())
}

fn preview() -> String {
    let members = json!({"b64_json": encoded(), "partial_image_index": 0});
    event("partial_image", members)
}

fn whole() -> String {
    let usage = json!({"input_tokens": 140, "output_tokens": 1156});
    event("completed", json!({"b64_json": encoded(), "usage": usage}))
}

fn refusal() -> String {
    let error = json!({"error": {"message": "", "type": "image_generation_user_error", "param": null,
        "code": "moderation_blocked"}});
    format!("event: error\ndata: {error}\n\n")
}

fn streamed(events: &[String]) -> Response {
    let kind = [("content-type", "text/event-stream")];
    (kind, events.concat()).into_response()
}

/// These events, and then the connection is silent for ever, or gone.
fn broken(events: String, is_silent: bool) -> Response {
    let first = futures::stream::iter([Ok(Bytes::from(events))]);
    let rest = futures::stream::once(async move {
        match is_silent {
            true => std::future::pending().await,
            false => {
                tokio::time::sleep(Duration::from_millis(20)).await;
                Err(std::io::Error::other("cut"))
            }
        }
    });
    Body::from_stream(futures::StreamExt::chain(first, rest)).into_response()
}

struct Drawn {
    server: Server,
    picture: Result<PictureBytes, ProviderError>,
    /// Somebody saw something before.
    was_shown: bool,
    /// Tokens out of each call that is billed.
    tokens: Vec<u64>,
}

async fn draw_by(answering: Answering, references: References, try_max: Duration) -> Drawn {
    let (server, mut openai) = Server::with_account(answering).await;
    openai.config.picture_try = try_max;
    let (previews, shown) = Previews::watched();
    let call = PictureCall {
        previews,
        ..picture_call(references)
    };
    let mut billed = Vec::new();
    let picture = openai.draw(&call, &mut billed).await;
    Drawn {
        server,
        picture,
        was_shown: shown.borrow().is_some(),
        tokens: billed.iter().map(|call| call.output_units).collect(),
    }
}

async fn drawn_by(answering: Answering) -> Drawn {
    draw_by(answering, References::None, crate::PICTURE_TRY).await
}

#[tokio::test]
async fn a_picture_somebody_watches_is_asked_for_as_a_stream_and_billed_with_what_was_shown() {
    let cover = PictureBytes::parse(picture_bytes().into()).expect("a picture");
    for references in [
        References::None,
        References::Pictures(vec![cover.clone()]),
        References::Picture(cover),
    ] {
        let drawn = draw_by(
            |_| streamed(&[preview(), whole()]),
            references.clone(),
            crate::PICTURE_TRY,
        )
        .await;
        assert!(drawn.picture.is_ok() && drawn.was_shown);
        assert_eq!(drawn.tokens, [1156]);
        let asked = &drawn.server.asked()[0];
        match references {
            References::Picture(_) | References::Pictures(_) => {
                let has = |field: &str, value: &str| {
                    let part = format!("name=\"{field}\"\r\n\r\n{value}\r\n");
                    assert!(asked.form.contains(&part), "{field}");
                };
                has("stream", "true");
                has("partial_images", "1");
            }
            References::None => assert_eq!(
                (&asked.body["stream"], &asked.body["partial_images"]),
                (&json!(true), &json!(1))
            ),
        }
    }
}

#[tokio::test]
async fn nobody_who_does_not_watch_pays_for_previews() {
    let (server, openai) = Server::with_account(|_| drawn()).await;
    assert!(draw(&openai, References::None).await.is_ok());
    let asked = &server.asked()[0].body;
    assert!(asked["stream"].is_null() && asked["partial_images"].is_null());
}

#[tokio::test]
async fn a_picture_without_previews_or_with_one_that_is_none_or_in_one_piece_is_a_picture() {
    let answers: [Answering; 3] = [
        |_| streamed(&[whole()]),
        |_| {
            let useless = event("partial_image", json!({"b64_json": "not base64 !"}));
            streamed(&[useless, whole()])
        },
        |_| drawn(),
    ];
    for answering in answers {
        let drawn = drawn_by(answering).await;
        assert!(drawn.picture.is_ok() && !drawn.was_shown);
        assert_eq!(drawn.tokens.len(), 1);
    }
}

#[tokio::test]
async fn a_refusal_while_it_is_drawn_is_a_refusal_and_billed_once_something_was_drawn() {
    let answers: [(Answering, &[u64]); 2] = [
        (|_| streamed(&[preview(), refusal()]), &[0]),
        (|_| streamed(&[refusal()]), &[]),
    ];
    for (answering, billed) in answers {
        let drawn = drawn_by(answering).await;
        let error = drawn.picture.expect_err("no picture");
        assert_eq!(error.kind, ErrorKind::Refused);
        assert_eq!(drawn.tokens, billed);
        assert_eq!(drawn.server.models(), [FIRST], "nobody else is asked");
    }
}

#[tokio::test]
async fn a_picture_that_breaks_off_is_billed_and_asked_for_elsewhere() {
    let answers: [Answering; 3] = [
        |asked| match asked.model() {
            FIRST => broken(preview(), false),
            _ => streamed(&[whole()]),
        },
        |asked| match asked.model() {
            FIRST => streamed(&[preview()]),
            _ => streamed(&[whole()]),
        },
        |asked| match asked.model() {
            FIRST => streamed(&[event("completed", json!({"b64_json": "iVBO"}))]),
            _ => streamed(&[whole()]),
        },
    ];
    for answering in answers {
        let drawn = drawn_by(answering).await;
        assert!(drawn.picture.is_ok());
        assert_eq!(drawn.server.models(), [FIRST, SECOND]);
        assert_eq!(drawn.tokens, [0, 1156]);
    }
}

#[tokio::test]
async fn a_connection_that_fell_silent_is_given_up_before_its_try_is_over() {
    let begun = Instant::now();
    let answering: Answering = |asked| match asked.model() {
        FIRST => broken(preview(), true),
        _ => streamed(&[whole()]),
    };
    let drawn = draw_by(answering, References::None, Duration::from_secs(2)).await;
    assert!(drawn.picture.is_ok());
    let took = begun.elapsed();
    assert!(took < Duration::from_millis(1_950), "{took:?}");
    assert_eq!(drawn.tokens, [0, 1156]);
}

#[tokio::test]
async fn a_picture_is_asked_for_in_the_quality_that_is_set() {
    let (server, mut openai) = Server::with_account(|_| drawn()).await;
    openai.config.picture_quality = PictureQuality::High;
    assert!(draw(&openai, References::None).await.is_ok());
    assert_eq!(server.asked()[0].body["quality"], "high");
}
