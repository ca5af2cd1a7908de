//! What a function returns to its URL, made into an HTTP response.

use axum::{body::Body, response::Response};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::{Map, Value};

/// Headers of the connection, which are the server's business.
const CONNECTION_HEADERS: [HeaderName; 3] = [
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::CONNECTION,
];

/// Why an answer is no HTTP response.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadAnswer {
    #[error("the answer is not JSON")]
    NotJson,
    #[error("`{0}` has a value of the wrong kind")]
    Member(&'static str),
}

pub(super) fn to_response(answer: &Bytes) -> Result<Response, BadAnswer> {
    let value: Value = serde_json::from_slice(answer).map_err(|_| BadAnswer::NotJson)?;
    match value {
        Value::Object(members) if members.contains_key("statusCode") => structured(&members),
        // Anything else is the body of a successful response.
        _ => assemble(StatusCode::OK, HeaderMap::new(), answer.clone()),
    }
}

/// How long the function says its answer is. Only an answer to HEAD, which has no body, needs to be told.
pub(super) fn declared_length(answer: &Bytes) -> Option<HeaderValue> {
    let value: Value = serde_json::from_slice(answer).ok()?;
    let given = value["headers"].as_object()?;
    let (_, length) = given
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))?;
    let length: u64 = length.as_str()?.parse().ok()?;
    Some(length.into())
}

fn structured(members: &Map<String, Value>) -> Result<Response, BadAnswer> {
    let text = match members.get("body") {
        None | Some(Value::Null) => "",
        Some(Value::String(text)) => text,
        Some(_) => return Err(BadAnswer::Member("body")),
    };
    let is_base64 = match members.get("isBase64Encoded") {
        None | Some(Value::Null) => false,
        Some(Value::Bool(is_base64)) => *is_base64,
        Some(_) => return Err(BadAnswer::Member("isBase64Encoded")),
    };
    let body = if is_base64 {
        BASE64_STANDARD
            .decode(text)
            .map_err(|_| BadAnswer::Member("body"))?
    } else {
        text.as_bytes().to_vec()
    };
    assemble(status(members)?, headers(members)?, body.into())
}

fn status(members: &Map<String, Value>) -> Result<StatusCode, BadAnswer> {
    let number = members.get("statusCode").and_then(Value::as_u64);
    number
        .and_then(|number| u16::try_from(number).ok())
        .and_then(|number| StatusCode::from_u16(number).ok())
        .ok_or(BadAnswer::Member("statusCode"))
}

fn headers(members: &Map<String, Value>) -> Result<HeaderMap, BadAnswer> {
    let mut headers = HeaderMap::new();
    let given = match members.get("headers") {
        None | Some(Value::Null) => None,
        Some(Value::Object(given)) => Some(given),
        Some(_) => return Err(BadAnswer::Member("headers")),
    };
    for (name, value) in given.into_iter().flatten() {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(_) | Value::Bool(_) => value.to_string(),
            _ => return Err(BadAnswer::Member("headers")),
        };
        let name = HeaderName::try_from(name).map_err(|_| BadAnswer::Member("headers"))?;
        let value = HeaderValue::try_from(text).map_err(|_| BadAnswer::Member("headers"))?;
        if !CONNECTION_HEADERS.contains(&name) {
            headers.insert(name, value);
        }
    }
    for cookie in members
        .get("cookies")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let cookie = cookie
            .as_str()
            .and_then(|cookie| HeaderValue::from_str(cookie).ok());
        headers.append(
            header::SET_COOKIE,
            cookie.ok_or(BadAnswer::Member("cookies"))?,
        );
    }
    Ok(headers)
}

fn assemble(status: StatusCode, headers: HeaderMap, body: Bytes) -> Result<Response, BadAnswer> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
        .headers_mut()
        .entry(header::CONTENT_TYPE)
        .or_insert(HeaderValue::from_static("application/json"));
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(answer: &[u8]) -> Result<(u16, HeaderMap, Bytes), BadAnswer> {
        let (parts, body) = to_response(&Bytes::copy_from_slice(answer))?.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        Ok((parts.status.as_u16(), parts.headers, body))
    }

    #[tokio::test]
    async fn status_headers_cookies_and_body_are_taken_over() {
        let answer =
            br#"{"statusCode":201,"headers":{"Content-Type":"text/plain","Content-Length":"99"},
                          "cookies":["a=1","b=2"],"body":"aGk=","isBase64Encoded":true}"#;
        let (status, headers, body) = read(answer).await.unwrap();
        assert_eq!((status, &body[..]), (201, &b"hi"[..]));
        assert_eq!(headers[header::CONTENT_TYPE], "text/plain");
        assert!(headers.get(header::CONTENT_LENGTH).is_none());
        let cookies: Vec<_> = headers.get_all(header::SET_COOKIE).iter().collect();
        assert_eq!(cookies, ["a=1", "b=2"]);
    }

    #[test]
    fn the_length_of_an_answer_without_a_body_is_what_the_function_says() {
        let length = |answer: &[u8]| declared_length(&Bytes::copy_from_slice(answer));
        let told = br#"{"statusCode":200,"headers":{"Content-Length":"99"},"body":""}"#;
        assert_eq!(length(told).unwrap(), "99");
        assert_eq!(
            length(br#"{"statusCode":200,"headers":{"content-length":"x"}}"#),
            None
        );
        assert_eq!(length(b"oops"), None);
    }

    #[tokio::test]
    async fn an_answer_without_a_status_is_the_body_of_a_200() {
        let (status, headers, body) = read(br#"{"hello":"world"}"#).await.unwrap();
        assert_eq!((status, &body[..]), (200, &br#"{"hello":"world"}"#[..]));
        assert_eq!(headers[header::CONTENT_TYPE], "application/json");
    }

    #[tokio::test]
    async fn a_misshapen_answer_is_named() {
        assert_eq!(read(b"oops").await.unwrap_err(), BadAnswer::NotJson);
        assert_eq!(
            read(br#"{"statusCode":"x"}"#).await.unwrap_err(),
            BadAnswer::Member("statusCode")
        );
        assert_eq!(
            read(br#"{"statusCode":200,"body":{}}"#).await.unwrap_err(),
            BadAnswer::Member("body")
        );
    }
}
