//! The shop of a user, and their books as products there: connected, asked for, claimed and noted.

use crate::{Caller, Created, Store, StoreError, commands::Replayable};
use domain::{
    ProductId, StoryId, UserId,
    shop::{Product, ShopDomain, ShopFailure},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use url::Url;

/// What opens a shop. It has no Debug form, and is stored sealed alone.
#[derive(Clone, Serialize, Deserialize)]
#[serde(untagged, rename_all_fields = "camelCase")]
pub enum ShopAccess {
    /// An access token that its owner has of an app made in the shop's admin.
    Token { access_token: String },
    /// An app of the shop's organization, which is granted a token for a day whenever it asks.
    App {
        client_id: String,
        client_secret: String,
    },
}

/// Where this user's access to this shop is sealed for: it does not open in the row of another user or shop.
pub fn place_of_access(user: UserId, shop: &ShopDomain) -> String {
    format!("shop/{user}/{shop}")
}

/// The shop a user sells in, as they see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ShopConnection {
    pub shop: ShopDomain,
    /// Code of why it took nothing the last time, where only its owner can mend that.
    pub problem: Option<String>,
    /// RFC 3339.
    pub connected_at: String,
}

/// A book that is a product, is to be one, or could not be made one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ShopProduct {
    pub story_id: StoryId,
    pub shop: ShopDomain,
    /// `pending`, `created` or `failed`.
    pub status: String,
    pub title: String,
    /// As the shop names it.
    pub product_id: Option<String>,
    /// Where its owner edits it.
    pub admin_url: Option<Url>,
    /// `{code, message}` of the last try.
    pub error: Option<Map<String, Value>>,
    pub attempts: u32,
    /// RFC 3339.
    pub created_at: String,
    pub settled_at: Option<String>,
}

/// A product to make now. It has no Debug form: what opens a shop and a child's story are in it.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DueProduct {
    pub id: ProductId,
    pub story_id: StoryId,
    pub user_id: UserId,
    pub shop: ShopDomain,
    /// A [`ShopAccess`] as JSON, sealed for [`place_of_access`].
    pub sealed_access: String,
    pub title: String,
    pub description: String,
    pub cover: Url,
    pub book: Url,
}

/// How one try ended.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged, rename_all_fields = "camelCase")]
pub enum ProductResult {
    Created {
        id: ProductId,
        product_id: String,
    },
    Failed {
        id: ProductId,
        error_code: &'static str,
        /// For its owner.
        error_message: String,
        is_final: bool,
        /// As the shop asks to be left alone.
        #[serde(skip_serializing_if = "Option::is_none")]
        wait_seconds: Option<f64>,
    },
}

impl ProductResult {
    /// A try that failed; `detail` is what the shop said.
    pub fn failed(
        id: ProductId,
        failure: ShopFailure,
        detail: Option<&str>,
        wait_seconds: Option<f64>,
    ) -> Self {
        let words = failure.words();
        Self::Failed {
            id,
            error_code: failure.code(),
            error_message: detail.map_or(words.to_owned(), |detail| format!("{words}: {detail}")),
            is_final: failure.is_final(),
            wait_seconds,
        }
    }
}

#[derive(Deserialize)]
struct ConnectionAnswer {
    connection: Option<ShopConnection>,
}

#[derive(Deserialize)]
struct ProductAnswer {
    product: ShopProduct,
}

impl Store {
    /// The one shop this user sells in, in place of another; the access sealed for [`place_of_access`].
    pub async fn connect_shop(
        &self,
        caller: &Caller,
        shop: &ShopDomain,
        sealed_access: &str,
    ) -> Result<ShopConnection, StoreError> {
        let arguments = json!({"p_user_id": caller.user_id, "p_email": caller.email, "p_domain": shop,
            "p_sealed_access": sealed_access});
        self.call("connect_shop", &arguments).await
    }

    /// The shop this user sells in, if there is one.
    pub async fn shop_connection(
        &self,
        user: UserId,
    ) -> Result<Option<ShopConnection>, StoreError> {
        let arguments = json!({"p_user_id": user});
        let answer: ConnectionAnswer = self.call("shop_connection", &arguments).await?;
        Ok(answer.connection)
    }

    /// Forgets the shop of this user, if there is one, and what opens it.
    pub async fn disconnect_shop(&self, user: UserId) -> Result<(), StoreError> {
        let _: Value = self
            .call("disconnect_shop", &json!({"p_user_id": user}))
            .await?;
        Ok(())
    }

    /// Has a story's book, whose PDF is at `book`, made a product of its user's shop, once; the same again is answered with
    /// the same product, and one that failed is begun anew.
    ///
    /// Refused with `StoryNotFound` or `ShopNotConnected`; nothing is written then.
    pub async fn create_product(
        &self,
        user: UserId,
        story: StoryId,
        product: &Product,
        book: &Url,
    ) -> Result<Created<ShopProduct>, StoreError> {
        let arguments = json!({"p_user_id": user, "p_story_id": story, "p_product": product, "p_book_url": book});
        let answer: Replayable<ProductAnswer> = self.call("create_product", &arguments).await?;
        Ok(answer.map(|answer| answer.product))
    }

    /// How a story's product stands.
    ///
    /// Refused with `StoryNotFound` or `ProductNotFound`.
    pub async fn shop_product(
        &self,
        user: UserId,
        story: StoryId,
    ) -> Result<ShopProduct, StoreError> {
        let arguments = json!({"p_user_id": user, "p_story_id": story});
        self.call("shop_product", &arguments).await
    }
}
