//! What an error answer of OpenAI means. Nothing in its body is believed to have the promised type.

use crate::ErrorKind;
use serde_json::Value;

/// The members of an error that say what it means.
#[derive(Debug, Default)]
struct Problem {
    code: Option<String>,
    kind: String,
    param: Option<String>,
    /// Never kept: it may quote the prompt.
    message: String,
    has_moderation_details: bool,
}

/// A string, or a number as one; anything else says nothing.
fn word(value: &Value) -> Option<String> {
    match value {
        Value::String(word) if !word.is_empty() => Some(word.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

impl Problem {
    fn read(body: &[u8]) -> Self {
        let mut body: Value = serde_json::from_slice(body).unwrap_or_default();
        // A gateway may leave the envelope out.
        let error = match body.get_mut("error") {
            Some(error) => error.take(),
            None => body,
        };
        if let Value::String(message) = error {
            return Self {
                message,
                ..Self::default()
            };
        }
        Self {
            code: word(&error["code"]),
            kind: word(&error["type"]).unwrap_or_default(),
            param: word(&error["param"]),
            message: word(&error["message"]).unwrap_or_default(),
            has_moderation_details: !error["moderation_details"].is_null(),
        }
    }

    fn is_about_money(&self) -> bool {
        matches!(
            self.code.as_deref(),
            Some(
                "insufficient_quota"
                    | "credit_balance_exhausted"
                    | "organization_spend_limit_exceeded"
                    | "project_spend_limit_exceeded"
                    | "organization_usage_limit_exceeded"
                    | "billing_hard_limit_reached"
            )
        ) || matches!(
            self.kind.as_str(),
            "insufficient_quota" | "billing_limit_user_error"
        )
    }

    fn is_refusal(&self) -> bool {
        self.has_moderation_details
            || matches!(
                self.code.as_deref(),
                Some(
                    "moderation_blocked"
                        | "content_policy_violation"
                        | "image_content_policy_violation"
                        | "invalid_prompt"
                        | "bio_policy"
                        | "misalignment_policy_violation"
                )
            )
    }

    fn is_about_a_reference(&self) -> bool {
        let names_a_picture = self
            .param
            .as_deref()
            .is_some_and(|param| param.starts_with("image"));
        let is_known = matches!(
            self.code.as_deref(),
            Some(
                "empty_image_file"
                    | "failed_to_download_image"
                    | "image_file_not_found"
                    | "image_file_too_large"
                    | "image_parse_error"
                    | "image_too_large"
                    | "image_too_small"
                    | "invalid_base64_image"
                    | "invalid_image"
                    | "invalid_image_file"
                    | "invalid_image_format"
                    | "invalid_image_mode"
                    | "invalid_image_url"
                    | "unsupported_file_mimetype"
                    | "unsupported_image_media_type"
            )
        );
        // Without a parameter or a code there is nothing else in an image request that a user brought along.
        let is_unexplained = self.param.is_none()
            && (self.kind == "image_generation_user_error"
                || self.code.is_none() && self.message.to_lowercase().contains("image"));
        names_a_picture || is_known || is_unexplained
    }

    /// The place of the reference: `images[1].image_url` tells it from 0, `for image 2` in a message from 1.
    fn reference_index(&self) -> Option<usize> {
        let number_in = |text: &str| {
            let start = text.find(|letter: char| letter.is_ascii_digit())?;
            let digits = text[start..].split(|letter: char| !letter.is_ascii_digit());
            digits.into_iter().next()?.parse::<usize>().ok()
        };
        let by_param = self.param.as_deref().and_then(number_in);
        by_param.or_else(|| {
            let mut after = self.message.split(" image ").skip(1);
            let numbered =
                after.find(|rest| rest.starts_with(|letter: char| letter.is_ascii_digit()))?;
            number_in(numbered)?.checked_sub(1)
        })
    }
}

/// Billing codes first: 429 means wait, or it means no money, and only the code tells. What was refused comes back as the
/// code, or as the parameter where no code is given.
pub(super) fn classify(status: u16, body: &[u8]) -> (ErrorKind, Option<String>) {
    let problem = Problem::read(body);
    let is_4xx = (400..500).contains(&status);
    let meaning = if problem.is_about_money() {
        ErrorKind::OutOfCredits
    } else if problem.is_refusal() && is_4xx {
        ErrorKind::Refused
    } else {
        match (problem.code.as_deref(), status) {
            (Some("model_not_found" | "model_not_available" | "deprecated_model"), _) => {
                ErrorKind::ModelGone
            }
            (Some("invalid_api_key" | "unsupported_country_region_territory"), _) | (_, 401) => {
                ErrorKind::BadCredentials
            }
            (_, 402) => ErrorKind::OutOfCredits,
            (_, 403) => ErrorKind::ModelClosed,
            (_, 429) => ErrorKind::RateLimited { retry_after: None },
            (_, 408 | 409) | (_, 500..) => ErrorKind::Unavailable,
            (_, 404) => ErrorKind::ModelGone,
            (_, 400 | 413 | 415 | 422) if problem.is_about_a_reference() => {
                ErrorKind::ReferenceUnreadable {
                    index: problem.reference_index(),
                }
            }
            _ => ErrorKind::Invalid,
        }
    };
    let named = problem
        .code
        .or_else(|| problem.param.map(|param| format!("param {param}")));
    (meaning, named)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(status: u16, body: &str) -> ErrorKind {
        classify(status, body.as_bytes()).0
    }

    #[test]
    fn the_same_status_means_wait_or_no_money_by_its_code() {
        assert_eq!(
            kind(
                429,
                r#"{"error":{"code":"insufficient_quota","type":"insufficient_quota"}}"#
            ),
            ErrorKind::OutOfCredits
        );
        assert_eq!(
            kind(
                429,
                r#"{"error":{"code":null,"type":"insufficient_quota"}}"#
            ),
            ErrorKind::OutOfCredits
        );
        assert_eq!(
            kind(
                429,
                r#"{"error":{"code":"rate_limit_exceeded","type":"requests"}}"#
            ),
            ErrorKind::RateLimited { retry_after: None }
        );
        assert_eq!(
            kind(
                400,
                r#"{"error":{"code":"moderation_blocked","type":"image_generation_user_error"}}"#
            ),
            ErrorKind::Refused
        );
        assert_eq!(
            kind(
                404,
                r#"{"error":{"code":"model_not_found","type":"invalid_request_error"}}"#
            ),
            ErrorKind::ModelGone
        );
        assert_eq!(
            kind(502, "<html>bad gateway</html>"),
            ErrorKind::Unavailable
        );
        assert_eq!(kind(401, "{}"), ErrorKind::BadCredentials);
        assert_eq!(kind(402, "{}"), ErrorKind::OutOfCredits);
        assert_eq!(kind(400, "{}"), ErrorKind::Invalid);
    }

    #[test]
    fn a_model_that_needs_a_verified_organisation_is_closed_and_the_key_is_not_at_fault() {
        assert_eq!(
            kind(
                403,
                r#"{"error":{"message":"organization must be verified","type":"invalid_request_error","param":null,"code":null}}"#
            ),
            ErrorKind::ModelClosed
        );
        assert_eq!(
            kind(
                403,
                r#"{"error":{"code":"unsupported_country_region_territory","type":"request_forbidden"}}"#
            ),
            ErrorKind::BadCredentials
        );
    }

    #[test]
    fn a_reference_that_cannot_be_read_is_told_apart_and_its_place_read_where_it_is_named() {
        for (body, index) in [
            (
                r#"{"error":{"message":"invalid image","type":"image_generation_user_error","param":null,"code":"invalid_image_file"}}"#,
                None,
            ),
            (
                r#"{"error":{"message":"x","type":"invalid_request_error","param":"images[3].image_url","code":"failed_to_download_image"}}"#,
                Some(3),
            ),
            (
                r#"{"error":{"message":"Invalid image file or mode for image 2, please check your image file.","type":"invalid_request_error","param":"image","code":null}}"#,
                Some(1),
            ),
            (
                r#"{"error":{"message":"Error while downloading image.","type":"invalid_request_error","param":null,"code":null}}"#,
                None,
            ),
        ] {
            assert_eq!(
                kind(400, body),
                ErrorKind::ReferenceUnreadable { index },
                "{body}"
            );
        }
        let refused_parameter = r#"{"error":{"message":"The model does not take quality for images","type":"invalid_request_error","param":"quality","code":"invalid_value"}}"#;
        assert_eq!(kind(400, refused_parameter), ErrorKind::Invalid);
    }

    #[test]
    fn members_of_the_wrong_type_leave_the_rest_of_an_error_readable() {
        for (status, body, expected) in [
            (
                400,
                r#"{"error":{"code":400,"type":["x"],"message":null,"moderation_details":{}}}"#,
                ErrorKind::Refused,
            ),
            (
                403,
                r#"{"error":{"code":403,"type":7,"param":[]}}"#,
                ErrorKind::ModelClosed,
            ),
            (
                429,
                r#"{"error":{"code":{"a":1},"type":"insufficient_quota"}}"#,
                ErrorKind::OutOfCredits,
            ),
            (
                429,
                r#"{"error":"slow down"}"#,
                ErrorKind::RateLimited { retry_after: None },
            ),
            (404, r#"{"code":"model_not_found"}"#, ErrorKind::ModelGone),
            (500, "[1,2]", ErrorKind::Unavailable),
            (400, "null", ErrorKind::Invalid),
        ] {
            assert_eq!(kind(status, body), expected, "{body}");
        }
        let (_, code) = classify(400, br#"{"error":{"code":17,"type":"x"}}"#);
        assert_eq!(code.as_deref(), Some("17"));
        let (_, code) = classify(400, br#"{"error":{"code":null,"param":"quality"}}"#);
        assert_eq!(code.as_deref(), Some("param quality"));
    }
}
