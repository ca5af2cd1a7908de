//! OKLab, the perceptual colour space of Björn Ottosson (2020, "A perceptual color space for image
//! processing"), in which equal distances look about equally different.

use std::sync::LazyLock;

use super::HexColor;

static LINEAR: LazyLock<[f32; 256]> = LazyLock::new(|| {
    std::array::from_fn(|channel| {
        let encoded = channel as f32 / 255.0;
        if encoded <= 0.04045 {
            encoded / 12.92
        } else {
            ((encoded + 0.055) / 1.055).powf(2.4)
        }
    })
});

/// The linear light (0 to 1) of an sRGB channel, IEC 61966-2-1.
pub(crate) fn linear(channel: u8) -> f32 {
    LINEAR[usize::from(channel)]
}

/// A colour in OKLab: lightness 0 (black) to 1 (white), `a` green to red, `b` blue to yellow.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Oklab {
    pub(crate) lightness: f32,
    pub(crate) a: f32,
    pub(crate) b: f32,
}

impl Oklab {
    pub(crate) fn chroma(self) -> f32 {
        self.a.hypot(self.b)
    }

    pub(crate) fn distance(self, other: Self) -> f32 {
        self.distance_squared(other).sqrt()
    }

    pub(crate) fn distance_squared(self, other: Self) -> f32 {
        let (l, a, b) = (
            self.lightness - other.lightness,
            self.a - other.a,
            self.b - other.b,
        );
        l * l + a * a + b * b
    }

    pub(crate) fn mixed(self, other: Self, share: f32) -> Self {
        let mix = |from: f32, to: f32| from + (to - from) * share;
        Self {
            lightness: mix(self.lightness, other.lightness),
            a: mix(self.a, other.a),
            b: mix(self.b, other.b),
        }
    }

    /// The colour with its chroma reduced, hue and lightness kept, until sRGB can show it.
    pub(crate) fn in_gamut(self) -> Self {
        let lightness = self.lightness.clamp(0.0, 1.0);
        let at = |share: f32| Self {
            lightness,
            a: self.a * share,
            b: self.b * share,
        };
        let shown = |color: Self| {
            color
                .to_linear()
                .iter()
                .all(|channel| (-0.0005..=1.0005).contains(channel))
        };
        if shown(at(1.0)) {
            return at(1.0);
        }
        let (mut low, mut high) = (0.0, 1.0);
        for _ in 0..12 {
            let middle = (low + high) / 2.0;
            if shown(at(middle)) {
                low = middle
            } else {
                high = middle
            }
        }
        at(low)
    }

    fn to_linear(self) -> [f32; 3] {
        let l = (self.lightness + 0.396_337_78 * self.a + 0.215_803_76 * self.b).powi(3);
        let m = (self.lightness - 0.105_561_346 * self.a - 0.063_854_17 * self.b).powi(3);
        let s = (self.lightness - 0.089_484_18 * self.a - 1.291_485_5 * self.b).powi(3);
        [
            4.076_741_7 * l - 3.307_711_6 * m + 0.230_969_94 * s,
            -1.268_438 * l + 2.609_757_4 * m - 0.341_319_38 * s,
            -0.004_196_086_3 * l - 0.703_418_6 * m + 1.707_614_7 * s,
        ]
    }
}

impl From<HexColor> for Oklab {
    fn from(color: HexColor) -> Self {
        let [r, g, b] = color.channels().map(linear);
        let l = (0.412_221_47 * r + 0.536_332_55 * g + 0.051_445_995 * b).cbrt();
        let m = (0.211_903_5 * r + 0.680_699_5 * g + 0.107_396_96 * b).cbrt();
        let s = (0.088_302_46 * r + 0.281_718_85 * g + 0.629_978_7 * b).cbrt();
        Self {
            lightness: 0.210_454_26 * l + 0.793_617_8 * m - 0.004_072_047 * s,
            a: 1.977_998_5 * l - 2.428_592_2 * m + 0.450_593_7 * s,
            b: 0.025_904_037 * l + 0.782_771_77 * m - 0.808_675_77 * s,
        }
    }
}

impl From<Oklab> for HexColor {
    fn from(color: Oklab) -> Self {
        let [red, green, blue] = color.to_linear().map(|light| {
            let light = light.clamp(0.0, 1.0);
            let encoded = if light <= 0.003_130_8 {
                light * 12.92
            } else {
                1.055 * light.powf(1.0 / 2.4) - 0.055
            };
            (encoded * 255.0).round() as u8
        });
        Self::new(red, green, blue)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_colour_returns_from_oklab_as_it_went() {
        for value in (0..0x0100_0000_u32).step_by(9973) {
            let color = HexColor::new((value >> 16) as u8, (value >> 8) as u8, value as u8);
            assert_eq!(HexColor::from(Oklab::from(color)), color);
        }
    }

    #[test]
    fn red_lies_where_its_author_says() {
        let red = Oklab::from(HexColor::new(255, 0, 0));
        let published = Oklab {
            lightness: 0.628,
            a: 0.225,
            b: 0.126,
        };
        assert!(red.distance(published) < 0.002, "{red:?}");
    }

    #[test]
    fn a_colour_beyond_the_screen_keeps_its_hue() {
        let beyond = Oklab {
            lightness: 0.5,
            a: 0.3,
            b: 0.1,
        };
        let shown = beyond.in_gamut();
        assert!(shown.chroma() < beyond.chroma());
        assert!((shown.b / shown.a - beyond.b / beyond.a).abs() < 1e-4);
    }
}
