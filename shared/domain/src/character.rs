//! Heroes: what a user may say of one, parsed once at the edge.

use crate::request::{InvalidField, bounded_text};
use crate::{CharacterId, traits::Trait};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use url::Url;

/// A character as its row stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Character {
    pub id: CharacterId,
    pub name: String,
    pub species: Option<String>,
    pub age: Option<u32>,
    pub traits: Vec<Trait>,
    /// Free keys (`hair`, `skin`, `eyes`, `clothes`, …) to short words.
    pub appearance: BTreeMap<String, String>,
    pub personality: Vec<String>,
    pub reference_images: Vec<Url>,
}

/// A request for a character whose every part is already valid.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NewCharacter {
    pub name: String,
    pub species: Option<String>,
    pub age: Option<u32>,
    pub traits: Vec<Trait>,
    pub appearance: BTreeMap<String, String>,
    pub personality: Vec<String>,
    pub reference_images: Vec<Url>,
}

/// The body of `POST /characters` before anything in it is believed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CharacterForm {
    pub name: String,
    pub species: Option<String>,
    pub age: Option<u32>,
    #[serde(default)]
    pub traits: Vec<String>,
    #[serde(default)]
    pub appearance: BTreeMap<String, String>,
    #[serde(default)]
    pub personality: Vec<String>,
    #[serde(default, rename = "referenceImages", alias = "reference_images")]
    pub reference_images: Vec<String>,
}

const NAME_CHARS_MAX: usize = 80;
const WORDS_CHARS_MAX: usize = 120;
const LIST_MAX: usize = 16;

impl TryFrom<CharacterForm> for NewCharacter {
    type Error = InvalidField;

    fn try_from(form: CharacterForm) -> Result<Self, InvalidField> {
        let too_many = |field: &'static str, count: usize| {
            if count > LIST_MAX {
                Err(InvalidField::new(field, "has more than 16 entries"))
            } else {
                Ok(())
            }
        };
        too_many("traits", form.traits.len())?;
        too_many("appearance", form.appearance.len())?;
        too_many("personality", form.personality.len())?;
        too_many("referenceImages", form.reference_images.len())?;
        if form.age.is_some_and(|age| age > 1000) {
            return Err(InvalidField::new("age", "must be at most 1000"));
        }
        let words = |field, text: String| bounded_text(field, &text, WORDS_CHARS_MAX);
        Ok(Self {
            name: bounded_text("name", &form.name, NAME_CHARS_MAX)?,
            species: form
                .species
                .map(|species| words("species", species))
                .transpose()?,
            age: form.age,
            traits: form
                .traits
                .iter()
                .map(|code| {
                    Trait::parse(code).map_err(|e| InvalidField::new("traits", e.to_string()))
                })
                .collect::<Result<_, _>>()?,
            appearance: form
                .appearance
                .into_iter()
                .map(|(key, text)| Ok((words("appearance", key)?, words("appearance", text)?)))
                .collect::<Result<_, InvalidField>>()?,
            personality: form
                .personality
                .into_iter()
                .map(|text| words("personality", text))
                .collect::<Result<_, _>>()?,
            reference_images: form
                .reference_images
                .iter()
                .map(|text| reference_image(text))
                .collect::<Result<_, _>>()?,
        })
    }
}

/// Only https with a public-looking host: the pictures are fetched by us, so a user must not aim us inwards.
fn reference_image(text: &str) -> Result<Url, InvalidField> {
    let invalid = |problem: &str| InvalidField::new("referenceImages", problem);
    let url = Url::parse(text).map_err(|_| invalid("must be https URLs"))?;
    if url.scheme() != "https" || !url.username().is_empty() || url.password().is_some() {
        return Err(invalid("must be https URLs without user or password"));
    }
    match url.host() {
        Some(url::Host::Domain(host))
            if host.contains('.') && !host.ends_with(".internal") && !host.ends_with(".local") =>
        {
            Ok(url)
        }
        _ => Err(invalid("must name a public host, not an address")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(json: serde_json::Value) -> Result<NewCharacter, InvalidField> {
        serde_json::from_value::<CharacterForm>(json)
            .unwrap()
            .try_into()
    }

    #[test]
    fn only_the_name_is_required() {
        assert_eq!(
            form(serde_json::json!({"name": " Ember "})).unwrap().name,
            "Ember"
        );
    }

    #[test]
    fn bad_parts_are_named() {
        for (json, field) in [
            (serde_json::json!({"name": ""}), "name"),
            (serde_json::json!({"name": "a\u{0}b"}), "name"),
            (
                serde_json::json!({"name": "a", "traits": ["wings"]}),
                "traits",
            ),
            (serde_json::json!({"name": "a", "age": 1001}), "age"),
            (
                serde_json::json!({"name": "a", "referenceImages": ["http://example.com/a.png"]}),
                "referenceImages",
            ),
            (
                serde_json::json!({"name": "a", "referenceImages": ["https://169.254.169.254/x"]}),
                "referenceImages",
            ),
            (
                serde_json::json!({"name": "a", "referenceImages": ["https://2130706433/"]}),
                "referenceImages",
            ),
            (
                serde_json::json!({"name": "a", "referenceImages": ["https://localhost/"]}),
                "referenceImages",
            ),
        ] {
            assert_eq!(form(json).unwrap_err().field, field);
        }
    }
}
