//! The pictures. (A plain colour field until the illustrator's files are all here.)

use image::{ImageFormat, RgbImage};
use std::io::Cursor;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum PictureFormat { Png, Jpeg { quality: u8 }, Webp }

pub(crate) fn scene_number(prompt: &str) -> usize {
    prompt.split("Scene number:").nth(1).and_then(|rest| rest.trim_start().chars().next()).and_then(|c| c.to_digit(10)).unwrap_or(0) as usize
}

pub(crate) fn draw(prompt: &str, width: u32, height: u32, format: PictureFormat) -> Vec<u8> {
    let n = scene_number(prompt) as u32;
    let picture = RgbImage::from_fn(width, height, |x, y| image::Rgb([(x / 8 + n * 40) as u8, (y / 8) as u8, (60 + n * 30) as u8]));
    let mut bytes = Cursor::new(Vec::new());
    let format = match format { PictureFormat::Png => ImageFormat::Png, PictureFormat::Jpeg { .. } => ImageFormat::Jpeg, PictureFormat::Webp => ImageFormat::WebP };
    picture.write_to(&mut bytes, format).expect("encodes");
    bytes.into_inner()
}
