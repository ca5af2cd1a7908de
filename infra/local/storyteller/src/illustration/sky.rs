//! Skies: color by the hour and the palette, sun, moon, stars and clouds.

use super::brief::{Brief, Light, Setting};
use super::canvas::{Canvas, Point, star_outline};
use super::color::{CREAM, Color, GOLD, WHITE};
use crate::seeded::Seeded;

/// The colors of a scene's air and land, from the palette and the hour.
#[derive(Debug, Clone, Copy)]
pub(super) struct Air {
    pub(super) top: Color,
    pub(super) middle: Color,
    pub(super) horizon: Color,
    /// What far things fade into.
    pub(super) haze: Color,
    /// The palette, from dark to light.
    pub(super) tones: [Color; 3],
    pub(super) light: Light,
}

impl Air {
    pub(super) fn of(brief: &Brief) -> Air {
        let mut tones = brief.palette;
        tones.sort_by(|a, b| a.lightness().total_cmp(&b.lightness()));
        let [dark, medium, bright] = tones;
        let blue = Color::rgb(0x4A_A8_F0);
        let (top, middle, horizon) = match brief.light {
            Light::Night => (
                dark.mix(Color::rgb(0x16_18_48), 0.55).with_lightness(0.24),
                medium.mix(dark, 0.4).with_lightness(0.38),
                bright.mix(medium, 0.5).with_lightness(0.60),
            ),
            Light::Dusk => (
                dark.with_lightness(0.46),
                medium.mix(bright, 0.35).with_lightness(0.66),
                bright.lighter(0.30).with_lightness(0.84),
            ),
            Light::Dawn => {
                let warm = Color::rgb(0xF8_A8_70).nearest(tones).vivid(1.1);
                let top = blue
                    .nearest(tones)
                    .mix(blue, 0.55)
                    .with_lightness(0.72)
                    .vivid(1.15);
                (
                    top,
                    warm.mix(Color::rgb(0xFF_D8_C0), 0.45).with_lightness(0.86),
                    warm.mix(CREAM, 0.35).with_lightness(0.90).vivid(1.3),
                )
            }
            Light::Day => {
                let top = blue
                    .nearest(tones)
                    .mix(blue, 0.50)
                    .with_lightness(0.72)
                    .vivid(1.2);
                (
                    top,
                    top.lighter(0.38).with_lightness(0.85),
                    bright.mix(CREAM, 0.55).with_lightness(0.95),
                )
            }
        };
        Air {
            top,
            middle,
            horizon,
            haze: horizon.mix(middle, 0.5),
            tones,
            light: brief.light,
        }
    }

    /// How a natural color looks in this air and this palette.
    pub(super) fn tint(&self, natural: Color, palette_share: f32) -> Color {
        let [dark, _, bright] = self.tones;
        // The tone of the nearest hue keeps leaves green and sand yellow, in the palette's way.
        let mixed = natural.mix(natural.nearest(self.tones), palette_share);
        match self.light {
            Light::Night => mixed
                .mix(dark.mix(Color::rgb(0x20_30_90), 0.5), 0.34)
                .with_lightness(natural.lightness() * 0.58 + 0.06)
                .vivid(1.2),
            Light::Dusk => mixed
                .mix(bright, 0.10)
                .with_lightness(natural.lightness() * 0.88)
                .vivid(1.1),
            Light::Dawn => mixed.mix(bright, 0.08).vivid(1.08),
            Light::Day => mixed.vivid(1.06),
        }
    }

    pub(super) fn is_dark(&self) -> bool {
        self.light == Light::Night
    }
}

/// Fills the picture with sky.
pub(super) fn draw(canvas: &mut Canvas, brief: &Brief, air: &Air, width: f32, seeded: &mut Seeded) {
    let fill = canvas.downward(&[
        (0.0, air.top, 1.0),
        (0.45, air.middle, 1.0),
        (0.78, air.horizon, 1.0),
        (1.0, air.horizon, 1.0),
    ]);
    canvas.rectangle((0.0, 0.0), (width, 1000.0), 0.0, &fill);
    if air.is_dark() {
        stars(canvas, width, 620.0, seeded);
    }
    if brief.setting == Setting::Space {
        return;
    }
    let side = if brief.number % 2 == 1 { 0.78 } else { 0.20 };
    let place = if brief.is_cover() {
        (width * 0.5, 400.0)
    } else {
        (width * side, 190.0)
    };
    match air.light {
        Light::Night if brief.setting == Setting::Clouds => {}
        Light::Night => moon(
            canvas,
            place,
            if brief.is_cover() { 190.0 } else { 78.0 },
            false,
        ),
        Light::Dusk => sun(
            canvas,
            (place.0, if brief.is_cover() { 420.0 } else { 480.0 }),
            if brief.is_cover() { 180.0 } else { 86.0 },
            air.tones[2].mix(GOLD, 0.6),
        ),
        Light::Dawn => sun(
            canvas,
            (place.0, if brief.is_cover() { 420.0 } else { 430.0 }),
            if brief.is_cover() { 180.0 } else { 80.0 },
            GOLD.mix(CREAM, 0.3),
        ),
        Light::Day if !brief.rain => sun(
            canvas,
            place,
            if brief.is_cover() { 170.0 } else { 62.0 },
            GOLD.mix(CREAM, 0.35),
        ),
        Light::Day => {}
    }
    let cloud_color = if brief.rain {
        air.top.mix(Color::rgb(0x70_78_98), 0.5)
    } else {
        air.horizon.lighter(0.55)
    };
    let strength = if air.is_dark() { 0.26 } else { 0.85 };
    for index in 0..4 {
        let x = width * (0.08 + 0.28 * index as f32) + seeded.between(-60.0, 60.0) as f32;
        let y = seeded.between(90.0, 330.0) as f32;
        cloud(
            canvas,
            (x, y),
            seeded.between(0.6, 1.25) as f32,
            cloud_color,
            strength,
        );
    }
}

pub(super) fn stars(canvas: &mut Canvas, width: f32, depth: f32, seeded: &mut Seeded) {
    for index in 0..90 {
        let at = (
            seeded.between(0.0, f64::from(width)) as f32,
            (seeded.unit() * f64::from(depth)) as f32,
        );
        let size = seeded.between(1.0, 3.2) as f32;
        if index % 13 == 0 {
            canvas.glow(at, 22.0, WHITE, 0.5);
            canvas.path(&star_outline(at, 9.0), "#fff8dc");
        } else {
            canvas.circle(
                at,
                size,
                &format!("#fffbe8{}", if index % 3 == 0 { "ff" } else { "aa" }),
            );
        }
    }
}

fn sun(canvas: &mut Canvas, at: Point, radius: f32, color: Color) {
    canvas.glow(at, radius * 4.2, color, 0.75);
    for index in 0..14 {
        let angle = index as f32 / 14.0 * std::f32::consts::TAU + 0.1;
        let (dx, dy) = (angle.cos(), angle.sin());
        let ray = format!(
            "M{:.1},{:.1} L{:.1},{:.1} L{:.1},{:.1} Z",
            at.0 + (angle - 0.09).cos() * radius * 1.16,
            at.1 + (angle - 0.09).sin() * radius * 1.16,
            at.0 + dx * radius * 2.7,
            at.1 + dy * radius * 2.7,
            at.0 + (angle + 0.09).cos() * radius * 1.16,
            at.1 + (angle + 0.09).sin() * radius * 1.16
        );
        canvas.path(&ray, &format!("{}30", WHITE.hex()));
    }
    let fill = canvas.radial(
        (0.4, 0.35),
        0.7,
        &[
            (0.0, WHITE, 1.0),
            (0.6, color.lighter(0.35), 1.0),
            (1.0, color, 1.0),
        ],
    );
    canvas.circle(at, radius, &fill);
}

/// A full moon; with a face where it is somebody.
pub(super) fn moon(canvas: &mut Canvas, at: Point, radius: f32, face: bool) {
    let color = Color::rgb(0xFF_F0_BC);
    canvas.glow(at, radius * 3.4, color, 0.62);
    let fill = canvas.radial(
        (0.38, 0.34),
        0.75,
        &[
            (0.0, Color::rgb(0xFF_FD_F0), 1.0),
            (0.6, color, 1.0),
            (1.0, Color::rgb(0xF0_CC_88), 1.0),
        ],
    );
    canvas.circle(at, radius, &fill);
    for (dx, dy, size) in [
        (0.42, -0.36, 0.15),
        (-0.5, 0.42, 0.12),
        (0.5, 0.46, 0.09),
        (-0.28, -0.55, 0.09),
    ] {
        canvas.circle(
            (at.0 + dx * radius, at.1 + dy * radius),
            size * radius,
            "#e8c88866",
        );
    }
    if face {
        let line = "#8a5a48";
        let width = radius * 0.045;
        for side in [-1.0f32, 1.0] {
            let x = at.0 + side * radius * 0.34;
            canvas.line(
                &format!(
                    "M{:.1},{:.1} q{:.1},{:.1} {:.1},0",
                    x - radius * 0.14,
                    at.1 - radius * 0.06,
                    radius * 0.14,
                    radius * 0.14,
                    radius * 0.28
                ),
                line,
                width,
            );
            canvas.circle(
                (at.0 + side * radius * 0.52, at.1 + radius * 0.2),
                radius * 0.13,
                "#f4907a66",
            );
        }
        canvas.line(
            &format!(
                "M{:.1},{:.1} q{:.1},{:.1} {:.1},0",
                at.0 - radius * 0.22,
                at.1 + radius * 0.26,
                radius * 0.22,
                radius * 0.22,
                radius * 0.44
            ),
            line,
            width,
        );
    }
}

/// A cloud of soft balls on a flat bottom.
pub(super) fn cloud(canvas: &mut Canvas, at: Point, size: f32, color: Color, strength: f32) {
    let fill = canvas.downward(&[(0.0, color.lighter(0.6), 1.0), (1.0, color, 1.0)]);
    canvas.group(&format!("opacity='{strength:.2}' transform='translate({:.1} {:.1}) scale({size:.2})'", at.0, at.1), |canvas| {
        canvas.path("M-96,24 C-128,24 -128,-20 -92,-20 C-90,-54 -42,-62 -26,-36 C-10,-76 56,-70 58,-26 C86,-40 118,-20 108,4 C120,16 108,26 96,24 Z", &fill);
    });
}

/// Slanting drops over everything.
pub(super) fn rain(canvas: &mut Canvas, width: f32, seeded: &mut Seeded) {
    for _ in 0..110 {
        let (x, y) = (
            seeded.between(0.0, f64::from(width)) as f32,
            seeded.between(0.0, 960.0) as f32,
        );
        let length = seeded.between(16.0, 34.0) as f32;
        canvas.line(
            &format!("M{x:.1},{y:.1} l{:.1},{length:.1}", -length * 0.22),
            "#e8f4ff88",
            2.4,
        );
    }
}
