//! Colors: names and hex codes to sRGB, mixing in OKLab so that mixtures stay lively.

/// An sRGB color, each part from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Color {
    red: f32,
    green: f32,
    blue: f32,
}

pub(super) const WHITE: Color = Color::rgb(0xFF_FF_FF);
pub(super) const CREAM: Color = Color::rgb(0xFF_F4_DC);
pub(super) const INK: Color = Color::rgb(0x2A_1E_3C);
pub(super) const GOLD: Color = Color::rgb(0xFF_C9_4A);

impl Color {
    pub(super) const fn rgb(code: u32) -> Self {
        Color {
            red: ((code >> 16) & 0xFF) as f32 / 255.0,
            green: ((code >> 8) & 0xFF) as f32 / 255.0,
            blue: (code & 0xFF) as f32 / 255.0,
        }
    }

    pub(super) fn from_hex(text: &str) -> Option<Self> {
        let digits = text.trim().trim_start_matches('#');
        if digits.len() != 6 {
            return None;
        }
        u32::from_str_radix(digits, 16).ok().map(Color::rgb)
    }

    pub(super) fn hex(self) -> String {
        let byte = |part: f32| (part.clamp(0.0, 1.0) * 255.0).round() as u8;
        format!(
            "#{:02x}{:02x}{:02x}",
            byte(self.red),
            byte(self.green),
            byte(self.blue)
        )
    }

    /// `share` of the other color, from 0 to 1.
    pub(super) fn mix(self, other: Color, share: f32) -> Color {
        let (from, to) = (self.oklab(), other.oklab());
        let between = |index: usize| from[index] + (to[index] - from[index]) * share;
        Color::from_oklab([between(0), between(1), between(2)])
    }

    /// Towards warm light.
    pub(super) fn lighter(self, share: f32) -> Color {
        self.mix(Color::rgb(0xFF_F8_EA), share)
    }

    /// Towards a deep violet, the shadow color of every picture.
    pub(super) fn darker(self, share: f32) -> Color {
        self.mix(Color::rgb(0x1C_14_38), share)
    }

    /// How light it looks, from 0 to 1 (OKLab lightness).
    pub(super) fn lightness(self) -> f32 {
        self.oklab()[0]
    }

    /// The same hue and lightness, more or less colorful.
    pub(super) fn vivid(self, factor: f32) -> Color {
        let [lightness, a, b] = self.oklab();
        Color::from_oklab([lightness, a * factor, b * factor])
    }

    /// The one of three colors whose hue is nearest.
    pub(super) fn nearest(self, choices: [Color; 3]) -> Color {
        let [_, a, b] = self.oklab();
        let distance = |choice: &Color| {
            let [_, other_a, other_b] = choice.oklab();
            (a - other_a).hypot(b - other_b)
        };
        choices
            .into_iter()
            .min_by(|one, other| distance(one).total_cmp(&distance(other)))
            .unwrap_or(self)
    }

    /// The same hue at another lightness.
    pub(super) fn with_lightness(self, lightness: f32) -> Color {
        let [_, a, b] = self.oklab();
        Color::from_oklab([lightness, a, b])
    }

    /// Bjorn Ottosson, "A perceptual color space for image processing", 2020.
    fn oklab(self) -> [f32; 3] {
        let linear = |part: f32| {
            if part <= 0.040_45 {
                part / 12.92
            } else {
                ((part + 0.055) / 1.055).powf(2.4)
            }
        };
        let (r, g, b) = (linear(self.red), linear(self.green), linear(self.blue));
        let l = (0.412_221_46 * r + 0.536_332_55 * g + 0.051_445_995 * b).cbrt();
        let m = (0.211_903_5 * r + 0.680_699_5 * g + 0.107_396_96 * b).cbrt();
        let s = (0.088_302_46 * r + 0.281_718_85 * g + 0.629_978_7 * b).cbrt();
        [
            0.210_454_26 * l + 0.793_617_8 * m - 0.004_072_047 * s,
            1.977_998_5 * l - 2.428_592_2 * m + 0.450_593_7 * s,
            0.025_904_037 * l + 0.782_771_77 * m - 0.808_675_77 * s,
        ]
    }

    fn from_oklab([lightness, a, b]: [f32; 3]) -> Color {
        let l = (lightness + 0.396_337_78 * a + 0.215_803_76 * b).powi(3);
        let m = (lightness - 0.105_561_346 * a - 0.063_854_17 * b).powi(3);
        let s = (lightness - 0.089_484_18 * a - 1.291_485_5 * b).powi(3);
        let part = |linear: f32| {
            let linear = linear.clamp(0.0, 1.0);
            if linear <= 0.003_130_8 {
                linear * 12.92
            } else {
                1.055 * linear.powf(1.0 / 2.4) - 0.055
            }
        };
        Color {
            red: part(4.076_741_7 * l - 3.307_711_6 * m + 0.230_969_94 * s),
            green: part(-1.268_438 * l + 2.609_757_4 * m - 0.341_319_4 * s),
            blue: part(-0.004_196_086_3 * l - 0.703_418_6 * m + 1.707_614_7 * s),
        }
    }
}

/// Color words of clothes, fur and the like. The first that occurs in a text counts.
const NAMED: &[(&str, u32)] = &[
    ("rainbow", 0xF0_6A_9A),
    ("emerald", 0x2F_A3_6B),
    ("turquoise", 0x2F_B8_B0),
    ("lavender", 0xB0_98_E0),
    ("crimson", 0xC8_2F_4A),
    ("scarlet", 0xD8_3A_3A),
    ("burgundy", 0x8A_26_40),
    ("maroon", 0x8A_2F_3A),
    ("magenta", 0xC8_3F_96),
    ("silver", 0xB8_C0_CC),
    ("golden", 0xF0_B8_3A),
    ("gold", 0xF0_B8_3A),
    ("mustard", 0xD8_A0_30),
    ("orange", 0xF0_8A_3A),
    ("purple", 0x8A_56_B8),
    ("violet", 0x8A_56_C8),
    ("indigo", 0x4A_48_A8),
    ("yellow", 0xFA_C8_40),
    ("copper", 0xC0_70_3A),
    ("bronze", 0xA8_72_40),
    ("ginger", 0xD8_78_38),
    ("auburn", 0x98_48_2C),
    ("chestnut", 0x7A_42_28),
    ("blonde", 0xF0_CF_80),
    ("blond", 0xF0_CF_80),
    ("brown", 0x8A_58_38),
    ("beige", 0xE0_C8_A0),
    ("cream", 0xF6_E6_C4),
    ("ivory", 0xF8_EE_D8),
    ("olive", 0x80_8A_40),
    ("coral", 0xF2_7A_66),
    ("peach", 0xF8_B0_8A),
    ("mint", 0x90_D8_B8),
    ("teal", 0x2A_90_90),
    ("navy", 0x2C_3A_70),
    ("pink", 0xF2_8A_B0),
    ("rose", 0xE0_78_96),
    ("plum", 0x7A_3A_70),
    ("lilac", 0xC0_A0_E0),
    ("green", 0x55_A8_58),
    ("black", 0x30_2A_3A),
    ("white", 0xF8_F4_EE),
    ("gray", 0x98_98_A8),
    ("grey", 0x98_98_A8),
    ("blue", 0x4A_88_D0),
    ("red", 0xD8_48_48),
    ("tan", 0xD0_A0_70),
];

/// The color that a description names first, if any.
pub(super) fn named(text: &str) -> Option<Color> {
    let text = text.to_lowercase();
    if let Some(at) = text.find('#')
        && let Some(color) = text.get(at..at + 7).and_then(Color::from_hex)
    {
        return Some(color);
    }
    let words: Vec<&str> = text
        .split(|c: char| !c.is_alphabetic())
        .filter(|word| !word.is_empty())
        .collect();
    let (at, color) = words.iter().enumerate().find_map(|(at, word)| {
        NAMED
            .iter()
            .find(|(name, _)| name == word)
            .map(|(_, code)| (at, Color::rgb(*code)))
    })?;
    Some(match at.checked_sub(1).map(|before| words[before]) {
        Some("dark" | "deep" | "midnight") => color.darker(0.35),
        Some("light" | "pale" | "soft" | "sky" | "baby") => color.lighter(0.35),
        _ => color,
    })
}

/// Skin tones from light to dark, by the words used for them.
pub(super) fn skin(text: &str) -> Option<Color> {
    let text = text.to_lowercase();
    let tones: &[(&[&str], u32)] = &[
        (
            &["albin", "porcelain", "very light", "very pale", "very fair"],
            0xFB_E3_D6,
        ),
        (
            &["deep brown", "dark brown", "very dark", "ebony", "deep"],
            0x6B_40_2C,
        ),
        (
            &[
                "medium brown",
                "warm brown",
                "golden brown",
                "light brown",
                "caramel",
            ],
            0xB5_78_4A,
        ),
        (&["black", "dark"], 0x007A_4A32),
        (&["olive"], 0xD0_A0_70),
        (&["tan", "bronze", "golden"], 0xCF_96_66),
        (&["brown"], 0x9C_64_40),
        (
            &[
                "light", "fair", "pale", "white", "peach", "rosy", "ivory", "beige",
            ],
            0xF6_CF_B0,
        ),
        (&["medium", "honey"], 0xC8_8E_60),
    ];
    tones
        .iter()
        .find(|(words, _)| words.iter().any(|word| text.contains(word)))
        .map(|(_, code)| Color::rgb(*code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colors_are_read_from_words_and_codes() {
        assert_eq!(named("a yellow raincoat over red boots"), named("yellow"));
        assert_eq!(
            named("scales like #102030").map(Color::hex).as_deref(),
            Some("#102030")
        );
        assert_ne!(
            named("dark green").map(Color::hex),
            named("green").map(Color::hex)
        );
        assert_eq!(named("shirt with stripes"), None);
    }

    #[test]
    fn mixing_ends_at_both_colors() {
        let (a, b) = (Color::rgb(0x102030), Color::rgb(0xC0D0E0));
        assert_eq!(a.mix(b, 0.0).hex(), a.hex());
        assert_eq!(a.mix(b, 1.0).hex(), b.hex());
    }
}
