//! What the database refused or could not do, as the documents word it.

use crate::error::{ApiError, Code};
use domain::AssetType;
use serde_json::{Value, json};
use store::{Refusal, StoreError};

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Refused { refusal, detail } => describe_refusal(refusal, detail),
            error if error.is_transient() => Self::unavailable(error),
            error => Self::internal(error),
        }
    }
}

/// How soon whoever is told that the platform rests may ask whether it still does.
const ASK_AGAIN_SECONDS: u64 = 60;

fn describe_refusal(refusal: Refusal, detail: Value) -> ApiError {
    match refusal {
        Refusal::CharacterNotFound => character_not_found(),
        Refusal::DailyQuotaExceeded => refused_until_midnight(
            Code::DailyQuotaExceeded,
            "You've started as many stories as your plan allows in a day. The quota resets at midnight UTC.",
            detail,
        ),
        Refusal::IdempotencyKeyReused => ApiError::new(
            Code::IdempotencyKeyReused,
            "This Idempotency-Key came with another request before. Use a new key for a new request.",
        ),
        Refusal::LibraryNotFound => {
            ApiError::new(Code::LibraryNotFound, "None of your libraries has this id.")
        }
        Refusal::MissingRequiredAssets => ApiError::new(
            Code::MissingRequiredAssets,
            "This needs assets that the story does not have (data.missing), or has of an earlier text alone (data.stale). Ask for them in the same request.",
        )
        .with_data(detail),
        Refusal::NotInPlan => {
            let error = match (detail["priority"].as_str(), detail["assetType"].as_str()) {
                (Some(priority), _) => format!("Priority {priority} is not available on your plan"),
                _ if detail["characterVoices"] == true => {
                    "A character's own voice is not available on your plan".to_owned()
                }
                _ if detail["characterSheets"] == true => {
                    "Character sheets are not available on your plan".to_owned()
                }
                (None, asset) => {
                    let title = asset_title(asset.unwrap_or_default());
                    format!("{title} generation is not available on your plan")
                }
            };
            ApiError::new(
                Code::NotInPlan,
                "Upgrade to a plan that includes it; GET /api/v1/plans compares them.",
            )
            .with_error(error)
            .with_data(detail)
        }
        // By hand: nobody knows until when.
        Refusal::PlatformPaused if detail["retryAfterSeconds"].is_null() => {
            let usual = "Nothing new is made for the moment. What was asked for before is made as soon as this is over.";
            let words = detail["reason"].as_str().unwrap_or(usual).to_owned();
            let paused = ApiError::new(Code::PlatformPaused, words);
            match detail.get("state") {
                Some(_) => paused.with_data(detail).with_retry_after(ASK_AGAIN_SECONDS),
                None => paused,
            }
        }
        Refusal::PlatformPaused => refused_until_midnight(
            Code::PlatformPaused,
            "Nothing new is made for the rest of the day. Try again after midnight UTC.",
            detail,
        ),
        Refusal::ProductNotFound => ApiError::new(
            Code::ProductNotFound,
            "This story is no product of a shop. POST to the same path makes it one.",
        ),
        Refusal::QuotaExceeded => ApiError::new(
            Code::QuotaExceeded,
            "You've reached your story limit. Upgrade to create more stories.",
        )
        .with_data(detail),
        Refusal::RegenerationLimit => ApiError::new(
            Code::RegenerationLimit,
            "The assets of this story have been made again as often as your plan allows. Tries that failed are not counted.",
        )
        .with_data(detail),
        Refusal::ShopNotConnected => ApiError::new(
            Code::ShopNotConnected,
            "Connect a shop first: POST /api/v1/shop/connection.",
        ),
        Refusal::SpendLimit => refused_until_midnight(
            Code::SpendLimit,
            "This would cost more than your plan allows in a day. Ask for less, or try again after midnight UTC.",
            detail,
        ),
        Refusal::StoryNotFound => story_not_found(),
        // Said to operators alone; no route recovers.
        Refusal::StoryIsNewer | Refusal::StoryNotRecoverable | Refusal::UnknownSnapshot => {
            ApiError::new(Code::InternalError, "This cannot be asked here.")
        }
        Refusal::TokenInvalid => ApiError::new(
            Code::TokenInvalid,
            "The access token is of a user who was deleted.",
        ),
        Refusal::UnknownPurchase => {
            ApiError::invalid("data", "data must name a plan or a pack that there is")
        }
        Refusal::VersionNotFound => ApiError::new(
            Code::VersionNotFound,
            "The story has no such version of this asset; GET /stories/{id}/history lists those it has.",
        ),
        Refusal::VersionOfAnotherText => ApiError::new(
            Code::VersionOfAnotherText,
            "This was made from another text than the one that is shown. Restore that text; it brings this along.",
        )
        .with_data(detail),
        Refusal::WebhookLimit => ApiError::new(
            Code::WebhookLimit,
            "Your plan allows no more webhooks. Remove one, or take a larger plan.",
        )
        .with_data(detail),
        Refusal::WebhookNotFound => ApiError::new(
            Code::WebhookNotFound,
            "None of your webhooks, or of what was told to it, has this id.",
        ),
    }
}

/// A refusal that time heals: `detail` says in how many seconds.
fn refused_until_midnight(code: Code, message: &'static str, detail: Value) -> ApiError {
    let seconds = detail["retryAfterSeconds"]
        .as_f64()
        .unwrap_or(3600.0)
        .max(1.0);
    ApiError::new(code, message)
        .with_data(detail)
        .with_retry_after(seconds.ceil() as u64)
}

pub(crate) fn story_not_found() -> ApiError {
    ApiError::new(Code::StoryNotFound, "None of your stories has this id.")
}

pub(crate) fn character_not_found() -> ApiError {
    ApiError::new(
        Code::CharacterNotFound,
        "None of your characters has this id. Create a character first, then tell its story.",
    )
    .with_data(json!({"create": "POST /api/v1/characters"}))
}

/// The asset as a sentence begins with it.
fn asset_title(asset: &str) -> &'static str {
    match asset.parse() {
        Ok(AssetType::Content) => "Story text",
        Ok(AssetType::Cover) => "Cover",
        Ok(AssetType::Scene1) => "Scene 1",
        Ok(AssetType::Scene2) => "Scene 2",
        Ok(AssetType::Scene3) => "Scene 3",
        Ok(AssetType::Scene4) => "Scene 4",
        Ok(AssetType::Audio) => "Audio",
        Ok(AssetType::Activities) => "Activities",
        Ok(AssetType::Pdf) => "PDF",
        Err(_) => "Asset",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_api::body;
    use axum::response::IntoResponse;

    fn response(refusal: Refusal, detail: Value) -> axum::response::Response {
        ApiError::from(StoreError::Refused { refusal, detail }).into_response()
    }

    #[tokio::test]
    async fn a_used_up_quota_is_answered_word_for_word_as_documented() {
        let detail = json!({"tier": "free", "storiesUsed": 2, "storyLimit": 2, "upgradeOptions": ["individual", "story_pack_5"]});
        let response = response(Refusal::QuotaExceeded, detail.clone());
        assert_eq!(response.status(), 403);
        assert_eq!(
            body(response).await,
            json!({"success": false, "error": "Quota exceeded", "code": "QUOTA_EXCEEDED",
                "message": "You've reached your story limit. Upgrade to create more stories.", "data": detail})
        );
    }

    #[tokio::test]
    async fn a_day_s_quota_says_when_to_come_back() {
        let response = response(
            Refusal::DailyQuotaExceeded,
            json!({"dailyLimit": 10, "retryAfterSeconds": 4321.2}),
        );
        assert_eq!(response.status(), 429);
        assert_eq!(response.headers()["retry-after"], "4322");
        let body = body(response).await;
        assert_eq!(body["code"], "ERR_4002");
        assert_eq!(body["error"], "Daily generation quota exceeded");
    }

    #[tokio::test]
    async fn a_spent_day_says_when_it_ends_and_a_pause_by_hand_does_not() {
        for (refusal, detail, status, retry_after) in [
            (
                Refusal::SpendLimit,
                json!({"dailyLimitUsd": 3, "retryAfterSeconds": 60}),
                429,
                Some("60"),
            ),
            (
                Refusal::PlatformPaused,
                json!({"retryAfterSeconds": 60}),
                503,
                Some("60"),
            ),
            (Refusal::PlatformPaused, json!({}), 503, None),
            (
                Refusal::RegenerationLimit,
                json!({"allowance": 16, "used": 15, "asked": 2}),
                403,
                None,
            ),
        ] {
            let response = response(refusal, detail.clone());
            assert_eq!(response.status(), status, "{refusal:?}");
            let told = response.headers().get("retry-after").cloned();
            let told = told.as_ref().map(|value| value.to_str().unwrap());
            assert_eq!(told, retry_after, "{refusal:?}");
            let data = body(response).await["data"].clone();
            assert!(data.is_null() || data == detail, "{data}");
        }
    }

    #[tokio::test]
    async fn an_asset_outside_the_plan_is_named() {
        let response = response(
            Refusal::NotInPlan,
            json!({"assetType": "pdf", "tier": "free"}),
        );
        assert_eq!(response.status(), 403);
        let body = body(response).await;
        assert_eq!(body["code"], "ERR_6002");
        assert_eq!(
            body["error"],
            "PDF generation is not available on your plan"
        );
    }

    #[tokio::test]
    async fn a_platform_that_rests_says_why_in_the_operators_words() {
        let detail = json!({"state": "read_only", "reason": "We are moving house. Back at noon."});
        let response = response(Refusal::PlatformPaused, detail.clone());
        assert_eq!(
            (
                response.status().as_u16(),
                &response.headers()["retry-after"]
            ),
            (503, &"60".parse().unwrap())
        );
        let body = body(response).await;
        assert_eq!(body["message"], "We are moving house. Back at noon.");
        assert_eq!(
            (&body["code"], &body["data"]),
            (&json!("PLATFORM_PAUSED"), &detail)
        );
    }

    #[tokio::test]
    async fn a_priority_outside_the_plan_is_named() {
        let response = response(
            Refusal::NotInPlan,
            json!({"priority": "urgent", "tier": "free"}),
        );
        assert_eq!(response.status(), 403);
        let body = body(response).await;
        assert_eq!(body["code"], "ERR_6002");
        assert_eq!(
            body["error"],
            "Priority urgent is not available on your plan"
        );
        assert_eq!(body["data"]["priority"], "urgent");
    }

    #[tokio::test]
    async fn a_book_without_its_cover_is_refused_by_what_is_missing() {
        let response = response(
            Refusal::MissingRequiredAssets,
            json!({"missing": ["cover"]}),
        );
        assert_eq!(response.status(), 409);
        let body = body(response).await;
        assert_eq!(body["code"], "MISSING_REQUIRED_ASSETS");
        assert_eq!(body["data"]["missing"], json!(["cover"]));
    }

    #[test]
    fn every_other_refusal_has_its_status() {
        for (refusal, status) in [
            (Refusal::CharacterNotFound, 404),
            (Refusal::IdempotencyKeyReused, 422),
            (Refusal::LibraryNotFound, 404),
            (Refusal::MissingRequiredAssets, 409),
            (Refusal::ProductNotFound, 404),
            (Refusal::ShopNotConnected, 409),
            (Refusal::StoryNotFound, 404),
            (Refusal::TokenInvalid, 401),
            (Refusal::VersionNotFound, 404),
            (Refusal::VersionOfAnotherText, 409),
            (Refusal::WebhookLimit, 403),
            (Refusal::WebhookNotFound, 404),
        ] {
            assert_eq!(response(refusal, Value::Null).status(), status);
        }
    }
}
