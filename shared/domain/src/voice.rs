//! Voices by the names users know, and the ids the speech provider knows (C-32): aliases of ours, the account's own list,
//! and which voice is the default.

use crate::{request::InvalidField, text::parse_line};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::str::FromStr;

/// Rachel: calm and clear. Accounts may lack her: premade voices are withdrawn from time to time.
pub const DEFAULT_VOICE: &str = "21m00Tcm4TlvDq8ikWAM";

/// The day on which the provider ends its premade voices, those of [`ALIASES`] among them (UTC); its list does not tell.
pub const PREMADE_VOICES_END: &str = "2026-12-31";

/// Friendly names, the documents' `alloy` among them, and premade voices of the provider.
pub const ALIASES: [(&str, &str); 6] = [
    ("alloy", DEFAULT_VOICE),
    ("rachel", DEFAULT_VOICE),
    ("bella", "EXAVITQu4vr4xnSDxMaL"),
    ("antoni", "ErXwobaYiN019PkySvjV"),
    ("josh", "TxGEqnHWrfWFTfGW9XjX"),
    ("elli", "MF3mGyEYCl7XYWbV9V6O"),
];

/// A voice as a user asks for it, or as it is stored for a story: a name, an alias or an id, in one line of at most
/// [`VoiceId::CHARS_MAX`] characters. Whether the account has it is another question: see [`find`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct VoiceId(String);

impl VoiceId {
    /// Names of the provider's voices describe them too.
    pub const CHARS_MAX: usize = 100;

    /// As it was asked for, trimmed.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is one of [`ALIASES`].
    pub fn is_alias(&self) -> bool {
        let mut names = ALIASES.iter().map(|(name, _)| name);
        names.any(|name| name.eq_ignore_ascii_case(&self.0))
    }
}

impl FromStr for VoiceId {
    type Err = InvalidField;

    fn from_str(text: &str) -> Result<Self, InvalidField> {
        parse_line("voiceId", text, Self::CHARS_MAX).map(Self)
    }
}

impl TryFrom<String> for VoiceId {
    type Error = InvalidField;

    fn try_from(text: String) -> Result<Self, InvalidField> {
        text.parse()
    }
}

impl From<VoiceId> for String {
    fn from(voice: VoiceId) -> Self {
        voice.0
    }
}

/// The provider's id for an alias or for an id of its own form (20 letters and digits). Whether the account has the voice
/// is another question: see [`find`].
pub fn provider_voice_id(name_or_id: &str) -> Option<&str> {
    let alias = ALIASES
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(name_or_id));
    let is_id =
        name_or_id.len() == 20 && name_or_id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    alias
        .map(|(_, id)| *id)
        .or_else(|| is_id.then_some(name_or_id))
}

/// The voice an operator has chosen for everybody who chose none: an id or an alias.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfiguredVoice(String);

impl ConfiguredVoice {
    /// The provider's id.
    pub fn id(&self) -> &str {
        &self.0
    }
}

impl FromStr for ConfiguredVoice {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        provider_voice_id(text.trim())
            .map(|id| Self(id.to_owned()))
            .ok_or("it must be the id of a voice, 20 letters and digits")
    }
}

/// A voice as the provider lists it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ListedVoice {
    pub id: String,
    pub name: String,
    pub description: Option<String>,
    pub preview_url: Option<String>,
    /// Accent, age, gender and the like; null when there are none.
    pub labels: Value,
}

/// Reads the answer of ElevenLabs' `GET /v1/voices` (the provider's OpenAPI document): `{"voices": [{"voice_id", "name",
/// …}]}`. An entry that has no id or no name is left out, and so is a detail of another type than documented; `None` when
/// there is no list at all.
pub fn read_listing(answer: &Value) -> Option<Vec<ListedVoice>> {
    let text = |entry: &Value, field: &str| {
        let text = entry[field].as_str()?.trim();
        (!text.is_empty()).then(|| text.to_owned())
    };
    let entries = answer["voices"].as_array()?.iter();
    Some(
        entries
            .filter_map(|entry| {
                Some(ListedVoice {
                    id: text(entry, "voice_id")?,
                    name: text(entry, "name")?,
                    description: text(entry, "description"),
                    preview_url: text(entry, "preview_url"),
                    labels: match &entry["labels"] {
                        labels @ Value::Object(_) => labels.clone(),
                        _ => Value::Null,
                    },
                })
            })
            .collect(),
    )
}

/// The default among the ids of an account's voices: the configured one if the account has it, else the built-in one if the
/// account has it, else the first of the list.
pub fn default_among<'a>(
    configured: Option<&ConfiguredVoice>,
    account: impl Iterator<Item = &'a str> + Clone,
) -> Option<&'a str> {
    let wanted = [configured.map(ConfiguredVoice::id), Some(DEFAULT_VOICE)];
    wanted
        .into_iter()
        .flatten()
        .find_map(|id| account.clone().find(|known| *known == id))
        .or_else(|| account.clone().next())
}

/// The id of the account's voice that is meant by an id, a name or an alias, names in any case. A name of the list goes
/// before an alias of ours, and `Roger` finds `Roger - Laid-Back, Casual` while no other voice begins so.
pub fn find<'a>(wanted: &str, account: &[(&'a str, &'a str)]) -> Option<&'a str> {
    let same = |one: &str| one.to_lowercase() == wanted.trim().to_lowercase();
    let first_name = |name: &'a str| name.split(" - ").next().unwrap_or(name).trim();
    let by_id = account.iter().find(|(id, _)| *id == wanted.trim());
    let by_name = || account.iter().find(|(_, name)| same(name));
    let by_first_name = || {
        let mut called_so = account.iter().filter(|(_, name)| same(first_name(name)));
        called_so.next().filter(|_| called_so.next().is_none())
    };
    let by_alias = || {
        let (_, meant) = ALIASES.iter().find(|(name, _)| same(name))?;
        account.iter().find(|(id, _)| id == meant)
    };
    by_id
        .or_else(by_name)
        .or_else(by_first_name)
        .or_else(by_alias)
        .map(|(id, _)| *id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_voice_is_asked_for_in_one_short_line() {
        let voice: VoiceId = " Laura ".parse().unwrap();
        assert_eq!((voice.as_str(), voice.is_alias()), ("Laura", false));
        assert!("Alloy".parse::<VoiceId>().unwrap().is_alias());
        assert!(!DEFAULT_VOICE.parse::<VoiceId>().unwrap().is_alias());
        for refused in ["", " ", "a\u{0}b", &"a".repeat(VoiceId::CHARS_MAX + 1)] {
            assert_eq!(refused.parse::<VoiceId>().unwrap_err().field, "voiceId");
            assert!(serde_json::from_value::<VoiceId>(refused.into()).is_err());
        }
    }

    #[test]
    fn aliases_and_ids_are_known_and_anything_else_is_not() {
        assert_eq!(provider_voice_id("Alloy"), Some(DEFAULT_VOICE));
        assert_eq!(
            provider_voice_id("21m00Tcm4TlvDq8ikWAM"),
            Some("21m00Tcm4TlvDq8ikWAM")
        );
        assert_eq!(provider_voice_id("../../v1/user"), None);
        assert_eq!(provider_voice_id(""), None);
    }

    #[test]
    fn an_odd_entry_is_left_out_of_a_list_and_not_the_list() {
        let answer = json!({"voices": [
            {"voice_id": "a", "name": null}, {"voice_id": 7, "name": "Seven"}, "odd", {"name": "No id"},
            {"voice_id": "b", "name": " House voice ", "description": 3, "labels": "calm", "preview_url": ""}]});
        let voices = read_listing(&answer).expect("a list");
        let house = ListedVoice {
            id: "b".to_owned(),
            name: "House voice".to_owned(),
            description: None,
            preview_url: None,
            labels: Value::Null,
        };
        assert_eq!(voices, [house]);
        assert_eq!(read_listing(&json!({"detail": "oops"})), None);
    }

    #[test]
    fn the_default_is_always_a_voice_the_account_has() {
        const OWN: &str = "AAAAAAAAAAAAAAAAAAAA";
        let own: ConfiguredVoice = OWN.parse().expect("an id");
        let default = |account: &[&'static str]| {
            default_among(Some(&own), account.iter().copied()).map(str::to_owned)
        };
        assert_eq!(default(&["x", DEFAULT_VOICE, OWN]).as_deref(), Some(OWN));
        assert_eq!(
            default(&["x", DEFAULT_VOICE]).as_deref(),
            Some(DEFAULT_VOICE)
        );
        assert_eq!(default(&["x", "y"]).as_deref(), Some("x"));
        assert_eq!(default(&[]), None);
        assert!("Laura".parse::<ConfiguredVoice>().is_err());
    }

    #[test]
    fn a_voice_is_found_by_id_by_name_and_by_an_alias_the_account_has() {
        let account = [
            ("FGY2WhTYpPnrIDTdsKH5", "Laura"),
            ("EXAVITQu4vr4xnSDxMaL", "Sarah - Mature, Reassuring"),
            ("CwhRBWXzGAHq8TQ4Fs17", "Roger - Laid-Back"),
            ("CCCCCCCCCCCCCCCCCCCC", "Roger - Loud"),
        ];
        let found = |wanted: &str| find(wanted, &account);
        assert_eq!(found(" lAURA "), Some("FGY2WhTYpPnrIDTdsKH5"));
        assert_eq!(found("FGY2WhTYpPnrIDTdsKH5"), Some("FGY2WhTYpPnrIDTdsKH5"));
        assert_eq!(found("sarah"), Some("EXAVITQu4vr4xnSDxMaL"));
        assert_eq!(found("bella"), Some("EXAVITQu4vr4xnSDxMaL"));
        assert_eq!(found("Roger"), None, "two are called so");
        assert_eq!(found("josh"), None, "an alias of a voice the account lacks");
        assert_eq!(found("ABCDEFGHIJ0123456789"), None);
        let with_own_bella = [account[1], ("DDDDDDDDDDDDDDDDDDDD", "Bella")];
        assert_eq!(find("bella", &with_own_bella), Some("DDDDDDDDDDDDDDDDDDDD"));
    }
}
