//! A beat of the story: its picture on the left page, its text on the right.

use std::num::NonZeroU16;

use krilla::tagging::Tag;

use super::text::{FittedTitle, Labels, TITLE_LEADING_EM, draw_paragraphs, fitted_title};
use crate::book::binder::Binder;
use crate::book::lines::{Rag, lines};
use crate::book::paragraphs::{Fitted, Paragraph, Room, fit, height_em};
use crate::book::scenery::Tones;
use crate::book::sheet::{Align, Setting, Sheet, area};
use crate::book::typefaces::Role;
use crate::book::typesetter::{Typesetter, printable};
use crate::book::{Beat, PAGE_SIDE_PT};

pub(crate) const TEXT_LEFT_PT: f32 = 72.0;
pub(crate) const TEXT_WIDTH_PT: f32 = PAGE_SIDE_PT - 2.0 * TEXT_LEFT_PT;
const TEXT_TOP_PT: f32 = 62.0;
/// Where text must end, above the hills.
pub(crate) const TEXT_BOTTOM_PT: f32 = 516.0;
const HEADING_SIZES_PT: (f32, f32) = (34.0, 22.0);
const STORY_SIZES_PT: (f32, f32) = (24.0, 13.0);
/// From a heading to the stars below it, and on to the text.
const HEADING_GAPS_PT: (f32, f32) = (16.0, 22.0);

impl Binder<'_> {
    /// The picture of a beat and as many pages of text as it needs, mostly one.
    pub(crate) fn beat(&mut self, index: usize) {
        let beat: &Beat = &self.book.beats[index];
        let tones = Tones::of(beat.colors);
        // A picture belongs on a left page; a text that ran over leaves it a page too far.
        if self.n_pages.is_multiple_of(2) {
            self.page(|sheet, _| {
                sheet.ground(tones.deep[0]);
                sheet.decoration(|sheet| sheet.stars(44, 0.94, tones.glow));
            });
        }
        let heading = printable(beat.heading.trim());
        let bookmark = if heading.is_empty() {
            (index + 1).to_string()
        } else {
            heading.clone()
        };
        self.bookmark(&bookmark);
        let picture = self.beat_pictures[index].clone();
        self.page(|sheet, _| match &picture {
            Some(image) => {
                let described = beat
                    .picture
                    .as_ref()
                    .and_then(|one| one.description.as_deref());
                let page = area(0.0, 0.0, PAGE_SIDE_PT, PAGE_SIDE_PT);
                sheet.picture(image, page, &printable(described.unwrap_or(&bookmark)));
            }
            None => sheet.night_landscape(&tones),
        });
        self.text_pages(
            &heading,
            &paragraphs(beat),
            STORY_SIZES_PT,
            Labels::Names,
            &tones,
        );
    }

    /// Pages of paragraphs under a heading, which only the first of them shows.
    pub(crate) fn text_pages(
        &mut self,
        heading: &str,
        paragraphs: &dyn Fn(&mut Typesetter) -> Vec<Paragraph>,
        sizes: (f32, f32),
        labels: Labels,
        tones: &Tones,
    ) {
        let mut number = 0;
        let mut prepared: Option<(FittedTitle, Fitted)> = None;
        loop {
            let page_number = self.n_pages + 1;
            self.page(|sheet, typesetter| {
                let (title, fitted) = prepared.get_or_insert_with(|| {
                    let title =
                        fitted_title(typesetter, heading, TEXT_WIDTH_PT, HEADING_SIZES_PT, 2);
                    let room = Room {
                        width_pt: TEXT_WIDTH_PT,
                        height_pt: TEXT_BOTTOM_PT - text_top(&title),
                        size_max_pt: sizes.0,
                        size_min_pt: sizes.1,
                    };
                    let paragraphs = paragraphs(typesetter);
                    (title, fit(typesetter, &paragraphs, room))
                });
                sheet.paper_with_hills(tones);
                if number == 0 && !title.lines.is_empty() {
                    draw_heading(sheet, heading, title, tones);
                }
                let page = &fitted.pages[number];
                let top = if number == 0 {
                    text_top(title)
                } else {
                    TEXT_TOP_PT
                };
                let free = TEXT_BOTTOM_PT - top - height_em(page) * fitted.size_pt;
                // A short text stands a little above the middle of its room, as pictures hang.
                let shift = if fitted.pages.len() == 1 {
                    (free * 0.38).max(0.0)
                } else {
                    0.0
                };
                draw_paragraphs(
                    sheet,
                    fitted,
                    page,
                    (TEXT_LEFT_PT, top + shift),
                    labels,
                    tones,
                );
                draw_page_number(sheet, typesetter, page_number, tones);
            });
            number += 1;
            if prepared
                .as_ref()
                .is_none_or(|(_, fitted)| number >= fitted.pages.len())
            {
                return;
            }
        }
    }
}

/// The paragraphs of a beat: its text, then its dialogue with the names in one column.
fn paragraphs(beat: &Beat) -> impl Fn(&mut Typesetter) -> Vec<Paragraph> {
    let text: Vec<String> = beat.text.lines().map(printable).collect();
    let dialogue: Vec<(String, String)> = beat
        .dialogue
        .iter()
        .map(|line| (printable(line.speaker.trim()), printable(line.words.trim())))
        .collect();
    move |typesetter| {
        let names = dialogue.iter().map(|(speaker, _)| {
            let set = lines(typesetter, Role::Strong, speaker, f32::MAX, Rag::Paragraph);
            set.first().map_or(0.0, |line| line.width_em)
        });
        let indent_em = names.fold(0.0, f32::max) + 0.7;
        let told = text.iter().map(|text| Paragraph {
            label: None,
            text: text.clone(),
            indent_em: 0.0,
        });
        let spoken = dialogue.iter().map(|(speaker, words)| Paragraph {
            // The space that does not break keeps name and words apart in the text that is copied.
            label: Some(format!("{speaker}\u{A0}")).filter(|_| !speaker.is_empty()),
            text: words.clone(),
            indent_em,
        });
        told.chain(spoken)
            .filter(|paragraph| !paragraph.text.trim().is_empty())
            .collect()
    }
}

fn text_top(title: &FittedTitle) -> f32 {
    if title.lines.is_empty() {
        return TEXT_TOP_PT;
    }
    TEXT_TOP_PT + title.height() + HEADING_GAPS_PT.0 + HEADING_GAPS_PT.1
}

fn draw_heading(sheet: &mut Sheet<'_>, heading: &str, title: &FittedTitle, tones: &Tones) {
    let setting = Setting {
        left: TEXT_LEFT_PT,
        top: TEXT_TOP_PT,
        width: TEXT_WIDTH_PT,
        size: title.size,
        leading_em: TITLE_LEADING_EM,
        align: Align::Center,
        color: tones.deep[0],
    };
    let second_level = NonZeroU16::MIN.saturating_add(1);
    let mut below = TEXT_TOP_PT;
    sheet.tagged(Tag::Hn(second_level, Some(heading.to_owned())), |sheet| {
        below = sheet.lines(&title.lines, setting);
    });
    sheet.star_row(PAGE_SIDE_PT / 2.0, below + HEADING_GAPS_PT.0 / 2.0, tones);
}

fn draw_page_number(
    sheet: &mut Sheet<'_>,
    typesetter: &mut Typesetter,
    page_number: usize,
    tones: &Tones,
) {
    let set = lines(
        typesetter,
        Role::Strong,
        &page_number.to_string(),
        10.0,
        Rag::Paragraph,
    );
    let setting = Setting {
        left: 0.0,
        top: 585.0,
        width: PAGE_SIDE_PT,
        size: 12.0,
        leading_em: 1.0,
        align: Align::Center,
        color: tones.glow,
    };
    sheet.decoration(|sheet| {
        sheet.lines(&set, setting);
    });
}
