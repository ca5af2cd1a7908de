//! A picture as it arrived, looked at only so far that nothing harmful is decoded later.

use bytes::Bytes;

/// Bytes whose header promises a picture of a size we can work with.
#[derive(Clone, PartialEq, Eq)]
pub struct PictureBytes {
    bytes: Bytes,
    format: PictureFormat,
}

/// What the bytes are by their own beginning, whatever was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PictureFormat {
    Png,
    Jpeg,
    WebP,
}

impl PictureFormat {
    /// Of a file name, without a dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpg",
            Self::WebP => "webp",
        }
    }

    pub fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::WebP => "image/webp",
        }
    }
}

impl std::fmt::Debug for PictureBytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PictureBytes({} bytes)", self.bytes.len())
    }
}

/// The bytes are not a PNG, JPEG or WebP of 256 to 4096 pixels a side.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[error("not a PNG, JPEG or WebP picture of 256 to 4096 pixels a side")]
pub struct NotAPicture;

const PNG_SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
const SIDE_PIXELS: std::ops::RangeInclusive<u32> = 256..=4096;

impl PictureBytes {
    /// Checks signature and dimensions, from the header alone.
    pub fn parse(bytes: Bytes) -> Result<Self, NotAPicture> {
        let (format, (width, height)) = if bytes.starts_with(PNG_SIGNATURE) {
            (PictureFormat::Png, png_size(&bytes).ok_or(NotAPicture)?)
        } else {
            let format = match image::guess_format(&bytes) {
                Ok(image::ImageFormat::Jpeg) => PictureFormat::Jpeg,
                Ok(image::ImageFormat::WebP) => PictureFormat::WebP,
                _ => return Err(NotAPicture),
            };
            let reader = image::ImageReader::new(std::io::Cursor::new(&bytes));
            let reader = reader.with_guessed_format().map_err(|_| NotAPicture)?;
            (format, reader.into_dimensions().map_err(|_| NotAPicture)?)
        };
        if !(SIDE_PIXELS.contains(&width) && SIDE_PIXELS.contains(&height)) {
            return Err(NotAPicture);
        }
        Ok(Self { bytes, format })
    }

    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    pub fn format(&self) -> PictureFormat {
        self.format
    }
}

/// Width and height (PNG specification: IHDR is always the first chunk).
fn png_size(bytes: &[u8]) -> Option<(u32, u32)> {
    let header = bytes.get(PNG_SIGNATURE.len()..)?;
    header.get(4..8).filter(|name| *name == b"IHDR")?;
    let side = |at: usize| {
        let bytes = header.get(at..at + 4)?.try_into().ok()?;
        Some(u32::from_be_bytes(bytes))
    };
    side(8).zip(side(12))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png(width: u32, height: u32) -> Bytes {
        let mut bytes = PNG_SIGNATURE.to_vec();
        bytes.extend(13u32.to_be_bytes());
        bytes.extend(b"IHDR");
        bytes.extend(width.to_be_bytes());
        bytes.extend(height.to_be_bytes());
        bytes.into()
    }

    #[test]
    fn a_jpeg_or_webp_is_a_picture_as_good_as_the_png_that_was_asked_for() {
        for (format, expected) in [
            (image::ImageFormat::Jpeg, PictureFormat::Jpeg),
            (image::ImageFormat::WebP, PictureFormat::WebP),
        ] {
            for (side, is_accepted) in [(300, true), (100, false)] {
                let mut bytes = std::io::Cursor::new(Vec::new());
                image::RgbImage::new(side, side)
                    .write_to(&mut bytes, format)
                    .expect("encodes");
                let parsed = PictureBytes::parse(bytes.into_inner().into());
                let format = parsed.map(|picture| picture.format());
                assert_eq!(format.ok(), is_accepted.then_some(expected));
            }
        }
    }

    #[test]
    fn dots_bombs_and_what_is_no_picture_are_refused_before_decoding() {
        assert!(PictureBytes::parse(png(1024, 1024)).is_ok());
        for bad in [
            png(1, 1),
            png(20_000, 20_000),
            Bytes::from_static(b"\xff\xd8\xff\xe0"),
            Bytes::new(),
            png(1024, 1024).slice(..20),
        ] {
            assert_eq!(PictureBytes::parse(bad), Err(NotAPicture));
        }
    }
}
