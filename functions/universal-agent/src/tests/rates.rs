//! How often a user and an address may ask, and what is said of it.

use crate::test_api::{STORY, TestApi, USER, body, code_of, header, story_row};
use axum::{body::Body, extract::Request, response::Response};
use serde_json::{Value, json};

fn share(limit: u32, left: u32, granted: u32) -> Value {
    json!({"limit": limit, "left": left, "granted": granted})
}

fn counted(api: &TestApi) -> Vec<Value> {
    let questions = api.database.questions().into_iter();
    let counted = questions.filter(|(_, path, _)| path == "rpc/take_requests");
    counted.map(|(_, _, arguments)| arguments).collect()
}

/// As Lambda hands over a request from this address.
async fn from(api: &TestApi, address: &str, path: &str, token: Option<&str>) -> Response {
    let mut event = json!({"version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "",
        "headers": {"host": "abc.lambda-url.eu-west-1.on.aws", "x-forwarded-for": "198.51.100.9"},
        "requestContext": {"accountId": "anonymous", "apiId": "abc", "domainName": "abc.lambda-url.eu-west-1.on.aws",
            "http": {"method": "GET", "path": path, "protocol": "HTTP/1.1", "sourceIp": address},
            "requestId": "r-1", "routeKey": "$default", "stage": "$default", "timeEpoch": 0}, "isBase64Encoded": false});
    if let Some(token) = token {
        event["headers"]["authorization"] = format!("Bearer {token}").into();
    }
    let request: Request<lambda_http::Body> =
        lambda_http::request::from_str(&event.to_string()).unwrap();
    api.send(request.map(Body::new)).await
}

#[tokio::test]
async fn a_share_is_counted_without_the_database_and_a_used_up_minute_is_refused() {
    let api = TestApi::counting().await;
    let shares = |user: Value| json!({"user": user, "address": null, "resetSeconds": 41.5});
    api.database
        .answers("rpc/take_requests", 200, shares(share(600, 570, 2)));
    let first = api.get("/stories").await;
    assert_eq!(first.status(), 200);
    assert_eq!(
        header(first.headers(), "ratelimit-policy"),
        r#""user";q=600;w=60"#
    );
    assert_eq!(header(first.headers(), "ratelimit"), r#""user";r=571;t=42"#);
    assert_eq!(api.get("/stories").await.status(), 200);
    assert_eq!(counted(&api).len(), 1);

    api.database
        .answers("rpc/take_requests", 200, shares(share(600, 0, 0)));
    let refused = api.get("/stories").await;
    assert_eq!(refused.status(), 429);
    assert_eq!(header(refused.headers(), "ratelimit"), r#""user";r=0;t=42"#);
    assert_eq!(header(refused.headers(), "retry-after"), "42");
    assert_eq!(code_of(&body(refused).await), "RATE_LIMITED");
    let path = format!("/stories/{STORY}/assets/cancel");
    assert_eq!(api.post(&path, json!({})).await.status(), 429);
    assert_eq!(
        counted(&api).len(),
        2,
        "nobody asks again before the minute is over"
    );
}

#[tokio::test]
async fn one_address_is_counted_whoever_asks_and_a_header_changes_nothing() {
    let api = TestApi::counting().await;
    let shares = json!({"user": share(600, 570, 30), "address": share(3000, 2850, 150), "resetSeconds": 9.0});
    api.database.answers("rpc/take_requests", 200, shares);
    let token = api.token();
    let listed = from(&api, "203.0.113.7", "/api/v1/stories", Some(&token)).await;
    assert_eq!(
        header(listed.headers(), "ratelimit"),
        r#""user";r=599;t=9, "address";r=2999;t=9"#
    );
    let shared = format!("/api/v1/shared/{}", "0".repeat(64));
    api.database.answers("rpc/shared_story", 200, Value::Null);
    for (path, left) in [(shared.clone(), 2998), (format!("{shared}/book"), 2997)] {
        let opened = from(&api, "203.0.113.7", &path, None).await;
        assert_eq!(opened.status(), 404);
        assert_eq!(
            header(opened.headers(), "ratelimit"),
            format!(r#""address";r={left};t=9"#)
        );
    }
    let asked = counted(&api);
    assert_eq!(asked.len(), 1, "one round trip for both");
    let digest = asked[0]["p_address"].as_str().unwrap();
    assert_eq!((digest.len(), digest.contains("203.0.113.7")), (64, false));

    // Two addresses of one IPv6 network are one; another network is another.
    for (address, times) in [
        ("2001:db8::1", 2),
        ("2001:db8::2", 2),
        ("2001:db8:0:1::1", 3),
    ] {
        from(&api, address, &shared, None).await;
        assert_eq!(counted(&api).len(), times, "{address}");
    }
}

#[tokio::test]
async fn nobody_is_refused_because_the_database_does_not_count() {
    let api = TestApi::counting().await;
    let broken =
        json!({"code": "42501", "message": "permission denied", "details": null, "hint": null});
    api.database.answers("rpc/take_requests", 403, broken);
    for _ in 0..3 {
        let response = api.get("/stories").await;
        assert_eq!(response.status(), 200);
        assert_eq!(header(response.headers(), "ratelimit"), "");
    }
    assert_eq!(counted(&api).len(), 1);
}

#[tokio::test]
async fn asking_for_a_story_takes_two_round_trips_at_most_and_polling_it_one() {
    let api = TestApi::counting().await;
    let shares = json!({"user": share(600, 570, 30), "address": null, "resetSeconds": 59.0});
    api.database.answers("rpc/take_requests", 200, shares);
    let story = json!({"story": story_row("generating", json!({})), "replayed": false});
    api.database.answers("rpc/create_story", 200, story);
    api.database
        .answers("stories", 200, json!([story_row("generating", json!({}))]));
    api.database.answers("rpc/asset_medians", 200, json!([]));
    let wish = json!({"character_ids": [USER], "story_type": "adventure", "themes": []});
    for trips in [2, 3] {
        assert_eq!(api.post("/stories", wish.clone()).await.status(), 201);
        assert_eq!(api.database.questions().len(), trips);
    }
    let path = format!("/stories/{STORY}/assets/status");
    let first = api.get(&path).await;
    let tag = header(first.headers(), "etag").to_owned();
    let before = api.database.questions().len();
    assert_eq!(api.get_unless(&path, &tag).await.status(), 304);
    assert_eq!(api.database.questions().len(), before + 1);
}

#[tokio::test]
async fn where_nothing_limits_nothing_is_said_and_this_machine_is_no_address() {
    let api = TestApi::counting().await;
    let none = json!({"user": null, "address": null, "resetSeconds": 9.0});
    api.database.answers("rpc/take_requests", 200, none);
    let token = api.token();
    for _ in 0..2 {
        let response = from(&api, "127.0.0.1", "/api/v1/stories", Some(&token)).await;
        assert_eq!(response.status(), 200);
        assert_eq!(header(response.headers(), "ratelimit"), "");
    }
    let asked = counted(&api);
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0]["p_address"], Value::Null);
}
