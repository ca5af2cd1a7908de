//! Colors: sRGB from hex codes, mixed in OKLab so that mixtures stay lively.

/// An sRGB color, each part from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Color {
    red: f32,
    green: f32,
    blue: f32,
}

pub(super) const GOLD: Color = Color::rgb(0xFF_C9_4A);

impl Color {
    pub(super) const fn rgb(code: u32) -> Self {
        Color {
            red: ((code >> 16) & 0xFF) as f32 / 255.0,
            green: ((code >> 8) & 0xFF) as f32 / 255.0,
            blue: (code & 0xFF) as f32 / 255.0,
        }
    }

    /// Reads six hexadecimal digits, with or without `#` before them.
    pub(super) fn from_hex(text: &str) -> Option<Self> {
        let digits = text.trim().trim_start_matches('#');
        if digits.len() != 6 {
            return None;
        }
        u32::from_str_radix(digits, 16).ok().map(Color::rgb)
    }

    pub(super) fn hex(self) -> String {
        let byte = |part: f32| (part.clamp(0.0, 1.0) * 255.0).round() as u8;
        let [red, green, blue] = [self.red, self.green, self.blue].map(byte);
        format!("#{red:02x}{green:02x}{blue:02x}")
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

    /// The same hue at another lightness.
    pub(super) fn with_lightness(self, lightness: f32) -> Color {
        let [_, a, b] = self.oklab();
        Color::from_oklab([lightness, a, b])
    }

    /// The one of three colors whose hue is nearest.
    pub(super) fn nearest(self, choices: [Color; 3]) -> Color {
        let [_, a, b] = self.oklab();
        let distance = |choice: &Color| {
            let [_, other_a, other_b] = choice.oklab();
            (a - other_a).hypot(b - other_b)
        };
        let nearer = |one: &Color, other: &Color| distance(one).total_cmp(&distance(other));
        choices.into_iter().min_by(nearer).unwrap_or(self)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mixing_ends_at_both_colors() {
        let (a, b) = (Color::rgb(0x102030), Color::rgb(0xC0D0E0));
        assert_eq!(a.mix(b, 0.0).hex(), a.hex());
        assert_eq!(a.mix(b, 1.0).hex(), b.hex());
    }
}
