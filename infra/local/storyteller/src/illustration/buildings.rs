//! Settings with buildings: towns, rooftops, castles.

use super::canvas::{Canvas, Point};
use super::color::{CREAM, Color, GOLD, INK};
use super::land::{self, GRASS};
use super::places::GROUND;
use super::sky::Air;
use crate::seeded::Seeded;

const WALLS: [u32; 5] = [0xF6_E4_C8, 0xF4_C8_B0, 0xD8_E4_D8, 0xE8_D4_E8, 0xFA_DC_98];

/// A small house with lit windows.
pub(super) fn house(
    canvas: &mut Canvas,
    air: &Air,
    at: Point,
    size: f32,
    index: usize,
    seeded: &mut Seeded,
) {
    let wall = air.tint(Color::rgb(WALLS[index % WALLS.len()]), 0.14);
    let roof = air.tint(
        [air.tones[0], air.tones[1], Color::rgb(0xC8_58_48)][index % 3].with_lightness(0.52),
        0.2,
    );
    let lit = air.is_dark() || seeded.chance(0.3);
    let pane = if lit {
        Color::rgb(0xFF_DC_78)
    } else {
        air.tint(Color::rgb(0x88_B8_D8), 0.1)
    };
    canvas.group(
        &format!(
            "transform='translate({:.1} {:.1}) scale({size:.2})'",
            at.0, at.1
        ),
        |canvas| {
            let fill = canvas.linear(
                (0.0, 0.0),
                (1.0, 1.0),
                &[(0.0, wall.lighter(0.2), 1.0), (1.0, wall.darker(0.16), 1.0)],
            );
            canvas.rectangle((-70.0, -150.0), (140.0, 160.0), 6.0, &fill);
            let tiles =
                canvas.downward(&[(0.0, roof.lighter(0.2), 1.0), (1.0, roof.darker(0.15), 1.0)]);
            canvas.outlined(
                "M-90,-146 C-50,-176 -20,-230 0,-262 C20,-230 50,-176 90,-146 Q0,-132 -90,-146 Z",
                &tiles,
                roof.darker(0.4),
                3.0,
            );
            canvas.rectangle((36.0, -250.0), (22.0, 60.0), 3.0, &wall.darker(0.3).hex());
            for x in [-36.0, 36.0] {
                if lit {
                    canvas.glow((x, -98.0), 60.0, pane, 0.5);
                }
                canvas.rectangle(
                    (x - 17.0, -118.0),
                    (34.0, 38.0),
                    12.0,
                    &wall.darker(0.4).hex(),
                );
                canvas.rectangle((x - 13.0, -114.0), (26.0, 30.0), 9.0, &pane.hex());
                canvas.line(
                    &format!("M{x:.1},-114 l0,30 M{:.1},-99 l26,0", x - 13.0),
                    &wall.darker(0.4).hex(),
                    3.0,
                );
            }
            canvas.path(
                "M-17,10 L-17,-44 Q0,-66 17,-44 L17,10 Z",
                &roof.darker(0.3).hex(),
            );
            canvas.circle((9.0, -22.0), 3.4, "#ffd76a");
        },
    );
}

pub(super) fn town(canvas: &mut Canvas, air: &Air, width: f32, seeded: &mut Seeded) {
    land::rolling_hills(canvas, air, width, GRASS, seeded);
    let count = (width / 150.0) as usize + 2;
    for index in 0..count {
        let x = index as f32 * 150.0 + seeded.between(-16.0, 16.0) as f32;
        house(
            canvas,
            air,
            (x, 740.0 - seeded.between(0.0, 30.0) as f32),
            1.0,
            index + 2,
            seeded,
        );
    }
    for (index, share) in [0.0f32, 0.13, 0.88, 1.0].into_iter().enumerate() {
        house(canvas, air, (width * share, 800.0), 1.5, index, seeded);
    }
    let stone = air.tint(Color::rgb(0xD8_C4_B4), 0.18);
    let points = land::ridge(width, GROUND + 16.0, 5.0, seeded);
    land::hill(canvas, &points, stone, 0.3);
    for row in 0..5 {
        let y = 826.0 + row as f32 * 42.0;
        for column in 0..(width / 90.0) as usize + 2 {
            let x = column as f32 * 90.0 + if row % 2 == 0 { 0.0 } else { 45.0 };
            canvas.ellipse(
                (x, y),
                (34.0, 12.0),
                &format!("{}44", stone.darker(0.35).hex()),
            );
        }
    }
    let flags = [
        air.tones[2],
        air.tones[1].lighter(0.3),
        GOLD,
        air.tones[0].lighter(0.4),
    ];
    canvas.line(
        &format!("M-10,330 Q{:.1},470 {:.1},330", width * 0.5, width + 10.0),
        &INK.mix(air.haze, 0.3).hex(),
        3.0,
    );
    for index in 1..14 {
        let along = index as f32 / 14.0;
        let (x, y) = (along * width, 330.0 + 4.0 * along * (1.0 - along) * 70.0);
        canvas.path(
            &format!("M{:.1},{y:.1} l34,0 l-17,38 Z", x - 17.0),
            &flags[index % flags.len()].hex(),
        );
    }
}

pub(super) fn rooftops(canvas: &mut Canvas, air: &Air, width: f32, seeded: &mut Seeded) {
    for (row, (level, size, haze)) in [(760.0, 0.8, 0.5), (880.0, 1.2, 0.25), (1040.0, 1.7, 0.0)]
        .into_iter()
        .enumerate()
    {
        let count = (width / (130.0 * size)) as usize + 2;
        for index in 0..count {
            let x = (index as f32 + row as f32 * 0.4) * 140.0 * size - 30.0;
            house(
                canvas,
                air,
                (x, level + seeded.between(-26.0, 26.0) as f32),
                size,
                index + row,
                seeded,
            );
        }
        if haze > 0.0 {
            let fill = canvas.downward(&[(0.0, air.haze, 0.0), (1.0, air.haze, haze * 0.7)]);
            canvas.rectangle((0.0, level - 280.0), (width, 320.0), 0.0, &fill);
        }
    }
    let beam = canvas.linear(
        (0.0, 1.0),
        (1.0, 0.0),
        &[(0.0, CREAM, 0.85), (1.0, Color::rgb(0xFF_F0_BC), 0.30)],
    );
    canvas.path(&format!("M{:.1},1010 C{:.1},860 {:.1},800 {:.1},200 L{:.1},200 C{:.1},820 {:.1},900 {:.1},1010 Z",
        width * 0.22, width * 0.40, width * 0.66, width * 0.76, width * 0.80, width * 0.76, width * 0.62, width * 0.56), &beam);
}

pub(super) fn castle(canvas: &mut Canvas, air: &Air, width: f32, seeded: &mut Seeded) {
    land::rolling_hills(canvas, air, width, GRASS, seeded);
    let wall = air.tint(Color::rgb(0xE4_D8_E8), 0.22);
    let roof = air.tones[1]
        .mix(air.tones[0], 0.4)
        .with_lightness(if air.is_dark() { 0.36 } else { 0.5 });
    let middle = width * 0.64;
    for (dx, top, half) in [
        (-150.0, 420.0, 42.0),
        (150.0, 440.0, 42.0),
        (-70.0, 340.0, 50.0),
        (78.0, 370.0, 48.0),
        (4.0, 270.0, 54.0),
    ] {
        let x = middle + dx;
        let fill = canvas.linear(
            (0.0, 0.0),
            (1.0, 0.0),
            &[(0.0, wall.lighter(0.3), 1.0), (1.0, wall.darker(0.25), 1.0)],
        );
        canvas.rectangle((x - half, top), (half * 2.0, 720.0 - top), 4.0, &fill);
        canvas.outlined(
            &format!(
                "M{:.1},{:.1} L{x:.1},{:.1} L{:.1},{:.1} Q{x:.1},{:.1} {:.1},{:.1} Z",
                x - half - 16.0,
                top + 6.0,
                top - 130.0,
                x + half + 16.0,
                top + 6.0,
                top + 20.0,
                x - half - 16.0,
                top + 6.0
            ),
            &roof.hex(),
            roof.darker(0.4),
            3.0,
        );
        canvas.path(
            &format!("M{x:.1},{:.1} l0,-44 l36,13 l-36,13 Z", top - 128.0),
            &air.tones[2].hex(),
        );
        canvas.path(
            &format!(
                "M{:.1},{:.1} l0,-26 q12,-18 24,0 l0,26 Z",
                x - 12.0,
                top + 90.0
            ),
            if air.is_dark() { "#ffdc78" } else { "#5a4a78" },
        );
    }
    canvas.path(
        &format!("M{:.1},730 l0,-70 q40,-56 80,0 l0,70 Z", middle - 36.0),
        &INK.mix(roof, 0.3).hex(),
    );
    land::ground(canvas, air, width, GROUND - 40.0, GRASS, seeded);
    land::path(canvas, air, width, GROUND - 40.0);
    land::flowers(canvas, air, width, 840.0, 16, seeded);
}
