//! What is around every answer: envelope, CORS, ids, and refusals before a handler is reached.

use crate::test_api::{TestApi, body, code_of, header};
use axum::{body::Body, extract::Request};
use lambda_http::RequestExt;
use serde_json::Value;

fn plain(method: &str, path: &str) -> Request {
    let request = Request::builder().method(method).uri(path);
    request.body(Body::empty()).unwrap()
}

#[tokio::test]
async fn unknown_paths_and_methods_are_answered_in_the_envelope() {
    let api = TestApi::new().await;
    for (method, path, status, code) in [
        ("GET", "/", 404, "NOT_FOUND"),
        ("GET", "/api/v1/nothing", 404, "NOT_FOUND"),
        ("GET", "/api/v1/stories/", 404, "NOT_FOUND"),
        ("PUT", "/api/v1/stories", 405, "METHOD_NOT_ALLOWED"),
        ("DELETE", "/api/v1/health", 405, "METHOD_NOT_ALLOWED"),
    ] {
        let response = api.send(plain(method, path)).await;
        assert_eq!(response.status(), status, "{method} {path}");
        assert!(!header(response.headers(), "x-request-id").is_empty());
        if status == 405 {
            assert!(!header(response.headers(), "allow").is_empty());
        }
        let body = body(response).await;
        assert_eq!(code_of(&body), code);
        assert_eq!(body["success"], false);
    }
}

#[tokio::test]
async fn a_browser_may_ask_from_anywhere() {
    let api = TestApi::new().await;
    let response = api.send(plain("OPTIONS", "/api/v1/stories")).await;
    assert_eq!(response.status(), 204);
    let headers = response.headers();
    assert_eq!(header(headers, "access-control-allow-origin"), "*");
    for name in [
        "authorization",
        "content-type",
        "idempotency-key",
        "x-client-info",
        "apikey",
    ] {
        assert!(header(headers, "access-control-allow-headers").contains(name));
    }
    assert!(header(headers, "access-control-allow-methods").contains("PATCH"));
    let refused = api.send(plain("GET", "/api/v1/stories")).await;
    assert_eq!(
        header(refused.headers(), "access-control-allow-origin"),
        "*"
    );
}

#[tokio::test]
async fn a_browser_that_is_traced_may_send_the_headers_it_asks_for() {
    let api = TestApi::new().await;
    let asked = "authorization,baggage,content-type,sentry-trace,traceparent, TraceState,x-datadog-trace-id,,a b";
    let request = Request::options("/api/v1/stories")
        .header("origin", "https://app.example.com")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", asked);
    let response = api.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(response.status(), 204);
    let headers = response.headers();
    assert_eq!(
        header(headers, "access-control-allow-headers"),
        "authorization, content-type, idempotency-key, x-client-info, apikey, baggage, sentry-trace, traceparent, \
         tracestate, x-datadog-trace-id"
    );
    assert_eq!(header(headers, "vary"), "access-control-request-headers");
}

#[tokio::test]
async fn nothing_is_allowed_where_nothing_is() {
    let api = TestApi::new().await;
    for path in ["/", "/api/v1/nothing", "/api/v1/stories/1/2/3"] {
        let response = api.send(plain("OPTIONS", path)).await;
        assert_eq!(response.status(), 404, "{path}");
        assert_eq!(code_of(&body(response).await), "NOT_FOUND");
    }
}

#[tokio::test]
async fn head_tells_the_length_of_what_get_would_answer() {
    let api = TestApi::new().await;
    for path in ["/api/v1/openapi.json", "/api/v1/health"] {
        let got = api.send(plain("GET", path)).await;
        let status = got.status();
        let length = axum::body::to_bytes(got.into_body(), usize::MAX)
            .await
            .unwrap()
            .len();
        let head = api.send(plain("HEAD", path)).await;
        assert_eq!(head.status(), status);
        assert_eq!(
            header(head.headers(), "content-length"),
            length.to_string(),
            "{path}"
        );
    }
}

#[tokio::test]
async fn every_route_needs_a_token_but_those_that_tell_the_same_to_everybody() {
    let api = TestApi::new().await;
    let plans = serde_json::json!({"plans": [], "packs": []});
    api.database.answers("rpc/list_plans", 200, plans);
    for route in crate::router::table() {
        let open = ["/characters/traits", "/health", "/openapi.json", "/plans"];
        let is_open = open.contains(&route.path);
        let path = format!(
            "/api/v1{}",
            route.path.replace("{id}", crate::test_api::STORY)
        );
        let response = api.send(plain(route.method.as_str(), &path)).await;
        if route.path.starts_with("/shared/{token}") {
            assert_eq!(response.status(), 404, "open, and this is no token");
            continue;
        }
        if route.path.starts_with("/notices/unsubscribe/") {
            assert_eq!(response.status(), 404, "open, and this is no link");
            continue;
        }
        if route.path.starts_with("/webhooks/incoming") {
            assert_eq!(response.status(), 404, "open to those who sign");
            continue;
        }
        if is_open {
            assert_eq!(response.status(), 200, "{path}");
            continue;
        }
        assert_eq!(response.status(), 401, "{path}");
        assert_eq!(header(response.headers(), "www-authenticate"), "Bearer");
        assert_eq!(code_of(&body(response).await), "UNAUTHENTICATED");
    }
    let asked: Vec<_> = api
        .database
        .questions()
        .into_iter()
        .map(|(_, path, _)| path)
        .collect();
    assert!(
        asked
            .iter()
            .all(|path| ["rpc/platform_state", "rpc/list_plans"].contains(&path.as_str())),
        "{asked:?}"
    );
}

#[tokio::test]
async fn schemes_other_than_bearer_and_two_tokens_are_no_sign_in() {
    let api = TestApi::new().await;
    let token = api.token();
    for values in [
        vec![format!("Basic {token}")],
        vec![token.clone()],
        vec!["Bearer ".to_owned()],
        vec![format!("Bearer {token}"), format!("Bearer {token}")],
    ] {
        let request = values
            .iter()
            .fold(Request::get("/api/v1/stories"), |request, value| {
                request.header("authorization", value)
            });
        let response = api.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(
            code_of(&body(response).await),
            "UNAUTHENTICATED",
            "{values:?}"
        );
    }
    let request =
        Request::get("/api/v1/stories").header("authorization", format!("bearer {token}"));
    assert_eq!(
        api.send(request.body(Body::empty()).unwrap())
            .await
            .status(),
        200
    );
}

#[tokio::test]
async fn ids_and_pages_are_checked_before_the_database_is_asked() {
    let api = TestApi::new().await;
    for (path, field) in [
        ("/stories/7", "id"),
        ("/stories/%00", "id"),
        ("/stories/%ff", "id"),
        ("/stories/eq.1,or(id.gt.0)", "id"),
        ("/characters/x", "id"),
        ("/stories?limit=0", "limit"),
        ("/stories?limit=101", "limit"),
        ("/stories?offset=1000001", "offset"),
        ("/stories?limit=-1", "limit"),
        ("/characters?limit=x", "limit"),
        ("/characters?limit=", "limit"),
        ("/characters?offset=1.5", "offset"),
        ("/stories?limit=1&limit=2", "limit"),
        (
            "/stories/01234567-89ab-cdef-0123-456789abcdef/assets/status?detailed=yes",
            "detailed",
        ),
        ("/stories/0123456789abcdef0123456789abcdef", "id"),
        (
            "/stories/urn:uuid:01234567-89ab-cdef-0123-456789abcdef",
            "id",
        ),
    ] {
        let response = api.get(path).await;
        assert_eq!(response.status(), 400, "{path}");
        let body = body(response).await;
        assert_eq!(
            (code_of(&body), &body["data"]["field"]),
            ("VALIDATION_FAILED", &Value::from(field)),
            "{path}"
        );
    }
    assert!(api.database.questions().is_empty());
}

#[tokio::test]
async fn a_database_that_is_away_is_a_503_that_says_when_to_come_back() {
    let api = TestApi::without_database().await;
    let response = api.send(plain("GET", "/api/v1/health")).await;
    assert_eq!(response.status(), 503);
    assert_eq!(header(response.headers(), "retry-after"), "2");
    assert_eq!(code_of(&body(response).await), "SERVICE_UNAVAILABLE");
}

#[tokio::test]
async fn the_description_of_the_api_is_served_bare() {
    let api = TestApi::new().await;
    let response = api.send(plain("GET", "/api/v1/openapi.json")).await;
    assert_eq!(
        header(response.headers(), "content-type"),
        "application/json"
    );
    assert_eq!(body(response).await["openapi"], "3.1.0");
}

#[tokio::test]
async fn a_function_url_event_reaches_its_route_and_the_answer_carries_the_request_id() {
    let api = TestApi::new().await;
    let token = api.token();
    let event = |method: &str, path: &str, query: &str, body: Option<&str>| {
        let event = serde_json::json!({"version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query,
            "headers": {"authorization": format!("Bearer {token}"), "content-type": "application/json",
                "host": "abc.lambda-url.eu-west-1.on.aws"},
            "requestContext": {"accountId": "anonymous", "apiId": "abc", "domainName": "abc.lambda-url.eu-west-1.on.aws",
                "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "203.0.113.7"},
                "requestId": "r-1", "routeKey": "$default", "stage": "$default", "timeEpoch": 0},
            "body": body, "isBase64Encoded": body.is_some()});
        let request = lambda_http::request::from_str(&event.to_string()).unwrap();
        let mut context = lambda_http::Context::default();
        context.request_id = "8476a536".to_owned();
        request.with_lambda_context(context).map(Body::new)
    };
    let listed = api
        .send(event("GET", "/api/v1/stories", "limit=3", None))
        .await;
    assert_eq!(listed.status(), 200);
    assert_eq!(header(listed.headers(), "x-request-id"), "8476a536");
    assert_eq!(body(listed).await["data"]["limit"], 3);
    // Base64 of `{"name":""}`.
    let made = api
        .send(event(
            "POST",
            "/api/v1/characters",
            "",
            Some("eyJuYW1lIjoiIn0="),
        ))
        .await;
    assert_eq!(body(made).await["data"]["field"], "name");
}
