//! What an error answer of Black Forest Labs means. Its body is a `detail`: words, or a list of what is wrong with a request.

use crate::ErrorKind;
use serde_json::Value;

/// The status tells what it means; of a request that is refused, the parameter that was.
pub(super) fn classify(status: u16, body: &[u8]) -> (ErrorKind, Option<String>) {
    let parameter = refused_parameter(body);
    let meaning = match status {
        401 | 403 => ErrorKind::BadCredentials,
        402 => ErrorKind::OutOfCredits,
        404 => ErrorKind::ModelGone,
        408 | 409 | 500.. => ErrorKind::Unavailable,
        429 => ErrorKind::RateLimited { retry_after: None },
        400 | 422 if parameter.as_deref().is_some_and(is_reference) => {
            let index = parameter.as_deref().and_then(place);
            ErrorKind::ReferenceUnreadable { index }
        }
        _ => ErrorKind::Invalid,
    };
    (meaning, parameter.map(|name| format!("param {name}")))
}

/// The last name of the first `loc`: `["body", "width"]`.
fn refused_parameter(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let place = body["detail"][0]["loc"].as_array()?;
    place
        .iter()
        .rev()
        .find_map(Value::as_str)
        .map(str::to_owned)
}

fn is_reference(parameter: &str) -> bool {
    parameter.starts_with("input_image")
}

/// `input_image` is the first, `input_image_2` the second.
fn place(parameter: &str) -> Option<usize> {
    match parameter.strip_prefix("input_image")? {
        "" => Some(0),
        rest => rest
            .strip_prefix('_')?
            .parse::<usize>()
            .ok()?
            .checked_sub(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_status_means_what_the_provider_says_it_does() {
        let refused =
            |name: &str| format!(r#"{{"detail":[{{"loc":["body","{name}"],"msg":"x"}}]}}"#);
        for (status, body, kind, code) in [
            (
                403,
                r#"{"detail":"Not authenticated"}"#.to_owned(),
                ErrorKind::BadCredentials,
                None,
            ),
            (
                402,
                r#"{"detail":"Insufficient credits"}"#.to_owned(),
                ErrorKind::OutOfCredits,
                None,
            ),
            (
                404,
                r#"{"detail":"Not Found"}"#.to_owned(),
                ErrorKind::ModelGone,
                None,
            ),
            (
                429,
                String::new(),
                ErrorKind::RateLimited { retry_after: None },
                None,
            ),
            (502, "<html>".to_owned(), ErrorKind::Unavailable, None),
            (
                422,
                refused("width"),
                ErrorKind::Invalid,
                Some("param width"),
            ),
            (
                422,
                refused("input_image_2"),
                ErrorKind::ReferenceUnreadable { index: Some(1) },
                Some("param input_image_2"),
            ),
        ] {
            let (meaning, named) = classify(status, body.as_bytes());
            assert_eq!((meaning, named.as_deref()), (kind, code), "{status} {body}");
        }
    }
}
