//! How a character looks: read from its line in the prompt, so that the same line gives the same
//! character in every picture.

use super::color::{Color, GOLD};
use super::shelf::{self, Species};
use crate::storyteller::seeded::Seeded;

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Looks {
    pub(super) name: String,
    /// None for a person.
    pub(super) species: Option<&'static Species>,
    /// Skin, fur, scales, feathers, metal or paint.
    pub(super) skin: Color,
    /// Belly, muzzle and the like of a creature, the trim of a vehicle.
    pub(super) light: Color,
    /// A style of `heads.svg`; nothing for a creature.
    pub(super) hair: &'static str,
    pub(super) hair_color: Color,
    pub(super) eyes: Color,
    /// Nothing for who wears none.
    pub(super) garment: &'static str,
    pub(super) top: Color,
    pub(super) bottom: Color,
    pub(super) hat: &'static str,
    pub(super) cape: bool,
    pub(super) scarf: Option<Color>,
    /// Signs of a body and the things that help it.
    pub(super) traits: Vec<&'static str>,
}

impl Looks {
    /// Reads the text after `Character:`; parts that are not described follow from the name.
    pub(super) fn read(line: &str) -> Looks {
        let name = name_of(line).to_owned();
        let line = line.to_lowercase().replace(['_', '-'], " ");
        let part = |names: &str| names.split(", ").find_map(|name| labelled(&line, name));
        let words = |names: &str| part(names).unwrap_or_default();
        let species = species_of(part("species, kind, type"), &line);
        let mut seeded = Seeded::from_text(&format!("looks of {name}"));
        let [skin, hair, top, bottom] = ["skin", "hair", "clothes", "clothes"].map(|of| {
            let choices: Vec<&str> = shelf::meanings(&format!("chosen {of}")).collect();
            Color::from_hex(seeded.pick(&choices)).unwrap_or(GOLD)
        });
        let skin_words = part("skin, skin tone, fur, scales, feathers, body, coat, color");
        let traits = traits_of(&line);
        let clothes = words("clothes, clothing, outfit, wears, wearing");
        let hair_words = words("hair, mane, fur");
        let (skin, light) = match species {
            None => (human_skin(skin_words, &line).unwrap_or(skin), skin),
            Some(species) => creature_colors(species, skin_words, hair_words),
        };
        let top = named_color(clothes).unwrap_or(top);
        let usual_hair = match species {
            None if skin.lightness() < 0.60 => Color::rgb(0x2E_20_28),
            None => hair,
            Some(_) => Color::rgb(0x5A_38_28),
        };
        let hair_color = if traits.contains(&"albinism") {
            Some(Color::rgb(0xF8_F0_DC))
        } else {
            shelf::all("hair color", hair_words).find_map(Color::from_hex)
        };
        let eyes = species.and_then(|species| Color::from_hex(species.colors[2]));
        Looks {
            hair: if species.is_none() {
                hair_style(hair_words, &line, &name)
            } else {
                ""
            },
            hair_color: hair_color
                .or_else(|| named_color(hair_words))
                .unwrap_or(usual_hair),
            eyes: named_color(words("eyes, eye color"))
                .or(eyes)
                .unwrap_or(Color::rgb(0x5A_38_28)),
            garment: shelf::earliest("garment", clothes).unwrap_or(if species.is_none() {
                "shirt"
            } else {
                ""
            }),
            bottom: second_color(clothes).unwrap_or_else(|| match bottom {
                bottom if bottom == top => top.darker(0.35),
                bottom => bottom.darker(0.15),
            }),
            hat: shelf::all("hat", &line).next().unwrap_or_default(),
            cape: ["cape", "cloak"].iter().any(|word| clothes.contains(word)),
            scarf: scarf_color(clothes, top),
            name,
            species,
            skin,
            light,
            top,
            traits,
        }
    }

    /// A friend of the hero who has no line of its own.
    pub(super) fn of_species(species: &'static Species) -> Looks {
        Looks::read(&format!("friend; species: {}", species.words[0]))
    }

    pub(super) fn is_human(&self) -> bool {
        self.species.is_none()
    }

    pub(super) fn has(&self, wanted: &str) -> bool {
        self.traits.contains(&wanted)
    }
}

fn name_of(line: &str) -> &str {
    let name = line.split([';', '—', '(', ',', ':']).next();
    name.unwrap_or_default().trim().trim_end_matches('-').trim()
}

/// The text after `label:` up to the next semicolon.
fn labelled<'a>(line: &'a str, label: &str) -> Option<&'a str> {
    let found = line.match_indices(label).find_map(|(at, _)| {
        let starts = !line[..at].ends_with(char::is_alphanumeric);
        let rest = line[at + label.len()..].trim_start();
        rest.strip_prefix([':', '=']).filter(|_| starts)
    })?;
    Some(
        found
            .split([';', '\n', '|'])
            .next()?
            .trim()
            .trim_end_matches('.'),
    )
}

fn is_person(text: &str) -> bool {
    shelf::earliest("person", text).is_some()
}

fn species_of(given: Option<&str>, line: &str) -> Option<&'static Species> {
    match given.filter(|given| !given.is_empty()) {
        Some(given) if is_person(given) => None,
        // Somebody nobody drew before is still better as a creature than as a child.
        Some(given) => Some(Species::find(given).unwrap_or_else(Species::fallback)),
        None => Species::find(line),
    }
}

/// Whether there is a drawing for a species' name.
pub(super) fn can_draw(species: &str) -> bool {
    let species = species.to_lowercase();
    species.is_empty() || is_person(&species) || Species::find(&species).is_some()
}

fn traits_of(line: &str) -> Vec<&'static str> {
    let mut traits: Vec<&str> = shelf::all("trait", line).collect();
    // The words for these stand in those for the others, too.
    for (more, less) in [
        ("white-cane", "walking-cane"),
        ("leg-brace", "braces"),
        ("dark-glasses", "glasses"),
    ] {
        if traits.contains(&more) {
            traits.retain(|found| *found != less);
        }
    }
    traits
}

fn creature_colors(species: &Species, skin: Option<&str>, hair: &str) -> (Color, Color) {
    let [base, light, _] = species
        .colors
        .map(|code| Color::from_hex(code).unwrap_or(Color::rgb(0)));
    let has_mane = species.has("behind-mane") && !species.has("crest-horn");
    let of_hair = named_color(hair).filter(|_| !has_mane);
    match skin.and_then(named_color).or(of_hair) {
        Some(color) if species.is("keeps-light") => (color, light),
        Some(color) => (color, color.lighter(0.62)),
        None => (base, light),
    }
}

fn hair_style(words: &str, line: &str, name: &str) -> &'static str {
    let traits = labelled(line, "traits").unwrap_or_default();
    let described = |text| shelf::all("hair", text).next();
    described(words)
        .or_else(|| described(traits))
        .unwrap_or_else(|| {
            let styles = ["short", "curly", "ponytail", "long", "bunches"];
            Seeded::from_text(&format!("hair of {name}")).pick(&styles)
        })
}

/// The skin that a line describes, as a part of the looks or among the traits.
fn human_skin(words: Option<&str>, line: &str) -> Option<Color> {
    let skin = |text: &str| shelf::all("skin", text).find_map(Color::from_hex);
    let listed = labelled(line, "traits").unwrap_or_default();
    if listed.contains("albinism") {
        return skin("albinism");
    }
    let mut entries = listed
        .split(',')
        .filter(|entry| entry.trim().ends_with("skin"));
    words.and_then(skin).or_else(|| entries.find_map(skin))
}

/// The color that a description names first, if any.
pub(super) fn named_color(text: &str) -> Option<Color> {
    let code = text.find('#').and_then(|at| text.get(at..at + 7));
    if let Some(color) = code.and_then(Color::from_hex) {
        return Some(color);
    }
    let code = shelf::earliest("color", text)?;
    let color = Color::from_hex(code)?;
    let at = shelf::place("color", code, text)?;
    Some(match text[..at].split_whitespace().next_back() {
        Some("dark" | "deep" | "midnight") => color.darker(0.35),
        Some("light" | "pale" | "soft" | "sky" | "baby") => color.lighter(0.35),
        _ => color,
    })
}

/// The color of trousers and boots: the second one that the clothes name.
fn second_color(clothes: &str) -> Option<Color> {
    let (_, rest) = [" and ", ",", " with "]
        .iter()
        .find_map(|joint| clothes.split_once(joint))?;
    named_color(rest)
}

fn scarf_color(clothes: &str, otherwise: Color) -> Option<Color> {
    let at = clothes.find("scarf").or_else(|| clothes.find("bandana"))?;
    let before = clothes[..at].rsplit([',', ';']).next()?;
    let before = before.rsplit(" and ").next()?;
    Some(named_color(before).unwrap_or(otherwise))
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
            (looks.name.as_str(), looks.species, looks.hair),
            ("Maya", None, "braids")
        );
        assert_eq!(
            (looks.garment, Some(looks.top)),
            ("coat", named_color("yellow"))
        );
        assert_eq!(Some(looks.bottom), named_color("red"));
        assert_eq!(looks.traits, ["wheelchair", "glasses", "vitiligo"]);
    }

    #[test]
    fn a_creature_takes_the_color_of_its_scales() {
        let looks =
            Looks::read("Ember — species: dragon; skin: emerald scales; clothes: red scarf");
        assert_eq!(
            looks.species.map(|species| species.words[0]),
            Some("dragon")
        );
        assert_eq!(Some(looks.skin), named_color("emerald"));
        assert_eq!((looks.garment, looks.scarf), ("", named_color("red")));
    }

    #[test]
    fn a_tugboat_is_a_boat_and_what_nobody_drew_is_the_nearest_figure() {
        let boat = Looks::read("Tuggy — species: tugboat").species.unwrap();
        assert!(boat.is_vehicle() && boat.words.contains(&"tugboat"));
        assert_eq!(
            Looks::read("Q; species: quokka").species,
            Some(Species::fallback())
        );
        assert!(can_draw("human child") && can_draw("tugboat") && !can_draw("quokka"));
    }

    #[test]
    fn trait_codes_with_underscores_are_understood() {
        assert_eq!(
            Looks::read("Bo; traits: hearing_aid, white_cane").traits,
            ["hearing-aid", "white-cane"]
        );
    }

    #[test]
    fn skin_and_hair_may_stand_among_the_traits() {
        let looks = Looks::read(
            "Sam — species: human child; traits: dark brown skin, dreadlocks, braces on the teeth",
        );
        assert_eq!((looks.skin, looks.hair), (Color::rgb(0x6B402C), "locs"));
        assert_eq!(looks.traits, ["braces"]);
        let pale =
            Looks::read("Sam — species: human child; skin: brown; traits: albinism: very pale");
        assert_eq!(pale.skin, Color::rgb(0xFBE3D6));
        assert_eq!(
            Looks::read("Sam; species: human; traits: walks with a cane").traits,
            ["walking-cane"]
        );
    }

    #[test]
    fn colors_are_read_from_words_and_codes() {
        assert_eq!(
            named_color("a yellow raincoat over red boots"),
            named_color("yellow")
        );
        assert_eq!(
            named_color("scales like #102030"),
            Some(Color::rgb(0x102030))
        );
        assert_ne!(named_color("dark green"), named_color("green"));
        assert_eq!(named_color("shirt with stripes"), None);
    }
}
