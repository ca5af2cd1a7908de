//! Fitting paragraphs on pages: the largest size at which they fit on one page, else the largest at
//! which they fit on as few as possible.

use super::lines::{Line, Rag, lines};
use super::typefaces::Role;
use super::typesetter::Typesetter;

/// Distance of baselines, in units of the font size: wide, for eyes that still search the next line.
pub(crate) const LEADING_EM: f32 = 1.5;
/// Additional space between paragraphs, in units of the font size.
const PARAGRAPH_GAP_EM: f32 = 0.6;
/// Step between the sizes that are tried, in points.
const SIZE_STEP_PT: f32 = 0.5;

/// Text that belongs together.
#[derive(Clone, Debug)]
pub(crate) struct Paragraph {
    /// Set in bold at the beginning of the first line: a speaker, or the number of a question.
    pub(crate) label: Option<String>,
    pub(crate) text: String,
    /// How far the text stands in, in units of the font size, to leave room for the label.
    pub(crate) indent_em: f32,
}

/// The lines of a paragraph that stand on one page.
#[derive(Clone, Debug)]
pub(crate) struct SetParagraph {
    /// Lines of the label, above the text; none where the paragraph continues.
    pub(crate) label: Option<Line>,
    pub(crate) lines: Vec<Line>,
    pub(crate) indent_em: f32,
}

/// Room for text on a page, in points, and the sizes that may be tried.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    pub(crate) width_pt: f32,
    pub(crate) height_pt: f32,
    pub(crate) size_max_pt: f32,
    pub(crate) size_min_pt: f32,
}

/// Paragraphs laid out on one or more pages.
#[derive(Debug)]
pub(crate) struct Fitted {
    pub(crate) size_pt: f32,
    pub(crate) pages: Vec<Vec<SetParagraph>>,
}

/// Lays paragraphs out in rooms of the given kind. No paragraphs give one empty page.
pub(crate) fn fit(typesetter: &mut Typesetter, paragraphs: &[Paragraph], room: Room) -> Fitted {
    let mut at = |size_pt: f32| {
        let set: Vec<SetParagraph> = paragraphs
            .iter()
            .map(|paragraph| set(typesetter, paragraph, room.width_pt / size_pt))
            .collect();
        Fitted {
            size_pt,
            pages: paginated(set, room.height_pt / size_pt),
        }
    };
    let smallest = at(room.size_min_pt);
    let mut size_pt = room.size_max_pt;
    while size_pt > room.size_min_pt {
        let fitted = at(size_pt);
        if fitted.pages.len() <= smallest.pages.len() {
            return fitted;
        }
        size_pt -= SIZE_STEP_PT;
    }
    smallest
}

/// Height of a page of paragraphs, in units of the font size.
pub(crate) fn height_em(page: &[SetParagraph]) -> f32 {
    let lines: usize = page.iter().map(|paragraph| paragraph.lines.len()).sum();
    lines as f32 * LEADING_EM + page.len().saturating_sub(1) as f32 * PARAGRAPH_GAP_EM
}

/// Distance from the top of one paragraph to the top of the next, in units of the font size.
pub(crate) fn advance_em(paragraph: &SetParagraph) -> f32 {
    paragraph.lines.len() as f32 * LEADING_EM + PARAGRAPH_GAP_EM
}

fn set(typesetter: &mut Typesetter, paragraph: &Paragraph, measure_em: f32) -> SetParagraph {
    let label = paragraph.label.as_ref().and_then(|label| {
        lines(typesetter, Role::Strong, label, measure_em, Rag::Paragraph)
            .into_iter()
            .next()
    });
    // A long label, such as a name, pushes the text further in, up to half of the line.
    let indent_em = match &label {
        Some(label) => paragraph
            .indent_em
            .max(label.width_em + 0.5)
            .min(measure_em / 2.0),
        None => paragraph.indent_em,
    };
    let measure_em = measure_em - indent_em;
    let lines = lines(
        typesetter,
        Role::Story,
        &paragraph.text,
        measure_em,
        Rag::Paragraph,
    );
    SetParagraph {
        label,
        lines,
        indent_em,
    }
}

/// Fills pages one after the other; a paragraph is divided only with two lines on either side.
fn paginated(paragraphs: Vec<SetParagraph>, height_em: f32) -> Vec<Vec<SetParagraph>> {
    let lines_max = (height_em / LEADING_EM).floor().max(2.0) as usize;
    let mut pages = vec![Vec::new()];
    let mut left_em = height_em;
    for mut paragraph in paragraphs {
        loop {
            let page = pages.last_mut().expect("there is always a page");
            let n_lines = paragraph.lines.len();
            let gap_em = if page.is_empty() {
                0.0
            } else {
                PARAGRAPH_GAP_EM
            };
            let free = ((left_em - gap_em + 1e-3) / LEADING_EM).floor().max(0.0) as usize;
            if n_lines <= free {
                left_em -= gap_em + n_lines as f32 * LEADING_EM;
                page.push(paragraph);
                break;
            }
            let here = free.min(n_lines.saturating_sub(2)).min(lines_max);
            if here >= 2 || page.is_empty() {
                let rest = paragraph.lines.split_off(here.max(1));
                let indent_em = paragraph.indent_em;
                page.push(paragraph);
                paragraph = SetParagraph {
                    label: None,
                    lines: rest,
                    indent_em,
                };
            }
            pages.push(Vec::new());
            left_em = height_em;
        }
    }
    pages
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: Room = Room {
        width_pt: 460.0,
        height_pt: 360.0,
        size_max_pt: 22.0,
        size_min_pt: 13.0,
    };

    fn story(n_words: usize) -> Vec<Paragraph> {
        let words = [
            "Once", "a", "little", "dragon", "wondered", "about", "dark", "caves.",
        ];
        let text: Vec<&str> = words.iter().copied().cycle().take(n_words).collect();
        let paragraph = |text: &[&str]| Paragraph {
            label: None,
            text: text.join(" "),
            indent_em: 0.0,
        };
        text.chunks(45).map(paragraph).collect()
    }

    fn fitted(n_words: usize) -> Fitted {
        fit(&mut Typesetter::default(), &story(n_words), ROOM)
    }

    #[test]
    fn a_short_text_is_large_and_a_long_one_smaller() {
        assert_eq!(fitted(30).size_pt, ROOM.size_max_pt);
        let long = fitted(180);
        assert_eq!(long.pages.len(), 1);
        assert!(long.size_pt < ROOM.size_max_pt && long.size_pt > ROOM.size_min_pt);
    }

    #[test]
    fn a_very_long_text_goes_on_over_pages_without_losing_a_line() {
        let long = fitted(1500);
        assert!(long.pages.len() > 2);
        let kept: usize = long
            .pages
            .iter()
            .flatten()
            .flat_map(|paragraph| &paragraph.lines)
            .map(|line| line.text.split_whitespace().count())
            .sum();
        assert_eq!(kept, 1500);
        for page in &long.pages {
            assert!(height_em(page) * long.size_pt <= ROOM.height_pt + 0.1);
        }
    }

    #[test]
    fn no_page_begins_or_ends_with_a_single_line_of_a_longer_paragraph() {
        for n_words in (225..1400).step_by(45) {
            let fitted = fitted(n_words);
            for paragraph in fitted.pages.iter().filter_map(|page| page.first()) {
                assert!(paragraph.lines.len() > 1, "{n_words} words");
            }
        }
    }

    #[test]
    fn no_text_is_one_empty_page() {
        let fitted = fit(&mut Typesetter::default(), &[], ROOM);
        assert_eq!(fitted.pages.len(), 1);
    }
}
