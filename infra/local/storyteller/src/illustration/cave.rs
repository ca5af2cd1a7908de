//! A cave full of crystals, or a cellar painted like the sky.

use super::brief::Brief;
use super::canvas::{Canvas, Point};
use super::color::{CREAM, Color, GOLD};
use super::land;
use super::places::GROUND;
use super::sky::{self, Air};
use crate::seeded::Seeded;

/// A cave full of crystals, with a way out behind.
pub(super) fn draw(canvas: &mut Canvas, air: &Air, width: f32, brief: &Brief, seeded: &mut Seeded) {
    let [dark, medium, bright] = air.tones;
    let rock = dark.mix(Color::rgb(0x28_24_50), 0.35).with_lightness(0.30);
    let inner = canvas.radial(
        (0.5, 0.42),
        0.75,
        &[
            (0.0, medium.with_lightness(0.62), 1.0),
            (0.45, medium.mix(dark, 0.5).with_lightness(0.42), 1.0),
            (1.0, rock.darker(0.35), 1.0),
        ],
    );
    canvas.rectangle((0.0, 0.0), (width, 1000.0), 0.0, &inner);
    let painted = brief.mentions(&["painted with"]);
    if painted {
        painted_sky(canvas, medium, width, seeded);
    }
    canvas.glow((width * 0.5, 430.0), 420.0, bright.lighter(0.35), 0.55);
    walls(canvas, rock, medium, width, seeded);
    let floor = rock.mix(medium, 0.25).with_lightness(0.36);
    let points = land::ridge(width, GROUND + 10.0, 14.0, seeded);
    land::hill(canvas, &points, floor, 0.35);
    if painted {
        return;
    }
    let gems = [
        bright.lighter(0.25),
        medium.lighter(0.4),
        Color::rgb(0xF2_88_C0).mix(bright, 0.3),
        Color::rgb(0x78_E0_E8).mix(medium, 0.3),
    ];
    for (index, (share, y, size)) in [
        (0.07f32, 820.0f32, 1.4f32),
        (0.17, 850.0, 0.9),
        (0.27, 792.0, 0.62),
        (0.93, 830.0, 1.5),
        (0.83, 850.0, 1.0),
        (0.73, 790.0, 0.62),
        (0.10, 560.0, 0.7),
        (0.91, 540.0, 0.7),
    ]
    .into_iter()
    .enumerate()
    {
        crystal(canvas, (width * share, y), size, gems[index % gems.len()]);
    }
    if brief.mentions(&["fallen star", "tiny star", "little star"]) {
        fallen_star(canvas, (width * 0.70, 850.0));
    }
}

fn painted_sky(canvas: &mut Canvas, medium: Color, width: f32, seeded: &mut Seeded) {
    let blue = Color::rgb(0x5A_B0_F0);
    for _ in 0..16 {
        let at = (
            seeded.between(0.1, 0.9) as f32 * width,
            seeded.between(160.0, 640.0) as f32,
        );
        canvas.ellipse(
            at,
            (
                seeded.between(60.0, 130.0) as f32,
                seeded.between(30.0, 60.0) as f32,
            ),
            &format!("{}88", blue.mix(medium, 0.3).lighter(0.2).hex()),
        );
    }
    sky::cloud(canvas, (width * 0.3, 300.0), 1.0, CREAM, 0.85);
}

fn fallen_star(canvas: &mut Canvas, at: Point) {
    canvas.glow(at, 190.0, GOLD, 0.9);
    canvas.outlined(
        &super::canvas::star_outline(at, 46.0),
        &GOLD.lighter(0.35).hex(),
        Color::rgb(0xD8_98_30),
        4.0,
    );
    for dx in [-12.0, 12.0] {
        canvas.circle((at.0 + dx, at.1 - 2.0), 4.4, "#5a3820");
    }
    canvas.line(
        &format!("M{:.1},{:.1} q8,7 16,0", at.0 - 8.0, at.1 + 9.0),
        "#5a3820",
        3.0,
    );
}

/// Two layers of rock around the open middle, with rounded stones hanging from above.
fn walls(canvas: &mut Canvas, rock: Color, medium: Color, width: f32, seeded: &mut Seeded) {
    for (inset, share) in [(0.09f32, 0.34), (0.0, 0.06)] {
        let color = rock.mix(medium, share).darker(0.16);
        let fill = canvas.downward(&[
            (0.0, color.darker(0.35), 1.0),
            (0.6, color, 1.0),
            (1.0, color.darker(0.2), 1.0),
        ]);
        let (w, left, right) = (width, width * (0.05 + inset), width * (0.95 - inset));
        let top = 110.0 + inset * 900.0;
        canvas.path(
            &format!("M-10,-10 L{:.1},-10 L{:.1},1010 L{:.1},1010 C{:.1},800 {:.1},560 {:.1},420 C{:.1},{:.1} {:.1},{top:.1} {:.1},{top:.1} C{:.1},{top:.1} {:.1},{:.1} {:.1},420 C{:.1},560 {:.1},800 {:.1},1010 L-10,1010 Z",
                w + 10.0, w + 10.0, right + 20.0, right - 30.0, right + 14.0, right - 24.0, right - 60.0, top + 80.0, w * 0.72, w * 0.5,
                w * 0.28, left + 60.0, top + 80.0, left + 24.0, left - 14.0, left + 30.0, left - 20.0),
            &fill,
        );
        for index in 0..7 {
            let along = (index as f32 + 0.5) / 7.0;
            let x = left + (right - left) * along + seeded.between(-22.0, 22.0) as f32;
            let arch = top + (2.0 * along - 1.0).powi(2) * 240.0;
            let (length, half) = (
                seeded.between(60.0, 150.0) as f32,
                seeded.between(20.0, 40.0) as f32,
            );
            canvas.path(&format!("M{:.1},{:.1} C{:.1},{:.1} {:.1},{:.1} {x:.1},{:.1} C{:.1},{:.1} {:.1},{:.1} {:.1},{:.1} Z",
                x - half, arch - 60.0, x - half * 0.8, arch + length * 0.4, x - half * 0.2, arch + length * 0.8, arch + length,
                x + half * 0.2, arch + length * 0.8, x + half * 0.8, arch + length * 0.4, x + half, arch - 60.0), &color.darker(0.08).hex());
        }
    }
}

fn crystal(canvas: &mut Canvas, at: Point, size: f32, color: Color) {
    canvas.glow((at.0, at.1 - 60.0 * size), 150.0 * size, color, 0.5);
    canvas.group(
        &format!(
            "transform='translate({:.1} {:.1}) scale({size:.2})'",
            at.0, at.1
        ),
        |canvas| {
            for (angle, height, half) in [
                (-26.0, 90.0, 17.0),
                (24.0, 100.0, 18.0),
                (-4.0, 145.0, 23.0),
            ] {
                canvas.group(&format!("transform='rotate({angle:.0})'"), |canvas| {
                    let face = canvas.linear(
                        (0.0, 0.0),
                        (1.0, 0.6),
                        &[
                            (0.0, color.lighter(0.6), 1.0),
                            (0.5, color, 1.0),
                            (1.0, color.darker(0.25), 1.0),
                        ],
                    );
                    canvas.outlined(
                        &format!(
                            "M{:.1},6 L{:.1},{:.1} L0,{:.1} L{half:.1},{:.1} L{:.1},6 Z",
                            -half * 0.7,
                            -half,
                            -height + 26.0,
                            -height,
                            -height + 26.0,
                            half * 0.7
                        ),
                        &face,
                        color.darker(0.45),
                        2.6,
                    );
                    canvas.path(
                        &format!(
                            "M{:.1},0 L{:.1},{:.1} L0,{:.1} L-3,0 Z",
                            -half * 0.5,
                            -half * 0.8,
                            -height + 30.0,
                            -height + 6.0
                        ),
                        "#ffffff66",
                    );
                });
            }
        },
    );
}
