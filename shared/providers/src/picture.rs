//! A picture as it arrived, looked at only so far that nothing harmful is decoded later.

use bytes::Bytes;

/// PNG bytes whose header promises a size we can work with.
#[derive(Clone, PartialEq, Eq)]
pub struct PictureBytes(Bytes);

impl std::fmt::Debug for PictureBytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PictureBytes({} bytes)", self.0.len())
    }
}

/// The bytes are not a PNG of 256 to 4096 pixels a side.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[error("not a PNG picture of 256 to 4096 pixels a side")]
pub struct NotAPicture;

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
const SIDE_PIXELS: std::ops::RangeInclusive<u32> = 256..=4096;

impl PictureBytes {
    /// Checks signature and dimensions (PNG specification, IHDR is always the first chunk).
    pub fn parse(bytes: Bytes) -> Result<Self, NotAPicture> {
        let header = bytes
            .strip_prefix(SIGNATURE)
            .filter(|rest| rest.get(4..8) == Some(b"IHDR"))
            .ok_or(NotAPicture)?;
        let side = |at: usize| {
            let bytes = header.get(at..at + 4)?.try_into().ok()?;
            Some(u32::from_be_bytes(bytes)).filter(|side| SIDE_PIXELS.contains(side))
        };
        side(8).zip(side(12)).ok_or(NotAPicture)?;
        Ok(Self(bytes))
    }

    pub fn bytes(&self) -> &Bytes {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png(width: u32, height: u32) -> Bytes {
        let mut bytes = SIGNATURE.to_vec();
        bytes.extend(13u32.to_be_bytes());
        bytes.extend(b"IHDR");
        bytes.extend(width.to_be_bytes());
        bytes.extend(height.to_be_bytes());
        bytes.into()
    }

    #[test]
    fn dots_bombs_and_other_formats_are_refused_before_decoding() {
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
