//! The stand-in of Black Forest Labs: an order, how it stands, and the picture from an address of its own. It is served where
//! OpenAI's is, and its pictures are calls of the same kind.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router, middleware};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::calls::{CallKind, CallLog};
use crate::config::StandInConfig;
use crate::fault_layer::{InjectedOutcome, StandIn, pass};
use crate::faults::Outcome;
use crate::openai::unsafe_categories;
use crate::storyteller::pictures;
use crate::storyteller::seeded::{digest, hex};

const REFERENCES_MAX: usize = 8;
const KNOWN: [&str; 5] = [
    "height",
    "output_format",
    "prompt",
    "safety_tolerance",
    "width",
];

/// What was ordered, by the id of its task.
#[derive(Clone, Debug)]
struct Orders {
    placed: Arc<Mutex<HashMap<String, Order>>>,
}

#[derive(Clone, Debug)]
struct Order {
    prompt: String,
    width: u32,
    height: u32,
    outcome: Outcome,
    /// How often somebody asked after it: it is never done at once.
    asked: u32,
}

/// The routes of `https://api.bfl.ai` that functions and `cargo local doctor` call.
pub fn bfl_router(config: StandInConfig) -> Router {
    let layer = middleware::from_fn_with_state(config, pass::<Bfl>);
    let orders = Orders {
        placed: Arc::default(),
    };
    [
        "flux-2-flex",
        "flux-2-klein-4b",
        "flux-2-klein-9b",
        "flux-2-max",
        "flux-2-pro",
    ]
    .into_iter()
    .fold(Router::new(), |router, model| {
        router.route(&format!("/v1/{model}"), post(place))
    })
    .route("/v1/get_result", get(result))
    .route(
        "/v1/credits",
        get(|| async { Json(json!({ "credits": 1000.0 })) }),
    )
    .layer(DefaultBodyLimit::disable())
    .layer(layer)
    // The address of a picture is signed: whoever has it needs no key.
    .route("/delivery/{file}", get(deliver))
    .with_state(orders)
}

/// The wire of Black Forest Labs.
#[derive(Debug)]
struct Bfl;

fn refusal(status: StatusCode, detail: impl Into<Value>) -> Response {
    (status, Json(json!({ "detail": detail.into() }))).into_response()
}

impl StandIn for Bfl {
    const NAME: &'static str = "bfl";
    const TELLS_LIMITS: bool = false;

    fn refuse_key(headers: &HeaderMap) -> Option<Response> {
        let key = headers.get("x-key").and_then(|key| key.to_str().ok());
        let is_good = key.is_some_and(|key| !key.trim().is_empty() && !key.contains("invalid"));
        (!is_good).then(|| refusal(StatusCode::FORBIDDEN, "Not authenticated"))
    }

    fn fault_answer(outcome: Outcome, _kind: CallKind) -> Option<Response> {
        let (status, detail) = match outcome {
            Outcome::RateLimited | Outcome::RateLimitedWithRetryAfter => {
                (StatusCode::TOO_MANY_REQUESTS, "Too many active tasks")
            }
            Outcome::Quota => (StatusCode::PAYMENT_REQUIRED, "Insufficient credits"),
            Outcome::ServerError => (StatusCode::INTERNAL_SERVER_ERROR, "Internal server error"),
            Outcome::Overloaded => (StatusCode::SERVICE_UNAVAILABLE, "Service unavailable"),
            Outcome::InvalidKey | Outcome::ModelClosed => {
                (StatusCode::FORBIDDEN, "Not authenticated")
            }
            Outcome::InvalidImage => return Some(unusable("input_image")),
            _ => return None,
        };
        Some(refusal(status, detail))
    }

    fn headers(_id: u64, _took: Duration, _calls: &CallLog) -> Vec<(&'static str, String)> {
        Vec::new()
    }
}

fn unusable(member: &str) -> Response {
    let problem = json!([{ "loc": ["body", member], "msg": "Value error", "type": "value_error" }]);
    refusal(StatusCode::UNPROCESSABLE_ENTITY, problem)
}

/// An order and how many references it has, or the member that is of no use: also one that the real service may only ignore.
fn read(body: &Value, outcome: Outcome) -> Result<(Order, usize), String> {
    let references = 1..=REFERENCES_MAX;
    let references = references.map(|number| match number {
        1 => "input_image".to_owned(),
        number => format!("input_image_{number}"),
    });
    let references: Vec<String> = references.collect();
    let members = body.as_object().ok_or_else(|| "prompt".to_owned())?;
    let is_known = |name: &String| KNOWN.contains(&name.as_str()) || references.contains(name);
    if let Some(strange) = members.keys().find(|name| !is_known(name)) {
        return Err(strange.clone());
    }
    let side = |name: &str| {
        let side = body[name]
            .as_u64()
            .and_then(|side| u32::try_from(side).ok());
        side.filter(|side| side % 16 == 0 && (64..=2048).contains(side))
            .ok_or_else(|| name.to_owned())
    };
    if body["safety_tolerance"]
        .as_u64()
        .is_some_and(|tolerance| tolerance > 5)
    {
        return Err("safety_tolerance".to_owned());
    }
    let prompt = body["prompt"]
        .as_str()
        .filter(|prompt| !prompt.trim().is_empty());
    let order = Order {
        prompt: prompt.ok_or_else(|| "prompt".to_owned())?.to_owned(),
        width: side("width")?,
        height: side("height")?,
        outcome,
        asked: 0,
    };
    let given = references.iter().filter(|name| members.contains_key(*name));
    Ok((order, given.count()))
}

async fn place(
    State(orders): State<Orders>,
    Extension(InjectedOutcome(outcome, _)): Extension<InjectedOutcome>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let request: Value = serde_json::from_slice(&body).unwrap_or_default();
    let (mut order, references) = match read(&request, outcome) {
        Ok(read) => read,
        Err(member) => return unusable(&member),
    };
    if !unsafe_categories(&order.prompt).is_empty() {
        order.outcome = Outcome::Policy;
    }
    let mut placed = orders.placed.lock();
    let id = hex(&digest(
        format!("{}/{}", placed.len(), order.prompt).as_bytes(),
    ));
    placed.insert(id.clone(), order);
    let polling_url = format!("{}/v1/get_result?id={id}", own_address(&headers));
    Json(
        json!({ "id": id, "polling_url": polling_url, "cost": 3.0 + 1.5 * references as f64,
        "input_mp": references as f64, "output_mp": 1.0 }),
    )
    .into_response()
}

fn own_address(headers: &HeaderMap) -> String {
    let host = headers.get(header::HOST).map(HeaderValue::to_str);
    format!("http://{}", host.and_then(Result::ok).unwrap_or_default())
}

async fn result(
    State(orders): State<Orders>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Json<Value> {
    let id = query.get("id").cloned().unwrap_or_default();
    let mut placed = orders.placed.lock();
    let Some(order) = placed.get_mut(&id) else {
        return Json(json!({ "id": id, "status": "Task not found", "result": null }));
    };
    order.asked += 1;
    let status = match order.outcome {
        _ if order.asked == 1 => "Pending",
        Outcome::Policy => "Request Moderated",
        Outcome::PolicyBare => "Content Moderated",
        Outcome::Length => "Error",
        _ => "Ready",
    };
    let sample = format!("{}/delivery/{id}.png", own_address(&headers));
    let is_there = status == "Ready" && order.outcome != Outcome::Empty;
    let result = if is_there {
        json!({ "sample": sample, "prompt": order.prompt })
    } else {
        Value::Null
    };
    Json(json!({ "id": id, "status": status, "result": result, "progress": null }))
}

async fn deliver(State(orders): State<Orders>, Path(file): Path<String>) -> Response {
    let order = orders
        .placed
        .lock()
        .get(file.trim_end_matches(".png"))
        .cloned();
    let Some(Order {
        prompt,
        width,
        height,
        outcome,
        ..
    }) = order
    else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let drawing = tokio::task::spawn_blocking(move || pictures::draw(&prompt, width, height));
    match drawing.await {
        Ok(picture) if outcome == Outcome::HalfAPicture => {
            picture[..picture.len() / 2].to_vec().into_response()
        }
        Ok(picture) => picture.into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
