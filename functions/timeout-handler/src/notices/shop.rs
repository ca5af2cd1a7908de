//! One try at making a book a product of a shop, by Shopify's Admin API: a draft with the cover and a link to the PDF.
//!
//! A product is found again by its handle, which is the story's: whoever died before it was noted leaves one that the next try
//! finds and writes once more, and no second one.

mod wire;

use domain::shop::ShopFailure;
use runtime::{PublicAnswer, PublicWeb, SealingKeys, chain};
use secrecy::ExposeSecret;
use serde_json::Value;
use std::time::Duration;
use store::{DueProduct, ProductResult, ShopAccess, place_of_access};
use url::Url;

/// A quarter each. One is supported for a year; after that the oldest that still is answers in its place.
const API_VERSION: &str = "2026-10";
/// Together, and with the note that follows, shorter than a lease.
const ANSWERED_WITHIN: Duration = Duration::from_secs(15);
const GRANTED_WITHIN: Duration = Duration::from_secs(6);

/// Whether the shop has the product now, and if not, why and for how long it wants to be left alone.
pub(super) async fn publish(
    web: &PublicWeb,
    keys: &SealingKeys,
    due: &DueProduct,
) -> ProductResult {
    match make(web, keys, due).await {
        Ok(product_id) => ProductResult::Created {
            id: due.id,
            product_id,
        },
        Err(refusal) => {
            // What a shop says of a product may hold its title.
            let code = refusal.failure.code();
            tracing::info!(storyId = %due.story_id, code, "A shop did not take a product");
            refusal.result(due)
        }
    }
}

/// Why there is no product yet.
#[derive(Clone, Debug, PartialEq)]
struct NotMade {
    failure: ShopFailure,
    /// In the shop's own words, for its owner.
    detail: Option<String>,
    wait_seconds: Option<f64>,
}

impl NotMade {
    fn new(failure: ShopFailure) -> Self {
        Self {
            failure,
            detail: None,
            wait_seconds: None,
        }
    }

    fn result(self, due: &DueProduct) -> ProductResult {
        // What the shop says of itself is no help where only a new connection is.
        let detail = self.detail.filter(|_| self.failure == ShopFailure::Refused);
        ProductResult::failed(due.id, self.failure, detail.as_deref(), self.wait_seconds)
    }
}

async fn make(web: &PublicWeb, keys: &SealingKeys, due: &DueProduct) -> Result<String, NotMade> {
    let shop = Shop { web, due };
    let token = match access(keys, due)? {
        ShopAccess::Token { access_token } => access_token,
        ShopAccess::App {
            client_id,
            client_secret,
        } => {
            let wish = wire::grant(&client_id, &client_secret);
            let granted = shop.ask("oauth/access_token", &[], &wish, GRANTED_WITHIN);
            wire::read_grant(&granted.await?)?
        }
    };
    let path = format!("api/{API_VERSION}/graphql.json");
    let headers = [("x-shopify-access-token", token)];
    let order = wire::order(due);
    let answer = shop.ask(&path, &headers, &order, ANSWERED_WITHIN);
    wire::read(&answer.await?)
}

fn access(keys: &SealingKeys, due: &DueProduct) -> Result<ShopAccess, NotMade> {
    let place = place_of_access(due.user_id, &due.shop);
    let opened = keys.open(&place, &due.sealed_access);
    let opened = opened.map_err(|error| chain(&error)).and_then(|json| {
        // What does not parse may be told by serde's words, which quote it.
        serde_json::from_str(json.expose_secret()).map_err(|_| "it is none".to_owned())
    });
    opened.map_err(|error| {
        tracing::error!(storyId = %due.story_id, error, "What opens a shop does not open; was SHOP_KEY replaced?");
        NotMade::new(ShopFailure::TokenRejected)
    })
}

struct Shop<'s> {
    web: &'s PublicWeb,
    due: &'s DueProduct,
}

impl Shop<'_> {
    /// Asks at this path of the shop's admin.
    async fn ask(
        &self,
        path: &str,
        headers: &[(&'static str, String)],
        body: &Value,
        within: Duration,
    ) -> Result<PublicAnswer, NotMade> {
        let url = format!("https://{}/admin/{path}", self.due.shop).parse();
        let url: Url = url.map_err(|_| NotMade::new(ShopFailure::NotFound))?;
        let answer = self.web.ask_json(&url, headers, body.to_string(), within);
        answer.await.map_err(|error| {
            let story = self.due.story_id;
            tracing::info!(storyId = %story, error = chain(&error), "A shop had no answer");
            NotMade::new(ShopFailure::Unavailable)
        })
    }
}

#[cfg(test)]
mod tests;
