//! The event of a Function URL request, payload format 2.0 ("Invoking Lambda function URLs",
//! Lambda developer guide).

use std::{borrow::Cow, net::IpAddr};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use http::{HeaderMap, header, request::Parts};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// Where a request came from and what it was given on arrival.
pub(super) struct Origin<'a> {
    pub(super) request_id: &'a str,
    pub(super) trace_id: &'a str,
    pub(super) peer: Option<IpAddr>,
    pub(super) port: &'a str,
    pub(super) now: Timestamp,
}

/// What stands where AWS has the id of the URL.
const URL_ID: &str = "local";

pub(super) fn from_request(parts: &Parts, body: &[u8], origin: &Origin<'_>) -> Value {
    let path = parts.uri.path();
    let query = parts.uri.query().unwrap_or_default();
    let source_ip = origin
        .peer
        .map_or_else(|| "127.0.0.1".to_owned(), |ip| ip.to_string());
    let headers = event_headers(&parts.headers, &source_ip, origin);
    let domain_name = headers
        .get("host")
        .and_then(Value::as_str)
        .unwrap_or("localhost")
        .to_owned();
    let user_agent = headers
        .get("user-agent")
        .cloned()
        .unwrap_or_else(|| json!(""));
    let mut event = json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers,
        "requestContext": {
            "accountId": "anonymous",
            "apiId": URL_ID,
            "domainName": domain_name,
            "domainPrefix": URL_ID,
            "http": {
                "method": parts.method.as_str(),
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": source_ip,
                "userAgent": user_agent,
            },
            "requestId": origin.request_id,
            "routeKey": "$default",
            "stage": "$default",
            "time": origin.now.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string(),
            "timeEpoch": origin.now.as_millisecond(),
        },
        "isBase64Encoded": false,
    });
    let cookies = cookies(&parts.headers);
    if !cookies.is_empty() {
        event["cookies"] = json!(cookies);
    }
    if !query.is_empty() {
        event["queryStringParameters"] = Value::Object(query_parameters(query));
    }
    if !body.is_empty() {
        let (text, is_base64) = event_body(&parts.headers, body);
        event["body"] = json!(text);
        event["isBase64Encoded"] = json!(is_base64);
    }
    event
}

fn event_headers(headers: &HeaderMap, source_ip: &str, origin: &Origin<'_>) -> Map<String, Value> {
    let mut joined = Map::new();
    for (name, value) in headers {
        // Cookies travel in their own member.
        if name != header::COOKIE {
            append(
                &mut joined,
                name.as_str(),
                &String::from_utf8_lossy(value.as_bytes()),
            );
        }
    }
    append(&mut joined, "x-forwarded-for", source_ip);
    joined.insert("x-forwarded-proto".to_owned(), json!("http"));
    joined.insert("x-forwarded-port".to_owned(), json!(origin.port));
    joined.insert("x-amzn-trace-id".to_owned(), json!(origin.trace_id));
    joined
}

fn query_parameters(query: &str) -> Map<String, Value> {
    let mut joined = Map::new();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        append(&mut joined, &name, &value);
    }
    joined
}

/// What is repeated is joined with commas.
fn append(joined: &mut Map<String, Value>, name: &str, value: &str) {
    let text = match joined.get(name).and_then(Value::as_str) {
        Some(before) => format!("{before},{value}"),
        None => value.to_owned(),
    };
    joined.insert(name.to_owned(), Value::String(text));
}

fn cookies(headers: &HeaderMap) -> Vec<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .map(|cookie| cookie.trim().to_owned())
        .filter(|cookie| !cookie.is_empty())
        .collect()
}

fn event_body<'a>(headers: &HeaderMap, body: &'a [u8]) -> (Cow<'a, str>, bool) {
    match std::str::from_utf8(body) {
        Ok(text) if is_text(headers) => (Cow::Borrowed(text), false),
        _ => (Cow::Owned(BASE64_STANDARD.encode(body)), true),
    }
}

/// Whether Lambda passes a body of this content type as text. Forms are not among them.
fn is_text(headers: &HeaderMap) -> bool {
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let essence = content_type
        .and_then(|value| value.split(';').next())
        .unwrap_or_default();
    let essence = essence.trim().to_ascii_lowercase();
    essence.starts_with("text/")
        || essence.ends_with("+json")
        || essence.ends_with("+xml")
        || [
            "application/json",
            "application/xml",
            "application/javascript",
        ]
        .contains(&essence.as_str())
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn event(request: Request<&'static [u8]>) -> Value {
        let (parts, body) = request.into_parts();
        let origin = Origin {
            request_id: "r1",
            trace_id: "Root=1",
            peer: "203.0.113.7".parse().ok(),
            port: "9000",
            now: "2026-11-21T03:00:00Z".parse().unwrap(),
        };
        from_request(&parts, body, &origin)
    }

    #[test]
    fn a_request_becomes_the_documented_event() {
        let request = Request::post("/api/v1/stories?x=1&x=2&y=a%20b")
            .header("Host", "127.0.0.1:9000")
            .header("Content-Type", "application/json; charset=utf-8")
            .header("Authorization", "Bearer t")
            .header("User-Agent", "test")
            .header("Cookie", "s=1; t=2")
            .header("X-Twice", "a")
            .header("X-Twice", "b")
            .body(&br#"{"a":1}"#[..])
            .unwrap();
        assert_eq!(
            event(request),
            json!({
                "version": "2.0", "routeKey": "$default",
                "rawPath": "/api/v1/stories", "rawQueryString": "x=1&x=2&y=a%20b",
                "cookies": ["s=1", "t=2"],
                "headers": {
                    "host": "127.0.0.1:9000", "content-type": "application/json; charset=utf-8",
                    "authorization": "Bearer t", "user-agent": "test", "x-twice": "a,b",
                    "x-forwarded-for": "203.0.113.7", "x-forwarded-proto": "http",
                    "x-forwarded-port": "9000", "x-amzn-trace-id": "Root=1"
                },
                "queryStringParameters": { "x": "1,2", "y": "a b" },
                "requestContext": {
                    "accountId": "anonymous", "apiId": "local", "domainName": "127.0.0.1:9000", "domainPrefix": "local",
                    "http": { "method": "POST", "path": "/api/v1/stories", "protocol": "HTTP/1.1",
                              "sourceIp": "203.0.113.7", "userAgent": "test" },
                    "requestId": "r1", "routeKey": "$default", "stage": "$default",
                    "time": "21/Nov/2026:03:00:00 +0000", "timeEpoch": 1_795_230_000_000_i64
                },
                "body": "{\"a\":1}", "isBase64Encoded": false
            })
        );
    }

    #[test]
    fn a_body_that_is_not_text_travels_in_base64_and_an_empty_one_not_at_all() {
        let picture = Request::post("/api/x")
            .header("Content-Type", "image/png")
            .body(&[0x89, 0x50][..]);
        let picture = event(picture.unwrap());
        assert_eq!(
            (&picture["body"], &picture["isBase64Encoded"]),
            (&json!("iVA="), &json!(true))
        );

        let empty = event(Request::get("/api/x").body(&[][..]).unwrap());
        assert!(empty.get("body").is_none() && empty.get("cookies").is_none());
    }
}
