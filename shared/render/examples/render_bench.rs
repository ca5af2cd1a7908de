//! Prints what the colours of a picture and a book of five pictures cost in time and bytes, beside
//! what decoding the picture costs anyway. Run it with `--release`.

use std::hint::black_box;
use std::io::Cursor;
use std::time::Instant;

use image::{ImageFormat, Rgb, RgbImage};
use render::book::{Beat, Book, PdfOptions, Picture, pdf};
use render::colors::{deep_colors, deep_colors_of};
use render::picture::{decode, jpeg};
use render::placeholder::{PLACEHOLDER_SIZE, placeholder_png};

const ROUNDS: usize = 15;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let painted = painting(7);
    let mut png = Cursor::new(Vec::new());
    painted.write_to(&mut png, ImageFormat::Png)?;
    let png = png.into_inner();

    let decoding_ms = median_ms(|| decode(&png).is_ok());
    let both_ms = median_ms(|| deep_colors(&png).is_ok());
    let colors_ms = median_ms(|| deep_colors_of(&painted));
    let jpeg_ms = median_ms(|| jpeg(&painted).is_ok());
    println!("decode PNG 1024x1024   {decoding_ms:8.2} ms");
    println!(
        "colours, decoded       {colors_ms:8.2} ms  {:.2} of decoding",
        colors_ms / decoding_ms
    );
    println!("colours of PNG bytes   {both_ms:8.2} ms");
    println!("encode JPEG 1024x1024  {jpeg_ms:8.2} ms");

    let pictures = (0..5)
        .map(|n| jpeg(&painting(n)))
        .collect::<Result<Vec<_>, _>>()?;
    let picture_bytes: usize = pictures.iter().map(Vec::len).sum();
    let book = book(pictures);
    let options = PdfOptions::default();
    let bytes = pdf(&book, &options)?.len();
    let pdf_ms = median_ms(|| pdf(&book, &options).is_ok());
    let over = bytes - picture_bytes;
    println!(
        "PDF, JPEG in           {pdf_ms:8.2} ms  {over} bytes over the {picture_bytes} of its pictures"
    );
    let palette = book.palette;
    println!(
        "placeholder            {:8.2} ms",
        median_ms(|| placeholder_png(PLACEHOLDER_SIZE, palette))
    );
    Ok(())
}

fn median_ms<T>(mut work: impl FnMut() -> T) -> f64 {
    let mut times: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            black_box(work());
            start.elapsed().as_secs_f64() * 1000.0
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[ROUNDS / 2]
}

/// Hues that flow into one another with a grain: as hard to compress as a painted picture.
fn painting(seed: u32) -> RgbImage {
    let mut noise = seed.wrapping_mul(2_654_435_761).wrapping_add(1);
    RgbImage::from_fn(1024, 1024, |x, y| {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let grain = (noise >> 24) as f32 / 16.0;
        let wave = |f: f32| ((x as f32 * f + y as f32 * f * 0.7 + seed as f32) / 90.0).sin();
        Rgb([0.9, 1.7, 0.4].map(|f| (118.0 + 96.0 * wave(f) + grain) as u8))
    })
}

fn book(pictures: Vec<Vec<u8>>) -> Book {
    let palette = deep_colors_of(&painting(0));
    let mut pictures = pictures.into_iter().map(|bytes| Picture {
        bytes,
        description: None,
    });
    let cover = pictures.next();
    let sentence =
        "Once upon a time a little dragon looked into the dark and the dark looked back, softly. ";
    let beats = pictures
        .enumerate()
        .map(|(index, picture)| Beat {
            heading: format!("Part {}", index + 1),
            text: sentence.repeat(7),
            dialogue: Vec::new(),
            picture: Some(picture),
            colors: palette,
        })
        .collect();
    Book {
        title: "Ember and the Dark".to_owned(),
        subtitle: None,
        dedication: None,
        hero_names: vec!["Ember".to_owned()],
        cover,
        beats,
        moral: Some("One small step is enough.".to_owned()),
        questions: vec!["What would you have done?".to_owned()],
        palette,
    }
}
