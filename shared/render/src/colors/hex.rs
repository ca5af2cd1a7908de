//! A colour as the web writes it, and the measures and mixtures a page needs of it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::CONTRAST_WITH_WHITE_MIN;
use super::oklab::{Oklab, linear};

/// An sRGB colour, written and serialised as `#RRGGBB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HexColor {
    red: u8,
    green: u8,
    blue: u8,
}

/// A text that is not a colour.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("reading a colour: {0:?} is not of the form #RRGGBB")]
pub struct InvalidHexColor(String);

impl HexColor {
    /// Pure white.
    pub const WHITE: Self = Self::new(255, 255, 255);

    /// The colour of three sRGB channels.
    pub const fn new(red: u8, green: u8, blue: u8) -> Self {
        Self { red, green, blue }
    }

    /// The three sRGB channels: red, green, blue.
    pub const fn channels(self) -> [u8; 3] {
        [self.red, self.green, self.blue]
    }

    /// WCAG 2.2 contrast ratio with white, from 1 (white) to 21 (black).
    pub fn contrast_with_white(self) -> f32 {
        1.05 / (self.luminance() + 0.05)
    }

    /// Perceptual distance to another colour in OKLab: 0 is the same, 1 is black to white, about
    /// 0.02 is just noticeable.
    pub fn distance(self, other: Self) -> f32 {
        Oklab::from(self).distance(Oklab::from(other))
    }

    /// The colour itself if white letters are readable on it, else its nearest darker shade on
    /// which they are.
    pub fn readable_under_white(self) -> Self {
        let mut shade = Oklab::from(self);
        let mut color = self;
        while color.contrast_with_white() < CONTRAST_WITH_WHITE_MIN {
            shade.lightness -= 0.01;
            color = shade.in_gamut().into();
        }
        color
    }

    /// How far the colour leans from blue (below 0) to yellow (above 0).
    pub(crate) fn warmth(self) -> f32 {
        Oklab::from(self).b
    }

    /// The same hue at another OKLab lightness (0 black, 1 white), its chroma multiplied.
    pub(crate) fn toned(self, lightness: f32, chroma_factor: f32) -> Self {
        let tone = Oklab::from(self);
        Oklab {
            lightness,
            a: tone.a * chroma_factor,
            b: tone.b * chroma_factor,
        }
        .in_gamut()
        .into()
    }

    /// The mixture with another colour, at `share` (0 to 1) of the way towards it, in OKLab.
    pub(crate) fn mixed(self, other: Self, share: f32) -> Self {
        Oklab::from(self).mixed(Oklab::from(other), share).into()
    }

    /// WCAG 2.2 relative luminance, 0 to 1.
    fn luminance(self) -> f32 {
        0.2126 * linear(self.red) + 0.7152 * linear(self.green) + 0.0722 * linear(self.blue)
    }
}

impl fmt::Display for HexColor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "#{:02X}{:02X}{:02X}",
            self.red, self.green, self.blue
        )
    }
}

impl FromStr for HexColor {
    type Err = InvalidHexColor;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text
            .strip_prefix('#')
            .filter(|digits| digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_hexdigit()));
        digits
            .and_then(|digits| u32::from_str_radix(digits, 16).ok())
            .map(|value| Self::new((value >> 16) as u8, (value >> 8) as u8, value as u8))
            .ok_or_else(|| InvalidHexColor(text.to_owned()))
    }
}

impl TryFrom<String> for HexColor {
    type Error = InvalidHexColor;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<HexColor> for String {
    fn from(color: HexColor) -> Self {
        color.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colour_is_written_as_it_is_read() {
        let color: HexColor = "#0aF3c2".parse().expect("a valid colour");
        assert_eq!(color.to_string(), "#0AF3C2");
        let json = serde_json::to_string(&color).expect("a colour serialises");
        assert_eq!(json, "\"#0AF3C2\"");
        assert_eq!(
            serde_json::from_str::<HexColor>(&json).expect("and back"),
            color
        );
    }

    #[test]
    fn what_is_not_six_digits_is_refused() {
        for text in [
            "", "#", "#12345", "#1234567", "123456", "#12345g", "#+12345", "#éé12",
        ] {
            assert!(text.parse::<HexColor>().is_err(), "{text}");
        }
    }

    #[test]
    fn contrast_is_that_of_the_standard() {
        assert!((HexColor::new(0, 0, 0).contrast_with_white() - 21.0).abs() < 0.01);
        assert!((HexColor::WHITE.contrast_with_white() - 1.0).abs() < 0.01);
        // The grey every accessibility tutorial names as the lightest that passes.
        let grey = HexColor::new(0x76, 0x76, 0x76).contrast_with_white();
        assert!((grey - 4.54).abs() < 0.01, "{grey}");
    }

    #[test]
    fn any_colour_has_a_shade_that_white_letters_are_readable_on() {
        for color in [
            HexColor::WHITE,
            HexColor::new(255, 240, 0),
            HexColor::new(0, 255, 140),
        ] {
            assert!(color.readable_under_white().contrast_with_white() >= CONTRAST_WITH_WHITE_MIN);
        }
        let navy = HexColor::new(10, 20, 80);
        assert_eq!(navy.readable_under_white(), navy);
    }
}
