//! Mails switched off by the link in one: whom it is for is signed, and nobody learns whether there is such a user.

use crate::test_api::{MAIL_SECRET, TestApi, USER, body, code_of, header};
use axum::{body::Body, extract::Request};
use runtime::signing::UnsubscribeKey;
use serde_json::{Value, json};

fn link(user: &str) -> String {
    let token = UnsubscribeKey::of(&MAIL_SECRET.into()).token(user);
    format!("/api/v1/notices/unsubscribe/{token}")
}

fn click(link: &str) -> Request {
    let request = Request::post(link).header("content-type", "application/x-www-form-urlencoded");
    let body = Body::from("List-Unsubscribe=One-Click");
    request.body(body).unwrap()
}

#[tokio::test]
async fn one_click_switches_mails_off_as_often_as_it_comes_and_looking_does_not() {
    let api = TestApi::new().await;
    api.database
        .answers("rpc/switch_off_notices", 200, Value::Null);
    let link = link(USER);
    let looked = api.send(Request::get(&link).body(Body::empty()).unwrap());
    let looked = looked.await;
    assert_eq!(looked.status(), 303);
    assert!(header(looked.headers(), "location").ends_with("/index.html"));
    assert!(api.database.questions().is_empty());
    for _ in 0..2 {
        let answer = api.send(click(&link)).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(body(answer).await["data"], json!({"notices": false}));
    }
    let asked = api.database.questions();
    let wanted = json!({"p_user_id": USER});
    assert_eq!(asked.len(), 2);
    assert!(
        asked
            .iter()
            .all(|(_, path, arguments)| path == "rpc/switch_off_notices" && *arguments == wanted)
    );
}

#[tokio::test]
async fn a_link_that_is_none_of_ours_is_told_so_before_the_database_is_asked() {
    let api = TestApi::new().await;
    let good = link(USER);
    let (_, signature) = good.rsplit_once('.').unwrap();
    let other = "0190a5a0-0000-7000-8000-00000000000b";
    for forged in [
        format!("/api/v1/notices/unsubscribe/{other}.{signature}"),
        good[..good.len() - 1].to_owned(),
        "/api/v1/notices/unsubscribe/x".to_owned(),
        // Signed, and no user's.
        link("somebody"),
    ] {
        let answer = api.send(click(&forged)).await;
        assert_eq!(answer.status(), 404, "{forged}");
        assert_eq!(code_of(&body(answer).await), "NOT_FOUND");
    }
    assert!(api.database.questions().is_empty());
}
