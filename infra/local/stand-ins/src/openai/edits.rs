//! `POST /v1/images/edits` with reference pictures, as a form.

use axum::Extension;
use axum::extract::{FromRequest, Multipart, Request, State};
use axum::response::Response;
use http::header;
use serde_json::{Map, Value};

use super::errors::ApiError;
use super::image_order::PictureOrder;
use super::images::{self, fulfil};
use super::messages::is_picture;
use crate::config::StandInConfig;
use crate::fault_layer::InjectedOutcome;

const REFERENCES_MAX: usize = 16;
const REFERENCE_BYTES_MAX: usize = 50 * 1024 * 1024;

/// Draws a picture for a prompt and up to sixteen references.
///
/// The looks come from the prompt; the references are only checked.
///
/// # Errors
/// The refusals of the service.
pub(crate) async fn edit(
    State(config): State<StandInConfig>,
    Extension(InjectedOutcome(outcome, _)): Extension<InjectedOutcome>,
    request: Request,
) -> Result<Response, ApiError> {
    let content_type = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let (order, references) = match content_type.unwrap_or_default() {
        kind if kind.starts_with("multipart/form-data") => read_form(request).await?,
        other => return Err(ApiError::of("content_type", &[&other])),
    };
    fulfil(&config, &order, references, outcome).await
}

async fn read_form(request: Request) -> Result<(PictureOrder, usize), ApiError> {
    let broken = || ApiError::of("broken_form", &[]);
    let mut form = Multipart::from_request(request, &())
        .await
        .map_err(|_| broken())?;
    let mut scalars = Map::new();
    let mut references = 0;
    while let Some(field) = form.next_field().await.map_err(|_| broken())? {
        let name = field.name().unwrap_or_default().to_owned();
        let content_type = field.content_type().unwrap_or_default().to_owned();
        let has_file_name = field.file_name().is_some();
        let bytes = field.bytes().await.map_err(|_| broken())?;
        if ["image", "image[]"].contains(&name.as_str()) {
            check_reference(&name, &content_type, has_file_name, &bytes)?;
            references += 1;
        } else {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            // Forms carry only text; these members are numbers, and true or false.
            let is_typed = ["n", "partial_images", "stream"].contains(&name.as_str());
            let typed = is_typed.then(|| serde_json::from_str(&text).ok());
            scalars.insert(name, typed.flatten().unwrap_or(Value::String(text)));
        }
    }
    let order = PictureOrder::read(&Value::Object(scalars), images::KNOWN)?;
    if references == 0 {
        return Err(ApiError::missing_parameter("image"));
    }
    if references > REFERENCES_MAX {
        let named: [&dyn std::fmt::Display; 4] = [&"image", &"image", &REFERENCES_MAX, &references];
        return Err(ApiError::of("too_many_references", &named));
    }
    Ok((order, references))
}

fn check_reference(
    name: &str,
    content_type: &str,
    has_file_name: bool,
    bytes: &[u8],
) -> Result<(), ApiError> {
    if !has_file_name || !["image/png", "image/jpeg", "image/webp"].contains(&content_type) {
        let given = if content_type.is_empty() {
            "application/octet-stream"
        } else {
            content_type
        };
        return Err(ApiError::of("reference_type", &[&name, &name, &given]));
    }
    if bytes.len() > REFERENCE_BYTES_MAX {
        return Err(ApiError::of("reference_size", &[&name, &name]));
    }
    if !is_picture(bytes) {
        return Err(ApiError::of("unreadable_reference", &[&name]));
    }
    Ok(())
}
