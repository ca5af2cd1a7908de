//! Who a wish is about: the kind from its words, and a name that always fits the same wish.

use serde::Serialize;

use super::idea::Idea;
use crate::storyteller::data;
use crate::storyteller::pictures;
use crate::storyteller::pictures::shelf::Species;
use crate::storyteller::seeded::Seeded;

const HEROES: &str = include_str!("../../../stories/heroes.txt");

/// The hero of a wish, in the form in which the API takes a character.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hero {
    pub name: String,
    /// As the wish says it: `tugboat`; `human child` when it names nobody.
    pub species: String,
    /// Skin, fur, paint, as the looks of a character are described; empty when the kind needs none.
    pub skin: &'static str,
    /// Whether there is a drawing of this kind; else pictures show the nearest figure.
    pub is_drawn: bool,
}

/// The hero of a wish such as "a brave little tugboat".
pub fn hero_of(wish: &str) -> Hero {
    let idea = Idea::read(wish);
    let lower = wish.to_lowercase();
    // What opens the wish is the hero, drawn or not; else whoever in it can be drawn.
    let opening = idea
        .kind
        .filter(|kind| Species::find(kind).is_some() || idea.mood.is_some());
    // "To the moon" names a place rather than somebody.
    let others = lower.replace("the ", "the");
    let found = || Species::find(&others).map(|species| species.words[0].to_owned());
    let people = ["child", "boy", "girl", "kid", "human"];
    let species = opening
        .or_else(found)
        .filter(|kind| !people.contains(&kind.as_str()));
    let species = species.unwrap_or_else(|| "human child".to_owned());
    let known = Species::find(&species).map_or(species.as_str(), |known| known.words[0]);
    let mut rows = data::rows(HEROES, "kinds");
    let row = rows.find(|[kind, ..]: &[&str; 3]| *kind == known);
    let [_, usual, skin] = row.unwrap_or_default();
    let names = data::section(HEROES, "names");
    let usual = if usual.is_empty() {
        Seeded::from_text(&lower).pick(&names)
    } else {
        usual
    };
    Hero {
        name: idea.name.unwrap_or_else(|| usual.to_owned()),
        is_drawn: pictures::can_draw(&species),
        species,
        skin,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hero_is_who_the_wish_names() {
        for (wish, species, name) in [
            ("a brave little tugboat", "tugboat", "Tilly"),
            ("a shy dragon who is afraid of the dark", "dragon", "Ember"),
            ("Two shy dragons", "dragon", "Ember"),
            (
                "A curious quokka named Quentin looks for the sea",
                "quokka",
                "Quentin",
            ),
            ("a day at the beach", "human child", "Luna"),
            (
                "a shy child who is afraid of the dark",
                "human child",
                "Luna",
            ),
        ] {
            let hero = hero_of(wish);
            assert_eq!((&*hero.species, &*hero.name), (species, name), "{wish}");
            assert_eq!(hero.is_drawn, species != "quokka", "{wish}");
        }
    }
}
