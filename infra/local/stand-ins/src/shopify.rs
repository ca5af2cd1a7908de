//! The Shopify stand-in: the one mutation of its Admin GraphQL that functions send, of any shop, refused where the real one
//! refuses. It is served where SES's is; `/_local/products` lists what shops have.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::calls::{CallKind, CallLog};
use crate::config::StandInConfig;
use crate::fault_layer::{StandIn, pass};
use crate::faults::Outcome;

/// The quarters that are answered; what is older or not yet there is another API.
const VERSIONS: [&str; 4] = ["2026-01", "2026-04", "2026-07", "2026-10"];
const TITLE_CHARS_MAX: usize = 255;

/// Member, type, and the members that this has in 2026-10, as far as a product of ours could want them.
const TYPES: &str = "identifier ProductSetIdentifiers customId handle id
    input ProductSetInput category collections descriptionHtml files giftCard handle id metafields productOptions productType \
        redirectNewHandle requiresSellingPlan seo status tags templateSuffix title variants vendor
    files FileSetInput alt contentType duplicateResolutionMode filename id originalSource
    metafields MetafieldInput id key namespace type value
    productOptions OptionSetInput id linkedMetafield name position values
    values OptionValueSetInput id name
    variants ProductVariantSetInput compareAtPrice file id inventoryItem inventoryPolicy inventoryQuantities metafields \
        optionValues position price published sku taxCode taxable
    optionValues VariantOptionValueInput id linkedMetafieldValue name optionId optionName
    inventoryItem InventoryItemInput cost countryCodeOfOrigin harmonizedSystemCode measurement requiresShipping sku tracked";
/// The words that a document of ours may hold.
const WORDS: &str = "CreateProduct ProductSetIdentifiers ProductSetInput code field handle id identifier input message mutation \
                     product productSet status synchronous true userErrors";

const STATUSES: &str = "ACTIVE ARCHIVED DRAFT UNLISTED";

/// Products by shop and handle.
type Shops = Arc<Mutex<BTreeMap<(String, String), Value>>>;

/// `https://{shop}.myshopify.com/admin/api/{version}/graphql.json` of every shop, behind its name.
pub fn shopify_router(config: StandInConfig) -> Router {
    let layer = middleware::from_fn_with_state(config, pass::<Shopify>);
    Router::new()
        .route("/{shop}/admin/api/{version}/graphql.json", post(answer))
        .layer(layer)
        .route("/{shop}/admin/oauth/access_token", post(grant))
        .route("/_local/products", get(list))
        .with_state(Shops::default())
}

/// The wire of Shopify.
#[derive(Debug)]
struct Shopify;

fn refusal(status: StatusCode, errors: &str) -> Response {
    (status, Json(json!({ "errors": errors }))).into_response()
}

fn failed(code: &str, message: &str) -> Response {
    let error = json!({"message": message, "extensions": {"code": code}});
    Json(json!({"errors": [error], "extensions": cost(2000)})).into_response()
}

fn cost(available: u32) -> Value {
    json!({"cost": {"requestedQueryCost": 13, "actualQueryCost": if available < 13 { Value::Null } else { 13.into() },
        "throttleStatus": {"maximumAvailable": 2000.0, "currentlyAvailable": available, "restoreRate": 100.0}}})
}

const WRONG_TOKEN: &str =
    "[API] Invalid API key or access token (unrecognized login or wrong password)";

impl StandIn for Shopify {
    const NAME: &'static str = "shopify";
    const TELLS_LIMITS: bool = false;

    fn refuse_key(headers: &HeaderMap) -> Option<Response> {
        let token = headers
            .get("x-shopify-access-token")
            .and_then(|token| token.to_str().ok());
        let is_good =
            token.is_some_and(|token| token.starts_with("shp") && !token.contains("invalid"));
        (!is_good).then(|| refusal(StatusCode::UNAUTHORIZED, WRONG_TOKEN))
    }

    fn fault_answer(outcome: Outcome, _kind: CallKind) -> Option<Response> {
        Some(match outcome {
            // With status 200, as all that GraphQL itself says.
            Outcome::RateLimited | Outcome::RateLimitedWithRetryAfter => {
                let error = json!({"message": "Throttled", "extensions": {"code": "THROTTLED"}});
                Json(json!({"errors": [error], "extensions": cost(0)})).into_response()
            }
            Outcome::Quota => refusal(StatusCode::PAYMENT_REQUIRED, "Payment Required"),
            Outcome::InvalidKey => refusal(StatusCode::UNAUTHORIZED, WRONG_TOKEN),
            Outcome::ModelClosed => failed(
                "ACCESS_DENIED",
                "Access denied for productSet field. Required access: `write_products` access scope.",
            ),
            Outcome::ServerError => failed("INTERNAL_SERVER_ERROR", "Internal error."),
            Outcome::Overloaded => StatusCode::SERVICE_UNAVAILABLE.into_response(),
            _ => return None,
        })
    }

    fn headers(id: u64, _took: Duration, _calls: &CallLog) -> Vec<(&'static str, String)> {
        vec![("x-request-id", format!("{id:032x}"))]
    }
}

/// Client credentials for a token of a day.
async fn grant(Json(wish): Json<Value>) -> Response {
    let refused =
        |error: &str| (StatusCode::BAD_REQUEST, Json(json!({ "error": error }))).into_response();
    let secret = wish["client_secret"].as_str().unwrap_or_default();
    if wish["grant_type"] != "client_credentials" {
        return refused("unsupported_grant_type");
    }
    if !wish["client_id"].is_string() || secret.is_empty() || secret.contains("invalid") {
        return refused("invalid_client");
    }
    Json(json!({"access_token": "shpua_granted", "scope": "write_products", "expires_in": 86399}))
        .into_response()
}

async fn list(State(shops): State<Shops>) -> Json<Value> {
    let shops = shops.lock();
    Json(shops.values().cloned().collect())
}

async fn answer(
    State(shops): State<Shops>,
    Path((shop, version)): Path<(String, String)>,
    body: Bytes,
) -> Response {
    if !shop.ends_with(".myshopify.com") || !VERSIONS.contains(&&*version) {
        return refusal(StatusCode::NOT_FOUND, "Not Found");
    }
    let Ok(body) = serde_json::from_slice::<Value>(&body) else {
        return refusal(StatusCode::BAD_REQUEST, "Bad Request");
    };
    let (query, variables) = (
        body["query"].as_str().unwrap_or_default(),
        &body["variables"],
    );
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut words = query.split(|c| !is_part(c)).filter(|word| !word.is_empty());
    if let Some(strange) = words.find(|word| !is_one_of(WORDS, word)) {
        return failed(
            "undefinedField",
            &format!("Field '{strange}' doesn't exist"),
        );
    }
    if !query.contains("productSet(") {
        return failed("undefinedField", "Field must have selections");
    }
    for name in ["identifier", "input"] {
        if let Some((kind, strange)) = undefined(name, &variables[name]) {
            let message = format!(
                "Variable ${name} of type {kind}! was provided invalid value for {strange} (Field is not defined on {kind})"
            );
            return failed("INVALID_VARIABLE", &message);
        }
    }
    let input = &variables["input"];
    if !is_one_of(STATUSES, input["status"].as_str().unwrap_or("ACTIVE")) {
        let message = format!(
            "Variable $input of type ProductSetInput! was provided invalid value for status (Expected one of: {STATUSES})"
        );
        return failed("INVALID_VARIABLE", &message);
    }
    if let Some((code, field, message)) = problem(&variables["identifier"], input) {
        let error = json!({"code": code, "field": ["input", field], "message": message});
        return payload(&Value::Null, json!([error]));
    }
    let handle = input["handle"].as_str().unwrap_or_default().to_owned();
    let mut shops = shops.lock();
    let number = 9_000_000_000_000_u64 + shops.len() as u64 + 1;
    let product = shops.entry((shop.clone(), handle)).or_insert_with(|| {
        json!({"id": format!("gid://shopify/Product/{number}"), "shop": shop, "version": version, "writes": 0})
    });
    product["writes"] = (product["writes"].as_u64().unwrap_or_default() + 1).into();
    product["input"] = input.clone();
    payload(&product["id"], json!([]))
}

fn payload(id: &Value, errors: Value) -> Response {
    let product = if id.is_null() {
        Value::Null
    } else {
        json!({ "id": id })
    };
    let data = json!({"productSet": {"product": product, "userErrors": errors}});
    Json(json!({"data": data, "extensions": cost(1987)})).into_response()
}

/// The first member that the type of `name` does not have, and that type.
fn undefined(name: &str, value: &Value) -> Option<(&'static str, String)> {
    match value {
        Value::Array(items) => items.iter().find_map(|item| undefined(name, item)),
        Value::Object(members) => {
            let mut types = TYPES.lines().map(|line| line.trim().split_once(' '));
            let (_, known) = types.find_map(|row| row.filter(|(member, _)| *member == name))?;
            let (kind, known) = known.split_once(' ')?;
            let strange = members.keys().find(|key| !is_one_of(known, key));
            strange.map(|key| (kind, key.clone())).or_else(|| {
                members
                    .iter()
                    .find_map(|(key, value)| undefined(key, value))
            })
        }
        _ => None,
    }
}

fn is_one_of(words: &str, word: &str) -> bool {
    words.split_ascii_whitespace().any(|known| known == word)
}

fn is_address(value: &Value) -> bool {
    let host = value.as_str().and_then(|text| text.split_once("://"));
    host.is_some_and(|(scheme, rest)| matches!(scheme, "http" | "https") && !rest.is_empty())
}

/// What Shopify's own rules say: code, member and message.
fn problem(
    identifier: &Value,
    input: &Value,
) -> Option<(&'static str, &'static str, &'static str)> {
    let title = input["title"].as_str().unwrap_or_default();
    let items = |name: &str| input[name].as_array().cloned().unwrap_or_default();
    let is_kept = |field: &Value| field["type"] != "url" || is_address(&field["value"]);
    if identifier["handle"] != input["handle"] {
        let mismatch =
            "Identifier value does not match the value of the corresponding field in the input.";
        return Some(("INPUT_MISMATCH", "handle", mismatch));
    }
    if title.trim().is_empty() {
        return Some(("INVALID_INPUT", "title", "Title can't be blank"));
    }
    if title.chars().count() > TITLE_CHARS_MAX {
        return Some((
            "INVALID_INPUT",
            "title",
            "Title is too long (maximum is 255 characters)",
        ));
    }
    if !items("files")
        .iter()
        .all(|file| is_address(&file["originalSource"]))
    {
        return Some(("INVALID_INPUT", "files", "Image URL is invalid"));
    }
    if !items("metafields").iter().all(is_kept) {
        return Some((
            "INVALID_METAFIELD",
            "metafields",
            "Value must be a valid URL.",
        ));
    }
    let (options, variants) = (items("productOptions"), items("variants"));
    if options.is_empty() != variants.is_empty() {
        let missing = "Variants input is required when updating product options";
        return Some(("VARIANTS_INPUT_MISSING", "variants", missing));
    }
    let has_values =
        |variant: &Value| variant["optionValues"].as_array().map(Vec::len) == Some(options.len());
    (!variants.iter().all(has_values)).then_some((
        "OPTION_VALUES_MISSING",
        "variants",
        "Option values are missing",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::{Body, to_bytes};
    use http::Request;
    use tower::ServiceExt;

    const MUTATION: &str = "mutation CreateProduct($identifier: ProductSetIdentifiers!, $input: ProductSetInput!) {
        productSet(identifier: $identifier, input: $input, synchronous: true) { product { id } userErrors { code field message } } }";

    fn order() -> Value {
        json!({"query": MUTATION, "variables": {"identifier": {"handle": "a"}, "input": {"handle": "a", "title": "A",
            "status": "DRAFT", "files": [{"originalSource": "https://cdn.example.com/a.png"}]}}})
    }

    async fn send(router: &Router, path: &str, token: &str, order: &Value) -> (StatusCode, Value) {
        let request = Request::post(path).header("x-shopify-access-token", token);
        let request = request.body(Body::from(order.to_string())).unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    const PATH: &str = "/a.myshopify.com/admin/api/2026-10/graphql.json";

    #[tokio::test]
    async fn a_handle_is_one_product_of_its_shop_however_often_it_is_sent() {
        let router = shopify_router(StandInConfig::default());
        let (_, first) = send(&router, PATH, "shpat_1", &order()).await;
        let (_, again) = send(&router, PATH, "shpat_1", &order()).await;
        assert_eq!(first["data"], again["data"]);
        let id = &first["data"]["productSet"]["product"]["id"];
        assert!(
            id.as_str().unwrap().starts_with("gid://shopify/Product/"),
            "{first}"
        );
        let other = "/b.myshopify.com/admin/api/2026-10/graphql.json";
        let (_, elsewhere) = send(&router, other, "shpat_1", &order()).await;
        assert_ne!(&elsewhere["data"]["productSet"]["product"]["id"], id);
    }

    #[tokio::test]
    async fn what_shopify_refuses_is_refused_in_its_form() {
        let router = shopify_router(StandInConfig::default());
        let (status, body) = send(&router, PATH, "shpat_invalid", &order()).await;
        assert_eq!(
            (status.as_u16(), &body["errors"]),
            (401, &json!(WRONG_TOKEN))
        );
        let old = "/a.myshopify.com/admin/api/2023-01/graphql.json";
        assert_eq!(send(&router, old, "shpat_1", &order()).await.0, 404);
        for (pointer, value, code) in [
            ("/variables/input/title", json!(" "), "INVALID_INPUT"),
            (
                "/variables/input/title",
                json!("a".repeat(256)),
                "INVALID_INPUT",
            ),
            (
                "/variables/input/files/0/originalSource",
                json!("a.png"),
                "INVALID_INPUT",
            ),
            ("/variables/input/handle", json!("b"), "INPUT_MISMATCH"),
        ] {
            let mut wrong = order();
            *wrong.pointer_mut(pointer).unwrap() = value;
            let (status, body) = send(&router, PATH, "shpat_1", &wrong).await;
            assert_eq!(status, 200);
            assert_eq!(
                body["data"]["productSet"]["userErrors"][0]["code"], code,
                "{body}"
            );
        }
        let mut strange = order();
        strange["variables"]["input"]["status"] = json!("SECRET");
        let (_, body) = send(&router, PATH, "shpat_1", &strange).await;
        let message = body["errors"][0]["message"].as_str().unwrap();
        assert!(message.contains("invalid value for status"), "{body}");
        let mut strange = order();
        strange["variables"]["input"]["bodyHtml"] = json!("a");
        let (_, body) = send(&router, PATH, "shpat_1", &strange).await;
        let message = body["errors"][0]["message"].as_str().unwrap();
        assert!(
            message.contains("Field is not defined on ProductSetInput"),
            "{body}"
        );
        strange["query"] = json!(MUTATION.replace("userErrors", "warnings"));
        let (_, body) = send(&router, PATH, "shpat_1", &strange).await;
        assert_eq!(body["errors"][0]["extensions"]["code"], "undefinedField");
        let listed = Request::get("/_local/products")
            .body(Body::empty())
            .unwrap();
        let listed = router.oneshot(listed).await.unwrap();
        let listed = to_bytes(listed.into_body(), usize::MAX).await.unwrap();
        assert_eq!(&listed[..], b"[]");
    }
}
