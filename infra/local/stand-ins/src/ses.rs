//! The SES stand-in: one call of its API, and a file for each mail it takes.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router, middleware};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use serde_json::json;

use crate::calls::{CallKind, CallLog, unix_ms};
use crate::config::StandInConfig;
use crate::control;
use crate::fault_layer::{StandIn, pass};
use crate::faults::Outcome;

/// `https://email.REGION.amazonaws.com`, as far as functions call it, and `/_local/…`. Mails become `.eml` files in this
/// folder.
pub fn ses_router(config: StandInConfig, folder: PathBuf) -> Router {
    let layer = middleware::from_fn_with_state(config.clone(), pass::<Ses>);
    let mailbox = Mailbox {
        folder,
        taken: Arc::default(),
    };
    Router::new()
        .route("/v2/email/outbound-emails", post(take))
        .layer(layer)
        .with_state(mailbox)
        .merge(control::routes(config))
}

#[derive(Clone, Debug)]
struct Mailbox {
    folder: PathBuf,
    taken: Arc<AtomicU64>,
}

/// The wire of SES.
#[derive(Debug)]
struct Ses;

fn refusal(status: StatusCode, kind: &'static str, message: &str) -> Response {
    (
        status,
        [("x-amzn-errortype", kind)],
        Json(json!({"message": message})),
    )
        .into_response()
}

fn bad(message: &str) -> Response {
    refusal(StatusCode::BAD_REQUEST, "BadRequestException", message)
}

impl StandIn for Ses {
    const NAME: &'static str = "ses";
    const TELLS_LIMITS: bool = false;

    fn refuse_key(headers: &HeaderMap) -> Option<Response> {
        let given = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
        let is_signed =
            given.starts_with("AWS4-HMAC-SHA256 ") && given.contains("/ses/aws4_request");
        let wrong =
            "The request signature we calculated does not match the signature you provided.";
        (!is_signed).then(|| refusal(StatusCode::FORBIDDEN, "SignatureDoesNotMatch", wrong))
    }

    fn fault_answer(outcome: Outcome, _kind: CallKind) -> Option<Response> {
        match outcome {
            Outcome::RateLimited | Outcome::RateLimitedWithRetryAfter => Some(refusal(
                StatusCode::TOO_MANY_REQUESTS,
                "TooManyRequestsException",
                "Maximum sending rate exceeded.",
            )),
            Outcome::ServerError | Outcome::Overloaded => Some(refusal(
                StatusCode::INTERNAL_SERVER_ERROR,
                "InternalFailure",
                "",
            )),
            Outcome::Policy | Outcome::PolicyBare => Some(refusal(
                StatusCode::BAD_REQUEST,
                "MessageRejected",
                "Email address is not verified.",
            )),
            _ => None,
        }
    }

    fn headers(id: u64, _took: Duration, _calls: &CallLog) -> Vec<(&'static str, String)> {
        vec![("x-amzn-requestid", format!("{id:032x}"))]
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Order {
    from_email_address: String,
    destination: Destination,
    content: Content,
    #[serde(default)]
    email_tags: Vec<Pair>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Destination {
    to_addresses: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Content {
    simple: Simple,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Simple {
    subject: Part,
    body: Body,
    #[serde(default)]
    headers: Vec<Pair>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Body {
    html: Part,
    text: Part,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Part {
    data: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Pair {
    name: String,
    value: String,
}

async fn take(State(mailbox): State<Mailbox>, headers: HeaderMap, body: Bytes) -> Response {
    if !headers.contains_key(header::AUTHORIZATION) {
        let missing = "Missing Authentication Token";
        return refusal(
            StatusCode::FORBIDDEN,
            "MissingAuthenticationTokenException",
            missing,
        );
    }
    let order: Order = match serde_json::from_slice(&body) {
        Ok(order) => order,
        Err(error) => return bad(&error.to_string()),
    };
    if let Some(problem) = problem_of(&order) {
        return bad(problem);
    }
    let number = mailbox.taken.fetch_add(1, Ordering::Relaxed);
    let id = format!("{:016x}-{number:08x}-000000", unix_ms());
    match write(&mailbox, &id, &order) {
        Ok(()) => Json(json!({"MessageId": id})).into_response(),
        Err(error) => refusal(
            StatusCode::INTERNAL_SERVER_ERROR,
            "InternalFailure",
            &error.to_string(),
        ),
    }
}

fn problem_of(order: &Order) -> Option<&'static str> {
    let is_address = |text: &String| text.contains('@') && text.is_ascii();
    // SES's own pattern for the names and values of tags.
    let is_tag = |text: &str| {
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '@');
        !text.is_empty() && text.len() <= 256 && text.chars().all(is_part)
    };
    let simple = &order.content.simple;
    if !is_address(&order.from_email_address) {
        return Some("Missing or invalid FromEmailAddress.");
    }
    if order.destination.to_addresses.is_empty()
        || !order.destination.to_addresses.iter().all(is_address)
    {
        return Some("Illegal address");
    }
    if simple.subject.data.contains(['\r', '\n']) {
        return Some("Header field values must not contain line breaks.");
    }
    let mut headers = simple.headers.iter();
    if headers.any(|pair| pair.value.chars().any(char::is_control) || !pair.name.is_ascii()) {
        return Some("Invalid header.");
    }
    let mut tags = order.email_tags.iter();
    (!tags.all(|tag| is_tag(&tag.name) && is_tag(&tag.value))).then_some("Invalid tag.")
}

/// Under another name first: whoever looks finds whole mails.
fn write(mailbox: &Mailbox, id: &str, order: &Order) -> std::io::Result<()> {
    fs::create_dir_all(&mailbox.folder)?;
    let unfinished = mailbox.folder.join(format!("{id}.part"));
    fs::write(&unfinished, eml(id, order))?;
    fs::rename(unfinished, mailbox.folder.join(format!("{id}.eml")))
}

fn eml(id: &str, order: &Order) -> String {
    let simple = &order.content.simple;
    let subject = STANDARD.encode(&simple.subject.data);
    let mut head = vec![
        ("From", order.from_email_address.clone()),
        ("To", order.destination.to_addresses.join(", ")),
        ("Subject", format!("=?UTF-8?B?{subject}?=")),
        ("Message-ID", format!("<{id}@email.amazonses.com>")),
        ("MIME-Version", "1.0".to_owned()),
        (
            "Content-Type",
            format!("multipart/alternative; boundary=\"{id}\""),
        ),
    ];
    let own = simple.headers.iter();
    head.extend(own.map(|pair| (pair.name.as_str(), pair.value.clone())));
    let head: String = head
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let part = |kind: &str, data: &str| {
        let lines = data.replace('\n', "\r\n");
        format!(
            "--{id}\r\nContent-Type: text/{kind}; charset=UTF-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{lines}\r\n"
        )
    };
    let (text, html) = (&simple.body.text.data, &simple.body.html.data);
    format!(
        "{head}\r\n{}{}--{id}--\r\n",
        part("plain", text),
        part("html", html)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body as Sent;
    use http::Request;
    use serde_json::Value;
    use tower::ServiceExt;

    fn order() -> Value {
        let part = |data: &str| json!({"Data": data, "Charset": "UTF-8"});
        json!({
            "FromEmailAddress": "Storytailor <s@example.com>", "Destination": {"ToAddresses": ["a@example.com"]},
            "Content": {"Simple": {"Subject": part("Hallo Übermut"), "Headers": [{"Name": "X-Notice-Kind", "Value": "ready"}],
                "Body": {"Html": part("<p>Hallo</p>\n"), "Text": part("Hallo\n")}}},
            "EmailTags": [{"Name": "notice", "Value": "7"}]})
    }

    async fn post(folder: &std::path::Path, signature: &str, body: &Value) -> StatusCode {
        let request = Request::post("/v2/email/outbound-emails")
            .header("authorization", signature)
            .body(Sent::from(body.to_string()))
            .unwrap();
        let router = ses_router(StandInConfig::default(), folder.to_owned());
        router.oneshot(request).await.unwrap().status()
    }

    #[tokio::test]
    async fn a_mail_that_is_taken_is_a_file_and_what_ses_refuses_is_none() {
        let folder = std::env::temp_dir().join(format!("storytailor-mail-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        let signed =
            "AWS4-HMAC-SHA256 Credential=local/20261126/us-east-1/ses/aws4_request, Signature=0";
        assert_eq!(post(&folder, signed, &order()).await, StatusCode::OK);
        let unsigned = post(&folder, "Bearer x", &order()).await;
        assert_eq!(unsigned, StatusCode::FORBIDDEN);
        for (pointer, value) in [
            ("/Destination/ToAddresses/0", json!("nobody")),
            (
                "/Content/Simple/Subject/Data",
                json!("a\r\nBcc: b@example.com"),
            ),
            ("/Content/Simple/Headers/0/Value", json!("a\nb")),
            ("/EmailTags/0/Value", json!("a b")),
            ("/Content/Simple", json!({})),
        ] {
            let mut wrong = order();
            *wrong.pointer_mut(pointer).unwrap() = value;
            assert_eq!(
                post(&folder, signed, &wrong).await,
                StatusCode::BAD_REQUEST,
                "{pointer}"
            );
        }
        let files: Vec<_> = fs::read_dir(&folder).unwrap().flatten().collect();
        assert_eq!(files.len(), 1);
        let mail = fs::read_to_string(files[0].path()).unwrap();
        assert!(mail.contains("X-Notice-Kind: ready\r\n") && mail.contains("\r\n<p>Hallo</p>\r\n"));
        fs::remove_dir_all(&folder).unwrap();
    }
}
