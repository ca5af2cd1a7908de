//! Land: hills, trees, flowers, grass and the leaves that frame a picture.

use super::canvas::{Canvas, Point, smooth};
use super::color::{Color, GOLD};
use super::sky::Air;
use crate::seeded::Seeded;

pub(super) const GRASS: Color = Color::rgb(0x6C_B4_56);
pub(super) const LEAF: Color = Color::rgb(0x3E_8E_52);
pub(super) const BARK: Color = Color::rgb(0x7A_50_38);

/// A rolling line across the picture, as its points from left to right.
pub(super) fn ridge(width: f32, level: f32, swing: f32, seeded: &mut Seeded) -> Vec<Point> {
    let (first, second) = (
        seeded.between(0.0, std::f64::consts::TAU) as f32,
        seeded.between(0.0, std::f64::consts::TAU) as f32,
    );
    let waves = seeded.between(1.1, 2.0) as f32;
    (0..=16)
        .map(|index| {
            let along = index as f32 / 16.0;
            let wave = (along * waves * std::f32::consts::TAU + first).sin() * 0.7
                + (along * waves * 2.3 * std::f32::consts::TAU + second).sin() * 0.3;
            (along * (width + 80.0) - 40.0, level + wave * swing)
        })
        .collect()
}

/// Fills the land below a ridge and lights its edge.
pub(super) fn hill(canvas: &mut Canvas, points: &[Point], color: Color, rim: f32) {
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        return;
    };
    let line = format!("M{:.1},{:.1}{}", first.0, first.1, smooth(points));
    let fill = canvas.downward(&[
        (0.0, color.lighter(0.16), 1.0),
        (0.35, color, 1.0),
        (1.0, color.darker(0.30), 1.0),
    ]);
    canvas.path(
        &format!("{line} L{:.1},1040 L{:.1},1040 Z", last.0, first.0),
        &fill,
    );
    if rim > 0.0 {
        canvas.line(&line, &format!("#fff6d8{:02x}", (rim * 255.0) as u8), 5.0);
    }
}

/// Far and middle hills; returns nothing stands on them yet.
pub(super) fn rolling_hills(
    canvas: &mut Canvas,
    air: &Air,
    width: f32,
    natural: Color,
    seeded: &mut Seeded,
) {
    for (level, swing, haze) in [
        (520.0, 46.0, 0.72),
        (600.0, 40.0, 0.46),
        (680.0, 34.0, 0.20),
    ] {
        let color = air.tint(natural, 0.34).mix(air.haze, haze);
        let points = ridge(width, level, swing, seeded);
        hill(canvas, &points, color, 0.30);
    }
}

/// The ground that figures stand on.
pub(super) fn ground(
    canvas: &mut Canvas,
    air: &Air,
    width: f32,
    level: f32,
    natural: Color,
    seeded: &mut Seeded,
) {
    let color = air.tint(natural, 0.16);
    let points = ridge(width, level, 16.0, seeded);
    hill(canvas, &points, color, 0.42);
    for _ in 0..46 {
        let (x, y) = (
            seeded.between(0.0, f64::from(width)) as f32,
            seeded.between(f64::from(level) + 40.0, 1000.0) as f32,
        );
        tuft(
            canvas,
            (x, y),
            (y - level) / 220.0 + 0.5,
            color.darker(0.18),
        );
    }
}

fn tuft(canvas: &mut Canvas, at: Point, size: f32, color: Color) {
    let (x, y) = at;
    let blades = format!(
        "M{x:.1},{y:.1} q{:.1},{:.1} {:.1},{:.1} M{x:.1},{y:.1} q0,{:.1} {:.1},{:.1} M{x:.1},{y:.1} q{:.1},{:.1} {:.1},{:.1}",
        -3.0 * size,
        -8.0 * size,
        -9.0 * size,
        -12.0 * size,
        -10.0 * size,
        1.0 * size,
        -17.0 * size,
        3.0 * size,
        -8.0 * size,
        9.0 * size,
        -11.0 * size
    );
    canvas.line(&blades, &format!("{}aa", color.hex()), 2.6 * size);
}

/// A path that winds from the front into the distance.
pub(super) fn path(canvas: &mut Canvas, air: &Air, width: f32, level: f32) {
    let color = air.tint(Color::rgb(0xE8_CC_98), 0.12);
    let fill = canvas.downward(&[(0.0, color.mix(air.haze, 0.35), 1.0), (1.0, color, 1.0)]);
    let middle = width * 0.5;
    canvas.path(
        &format!("M{:.1},1010 C{:.1},920 {:.1},880 {:.1},{:.1} C{:.1},{:.1} {:.1},{:.1} {:.1},{:.1} L{:.1},{:.1} C{:.1},{:.1} {:.1},{:.1} {:.1},{:.1} C{:.1},890 {:.1},930 {:.1},1010 Z",
            middle - 190.0, middle - 130.0, middle + 80.0, middle + 60.0, level + 70.0, middle + 40.0, level + 30.0, middle - 60.0, level + 30.0, middle - 40.0, level - 4.0,
            middle - 16.0, level - 4.0, middle - 20.0, level + 20.0, middle + 110.0, level + 20.0, middle + 130.0, level + 76.0, middle + 160.0, middle + 60.0, middle + 110.0),
        &fill,
    );
}

/// A round tree of three balls of leaves.
pub(super) fn round_tree(canvas: &mut Canvas, foot: Point, size: f32, leaf: Color, bark: Color) {
    canvas.group(
        &format!(
            "transform='translate({:.1} {:.1}) scale({size:.3})'",
            foot.0, foot.1
        ),
        |canvas| {
            let trunk = canvas.linear(
                (0.0, 0.0),
                (1.0, 0.0),
                &[(0.0, bark.lighter(0.2), 1.0), (1.0, bark.darker(0.35), 1.0)],
            );
            canvas.path(
                "M-17,6 C-8,-40 -12,-90 -9,-140 L13,-140 C10,-90 12,-40 24,6 Q2,-6 -17,6 Z",
                &trunk,
            );
            let shade = leaf.darker(0.22).hex();
            canvas.ellipse((6.0, -170.0), (108.0, 82.0), &shade);
            for (x, y, radius) in [
                (-52.0, -172.0, 62.0),
                (54.0, -168.0, 60.0),
                (0.0, -226.0, 72.0),
                (2.0, -160.0, 62.0),
            ] {
                let fill = canvas.round_paint(leaf);
                canvas.circle((x, y), radius, &fill);
            }
            for (x, y) in [
                (-34.0, -250.0),
                (-66.0, -196.0),
                (18.0, -262.0),
                (46.0, -200.0),
                (-10.0, -196.0),
            ] {
                canvas.line(
                    &format!("M{:.1},{y:.1} q10,-10 22,-3", x - 10.0),
                    &format!("{}77", leaf.lighter(0.5).hex()),
                    5.0,
                );
            }
        },
    );
}

/// A fir of three rounded tiers.
pub(super) fn fir(canvas: &mut Canvas, foot: Point, size: f32, leaf: Color, bark: Color) {
    canvas.group(&format!("transform='translate({:.1} {:.1}) scale({size:.3})'", foot.0, foot.1), |canvas| {
        canvas.rectangle((-11.0, -50.0), (22.0, 54.0), 5.0, &bark.hex());
        for (top, bottom, half, shade) in [(-170.0, -36.0, 84.0, 0.16), (-236.0, -112.0, 66.0, 0.06), (-296.0, -184.0, 48.0, 0.0)] {
            let color = leaf.darker(shade);
            let fill = canvas.linear((0.1, 0.0), (0.9, 1.0), &[(0.0, color.lighter(0.28), 1.0), (0.55, color, 1.0), (1.0, color.darker(0.28), 1.0)]);
            canvas.path(&format!("M0,{top:.1} C{:.1},{:.1} {:.1},{:.1} {half:.1},{bottom:.1} Q{:.1},{:.1} 0,{:.1} Q{:.1},{:.1} {:.1},{bottom:.1} C{:.1},{:.1} {:.1},{:.1} 0,{top:.1} Z",
                half * 0.3, top + 50.0, half * 0.6, bottom - 30.0, half * 0.5, bottom + 16.0, bottom + 8.0, -half * 0.5, bottom + 16.0, -half, -half * 0.6, bottom - 30.0, -half * 0.3, top + 50.0), &fill);
        }
    });
}

/// A tall dark trunk at the side of the picture.
pub(super) fn great_trunk(canvas: &mut Canvas, x: f32, half: f32, color: Color) {
    let fill = canvas.linear(
        (0.0, 0.0),
        (1.0, 0.0),
        &[
            (0.0, color.darker(0.2), 1.0),
            (0.4, color.lighter(0.08), 1.0),
            (1.0, color.darker(0.4), 1.0),
        ],
    );
    canvas.path(&format!("M{:.1},1010 C{:.1},880 {:.1},600 {:.1},-10 L{:.1},-10 C{:.1},600 {:.1},880 {:.1},1010 Z",
        x - half * 2.2, x - half * 0.9, x - half * 1.1, x - half, x + half, x + half * 1.1, x + half * 0.9, x + half * 2.2), &fill);
    for y in [180.0, 330.0, 520.0, 690.0] {
        canvas.line(
            &format!("M{:.1},{y:.1} q{:.1},34 0,70", x - half * 0.3, half * 0.3),
            &format!("{}66", color.darker(0.5).hex()),
            5.0,
        );
    }
}

pub(super) fn mushroom(canvas: &mut Canvas, at: Point, size: f32, cap: Color) {
    canvas.group(
        &format!(
            "transform='translate({:.1} {:.1}) scale({size:.2})'",
            at.0, at.1
        ),
        |canvas| {
            canvas.path(
                "M-10,0 C-12,-20 -8,-34 -8,-40 L8,-40 C8,-34 12,-20 10,0 Z",
                "#fff2dc",
            );
            let fill = canvas.round_paint(cap);
            canvas.path("M-36,-34 C-36,-76 36,-76 36,-34 Q0,-24 -36,-34 Z", &fill);
            for (x, y) in [(-16.0, -48.0), (6.0, -56.0), (20.0, -42.0)] {
                canvas.circle((x, y), 5.0, "#fff8ea");
            }
        },
    );
}

/// A flower of five petals on a stalk.
pub(super) fn flower(canvas: &mut Canvas, at: Point, size: f32, petal: Color, stalk: Color) {
    canvas.group(
        &format!(
            "transform='translate({:.1} {:.1}) scale({size:.2})'",
            at.0, at.1
        ),
        |canvas| {
            canvas.line("M0,0 Q5,-30 0,-58", &stalk.hex(), 5.0);
            canvas.path(
                "M1,-22 C14,-40 30,-36 34,-30 C24,-20 10,-18 1,-22 Z",
                &stalk.lighter(0.12).hex(),
            );
            for index in 0..5 {
                let angle = index as f32 * std::f32::consts::TAU / 5.0 - 1.57;
                canvas.circle(
                    (angle.cos() * 13.0, -62.0 + angle.sin() * 13.0),
                    11.5,
                    &petal.hex(),
                );
            }
            canvas.circle((-3.0, -66.0), 7.0, &petal.lighter(0.4).hex());
            canvas.circle((0.0, -62.0), 8.0, &GOLD.hex());
        },
    );
}

/// Flowers strewn over the ground in front.
pub(super) fn flowers(
    canvas: &mut Canvas,
    air: &Air,
    width: f32,
    level: f32,
    count: usize,
    seeded: &mut Seeded,
) {
    let [dark, medium, bright] = air.tones;
    let petals = [
        bright.lighter(0.25),
        medium.lighter(0.45),
        dark.lighter(0.55),
        Color::rgb(0xFF_F4_E0),
    ];
    let mut places: Vec<Point> = (0..count)
        .map(|_| {
            (
                seeded.between(0.0, f64::from(width)) as f32,
                seeded.between(f64::from(level), 990.0) as f32,
            )
        })
        .collect();
    places.sort_by(|a, b| a.1.total_cmp(&b.1));
    for (index, (x, y)) in places.into_iter().enumerate() {
        let size = 0.35 + (y - level) / (1000.0 - level) * 0.55;
        let petal = petals[index % petals.len()];
        let petal = if air.is_dark() {
            petal.darker(0.3)
        } else {
            petal
        };
        flower(canvas, (x, y), size, petal, air.tint(LEAF, 0.2));
    }
}

/// Dark leaves in the lower corners, close to the eye.
pub(super) fn front_leaves(canvas: &mut Canvas, air: &Air, width: f32) {
    let color = air.tint(LEAF, 0.3).darker(0.26).vivid(1.25);
    for (side, origin) in [(1.0f32, 0.0), (-1.0, width)] {
        canvas.group(&format!("transform='translate({origin:.1} 1000) scale({side:.0} 1)'"), |canvas| {
            for (angle, length, shade) in [(8.0, 190.0, 0.1), (30.0, 230.0, 0.0), (52.0, 240.0, 0.14), (74.0, 210.0, 0.04)] {
                let leaf = color.lighter(shade);
                let fill = canvas.linear((0.0, 1.0), (1.0, 0.0), &[(0.0, leaf.darker(0.3), 1.0), (1.0, leaf.lighter(0.12), 1.0)]);
                canvas.group(&format!("transform='rotate({:.0})'", -angle), |canvas| {
                    canvas.path(&format!("M-20,10 C{:.1},-46 {:.1},-40 {length:.1},0 C{:.1},34 {:.1},34 -20,10 Z", length * 0.3, length * 0.7, length * 0.7, length * 0.3), &fill);
                    canvas.line(&format!("M0,2 L{:.1},0", length * 0.9), &format!("{}55", leaf.lighter(0.5).hex()), 3.0);
                });
            }
        });
    }
}

/// Small lights or petals that float in the air.
pub(super) fn motes(canvas: &mut Canvas, air: &Air, width: f32, count: usize, seeded: &mut Seeded) {
    let color = if air.is_dark() {
        Color::rgb(0xFF_E8_90)
    } else {
        Color::rgb(0xFF_FB_E8)
    };
    for _ in 0..count {
        let at = (
            seeded.between(0.0, f64::from(width)) as f32,
            seeded.between(250.0, 940.0) as f32,
        );
        let size = seeded.between(3.0, 7.0) as f32;
        canvas.glow(at, size * 4.5, color, 0.55);
        canvas.circle(at, size * 0.6, &format!("{}dd", color.hex()));
    }
}
