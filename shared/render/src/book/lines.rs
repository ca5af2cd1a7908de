//! Breaking paragraphs into lines: all ways are weighed, the one with the calmest edge is taken
//! (Knuth and Plass, "Breaking paragraphs into lines", 1981, for ragged setting).

use std::rc::Rc;
use std::sync::LazyLock;

use domain::words::is_written_without_spaces;
use icu_segmenter::options::LineBreakOptions;
use icu_segmenter::{LineSegmenter, LineSegmenterBorrowed};
use krilla::text::KrillaGlyph;

use super::typefaces::{Role, TypefaceId};
use super::typesetter::{Typesetter, Word};

/// Where a line may end, by UAX 14: at spaces, after hyphens, between most signs of Chinese and
/// Japanese, between the words of Thai.
static SEGMENTER: LazyLock<LineSegmenterBorrowed<'static>> =
    LazyLock::new(|| LineSegmenter::new_auto(LineBreakOptions::default()));

/// Shown as a hyphen where a word is cut, and no part of the word (Unicode, soft hyphen).
const CUT: &str = "\u{AD}";

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
    /// It ends within a word, where no line should.
    pub(crate) is_cut: bool,
}

/// A word, or the part of one after which a line may end.
struct Piece {
    word: Rc<Word>,
    /// Whether a space stands in front of it, unless it begins a line.
    spaced: bool,
    /// Whether the word goes on after it.
    is_cut: bool,
}

/// Breaks one paragraph into lines no wider than `measure_em`. White space counts as one space; a
/// line ends where UAX 14 lets it, or, where a word alone is too wide, anywhere between two signs.
/// Text without words gives no lines.
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
    let is_space = |c: char| c.is_whitespace() && !matches!(c, '\u{A0}' | '\u{2007}' | '\u{202F}');
    let tokens = text.split(is_space).filter(|token| !token.is_empty());
    let text = tokens.collect::<Vec<_>>().join(" ");
    let mut pieces = Vec::new();
    let (mut start, mut after_space) = (0, true);
    for end in SEGMENTER.segment_str(&text).filter(|end| *end > 0) {
        let part = text[start..end].trim_end_matches(' ');
        let word = typesetter.word(typeface, part);
        let spaced = after_space && word.width_em > 0.0;
        after_space = part.len() < end - start;
        start = end;
        if word.width_em <= measure_em {
            pieces.push(Piece {
                word,
                spaced,
                is_cut: false,
            });
            continue;
        }
        let hyphen = typesetter.word(typeface, "-");
        let parts = chopped(&word, measure_em, &hyphen);
        let n_parts = parts.len();
        for (index, word) in parts.into_iter().enumerate() {
            pieces.push(Piece {
                word: Rc::new(word),
                spaced: spaced && index == 0,
                is_cut: index + 1 < n_parts,
            });
        }
    }
    pieces
}

/// Cuts a word that is wider than a line between signs, in as few parts as fit and those of like
/// width, so that no letter stands alone; with a hyphen after each but the last, if they are of
/// letters that know hyphens.
fn chopped(word: &Word, measure_em: f32, hyphen: &Word) -> Vec<Word> {
    let room_em = (measure_em - hyphen.width_em).max(measure_em / 2.0);
    let filled = cut_at(word, room_em, hyphen);
    let even_em = word.width_em / filled.len().max(1) as f32 + 0.5;
    if even_em < room_em {
        let even = cut_at(word, even_em, hyphen);
        if even.len() == filled.len() {
            return even;
        }
    }
    filled
}

/// Parts of a word, each as wide as fits in the room beside a hyphen.
fn cut_at(word: &Word, room_em: f32, hyphen: &Word) -> Vec<Word> {
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
            .is_some_and(|part| part.width_em + width_em <= room_em);
        if !fits {
            if let Some(part) = parts.last_mut()
                && takes_hyphen(&part.text, &word.text[range.clone()])
            {
                part.push_cut(hyphen);
            }
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

fn takes_hyphen(before: &str, after: &str) -> bool {
    let is_hyphenated = |c: char| c.is_alphabetic() && !is_written_without_spaces(c);
    before.ends_with(is_hyphenated) && after.starts_with(is_hyphenated)
}

impl Word {
    fn push_cut(&mut self, hyphen: &Word) {
        let start = self.text.len();
        self.text.push_str(CUT);
        self.width_em += hyphen.width_em;
        self.glyphs.extend(hyphen.glyphs.iter().map(|glyph| {
            let mut glyph = glyph.clone();
            glyph.text_range = start..start + CUT.len();
            glyph
        }));
    }
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
                .trim_end_matches(['”', '’', '"', '»', '」'])
                .ends_with(['.', '!', '?', '…', '。', '！', '？'])
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
        is_cut: pieces.last().is_some_and(|piece| piece.is_cut),
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
mod tests;
