//! Heroes: what a user may say of one, parsed once at the edge.

use crate::{
    CharacterId,
    reference::{ReferenceSource, ReferenceStates},
    request::InvalidField,
    sheet::Sheet,
    text::parse_line,
    traits::Trait,
    voice::VoiceId,
};
use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::collections::BTreeMap;

/// Characters of a part of a name that is told by itself: a shorter one may be any word.
pub const NAME_PART_CHARS_MIN: usize = 3;

/// A character as its row stands.
///
/// Read leniently: an entry that this version of the code does not know, such as the code of a trait that came later, is
/// left out, so that one odd row hides no other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Character {
    pub id: CharacterId,
    pub name: String,
    #[serde(default, deserialize_with = "if_known")]
    pub species: Option<String>,
    #[serde(default, deserialize_with = "if_known")]
    pub age: Option<u32>,
    #[serde(default, deserialize_with = "known_entries")]
    pub traits: Vec<Trait>,
    /// Free keys (`hair`, `skin`, `eyes`, `clothes`, …) to short words.
    #[serde(default, deserialize_with = "known_words")]
    pub appearance: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "known_entries")]
    pub personality: Vec<String>,
    #[serde(default, deserialize_with = "known_entries")]
    pub reference_images: Vec<ReferenceSource>,
    /// How they turned out, as far as it is told.
    #[serde(default, skip_serializing)]
    pub reference_states: ReferenceStates,
    /// Of the looks that it has; nothing where nobody asked for one.
    #[serde(
        default,
        deserialize_with = "if_known",
        skip_serializing_if = "Option::is_none"
    )]
    pub sheet: Option<Sheet>,
    /// What a voice says in place of the name: `Shiv-AWN`.
    #[serde(default, deserialize_with = "if_known")]
    pub pronunciation: Option<String>,
    /// Who reads what the character says.
    #[serde(default, deserialize_with = "if_known")]
    pub voice_id: Option<VoiceId>,
}

fn if_known<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    from: D,
) -> Result<Option<T>, D::Error> {
    Ok(serde_json::from_value(Value::deserialize(from)?).ok())
}

fn known_entries<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    from: D,
) -> Result<Vec<T>, D::Error> {
    let entries = match Value::deserialize(from)? {
        Value::Array(entries) => entries,
        _ => Vec::new(),
    };
    let known = entries
        .into_iter()
        .filter_map(|entry| serde_json::from_value(entry).ok());
    Ok(known.collect())
}

fn known_words<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<String, String>, D::Error> {
    let entries = match Value::deserialize(from)? {
        Value::Object(entries) => entries,
        _ => serde_json::Map::new(),
    };
    let known = entries.into_iter().filter_map(|(key, words)| match words {
        Value::String(words) => Some((key, words)),
        _ => None,
    });
    Ok(known.collect())
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
    pub reference_images: Vec<ReferenceSource>,
    pub pronunciation: Option<String>,
    pub voice_id: Option<VoiceId>,
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
    pub pronunciation: Option<String>,
    #[serde(rename = "voiceId", alias = "voice_id")]
    pub voice_id: Option<String>,
}

const NAME_CHARS_MAX: usize = 80;
const PRONUNCIATION_CHARS_MAX: usize = 80;
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
        let words = |field, text: String| parse_line(field, &text, WORDS_CHARS_MAX);
        Ok(Self {
            name: parse_line("name", &form.name, NAME_CHARS_MAX)?,
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
                .map(|(key, text)| {
                    let key = words("appearance", key)?;
                    let text = parse_line(format!("appearance.{key}"), &text, WORDS_CHARS_MAX)?;
                    Ok((key, text))
                })
                .collect::<Result<_, InvalidField>>()?,
            personality: form
                .personality
                .into_iter()
                .map(|text| words("personality", text))
                .collect::<Result<_, _>>()?,
            reference_images: form
                .reference_images
                .iter()
                .map(|text| ReferenceSource::parse(text))
                .collect::<Result<_, _>>()?,
            pronunciation: form
                .pronunciation
                .as_deref()
                .map(parse_pronunciation)
                .transpose()?,
            voice_id: form.voice_id.map(|voice| voice.parse()).transpose()?,
        })
    }
}

/// Without brackets: voices take them for stage directions.
fn parse_pronunciation(text: &str) -> Result<String, InvalidField> {
    let field = "pronunciation";
    if text.contains(['<', '>', '[', ']', '{', '}']) {
        return Err(InvalidField::new(field, "must not have brackets"));
    }
    parse_line(field, text, PRONUNCIATION_CHARS_MAX)
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
                serde_json::json!({"name": "a", "pronunciation": "<break time=\"3s\"/>"}),
                "pronunciation",
            ),
            (
                serde_json::json!({"name": "a", "pronunciation": " "}),
                "pronunciation",
            ),
            (serde_json::json!({"name": "a", "voiceId": " "}), "voiceId"),
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

    #[test]
    fn a_value_of_appearance_is_named_by_its_key() {
        let problem =
            form(serde_json::json!({"name": "a", "appearance": {"hair": " ", "skin": "green"}}));
        assert_eq!(problem.unwrap_err().field, "appearance.hair");
    }

    #[test]
    fn pictures_are_taken_from_public_hosts_alone() {
        let images = |url: &str| form(serde_json::json!({"name": "a", "referenceImages": [url]}));
        let at = |host: &str| images(&format!("https://{host}/ember.png"));
        for host in [
            "localhost.",
            "foo.localhost",
            "foo.localhost.",
            "foo.local.",
            "metadata.google.internal.",
            "METADATA.google.INTERNAL",
            "metadata.goog",
            "kubernetes.default.svc",
            "kubernetes.default.svc.cluster.local",
            "router.home.arpa",
            "1.0.0.127.in-addr.arpa",
            "nas.lan",
            "printer.localdomain",
            "127.0.0.1",
            "127.0.0.1.",
            "0x7f.1",
            "[::1]",
            "[::ffff:10.0.0.1]",
            "img..example.com",
            "img.example.com..",
            "img.example.com:22",
            "img.example.com:8443",
            "user@img.example.com",
            "com",
        ] {
            assert_eq!(at(host).unwrap_err().field, "referenceImages", "{host}");
        }
        for (host, kept) in [
            ("img.example.com", "img.example.com"),
            ("img.example.com:443", "img.example.com"),
            ("img.example.com.", "img.example.com"),
            ("IMG.Example.COM", "img.example.com"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("localhost.example.com", "localhost.example.com"),
            ("mylocal.com", "mylocal.com"),
        ] {
            let character = at(host).unwrap();
            let kept = format!("https://{kept}/ember.png");
            assert_eq!(character.reference_images[0].to_string(), kept, "{host}");
        }
        let path = |chars: usize| images(&format!("https://img.example.com/{}", "a".repeat(chars)));
        assert!(path(2_000 - 24).is_ok());
        assert!(path(2_000 - 23).is_err());
    }

    #[test]
    fn a_row_with_entries_of_another_time_is_read_without_them() {
        let row = serde_json::json!({"id": "0190a5a0-0000-7000-8000-000000000001", "name": "Ember", "species": null,
            "age": -3, "traits": ["glasses", "wings"], "appearance": {"hair": "red", "arms": 4}, "personality": ["shy", null],
            "reference_images": ["no address", "https://img.example.com/a.png"]});
        let character: Character = serde_json::from_value(row).unwrap();
        assert_eq!(character.age, None);
        assert_eq!(character.traits, [Trait::parse("glasses").unwrap()]);
        assert_eq!(character.appearance.len(), 1);
        assert_eq!(character.personality, ["shy"]);
        assert_eq!(character.reference_images.len(), 1);
    }
}
