//! A book on its way into a shop: one product however often it is asked for and whoever dies, and refusals told to its owner.

use super::{
    User, assert_documented, demo,
    notices::{failed_story, kill_sender, until},
    requests::post,
};
use crate::stack::{Shared, own};
use serde_json::{Value, json};
use stack::breakpoints::Moment;
use stand_ins::{CallKind, Outcome, Scripted};
use std::fs;

struct Seller<'s> {
    shared: &'s Shared,
    user: &'s User,
}

impl Seller<'_> {
    fn url(&self, path: &str) -> String {
        format!("{}/api/v1{path}", self.shared.stack().variable("API_URL"))
    }

    async fn connect(&self, shop: &str, access: Value) {
        let mut wish = access;
        wish["shop"] = shop.into();
        let url = self.url("/shop/connection");
        let (status, connected) = post(&url, &self.user.token, None, &wish).await;
        assert_eq!(
            (status, &connected["data"]["shop"]),
            (201, &json!(shop)),
            "{connected}"
        );
        assert!(!connected.to_string().contains("shpat_"), "{connected}");
    }

    async fn publish(&self, story: &str, wish: &Value) -> (u16, Value) {
        let url = self.url(&format!("/stories/{story}/shop"));
        post(&url, &self.user.token, None, wish).await
    }

    async fn get(&self, path: &str) -> Value {
        let request = reqwest::Client::new()
            .get(self.url(path))
            .bearer_auth(&self.user.token);
        let answer = request.send().await.expect("an answer");
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let body: Value = answer.json().await.expect("JSON");
        assert_documented("GET", &format!("/api/v1{path}"), status, &headers, &body);
        body["data"].clone()
    }

    /// The story's product once it is made or given up.
    async fn settled(&self, story: &str) -> Value {
        let path = format!("/stories/{story}/shop");
        until(async || self.get(&path).await["status"] != "pending").await;
        self.get(&path).await
    }
}

/// What all shops of the stand-in have.
async fn products(shared: &Shared) -> Vec<Value> {
    let url = format!(
        "{}/_local/products",
        shared.stack().variable("SHOPIFY_ENDPOINT_URL")
    );
    let answer = reqwest::get(url).await.expect("an answer");
    answer.json().await.expect("a list")
}

/// Until no mail is left to be sent, so that the next call of a sender is about a product.
async fn mails_are_out(shared: &Shared) {
    let waiting = "select count(*) from public.notification_outbox where sent_at is null and dropped_at is null";
    until(async || {
        let waiting: i64 = sqlx::query_scalar(waiting)
            .fetch_one(shared.stack().pool())
            .await
            .expect("a number");
        let emulator = shared.stack().emulator();
        waiting == 0
            && emulator
                .pid_working_on("timeout-handler", "send_notices")
                .is_none()
    })
    .await;
}

#[test]
fn a_book_is_one_product_though_its_maker_dies_between_call_and_note_and_every_refusal_is_told() {
    let shared = own("shop", |_| {});
    shared.run(async {
        let user = demo(&shared);
        let seller = Seller {
            shared: &shared,
            user: &user,
        };
        let story = user.ask_for_story().await;
        user.settled(&story).await;
        let (status, unconnected) = seller.publish(&story, &json!({})).await;
        assert_eq!(
            (status, &unconnected["code"]),
            (409, &json!("SHOP_NOT_CONNECTED"))
        );
        let token = json!({"accessToken": "shpat_secret"});
        seller.connect("books.myshopify.com", token).await;

        // Of a story without pictures, with words that are too long: all of it at once, and nothing is sent.
        let bare = failed_story(&shared, &user).await;
        let long = json!({"title": "a".repeat(256), "description": "b".repeat(5001)});
        let (status, refused) = seller.publish(&bare, &long).await;
        assert_eq!(status, 400, "{refused}");
        assert_eq!(
            refused["error"],
            "Shopify API error: Product validation failed"
        );
        let words = "Invalid title length; Invalid cover image; Description too long";
        assert_eq!(refused["message"], words);

        // Killed when the shop had the product and nobody had noted that.
        mails_are_out(&shared).await;
        let wish = json!({"description": "A dragon learns to fly."});
        let begin = seller.publish(&story, &wish);
        let ((status, _), held) =
            kill_sender(&shared, "settle_notices", Moment::Before, begin).await;
        assert_eq!(status, 201);
        assert_eq!(products(&shared).await.len(), 1);
        let over = "update private.shop_products set available_at = now() where status = 'pending'";
        sqlx::query(over)
            .execute(shared.stack().pool())
            .await
            .expect("time passes");
        // Asking again wakes a sender, where the failure record has not done so.
        assert_eq!(seller.publish(&story, &json!({})).await.0, 201);
        let product = seller.settled(&story).await;
        assert_eq!(product["status"], "created", "{product}");
        let shops = products(&shared).await;
        let [only] = &shops[..] else {
            panic!("{shops:#?}")
        };
        assert_eq!(
            (&only["id"], &only["writes"]),
            (&product["productId"], &json!(2))
        );
        drop(held);
        let input = &only["input"];
        assert_eq!(
            (&only["version"], &input["status"]),
            (&json!("2026-10"), &json!("DRAFT"))
        );
        assert_eq!(input["descriptionHtml"], "<p>A dragon learns to fly.</p>");
        let row = user.api.story(&story).await.expect("the story");
        let assets = &row["asset_generation_status"]["assets"];
        assert_eq!(input["files"][0]["originalSource"], assets["cover"]["url"]);
        assert_eq!(input["metafields"][0]["value"], assets["pdf"]["url"]);

        // Asked for again, it is the same product, and the shop is left alone.
        let (status, again) = seller.publish(&story, &json!({"title": "Other"})).await;
        assert_eq!((status, &again["data"]), (201, &product));
        mails_are_out(&shared).await;
        assert_eq!(products(&shared).await, shops);

        // Of an app that asks for its token: too much at once, and taken the second time.
        let app = json!({"clientId": "id", "clientSecret": "shpss_secret"});
        seller.connect("more.myshopify.com", app).await;
        let throttled = Scripted::next_of(CallKind::Product, Outcome::RateLimited);
        shared.stack().ses().script([throttled]);
        seller.publish(&story, &json!({})).await;
        let product = seller.settled(&story).await;
        assert_eq!(
            (&product["status"], &product["attempts"]),
            (&json!("created"), &json!(2))
        );
        assert_eq!(products(&shared).await.len(), 2);

        // A token that is not valid any more: no second try, and its owner reads why.
        let token = json!({"accessToken": "shpat_invalid"});
        seller.connect("closed.myshopify.com", token).await;
        seller.publish(&story, &json!({})).await;
        let product = seller.settled(&story).await;
        assert_eq!(
            (&product["status"], &product["attempts"]),
            (&json!("failed"), &json!(1))
        );
        assert_eq!(product["error"]["code"], "SHOP_TOKEN_REJECTED");
        let connection = seller.get("/shop/connection").await;
        assert_eq!(connection["connection"]["problem"], "SHOP_TOKEN_REJECTED");
        assert_eq!(user.delete(&shared, "/shop/connection").await, 204);
        assert_eq!(
            seller.get("/shop/connection").await["connection"],
            Value::Null
        );

        for log in fs::read_dir(shared.stack().home().join("logs"))
            .expect("logs")
            .flatten()
        {
            let lines = fs::read_to_string(log.path()).expect("lines");
            for key in ["shpat_", "shpss_", "shpua_"] {
                assert!(!lines.contains(key), "{key} in {log:?}");
            }
        }
    });
}
