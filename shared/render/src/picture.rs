//! Pictures from outside: decoding under a limit of size and memory, and re-encoding as JPEG.

use std::{borrow::Cow, io::Cursor};

pub use image::RgbImage;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, Rgb};
use jpeg_encoder::{ColorType, Encoder, EncodingError, SamplingFactor};

/// Largest width and largest height, in pixels, of a picture that is decoded.
pub const PICTURE_SIDE_MAX: u32 = 4096;
/// Largest memory, in bytes, a decoder may ask for: 16-bit RGBA at the largest size, and half again.
pub const PICTURE_MEMORY_MAX_BYTES: u64 = 192 * 1024 * 1024;
/// The same for a picture that a user brings: 8-bit RGBA at the largest size, and half again.
const REFERENCE_MEMORY_MAX_BYTES: u64 = 96 * 1024 * 1024;
/// Longest side, in pixels, of such a picture as it is kept, and the shortest that providers draw from.
const REFERENCE_SIDES: (u32, u32) = (256, 1024);
/// JPEG quality of re-encoded pictures for print, 1 to 100.
pub const JPEG_QUALITY: u8 = 85;
/// The same for screens.
pub const SCREEN_JPEG_QUALITY: u8 = 75;

/// Why a picture could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// The bytes begin like none of PNG, JPEG and WebP.
    #[error("reading a picture: the bytes are neither PNG, JPEG nor WebP")]
    UnknownFormat,
    /// The decoder refused the bytes, because they are damaged or above the limits.
    #[error("decoding a picture of at most {PICTURE_SIDE_MAX} x {PICTURE_SIDE_MAX} pixels")]
    Decode(#[source] image::ImageError),
    /// The encoder failed.
    #[error("encoding a picture as PNG")]
    Write(#[source] image::ImageError),
    /// The encoder failed.
    #[error("encoding a picture as JPEG")]
    Encode(#[source] EncodingError),
    /// JPEG knows no sides longer than 65,535 pixels.
    #[error("encoding a picture of more than 65,535 pixels a side as JPEG")]
    TooLarge(#[source] std::num::TryFromIntError),
}

/// The format of a picture by its first bytes, never by a name or a declared type.
pub fn format(bytes: &[u8]) -> Result<ImageFormat, PictureError> {
    match image::guess_format(bytes) {
        Ok(format @ (ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::WebP)) => Ok(format),
        _ => Err(PictureError::UnknownFormat),
    }
}

/// Decodes PNG, JPEG or WebP bytes; what is transparent is laid on white.
///
/// The limits [`PICTURE_SIDE_MAX`] and [`PICTURE_MEMORY_MAX_BYTES`] are checked against the header,
/// before anything is allocated.
pub fn decode(bytes: &[u8]) -> Result<RgbImage, PictureError> {
    let decoded = DynamicImage::from_decoder(decoder(bytes, PICTURE_MEMORY_MAX_BYTES)?)
        .map_err(PictureError::Decode)?;
    Ok(opaque(decoded))
}

/// A photograph as it is kept: turned as its camera was held (EXIF), of a size that providers draw from, JPEG. What else its
/// camera or anybody wrote beside the pixels, such as the place where it was taken, is not in it.
pub fn reference(bytes: &[u8]) -> Result<Vec<u8>, PictureError> {
    let mut decoder = decoder(bytes, REFERENCE_MEMORY_MAX_BYTES)?;
    // Of a note that cannot be read nothing is known: so it is taken as it is.
    let orientation = decoder.orientation().ok();
    let mut decoded = DynamicImage::from_decoder(decoder).map_err(PictureError::Decode)?;
    if let Some(orientation) = orientation {
        decoded.apply_orientation(orientation);
    }
    let upright = opaque(decoded);
    let (width, height) = upright.dimensions();
    let (shortest, longest) = REFERENCE_SIDES;
    // Not so small that its short side is too short.
    let factor = (width.min(height) / shortest).max(1);
    let side = longest.max(width.max(height).div_ceil(factor));
    jpeg(&within(&upright, side))
}

fn decoder(bytes: &[u8], memory_max_bytes: u64) -> Result<impl ImageDecoder + '_, PictureError> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format(bytes)?);
    let mut limits = Limits::default();
    limits.max_image_width = Some(PICTURE_SIDE_MAX);
    limits.max_image_height = Some(PICTURE_SIDE_MAX);
    limits.max_alloc = Some(memory_max_bytes);
    reader.limits(limits.clone());
    let decoder = reader.into_decoder().map_err(PictureError::Decode)?;
    // The pixels themselves, which the decoder does not count.
    limits
        .reserve(decoder.total_bytes())
        .map_err(PictureError::Decode)?;
    Ok(decoder)
}

fn opaque(decoded: DynamicImage) -> RgbImage {
    if decoded.color().has_alpha() {
        laid_on_white(decoded)
    } else {
        decoded.into_rgb8()
    }
}

fn laid_on_white(decoded: DynamicImage) -> RgbImage {
    let rgba = decoded.into_rgba8();
    RgbImage::from_fn(rgba.width(), rgba.height(), |x, y| {
        let [r, g, b, alpha] = rgba.get_pixel(x, y).0;
        let over_white = |channel: u8| {
            let (channel, alpha) = (u32::from(channel), u32::from(alpha));
            ((channel * alpha + 255 * (255 - alpha) + 127) / 255) as u8
        };
        Rgb([over_white(r), over_white(g), over_white(b)])
    })
}

/// The picture, made smaller by a whole factor until no side is longer than `side` pixels (at least 1). Each new pixel is the
/// mean of the square it stands for; what is left over at the right and at the bottom, less than a square, is cut off.
pub fn within(picture: &RgbImage, side: u32) -> Cow<'_, RgbImage> {
    let (width, height) = picture.dimensions();
    let factor = width.max(height).div_ceil(side.max(1));
    if factor <= 1 {
        return Cow::Borrowed(picture);
    }
    let factor = factor.min(width).min(height);
    let (columns, squares) = ((width / factor) as usize, factor as usize);
    let mut sums = vec![[0_u32; 3]; columns];
    let mut means = Vec::with_capacity(columns * (height / factor) as usize * 3);
    let rows = picture.as_raw().chunks_exact(3 * width as usize);
    for (row, pixels) in rows.enumerate() {
        for (sum, square) in sums.iter_mut().zip(pixels.chunks_exact(3 * squares)) {
            for pixel in square.chunks_exact(3) {
                for (sum, channel) in sum.iter_mut().zip(pixel) {
                    *sum += u32::from(*channel);
                }
            }
        }
        if row % squares == squares - 1 {
            let mean = |sum: u32| (sum / (factor * factor)) as u8;
            means.extend(sums.iter().flatten().map(|sum| mean(*sum)));
            sums.fill([0; 3]);
        }
    }
    let smaller = RgbImage::from_raw(width / factor, height / factor, means);
    smaller.map_or(Cow::Borrowed(picture), Cow::Owned)
}

/// Encodes a picture as PNG: without loss, for what is kept.
pub fn png(picture: &RgbImage) -> Result<Vec<u8>, PictureError> {
    let mut bytes = Cursor::new(Vec::new());
    picture
        .write_to(&mut bytes, ImageFormat::Png)
        .map_err(PictureError::Write)?;
    Ok(bytes.into_inner())
}

/// Encodes a picture as a baseline JPEG of [`JPEG_QUALITY`], with every pixel's own colour: for print.
pub fn jpeg(picture: &RgbImage) -> Result<Vec<u8>, PictureError> {
    encoded(picture, JPEG_QUALITY, SamplingFactor::F_1_1)
}

/// One of [`SCREEN_JPEG_QUALITY`] with one colour for four pixels, as photographs are shown on screens: half the time, half the
/// bytes.
pub fn screen_jpeg(picture: &RgbImage) -> Result<Vec<u8>, PictureError> {
    encoded(picture, SCREEN_JPEG_QUALITY, SamplingFactor::F_2_2)
}

fn encoded(
    picture: &RgbImage,
    quality: u8,
    sampling: SamplingFactor,
) -> Result<Vec<u8>, PictureError> {
    let side = |length: u32| u16::try_from(length).map_err(PictureError::TooLarge);
    let (width, height) = (side(picture.width())?, side(picture.height())?);
    let mut bytes = Vec::with_capacity(picture.as_raw().len() / 8);
    let mut encoder = Encoder::new(&mut bytes, quality);
    encoder.set_sampling_factor(sampling);
    encoder
        .encode(picture.as_raw(), width, height, ColorType::Rgb)
        .map_err(PictureError::Encode)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use image::{Rgba, RgbaImage};

    use super::*;

    fn png(picture: &DynamicImage) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        picture
            .write_to(&mut bytes, ImageFormat::Png)
            .expect("a small picture encodes");
        bytes.into_inner()
    }

    #[test]
    fn what_is_transparent_is_laid_on_white() {
        let clear = RgbaImage::from_pixel(2, 2, Rgba([200, 0, 0, 0]));
        let decoded = decode(&png(&clear.into())).expect("a valid PNG decodes");
        assert_eq!(decoded.get_pixel(1, 1).0, [255, 255, 255]);
    }

    #[test]
    fn a_picture_wider_than_the_limit_is_refused() {
        let wide = RgbImage::new(PICTURE_SIDE_MAX + 1, 1);
        let refused = decode(&png(&wide.into()));
        assert!(
            matches!(refused, Err(PictureError::Decode(_))),
            "{refused:?}"
        );
    }

    #[test]
    fn a_smaller_picture_keeps_its_proportions_and_its_colours_and_a_small_one_its_pixels() {
        let wide = RgbImage::from_fn(1024, 600, |x, _| Rgb([9, 90, 100 + 50 * (x % 2) as u8]));
        let small = within(&wide, 512);
        assert_eq!(small.dimensions(), (512, 300));
        assert!(small.pixels().all(|pixel| pixel.0 == [9, 90, 125]));
        assert!(matches!(within(&wide, 1024), Cow::Borrowed(_)));
    }

    #[test]
    fn what_is_left_over_of_a_smaller_picture_is_cut_off() {
        let odd = RgbImage::from_fn(1025, 1027, |x, y| Rgb([(x / 3) as u8, (y / 3) as u8, 7]));
        let small = within(&odd, 512);
        assert_eq!(small.dimensions(), (341, 342));
        assert_eq!(small.get_pixel(100, 50).0, [100, 50, 7]);
        assert_eq!(within(&RgbImage::new(4000, 1), 512).dimensions(), (4000, 1));
    }

    /// A JPEG of 512 x 300 pixels whose left half is red, with what a telephone notes of it: held on its side (orientation 6,
    /// EXIF 2.32, 4.6.5), and where it was.
    fn photograph() -> Vec<u8> {
        let picture = RgbImage::from_fn(512, 300, |x, _| match x < 256 {
            true => Rgb([200, 20, 20]),
            false => Rgb([20, 20, 200]),
        });
        let jpeg = jpeg(&picture).expect("a small picture encodes");
        let mut note = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01".to_vec();
        note.extend(b"\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0");
        note.extend(b"GPS 48.2082 16.3738");
        let mut noted = jpeg[..2].to_vec();
        noted.extend([0xff, 0xe1]);
        noted.extend((note.len() as u16 + 2).to_be_bytes());
        noted.extend(&note);
        noted.extend(&jpeg[2..]);
        noted
    }

    #[test]
    fn a_photograph_is_kept_upright_and_nothing_of_it_but_its_pixels() {
        let noted = photograph();
        let kept = reference(&noted).expect("a picture");
        for told in [&b"Exif"[..], b"GPS", b"48.2082"] {
            let is_told = |bytes: &[u8]| bytes.windows(told.len()).any(|part| part == told);
            assert!(is_told(&noted) && !is_told(&kept));
        }
        let upright = decode(&kept).expect("a picture");
        assert_eq!(upright.dimensions(), (300, 512));
        let Rgb([red, _, blue]) = *upright.get_pixel(150, 40);
        assert!(red > 150 && blue < 80, "left was above: {red} {blue}");
        assert_eq!(
            decode(&noted).expect("a picture").dimensions(),
            (512, 300),
            "pictures of ours stand as they are"
        );
    }

    #[test]
    fn a_large_reference_becomes_smaller_and_a_narrow_one_not_too_narrow_to_be_drawn_from() {
        for (sides, kept) in [
            ((4096, 3000), (1024, 750)),
            ((1025, 257), (1025, 257)),
            ((300, 4000), (300, 4000)),
            ((2000, 1200), (1000, 600)),
        ] {
            let large = DynamicImage::from(RgbImage::new(sides.0, sides.1));
            let small = reference(&png(&large)).expect("a picture");
            assert_eq!(decode(&small).expect("a picture").dimensions(), kept);
        }
    }

    #[test]
    fn text_is_no_picture() {
        assert!(matches!(
            decode(b"<html>"),
            Err(PictureError::UnknownFormat)
        ));
    }

    #[test]
    fn a_picture_survives_the_way_through_jpeg() {
        let blue = RgbImage::from_pixel(32, 32, Rgb([20, 40, 200]));
        for encode in [jpeg, screen_jpeg] {
            let encoded = encode(&blue).expect("a small picture encodes");
            assert_eq!(format(&encoded).expect("a JPEG"), ImageFormat::Jpeg);
            let Rgb([r, _, b]) = *decode(&encoded)
                .expect("our own JPEG decodes")
                .get_pixel(9, 9);
            assert!(r < 40 && b > 180, "{r} {b}");
        }
    }
}
