//! What a refusal of ElevenLabs is about: the account, the voice, the model, the text, or nothing that lasts.
//!
//! Sources: the provider's published list of errors and its help page "API - Error Code 400 or 401"; bodies in public
//! reports (home-assistant/core#160414, OWASP/Nest#3859, dograh-hq/dograh#290, pipecat-ai/pipecat#4925).

use crate::ErrorKind;
use serde_json::Value;

/// The account's credits are used up, whatever the status: 401 in the older spelling, 402 in the newer.
const NO_CREDITS: [&str; 2] = ["quota_exceeded", "insufficient_credits"];
const NO_SUCH_VOICE: [&str; 2] = ["invalid_uid", "invalid_voice_id"];
const NO_SUCH_MODEL: [&str; 2] = ["model_not_found", "unsupported_model"];
const TOO_LONG: [&str; 2] = ["text_too_long", "max_character_limit_exceeded"];
/// Something asked for is not in the account's plan. `payment_required` is the older status of `paid_plan_required`: both
/// are said of library voices to accounts that have credits.
const NOT_IN_PLAN: [&str; 3] = [
    "paid_plan_required",
    "payment_required",
    "subscription_required",
];

/// The meaning of an error and the provider's name for it, decided by name first and status last.
///
/// `detail` is an object with `code` (current) or `status` (older), a list when the schema rejected the body, or plain text.
/// A 402 without a name we know is about the voice: the voice is what differs between calls, and an account without
/// credits says so by name.
pub(super) fn classify(http: u16, body: &[u8]) -> (ErrorKind, Option<String>) {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let detail = body.get("detail").unwrap_or(&body);
    let text = |field: &str| detail.get(field).and_then(Value::as_str);
    let names: Vec<&str> = match detail {
        Value::Array(_) => vec!["validation_error"],
        _ => ["code", "status"].into_iter().filter_map(text).collect(),
    };
    let is_one_of = |known: &[&str]| names.iter().any(|name| known.contains(name));
    let begins_with = |prefix: &str| names.iter().any(|name| name.starts_with(prefix));
    // Names nobody has told us yet are read by their beginning, but only where a call was refused, not where one failed.
    let is_refusal = matches!(http, 400 | 402..=404 | 422);
    let kind = if is_one_of(&NO_CREDITS) {
        ErrorKind::OutOfCredits
    } else if is_one_of(&NO_SUCH_VOICE) || is_refusal && begins_with("voice_") {
        ErrorKind::VoiceNotFound
    } else if is_one_of(&NO_SUCH_MODEL) || is_refusal && begins_with("model_") {
        ErrorKind::ModelGone
    } else if is_one_of(&TOO_LONG) {
        ErrorKind::TextTooLong
    } else if is_one_of(&["content_against_policy"]) {
        ErrorKind::Refused
    } else if is_one_of(&["validation_error"]) || is_refusal && begins_with("output_format") {
        ErrorKind::Invalid
    } else if http == 402 || is_one_of(&NOT_IN_PLAN) || begins_with("only_for_") {
        match text("param") {
            Some("model_id") => ErrorKind::ModelGone,
            Some("output_format") => ErrorKind::Invalid,
            _ => ErrorKind::VoiceNotInPlan,
        }
    } else {
        match http {
            401 | 403 => ErrorKind::BadCredentials,
            404 => ErrorKind::VoiceNotFound,
            429 => ErrorKind::RateLimited { retry_after: None },
            408 | 409 | 500.. => ErrorKind::Unavailable,
            _ => ErrorKind::Invalid,
        }
    };
    (kind, names.first().map(|name| (*name).to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(http: u16, body: &str) -> ErrorKind {
        classify(http, body.as_bytes()).0
    }

    #[test]
    fn a_401_may_mean_no_credits_and_all_three_shapes_are_read() {
        assert_eq!(
            kind(
                401,
                r#"{"detail":{"status":"quota_exceeded","message":"…"}}"#
            ),
            ErrorKind::OutOfCredits
        );
        assert_eq!(
            kind(401, r#"{"detail":{"status":"invalid_api_key"}}"#),
            ErrorKind::BadCredentials
        );
        assert_eq!(
            kind(429, r#"{"detail":{"code":"system_busy"}}"#),
            ErrorKind::RateLimited { retry_after: None }
        );
        assert_eq!(
            kind(404, r#"{"detail":{"code":"voice_not_found"}}"#),
            ErrorKind::VoiceNotFound
        );
        assert_eq!(
            kind(
                422,
                r#"{"detail":[{"loc":["body","text"],"msg":"Field required","type":"missing"}]}"#
            ),
            ErrorKind::Invalid
        );
        assert_eq!(kind(500, r#"{"detail":"oops"}"#), ErrorKind::Unavailable);
    }

    #[test]
    fn a_402_is_about_the_voice_unless_it_names_credits() {
        for body in [
            r#"{"detail":{"type":"payment_required","code":"paid_plan_required","status":"payment_required","message":"plan"}}"#,
            r#"{"detail":{"status":"payment_required","message":"Free users cannot use library voices via the API."}}"#,
            r#"{"detail":{"code":"some_new_name"}}"#,
            r#"{"detail":"Payment Required"}"#,
            "<html>402</html>",
            "",
        ] {
            assert_eq!(kind(402, body), ErrorKind::VoiceNotInPlan, "{body}");
        }
        for body in [
            r#"{"detail":{"type":"payment_required","code":"insufficient_credits","status":"payment_required"}}"#,
            r#"{"detail":{"code":"payment_required","status":"quota_exceeded"}}"#,
        ] {
            assert_eq!(kind(402, body), ErrorKind::OutOfCredits, "{body}");
        }
    }

    #[test]
    fn what_is_refused_besides_the_voice_is_told_apart() {
        for (http, body, expected) in [
            (
                403,
                r#"{"detail":{"code":"subscription_required","param":"voice_id"}}"#,
                ErrorKind::VoiceNotInPlan,
            ),
            (
                403,
                r#"{"detail":{"code":"subscription_required","param":"model_id"}}"#,
                ErrorKind::ModelGone,
            ),
            (
                403,
                r#"{"detail":{"code":"subscription_required","status":"output_format_not_allowed"}}"#,
                ErrorKind::Invalid,
            ),
            (
                403,
                r#"{"detail":{"status":"only_for_creator+"}}"#,
                ErrorKind::VoiceNotInPlan,
            ),
            (
                403,
                r#"{"detail":{"status":"voice_access_denied"}}"#,
                ErrorKind::VoiceNotFound,
            ),
            (
                403,
                r#"{"detail":{"status":"missing_permissions"}}"#,
                ErrorKind::BadCredentials,
            ),
            (
                400,
                r#"{"detail":{"code":"unsupported_model","param":"model_id"}}"#,
                ErrorKind::ModelGone,
            ),
            (
                400,
                r#"{"detail":{"status":"max_character_limit_exceeded"}}"#,
                ErrorKind::TextTooLong,
            ),
            (
                503,
                r#"{"detail":{"code":"voice_service_down"}}"#,
                ErrorKind::Unavailable,
            ),
        ] {
            assert_eq!(kind(http, body), expected, "{http} {body}");
        }
    }

    #[test]
    fn members_of_another_type_are_passed_over() {
        assert_eq!(
            kind(
                401,
                r#"{"detail":{"code":401,"status":"quota_exceeded","message":[]}}"#
            ),
            ErrorKind::OutOfCredits
        );
        assert_eq!(
            kind(404, r#"{"detail":{"code":{},"param":7}}"#),
            ErrorKind::VoiceNotFound
        );
        assert_eq!(kind(400, r#"[1,2]"#), ErrorKind::Invalid);
        assert_eq!(
            kind(401, r#"{"status":"quota_exceeded"}"#),
            ErrorKind::OutOfCredits
        );
    }
}
