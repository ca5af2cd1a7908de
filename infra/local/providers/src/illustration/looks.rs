//! How a character looks: read from its line in the prompt, so that the same line gives the same
//! character in every picture.

use super::color::{self, Color};
use super::species::{self, Species};
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
    Bunches,
    Ponytail,
    Bun,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Headwear {
    None,
    Hijab,
    Turban,
    Cap,
    Crown,
    Bow,
    FlowerCrown,
    WizardHat,
    WoolHat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Garment {
    None,
    Shirt,
    Dress,
    Overalls,
    Coat,
}

/// Signs of a body and the things that help it; each is drawn when set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Traits {
    pub(super) wheelchair: bool,
    pub(super) glasses: bool,
    pub(super) dark_glasses: bool,
    pub(super) hearing_aid: bool,
    pub(super) cochlear_implant: bool,
    pub(super) white_cane: bool,
    pub(super) crutches: bool,
    pub(super) prosthetic_leg: bool,
    pub(super) prosthetic_arm: bool,
    pub(super) limb_difference: bool,
    pub(super) headphones: bool,
    pub(super) eye_patch: bool,
    pub(super) freckles: bool,
    pub(super) vitiligo: bool,
    pub(super) down_syndrome: bool,
    pub(super) birthmark: bool,
    pub(super) lip_scar: bool,
    pub(super) scar: bool,
    pub(super) service_dog: bool,
    pub(super) short_stature: bool,
    pub(super) large_body: bool,
    pub(super) feeding_tube: bool,
    pub(super) insulin_pump: bool,
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

const SKINS: [u32; 6] = [0xF6_CF_B0, 0xE8_B8_90, 0xC8_8E_60, 0xA8_70_48, 0x8A_58_38, 0x6B_40_2C];
const HAIRS: [u32; 6] = [0x2E_20_28, 0x4A_2C_20, 0x7A_42_28, 0xB8_62_30, 0xE0_B0_60, 0x38_28_38];
const CLOTHES: [u32; 7] = [0xE8_5A_4F, 0xF5_B0_3A, 0x3A_9E_8C, 0x4A_78_C8, 0x9A_5A_B8, 0xE8_78_9A, 0x5A_A0_50];

impl Looks {
    /// Reads the text after `Character:`; parts that are not described follow from the name.
    pub(super) fn read(line: &str) -> Looks {
        let name = line.split([';', '—', '(', ',', ':']).next().unwrap_or_default().trim().trim_end_matches('-').trim();
        let part = |names: &[&str]| names.iter().find_map(|name| labelled(line, name));
        let kind = kind_of(part(&["species", "kind", "type"]), line);
        let mut seeded = Seeded::from_text(&format!("looks of {name}"));
        let mut chosen = |choices: &[u32]| Color::rgb(choices[seeded.below(choices.len())]);
        let (default_skin, default_hair, default_top, default_bottom) =
            (chosen(&SKINS), chosen(&HAIRS), chosen(&CLOTHES), chosen(&CLOTHES));
        let skin_words = part(&["skin", "skin tone", "fur", "scales", "feathers", "body", "coat", "color"]);
        let hair_words = part(&["hair", "mane", "fur"]).unwrap_or_default();
        let clothes = part(&["clothes", "clothing", "outfit", "wears", "wearing"]).unwrap_or_default();
        let (skin, light) = match kind {
            Kind::Human => (skin_words.and_then(color::skin).unwrap_or(default_skin), color::WHITE),
            Kind::Creature(species) => species_colors(species, skin_words, hair_words),
        };
        let top = color::named(clothes).unwrap_or(default_top);
        let traits = traits(line);
        let eyes = part(&["eyes", "eye color"]).and_then(color::named).unwrap_or(match kind {
            Kind::Human => Color::rgb(0x5A_38_28),
            Kind::Creature(species) => Color::rgb(species.eyes),
        });
        Looks {
            name: name.to_owned(),
            kind,
            skin,
            light,
            hair: if kind == Kind::Human { hair_style(hair_words, line, name) } else { Hair::None },
            hair_color: hair_color(hair_words).unwrap_or(match kind {
                Kind::Human if skin.lightness() < 0.60 => Color::rgb(0x2E_20_28),
                Kind::Human => default_hair,
                Kind::Creature(species) => Color::rgb(species.mane()),
            }),
            eyes,
            garment: garment(clothes, kind),
            top,
            bottom: second_color(clothes).unwrap_or_else(|| if default_bottom == top { top.darker(0.35) } else { default_bottom.darker(0.15) }),
            headwear: headwear(line),
            cape: contains(clothes, &["cape", "cloak"]).then_some(top),
            scarf: contains(clothes, &["scarf", "bandana"]).then(|| scarf_color(clothes).unwrap_or(top)),
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

/// The text after `label:` up to the next semicolon or line end.
fn labelled<'a>(line: &'a str, label: &str) -> Option<&'a str> {
    let lower = line.to_ascii_lowercase();
    let mut from = 0;
    while let Some(found) = lower.get(from..)?.find(label) {
        let at = from + found;
        let starts_word = !lower[..at].ends_with(|c: char| c.is_alphanumeric());
        let rest = line.get(at + label.len()..)?.trim_start();
        if starts_word && let Some(value) = rest.strip_prefix(':').or_else(|| rest.strip_prefix('=')) {
            return Some(value.split([';', '\n', '|']).next()?.trim().trim_end_matches('.'));
        }
        from = at + label.len();
    }
    None
}

fn contains(text: &str, words: &[&str]) -> bool {
    let text = text.to_lowercase().replace(['_', '-'], " ");
    words.iter().any(|word| text.contains(word))
}

fn kind_of(species: Option<&str>, line: &str) -> Kind {
    let words = species.unwrap_or(line);
    if species.is_some_and(|text| contains(text, &["human", "child", "boy", "girl", "kid", "person", "toddler"])) {
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
    let named = skin.and_then(color::named).or_else(|| color::named(hair).filter(|_| species.hairless_mane()));
    match named {
        Some(color) if species.keeps_light => (color, Color::rgb(species.light)),
        Some(color) => (color, color.lighter(0.62)),
        None => (Color::rgb(species.base), Color::rgb(species.light)),
    }
}

fn hair_style(words: &str, line: &str, name: &str) -> Hair {
    let table: &[(&[&str], Hair)] = &[
        (&["bald", "no hair", "alopecia", "shaved", "hairless"], Hair::None),
        (&["afro", "natural hair", "coily"], Hair::Afro),
        (&["braid", "plait", "cornrow", "locs", "dreadlock"], Hair::Braids),
        (&["pigtail", "bunches", "puffs", "two puff", "space buns"], Hair::Bunches),
        (&["ponytail", "pony tail"], Hair::Ponytail),
        (&["bun", "topknot", "top knot"], Hair::Bun),
        (&["curly", "curls", "frizzy", "wavy"], Hair::Curly),
        (&["long"], Hair::Long),
        (&["short", "buzz", "crop", "pixie", "spiky"], Hair::Short),
    ];
    let described = |text: &str| table.iter().find(|(words, _)| contains(text, words)).map(|(_, hair)| *hair);
    if let Some(hair) = described(words) {
        return hair;
    }
    if contains(line, &["alopecia", "bald"]) {
        return Hair::None;
    }
    let styles = [Hair::Short, Hair::Curly, Hair::Ponytail, Hair::Long, Hair::Bunches];
    styles[Seeded::from_text(&format!("hair of {name}")).below(styles.len())]
}

fn hair_color(words: &str) -> Option<Color> {
    let plain = words.to_lowercase();
    let special = [("black", 0x2A_20_2C), ("dark", 0x3A_26_24), ("red", 0xB8_4E_28), ("white", 0xF2_EA_DC), ("platinum", 0xF2_E6_C8)];
    special
        .iter()
        .find(|(word, _)| plain.contains(word))
        .map(|(_, code)| Color::rgb(*code))
        .or_else(|| color::named(words))
}

fn garment(clothes: &str, kind: Kind) -> Garment {
    if contains(clothes, &["dress", "gown", "tutu", "skirt", "kimono", "sari", "tunic", "robe"]) {
        Garment::Dress
    } else if contains(clothes, &["overall", "dungaree"]) {
        Garment::Overalls
    } else if contains(clothes, &["coat", "jacket", "hoodie", "cardigan", "parka"]) {
        Garment::Coat
    } else if kind == Kind::Human || contains(clothes, &["shirt", "sweater", "jumper", "pajama", "vest", "waistcoat", "uniform", "top", "suit", "jersey"]) {
        Garment::Shirt
    } else {
        Garment::None
    }
}

/// The color of trousers and boots: the second one that the clothes name.
fn second_color(clothes: &str) -> Option<Color> {
    let rest = clothes.split_once(" and ").or_else(|| clothes.split_once(',')).or_else(|| clothes.split_once(" with "))?.1;
    color::named(rest)
}

fn scarf_color(clothes: &str) -> Option<Color> {
    let lower = clothes.to_lowercase();
    let at = lower.find("scarf").or_else(|| lower.find("bandana"))?;
    let before = &lower[..at];
    color::named(before.rsplit([',', ';']).next().unwrap_or(before).rsplit(" and ").next().unwrap_or(before))
}

fn headwear(line: &str) -> Headwear {
    let table: &[(&[&str], Headwear)] = &[
        (&["hijab", "headscarf", "head scarf"], Headwear::Hijab),
        (&["turban", "patka", "dastar"], Headwear::Turban),
        (&["flower crown", "flowers in"], Headwear::FlowerCrown),
        (&["crown", "tiara"], Headwear::Crown),
        (&["wizard hat", "witch hat", "pointed hat", "pointy hat"], Headwear::WizardHat),
        (&["beanie", "wool hat", "knitted hat", "woolly hat", "bobble hat"], Headwear::WoolHat),
        (&["cap", "hat", "helmet"], Headwear::Cap),
        (&["hair bow", "bow in", "ribbon"], Headwear::Bow),
    ];
    let words: Vec<String> = line.to_lowercase().split(|c: char| !c.is_alphabetic() && c != ' ').map(str::to_owned).collect();
    let found = |wanted: &&str| words.iter().any(|phrase| format!(" {phrase} ").contains(&format!(" {wanted} ")));
    table.iter().find(|(names, _)| names.iter().any(&found)).map_or(Headwear::None, |(_, wear)| *wear)
}

fn traits(line: &str) -> Traits {
    let has = |words: &[&str]| contains(line, words);
    let dark_glasses = has(&["sunglasses", "dark glasses", "tinted glasses"]);
    Traits {
        wheelchair: has(&["wheelchair", "wheel chair"]),
        glasses: has(&["glasses", "spectacles", "albinism"]),
        dark_glasses,
        hearing_aid: has(&["hearing aid"]),
        cochlear_implant: has(&["cochlear"]),
        white_cane: has(&["white cane", "cane", "blind", "low vision"]) && !has(&["hurricane"]),
        crutches: has(&["crutch", "walker", "cerebral palsy"]),
        prosthetic_leg: has(&["prosthetic leg", "prosthetic foot", "leg prosthesis", "blade"]),
        prosthetic_arm: has(&["prosthetic arm", "prosthetic hand", "bionic arm", "robotic arm"]),
        limb_difference: has(&["limb difference", "one arm", "missing hand", "missing arm"]),
        headphones: has(&["headphone", "ear defender", "noise cancel", "autis", "sensory"]),
        eye_patch: has(&["eye patch", "eyepatch"]),
        freckles: has(&["freckle"]),
        vitiligo: has(&["vitiligo"]),
        down_syndrome: has(&["down syndrome", "down's syndrome", "downs syndrome"]),
        birthmark: has(&["birthmark", "port wine"]),
        lip_scar: has(&["cleft"]),
        scar: has(&["burn", "facial scar", "scar "]) && !has(&["scarf"]),
        service_dog: has(&["service dog", "guide dog", "assistance dog", "service animal"]),
        short_stature: has(&["dwarfism", "short stature", "achondroplasia"]),
        large_body: has(&["larger body", "plus size", "big body", "large body"]),
        feeding_tube: has(&["feeding tube", "nasal tube", "oxygen"]),
        insulin_pump: has(&["insulin", "diabetes", "glucose monitor"]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_line_is_read_part_by_part() {
        let looks = Looks::read(
            "Maya — species: human; hair: long black braids; skin: deep brown; eyes: green; clothes: a yellow raincoat and red boots; traits: wheelchair, glasses, vitiligo",
        );
        assert_eq!((looks.name.as_str(), looks.kind, looks.hair), ("Maya", Kind::Human, Hair::Braids));
        assert_eq!((looks.garment, Some(looks.top)), (Garment::Coat, color::named("yellow")));
        assert_eq!(Some(looks.bottom), color::named("red"));
        assert!(looks.traits.wheelchair && looks.traits.glasses && looks.traits.vitiligo);
        assert!(!looks.traits.white_cane && !looks.traits.scar);
    }

    #[test]
    fn a_creature_takes_the_color_of_its_scales() {
        let looks = Looks::read("Ember — species: dragon; skin: emerald scales; clothes: red scarf");
        let Kind::Creature(species) = looks.kind else { panic!("{:?}", looks.kind) };
        assert_eq!((species.name, Some(looks.skin)), ("dragon", color::named("emerald")));
        assert_eq!((looks.garment, looks.scarf), (Garment::None, color::named("red")));
    }

    #[test]
    fn trait_codes_with_underscores_are_understood() {
        assert!(Looks::read("Bo; traits: hearing_aid, white_cane").traits.hearing_aid);
    }

    #[test]
    fn what_is_not_said_follows_from_the_name() {
        assert_eq!(Looks::read("Noor; species: human"), Looks::read("Noor; species: human"));
    }
}
