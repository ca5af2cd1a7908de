//! A picture that a user has and nobody else: sent to the bucket by a form that is good for one file.

use crate::{
    answer::Answer,
    deps::AppState,
    error::ApiError,
    extract::{Keyed, PathId, SignedIn},
    store_error::character_not_found,
};
use axum::extract::State;
use domain::{CharacterId, UploadId, reference::ReferenceSource};
use jiff::Timestamp;
use serde::Serialize;
use store::UploadForm;
use uuid::Uuid;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NewUpload {
    /// What `referenceImages` of its character names it by, once it was sent.
    reference: ReferenceSource,
    #[serde(flatten)]
    form: UploadForm,
}

/// `POST /characters/{id}/uploads`: a form to send one picture with.
pub(crate) async fn create(
    State(deps): State<AppState>,
    SignedIn(caller): SignedIn,
    PathId(id): PathId<CharacterId>,
    // Nothing to replay: each answer is a form of its own, and one that nobody sends leaves nothing behind.
    Keyed(_): Keyed,
) -> Result<Answer<NewUpload>, ApiError> {
    let character = deps.store.character(caller.user_id, id).await?;
    let character = character.ok_or_else(character_not_found)?;
    let upload = UploadId::from_uuid(Uuid::new_v4());
    let form = deps.uploads.form(character.id, upload, Timestamp::now());
    Ok(Answer::created(NewUpload {
        reference: ReferenceSource::Upload(upload),
        form: form.await?,
    }))
}
