//! The pages before the story: whose book it is, and what it is called.

use std::num::NonZeroU16;

use krilla::image::Image;
use krilla::tagging::Tag;

use super::text::{FittedTitle, TITLE_LEADING_EM, first_that_fits, fitted_title};
use crate::book::PAGE_SIDE_PT;
use crate::book::binder::Binder;
use crate::book::lines::{Line, Rag, lines};
use crate::book::scenery::{Tones, circle, rounded, star_at};
use crate::book::sheet::{Align, Setting, Sheet, area, rectangle};
use crate::book::typefaces::Role;
use crate::book::typesetter::{Typesetter, printable};

const TEXT_WIDTH_PT: f32 = 460.0;
/// Where the text of the title page must end, above the hills.
const TEXT_BOTTOM_PT: f32 = 510.0;
const ABOUT_SIZE_PT: f32 = 20.0;
const ABOUT_LINES_MAX: usize = 3;
const MEDALLION_TOP_PT: f32 = 58.0;
const MEDALLION_RADIUS_PT: std::ops::RangeInclusive<f32> = 60.0..=122.0;

/// Lines of the title page below one another, at sizes that fit.
struct TitleText {
    title: FittedTitle,
    /// Lines, size in points, space above in points.
    rest: Vec<(Vec<Line>, f32, f32)>,
}

impl TitleText {
    fn height(&self) -> f32 {
        let rest = self
            .rest
            .iter()
            .map(|(lines, size, gap)| lines.len() as f32 * size * 1.4 + gap);
        self.title.height() + rest.sum::<f32>()
    }
}

impl Binder<'_> {
    /// Whom the story is about, in words: with all names, and with the first one for a narrow place.
    /// Nothing without heroes.
    pub(crate) fn about(&self) -> Vec<String> {
        let phrases = &self.options.phrases;
        let names: Vec<String> = self
            .book
            .hero_names
            .iter()
            .map(|name| printable(name.trim()))
            .collect();
        if names.is_empty() {
            return Vec::new();
        }
        [phrases.joined(&names), phrases.first_and_friends(&names)]
            .map(|names| phrases.story_about.replace("{names}", &names))
            .into()
    }

    /// A name plate on a starry end paper, with a line to write on.
    pub(crate) fn name_plate(&mut self) {
        let tones = self.tones;
        let belongs_to = printable(&self.options.phrases.belongs_to);
        self.page(|sheet, typesetter| {
            let middle = PAGE_SIDE_PT / 2.0;
            sheet.ground(tones.deep[0]);
            sheet.decoration(|sheet| {
                sheet.stars(44, 0.94, tones.glow);
                sheet.shape(&rounded(106.0, 206.0, 400.0, 200.0, 30.0), tones.paper, 1.0);
                let border = rounded(118.0, 218.0, 376.0, 176.0, 22.0);
                sheet.outline(&border, tones.deep[1].toned(0.7, 0.7), 2.4, Some(8.0));
                let line = rectangle(area(166.0, 352.0, 280.0, 0.9));
                sheet.shape(&line, tones.ink, 0.7);
            });
            let words = fitted_title(typesetter, &belongs_to, 330.0, (27.0, 14.0), 1);
            if words.lines.is_empty() {
                return;
            }
            sheet.tagged(Tag::P, |sheet| {
                let setting = Setting {
                    left: middle - 165.0,
                    top: 252.0,
                    width: 330.0,
                    size: words.size,
                    leading_em: TITLE_LEADING_EM,
                    align: Align::Center,
                    color: tones.deep[0],
                };
                sheet.lines(&words.lines, setting);
            });
        });
    }

    /// The title page, with a round piece of the cover.
    pub(crate) fn title_page(&mut self) {
        let (tones, cover) = (self.tones, self.cover.clone());
        let title = self.title();
        let about = self.about();
        let asides: [(Role, String, f32, f32); 2] = [
            (
                Role::Story,
                self.book.subtitle.clone().unwrap_or_default(),
                15.0,
                6.0,
            ),
            (
                Role::Aside,
                self.book.dedication.clone().unwrap_or_default(),
                16.0,
                34.0,
            ),
        ];
        self.page(|sheet, typesetter| {
            sheet.paper_with_hills(&tones);
            let measure_em = TEXT_WIDTH_PT * 0.9 / ABOUT_SIZE_PT;
            let about = first_that_fits(typesetter, &about, measure_em, ABOUT_LINES_MAX);
            let asides: Vec<(Role, String, f32, f32)> =
                std::iter::once((Role::Aside, about, ABOUT_SIZE_PT, 8.0))
                    .chain(asides)
                    .map(|(role, text, size, gap)| (role, printable(&text), size, gap))
                    .filter(|(_, text, _, _)| !text.trim().is_empty())
                    .collect();
            let text = title_text(typesetter, &title, &asides);
            let room = TEXT_BOTTOM_PT - MEDALLION_TOP_PT - text.height() - 30.0;
            let radius =
                (room / 2.0).clamp(*MEDALLION_RADIUS_PT.start(), *MEDALLION_RADIUS_PT.end());
            let free = (room - 2.0 * radius).max(0.0);
            let middle_y = MEDALLION_TOP_PT + free * 0.4 + radius;
            medallion(sheet, cover.as_ref(), &tones, middle_y, radius);
            draw_title(sheet, &title, &text, &tones, middle_y + radius + 26.0);
        });
    }
}

fn title_text(
    typesetter: &mut Typesetter,
    title: &str,
    asides: &[(Role, String, f32, f32)],
) -> TitleText {
    let height_max = TEXT_BOTTOM_PT - MEDALLION_TOP_PT - 2.0 * MEDALLION_RADIUS_PT.start() - 30.0;
    let mut scale = 1.0;
    loop {
        let sizes = (46.0 * scale, 24.0 * scale);
        let title = fitted_title(typesetter, title, TEXT_WIDTH_PT, sizes, 2);
        let rest = asides
            .iter()
            .map(|(role, text, size, gap)| {
                let size = size * scale;
                let measure_em = TEXT_WIDTH_PT * 0.9 / size;
                (
                    lines(typesetter, *role, text, measure_em, Rag::Balanced),
                    size,
                    *gap,
                )
            })
            .collect();
        let text = TitleText { title, rest };
        if text.height() <= height_max || scale < 0.5 {
            return text;
        }
        scale -= 0.05;
    }
}

fn medallion(
    sheet: &mut Sheet<'_>,
    cover: Option<&Image>,
    tones: &Tones,
    middle_y: f32,
    radius: f32,
) {
    let middle_x = PAGE_SIDE_PT / 2.0;
    let disc = circle(middle_x, middle_y, radius);
    let ring = circle(middle_x, middle_y, radius + 7.0);
    sheet.decoration(|sheet| match cover {
        Some(image) => {
            let side = 2.0 * radius;
            let place = area(middle_x - radius, middle_y - radius, side, side);
            sheet.image(image, place, &disc);
            sheet.outline(&ring, tones.deep[1], 2.6, None);
        }
        None => {
            sheet.shape(&disc, tones.deep[0], 1.0);
            let star = star_at(middle_x, middle_y, radius * 0.5);
            sheet.shape(&star, tones.glow, 1.0);
            sheet.outline(&star, tones.glow, radius * 0.14, None);
            sheet.outline(&ring, tones.deep[1], 2.6, None);
        }
    });
}

fn draw_title(sheet: &mut Sheet<'_>, title: &str, text: &TitleText, tones: &Tones, top: f32) {
    let setting = Setting {
        left: (PAGE_SIDE_PT - TEXT_WIDTH_PT) / 2.0,
        top,
        width: TEXT_WIDTH_PT,
        size: text.title.size,
        leading_em: TITLE_LEADING_EM,
        align: Align::Center,
        color: tones.deep[0],
    };
    let mut below = top;
    sheet.tagged(Tag::Hn(NonZeroU16::MIN, Some(title.to_owned())), |sheet| {
        below = sheet.lines(&text.title.lines, setting);
    });
    for (lines, size, gap) in &text.rest {
        let setting = Setting {
            top: below + gap,
            size: *size,
            leading_em: 1.4,
            color: tones.ink,
            ..setting
        };
        sheet.tagged(Tag::P, |sheet| below = sheet.lines(lines, setting));
    }
}
