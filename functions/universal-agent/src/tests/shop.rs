//! A shop as its user connects it, and a story's book as a product of it; how it is made is the timeout handler's.

use crate::test_api::{STORY, TestApi, USER, body, code_of, header};
use domain::shop::ShopFailure;
use runtime::SealingKeys;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const SHOP: &str = "books.myshopify.com";

fn connection() -> Value {
    json!({"shop": SHOP, "problem": null, "connectedAt": "2026-01-01T00:00:00+00:00"})
}

fn product(status: &str) -> Value {
    json!({"storyId": STORY, "shop": SHOP, "status": status, "title": "Ember", "productId": null, "adminUrl": null,
        "error": null, "attempts": 0, "createdAt": "2026-01-01T00:00:00+00:00", "settledAt": null})
}

/// The columns of a story whose book is whole.
fn story() -> Value {
    let asset = |url: &str| json!({"status": "ready", "progress": 100, "url": url});
    let beats = json!([{"text": "It began."}, {"text": "It ended."}]);
    json!({"title": "Ember", "content": {"title": "Ember", "beats": beats, "moral": "Try."},
        "asset_generation_status": {"overall": "ready", "assets": {"cover": asset("https://cdn.test/cover.png"),
            "pdf": asset("https://cdn.test/book.pdf")}}})
}

fn path() -> String {
    format!("/stories/{STORY}/shop")
}

async fn selling(story: Value) -> TestApi {
    let api = TestApi::new().await;
    api.database.answers("stories", 200, json!([story]));
    let made = json!({"product": product("pending"), "replayed": false});
    api.database.answers("rpc/create_product", 200, made);
    api
}

fn last_question(api: &TestApi) -> Value {
    let (_, _, asked) = api.database.questions().pop().unwrap();
    asked
}

#[tokio::test]
async fn a_token_reaches_the_database_sealed_for_its_user_and_shop_and_comes_back_to_nobody() {
    let api = TestApi::new().await;
    api.database.answers("rpc/connect_shop", 200, connection());
    let wish = json!({"shop": SHOP, "accessToken": "shpat_hush"});
    let response = api.post("/shop/connection", wish).await;
    assert_eq!(response.status(), 201);
    assert_eq!(body(response).await["data"], connection());
    let asked = last_question(&api);
    assert!(!asked.to_string().contains("shpat_hush"), "{asked}");
    assert_eq!(
        (&asked["p_user_id"], &asked["p_domain"]),
        (&json!(USER), &json!(SHOP))
    );
    let keys = SealingKeys::new("SHOP_KEY", &[crate::test_api::SHOP_KEY.to_owned()]);
    let keys = keys.unwrap().unwrap();
    let sealed = asked["p_sealed_access"].as_str().unwrap();
    let opened = keys.open(&format!("shop/{USER}/{SHOP}"), sealed).unwrap();
    assert_eq!(opened.expose_secret(), r#"{"accessToken":"shpat_hush"}"#);
    let app = json!({"shop": SHOP, "clientId": "id", "clientSecret": "hush"});
    assert_eq!(api.post("/shop/connection", app).await.status(), 201);
    let asked = last_question(&api);
    let sealed = asked["p_sealed_access"].as_str().unwrap();
    let opened = keys.open(&format!("shop/{USER}/{SHOP}"), sealed).unwrap();
    let app = r#"{"clientId":"id","clientSecret":"hush"}"#;
    assert_eq!(opened.expose_secret(), app);

    let none = json!({"connection": null});
    api.database
        .answers("rpc/shop_connection", 200, none.clone());
    assert_eq!(body(api.get("/shop/connection").await).await["data"], none);
    api.database.answers("rpc/disconnect_shop", 200, json!({}));
    let gone = api.ask("DELETE", "/shop/connection", "").await;
    assert_eq!(gone.status(), 204);
}

#[tokio::test]
async fn no_host_but_one_of_shopify_is_a_shop_and_a_token_is_one_word() {
    let api = TestApi::new().await;
    for (shop, token, field) in [
        ("books.example.com", "shpat_1", "shop"),
        ("books.myshopify.com.evil.example", "shpat_1", "shop"),
        ("https://books.myshopify.com", "shpat_1", "shop"),
        (SHOP, "", "accessToken"),
        (SHOP, "a b", "accessToken"),
        (SHOP, "a\r\nx: y", "accessToken"),
    ] {
        let wish = json!({"shop": shop, "accessToken": token});
        let refused = body(api.post("/shop/connection", wish).await).await;
        assert_eq!(refused["data"]["field"], field, "{shop} {token}");
    }
    for half in [
        json!({"shop": SHOP}),
        json!({"shop": SHOP, "clientId": "id"}),
        json!({"shop": SHOP, "clientSecret": "hush"}),
        json!({"shop": SHOP, "accessToken": "shpat_1", "clientId": "id", "clientSecret": "hush"}),
    ] {
        let refused = body(api.post("/shop/connection", half).await).await;
        assert_eq!(refused["data"]["field"], "accessToken");
    }
    assert!(api.database.questions().is_empty());
}

#[tokio::test]
async fn a_book_is_handed_over_as_the_story_has_it_and_its_sender_is_woken() {
    let api = selling(story()).await;
    let response = api.post(&path(), json!({})).await;
    assert_eq!(response.status(), 201);
    assert_eq!(body(response).await["data"], product("pending"));
    let asked = last_question(&api);
    let expected = json!({"title": "Ember", "description": "It began.", "cover": "https://cdn.test/cover.png"});
    assert_eq!(asked["p_product"], expected);
    assert_eq!(asked["p_book_url"], "https://cdn.test/book.pdf");
    let woken = (
        "timeout-handler".to_owned(),
        json!({"action": "send_notices"}),
    );
    assert_eq!(api.events(), [woken]);

    let again = json!({"product": product("created"), "replayed": true});
    api.database.answers("rpc/create_product", 200, again);
    let wish = json!({"title": "Ember and Moon", "description": "A book.\nTo read."});
    let response = api.post(&path(), wish).await;
    assert_eq!(header(response.headers(), "idempotency-replayed"), "true");
    let asked = last_question(&api);
    assert_eq!(asked["p_product"]["title"], "Ember and Moon");
    assert_eq!(asked["p_product"]["description"], "A book.\nTo read.");

    api.database
        .answers("rpc/shop_product", 200, product("created"));
    assert_eq!(
        body(api.get(&path()).await).await["data"],
        product("created")
    );
}

#[tokio::test]
async fn all_that_a_shop_would_not_take_is_said_at_once_in_the_documented_words() {
    let mut bare = story();
    bare["asset_generation_status"]["assets"] = json!({});
    let api = selling(bare).await;
    let wish = json!({"title": "a".repeat(256), "description": "b".repeat(5001)});
    let response = api.post(&path(), wish).await;
    assert_eq!(response.status(), 400);
    let refused = body(response).await;
    assert_eq!(code_of(&refused), "VALIDATION_FAILED");
    assert_eq!(
        refused["error"],
        "Shopify API error: Product validation failed"
    );
    let words = [
        "Invalid title length",
        "Invalid cover image",
        "Description too long",
    ];
    assert_eq!(refused["message"], words.join("; "));
    let fields = refused["data"]["fields"].as_array().unwrap().iter();
    let told: Vec<_> = fields.map(|field| &field["message"]).collect();
    assert_eq!(told, words);

    let mut bookless = story();
    bookless["asset_generation_status"]["assets"]["pdf"] = Value::Null;
    let assets = bookless["asset_generation_status"]["assets"].as_object_mut();
    assets.unwrap().remove("pdf");
    api.database.answers("stories", 200, json!([bookless]));
    let refused = body(api.post(&path(), json!({})).await).await;
    assert_eq!(code_of(&refused), "MISSING_REQUIRED_ASSETS");
    assert_eq!(refused["data"]["missing"], json!(["pdf"]));
    let asked = api.database.questions();
    assert!(
        asked
            .iter()
            .all(|(_, path, _)| path != "rpc/create_product")
    );
    assert!(api.events().is_empty());
}

#[tokio::test]
async fn a_story_that_is_not_there_a_shop_that_is_not_connected_and_a_product_that_is_none_are_told_apart()
 {
    let api = TestApi::new().await;
    let missing = body(api.post(&path(), json!({})).await).await;
    assert_eq!(code_of(&missing), "STORY_NOT_FOUND");
    let api = selling(story()).await;
    let refusal = |status: u16, code: &str| json!({"code": format!("PT{status}"), "message": code, "details": "{}", "hint": null});
    let unconnected = refusal(409, "SHOP_NOT_CONNECTED");
    api.database.answers("rpc/create_product", 409, unconnected);
    let refused = body(api.post(&path(), json!({})).await).await;
    assert_eq!(code_of(&refused), "SHOP_NOT_CONNECTED");
    let none = refusal(404, "PRODUCT_NOT_FOUND");
    api.database.answers("rpc/shop_product", 404, none);
    assert_eq!(
        code_of(&body(api.get(&path()).await).await),
        "PRODUCT_NOT_FOUND"
    );
}

#[tokio::test]
async fn without_a_key_nobody_sells_and_whoever_sold_may_still_take_the_shop_away() {
    let api = TestApi::without_shops().await;
    let wish = json!({"shop": SHOP, "accessToken": "shpat_1"});
    for response in [
        api.post("/shop/connection", wish).await,
        api.get("/shop/connection").await,
        api.post(&path(), json!({})).await,
        api.get(&path()).await,
    ] {
        assert_eq!(response.status(), 403);
        assert_eq!(code_of(&body(response).await), "SHOP_DISABLED");
    }
    assert!(api.database.questions().is_empty());
    let gone = api.ask("DELETE", "/shop/connection", "").await;
    assert_eq!(gone.status(), 204);
}

#[test]
fn each_failure_of_a_shop_stands_in_the_description() {
    let document: Value = serde_json::from_str(include_str!("../../openapi.json")).unwrap();
    let product = &document["components"]["schemas"]["ShopProduct"];
    let codes = &product["properties"]["error"]["properties"]["code"]["enum"];
    let codes: BTreeSet<_> = codes
        .as_array()
        .unwrap()
        .iter()
        .map(|code| code.as_str().unwrap())
        .collect();
    let mut known: BTreeSet<_> = ShopFailure::ALL.iter().map(|one| one.code()).collect();
    // The database says this one.
    known.insert("SHOP_NOT_CONNECTED");
    assert_eq!(codes, known);
}
