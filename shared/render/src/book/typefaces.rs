//! The four fonts of the book, bundled unmodified (SIL Open Font License, texts beside them).
//!
//! Andika was drawn by SIL for those who are learning to read: its letters are not mistaken for one
//! another. Averia Serif, the average of all the serif faces its author had, gives the titles the
//! worn softness of an old picture book; for a title with letters it lacks, Andika Bold steps in.

use harfrust::{FontRef, Shaper, ShaperData};
use krilla::text::{Font, GlyphId};
use skrifa::{MetadataProvider, charmap::Charmap};
use std::sync::LazyLock;
use unicode_script::{Script, UnicodeScript};

/// What a piece of text is for; decides its font.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Role {
    /// The story itself.
    Story,
    /// Names and numbers within the story's pages.
    Strong,
    /// Titles and headings.
    Display,
    /// Dedications and other asides.
    Aside,
}

/// One of the bundled fonts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum TypefaceId {
    AndikaRegular,
    AndikaBold,
    AveriaSerifBold,
    AveriaSerifItalic,
}

/// A font, loaded once for the PDF writer and once for the shaper.
pub(crate) struct Typeface {
    pub(crate) font: Font,
    file: FontRef<'static>,
    shaping: ShaperData,
    letters: Charmap<'static>,
}

impl Typeface {
    pub(crate) fn shaper(&self) -> Shaper<'_> {
        self.shaping.shaper(&self.file).build()
    }

    /// The glyph of a character; none where the font lacks it.
    pub(crate) fn glyph_of(&self, character: char) -> Option<GlyphId> {
        let glyph = self.letters.map(character)?;
        Some(GlyphId::new(glyph.to_u32())).filter(|glyph| glyph.to_u32() != 0)
    }
}

static TYPEFACES: LazyLock<[Typeface; 4]> = LazyLock::new(|| {
    [
        load(include_bytes!("../../fonts/Andika-Regular.ttf")),
        load(include_bytes!("../../fonts/Andika-Bold.ttf")),
        load(include_bytes!("../../fonts/AveriaSerifGWF-Bold.ttf")),
        load(include_bytes!("../../fonts/AveriaSerifGWF-Italic.ttf")),
    ]
});

fn load(bytes: &'static [u8]) -> Typeface {
    let file = FontRef::new(bytes).expect("a bundled font is a font");
    Typeface {
        font: Font::new(bytes.into(), 0).expect("a bundled font is a font"),
        shaping: ShaperData::new(&file),
        letters: file.charmap(),
        file,
    }
}

impl TypefaceId {
    pub(crate) fn typeface(self) -> &'static Typeface {
        &TYPEFACES[self as usize]
    }

    fn covers(self, text: &str) -> bool {
        let typeface = self.typeface();
        text.chars()
            .filter(|character| !character.is_whitespace() && !is_pictograph(*character))
            .all(|character| typeface.glyph_of(character).is_some())
    }
}

impl Role {
    /// The first font of the role that has all letters of the text, else its last.
    pub(crate) fn typeface_for(self, text: &str) -> TypefaceId {
        let (first, last) = match self {
            Self::Story => return TypefaceId::AndikaRegular,
            Self::Strong => return TypefaceId::AndikaBold,
            Self::Display => (TypefaceId::AveriaSerifBold, TypefaceId::AndikaBold),
            Self::Aside => (TypefaceId::AveriaSerifItalic, TypefaceId::AndikaRegular),
        };
        if first.covers(text) { first } else { last }
    }
}

/// Whether a sign is an emoji, a symbol, or what joins and colours them.
fn is_pictograph(character: char) -> bool {
    matches!(u32::from(character),
        0x200B..=0x200F | 0x20D0..=0x20FF | 0x2190..=0x27FF | 0x2900..=0x2BFF | 0xFE00..=0xFE0F
        | 0x1F000..=0x1FBFF | 0xE0000..=0xE0FFF)
}

/// The scripts of what a font lacks of a text and a reader would miss: letters, marks on them and
/// digits. Anything else, such as an arrow, may be left out.
pub(crate) fn missing_letters(
    typeface: &Typeface,
    text: &str,
) -> impl Iterator<Item = &'static str> {
    text.chars().filter_map(|character| {
        if is_pictograph(character) || typeface.glyph_of(character).is_some() {
            return None;
        }
        match character.script() {
            Script::Common | Script::Inherited | Script::Unknown => {
                let name = character
                    .script_extension()
                    .iter()
                    .next()
                    .map(Script::full_name);
                character
                    .is_alphanumeric()
                    .then(|| name.unwrap_or("an unusual script"))
            }
            script => Some(script.full_name()),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bundled_font_loads_and_has_a_space_and_quotation_marks() {
        for id in [
            TypefaceId::AndikaRegular,
            TypefaceId::AndikaBold,
            TypefaceId::AveriaSerifBold,
            TypefaceId::AveriaSerifItalic,
        ] {
            assert!(id.covers("Ember & Zoë: “Don’t!” – 1234567890 …"), "{id:?}");
            assert!(id.typeface().glyph_of(' ').is_some());
        }
    }

    #[test]
    fn a_title_with_letters_the_title_font_lacks_is_set_in_andika() {
        assert_eq!(
            Role::Display.typeface_for("Élodie 🦊"),
            TypefaceId::AveriaSerifBold
        );
        assert_eq!(Role::Display.typeface_for("Żółw"), TypefaceId::AndikaBold);
        assert_eq!(Role::Display.typeface_for("Маша"), TypefaceId::AndikaBold);
    }
}
