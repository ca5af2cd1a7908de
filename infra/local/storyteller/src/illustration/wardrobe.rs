//! What characters wear, from the words for it.

use super::color::{self, Color};
use super::looks::{Kind, contains};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Headwear {
    None,
    Hijab,
    Turban,
    Kippah,
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

pub(super) fn garment(clothes: &str, kind: Kind) -> Garment {
    if contains(
        clothes,
        &[
            "dress", "gown", "tutu", "skirt", "kimono", "sari", "tunic", "robe",
        ],
    ) {
        Garment::Dress
    } else if contains(clothes, &["overall", "dungaree"]) {
        Garment::Overalls
    } else if contains(clothes, &["coat", "jacket", "hoodie", "cardigan", "parka"]) {
        Garment::Coat
    } else if kind == Kind::Human
        || contains(
            clothes,
            &[
                "shirt",
                "sweater",
                "jumper",
                "pajama",
                "vest",
                "waistcoat",
                "uniform",
                "top",
                "suit",
                "jersey",
            ],
        )
    {
        Garment::Shirt
    } else {
        Garment::None
    }
}

/// The color of trousers and boots: the second one that the clothes name.
pub(super) fn second_color(clothes: &str) -> Option<Color> {
    let rest = clothes
        .split_once(" and ")
        .or_else(|| clothes.split_once(','))
        .or_else(|| clothes.split_once(" with "))?
        .1;
    color::named(rest)
}

pub(super) fn scarf_color(clothes: &str) -> Option<Color> {
    let lower = clothes.to_lowercase();
    let at = lower.find("scarf").or_else(|| lower.find("bandana"))?;
    let before = &lower[..at];
    color::named(
        before
            .rsplit([',', ';'])
            .next()
            .unwrap_or(before)
            .rsplit(" and ")
            .next()
            .unwrap_or(before),
    )
}

pub(super) fn headwear(line: &str) -> Headwear {
    let table: &[(&[&str], Headwear)] = &[
        (&["hijab", "headscarf", "head scarf"], Headwear::Hijab),
        (&["turban", "patka", "dastar"], Headwear::Turban),
        (&["kippah", "yarmulke"], Headwear::Kippah),
        (&["flower crown", "flowers in"], Headwear::FlowerCrown),
        (&["crown", "tiara"], Headwear::Crown),
        (
            &["wizard hat", "witch hat", "pointed hat", "pointy hat"],
            Headwear::WizardHat,
        ),
        (
            &[
                "beanie",
                "wool hat",
                "knitted hat",
                "woolly hat",
                "bobble hat",
            ],
            Headwear::WoolHat,
        ),
        (&["cap", "hat", "helmet"], Headwear::Cap),
        (&["hair bow", "bow in", "ribbon"], Headwear::Bow),
    ];
    let words: Vec<String> = line
        .to_lowercase()
        .split(|c: char| !c.is_alphabetic() && c != ' ')
        .map(str::to_owned)
        .collect();
    let found = |wanted: &&str| {
        words
            .iter()
            .any(|phrase| format!(" {phrase} ").contains(&format!(" {wanted} ")))
    };
    table
        .iter()
        .find(|(names, _)| names.iter().any(&found))
        .map_or(Headwear::None, |(_, wear)| *wear)
}
