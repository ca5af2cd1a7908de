//! Breaking paragraphs into lines: all ways are weighed, the one with the calmest edge is taken
//! (Knuth and Plass, "Breaking paragraphs into lines", 1981, for ragged setting).

use std::rc::Rc;

use krilla::text::KrillaGlyph;

use super::typefaces::{Role, TypefaceId};
use super::typesetter::{Typesetter, Word};

/// What makes a good set of lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rag {
    /// Lines as full as can be, the last one free: for reading.
    Paragraph,
    /// Lines of like width, the last one too: for titles and centred text.
    Balanced,
}

/// A line, ready to be drawn at any size.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) typeface: TypefaceId,
    pub(crate) text: String,
    /// Glyphs in units of the font size, with byte ranges into `text`.
    pub(crate) glyphs: Vec<KrillaGlyph>,
    pub(crate) width_em: f32,
}

/// A word, or the part of one after which a line may end.
struct Piece {
    word: Rc<Word>,
    /// Whether a space stands in front of it, unless it begins a line.
    spaced: bool,
}

/// Breaks one paragraph into lines no wider than `measure_em`. White space counts as one space; a
/// line ends at one, after a hyphen or dash within a word, or, where a word alone is too wide,
/// anywhere between two signs. Text without words gives no lines.
pub(crate) fn lines(
    typesetter: &mut Typesetter,
    role: Role,
    text: &str,
    measure_em: f32,
    rag: Rag,
) -> Vec<Line> {
    let typeface = role.typeface_for(text);
    let pieces = pieces(typesetter, typeface, text, measure_em);
    let space = typesetter.word(typeface, " ");
    let mut lines = Vec::new();
    let mut start = 0;
    for end in line_ends(&pieces, space.width_em, measure_em, rag) {
        let mut line = line(typeface, &pieces[start..end], &space);
        if pieces.get(end).is_some_and(|next| next.spaced) {
            // Invisible at the line's end, but it keeps the words apart in the text that is copied.
            let width_em = line.width_em;
            line.push(&space);
            line.width_em = width_em;
        }
        lines.push(line);
        start = end;
    }
    lines
}

fn pieces(
    typesetter: &mut Typesetter,
    typeface: TypefaceId,
    text: &str,
    measure_em: f32,
) -> Vec<Piece> {
    let may_break = |c: char| c.is_whitespace() && !matches!(c, '\u{A0}' | '\u{2007}' | '\u{202F}');
    let mut pieces = Vec::new();
    for token in text.split(may_break).filter(|token| !token.is_empty()) {
        for (index, part) in after_hyphens(token).into_iter().enumerate() {
            let word = typesetter.word(typeface, part);
            let spaced = index == 0 && word.width_em > 0.0;
            if word.width_em <= measure_em {
                pieces.push(Piece { word, spaced });
                continue;
            }
            for (index, word) in chopped(&word, measure_em).into_iter().enumerate() {
                pieces.push(Piece {
                    word: Rc::new(word),
                    spaced: spaced && index == 0,
                });
            }
        }
    }
    pieces
}

/// Splits a word after hyphens and dashes that stand between letters.
fn after_hyphens(token: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    let mut before: Option<char> = None;
    for (index, character) in token.char_indices() {
        let next = index + character.len_utf8();
        let between = before.is_some_and(char::is_alphanumeric)
            && token[next..].starts_with(char::is_alphanumeric);
        if between && matches!(character, '-' | '\u{2010}' | '–' | '—') {
            parts.push(&token[start..next]);
            start = next;
        }
        before = Some(character);
    }
    parts.push(&token[start..]);
    parts
}

/// Cuts a word that is wider than a line between signs, each part as wide as fits.
fn chopped(word: &Word, measure_em: f32) -> Vec<Word> {
    let mut parts: Vec<Word> = Vec::new();
    let mut offset = 0;
    for cluster in word
        .glyphs
        .chunk_by(|one, other| one.text_range == other.text_range)
    {
        let range = cluster[0].text_range.clone();
        let width_em: f32 = cluster.iter().map(|glyph| glyph.x_advance).sum();
        let fits = parts
            .last()
            .is_some_and(|part| part.width_em + width_em <= measure_em);
        if !fits {
            offset = range.start;
            parts.push(Word {
                text: String::new(),
                glyphs: Vec::new(),
                width_em: 0.0,
            });
        }
        let Some(part) = parts.last_mut() else {
            continue;
        };
        part.text.push_str(&word.text[range.clone()]);
        part.width_em += width_em;
        for glyph in cluster {
            let mut glyph = glyph.clone();
            glyph.text_range = range.start - offset..range.end - offset;
            part.glyphs.push(glyph);
        }
    }
    parts
}

/// The ends of the lines with the least total cost, by looking from each piece to the end.
fn line_ends(pieces: &[Piece], space_em: f32, measure_em: f32, rag: Rag) -> Vec<usize> {
    let n_pieces = pieces.len();
    let mut least = vec![(0.0_f32, n_pieces); n_pieces + 1];
    for start in (0..n_pieces).rev() {
        least[start] = (f32::INFINITY, start + 1);
        let mut width_em = 0.0;
        for end in start + 1..=n_pieces {
            let piece = &pieces[end - 1];
            let gap = if piece.spaced && end > start + 1 {
                space_em
            } else {
                0.0
            };
            width_em += gap + piece.word.width_em;
            if width_em > measure_em && end > start + 1 {
                break;
            }
            let slack = ((measure_em - width_em) / measure_em).max(0.0);
            let cost = line_cost(pieces, start, end, slack, rag) + least[end].0;
            if cost < least[start].0 {
                least[start] = (cost, end);
            }
        }
    }
    let mut ends = Vec::new();
    let mut at = 0;
    while at < n_pieces {
        at = least[at].1;
        ends.push(at);
    }
    ends
}

/// What a line from `start` to `end` costs: its emptiness squared, and a little for an ugly end.
fn line_cost(pieces: &[Piece], start: usize, end: usize, slack: f32, rag: Rag) -> f32 {
    let is_last = end == pieces.len();
    if is_last && rag == Rag::Paragraph {
        // A word alone on the last line looks lost.
        return if start > 0 && end - start == 1 {
            16.0
        } else {
            1.0
        };
    }
    let mut cost = 1.0 + 100.0 * slack * slack;
    if !is_last {
        if !pieces[end].spaced {
            cost += 4.0;
        }
        // A sentence should not begin with one word at the end of a line.
        let ends_sentence = |piece: &Piece| {
            piece
                .word
                .text
                .trim_end_matches(['”', '’', '"'])
                .ends_with(['.', '!', '?', '…'])
        };
        if end - start > 1 && ends_sentence(&pieces[end - 2]) && !ends_sentence(&pieces[end - 1]) {
            cost += 2.5;
        }
    }
    cost
}

fn line(typeface: TypefaceId, pieces: &[Piece], space: &Word) -> Line {
    let mut line = Line {
        typeface,
        text: String::new(),
        glyphs: Vec::new(),
        width_em: 0.0,
    };
    for (index, piece) in pieces.iter().enumerate() {
        if piece.spaced && index > 0 {
            line.push(space);
        }
        line.push(&piece.word);
    }
    line
}

impl Line {
    fn push(&mut self, word: &Word) {
        let offset = self.text.len();
        self.text.push_str(&word.text);
        self.width_em += word.width_em;
        self.glyphs.extend(word.glyphs.iter().map(|glyph| {
            let mut glyph = glyph.clone();
            glyph.text_range = glyph.text_range.start + offset..glyph.text_range.end + offset;
            glyph
        }));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn set(text: &str, measure_em: f32, rag: Rag) -> Vec<Line> {
        lines(
            &mut Typesetter::default(),
            Role::Story,
            text,
            measure_em,
            rag,
        )
    }

    fn texts(lines: &[Line]) -> Vec<&str> {
        lines.iter().map(|line| line.text.as_str()).collect()
    }

    #[test]
    fn a_title_is_broken_in_lines_of_like_width() {
        let lines = set(
            "Ember and the Very Dark and Friendly Cave",
            14.0,
            Rag::Balanced,
        );
        assert_eq!(lines.len(), 2);
        assert!(
            (lines[0].width_em - lines[1].width_em).abs() < 4.0,
            "{:?}",
            texts(&lines)
        );
    }

    #[test]
    fn no_word_is_left_alone_on_the_last_line() {
        let text =
            "The little fox looked up at the moon and wondered who had hung it there tonight";
        for measure in 16..40 {
            let lines = set(text, measure as f32, Rag::Paragraph);
            let last = lines.last().expect("there is text");
            assert!(
                last.text.trim().contains(' '),
                "{measure}: {:?}",
                texts(&lines)
            );
        }
    }

    #[test]
    fn hyphens_may_end_a_line_but_minus_and_nonbreaking_spaces_may_not() {
        assert_eq!(after_hyphens("merry-go-round"), ["merry-", "go-", "round"]);
        assert_eq!(after_hyphens("-5"), ["-5"]);
        assert_eq!(
            texts(&set("a\u{A0}b c", 1.7, Rag::Paragraph))[0],
            "a\u{A0}b "
        );
    }

    #[test]
    fn a_word_wider_than_the_line_is_cut() {
        let lines = set("Donaudampfschifffahrtsgesellschaft", 4.0, Rag::Paragraph);
        assert!(lines.len() > 3);
        assert_eq!(texts(&lines).concat(), "Donaudampfschifffahrtsgesellschaft");
    }

    proptest! {
        #[test]
        fn lines_keep_every_word_and_stay_in_the_measure(
            text in "([a-zé]{1,12}[ ,.-]{1,2}|🦊 |日本 |[\\PC ]{0,6}){0,30}", measure in 3_u32..40
        ) {
            let measure_em = measure as f32;
            let text = crate::book::typesetter::printable(&text);
            for rag in [Rag::Paragraph, Rag::Balanced] {
                let lines = set(&text, measure_em, rag);
                let kept: String = texts(&lines).concat();
                let bare = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
                prop_assert_eq!(bare(&kept), bare(&text));
                for line in &lines {
                    let n_signs = line.glyphs.len();
                    prop_assert!(line.width_em <= measure_em + 1e-3 || n_signs < 4);
                    for glyph in &line.glyphs {
                        prop_assert!(line.text.get(glyph.text_range.clone()).is_some());
                    }
                }
            }
        }
    }
}
