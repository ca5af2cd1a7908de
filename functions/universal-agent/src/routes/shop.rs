//! The shop: where a user sells, and a story's book as a product there. Checked here, made by the sender of notices.

use crate::{
    answer::{Answer, Gone},
    deps::{AppState, Deps},
    error::{ApiError, Code},
    extract::{Body, Checked, Keyed, PathStoryId, SignedIn, given},
    hand_off::wake_notice_sender,
    request_log::note_story,
    store_error::story_not_found,
};
use axum::extract::State;
use domain::{
    AssetType,
    request::InvalidField,
    shop::{Product, ProductDraft, ProductProblem, ShopDomain, ShopFailure},
    story::StoryText,
};
use runtime::SealingKeys;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::borrow::Cow;
use store::{
    AssetGenerationStatus, Created, ShopAccess, ShopConnection, ShopProduct, StoryColumns,
    place_of_access,
};
use url::Url;

/// `{"shop": …, "accessToken": …}`, or with `clientId` and `clientSecret` in place of the token.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ConnectionForm {
    shop: String,
    #[serde(default, deserialize_with = "given")]
    access_token: Option<String>,
    #[serde(default, deserialize_with = "given")]
    client_id: Option<String>,
    #[serde(default, deserialize_with = "given")]
    client_secret: Option<String>,
}

/// The body of `POST /shop/connection`.
pub(crate) struct NewConnection {
    shop: ShopDomain,
    access: ShopAccess,
}

const KEY_CHARS_MAX: usize = 255;

impl Checked for NewConnection {
    type Form = ConnectionForm;
    const LEAST: &'static str = r#"{"shop": "a.myshopify.com", "accessToken": "a"}"#;

    fn check(form: ConnectionForm) -> Result<Self, InvalidField> {
        let shop = form.shop.parse()?;
        let access = match (form.access_token, form.client_id, form.client_secret) {
            (Some(token), None, None) => ShopAccess::Token {
                access_token: key("accessToken", token)?,
            },
            (None, Some(id), Some(secret)) => ShopAccess::App {
                client_id: key("clientId", id)?,
                client_secret: key("clientSecret", secret)?,
            },
            _ => {
                let problem = "must be given, or else clientId and clientSecret";
                return Err(InvalidField::new("accessToken", problem));
            }
        };
        Ok(Self { shop, access })
    }
}

fn key(field: &'static str, key: String) -> Result<String, InvalidField> {
    let is_one =
        (1..=KEY_CHARS_MAX).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
    let problem = "must be 1 to 255 visible ASCII characters";
    is_one
        .then_some(key)
        .ok_or_else(|| InvalidField::new(field, problem))
}

/// `{"title": …, "description": …}`, in place of the story's own.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ProductForm {
    #[serde(deserialize_with = "given")]
    title: Option<String>,
    #[serde(deserialize_with = "given")]
    description: Option<String>,
}

/// The body of `POST /stories/{id}/shop`. How long its parts may be is said together with what is wrong with the story.
pub(crate) struct ProductWish {
    title: Option<String>,
    description: Option<String>,
}

impl Checked for ProductWish {
    type Form = ProductForm;

    fn check(form: ProductForm) -> Result<Self, InvalidField> {
        let is_bad = |c: char| c.is_control() && c != '\n';
        for (field, text, bad) in [
            ("title", &form.title, char::is_control as fn(char) -> bool),
            ("description", &form.description, is_bad),
        ] {
            if text.as_ref().is_some_and(|text| text.contains(bad)) {
                return Err(InvalidField::new(
                    field,
                    "must not contain control characters",
                ));
            }
        }
        Ok(Self {
            title: form.title,
            description: form.description,
        })
    }
}

#[derive(Serialize)]
pub(crate) struct Connection {
    connection: Option<ShopConnection>,
}

/// What a product is made from.
#[derive(Deserialize)]
struct StoryPart {
    title: String,
    content: Value,
    asset_generation_status: AssetGenerationStatus,
}

/// `POST /shop/connection`: in place of the one before; what opens it is told to nobody again.
pub(crate) async fn connect(
    State(deps): State<AppState>,
    SignedIn(caller): SignedIn,
    // Nothing to replay: the same connection again changes nothing.
    Keyed(_): Keyed,
    Body(wish): Body<NewConnection>,
) -> Result<Answer<ShopConnection>, ApiError> {
    let keys = keys(&deps)?;
    let place = place_of_access(caller.user_id, &wish.shop);
    let access = serde_json::to_string(&wish.access).map_err(ApiError::internal)?;
    let sealed = keys.seal(&place, &SecretString::from(access));
    let sealed = sealed.map_err(ApiError::internal)?;
    let store = &deps.store;
    let connected = store.connect_shop(&caller, &wish.shop, &sealed).await?;
    Ok(Answer::created(connected))
}

/// `GET /shop/connection`
pub(crate) async fn connection(
    State(deps): State<AppState>,
    SignedIn(caller): SignedIn,
) -> Result<Answer<Connection>, ApiError> {
    keys(&deps)?;
    let connection = deps.store.shop_connection(caller.user_id).await?;
    Ok(Answer::ok(Connection { connection }))
}

/// `DELETE /shop/connection`: also while no shop can be connected, for what is kept is the user's.
pub(crate) async fn disconnect(
    State(deps): State<AppState>,
    SignedIn(caller): SignedIn,
    Keyed(_): Keyed,
) -> Result<Gone, ApiError> {
    deps.store.disconnect_shop(caller.user_id).await?;
    Ok(Gone { replayed: false })
}

/// `POST /stories/{id}/shop`: once for each story and shop.
pub(crate) async fn publish(
    State(deps): State<AppState>,
    SignedIn(caller): SignedIn,
    PathStoryId(id): PathStoryId,
    // Nothing to replay: asked again, the answer is the same product.
    Keyed(_): Keyed,
    Body(wish): Body<ProductWish>,
) -> Result<Answer<ShopProduct>, ApiError> {
    keys(&deps)?;
    let columns = StoryColumns::whole().only("title,content,asset_generation_status");
    let columns = columns.unwrap_or_else(|_| StoryColumns::whole());
    let story = deps.store.story_part(caller.user_id, id, &columns).await?;
    let story = story.ok_or_else(story_not_found)?;
    let story = StoryPart::deserialize(Value::Object(story)).map_err(ApiError::internal)?;
    let (product, book) = product(&wish, &story)?;
    let created = deps
        .store
        .create_product(caller.user_id, id, &product, &book)
        .await?;
    note_story(id);
    let replayed = matches!(created, Created::Replayed(_));
    // Also on a replay: the first answer may have been lost because its process died before this line.
    wake_notice_sender(&deps).await;
    Ok(Answer::created(created.into_inner()).replayed(replayed))
}

/// `GET /stories/{id}/shop`
pub(crate) async fn show(
    State(deps): State<AppState>,
    SignedIn(caller): SignedIn,
    PathStoryId(id): PathStoryId,
) -> Result<Answer<ShopProduct>, ApiError> {
    keys(&deps)?;
    let product = deps.store.shop_product(caller.user_id, id).await?;
    Ok(Answer::ok(product))
}

fn keys(deps: &Deps) -> Result<&SealingKeys, ApiError> {
    let message = "Nobody can sell here: the operators have set no key for shops.";
    deps.shop_keys
        .as_ref()
        .ok_or_else(|| ApiError::new(Code::ShopDisabled, message))
}

/// What the shop is told of this story and where its PDF is, or all that it would not take (S2-024, S2-028).
fn product(wish: &ProductWish, story: &StoryPart) -> Result<(Product, Url), ApiError> {
    let address = |asset: AssetType| {
        let entry = story.asset_generation_status.assets.get(&asset)?;
        entry.more.get("url")?.as_str()
    };
    let description = wish.description.as_deref().map(Cow::from);
    let description = description.unwrap_or_else(|| opening(&story.content));
    let product = Product::new(ProductDraft {
        title: wish.title.as_deref().unwrap_or(&story.title),
        description: &description,
        cover: address(AssetType::Cover),
    });
    let product = product.map_err(|problems| refused(&problems))?;
    let book = address(AssetType::Pdf).and_then(|url| url.parse().ok());
    let book = book.ok_or_else(|| {
        let message = "The story has no PDF to deliver. Ask for it first.";
        let missing = json!({"missing": [AssetType::Pdf]});
        ApiError::new(Code::MissingRequiredAssets, message).with_data(missing)
    })?;
    Ok((product, book))
}

fn refused(problems: &[ProductProblem]) -> ApiError {
    let parts = problems.iter();
    let parts: Vec<_> = parts
        .map(|problem| (problem.field(), Cow::from(problem.to_string())))
        .collect();
    ApiError::invalid_parts(&parts).with_error(ShopFailure::Refused.words().to_owned())
}

/// The story's first beat.
fn opening(content: &Value) -> Cow<'static, str> {
    let text = StoryText::deserialize(content).ok();
    let first = text.and_then(|text| text.beats.into_iter().next());
    first.map_or(Cow::from(""), |beat| Cow::from(beat.text))
}
