//! The bucket in memory: objects are put, copied, listed, read and deleted.

use super::{BUCKET, Seen};
use axum::{
    body::Bytes,
    http::{Method, StatusCode, request::Parts},
    response::{IntoResponse, Response},
};

pub(super) fn answer(seen: &mut Seen, parts: &Parts, body: Bytes) -> Response {
    let path = parts.uri.path().trim_start_matches('/');
    let key = path
        .strip_prefix(BUCKET)
        .unwrap()
        .trim_start_matches('/')
        .to_owned();
    seen.requests.push((parts.method.clone(), key.clone()));
    if key.is_empty() {
        let query = parts.uri.query().unwrap().replace("%2F", "/");
        let prefix = query.split("prefix=").nth(1).unwrap();
        let prefix = prefix.split('&').next().unwrap();
        let found = seen.objects.keys().filter(|key| key.starts_with(prefix));
        let found: String = found
            .map(|key| {
                let length = seen.objects[key].len();
                format!("<Contents><Key>{key}</Key><Size>{length}</Size></Contents>")
            })
            .collect();
        return format!("<ListBucketResult>{found}</ListBucketResult>").into_response();
    }
    match parts.method {
        Method::PUT => match parts.headers.get("x-amz-copy-source") {
            Some(source) => {
                let source = source.to_str().unwrap().replace("%2F", "/");
                let source = source.strip_prefix(&format!("{BUCKET}/")).unwrap();
                let bytes = seen.objects[source].clone();
                seen.objects.insert(key, bytes);
                "<CopyObjectResult><ETag>\"e\"</ETag></CopyObjectResult>".into_response()
            }
            None => {
                seen.objects.insert(key, body);
                StatusCode::OK.into_response()
            }
        },
        // Not 5xx, which the client would try again.
        Method::DELETE if seen.refuses_deletes => (
            StatusCode::FORBIDDEN,
            "<Error><Code>AccessDenied</Code></Error>",
        )
            .into_response(),
        Method::DELETE => {
            seen.objects.remove(&key);
            StatusCode::NO_CONTENT.into_response()
        }
        _ => match seen.objects.get(&key) {
            Some(bytes) => bytes.clone().into_response(),
            None => (
                StatusCode::NOT_FOUND,
                "<Error><Code>NoSuchKey</Code></Error>",
            )
                .into_response(),
        },
    }
}
