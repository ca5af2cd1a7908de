//! The wire of Shopify's Admin GraphQL: how an app is granted a token, the one mutation that is sent, and what answers mean.
//! Errors come with status 200.

use super::NotMade;
use crate::notices::letter::escaped;
use domain::shop::ShopFailure;
use runtime::PublicAnswer;
use serde::Deserialize;
use serde_json::{Value, json};
use store::DueProduct;

/// `synchronous`: the answer says whether it is there. Lists are replaced as a whole, which for a product of ours is right.
const MUTATION: &str =
    "mutation CreateProduct($identifier: ProductSetIdentifiers!, $input: ProductSetInput!) {
  productSet(identifier: $identifier, input: $input, synchronous: true) {
    product { id }
    userErrors { code field message }
  }
}";

/// Longest account of what a shop said, in characters.
const DETAIL_CHARS_MAX: usize = 500;
/// Longer than that nobody is left alone.
const WAIT_SECONDS_MAX: f64 = 60.0;

/// The body of the request: a draft, nothing that is shipped, the PDF's address in a field that the storefront does not show.
pub(super) fn order(due: &DueProduct) -> Value {
    let handle = format!("storytailor-{}", due.story_id);
    let field = |key: &str, kind: &str, value: String| json!({"namespace": "storytailor", "key": key, "type": kind, "value": value});
    // What Shopify itself calls the one variant of a product without options.
    let only = json!({"optionName": "Title", "name": "Default Title"});
    json!({
        "query": MUTATION,
        "variables": {
            "identifier": {"handle": handle},
            "input": {
                "handle": handle,
                "title": due.title,
                "descriptionHtml": paragraphs(&due.description),
                "status": "DRAFT",
                "files": [{"originalSource": due.cover, "contentType": "IMAGE", "alt": due.title}],
                "metafields": [
                    field("pdf", "url", due.book.to_string()),
                    field("story", "single_line_text_field", due.story_id.to_string()),
                ],
                "productOptions": [{"name": "Title", "values": [{"name": "Default Title"}]}],
                "variants": [{"optionValues": [only], "inventoryItem": {"requiresShipping": false, "tracked": false}}],
            },
        },
    })
}

/// The body with which an app of the shop's own organization asks for a token of a day.
pub(super) fn grant(client_id: &str, client_secret: &str) -> Value {
    json!({"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret})
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
}

/// The token, or why there is none.
pub(super) fn read_grant(answer: &PublicAnswer) -> Result<String, NotMade> {
    match answer.status {
        200 => {
            let granted = serde_json::from_str::<Granted>(&answer.body);
            let granted = granted.map_err(|_| NotMade::new(ShopFailure::Unavailable))?;
            Ok(granted.access_token)
        }
        // OAuth's form of a wrong secret, and of an app that is of somebody else or not installed.
        400 => Err(NotMade::new(ShopFailure::TokenRejected)),
        _ => Err(failure_of(answer)),
    }
}

fn paragraphs(text: &str) -> String {
    let escaped = escaped(text);
    let lines = escaped
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty());
    lines.map(|line| format!("<p>{line}</p>")).collect()
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Answer {
    data: Option<Data>,
    /// A list; a text where the request did not reach GraphQL.
    errors: Value,
    extensions: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    product_set: Option<Payload>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    product: Option<Made>,
    #[serde(default)]
    user_errors: Vec<UserError>,
}

#[derive(Deserialize)]
struct Made {
    id: String,
}

#[derive(Deserialize)]
struct UserError {
    code: Option<String>,
    field: Option<Vec<String>>,
    message: String,
}

/// The id of the product, or why there is none.
pub(super) fn read(answer: &PublicAnswer) -> Result<String, NotMade> {
    match answer.status {
        200 => read_body(&answer.body),
        _ => Err(failure_of(answer)),
    }
}

/// What a status says of itself.
fn failure_of(answer: &PublicAnswer) -> NotMade {
    let failure = match answer.status {
        401 => ShopFailure::TokenRejected,
        402 => ShopFailure::Frozen,
        403 => ShopFailure::AccessDenied,
        // A shop that was renamed is redirected from; its owner connects the new name.
        301 | 302 | 303 | 307 | 308 | 404 => ShopFailure::NotFound,
        423 => ShopFailure::Locked,
        429 => ShopFailure::Throttled,
        408 | 430 => ShopFailure::Unavailable,
        400..=499 => ShopFailure::Refused,
        _ => ShopFailure::Unavailable,
    };
    NotMade {
        failure,
        detail: None,
        wait_seconds: bounded(answer.retry_after_seconds),
    }
}

fn read_body(body: &str) -> Result<String, NotMade> {
    let unreadable = |_| NotMade::new(ShopFailure::Unavailable);
    let answer: Answer = serde_json::from_str(body).map_err(unreadable)?;
    let errors = answer.errors.as_array().map_or(&[][..], Vec::as_slice);
    match answer.data.and_then(|data| data.product_set) {
        Some(Payload {
            product: Some(Made { id }),
            user_errors,
        }) if user_errors.is_empty() => Ok(id),
        Some(payload) if !payload.user_errors.is_empty() => Err(refused(&payload.user_errors)),
        _ => Err(failed(errors, &answer.extensions)),
    }
}

/// The shop looked at the product and does not want it so; or something went wrong while it did.
fn refused(errors: &[UserError]) -> NotMade {
    let passes = |error: &UserError| {
        // The handle is taken by a try of ours that is under way: the next one finds it.
        let codes = ["GENERIC_ERROR", "HANDLE_NOT_UNIQUE", "JOB_ERROR"];
        error
            .code
            .as_deref()
            .is_some_and(|code| codes.contains(&code))
    };
    let failure = if errors.iter().all(passes) {
        ShopFailure::Unavailable
    } else {
        ShopFailure::Refused
    };
    let told = errors.iter().map(|error| match &error.field {
        Some(field) => format!("{}: {}", field.join("."), error.message),
        None => error.message.clone(),
    });
    NotMade {
        detail: Some(shortened(&told.collect::<Vec<_>>().join("; "))),
        ..NotMade::new(failure)
    }
}

/// Nobody looked at the product.
fn failed(errors: &[Value], extensions: &Value) -> NotMade {
    let code = errors
        .first()
        .and_then(|error| error.pointer("/extensions/code"));
    let failure = match code.and_then(Value::as_str) {
        Some("THROTTLED") => ShopFailure::Throttled,
        Some("ACCESS_DENIED") => ShopFailure::AccessDenied,
        Some("SHOP_INACTIVE") => ShopFailure::Frozen,
        Some("INTERNAL_SERVER_ERROR" | "TIMEOUT") => ShopFailure::Unavailable,
        _ if errors.is_empty() => ShopFailure::Unavailable,
        other => {
            // The request itself is wrong, which is ours to mend.
            tracing::error!(code = other, "Shopify does not understand what is sent");
            ShopFailure::Refused
        }
    };
    let told = errors.iter().filter_map(|error| error["message"].as_str());
    let told: Vec<_> = told.collect();
    NotMade {
        failure,
        detail: (!told.is_empty()).then(|| shortened(&told.join("; "))),
        wait_seconds: match failure {
            ShopFailure::Throttled => bounded(refilled_after(&extensions["cost"])),
            _ => None,
        },
    }
}

/// Seconds until the bucket holds what the request costs.
fn refilled_after(cost: &Value) -> Option<f64> {
    let number = |pointer: &str| cost.pointer(pointer)?.as_f64();
    let missing = number("/requestedQueryCost")? - number("/throttleStatus/currentlyAvailable")?;
    Some(missing / number("/throttleStatus/restoreRate")?)
}

fn bounded(seconds: Option<f64>) -> Option<f64> {
    let seconds = seconds.filter(|seconds| seconds.is_finite())?;
    Some(seconds.clamp(0.0, WAIT_SECONDS_MAX))
}

fn shortened(text: &str) -> String {
    text.chars().take(DETAIL_CHARS_MAX).collect()
}
