//! Shops: one a user, and each story's book one product of it, tried three times and known by one id.

use crate::database::fixture::{Database, Story};
use serde_json::{Value, json};
use uuid::Uuid;

const PRODUCTS: &str = "private.shop_products";
const SHOP: &str = "books.myshopify.com";

fn sealed(with: char) -> String {
    format!("v1.{}==", with.to_string().repeat(62))
}

async fn connect(database: &Database, user: Uuid, shop: &str) -> Value {
    let arguments = json!({"p_user_id": user, "p_email": null, "p_domain": shop, "p_sealed_access": sealed('A')});
    database.call("connect_shop", arguments).await
}

fn of(story: &Story) -> Value {
    json!({"p_user_id": story.user, "p_story_id": story.id})
}

fn wish(story: &Story, title: &str) -> Value {
    let mut wish = of(story);
    wish["p_product"] = json!({"title": title, "description": "It began.", "cover": "https://cdn.example/cover.png"});
    wish["p_book_url"] = json!("https://cdn.example/book.pdf");
    wish
}

/// A story of somebody who sells, asked to be a product.
async fn asked(database: &Database) -> Story {
    let story = database.story(&["cover"]).await;
    connect(database, story.user, SHOP).await;
    database.call("create_product", wish(&story, "Ember")).await;
    story
}

async fn claim(database: &Database) -> Value {
    let arguments = json!({"p_limit": 10, "p_mail": false, "p_shop": true});
    database.call("claim_notices", arguments).await
}

fn due(claimed: &Value) -> &Vec<Value> {
    claimed["products"].as_array().expect("a list")
}

async fn settle(database: &Database, claimed: &Value, how: Value) -> Value {
    let result = |due: &Value| {
        let mut result = how.clone();
        result["id"] = due["id"].clone();
        result
    };
    let results: Vec<_> = due(claimed).iter().map(result).collect();
    let arguments = json!({"p_lease_token": claimed["leaseToken"], "p_results": json!([]), "p_products": results});
    database.call("settle_notices", arguments).await
}

fn made() -> Value {
    json!({"productId": "gid://shopify/Product/17"})
}

fn failed(code: &str, is_final: bool) -> Value {
    json!({"errorCode": code, "errorMessage": "no", "isFinal": is_final})
}

/// Makes every pause and every lease be over.
async fn let_time_pass(database: &Database) {
    let over = format!("update {PRODUCTS} set available_at = now() where available_at > now()");
    database.arrange(&over).await;
}

async fn shown(database: &Database, story: &Story) -> Value {
    database.call("shop_product", of(story)).await
}

#[tokio::test]
async fn a_book_is_one_product_of_a_shop_however_often_it_is_asked_for_and_another_of_another() {
    let database = Database::new().await;
    let story = asked(&database).await;
    let again = database.call("create_product", wish(&story, "Other")).await;
    assert_eq!(
        (&again["replayed"], &again["product"]["title"]),
        (&json!(true), &json!("Ember"))
    );

    let claimed = claim(&database).await;
    let one = &due(&claimed)[0];
    assert_eq!(
        (&one["shop"], &one["sealedAccess"]),
        (&json!(SHOP), &json!(sealed('A')))
    );
    assert_eq!(
        (&one["title"], &one["book"]),
        (&json!("Ember"), &json!("https://cdn.example/book.pdf"))
    );
    assert_eq!(settle(&database, &claimed, made()).await["products"], 1);
    let product = shown(&database, &story).await;
    assert_eq!(product["status"], "created");
    let admin = format!("https://{SHOP}/admin/products/17");
    assert_eq!(product["adminUrl"], admin);
    let again = database.call("create_product", wish(&story, "Other")).await;
    assert_eq!(
        (&again["replayed"], &again["product"]),
        (&json!(true), &product)
    );
    assert!(due(&claim(&database).await).is_empty());

    connect(&database, story.user, "more.myshopify.com").await;
    let other = database.call("create_product", wish(&story, "Other")).await;
    assert_eq!(other["replayed"], false);
    assert_eq!(shown(&database, &story).await["shop"], "more.myshopify.com");
    assert_eq!(database.count(PRODUCTS).await, 2);
}

#[tokio::test]
async fn three_tries_after_one_and_two_seconds_or_as_the_shop_asks_and_then_it_waits_to_be_asked_for()
 {
    let database = Database::new().await;
    let story = asked(&database).await;
    let mut pauses = Vec::new();
    for attempt in 1..=3 {
        let claimed = claim(&database).await;
        assert_eq!(due(&claimed).len(), 1, "try {attempt}");
        let mut how = failed("SHOP_THROTTLED", false);
        if attempt == 2 {
            how["waitSeconds"] = json!(7.5);
        }
        let settled = settle(&database, &claimed, how.clone()).await;
        assert_eq!(settled["refused"], i32::from(attempt == 3));
        // Told twice, noted once.
        assert_eq!(settle(&database, &claimed, how).await["refused"], 0);
        let pause =
            format!("select extract(epoch from available_at - now())::float8 from {PRODUCTS}");
        let pause: f64 = database.value(&pause).await;
        pauses.push(pause.ceil());
        let product = shown(&database, &story).await;
        assert_eq!(product["error"]["code"], "SHOP_THROTTLED", "{product}");
        let_time_pass(&database).await;
    }
    assert_eq!(pauses[..2], [1.0, 8.0]);
    assert!(due(&claim(&database).await).is_empty());
    assert_eq!(shown(&database, &story).await["status"], "failed");
    let connection = database
        .call("shop_connection", json!({"p_user_id": story.user}))
        .await;
    assert_eq!(
        connection["connection"]["problem"],
        Value::Null,
        "time heals that"
    );

    let again = database.call("create_product", wish(&story, "Other")).await;
    assert_eq!(
        (&again["replayed"], &again["product"]["title"]),
        (&json!(false), &json!("Other"))
    );
    let claimed = claim(&database).await;
    assert_eq!(settle(&database, &claimed, made()).await["products"], 1);
    assert_eq!(shown(&database, &story).await["error"], Value::Null);
}

#[tokio::test]
async fn who_dies_before_the_note_leaves_it_for_the_next_and_what_the_shop_has_is_made_whoever_says_so()
 {
    let database = Database::new().await;
    let story = asked(&database).await;
    let dead = claim(&database).await;
    let next = claim(&database).await;
    assert!(due(&next).is_empty(), "leased to the first");
    assert!(next["nextInSeconds"].as_f64().expect("a lease ends") > 20.0);
    let overdue =
        format!("update {PRODUCTS} set available_at = now() - interval '3 seconds' where true");
    database.arrange(&overdue).await;
    let woken = database
        .call("claim_asset_jobs", json!({"p_limit": 1}))
        .await;
    assert_eq!(woken["deliveries"], true, "the worker wakes a sender");
    let quick = claim(&database).await;
    assert_eq!(due(&dead)[0]["id"], due(&quick)[0]["id"]);
    assert_eq!(
        settle(&database, &dead, failed("SHOP_LOCKED", true)).await["refused"],
        0
    );
    assert_eq!(settle(&database, &dead, made()).await["products"], 1);
    assert_eq!(
        settle(&database, &quick, failed("SHOP_LOCKED", true)).await["refused"],
        0
    );
    assert_eq!(shown(&database, &story).await["status"], "created");
}

#[tokio::test]
async fn what_only_the_owner_can_mend_ends_it_at_once_and_stands_at_the_shop_until_it_is_connected_again()
 {
    let database = Database::new().await;
    let story = asked(&database).await;
    let claimed = claim(&database).await;
    let settled = settle(&database, &claimed, failed("SHOP_TOKEN_REJECTED", true)).await;
    assert_eq!(settled["refused"], 1);
    let who = json!({"p_user_id": story.user});
    let connection = database.call("shop_connection", who.clone()).await;
    assert_eq!(connection["connection"]["problem"], "SHOP_TOKEN_REJECTED");
    assert!(!connection.to_string().contains("v1."), "{connection}");
    assert_eq!(
        connect(&database, story.user, SHOP).await["problem"],
        Value::Null
    );

    // What a product lacks is no fault of the shop, and a token that was replaced meanwhile is not blamed for the one before.
    database.call("create_product", wish(&story, "Ember")).await;
    let claimed = claim(&database).await;
    connect(&database, story.user, SHOP).await;
    let settled = settle(&database, &claimed, failed("SHOP_TOKEN_REJECTED", true)).await;
    assert_eq!(settled["refused"], 0);
    let claimed = claim(&database).await;
    settle(&database, &claimed, failed("PRODUCT_REFUSED", true)).await;
    let connection = database.call("shop_connection", who).await;
    assert_eq!(connection["connection"]["problem"], Value::Null);
    assert_eq!(
        shown(&database, &story).await["error"]["code"],
        "PRODUCT_REFUSED"
    );
}

#[tokio::test]
async fn what_waits_for_a_shop_that_is_taken_away_is_given_up_and_nothing_is_asked_without_one() {
    let database = Database::new().await;
    let story = asked(&database).await;
    let who = json!({"p_user_id": story.user});
    for _ in 0..2 {
        database.call("disconnect_shop", who.clone()).await;
    }
    assert_eq!(
        database.call("shop_connection", who).await["connection"],
        Value::Null
    );
    let product = shown(&database, &story).await;
    assert_eq!(
        (&product["status"], &product["error"]["code"]),
        (&json!("failed"), &json!("SHOP_NOT_CONNECTED"))
    );
    assert!(due(&claim(&database).await).is_empty());
    let stranger = database.story(&["cover"]).await;
    for (verb, arguments, code) in [
        (
            "create_product",
            wish(&story, "Ember"),
            "SHOP_NOT_CONNECTED",
        ),
        ("shop_product", of(&stranger), "PRODUCT_NOT_FOUND"),
        (
            "shop_product",
            json!({"p_user_id": stranger.user, "p_story_id": story.id}),
            "STORY_NOT_FOUND",
        ),
        (
            "create_product",
            wish(
                &Story {
                    user: stranger.user,
                    ..story
                },
                "Ember",
            ),
            "STORY_NOT_FOUND",
        ),
    ] {
        let refused = database.try_call(verb, &arguments).await.unwrap_err();
        assert_eq!(&*refused.message, code, "{verb}");
    }
}

#[tokio::test]
async fn nobody_claims_without_a_key_no_role_but_service_reads_a_token_and_all_goes_with_story_and_user()
 {
    let database = Database::new().await;
    let story = asked(&database).await;
    let keyless = database.call("claim_notices", json!({"p_limit": 10})).await;
    assert!(due(&keyless).is_empty());
    let readers = "select distinct grantee::text from information_schema.role_table_grants
        where table_schema = 'private' and table_name like 'shop%' and grantee <> 'postgres'";
    assert_eq!(database.column(readers).await, ["service_role"]);
    database.call("delete_story", of(&story)).await;
    assert_eq!(database.count(PRODUCTS).await, 0);
    let user = json!({"p_user_id": story.user});
    database.call("delete_user", user).await;
    assert_eq!(database.count("private.shops").await, 0);
}
