//! What a function returns to its URL, made into an HTTP response.

use axum::{body::Body, response::Response};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde::de::{Deserialize as _, DeserializeOwned};
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
    let text: String = member(members, "body")?;
    let body = if member(members, "isBase64Encoded")? {
        let decoded = BASE64_STANDARD.decode(text);
        decoded.map_err(|_| BadAnswer::Member("body"))?
    } else {
        text.into_bytes()
    };
    let status = StatusCode::from_u16(member(members, "statusCode")?);
    let status = status.map_err(|_| BadAnswer::Member("statusCode"))?;
    assemble(status, headers(members)?, body.into())
}

/// A member of the answer; what is left out is empty.
fn member<T: DeserializeOwned + Default>(
    members: &Map<String, Value>,
    name: &'static str,
) -> Result<T, BadAnswer> {
    let given = members.get(name).map(Option::<T>::deserialize);
    let given = given.transpose().map_err(|_| BadAnswer::Member(name))?;
    Ok(given.flatten().unwrap_or_default())
}

fn headers(members: &Map<String, Value>) -> Result<HeaderMap, BadAnswer> {
    let mut headers = HeaderMap::new();
    let given: Map<String, Value> = member(members, "headers")?;
    for (name, value) in given {
        let text = match value {
            Value::String(text) => text,
            Value::Number(_) | Value::Bool(_) => value.to_string(),
            _ => return Err(BadAnswer::Member("headers")),
        };
        let name = HeaderName::try_from(name).map_err(|_| BadAnswer::Member("headers"))?;
        let value = HeaderValue::try_from(text).map_err(|_| BadAnswer::Member("headers"))?;
        if !CONNECTION_HEADERS.contains(&name) {
            headers.insert(name, value);
        }
    }
    for cookie in member::<Vec<String>>(members, "cookies")? {
        let cookie = HeaderValue::try_from(cookie);
        let cookie = cookie.map_err(|_| BadAnswer::Member("cookies"))?;
        headers.append(header::SET_COOKIE, cookie);
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
