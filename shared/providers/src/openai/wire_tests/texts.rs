//! Texts: room for an answer, what is billed of one that is of no use, and what a question carries.

use super::*;

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
