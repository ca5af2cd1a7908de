//! Three deep colours of a picture, to colour the page around it: dark enough for white letters,
//! different enough to tell apart, and always the same for the same picture.

mod extract;
mod hex;
mod oklab;

pub use extract::deep_colors_of;
pub use hex::{HexColor, InvalidHexColor};

use crate::picture::{self, PictureError};

/// The smallest contrast with white of a deep colour: WCAG 2.2, success criterion 1.4.3, level AA.
pub const CONTRAST_WITH_WHITE_MIN: f32 = 4.5;

/// Why a picture has no colours.
#[derive(Debug, thiserror::Error)]
#[error("reading the picture whose colours are wanted")]
pub struct ColorError(#[source] PictureError);

/// The three deep colours of a PNG, JPEG or WebP picture; see [`deep_colors_of`].
///
/// # Errors
/// When the bytes are no such picture, are damaged, or exceed the limits of [`picture::decode`].
pub fn deep_colors(picture: &[u8]) -> Result<[HexColor; 3], ColorError> {
    Ok(deep_colors_of(
        &picture::decode(picture).map_err(ColorError)?,
    ))
}
