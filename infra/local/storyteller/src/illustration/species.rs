//! The creatures that can be drawn: their shapes in words and their colors.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ears {
    None,
    Pointed,
    Long,
    Round,
    BigRound,
    Floppy,
    Elephant,
    Fins,
    Horse,
    Tufts,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Muzzle {
    /// A light snout with a small nose.
    Snout,
    /// A broad light snout with nostrils.
    Broad,
    Beak,
    Trunk,
    /// Only a mouth.
    Flat,
    Pig,
    Screen,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tail {
    None,
    Bushy,
    Thin,
    Puff,
    Spade,
    Flowing,
    Curl,
    Flat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Back {
    None,
    BatWings,
    FeatherWings,
    InsectWings,
    Spines,
    Shell,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Crest {
    None,
    Horns,
    Horn,
    Mane,
    LionMane,
    Antlers,
    Antenna,
    Feelers,
    Tuft,
    Wool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pattern {
    Plain,
    Stripes,
    EyePatches,
    Spots,
    /// A light mask over the lower face, as foxes and penguins have.
    Mask,
    Discs,
    Glowing,
    Bolts,
}

#[derive(Debug, PartialEq)]
pub(super) struct Species {
    pub(super) name: &'static str,
    pub(super) words: &'static [&'static str],
    pub(super) base: u32,
    pub(super) light: u32,
    pub(super) eyes: u32,
    pub(super) ears: Ears,
    pub(super) muzzle: Muzzle,
    pub(super) tail: Tail,
    pub(super) back: Back,
    pub(super) crest: Crest,
    pub(super) pattern: Pattern,
    /// Whether the light parts stay as they are when the fur has another color.
    pub(super) keeps_light: bool,
}

impl Species {
    /// Whether a color given for hair or mane must be meant for the whole creature.
    pub(super) fn hairless_mane(&self) -> bool {
        !matches!(self.crest, Crest::Mane | Crest::LionMane)
    }

    /// The color of a mane that is not described; a unicorn's is the first of several.
    pub(super) fn mane(&self) -> u32 {
        if self.crest == Crest::Horn {
            RAINBOW_MANE
        } else {
            0x5A_38_28
        }
    }

    /// Insects, birds and mice come up only to the hero's knee.
    pub(super) fn is_small(&self) -> bool {
        [
            "mouse",
            "firefly",
            "bird",
            "bee",
            "frog",
            "hedgehog",
            "butterfly",
            "squirrel",
        ]
        .contains(&self.name)
    }
}

/// Stands for pink, violet and sky blue together.
pub(super) const RAINBOW_MANE: u32 = 0xF4_94_C0;

struct Shape(Ears, Muzzle, Tail, Back, Crest, Pattern);

const fn species(
    name: &'static str,
    words: &'static [&'static str],
    colors: [u32; 3],
    shape: Shape,
    keeps_light: bool,
) -> Species {
    let [base, light, eyes] = colors;
    let Shape(ears, muzzle, tail, back, crest, pattern) = shape;
    Species {
        name,
        words,
        base,
        light,
        eyes,
        ears,
        muzzle,
        tail,
        back,
        crest,
        pattern,
        keeps_light,
    }
}

const BROWN: u32 = 0x5A_34_20;

#[rustfmt::skip]
const ALL: &[Species] = &[
    species("dragon", &["dragon", "wyvern"], [0x4F_B8_86, 0xF7_E2_A0, 0xF0_A0_30],
        Shape(Ears::Fins, Muzzle::Broad, Tail::Spade, Back::BatWings, Crest::Horns, Pattern::Plain), false),
    species("dinosaur", &["dinosaur", "dino", "rex", "triceratops"], [0x7A_B8_58, 0xF2_EC_B0, BROWN],
        Shape(Ears::None, Muzzle::Broad, Tail::Spade, Back::Spines, Crest::None, Pattern::Spots), false),
    species("fox", &["fox"], [0xEE_7F_3A, 0xFF_F4_E4, 0x6A_40_20],
        Shape(Ears::Pointed, Muzzle::Snout, Tail::Bushy, Back::None, Crest::None, Pattern::Mask), true),
    species("wolf", &["wolf"], [0x8A_90_A4, 0xF0_EE_F0, 0x4A_70_A0],
        Shape(Ears::Pointed, Muzzle::Snout, Tail::Bushy, Back::None, Crest::None, Pattern::Mask), true),
    species("rabbit", &["rabbit", "bunny", "hare"], [0xD8_C0_AC, 0xFF_F6_EC, BROWN],
        Shape(Ears::Long, Muzzle::Snout, Tail::Puff, Back::None, Crest::None, Pattern::Plain), false),
    species("panda", &["panda"], [0xF8_F4_EC, 0xFF_FF_FF, 0x3A_2A_28],
        Shape(Ears::Round, Muzzle::Snout, Tail::Puff, Back::None, Crest::None, Pattern::EyePatches), true),
    species("koala", &["koala"], [0xA4_A8_B8, 0xF0_EE_F0, 0x4A_34_30],
        Shape(Ears::BigRound, Muzzle::Snout, Tail::None, Back::None, Crest::None, Pattern::Plain), false),
    species("bear", &["bear", "teddy"], [0xA8_70_46, 0xEC_CC_A0, 0x3E_26_1C],
        Shape(Ears::Round, Muzzle::Snout, Tail::Puff, Back::None, Crest::None, Pattern::Plain), false),
    species("tiger", &["tiger"], [0xF4_9A_3C, 0xFF_F4_E0, 0x5A_8A_3A],
        Shape(Ears::Round, Muzzle::Snout, Tail::Thin, Back::None, Crest::None, Pattern::Stripes), true),
    species("lion", &["lion"], [0xEE_B4_58, 0xFF_EC_C4, BROWN],
        Shape(Ears::Round, Muzzle::Snout, Tail::Thin, Back::None, Crest::LionMane, Pattern::Plain), false),
    species("cat", &["cat", "kitten", "kitty"], [0x8E_84_A0, 0xF6_EE_F2, 0x58_A8_60],
        Shape(Ears::Pointed, Muzzle::Snout, Tail::Thin, Back::None, Crest::None, Pattern::Stripes), false),
    species("dog", &["dog", "puppy"], [0xD8_A4_68, 0xFF_F2_DC, 0x4A_2E_20],
        Shape(Ears::Floppy, Muzzle::Snout, Tail::Thin, Back::None, Crest::None, Pattern::Spots), false),
    species("owl", &["owl"], [0x9A_74_58, 0xF4_E2_C0, 0xF0_A8_30],
        Shape(Ears::Tufts, Muzzle::Beak, Tail::None, Back::FeatherWings, Crest::None, Pattern::Discs), false),
    species("penguin", &["penguin"], [0x3E_48_70, 0xFF_FC_F4, 0x30_24_30],
        Shape(Ears::None, Muzzle::Beak, Tail::None, Back::FeatherWings, Crest::None, Pattern::Mask), true),
    species("bird", &["bird", "wren", "robin", "sparrow", "parrot", "duck", "chick", "raven", "phoenix"], [0x5A_A0_DC, 0xFF_F2_D8, 0x30_24_30],
        Shape(Ears::None, Muzzle::Beak, Tail::None, Back::FeatherWings, Crest::Tuft, Pattern::Plain), false),
    species("robot", &["robot", "android"], [0x9C_B4_CC, 0xE8_F2_F8, 0x5A_E8_F0],
        Shape(Ears::None, Muzzle::Screen, Tail::None, Back::None, Crest::Antenna, Pattern::Bolts), false),
    species("unicorn", &["unicorn"], [0xF8_F2_FA, 0xFF_E4_EE, 0x8A_58_B8],
        Shape(Ears::Horse, Muzzle::Broad, Tail::Flowing, Back::None, Crest::Horn, Pattern::Plain), false),
    species("horse", &["horse", "pony", "foal", "zebra"], [0xB0_7A_50, 0xF2_DC_BC, 0x3E_26_1C],
        Shape(Ears::Horse, Muzzle::Broad, Tail::Flowing, Back::None, Crest::Mane, Pattern::Plain), false),
    species("mouse", &["mouse", "rat", "hamster"], [0xB4_A8_B4, 0xF8_E8_E8, 0x30_24_30],
        Shape(Ears::BigRound, Muzzle::Snout, Tail::Curl, Back::None, Crest::None, Pattern::Plain), false),
    species("elephant", &["elephant", "mammoth"], [0x94_A4_C4, 0xF4_C8_D0, 0x40_30_40],
        Shape(Ears::Elephant, Muzzle::Trunk, Tail::Curl, Back::None, Crest::None, Pattern::Plain), false),
    species("hedgehog", &["hedgehog", "porcupine"], [0xC8_9C_78, 0xFA_E6_CC, 0x30_24_30],
        Shape(Ears::Round, Muzzle::Snout, Tail::None, Back::Spines, Crest::None, Pattern::Plain), false),
    species("squirrel", &["squirrel", "chipmunk", "raccoon"], [0xC4_6C_3C, 0xFF_EC_D8, 0x40_28_20],
        Shape(Ears::Pointed, Muzzle::Snout, Tail::Bushy, Back::None, Crest::None, Pattern::Plain), false),
    species("monkey", &["monkey", "ape", "gorilla", "chimp"], [0x8E_5E_40, 0xF2_CC_A4, 0x3E_26_1C],
        Shape(Ears::BigRound, Muzzle::Snout, Tail::Curl, Back::None, Crest::None, Pattern::Mask), false),
    species("frog", &["frog", "toad"], [0x74_C0_50, 0xF0_F4_B8, 0x3A_2A_20],
        Shape(Ears::None, Muzzle::Flat, Tail::None, Back::None, Crest::None, Pattern::Spots), false),
    species("turtle", &["turtle", "tortoise"], [0x86_BE_70, 0xF2_EC_B8, 0x3A_2A_20],
        Shape(Ears::None, Muzzle::Flat, Tail::None, Back::Shell, Crest::None, Pattern::Spots), false),
    species("deer", &["deer", "fawn", "reindeer", "moose"], [0xC0_88_58, 0xFF_EC_D4, 0x3E_26_1C],
        Shape(Ears::Horse, Muzzle::Snout, Tail::Puff, Back::None, Crest::Antlers, Pattern::Spots), false),
    species("sheep", &["sheep", "lamb", "goat", "alpaca", "llama"], [0xF4_EA_DC, 0xFF_F8_F0, 0x40_30_38],
        Shape(Ears::Floppy, Muzzle::Snout, Tail::Puff, Back::None, Crest::Wool, Pattern::Plain), false),
    species("cow", &["cow", "bull", "calf"], [0xF6_F0_E8, 0xF6_C4_BC, 0x3E_26_1C],
        Shape(Ears::Floppy, Muzzle::Broad, Tail::Thin, Back::None, Crest::Horns, Pattern::Spots), true),
    species("pig", &["pig", "piglet", "boar"], [0xF6_B4_B8, 0xFC_D8_D4, 0x48_30_38],
        Shape(Ears::Floppy, Muzzle::Pig, Tail::Curl, Back::None, Crest::None, Pattern::Plain), false),
    species("firefly", &["firefly", "glowworm", "beetle", "ladybug"], [0x5A_50_78, 0xFF_E0_70, 0x30_24_30],
        Shape(Ears::None, Muzzle::Flat, Tail::None, Back::InsectWings, Crest::Feelers, Pattern::Glowing), true),
    species("bee", &["bee", "bumblebee"], [0xF8_C8_40, 0xFF_F0_C0, 0x30_24_30],
        Shape(Ears::None, Muzzle::Flat, Tail::None, Back::InsectWings, Crest::Feelers, Pattern::Stripes), true),
    species("butterfly", &["butterfly", "moth"], [0xA8_84_D0, 0xF4_E8_FF, 0x30_24_30],
        Shape(Ears::None, Muzzle::Flat, Tail::None, Back::InsectWings, Crest::Feelers, Pattern::Plain), false),
    species("otter", &["otter", "beaver", "seal", "walrus", "mole", "badger"], [0x94_68_4C, 0xF4_DC_BC, 0x30_20_20],
        Shape(Ears::Round, Muzzle::Snout, Tail::Flat, Back::None, Crest::None, Pattern::Mask), false),
    species("monster", &["monster", "alien", "creature", "troll", "yeti"], [0x86_7A_D8, 0xE4_DC_FF, 0x58_C8_70],
        Shape(Ears::Fins, Muzzle::Flat, Tail::Curl, Back::None, Crest::Horns, Pattern::Spots), false),
];

/// The species that a text names, as a whole word or its plural.
pub(super) fn find(text: &str) -> Option<&'static Species> {
    let text = text.to_lowercase();
    let words: Vec<&str> = text
        .split(|c: char| !c.is_alphabetic())
        .filter(|word| !word.is_empty())
        .collect();
    words.iter().find_map(|word| {
        let single = word.strip_suffix('s').unwrap_or(word);
        let shorter = word.strip_suffix("es").unwrap_or(word);
        ALL.iter().find(|species| {
            [*word, single, shorter]
                .iter()
                .any(|form| species.words.contains(form))
        })
    })
}

/// A friendly somebody for a species that is not in the list.
pub(super) fn fallback() -> &'static Species {
    &ALL[ALL.len() - 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn species_are_found_as_whole_words() {
        assert_eq!(
            find("two little foxes and a Dragon").map(|s| s.name),
            Some("fox")
        );
        assert_eq!(find("concatenate"), None);
    }
}
