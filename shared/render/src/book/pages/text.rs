//! Text as pages use it: titles that fit, and paragraphs with their labels.

use krilla::tagging::{ListNumbering, Tag, TagGroup};

use crate::book::lines::{Line, Rag, lines};
use crate::book::paragraphs::{Fitted, LEADING_EM, SetParagraph, advance_em};
use crate::book::scenery::{Tones, circle};
use crate::book::sheet::{Align, Setting, Sheet};
use crate::book::typefaces::Role;
use crate::book::typesetter::Typesetter;
use crate::colors::HexColor;

/// Distance of baselines of titles, in units of the font size.
pub(crate) const TITLE_LEADING_EM: f32 = 1.16;

/// Lines of a title and the size at which they fit.
#[derive(Clone, Debug)]
pub(crate) struct FittedTitle {
    pub(crate) lines: Vec<Line>,
    pub(crate) size: f32,
}

impl FittedTitle {
    /// Height of its lines, in points.
    pub(crate) fn height(&self) -> f32 {
        self.lines.len() as f32 * self.size * TITLE_LEADING_EM
    }
}

/// The largest size, down to the smaller of the two, at which a title needs at most so many lines.
pub(crate) fn fitted_title(
    typesetter: &mut Typesetter,
    text: &str,
    width: f32,
    sizes: (f32, f32),
    lines_max: usize,
) -> FittedTitle {
    let (mut size, size_min) = sizes;
    loop {
        let lines = lines(typesetter, Role::Display, text, width / size, Rag::Balanced);
        // Cutting a word is worse than a smaller size, whatever the number of lines.
        let whole = lines.iter().all(|line| !line.is_cut);
        if (lines.len() <= lines_max && whole) || size <= size_min {
            return FittedTitle { lines, size };
        }
        size = (size - 1.0).max(size_min);
    }
}

/// The first of several ways to say something that needs at most so many lines, else the last.
pub(crate) fn first_that_fits(
    typesetter: &mut Typesetter,
    ways: &[String],
    measure_em: f32,
    lines_max: usize,
) -> String {
    let mut fits = |way: &&String| {
        let set = lines(typesetter, Role::Aside, way, measure_em, Rag::Balanced);
        set.len() <= lines_max && set.iter().all(|line| !line.is_cut)
    };
    let fitting = ways.iter().find(|way| fits(way)).or(ways.last());
    fitting.cloned().unwrap_or_default()
}

/// How labels stand before their paragraphs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Labels {
    /// Before the first line, in a colour of the page: who speaks.
    Names,
    /// White in a disc; the paragraphs are items of a list.
    Discs,
}

/// Draws one page of paragraphs and returns the elements it consists of.
pub(crate) fn draw_paragraphs(
    sheet: &mut Sheet<'_>,
    fitted: &Fitted,
    page: &[SetParagraph],
    at: (f32, f32),
    labels: Labels,
    tones: &Tones,
) {
    let (left, mut top) = at;
    let size = fitted.size_pt;
    let setting = |left: f32, top: f32, color: HexColor| Setting {
        left,
        top,
        width: 0.0,
        size,
        leading_em: LEADING_EM,
        align: Align::Left,
        color,
    };
    let mut list = TagGroup::new(Tag::L(ListNumbering::Decimal));
    for (index, paragraph) in page.iter().enumerate() {
        let body = setting(left + paragraph.indent_em * size, top, tones.ink);
        match (&paragraph.label, labels) {
            (label, Labels::Discs) => {
                let mut item = TagGroup::new(Tag::LI);
                if let Some(label) = label {
                    let color = tones.deep[index % tones.deep.len()];
                    let draw = |sheet: &mut Sheet<'_>| disc(sheet, label, (left, top), size, color);
                    item.push(sheet.element(Tag::Lbl, draw));
                }
                item.push(sheet.element(Tag::LBody, |sheet| {
                    sheet.lines(&paragraph.lines, body);
                }));
                list.push(item);
            }
            (label, Labels::Names) => sheet.tagged(Tag::P, |sheet| {
                if let Some(label) = label {
                    let label = std::slice::from_ref(label);
                    sheet.lines(label, setting(left, top, tones.deep[1]));
                }
                sheet.lines(&paragraph.lines, body);
            }),
        }
        top += advance_em(paragraph) * size;
    }
    if !list.children.is_empty() {
        sheet.nodes.push(list.into());
    }
}

fn disc(sheet: &mut Sheet<'_>, label: &Line, at: (f32, f32), size: f32, color: HexColor) {
    let radius = size * 0.78;
    let (left, top) = at;
    // The middle of the figures lies a third of their size above the baseline.
    sheet.shape(
        &circle(left + radius, top + size * 0.47, radius),
        color,
        1.0,
    );
    let setting = Setting {
        left,
        top: top + size * 0.06,
        width: 2.0 * radius,
        size: size * 0.92,
        leading_em: 1.0,
        align: Align::Center,
        color: HexColor::WHITE,
    };
    sheet.lines(std::slice::from_ref(label), setting);
}
