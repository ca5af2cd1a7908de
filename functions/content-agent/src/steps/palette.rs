//! The three colours of a picture, as they are kept in text, and those of a story whose colours are not known yet.

use render::colors::HexColor;

/// Dusk over hills.
pub(super) const DEFAULT_PALETTE: [HexColor; 3] = [
    HexColor::new(0x2b, 0x3a, 0x67),
    HexColor::new(0x6a, 0x3d, 0x5b),
    HexColor::new(0x2f, 0x5d, 0x50),
];

/// Three colours from `#RRGGBB`. `None` unless three can be read.
pub(super) fn parse_palette(colors: &[String]) -> Option<[HexColor; 3]> {
    let known = colors.iter().filter_map(|color| color.parse().ok());
    known.collect::<Vec<_>>().try_into().ok()
}
