//! Characters: the heroes of a user's stories.

use crate::{
    answer::Answer,
    deps::{AppState, Deps},
    error::ApiError,
    extract::{Body, Checked, Keyed, PageQuery, PathId, Posted, SignedIn, given},
    hand_off,
    moderation::{self, words_of_character},
    store_error::character_not_found,
    voices,
};
use axum::{
    extract::State,
    http::{HeaderName, header},
};
use domain::{
    CharacterId,
    character::{Character, CharacterForm, NewCharacter},
    reference::{ReferenceSource, ReferenceStatus},
    request::InvalidField,
    sheet::{Sheet, SheetStatus},
    traits::TRAITS,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use store::Created;

impl Checked for NewCharacter {
    type Form = CharacterForm;
    const LEAST: &'static str = r#"{"name": "a"}"#;

    fn check(form: CharacterForm) -> Result<Self, InvalidField> {
        let character: Self = form.try_into()?;
        let mut sources = character.reference_images.iter();
        match sources.any(|source| matches!(source, ReferenceSource::Upload(_))) {
            true => Err(InvalidField::new(
                "referenceImages",
                "may name an upload once there is a character to send it for",
            )),
            false => Ok(character),
        }
    }
}

/// A character as the API shows it; `referenceImages` and `voiceId` as they are sent, and how each picture turned out.
#[derive(Serialize)]
pub(crate) struct CharacterView {
    #[serde(flatten)]
    character: Value,
    references: Vec<ReferenceView>,
}

#[derive(Serialize)]
struct ReferenceView {
    image: ReferenceSource,
    status: ReferenceStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

impl TryFrom<Character> for CharacterView {
    type Error = ApiError;

    fn try_from(character: Character) -> Result<Self, ApiError> {
        let references = character.reference_images.iter().map(|image| {
            let status = character.reference_states.get(image);
            let status = status.unwrap_or(ReferenceStatus::Pending);
            ReferenceView {
                image: image.clone(),
                status,
                reason: status.reason(),
            }
        });
        let references = references.collect();
        let mut character = serde_json::to_value(character).map_err(ApiError::internal)?;
        if let Some(fields) = character.as_object_mut() {
            for (column, field) in [
                ("reference_images", "referenceImages"),
                ("voice_id", "voiceId"),
            ] {
                let value = fields.remove(column).unwrap_or_default();
                fields.insert(field.to_owned(), value);
            }
        }
        Ok(Self {
            character,
            references,
        })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CharacterList {
    characters: Vec<CharacterView>,
    limit: usize,
    offset: usize,
    has_more: bool,
}

/// `POST /characters`
pub(crate) async fn create(
    State(deps): State<AppState>,
    SignedIn(caller): SignedIn,
    Posted { body, idempotency }: Posted<NewCharacter>,
) -> Result<Answer<CharacterView>, ApiError> {
    let voice_id = voices::resolve(&*deps.voices, body.voice_id.clone()).await?;
    let body = NewCharacter { voice_id, ..body };
    let character = serde_json::to_value(&body).map_err(ApiError::internal)?;
    let words = words_of_character(&character);
    moderation::check(&deps.moderation, None, &words).await?;
    let store = &deps.store;
    let created = store.create_character(&caller, &body, &idempotency).await?;
    let replayed = matches!(created, Created::Replayed(_));
    let character = created.into_inner();
    prepare(&deps, &character).await;
    let character = CharacterView::try_from(character)?;
    Ok(Answer::created(character).replayed(replayed))
}

/// Starts what is to be done once for a character: its pictures are fetched, where nobody has.
async fn prepare(deps: &Deps, character: &Character) {
    if character.reference_states.any_is_pending() {
        hand_off::prepare_character(deps, character.id).await;
    }
}

/// `GET /characters`: the caller's own, newest first.
pub(crate) async fn list(
    State(deps): State<AppState>,
    SignedIn(caller): SignedIn,
    page: PageQuery,
) -> Result<Answer<CharacterList>, ApiError> {
    let store = &deps.store;
    let mut rows = store
        .characters(caller.user_id, page.with_one_more())
        .await?;
    let has_more = page.cut(&mut rows);
    let characters = rows.into_iter().map(CharacterView::try_from);
    Ok(Answer::ok(CharacterList {
        characters: characters.collect::<Result<_, _>>()?,
        limit: page.limit,
        offset: page.offset,
        has_more,
    }))
}

/// `GET /characters/{id}`
pub(crate) async fn show(
    State(deps): State<AppState>,
    SignedIn(caller): SignedIn,
    PathId(id): PathId<CharacterId>,
) -> Result<Answer<CharacterView>, ApiError> {
    let character = deps.store.character(caller.user_id, id).await?;
    let character = character.ok_or_else(character_not_found)?;
    Ok(Answer::ok(character.try_into()?))
}

/// The body of `PATCH /characters/{id}`: what is there is changed, `null` clears what a character may lack.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct ChangeForm {
    #[serde(deserialize_with = "given")]
    name: Option<String>,
    #[serde(deserialize_with = "given")]
    species: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    age: Option<Option<u32>>,
    #[serde(deserialize_with = "given")]
    traits: Option<Vec<String>>,
    #[serde(deserialize_with = "given")]
    appearance: Option<BTreeMap<String, String>>,
    #[serde(deserialize_with = "given")]
    personality: Option<Vec<String>>,
    #[serde(alias = "reference_images", deserialize_with = "given")]
    reference_images: Option<Vec<String>>,
    #[serde(deserialize_with = "given")]
    pronunciation: Option<Option<String>>,
    #[serde(alias = "voice_id", deserialize_with = "given")]
    voice_id: Option<Option<String>>,
}

/// The columns to change and their new values, each valid.
pub(crate) struct Change(Value);

impl Checked for Change {
    type Form = ChangeForm;

    fn check(form: ChangeForm) -> Result<Self, InvalidField> {
        let is_given = [
            ("name", form.name.is_some()),
            ("species", form.species.is_some()),
            ("age", form.age.is_some()),
            ("traits", form.traits.is_some()),
            ("appearance", form.appearance.is_some()),
            ("personality", form.personality.is_some()),
            ("reference_images", form.reference_images.is_some()),
            ("pronunciation", form.pronunciation.is_some()),
            ("voice_id", form.voice_id.is_some()),
        ];
        if is_given.iter().all(|(_, is_given)| !is_given) {
            return Err(InvalidField::new("body", "must change something"));
        }
        // The rules are those of a whole character, so one is made up around the change.
        let whole = NewCharacter::try_from(CharacterForm {
            name: form.name.unwrap_or_else(|| "unchanged".to_owned()),
            species: form.species.flatten(),
            age: form.age.flatten(),
            traits: form.traits.unwrap_or_default(),
            appearance: form.appearance.unwrap_or_default(),
            personality: form.personality.unwrap_or_default(),
            reference_images: form.reference_images.unwrap_or_default(),
            pronunciation: form.pronunciation.flatten(),
            voice_id: form.voice_id.flatten(),
        })?;
        let mut change = json!({
            "name": whole.name, "species": whole.species, "age": whole.age, "traits": whole.traits,
            "appearance": whole.appearance, "personality": whole.personality,
            "reference_images": whole.reference_images, "pronunciation": whole.pronunciation,
            "voice_id": whole.voice_id,
        });
        if let Some(columns) = change.as_object_mut() {
            for (column, _) in is_given.iter().filter(|(_, is_given)| !is_given) {
                columns.remove(*column);
            }
        }
        change["updated_at"] = Timestamp::now().to_string().into();
        Ok(Self(change))
    }
}

/// `PATCH /characters/{id}`
pub(crate) async fn change(
    State(deps): State<AppState>,
    SignedIn(caller): SignedIn,
    PathId(id): PathId<CharacterId>,
    Body(Change(mut change)): Body<Change>,
) -> Result<Answer<CharacterView>, ApiError> {
    if let Some(wish) = change["voice_id"].as_str() {
        let voice_id = voices::resolve(&*deps.voices, Some(wish.parse()?)).await?;
        change["voice_id"] = serde_json::to_value(voice_id).map_err(ApiError::internal)?;
    }
    let words = words_of_character(&change);
    moderation::check(&deps.moderation, None, &words).await?;
    let store = &deps.store;
    let character = store.update_character(caller.user_id, id, &change).await?;
    let character = character.ok_or_else(character_not_found)?;
    if !change["reference_images"].is_null() {
        prepare(&deps, &character).await;
    }
    Ok(Answer::ok(character.try_into()?))
}

/// `POST /characters/{id}/sheet`: has the character drawn once for all its stories. Asked again, it is not drawn again.
pub(crate) async fn draw_sheet(
    State(deps): State<AppState>,
    SignedIn(caller): SignedIn,
    PathId(id): PathId<CharacterId>,
    // Nothing to replay: the answer to whoever asks again is how far it is.
    Keyed(_): Keyed,
) -> Result<Answer<Sheet>, ApiError> {
    let requested = deps.store.request_sheet(caller.user_id, id).await?;
    let sheet = requested.sheet;
    if sheet.status == SheetStatus::Pending {
        hand_off::prepare_character(&deps, id).await;
    }
    Ok(match requested.begun {
        true => Answer::accepted(sheet),
        false => Answer::ok(sheet),
    })
}

#[derive(Serialize)]
pub(crate) struct Removed {
    id: CharacterId,
    deleted: bool,
}

/// `DELETE /characters/{id}`; stories told of it stay.
pub(crate) async fn remove(
    State(deps): State<AppState>,
    SignedIn(caller): SignedIn,
    PathId(id): PathId<CharacterId>,
) -> Result<Answer<Removed>, ApiError> {
    let deleted = deps.store.delete_character(caller.user_id, id).await?;
    if !deleted {
        return Err(character_not_found());
    }
    hand_off::delete_files(&deps).await;
    Ok(Answer::ok(Removed { id, deleted }))
}

/// A trait that a character may have.
#[derive(Serialize)]
struct TraitView {
    code: &'static str,
    /// The words that every picture of the character is asked for with.
    description: &'static str,
}

#[derive(Serialize)]
pub(crate) struct TraitList {
    traits: Vec<TraitView>,
}

/// `GET /characters/traits`: what `traits` takes. Changes with a release alone.
pub(crate) async fn traits() -> ([(HeaderName, &'static str); 1], Answer<TraitList>) {
    let traits = TRAITS.map(|(code, description)| TraitView { code, description });
    (
        [(header::CACHE_CONTROL, "public, max-age=3600")],
        Answer::ok(TraitList {
            traits: traits.into(),
        }),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(json: Value) -> Result<Value, InvalidField> {
        let form = serde_json::from_value(json).unwrap();
        Change::check(form).map(|Change(mut change)| {
            change
                .as_object_mut()
                .unwrap()
                .remove("updated_at")
                .unwrap();
            change
        })
    }

    #[test]
    fn only_what_is_given_is_changed_and_null_clears() {
        assert_eq!(change(json!({"age": null})).unwrap(), json!({"age": null}));
        assert_eq!(
            change(json!({"voiceId": null, "pronunciation": "Shiv-AWN"})).unwrap(),
            json!({"voice_id": null, "pronunciation": "Shiv-AWN"})
        );
        assert_eq!(
            change(json!({"name": " Ember ", "referenceImages": []})).unwrap(),
            json!({"name": "Ember", "reference_images": []})
        );
    }

    #[test]
    fn a_change_of_nothing_and_a_bad_one_are_refused() {
        assert_eq!(change(json!({})).unwrap_err().field, "body");
        assert_eq!(
            change(json!({"traits": ["wings"]})).unwrap_err().field,
            "traits"
        );
        assert_eq!(change(json!({"name": ""})).unwrap_err().field, "name");
    }
}
