//! The pages after the story: its end, and what to talk about.

use std::num::NonZeroU16;

use krilla::tagging::Tag;

use super::spread::{TEXT_BOTTOM_PT, TEXT_LEFT_PT, TEXT_WIDTH_PT};
use super::text::{Labels, TITLE_LEADING_EM, fitted_title};
use crate::book::PAGE_SIDE_PT;
use crate::book::binder::Binder;
use crate::book::lines::{Rag, lines};
use crate::book::paragraphs::Paragraph;
use crate::book::sheet::{Align, Setting};
use crate::book::typefaces::Role;
use crate::book::typesetter::{Typesetter, printable};

const END_SIZES_PT: (f32, f32) = (68.0, 30.0);
const MORAL_SIZES_PT: (f32, f32) = (23.0, 12.0);
const MORAL_LEADING_EM: f32 = 1.45;
const QUESTION_SIZES_PT: (f32, f32) = (19.0, 12.0);
/// Room between the end and its moral, with stars in the middle.
const STAR_GAP_PT: f32 = 64.0;
/// How far a question stands in, to leave room for its number.
const QUESTION_INDENT_EM: f32 = 2.3;

impl Binder<'_> {
    /// "The End", and what the story leaves its reader with.
    pub(crate) fn the_end(&mut self) {
        let tones = self.tones;
        let the_end = printable(&self.options.phrases.the_end);
        let moral = printable(self.book.moral.as_deref().unwrap_or_default());
        if !the_end.is_empty() {
            self.bookmark(&the_end);
        }
        self.page(|sheet, typesetter| {
            sheet.paper_with_hills(&tones);
            let title = fitted_title(typesetter, &the_end, TEXT_WIDTH_PT, END_SIZES_PT, 1);
            let setting = Setting {
                left: TEXT_LEFT_PT,
                top: 0.0,
                width: TEXT_WIDTH_PT,
                size: title.size,
                leading_em: TITLE_LEADING_EM,
                align: Align::Center,
                color: tones.deep[0],
            };
            let title_height = setting.height(title.lines.len());
            let room = TEXT_BOTTOM_PT - 2.0 * 62.0 - title_height - STAR_GAP_PT;
            let mut size = MORAL_SIZES_PT.0;
            let (moral, moral_setting) = loop {
                let measure_em = TEXT_WIDTH_PT * 0.88 / size;
                let set = lines(typesetter, Role::Aside, &moral, measure_em, Rag::Balanced);
                let setting = Setting {
                    size,
                    leading_em: MORAL_LEADING_EM,
                    color: tones.ink,
                    ..setting
                };
                if setting.height(set.len()) <= room || size <= MORAL_SIZES_PT.1 {
                    break (set, setting);
                }
                size -= 0.5;
            };
            let height = title_height + STAR_GAP_PT + moral_setting.height(moral.len());
            let top = ((TEXT_BOTTOM_PT - height) * 0.45).max(40.0);
            let second_level = NonZeroU16::MIN.saturating_add(1);
            let mut below = top;
            if !title.lines.is_empty() {
                sheet.tagged(Tag::Hn(second_level, Some(the_end.clone())), |sheet| {
                    below = sheet.lines(&title.lines, Setting { top, ..setting });
                });
            }
            sheet.star_row(PAGE_SIDE_PT / 2.0, below + STAR_GAP_PT * 0.5, &tones);
            if !moral.is_empty() {
                sheet.tagged(Tag::P, |sheet| {
                    sheet.lines(
                        &moral,
                        Setting {
                            top: below + STAR_GAP_PT,
                            ..moral_setting
                        },
                    );
                });
            }
        });
    }

    /// The questions, numbered; no page without any.
    pub(crate) fn questions(&mut self) {
        let questions: Vec<Paragraph> = self
            .book
            .questions
            .iter()
            .map(|question| printable(question.trim()))
            .filter(|question| !question.trim().is_empty())
            .enumerate()
            .map(|(index, text)| Paragraph {
                label: Some((index + 1).to_string()),
                text,
                indent_em: QUESTION_INDENT_EM,
            })
            .collect();
        if questions.is_empty() {
            return;
        }
        let heading = printable(&self.options.phrases.talk_about_it);
        let tones = self.tones;
        self.bookmark(if heading.is_empty() { "?" } else { &heading });
        let prepared = |_: &mut Typesetter| questions.clone();
        self.text_pages(
            &heading,
            &prepared,
            QUESTION_SIZES_PT,
            Labels::Discs,
            &tones,
        );
    }
}
