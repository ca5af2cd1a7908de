//! The printable picture book.
//!
//! Pages are squares of 8.5 x 8.5 inches (612 points): illustrations are square, so each fills its
//! page to the edges uncropped; it is a trim size every print-on-demand service offers; and at home
//! it prints on A4 or Letter with a margin to cut along. A beat is a spread, its picture on the left
//! page and its text on the right, as in a bound book; on a phone the pages simply follow.
//!
//! The file is a tagged PDF 1.7 that conforms to PDF/UA-1: readable aloud, searchable, with bookmarks.

mod binder;
mod created;
mod lines;
mod pages;
mod paragraphs;
mod phrases;
mod scenery;
mod sheet;
#[cfg(test)]
mod tests;
mod typefaces;
mod typesetter;

pub use phrases::Phrases;

use crate::colors::HexColor;
use crate::picture::PictureError;

/// Width and height of a page in points (1/72 inch).
pub const PAGE_SIDE_PT: f32 = 612.0;

/// An illustration.
#[derive(Clone, Debug)]
pub struct Picture {
    /// PNG, JPEG or WebP, at best square and of at least 1024 x 1024 pixels.
    pub bytes: Vec<u8>,
    /// What the picture shows, read to those who cannot see it; else the heading is read.
    pub description: Option<String>,
}

/// Something a character says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DialogueLine {
    /// Who speaks.
    pub speaker: String,
    /// What is said, with or without quotation marks.
    pub words: String,
}

/// One of the parts of the story, a spread of the book.
#[derive(Clone, Debug)]
pub struct Beat {
    /// Heading of the part; may be empty.
    pub heading: String,
    /// The text; each line is a paragraph.
    pub text: String,
    /// What the characters say, set below the text; empty if the text itself contains it.
    pub dialogue: Vec<DialogueLine>,
    /// The illustration; without one the page is painted in the colours.
    pub picture: Option<Picture>,
    /// The colours of the spread, best those of its picture.
    pub colors: [HexColor; 3],
}

/// A finished story, ready to be printed.
#[derive(Clone, Debug)]
pub struct Book {
    /// The title.
    pub title: String,
    /// A line below the title.
    pub subtitle: Option<String>,
    /// To whom the book is given.
    pub dedication: Option<String>,
    /// Names of those the story is about.
    pub hero_names: Vec<String>,
    /// The picture of the cover; without one the cover is painted in the colours.
    pub cover: Option<Picture>,
    /// The parts of the story.
    pub beats: Vec<Beat>,
    /// What the story leaves the reader with, on the last page of the story.
    pub moral: Option<String>,
    /// Questions to talk about; without any there is no such page.
    pub questions: Vec<String>,
    /// The colours of the cover and of the pages that belong to no beat.
    pub palette: [HexColor; 3],
}

/// What the file needs to know beyond the book: the same book and options give the same bytes.
#[derive(Clone, Debug)]
pub struct PdfOptions {
    /// Language of the story as a tag of BCP 47, such as `en` or `pt-BR`; `und` if it is not known.
    pub language: String,
    /// Author in the properties of the document.
    pub author: String,
    /// Creation date in the properties, in seconds since 1970 (UTC); none leaves it out.
    pub created_at_unix_s: Option<i64>,
    /// What identifies the document over its versions, such as the id of the story.
    pub document_id: Option<String>,
    /// Whether pictures that are not JPEG are stored as JPEG, a fifth of the size. JPEG pictures are
    /// always stored as they are.
    pub recompress: bool,
    /// The words of the book that are not the story's.
    pub phrases: Phrases,
}

impl Default for PdfOptions {
    fn default() -> Self {
        Self {
            language: "en".to_owned(),
            author: "Storytailor".to_owned(),
            created_at_unix_s: None,
            document_id: None,
            recompress: true,
            phrases: Phrases::default(),
        }
    }
}

/// Why there is no book.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// A picture is damaged, of an unknown format or too large.
    #[error("reading the picture of {place}")]
    Picture {
        /// Where the picture belongs.
        place: Place,
        /// What is wrong with it.
        source: PictureError,
    },
    /// A picture begins like one, but the PDF writer cannot take it.
    #[error("placing the picture of {place} in the book: {reason}")]
    Placing {
        /// Where the picture belongs.
        place: Place,
        /// The words of the PDF writer, which has no error type for this.
        reason: String,
    },
    /// The fonts of the book lack letters that the book needs.
    #[error("setting the book: no font has the letters of {}", scripts.join(", "))]
    MissingLetters {
        /// The scripts of these letters by their English names, such as `Hebrew`; `Emoji` for a name or
        /// a title of nothing else.
        scripts: Vec<&'static str>,
    },
    /// The PDF writer failed.
    #[error("writing the book as PDF")]
    Write(#[source] krilla::error::KrillaError),
}

/// Where in the book a picture belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// On the cover.
    Cover,
    /// Beside a beat, counted from 0.
    Beat(usize),
}

impl std::fmt::Display for Place {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Cover => write!(formatter, "the cover"),
            Self::Beat(index) => write!(formatter, "beat {}", index + 1),
        }
    }
}

/// The book as a PDF: cover, name plate, title page, a spread per beat, the end, questions if there
/// are any, back cover.
///
/// # Errors
/// When a picture that is given cannot be used or the fonts lack letters, see [`RenderError`]. Emoji and
/// other signs that are no letters are left out where the fonts lack them; they stay in the text that
/// is copied.
pub fn pdf(book: &Book, options: &PdfOptions) -> Result<Vec<u8>, RenderError> {
    binder::Binder::new(book, options)?.bind()
}
