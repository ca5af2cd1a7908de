//! What is sent to a shop, and what each of its answers means for the product and its owner.

use super::{wire::order, *};
use domain::shop::ShopDomain;
use serde_json::json;

const STORY: &str = "00000000-0000-4000-8000-000000000007";

fn keys() -> SealingKeys {
    // Base64 of 32 zero bytes.
    let key = format!("{}=", "A".repeat(43));
    SealingKeys::new("SHOP_KEY", &[key]).unwrap().unwrap()
}

fn due() -> DueProduct {
    let shop: ShopDomain = "books.myshopify.com".parse().unwrap();
    let place = place_of_access(STORY.parse().unwrap(), &shop);
    let access = r#"{"accessToken": "shpat_1"}"#.into();
    let sealed = keys().seal(&place, &access).unwrap();
    let due = json!({"id": STORY, "storyId": STORY, "userId": STORY, "shop": shop, "sealedAccess": sealed,
        "title": "Ember & <Moon>", "description": "One < two.\n\n Three. ",
        "cover": "https://cdn.example.com/cover.png", "book": "https://cdn.example.com/book.pdf"});
    serde_json::from_value(due).unwrap()
}

#[test]
fn a_book_is_a_draft_under_its_story_s_handle_with_cover_and_pdf_and_nothing_to_ship() {
    let order = order(&due());
    let (identifier, input) = (
        &order["variables"]["identifier"],
        &order["variables"]["input"],
    );
    assert_eq!(identifier["handle"], format!("storytailor-{STORY}"));
    assert_eq!(input["handle"], identifier["handle"]);
    assert_eq!(input["status"], "DRAFT");
    assert_eq!(input["title"], "Ember & <Moon>");
    assert_eq!(
        input["descriptionHtml"],
        "<p>One &lt; two.</p><p>Three.</p>"
    );
    let cover = &input["files"][0];
    assert_eq!(cover["originalSource"], "https://cdn.example.com/cover.png");
    let pdf = &input["metafields"][0];
    assert_eq!(
        (&pdf["type"], &pdf["value"]),
        (&json!("url"), &json!("https://cdn.example.com/book.pdf"))
    );
    let variant = &input["variants"][0]["inventoryItem"];
    assert_eq!(variant["requiresShipping"], false);
    let mutation = order["query"].as_str().unwrap();
    assert!(
        mutation.contains("productSet(identifier: $identifier, input: $input, synchronous: true)")
    );
}

fn read(status: u16, body: &Value) -> Result<String, NotMade> {
    wire::read(&PublicAnswer {
        status,
        retry_after_seconds: None,
        body: body.to_string(),
    })
}

fn user_errors(codes: &[&str]) -> Value {
    let errors = codes
        .iter()
        .map(|code| json!({"code": code, "field": ["input", "title"], "message": "is wrong"}));
    let errors: Vec<_> = errors.collect();
    json!({"data": {"productSet": {"product": null, "userErrors": errors}}})
}

#[test]
fn what_the_shop_has_is_known_by_its_id_and_errors_are_none_of_status_200_s_business() {
    let id = "gid://shopify/Product/7";
    let made = json!({"data": {"productSet": {"product": {"id": id}, "userErrors": []}}, "extensions": {"cost": {}}});
    assert_eq!(read(200, &made), Ok(id.to_owned()));
    let refused = read(200, &user_errors(&["INVALID_INPUT", "GENERIC_ERROR"])).unwrap_err();
    assert_eq!(refused.failure, ShopFailure::Refused);
    let told = serde_json::to_value(refused.result(&due())).unwrap();
    assert_eq!(
        told["errorMessage"],
        "Shopify API error: Product validation failed: input.title: is wrong; input.title: is wrong"
    );
    assert_eq!(
        (&told["errorCode"], &told["isFinal"]),
        (&json!("PRODUCT_REFUSED"), &json!(true))
    );
    let passing = read(200, &user_errors(&["HANDLE_NOT_UNIQUE"])).unwrap_err();
    assert_eq!(passing.failure, ShopFailure::Unavailable);
    for (code, failure) in [
        ("ACCESS_DENIED", ShopFailure::AccessDenied),
        ("SHOP_INACTIVE", ShopFailure::Frozen),
        ("INTERNAL_SERVER_ERROR", ShopFailure::Unavailable),
        ("undefinedField", ShopFailure::Refused),
    ] {
        let errors = json!({"errors": [{"message": "no", "extensions": {"code": code}}]});
        assert_eq!(read(200, &errors).unwrap_err().failure, failure, "{code}");
    }
    for nothing in [json!({}), json!([]), json!({"data": {"productSet": null}})] {
        assert_eq!(
            read(200, &nothing).unwrap_err().failure,
            ShopFailure::Unavailable
        );
    }
}

#[test]
fn a_bucket_that_is_empty_says_when_it_holds_enough_and_nobody_waits_longer_than_a_minute() {
    let throttled = |available: f64, rate: f64| {
        let status = json!({"maximumAvailable": 2000.0, "currentlyAvailable": available, "restoreRate": rate});
        let body = json!({"errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}],
            "extensions": {"cost": {"requestedQueryCost": 60, "actualQueryCost": null, "throttleStatus": status}}});
        read(200, &body).unwrap_err()
    };
    let told = throttled(10.0, 100.0);
    assert_eq!(
        (told.failure, told.wait_seconds),
        (ShopFailure::Throttled, Some(0.5))
    );
    assert_eq!(throttled(10.0, 0.1).wait_seconds, Some(60.0));
    assert_eq!(throttled(10.0, 0.0).wait_seconds, None);
}

#[test]
fn each_status_is_what_its_owner_can_mend_or_time_can() {
    for (status, failure, is_final) in [
        (301, ShopFailure::NotFound, true),
        (400, ShopFailure::Refused, true),
        (401, ShopFailure::TokenRejected, true),
        (402, ShopFailure::Frozen, true),
        (403, ShopFailure::AccessDenied, true),
        (404, ShopFailure::NotFound, true),
        (423, ShopFailure::Locked, true),
        (429, ShopFailure::Throttled, false),
        (430, ShopFailure::Unavailable, false),
        (500, ShopFailure::Unavailable, false),
        (503, ShopFailure::Unavailable, false),
    ] {
        let told = read(status, &json!({"errors": "Not Found"})).unwrap_err();
        assert_eq!(
            (told.failure, told.failure.is_final()),
            (failure, is_final),
            "{status}"
        );
    }
    let page = PublicAnswer {
        status: 200,
        retry_after_seconds: None,
        body: "<html>".to_owned(),
    };
    assert_eq!(
        wire::read(&page).unwrap_err().failure,
        ShopFailure::Unavailable
    );
}

#[test]
fn an_app_is_granted_a_token_and_one_that_is_not_tells_its_owner() {
    let answer = |status: u16, body: &str| PublicAnswer {
        status,
        retry_after_seconds: None,
        body: body.to_owned(),
    };
    let granted = r#"{"access_token": "shpua_1", "scope": "write_products", "expires_in": 86399}"#;
    assert_eq!(
        wire::read_grant(&answer(200, granted)),
        Ok("shpua_1".to_owned())
    );
    for (status, body, failure) in [
        (
            400,
            r#"{"error": "invalid_client"}"#,
            ShopFailure::TokenRejected,
        ),
        (404, "", ShopFailure::NotFound),
        (503, "", ShopFailure::Unavailable),
        (200, "<html>", ShopFailure::Unavailable),
    ] {
        let refused = wire::read_grant(&answer(status, body)).unwrap_err();
        assert_eq!(refused.failure, failure, "{status} {body}");
    }
}

#[tokio::test]
async fn what_does_not_open_is_sent_nowhere_and_its_owner_is_told() {
    let web = PublicWeb::new(None);
    let other = SealingKeys::new("SHOP_KEY", &[format!("{}=", "E".repeat(43))]);
    let sent = publish(&web, &other.unwrap().unwrap(), &due()).await;
    let told = serde_json::to_value(sent).unwrap();
    assert_eq!(told["errorCode"], "SHOP_TOKEN_REJECTED");
    let mut elsewhere = due();
    elsewhere.shop = "other.myshopify.com".parse().unwrap();
    let sent = publish(&web, &keys(), &elsewhere).await;
    let told = serde_json::to_value(sent).unwrap();
    assert_eq!(
        told["errorCode"], "SHOP_TOKEN_REJECTED",
        "bound to its shop"
    );
}
