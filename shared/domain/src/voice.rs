//! Voices by the names users know, and the ids the speech provider knows (C-32).

/// Rachel: calm and clear, a premade voice every account has.
pub const DEFAULT_VOICE: &str = "21m00Tcm4TlvDq8ikWAM";

/// Friendly names, the documents' `alloy` among them, and premade voices of the provider.
pub const ALIASES: [(&str, &str); 6] = [
    ("alloy", DEFAULT_VOICE),
    ("rachel", DEFAULT_VOICE),
    ("bella", "EXAVITQu4vr4xnSDxMaL"),
    ("antoni", "ErXwobaYiN019PkySvjV"),
    ("josh", "TxGEqnHWrfWFTfGW9XjX"),
    ("elli", "MF3mGyEYCl7XYWbV9V6O"),
];

/// The provider's id for an alias or for an id of its own form (20 letters and digits).
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
