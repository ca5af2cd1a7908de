//! Writes a sample book to the file named on the command line, with pictures drawn in code; with
//! `--bare` a book without pictures, with `--long` one whose texts do not fit on a page; with
//! `--placeholder` the placeholder picture in the colours of that book instead.

use std::io::Cursor;

use image::{ImageFormat, Rgb, RgbImage};
use render::book::{Beat, Book, DialogueLine, PdfOptions, Picture, pdf};
use render::colors::deep_colors_of;
use render::placeholder::{PLACEHOLDER_SIZE, placeholder_png};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let path = arguments
        .iter()
        .find(|argument| !argument.starts_with("--"));
    let path = path.ok_or("name the file to write")?;
    let book = sample(!has("--bare"), if has("--long") { 9 } else { 1 })?;
    if has("--placeholder") {
        std::fs::write(path, placeholder_png(PLACEHOLDER_SIZE, book.palette))?;
        return Ok(());
    }
    let options = PdfOptions {
        created_at_unix_s: Some(1_795_392_000),
        document_id: Some("sample".to_owned()),
        ..PdfOptions::default()
    };
    std::fs::write(path, pdf(&book, &options)?)?;
    Ok(())
}

fn sample(pictures: bool, repeat: usize) -> Result<Book, Box<dyn std::error::Error>> {
    let texts = [
        (
            "A Cave Full of Night",
            "Ember was the smallest dragon on Whistling Hill, and the only one who slept with a candle.\n\nEvery evening, when the sun slid behind the pines, she curled around the little flame and whispered, “Please don’t go out.” The other dragons flew off to play among the stars. Ember stayed home and counted her own toes instead.",
        ),
        (
            "The Sound Below",
            "One night the candle sputtered – and went out. Ember held her breath. From deep inside the cave came a tiny sound: plink … plink … plink.\n\n“Who’s there?” she asked. Her voice wobbled like a wet leaf, but she asked it all the same.",
        ),
        (
            "One Step, and Another",
            "Ember put one paw into the dark, and the dark did nothing at all. So she put in another. Soft moss tickled her feet. A cool breeze smelled of rain and stone.\n\n“You are not so bad,” she told the dark. “You are only quiet.” And the farther she went, the more she could see: a faint blue glow, far ahead, like a piece of sky that had lost its way.",
        ),
        (
            "Stars Underground",
            "At the end of the tunnel, a thousand glow-worms shone over a still black lake. Plink, went a drop. Plink, went another, and rings of light ran over the water.\n\n“I would never have seen you with my candle,” said Ember. She lay down in the middle of the dark, and smiled, and was not afraid.",
        ),
    ];
    let beats = texts
        .into_iter()
        .enumerate()
        .map(|(index, (heading, text))| {
            let drawn = drawing(index as u32 + 1);
            Ok(Beat {
                heading: heading.to_owned(),
                text: vec![text; repeat].join("\n\n"),
                dialogue: if index == 2 { dialogue() } else { Vec::new() },
                colors: deep_colors_of(&drawn),
                picture: if pictures {
                    Some(picture(&drawn)?)
                } else {
                    None
                },
            })
        })
        .collect::<Result<Vec<_>, image::ImageError>>()?;
    let cover = drawing(0);
    Ok(Book {
        title: "Ember and the Dark That Was Only Quiet".to_owned(),
        subtitle: None,
        dedication: Some("For Ana, who is brave even when she is not".to_owned()),
        hero_names: vec!["Ember".to_owned()],
        palette: deep_colors_of(&cover),
        cover: if pictures { Some(picture(&cover)?) } else { None },
        beats,
        moral: Some("Being brave does not mean that you are not afraid. It means that you take one small step anyway.".to_owned()),
        questions: [
            "Why did Ember keep a candle beside her at night?",
            "What did Ember do when the candle went out? What would you have done?",
            "What can you hear, smell or feel when it is dark and you are very quiet?",
            "Can you think of a time when you took one small brave step?",
        ]
        .map(str::to_owned)
        .to_vec(),
    })
}

fn dialogue() -> Vec<DialogueLine> {
    [
        ("Ember", "“Is anybody home?”"),
        ("The Dark", "“Only me. Come in, come in.”"),
    ]
    .map(|(speaker, words)| DialogueLine {
        speaker: speaker.to_owned(),
        words: words.to_owned(),
    })
    .to_vec()
}

/// Soft discs of light over a gradient: nothing to look at for long, but like a painting in size.
fn drawing(number: u32) -> RgbImage {
    let themes: [[[f32; 3]; 3]; 5] = [
        [
            [38.0, 44.0, 110.0],
            [232.0, 140.0, 92.0],
            [255.0, 214.0, 140.0],
        ],
        [
            [60.0, 40.0, 92.0],
            [214.0, 108.0, 96.0],
            [250.0, 196.0, 120.0],
        ],
        [
            [20.0, 52.0, 84.0],
            [70.0, 120.0, 150.0],
            [190.0, 220.0, 200.0],
        ],
        [
            [24.0, 70.0, 62.0],
            [92.0, 150.0, 96.0],
            [224.0, 226.0, 150.0],
        ],
        [
            [16.0, 24.0, 62.0],
            [30.0, 110.0, 150.0],
            [130.0, 240.0, 220.0],
        ],
    ];
    let [top, bottom, light] = themes[number as usize % themes.len()];
    RgbImage::from_fn(1024, 1024, |x, y| {
        let share = y as f32 / 1024.0;
        let mut pixel: [f32; 3] = std::array::from_fn(|c| top[c] + (bottom[c] - top[c]) * share);
        for disc in 0..9_u32 {
            let (cx, cy) = (
                (disc * 389 + number * 97) % 1024,
                (disc * 271 + number * 151) % 1024,
            );
            let radius = 60.0 + (disc * 53 % 140) as f32;
            let away = (x as f32 - cx as f32).hypot(y as f32 - cy as f32) / radius;
            let glow = (1.0 - away).clamp(0.0, 0.25) * 3.0;
            for (channel, light) in pixel.iter_mut().zip(light) {
                *channel += (light - *channel) * glow;
            }
        }
        let grain = ((x * 1_103 + y * 7_919 + x * y % 613) % 9) as f32 - 4.0;
        Rgb(pixel.map(|channel| (channel + grain).clamp(0.0, 255.0) as u8))
    })
}

fn picture(drawn: &RgbImage) -> Result<Picture, image::ImageError> {
    let mut bytes = Cursor::new(Vec::new());
    drawn.write_to(&mut bytes, ImageFormat::Png)?;
    let description = Some("Discs of light over a soft gradient".to_owned());
    Ok(Picture {
        bytes: bytes.into_inner(),
        description,
    })
}
