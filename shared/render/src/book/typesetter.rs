//! From text to glyphs: words are shaped once, whatever the size they are tried at.

use harfrust::{Direction, Script, ShapeOptions, ShapePlan, UnicodeBuffer, script};
use icu_normalizer::ComposingNormalizerBorrowed;
use krilla::text::{GlyphId, KrillaGlyph};
use std::{
    collections::{BTreeSet, HashMap},
    rc::Rc,
};

use super::typefaces::{Typeface, TypefaceId, missing_letters};

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
    missing: BTreeSet<&'static str>,
}

impl Typesetter {
    /// The word in a font.
    pub(crate) fn word(&mut self, typeface: TypefaceId, text: &str) -> Rc<Word> {
        let key = (typeface, text.to_owned());
        if let Some(word) = self.words.get(&key) {
            return Rc::clone(word);
        }
        let word = Rc::new(self.shape(typeface, text));
        self.words.insert(key, Rc::clone(&word));
        word
    }

    /// The scripts of letters that were set and that the fonts do not have.
    pub(crate) fn missing_scripts(&self) -> Vec<&'static str> {
        self.missing.iter().copied().collect()
    }

    fn shape(&mut self, id: TypefaceId, text: &str) -> Word {
        let typeface = id.typeface();
        let shaper = typeface.shaper();
        let mut buffer = UnicodeBuffer::new();
        buffer.push_str(text);
        buffer.guess_segment_properties();
        // The fonts hold no script that is written from the right; one direction keeps glyphs and
        // text in the same order.
        buffer.set_direction(Direction::LeftToRight);
        let script = Some(buffer.script()).filter(|known| *known != script::UNKNOWN);
        let plan = self
            .plans
            .entry((id, script))
            .or_insert_with(|| ShapePlan::new(&shaper, Direction::LeftToRight, script, None, &[]));
        let shaped = shaper.shape(buffer, ShapeOptions::new().plan(Some(plan)));
        let units_per_em = shaper.units_per_em() as f32;
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
                self.missing
                    .extend(missing_letters(typeface, &text[start..end]));
                leave_out(&mut glyph, typeface);
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

/// PDF/UA forbids the glyph 0: what the font lacks becomes a space without width.
fn leave_out(glyph: &mut KrillaGlyph, typeface: &Typeface) {
    // Every bundled font has a space, a test says so.
    let Some(space) = typeface.glyph_of(' ') else {
        return;
    };
    glyph.glyph_id = space;
    glyph.x_offset = 0.0;
    glyph.y_offset = 0.0;
    glyph.x_advance = 0.0;
}

/// The text without what no reader should meet: control characters, byte order marks, soft hyphens,
/// the sign for a lost character, and code points that are no characters. Letters that the fonts
/// have in a plainer form only, such as `Ｅ` and `𝓔`, take it.
pub(crate) fn printable(text: &str) -> String {
    let kept: String = text
        .chars()
        .filter(|character| {
            let point = u32::from(*character);
            let no_character = point & 0xFFFE == 0xFFFE || (0xFDD0..=0xFDEF).contains(&point);
            let kept = !character.is_control() || character.is_whitespace();
            kept && !no_character && !matches!(*character, '\u{FEFF}' | '\u{FFFD}' | '\u{AD}')
        })
        .collect();
    if is_set(&kept) {
        return kept;
    }
    let plainer = ComposingNormalizerBorrowed::new_nfkc();
    kept.chars()
        .map(|character| {
            let sign = character.to_string();
            let plain = plainer.normalize(&sign);
            if is_set(&sign) || !is_set(&plain) {
                sign
            } else {
                plain.into_owned()
            }
        })
        .collect()
}

/// Whether the story's font has all of it.
fn is_set(text: &str) -> bool {
    let typeface = TypefaceId::AndikaRegular.typeface();
    text.chars()
        .all(|character| character.is_whitespace() || typeface.glyph_of(character).is_some())
}

/// Whether anything of a printable text will be seen.
pub(crate) fn is_seen(text: &str) -> bool {
    text.chars().any(|character| {
        // Joiners, marks of direction and selectors of a form have a glyph without ink.
        let is_joiner =
            matches!(character, '\u{200B}'..='\u{200F}' | '\u{2060}' | '\u{FE00}'..='\u{FE0F}');
        !character.is_whitespace() && !is_joiner && is_set(character.encode_utf8(&mut [0; 4]))
    })
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
    fn a_missing_emoji_takes_no_room_and_a_missing_letter_is_told_by_its_script() {
        let mut typesetter = Typesetter::default();
        for sign in ["🦊", "👩🏽‍🚀", "→", "、", "🇩🇪", "\u{200F}", "1️⃣"] {
            typesetter.word(TYPEFACE, sign);
        }
        assert!(typesetter.word(TYPEFACE, "🦊").width_em < 0.01);
        assert_eq!(typesetter.missing_scripts(), [""; 0]);
        for word in ["語", "かな", "שלום", "नमस्ते", "አበበ", "٣", "ভ"] {
            typesetter.word(TYPEFACE, word);
        }
        let found = typesetter.missing_scripts();
        for script in [
            "Han",
            "Hiragana",
            "Hebrew",
            "Devanagari",
            "Ethiopic",
            "Bengali",
        ] {
            assert!(found.contains(&script), "{script} in {found:?}");
        }
    }

    #[test]
    fn cyrillic_vietnamese_and_every_accent_are_there() {
        let mut typesetter = Typesetter::default();
        for text in [
            "Маша ї є ґ",
            "Nguyễn Thị Ánh Tuyết",
            "Ọlá Gĩkũyũ Żółw Þór İğdır",
            "e\u{301}\u{323}",
        ] {
            typesetter.word(TYPEFACE, &printable(text));
        }
        assert_eq!(typesetter.missing_scripts(), [""; 0]);
    }

    #[test]
    fn letters_in_fancy_dress_are_set_in_plain_clothes() {
        assert_eq!(
            printable("Ｅmber 𝓔mber ①！\u{3000}"),
            "Ember Ember 1!\u{3000}"
        );
        assert!(!is_seen("🦊 \u{200D}") && is_seen("🦊 Fox"));
    }

    #[test]
    fn what_is_no_text_is_not_printed() {
        assert_eq!(
            printable("a\0b\u{FEFF}c\u{FFFE}\nd\u{7}\u{FFFD}\u{AD}"),
            "abc\nd"
        );
    }
}
