//! Which model is asked next, and which failures are no matter of the model.

use super::*;

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
async fn where_another_provider_stands_by_an_outage_is_neither_waited_for_nor_everybody_s() {
    let (server, openai) = Server::with_account(|_| error(503, Value::Null)).await;
    let call = PictureCall {
        has_stand_in: true,
        ..picture_call(References::None)
    };
    for _ in 0..3 {
        let picture = openai.draw(&call, &mut Vec::new()).await;
        assert!(picture.is_err());
    }
    assert_eq!(server.asked().len(), 3 * 2, "each model once");
    assert!(
        openai.breaker.is_closed(),
        "texts are asked for all the same"
    );
}
