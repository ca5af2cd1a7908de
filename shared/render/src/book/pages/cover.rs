//! The front and the back of the book.

use krilla::tagging::Tag;

use super::text::{FittedTitle, TITLE_LEADING_EM, first_that_fits, fitted_title};
use crate::book::PAGE_SIDE_PT;
use crate::book::binder::Binder;
use crate::book::lines::{Rag, lines};
use crate::book::scenery::{hill, star_at};
use crate::book::sheet::{Align, Setting, area};
use crate::book::typefaces::Role;
use crate::book::typesetter::Typesetter;
use crate::colors::HexColor;

/// Sizes of the title that are tried, in points, the largest first.
const TITLE_SIZES_PT: (f32, f32) = (54.0, 26.0);
/// A title that is still higher than this is set smaller than any of them, so that the panel leaves
/// the hero's face free.
const TITLE_HEIGHT_MAX_PT: f32 = 118.0;
const TITLE_SIZE_MIN_PT: f32 = 13.0;
const ABOUT_SIZE_PT: f32 = 19.0;
const ABOUT_LINES_MAX: usize = 2;
const TEXT_WIDTH_PT: f32 = 516.0;
/// From the edge of the panel's hill down to the title, and from the last line to the page's edge.
const PANEL_PADDING_PT: (f32, f32) = (38.0, 34.0);

impl Binder<'_> {
    /// The picture to all edges, a dark hill before it that carries the title.
    pub(crate) fn cover(&mut self) {
        let (title, about) = (self.title(), self.about());
        let (tones, picture) = (self.tones, self.cover.clone());
        let described = self
            .book
            .cover
            .as_ref()
            .and_then(|cover| cover.description.clone());
        let description = described.unwrap_or_else(|| title.clone());
        self.bookmark(&title);
        self.page(|sheet, typesetter| {
            let title = cover_title(typesetter, &title);
            let measure_em = TEXT_WIDTH_PT / ABOUT_SIZE_PT;
            let about = first_that_fits(typesetter, &about, measure_em, ABOUT_LINES_MAX);
            let about = lines(typesetter, Role::Aside, &about, measure_em, Rag::Balanced);
            let setting = Setting {
                left: (PAGE_SIDE_PT - TEXT_WIDTH_PT) / 2.0,
                top: 0.0,
                width: TEXT_WIDTH_PT,
                size: title.size,
                leading_em: TITLE_LEADING_EM,
                align: Align::Center,
                color: HexColor::WHITE,
            };
            let small = Setting {
                size: ABOUT_SIZE_PT,
                leading_em: 1.3,
                color: tones.glow,
                ..setting
            };
            let text_height = setting.height(title.lines.len()) + small.height(about.len());
            let panel = text_height + PANEL_PADDING_PT.0 + PANEL_PADDING_PT.1;
            match &picture {
                // Lifted a little, so that the panel hides less of what matters.
                Some(image) => {
                    let lift = (panel * 0.3).min(56.0);
                    let place = area(0.0, -lift, PAGE_SIDE_PT, PAGE_SIDE_PT);
                    sheet.picture(image, place, &description);
                }
                None => sheet.night_landscape(&tones),
            }
            let edge = 1.0 - panel / PAGE_SIDE_PT;
            sheet.decoration(|sheet| {
                sheet.shape(
                    &hill(0, edge - 0.018, 0.022),
                    tones.deep[1].toned(0.80, 0.6),
                    0.85,
                );
                sheet.shape(&hill(2, edge, 0.022), tones.deep[0], 1.0);
            });
            let top = PAGE_SIDE_PT - panel + PANEL_PADDING_PT.0;
            let mut below = top;
            sheet.tagged(Tag::Title, |sheet| {
                below = sheet.lines(&title.lines, Setting { top, ..setting });
            });
            if !about.is_empty() {
                sheet.tagged(Tag::P, |sheet| {
                    sheet.lines(
                        &about,
                        Setting {
                            top: below + 4.0,
                            ..small
                        },
                    );
                });
            }
        });
    }

    /// A night sky with one large star.
    pub(crate) fn back_cover(&mut self) {
        let tones = self.tones;
        self.page(|sheet, _| {
            sheet.ground(tones.deep[0]);
            sheet.decoration(|sheet| {
                sheet.stars(44, 0.94, tones.glow);
                let middle = PAGE_SIDE_PT / 2.0;
                let star = star_at(middle, middle, 44.0);
                sheet.shape(&star, tones.glow, 1.0);
                sheet.outline(&star, tones.glow, 12.0, None);
            });
        });
    }
}

/// The title at the largest size at which it leaves enough of the picture.
fn cover_title(typesetter: &mut Typesetter, title: &str) -> FittedTitle {
    let mut fitted = fitted_title(typesetter, title, TEXT_WIDTH_PT, TITLE_SIZES_PT, 2);
    while fitted.height() > TITLE_HEIGHT_MAX_PT && fitted.size > TITLE_SIZE_MIN_PT {
        let size = fitted.size - 1.0;
        fitted = fitted_title(typesetter, title, TEXT_WIDTH_PT, (size, size), 2);
    }
    fitted
}
