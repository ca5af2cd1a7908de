//! The 39 inclusivity traits a picture is checked for. The documents name the number, not the list (C-43): this is the
//! documented starter set, data rather than code, each with the words a prompt and a check use for it.

use serde::{Deserialize, Serialize};

/// One of [`TRAITS`], by its code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Trait(&'static str);

/// The code is none of the 39.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown trait code `{0}`")]
pub struct UnknownTrait(pub String);

/// Code and description of every trait, alphabetical by code.
pub const TRAITS: [(&str, &str); 39] = [
    ("afro_hair", "natural afro hair"),
    ("albinism", "albinism: very pale skin and hair"),
    ("alopecia", "alopecia: little or no hair"),
    (
        "autism",
        "autism: wears noise-reducing headphones when it is loud",
    ),
    ("birthmark", "a birthmark on the face"),
    ("blind", "blind: dark glasses and a white cane"),
    ("braces", "braces on the teeth"),
    ("braids", "braided hair"),
    ("burn_scars", "burn scars"),
    ("cane", "walks with a cane"),
    ("cleft_lip_scar", "a small scar on the upper lip"),
    ("cochlear_implant", "a cochlear implant behind the ear"),
    ("crutches", "walks on forearm crutches"),
    ("curly_hair", "curly hair"),
    ("dark_skin", "dark brown skin"),
    ("down_syndrome", "Down syndrome"),
    ("dreadlocks", "dreadlocks"),
    ("dwarfism", "dwarfism: short stature"),
    ("eye_patch", "an eye patch"),
    ("feeding_tube", "a feeding tube"),
    ("freckles", "freckles"),
    ("glasses", "glasses"),
    ("hearing_aid", "a hearing aid"),
    ("heterochromia", "eyes of two different colours"),
    ("hijab", "wears a hijab"),
    ("insulin_pump", "an insulin pump on the belt"),
    ("kippah", "wears a kippah"),
    ("leg_brace", "a leg brace"),
    ("light_skin", "light skin"),
    ("limb_difference", "a limb difference: one arm is shorter"),
    ("long_hair", "long hair"),
    ("medium_skin", "medium brown skin"),
    ("plus_size", "a round, plus-size body"),
    ("prosthetic_arm", "a prosthetic arm"),
    ("prosthetic_leg", "a prosthetic leg"),
    ("turban", "wears a turban"),
    ("vitiligo", "vitiligo: lighter patches of skin"),
    ("walker", "uses a walking frame"),
    ("wheelchair", "uses a wheelchair"),
];

impl Trait {
    /// The trait of this code, one of [`TRAITS`].
    pub fn parse(code: &str) -> Result<Self, UnknownTrait> {
        TRAITS
            .iter()
            .find(|(known, _)| *known == code)
            .map(|(known, _)| Self(known))
            .ok_or_else(|| UnknownTrait(code.to_owned()))
    }

    /// The code on every wire.
    pub const fn code(self) -> &'static str {
        self.0
    }

    /// The words a prompt uses for it.
    pub fn description(self) -> &'static str {
        TRAITS
            .iter()
            .find(|(code, _)| *code == self.0)
            .map_or(self.0, |(_, words)| words)
    }
}

impl<'de> Deserialize<'de> for Trait {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = String::deserialize(deserializer)?;
        Self::parse(&code).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_distinct_and_in_order() {
        assert!(TRAITS.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }
}
