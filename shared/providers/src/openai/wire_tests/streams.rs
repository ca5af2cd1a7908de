//! Texts that are heard while they come: in which order they are asked for, and what becomes of one that breaks off.

use super::*;
use axum::body::Body;

/// Events with these words, and how the stream goes on after them.
fn events(words: &[&str], end: &str) -> String {
    let chunk = |choice: Value| {
        let chunk = json!({"model": "gpt-5.2", "choices": [choice], "usage": null});
        format!("data: {chunk}\n\n")
    };
    let words = words
        .iter()
        .map(|word| chunk(json!({"delta": {"content": word}})));
    words.collect::<String>() + end
}

fn streamed(events: String) -> Response {
    let kind = [("content-type", "text/event-stream")];
    (kind, events).into_response()
}

const STOP: &str = concat!(
    r#"data: {"choices": [{"delta": {}, "finish_reason": "stop"}]}"#,
    "\n\n",
    r#"data: {"choices": [], "usage": {"prompt_tokens": 900, "completion_tokens": 700}}"#,
    "\n\ndata: [DONE]\n\n"
);

/// The head and some words, and then the connection is gone.
fn cut(words: &[&str]) -> Response {
    let piece = Bytes::from(events(words, ""));
    let pieces = futures::stream::unfold(0, move |number| {
        let piece = piece.clone();
        async move {
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
            match number {
                0 => Some((Ok(piece), 1)),
                _ => Some((Err(std::io::Error::other("cut")), 2)),
            }
        }
    });
    Body::from_stream(pieces).into_response()
}

/// The answer, what was heard of it, and the tokens of each call that is billed.
async fn hear(
    answering: Answering,
) -> (Server, Result<Value, ProviderError>, Vec<String>, Vec<u64>) {
    let (server, openai) = Server::with_account(answering).await;
    let (mut heard, mut billed) = (Vec::new(), Vec::new());
    let mut hears = |words: &str| heard.push(words.to_owned());
    let call = text_call(TextModelRole::Story);
    let answer = openai.ask_aloud(&call, &mut hears, &mut billed).await;
    let tokens = billed.iter().map(|call| call.output_units).collect();
    (server, answer, heard, tokens)
}

#[tokio::test]
async fn a_text_is_asked_for_as_a_stream_with_its_price_and_in_the_order_of_its_schema() {
    let (server, answer, heard, tokens) =
        hear(|_| streamed(events(&["{\"a\":", "1}"], STOP))).await;
    assert_eq!(answer.expect("a text"), json!({"a": 1}));
    assert_eq!(heard.last().map(String::as_str), Some("{\"a\":1}"));
    assert_eq!(tokens, [700]);
    let asked = &server.asked()[0];
    assert_eq!(asked.body["stream"], true);
    assert_eq!(asked.body["stream_options"]["include_usage"], true);
    let place = |name: &str| asked.form.find(name).expect("a member");
    assert!(
        place("\"title\":{") < place("\"beats\":{"),
        "{}",
        asked.form
    );
}

#[tokio::test]
async fn a_text_that_breaks_off_while_it_is_heard_is_not_asked_for_again_from_its_beginning() {
    let broken: [Answering; 3] = [
        |_| cut(&["{\"title\": \"A dra", "gon\""]),
        |_| streamed(events(&["{\"title\": \"A dra", "gon\""], "")),
        |_| {
            let end = r#"data: {"choices": [{"delta": {}, "finish_reason": "length"}]}"#;
            streamed(events(
                &["{\"title\": \"A dra", "gon\""],
                &format!("{end}\n\n"),
            ))
        },
    ];
    for answering in broken {
        let (server, answer, heard, tokens) = hear(answering).await;
        assert!(answer.expect_err("no text").is_retryable());
        assert_eq!(server.models(), ["gpt-5.2"]);
        assert_eq!(
            heard.last().map(String::as_str),
            Some("{\"title\": \"A dragon\"")
        );
        assert_eq!(tokens, [5], "what was heard of it is billed");
    }
}

#[tokio::test]
async fn a_text_of_which_nothing_was_heard_is_asked_for_elsewhere() {
    let (server, answer, ..) = hear(|asked| match asked.model() {
        "gpt-5.2" => error(404, json!("model_not_found")),
        _ => streamed(events(&["{}"], STOP)),
    })
    .await;
    assert!(answer.is_ok());
    assert_eq!(server.models(), ["gpt-5.2", "gpt-5.4"]);
}

#[tokio::test]
async fn a_server_that_does_not_stream_is_understood_all_the_same() {
    let (_, answer, heard, tokens) = hear(|_| written("stop", "{\"a\":1}")).await;
    assert_eq!(answer.expect("a text"), json!({"a": 1}));
    assert!(heard.is_empty());
    assert_eq!(tokens, [8000]);
}
