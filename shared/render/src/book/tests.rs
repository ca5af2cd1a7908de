//! What holds for every book, whatever is written in it.

use std::io::Cursor;

use image::{ImageFormat, Rgb, RgbImage};
use proptest::prelude::*;

use super::*;
use crate::picture::jpeg;

const PALETTE: [HexColor; 3] = [
    HexColor::new(45, 49, 120),
    HexColor::new(138, 58, 92),
    HexColor::new(24, 94, 88),
];

fn drawing(seed: u8) -> RgbImage {
    RgbImage::from_fn(96, 96, |x, y| Rgb([seed, (x * 2) as u8, (y * 2) as u8]))
}

fn picture(seed: u8) -> Picture {
    let bytes = jpeg(&drawing(seed)).expect("a small picture encodes");
    Picture {
        bytes,
        description: Some(format!("Drawing {seed}")),
    }
}

fn book() -> Book {
    let beat = |number: u8| Beat {
        heading: format!("Part {number}"),
        text: "Ember looked into the dark.\n\n“Who’s there?” she asked.".to_owned(),
        dialogue: vec![DialogueLine {
            speaker: "The Dark".to_owned(),
            words: "Me.".to_owned(),
        }],
        picture: Some(picture(number)),
        colors: PALETTE,
    };
    Book {
        title: "Ember and the Dark".to_owned(),
        subtitle: Some("A bedtime story".to_owned()),
        dedication: Some("For Ana".to_owned()),
        hero_names: vec!["Ember".to_owned(), "Zoë".to_owned()],
        cover: Some(picture(0)),
        beats: (1..=4).map(beat).collect(),
        moral: Some("One small step is enough.".to_owned()),
        questions: vec!["What would you have done?".to_owned()],
        palette: PALETTE,
    }
}

fn printed(book: &Book) -> Vec<u8> {
    pdf(book, &PdfOptions::default()).expect("the book is valid")
}

fn occurrences(bytes: &[u8], pattern: &[u8]) -> usize {
    bytes
        .windows(pattern.len())
        .filter(|window| *window == pattern)
        .count()
}

/// Page objects; the page tree is of type `/Pages`.
fn n_pages(bytes: &[u8]) -> usize {
    occurrences(bytes, b"/Type/Page") - occurrences(bytes, b"/Type/Pages")
}

#[test]
fn a_book_has_a_cover_a_name_plate_a_title_spreads_an_end_questions_and_a_back() {
    let bytes = printed(&book());
    assert!(bytes.starts_with(b"%PDF-1.7"));
    assert_eq!(n_pages(&bytes), 3 + 4 * 2 + 3);
}

#[test]
fn without_questions_the_end_is_the_last_page() {
    let book = Book {
        questions: Vec::new(),
        ..book()
    };
    assert_eq!(n_pages(&printed(&book)), 3 + 4 * 2 + 1);
}

#[test]
fn the_same_book_gives_the_same_bytes() {
    assert_eq!(printed(&book()), printed(&book()));
}

#[test]
fn the_document_says_what_it_is_and_what_its_pictures_show() {
    let options = PdfOptions {
        language: "de-AT".to_owned(),
        author: "Ana".to_owned(),
        created_at_unix_s: Some(951_782_400),
        ..PdfOptions::default()
    };
    let bytes = pdf(&book(), &options).expect("the book is valid");
    let expected: [(&[u8], usize); 5] = [
        (b"/Title(Ember and the Dark)", 1),
        (b"/Author(Ana)", 1),
        (b"/Lang(de-AT)", 1),
        (b"/CreationDate(D:20000229", 1),
        (b"/Alt(Drawing", 5),
    ];
    for (pattern, least) in expected {
        let found = occurrences(&bytes, pattern);
        assert!(
            found >= least,
            "{} x {}",
            found,
            String::from_utf8_lossy(pattern)
        );
    }
}

#[test]
fn a_jpeg_stands_in_the_book_as_it_came_and_once_though_the_cover_is_used_twice() {
    let (book, bytes) = (book(), printed(&book()));
    let cover = book.cover.expect("it has a cover").bytes;
    assert_eq!(occurrences(&bytes, &cover), 1);
}

#[test]
fn a_png_becomes_a_jpeg_unless_that_is_switched_off() {
    let mut png = Cursor::new(Vec::new());
    drawing(9)
        .write_to(&mut png, ImageFormat::Png)
        .expect("a small picture encodes");
    let cover = Picture {
        bytes: png.into_inner(),
        description: None,
    };
    let book = Book {
        cover: Some(cover),
        ..book()
    };
    let filters = |recompress| {
        let options = PdfOptions {
            recompress,
            ..PdfOptions::default()
        };
        let bytes = pdf(&book, &options).expect("the book is valid");
        occurrences(&bytes, b"/DCTDecode")
    };
    assert_eq!((filters(true), filters(false)), (5, 4));
}

#[test]
fn a_book_without_any_picture_is_still_a_whole_book() {
    let mut bare = Book {
        cover: None,
        ..book()
    };
    for beat in &mut bare.beats {
        beat.picture = None;
    }
    assert_eq!(n_pages(&printed(&bare)), 14);
}

#[test]
fn a_damaged_picture_is_named_by_its_place() {
    let mut book = book();
    book.beats[2].picture = Some(Picture {
        bytes: b"no picture".to_vec(),
        description: None,
    });
    let error = pdf(&book, &PdfOptions::default()).expect_err("there is no such picture");
    assert_eq!(error.to_string(), "reading the picture of beat 3");

    let mut cut = picture(1);
    cut.bytes.truncate(12);
    book.beats[2].picture = Some(cut);
    let error = pdf(&book, &PdfOptions::default()).expect_err("the picture is cut short");
    assert!(
        error
            .to_string()
            .starts_with("placing the picture of beat 3"),
        "{error}"
    );
}

#[test]
fn a_text_that_runs_over_keeps_pictures_on_left_pages() {
    let mut book = book();
    // Two pages of text: the next picture would fall on a right page.
    book.beats[0].text = "The dark was deep and quiet and full of small sounds. ".repeat(40);
    assert_eq!(n_pages(&printed(&book)), 14 + 2);
}

#[test]
fn errors_can_be_sent_between_threads() {
    fn is_sendable<T: Send + Sync + 'static>() {}
    is_sendable::<RenderError>();
}

fn missing(change: impl FnOnce(&mut Book)) -> Vec<&'static str> {
    let mut book = book();
    change(&mut book);
    match pdf(&book, &PdfOptions::default()) {
        Err(RenderError::MissingLetters { scripts }) => scripts,
        Err(error) => panic!("{error}"),
        Ok(_) => Vec::new(),
    }
}

#[test]
fn a_book_with_letters_that_no_font_has_is_not_made_wherever_they_stand() {
    assert_eq!(
        missing(|book| book.title = "התנין הקטן".to_owned()),
        ["Hebrew"]
    );
    assert_eq!(
        missing(|book| book.beats[3].text = "ذهب التنين الصغير إلى الغابة 3 مرات.".to_owned()),
        ["Arabic"]
    );
    assert_eq!(
        missing(|book| book.beats[0].text = "छोटा ड्रैगन जंगल में गया।".to_owned()),
        ["Devanagari"]
    );
    assert_eq!(
        missing(|book| book.hero_names[1] = "小明".to_owned()),
        ["Han"]
    );
    assert_eq!(
        missing(|book| book.questions.push("ทำไม".to_owned())),
        ["Thai"]
    );
    assert_eq!(
        missing(|book| book.hero_names[0] = "Ελένη".to_owned()),
        ["Greek"]
    );
    assert_eq!(
        missing(|book| book.moral = Some("작은 빛".to_owned())),
        ["Hangul"]
    );
    assert_eq!(
        missing(|book| book.beats[1].heading = "ღამე".to_owned()),
        ["Georgian"]
    );
}

#[test]
fn emoji_are_left_out_but_a_name_or_title_of_nothing_else_is_missed() {
    let decorated = |book: &mut Book| {
        book.title = "🐉 Ember’s ✨ Lamp".to_owned();
        book.hero_names[0] = "Ember 🔥".to_owned();
        book.beats[0].text = "Ember → saw a lamp 🏮、 and ♪ sang ♪.".to_owned();
    };
    assert_eq!(missing(decorated), [""; 0]);
    assert_eq!(
        missing(|book| book.hero_names[0] = "🦊".to_owned()),
        ["Emoji"]
    );
    assert_eq!(missing(|book| book.title = "🐉".repeat(255)), ["Emoji"]);
}

#[test]
fn cyrillic_vietnamese_and_fancy_letters_are_set() {
    for name in ["Маша", "Nguyễn Ánh", "Ｅｍｂｅｒ", "𝓔𝓶𝓫𝓮𝓻", "Zoe\u{308}"]
    {
        assert_eq!(
            missing(|book| book.hero_names[0] = name.to_owned()),
            [""; 0],
            "{name}"
        );
    }
}

#[test]
fn a_book_in_a_language_without_phrases_is_whole_and_says_its_language() {
    let options = PdfOptions {
        language: "hu".to_owned(),
        phrases: Phrases::in_language("hu"),
        ..PdfOptions::default()
    };
    let bytes = pdf(&book(), &options).expect("the book is valid");
    assert_eq!(n_pages(&bytes), 3 + 4 * 2 + 3);
    assert!(occurrences(&bytes, b"/Lang(hu)") >= 1);
    assert_eq!(occurrences(&bytes, b"/Lang(en)"), 0);
    for phrase in [&b"(The End)"[..], b"(Let"] {
        assert_eq!(occurrences(&bytes, phrase), 0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]

    #[test]
    fn any_text_in_any_place_makes_a_book_or_names_the_script_that_is_missing(
        title in "\\PC{0,60}|[a-z]{90}", heading in "\\PC{0,30}", text in any::<String>(),
        name in "\\PC{0,12}|Маша|小明|شهد", words in "(\\PC|🦊| |\u{301}|\u{0}|\n){0,200}",
        repeat in 1_usize..30
    ) {
        let mut book = book();
        book.title = title;
        book.hero_names = vec![name.clone(), name.clone()];
        book.moral = Some(words.clone());
        book.dedication = Some(text.clone());
        book.questions = vec![words.clone(), text.clone()];
        book.beats[0].heading = heading;
        book.beats[0].text = words.repeat(repeat);
        book.beats[1].text = text;
        book.beats[1].dialogue = vec![DialogueLine { speaker: name, words }];
        let bytes = match pdf(&book, &PdfOptions::default()) {
            Err(RenderError::MissingLetters { scripts }) => {
                prop_assert!(!scripts.is_empty());
                return Ok(());
            }
            made => made,
        };
        prop_assert!(bytes.is_ok(), "{:?}", bytes.err());
        let n_pages = n_pages(&bytes.expect("just checked"));
        prop_assert!(n_pages >= 12 && n_pages.is_multiple_of(2), "{} pages", n_pages);
    }
}
