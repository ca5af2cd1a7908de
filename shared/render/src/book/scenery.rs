//! What the pages are adorned with, in the colours of the story: paper, hills, stars, a night sky.

use krilla::geom::{Path, PathBuilder};

use super::PAGE_SIDE_PT;
use super::sheet::{Sheet, area, rectangle};
use crate::colors::HexColor;
use crate::landscape::{coolest_first, ridge, scattered, star};

/// Segments of a hill's outline.
const HILL_SEGMENTS: u32 = 14;
/// Share of a circle's radius at which the handles of its quarter curves lie.
const CIRCLE_HANDLE: f32 = 0.552_285;

/// The tones of a page, drawn from one of the story's palettes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tones {
    /// The three colours, each dark enough for white letters.
    pub(crate) deep: [HexColor; 3],
    /// Background of pages of text: nearly white, a breath of the first colour.
    pub(crate) paper: HexColor,
    /// Colour of text: nearly black, a breath of the first colour.
    pub(crate) ink: HexColor,
    /// Light tint that goes with white on a deep ground.
    pub(crate) glow: HexColor,
}

impl Tones {
    pub(crate) fn of(palette: [HexColor; 3]) -> Self {
        let deep = palette.map(HexColor::readable_under_white);
        Self {
            deep,
            paper: deep[0]
                .toned(0.975, 0.10)
                .mixed(HexColor::new(255, 250, 240), 0.5),
            ink: deep[0].toned(0.24, 0.4),
            glow: deep[1].toned(0.9, 0.45),
        }
    }
}

impl Sheet<'_> {
    /// Covers the page with one colour.
    pub(crate) fn ground(&mut self, color: HexColor) {
        let page = rectangle(area(0.0, 0.0, PAGE_SIDE_PT, PAGE_SIDE_PT));
        self.decoration(|sheet| sheet.shape(&page, color, 1.0));
    }

    /// Paper with low hills at its foot, the front one dark enough for a white page number.
    pub(crate) fn paper_with_hills(&mut self, tones: &Tones) {
        self.ground(tones.paper);
        let layers = [
            (0, 0.880, tones.deep[1].toned(0.86, 0.30)),
            (1, 0.920, tones.deep[2].toned(0.72, 0.55)),
            (2, 0.958, tones.deep[0]),
        ];
        self.decoration(|sheet| {
            for (layer, height, color) in layers {
                sheet.shape(&hill(layer, height, 0.022), color, 1.0);
            }
        });
    }

    /// A page that is all landscape: sky at dusk, moon, stars, and hills.
    pub(crate) fn night_landscape(&mut self, tones: &Tones) {
        let [first, second, third] = coolest_first(tones.deep);
        let sky = [
            first.toned(0.40, 1.0),
            second.toned(0.62, 0.9),
            second.toned(0.86, 0.6),
        ];
        self.decoration(|sheet| {
            sheet.gradient(area(0.0, 0.0, PAGE_SIDE_PT, PAGE_SIDE_PT * 0.82), &sky);
            sheet.stars(30, 0.5, HexColor::new(255, 248, 226));
            sheet.shape(
                &circle(438.0, 150.0, 78.0),
                HexColor::new(255, 248, 226),
                0.14,
            );
            sheet.shape(
                &circle(438.0, 150.0, 54.0),
                HexColor::new(255, 246, 218),
                1.0,
            );
            for (layer, height, color) in [
                (0, 0.66, second.toned(0.60, 0.8)),
                (1, 0.78, third.toned(0.46, 0.95)),
                (2, 0.89, first.toned(0.32, 1.0)),
            ] {
                sheet.shape(&hill(layer, height, 0.05), color, 1.0);
            }
        });
    }

    /// Scatters stars over the upper share of the page: one path, so that a sky costs few bytes.
    pub(crate) fn stars(&mut self, count: u32, share: f32, color: HexColor) {
        let mut builder = PathBuilder::new();
        for (x, y, size) in scattered(count) {
            let radius = 2.0 + 5.0 * size * size;
            push_star(
                &mut builder,
                x * PAGE_SIDE_PT,
                (0.03 + y * share) * PAGE_SIDE_PT,
                radius,
            );
        }
        if let Some(stars) = builder.finish() {
            self.shape(&stars, color, 0.85);
        }
    }

    /// Three stars in a row, the middle one larger, around a point.
    pub(crate) fn star_row(&mut self, x: f32, y: f32, tones: &Tones) {
        self.decoration(|sheet| {
            for (dx, radius, color) in [
                (-26.0, 5.0, tones.deep[1]),
                (0.0, 8.5, tones.deep[0]),
                (26.0, 5.0, tones.deep[2]),
            ] {
                let star = star_at(x + dx, y, radius);
                sheet.shape(&star, color, 1.0);
                // Rounded points look friendlier.
                sheet.outline(&star, color, radius * 0.3, None);
            }
        });
    }
}

/// A hill over the whole width of the page, its mean height and its swing as shares of the page.
pub(crate) fn hill(layer: u32, height: f32, swing: f32) -> Path {
    let side = PAGE_SIDE_PT;
    let step = 1.0 / HILL_SEGMENTS as f32;
    let y = |x: f32| (height - swing * ridge(layer, x)) * side;
    // A cubic through two points with the slopes there (Hermite form).
    let slope = |x: f32| (y(x + 0.005) - y(x - 0.005)) / 0.01;
    let mut builder = PathBuilder::new();
    builder.move_to(0.0, side);
    builder.line_to(0.0, y(0.0));
    for segment in 0..HILL_SEGMENTS {
        let (from, to) = (segment as f32 * step, (segment + 1) as f32 * step);
        builder.cubic_to(
            (from + step / 3.0) * side,
            y(from) + slope(from) * step / 3.0,
            (to - step / 3.0) * side,
            y(to) - slope(to) * step / 3.0,
            to * side,
            y(to),
        );
    }
    builder.line_to(side, side);
    builder.close();
    builder.finish().expect("a hill is a path")
}

/// A five-pointed star around a point.
pub(crate) fn star_at(x: f32, y: f32, radius: f32) -> Path {
    let mut builder = PathBuilder::new();
    push_star(&mut builder, x, y, radius);
    builder.finish().expect("a star is a path")
}

fn push_star(builder: &mut PathBuilder, x: f32, y: f32, radius: f32) {
    // Hundredths of a point are finer than any printer, and short in the file.
    let fine = |length: f32| (length * 100.0).round() / 100.0;
    for (index, (dx, dy)) in star(radius).into_iter().enumerate() {
        let (x, y) = (fine(x + dx), fine(y + dy));
        if index == 0 {
            builder.move_to(x, y);
        } else {
            builder.line_to(x, y);
        }
    }
    builder.close();
}

/// A circle around a point.
pub(crate) fn circle(x: f32, y: f32, radius: f32) -> Path {
    rounded(x - radius, y - radius, 2.0 * radius, 2.0 * radius, radius)
}

/// A rectangle with round corners.
pub(crate) fn rounded(left: f32, top: f32, width: f32, height: f32, radius: f32) -> Path {
    let (right, bottom) = (left + width, top + height);
    let handle = radius * (1.0 - CIRCLE_HANDLE);
    let mut builder = PathBuilder::new();
    builder.move_to(left + radius, top);
    builder.line_to(right - radius, top);
    builder.cubic_to(
        right - handle,
        top,
        right,
        top + handle,
        right,
        top + radius,
    );
    builder.line_to(right, bottom - radius);
    builder.cubic_to(
        right,
        bottom - handle,
        right - handle,
        bottom,
        right - radius,
        bottom,
    );
    builder.line_to(left + radius, bottom);
    builder.cubic_to(
        left + handle,
        bottom,
        left,
        bottom - handle,
        left,
        bottom - radius,
    );
    builder.line_to(left, top + radius);
    builder.cubic_to(left, top + handle, left + handle, top, left + radius, top);
    builder.close();
    builder.finish().expect("a rounded rectangle is a path")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tone_is_readable_on_the_ground_it_is_meant_for() {
        for palette in [
            [
                HexColor::new(255, 220, 0),
                HexColor::new(0, 255, 255),
                HexColor::WHITE,
            ],
            [
                HexColor::new(10, 10, 10),
                HexColor::new(80, 20, 60),
                HexColor::new(20, 70, 20),
            ],
        ] {
            let tones = Tones::of(palette);
            assert!(
                tones
                    .deep
                    .iter()
                    .all(|color| color.contrast_with_white() >= 4.5)
            );
            let contrast = tones.ink.contrast_with_white() / tones.paper.contrast_with_white();
            assert!(contrast >= 10.0, "{contrast}");
            let on_deep = tones.deep[0].contrast_with_white() / tones.glow.contrast_with_white();
            assert!(on_deep >= 3.0, "{on_deep}");
        }
    }
}
