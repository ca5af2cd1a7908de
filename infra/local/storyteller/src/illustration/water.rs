//! Settings with water in them: rivers, bridges, the sea above and below.

use super::canvas::Canvas;
use super::color::{Color, WHITE};
use super::land::{self, BARK, GRASS};
use super::places::GROUND;
use super::sky::Air;
use crate::seeded::Seeded;

const WATER: Color = Color::rgb(0x58_B4_E0);

/// A river across the picture with stepping stones under the figures.
pub(super) fn river(canvas: &mut Canvas, air: &Air, width: f32) {
    let bank = air.tint(GRASS, 0.16);
    canvas.path(
        &format!(
            "M-20,760 Q{:.1},735 {:.1},762 L{:.1},1010 L-20,1010 Z",
            width * 0.5,
            width + 20.0,
            width + 20.0
        ),
        &bank.hex(),
    );
    let water = air.tint(WATER, 0.22);
    let fill = canvas.downward(&[
        (0.0, water.lighter(0.45), 1.0),
        (0.5, water, 1.0),
        (1.0, water.darker(0.28), 1.0),
    ]);
    canvas.path(
        &format!(
            "M-20,808 Q{:.1},784 {:.1},812 L{:.1},980 Q{:.1},1000 -20,968 Z",
            width * 0.4,
            width + 20.0,
            width + 20.0,
            width * 0.6
        ),
        &fill,
    );
    canvas.line(
        &format!("M-20,808 Q{:.1},784 {:.1},812", width * 0.4, width + 20.0),
        "#fffbeacc",
        5.0,
    );
    for (share, y, length) in [
        (0.08, 850.0, 90.0),
        (0.3, 838.0, 60.0),
        (0.62, 846.0, 90.0),
        (0.9, 870.0, 80.0),
        (0.16, 930.0, 110.0),
        (0.74, 940.0, 120.0),
        (0.46, 962.0, 90.0),
    ] {
        canvas.line(
            &format!(
                "M{:.1},{y:.1} q{:.1},-9 {length:.1},0",
                width * share,
                length * 0.5
            ),
            "#ffffff88",
            4.4,
        );
    }
    stepping_stones(canvas, air, width);
}

fn stepping_stones(canvas: &mut Canvas, air: &Air, width: f32) {
    let stone = air.tint(Color::rgb(0xB8_B0_B8), 0.14);
    for (share, y, size) in [
        (0.08f32, 896.0, 0.8f32),
        (0.24, 908.0, 1.0),
        (0.44, 902.0, 1.35),
        (0.64, 910.0, 1.1),
        (0.82, 898.0, 0.95),
        (0.96, 906.0, 0.8),
    ] {
        canvas.ellipse(
            (width * share, y + 12.0),
            (86.0 * size, 22.0 * size),
            "#ffffff55",
        );
        let top = canvas.round_paint(stone);
        canvas.outlined_ellipse(
            (width * share, y),
            (78.0 * size, 21.0 * size),
            &top,
            stone.darker(0.42),
            3.0,
        );
        canvas.ellipse(
            (width * share - 16.0, y - 6.0),
            (34.0 * size, 6.0 * size),
            "#ffffff44",
        );
    }
}

/// A wooden bridge over a stream; the figures stand on it.
pub(super) fn bridge(canvas: &mut Canvas, air: &Air, width: f32, seeded: &mut Seeded) {
    land::ground(canvas, air, width, GROUND, GRASS, seeded);
    let water = air.tint(WATER, 0.22);
    let fill = canvas.downward(&[
        (0.0, water.lighter(0.4), 1.0),
        (1.0, water.darker(0.2), 1.0),
    ]);
    canvas.path(&format!("M{:.1},770 C{:.1},860 {:.1},900 {:.1},1010 L{:.1},1010 C{:.1},900 {:.1},860 {:.1},770 Z",
        width * 0.42, width * 0.36, width * 0.22, width * 0.12, width * 0.88, width * 0.78, width * 0.64, width * 0.58), &fill);
    let wood = air.tint(BARK.lighter(0.25), 0.14);
    let arch = format!(
        "M{:.1},930 Q{:.1},800 {:.1},930 L{:.1},980 Q{:.1},860 {:.1},980 Z",
        width * 0.02,
        width * 0.5,
        width * 0.98,
        width * 0.98,
        width * 0.5,
        width * 0.02
    );
    let planks = canvas.downward(&[(0.0, wood.lighter(0.2), 1.0), (1.0, wood.darker(0.3), 1.0)]);
    canvas.outlined(&arch, &planks, wood.darker(0.5), 4.0);
    for index in 1..18 {
        let along = index as f32 / 18.0;
        let x = width * (0.02 + 0.96 * along);
        let y = 930.0 - 4.0 * along * (1.0 - along) * 65.0;
        canvas.line(
            &format!("M{x:.1},{y:.1} l0,48"),
            &format!("{}88", wood.darker(0.45).hex()),
            3.0,
        );
        if index % 3 == 0 {
            canvas.line(
                &format!("M{x:.1},{:.1} l0,-92", y + 4.0),
                &wood.darker(0.4).hex(),
                15.0,
            );
            canvas.line(&format!("M{x:.1},{:.1} l0,-92", y + 4.0), &wood.hex(), 9.0);
        }
    }
    let rail = format!(
        "M{:.1},846 Q{:.1},704 {:.1},846",
        width * 0.04,
        width * 0.5,
        width * 0.96
    );
    canvas.line(&rail, &wood.darker(0.45).hex(), 17.0);
    canvas.line(&rail, &wood.lighter(0.1).hex(), 10.0);
}

pub(super) fn seaside(canvas: &mut Canvas, air: &Air, width: f32, seeded: &mut Seeded) {
    let water = air.tint(WATER.mix(Color::rgb(0x20_90_B0), 0.4), 0.28);
    let fill = canvas.downward(&[
        (0.0, water.mix(air.horizon, 0.5), 1.0),
        (0.4, water, 1.0),
        (1.0, water.darker(0.3), 1.0),
    ]);
    canvas.rectangle((0.0, 560.0), (width, 300.0), 0.0, &fill);
    let island = air.tint(GRASS, 0.4).mix(air.haze, 0.5);
    canvas.path(
        &format!(
            "M{:.1},562 Q{:.1},470 {:.1},562 Z",
            width * 0.04,
            width * 0.16,
            width * 0.30
        ),
        &island.hex(),
    );
    for row in 0..6 {
        let y = 590.0 + row as f32 * 36.0;
        for index in 0..(width / 120.0) as usize + 1 {
            let x = index as f32 * 130.0
                + if row % 2 == 0 { 0.0 } else { 60.0 }
                + seeded.between(-16.0, 16.0) as f32;
            canvas.line(
                &format!("M{x:.1},{y:.1} q15,-11 30,0 q15,11 30,0"),
                "#ffffff66",
                3.4,
            );
        }
    }
    boat(canvas, air, width * 0.78, 640.0);
    let sand = air.tint(Color::rgb(0xF4_DC_A8), 0.12);
    let points = land::ridge(width, GROUND + 24.0, 12.0, seeded);
    land::hill(canvas, &points, sand, 0.9);
    for (share, y) in [(0.1f32, 900.0), (0.88, 880.0), (0.72, 950.0)] {
        canvas.path(
            &super::canvas::star_outline((width * share, y), 24.0),
            &air.tones[2].mix(Color::rgb(0xF2_80_60), 0.5).hex(),
        );
    }
    for (share, y) in [(0.24f32, 950.0), (0.62, 900.0)] {
        canvas.outlined(
            &format!("M{:.1},{y:.1} q26,-46 52,0 q-26,16 -52,0 Z", width * share),
            "#fff0e4",
            sand.darker(0.4),
            3.0,
        );
    }
}

fn boat(canvas: &mut Canvas, air: &Air, x: f32, y: f32) {
    let wood = air.tint(BARK, 0.1);
    canvas.path(
        &format!(
            "M{x:.1},{:.1} L{x:.1},{:.1} Q{:.1},{:.1} {:.1},{:.1} Z",
            y - 18.0,
            y - 170.0,
            x + 90.0,
            y - 100.0,
            x + 84.0,
            y - 24.0
        ),
        "#fff8e8",
    );
    canvas.path(
        &format!(
            "M{:.1},{:.1} L{:.1},{:.1} L{:.1},{:.1} Z",
            x - 10.0,
            y - 24.0,
            x - 10.0,
            y - 140.0,
            x - 66.0,
            y - 26.0
        ),
        &air.tones[2].lighter(0.2).hex(),
    );
    canvas.line(&format!("M{:.1},{y:.1} l0,-178", x - 4.0), &wood.hex(), 6.0);
    canvas.outlined(
        &format!(
            "M{:.1},{:.1} L{:.1},{:.1} Q{:.1},{:.1} {:.1},{:.1} Q{:.1},{:.1} {:.1},{:.1} Z",
            x - 96.0,
            y - 16.0,
            x + 104.0,
            y - 16.0,
            x + 84.0,
            y + 34.0,
            x + 46.0,
            y + 34.0,
            x - 60.0,
            y + 40.0,
            x - 96.0,
            y - 16.0
        ),
        &wood.hex(),
        wood.darker(0.5),
        3.4,
    );
}

pub(super) fn underwater(canvas: &mut Canvas, air: &Air, width: f32, seeded: &mut Seeded) {
    let water = air.tint(Color::rgb(0x30_98_C0), 0.30);
    let fill = canvas.downward(&[
        (0.0, water.lighter(0.55), 1.0),
        (0.5, water, 1.0),
        (1.0, water.darker(0.5), 1.0),
    ]);
    canvas.rectangle((0.0, 0.0), (width, 1000.0), 0.0, &fill);
    for share in [0.2f32, 0.42, 0.7] {
        let beam = canvas.downward(&[(0.0, WHITE, 0.34), (1.0, WHITE, 0.0)]);
        canvas.path(
            &format!("M{:.1},-10 l80,0 l110,760 l-260,0 Z", width * share),
            &beam,
        );
    }
    let sand = air.tint(Color::rgb(0xE8_D4_A8), 0.3);
    let points = land::ridge(width, GROUND + 20.0, 22.0, seeded);
    land::hill(canvas, &points, sand, 0.4);
    for (index, share) in [0.04f32, 0.14, 0.22, 0.78, 0.87, 0.96]
        .into_iter()
        .enumerate()
    {
        let coral = [
            air.tones[2].lighter(0.1),
            Color::rgb(0xF2_78_80),
            air.tones[1].lighter(0.35),
        ][index % 3];
        let x = width * share;
        for (dx, dy) in [(-36.0, -110.0), (0.0, -160.0), (38.0, -120.0)] {
            canvas.line(
                &format!(
                    "M{x:.1},850 Q{:.1},{:.1} {:.1},{:.1}",
                    x + dx * 0.2,
                    850.0 + dy * 0.5,
                    x + dx,
                    850.0 + dy
                ),
                &coral.hex(),
                24.0,
            );
        }
    }
    fishes(canvas, air, width);
    for _ in 0..40 {
        let at = (
            seeded.between(0.0, f64::from(width)) as f32,
            seeded.between(60.0, 900.0) as f32,
        );
        canvas.outlined_ellipse(
            at,
            (
                seeded.between(4.0, 15.0) as f32,
                seeded.between(4.0, 15.0) as f32,
            ),
            "#ffffff22",
            Color::rgb(0xE8_F8_FF),
            2.0,
        );
    }
}

fn fishes(canvas: &mut Canvas, air: &Air, width: f32) {
    for (share, y, size) in [
        (0.2f32, 260.0, 1.0f32),
        (0.8, 200.0, 0.8),
        (0.74, 420.0, 1.1),
    ] {
        let color = air.tones[2].mix(Color::rgb(0xFF_B0_40), 0.4);
        canvas.group(
            &format!(
                "transform='translate({:.1} {y:.1}) scale({size:.2})'",
                width * share
            ),
            |canvas| {
                let body = canvas.round_paint(color);
                canvas.outlined(
                    "M-44,0 C-20,-36 30,-34 52,0 C30,34 -20,36 -44,0 L-76,-24 L-70,0 L-76,24 Z",
                    &body,
                    color.darker(0.45),
                    3.0,
                );
                canvas.circle((28.0, -8.0), 8.0, "#ffffff");
                canvas.circle((30.0, -8.0), 4.4, "#201830");
            },
        );
    }
}
