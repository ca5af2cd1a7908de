//! From text to glyphs: words are shaped once, whatever the size they are tried at.

use std::collections::HashMap;
use std::rc::Rc;

use krilla::text::{GlyphId, KrillaGlyph};
use rustybuzz::{Direction, Script, ShapePlan, UnicodeBuffer};

use super::typefaces::{TypefaceId, is_pictograph};

/// A shaped word; all measures in units of the font size.
#[derive(Debug)]
pub(crate) struct Word {
    pub(crate) text: String,
    /// Glyphs with byte ranges into `text`.
    pub(crate) glyphs: Vec<KrillaGlyph>,
    pub(crate) width_em: f32,
}

/// Shapes words and remembers them. One per document.
#[derive(Default)]
pub(crate) struct Typesetter {
    words: HashMap<(TypefaceId, String), Rc<Word>>,
    plans: HashMap<(TypefaceId, Option<Script>), ShapePlan>,
}

impl Typesetter {
    /// The word in a font.
    pub(crate) fn word(&mut self, typeface: TypefaceId, text: &str) -> Rc<Word> {
        let key = (typeface, text.to_owned());
        if let Some(word) = self.words.get(&key) {
            return Rc::clone(word);
        }
        let word = Rc::new(self.shaped(typeface, text));
        self.words.insert(key, Rc::clone(&word));
        word
    }

    fn shaped(&mut self, typeface: TypefaceId, text: &str) -> Word {
        let face = &typeface.typeface().shaper;
        let mut buffer = UnicodeBuffer::new();
        buffer.push_str(text);
        buffer.guess_segment_properties();
        // The fonts hold no script that is written from the right; one direction keeps glyphs and
        // text in the same order.
        buffer.set_direction(Direction::LeftToRight);
        let script = Some(buffer.script()).filter(|script| *script != rustybuzz::script::UNKNOWN);
        let plan = self
            .plans
            .entry((typeface, script))
            .or_insert_with(|| ShapePlan::new(face, Direction::LeftToRight, script, None, &[]));
        let shaped = rustybuzz::shape_with_plan(face, plan, buffer);
        let units_per_em = face.units_per_em() as f32;
        let infos = shaped.glyph_infos();
        let mut glyphs = Vec::with_capacity(infos.len());
        for (index, (info, position)) in infos.iter().zip(shaped.glyph_positions()).enumerate() {
            let start = info.cluster as usize;
            let end = infos[index..]
                .iter()
                .map(|later| later.cluster as usize)
                .find(|cluster| *cluster > start)
                .unwrap_or(text.len());
            let mut glyph = KrillaGlyph::new(
                GlyphId::new(info.glyph_id),
                position.x_advance as f32 / units_per_em,
                position.x_offset as f32 / units_per_em,
                position.y_offset as f32 / units_per_em,
                0.0,
                start..end,
                None,
            );
            if info.glyph_id == 0 {
                replace_missing(&mut glyph, face, &text[start..end]);
            }
            glyphs.push(glyph);
        }
        let width_em = glyphs.iter().map(|glyph| glyph.x_advance).sum();
        Word {
            text: text.to_owned(),
            glyphs,
            width_em,
        }
    }
}

/// PDF/UA forbids the glyph 0: a pictograph becomes nothing, a letter the sign for "unknown sign".
fn replace_missing(glyph: &mut KrillaGlyph, face: &rustybuzz::Face<'_>, cluster: &str) {
    let stand_in = if cluster.chars().all(is_pictograph) {
        ' '
    } else {
        '\u{FFFD}'
    };
    let id = [stand_in, '?', ' ']
        .into_iter()
        .find_map(|sign| face.glyph_index(sign));
    // Every bundled font has a space, a test says so.
    let Some(id) = id else { return };
    let advance = face.glyph_hor_advance(id).unwrap_or(0);
    glyph.glyph_id = GlyphId::new(u32::from(id.0));
    glyph.x_offset = 0.0;
    glyph.y_offset = 0.0;
    glyph.x_advance = if stand_in == ' ' {
        0.0
    } else {
        f32::from(advance) / face.units_per_em() as f32
    };
}

/// The text without what no reader should meet: control characters, byte order marks, and code
/// points that are no characters.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .filter(|character| {
            let point = u32::from(*character);
            let no_character = point & 0xFFFE == 0xFFFE || (0xFDD0..=0xFDEF).contains(&point);
            let kept = !character.is_control() || character.is_whitespace();
            kept && !no_character && *character != '\u{FEFF}'
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPEFACE: TypefaceId = TypefaceId::AndikaRegular;

    #[test]
    fn a_word_is_as_wide_as_its_letters() {
        let mut typesetter = Typesetter::default();
        let (short, long) = (
            typesetter.word(TYPEFACE, "fox"),
            typesetter.word(TYPEFACE, "foxes"),
        );
        assert!(short.width_em > 1.0 && long.width_em > short.width_em);
        assert!(Rc::ptr_eq(&short, &typesetter.word(TYPEFACE, "fox")));
    }

    #[test]
    fn no_text_has_the_forbidden_glyph() {
        let mut typesetter = Typesetter::default();
        for text in [
            "🦊",
            "日本",
            "a👩🏽‍🚀b",
            "שלום",
            "नमस्ते",
            "e\u{301}\u{323}",
            "\u{200D}",
            "👍🏿!",
        ] {
            let word = typesetter.word(TYPEFACE, text);
            assert!(
                word.glyphs.iter().all(|glyph| glyph.glyph_id.to_u32() != 0),
                "{text}"
            );
        }
    }

    #[test]
    fn a_missing_emoji_takes_no_room_and_a_missing_letter_leaves_a_mark() {
        let mut typesetter = Typesetter::default();
        assert!(typesetter.word(TYPEFACE, "🦊").width_em < 0.01);
        assert!(typesetter.word(TYPEFACE, "語").width_em > 0.2);
    }

    #[test]
    fn what_is_no_text_is_not_printed() {
        assert_eq!(printable("a\0b\u{FEFF}c\u{FFFE}\nd\u{7}"), "abc\nd");
    }
}
