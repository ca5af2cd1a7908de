//! How a character looks: read from its line in the prompt, so that the same line gives the same
//! character in every picture.

use super::color::{self, Color};
use super::species::{self, Species};
use super::traits::{self, Traits};
use super::wardrobe::{Garment, Headwear, garment, headwear, scarf_color, second_color};
use crate::seeded::Seeded;

/// What a character is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Kind {
    Human,
    Creature(&'static Species),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hair {
    None,
    Short,
    Long,
    Curly,
    Afro,
    Braids,
    Locs,
    Bunches,
    Ponytail,
    Bun,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Looks {
    pub(super) name: String,
    pub(super) kind: Kind,
    /// Skin, fur, scales, feathers or metal.
    pub(super) skin: Color,
    /// Belly, muzzle and the like of a creature.
    pub(super) light: Color,
    pub(super) hair: Hair,
    pub(super) hair_color: Color,
    pub(super) eyes: Color,
    pub(super) garment: Garment,
    pub(super) top: Color,
    pub(super) bottom: Color,
    pub(super) headwear: Headwear,
    pub(super) cape: Option<Color>,
    pub(super) scarf: Option<Color>,
    pub(super) traits: Traits,
}

const SKINS: [u32; 6] = [
    0xF6_CF_B0, 0xE8_B8_90, 0xC8_8E_60, 0xA8_70_48, 0x8A_58_38, 0x6B_40_2C,
];
const HAIRS: [u32; 6] = [
    0x2E_20_28, 0x4A_2C_20, 0x7A_42_28, 0xB8_62_30, 0xE0_B0_60, 0x38_28_38,
];
const CLOTHES: [u32; 7] = [
    0xE8_5A_4F, 0xF5_B0_3A, 0x3A_9E_8C, 0x4A_78_C8, 0x9A_5A_B8, 0xE8_78_9A, 0x5A_A0_50,
];

impl Looks {
    /// Reads the text after `Character:`; parts that are not described follow from the name.
    pub(super) fn read(line: &str) -> Looks {
        let name = name_of(line);
        let part = |names: &[&str]| names.iter().find_map(|name| labelled(line, name));
        let kind = kind_of(part(&["species", "kind", "type"]), line);
        let mut seeded = Seeded::from_text(&format!("looks of {name}"));
        let mut chosen = |choices: &[u32]| Color::rgb(choices[seeded.below(choices.len())]);
        let (default_skin, default_hair, default_top, default_bottom) = (
            chosen(&SKINS),
            chosen(&HAIRS),
            chosen(&CLOTHES),
            chosen(&CLOTHES),
        );
        let skin_words = part(&[
            "skin",
            "skin tone",
            "fur",
            "scales",
            "feathers",
            "body",
            "coat",
            "color",
        ]);
        let hair_words = part(&["hair", "mane", "fur"]).unwrap_or_default();
        let clothes =
            part(&["clothes", "clothing", "outfit", "wears", "wearing"]).unwrap_or_default();
        let (skin, light) = match kind {
            Kind::Human => (
                human_skin(skin_words, line).unwrap_or(default_skin),
                color::WHITE,
            ),
            Kind::Creature(species) => species_colors(species, skin_words, hair_words),
        };
        let top = color::named(clothes).unwrap_or(default_top);
        let traits = traits::read(line);
        let eyes = part(&["eyes", "eye color"])
            .and_then(color::named)
            .unwrap_or(match kind {
                Kind::Human => Color::rgb(0x5A_38_28),
                Kind::Creature(species) => Color::rgb(species.eyes),
            });
        Looks {
            name: name.to_owned(),
            kind,
            skin,
            light,
            hair: if kind == Kind::Human {
                hair_style(hair_words, line, name)
            } else {
                Hair::None
            },
            hair_color: traits
                .albinism
                .then(|| Color::rgb(0xF8_F0_DC))
                .or_else(|| hair_color(hair_words))
                .unwrap_or_else(|| usual_hair(kind, skin, default_hair)),
            eyes,
            garment: garment(clothes, kind),
            top,
            bottom: second_color(clothes).unwrap_or_else(|| other_than(top, default_bottom)),
            headwear: headwear(line),
            cape: contains(clothes, &["cape", "cloak"]).then_some(top),
            scarf: contains(clothes, &["scarf", "bandana"])
                .then(|| scarf_color(clothes).unwrap_or(top)),
            traits,
        }
    }

    /// A friend of the hero who has no line of its own.
    pub(super) fn of_species(species: &'static Species) -> Looks {
        Looks::read(&format!("friend; species: {}", species.name))
    }

    pub(super) fn is_human(&self) -> bool {
        self.kind == Kind::Human
    }
}

fn name_of(line: &str) -> &str {
    line.split([';', '—', '(', ',', ':'])
        .next()
        .unwrap_or_default()
        .trim()
        .trim_end_matches('-')
        .trim()
}

/// The text after `label:` up to the next semicolon or line end.
fn labelled<'a>(line: &'a str, label: &str) -> Option<&'a str> {
    let lower = line.to_ascii_lowercase();
    let mut from = 0;
    while let Some(found) = lower.get(from..)?.find(label) {
        let at = from + found;
        let starts_word = !lower[..at].ends_with(|c: char| c.is_alphanumeric());
        let rest = line.get(at + label.len()..)?.trim_start();
        if starts_word
            && let Some(value) = rest.strip_prefix(':').or_else(|| rest.strip_prefix('='))
        {
            return Some(
                value
                    .split([';', '\n', '|'])
                    .next()?
                    .trim()
                    .trim_end_matches('.'),
            );
        }
        from = at + label.len();
    }
    None
}

/// Whether a text contains one of the words, however they are joined.
pub(super) fn contains(text: &str, words: &[&str]) -> bool {
    let text = text.to_lowercase().replace(['_', '-'], " ");
    words.iter().any(|word| text.contains(word))
}

fn kind_of(species: Option<&str>, line: &str) -> Kind {
    let words = species.unwrap_or(line);
    if species.is_some_and(|text| {
        contains(
            text,
            &["human", "child", "boy", "girl", "kid", "person", "toddler"],
        )
    }) {
        return Kind::Human;
    }
    match species::find(words) {
        Some(species) => Kind::Creature(species),
        // An animal nobody drew before is still better as an animal than as a child.
        None if species.is_some_and(|text| !text.is_empty()) => Kind::Creature(species::fallback()),
        None => Kind::Human,
    }
}

fn species_colors(species: &Species, skin: Option<&str>, hair: &str) -> (Color, Color) {
    let named = skin
        .and_then(color::named)
        .or_else(|| color::named(hair).filter(|_| species.hairless_mane()));
    match named {
        Some(color) if species.keeps_light => (color, Color::rgb(species.light)),
        Some(color) => (color, color.lighter(0.62)),
        None => (Color::rgb(species.base), Color::rgb(species.light)),
    }
}

fn hair_style(words: &str, line: &str, name: &str) -> Hair {
    let table: &[(&[&str], Hair)] = &[
        (
            &["bald", "no hair", "alopecia", "shaved", "hairless"],
            Hair::None,
        ),
        (&["afro", "natural hair", "coily"], Hair::Afro),
        (&["dreadlock", "locs", "twists"], Hair::Locs),
        (&["braid", "plait", "cornrow"], Hair::Braids),
        (
            &["pigtail", "bunches", "puffs", "two puff", "space buns"],
            Hair::Bunches,
        ),
        (&["ponytail", "pony tail"], Hair::Ponytail),
        (&["hair bun", "bun ", "topknot", "top knot"], Hair::Bun),
        (&["curly", "curls", "frizzy", "wavy"], Hair::Curly),
        (&["long hair", "long"], Hair::Long),
        (&["short", "buzz", "crop", "pixie", "spiky"], Hair::Short),
    ];
    let described = |text: &str| {
        table
            .iter()
            .find(|(words, _)| contains(text, words))
            .map(|(_, hair)| *hair)
    };
    if let Some(hair) = described(words) {
        return hair;
    }
    if let Some(hair) = labelled(line, "traits").and_then(described) {
        return hair;
    }
    let styles = [
        Hair::Short,
        Hair::Curly,
        Hair::Ponytail,
        Hair::Long,
        Hair::Bunches,
    ];
    styles[Seeded::from_text(&format!("hair of {name}")).below(styles.len())]
}

/// The skin that a line describes, as a part of the looks or among the traits.
fn human_skin(words: Option<&str>, line: &str) -> Option<Color> {
    let listed = labelled(line, "traits").unwrap_or_default();
    if contains(listed, &["albinism"]) {
        return color::skin("albinism");
    }
    words.and_then(color::skin).or_else(|| {
        let mut entries = listed
            .split(',')
            .filter(|entry| entry.trim().ends_with("skin"));
        entries.find_map(color::skin)
    })
}

/// The hair of somebody whose line does not say.
fn usual_hair(kind: Kind, skin: Color, by_name: Color) -> Color {
    match kind {
        Kind::Human if skin.lightness() < 0.60 => Color::rgb(0x2E_20_28),
        Kind::Human => by_name,
        Kind::Creature(species) => Color::rgb(species.mane()),
    }
}

fn other_than(top: Color, bottom: Color) -> Color {
    if bottom == top {
        top.darker(0.35)
    } else {
        bottom.darker(0.15)
    }
}

fn hair_color(words: &str) -> Option<Color> {
    let plain = words.to_lowercase();
    let special = [
        ("black", 0x2A_20_2C),
        ("dark", 0x3A_26_24),
        ("red", 0xB8_4E_28),
        ("white", 0xF2_EA_DC),
        ("platinum", 0xF2_E6_C8),
    ];
    special
        .iter()
        .find(|(word, _)| plain.contains(word))
        .map(|(_, code)| Color::rgb(*code))
        .or_else(|| color::named(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_line_is_read_part_by_part() {
        let looks = Looks::read(
            "Maya — species: human; hair: long black braids; skin: deep brown; eyes: green; clothes: a yellow raincoat and red boots; traits: wheelchair, glasses, vitiligo",
        );
        assert_eq!(
            (looks.name.as_str(), looks.kind, looks.hair),
            ("Maya", Kind::Human, Hair::Braids)
        );
        assert_eq!(
            (looks.garment, Some(looks.top)),
            (Garment::Coat, color::named("yellow"))
        );
        assert_eq!(Some(looks.bottom), color::named("red"));
        assert!(looks.traits.wheelchair && looks.traits.glasses && looks.traits.vitiligo);
        assert!(!looks.traits.white_cane && !looks.traits.scar);
    }

    #[test]
    fn a_creature_takes_the_color_of_its_scales() {
        let looks =
            Looks::read("Ember — species: dragon; skin: emerald scales; clothes: red scarf");
        let Kind::Creature(species) = looks.kind else {
            panic!("{:?}", looks.kind)
        };
        assert_eq!(
            (species.name, Some(looks.skin)),
            ("dragon", color::named("emerald"))
        );
        assert_eq!(
            (looks.garment, looks.scarf),
            (Garment::None, color::named("red"))
        );
    }

    #[test]
    fn trait_codes_with_underscores_are_understood() {
        assert!(
            Looks::read("Bo; traits: hearing_aid, white_cane")
                .traits
                .hearing_aid
        );
    }

    #[test]
    fn skin_and_hair_may_stand_among_the_traits() {
        let looks = Looks::read(
            "Sam — species: human child; traits: dark brown skin, dreadlocks, braces on the teeth",
        );
        assert_eq!(
            (Some(looks.skin), looks.hair),
            (color::skin("dark brown"), Hair::Locs)
        );
        assert!(looks.traits.braces && !looks.traits.leg_brace);
        let pale = Looks::read(
            "Sam — species: human child; skin: brown; traits: albinism: very pale skin and hair",
        );
        assert_eq!(Some(pale.skin), color::skin("albinism"));
        let canes = Looks::read("Sam; species: human; traits: walks with a cane").traits;
        assert!(canes.walking_cane && !canes.white_cane);
    }

    #[test]
    fn what_is_not_said_follows_from_the_name() {
        assert_eq!(
            Looks::read("Noor; species: human"),
            Looks::read("Noor; species: human")
        );
    }
}
