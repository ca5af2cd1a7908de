//! Settings with a roof: caves, bedrooms, rooms.

use super::brief::Brief;
use super::canvas::{Canvas, Point};
use super::color::{CREAM, Color, GOLD};
use super::land;
use super::places::GROUND;
use super::sky::{self, Air};
use crate::seeded::Seeded;

fn wall(canvas: &mut Canvas, air: &Air, width: f32) -> Color {
    let base = air.tones[1]
        .mix(CREAM, 0.35)
        .with_lightness(if air.is_dark() { 0.44 } else { 0.78 });
    let fill = canvas.radial(
        (0.3, 0.45),
        0.9,
        &[
            (0.0, base.lighter(0.25), 1.0),
            (1.0, base.darker(0.22), 1.0),
        ],
    );
    canvas.rectangle((0.0, 0.0), (width, 800.0), 0.0, &fill);
    for row in 0..9 {
        for column in 0..(width / 100.0) as usize + 1 {
            let at = (
                column as f32 * 100.0 + if row % 2 == 0 { 20.0 } else { 70.0 },
                50.0 + row as f32 * 88.0,
            );
            canvas.path(
                &super::canvas::star_outline(at, 9.0),
                &format!("{}55", base.lighter(0.6).hex()),
            );
        }
    }
    let floor = air.tint(Color::rgb(0xC8_90_60), 0.18);
    let boards = canvas.downward(&[
        (0.0, floor.darker(0.2), 1.0),
        (1.0, floor.lighter(0.1), 1.0),
    ]);
    canvas.rectangle((0.0, GROUND + 10.0), (width, 260.0), 0.0, &boards);
    for y in [806.0, 850.0, 908.0, 968.0] {
        canvas.line(
            &format!("M0,{y:.1} L{width:.1},{y:.1}"),
            &format!("{}66", floor.darker(0.4).hex()),
            2.6,
        );
    }
    canvas.rectangle(
        (0.0, GROUND - 6.0),
        (width, 22.0),
        0.0,
        &base.lighter(0.5).hex(),
    );
    base
}

fn window(canvas: &mut Canvas, air: &Air, at: Point, night: bool, seeded: &mut Seeded) {
    let (x, y) = at;
    canvas.rectangle(
        (x - 142.0, y - 172.0),
        (284.0, 344.0),
        26.0,
        &CREAM.mix(air.tones[2], 0.2).hex(),
    );
    let (top, bottom) = if night {
        (air.top, air.middle.lighter(0.15))
    } else {
        (Color::rgb(0x88_C8_F4), CREAM)
    };
    let glass = canvas.downward(&[(0.0, top, 1.0), (1.0, bottom, 1.0)]);
    canvas.rectangle((x - 122.0, y - 152.0), (244.0, 304.0), 14.0, &glass);
    let outline = format!("M{:.1},{:.1} l244,0 l0,304 l-244,0 Z", x - 122.0, y - 152.0);
    canvas.clipped(&outline, |canvas| {
        if night {
            for _ in 0..16 {
                canvas.circle(
                    (
                        x + seeded.between(-118.0, 118.0) as f32,
                        y + seeded.between(-148.0, 60.0) as f32,
                    ),
                    seeded.between(1.4, 3.4) as f32,
                    "#fffbe8",
                );
            }
            sky::moon(canvas, (x + 36.0, y - 46.0), 58.0, true);
        }
        let hill = air.tint(land::GRASS, 0.4);
        canvas.path(
            &format!(
                "M{:.1},{:.1} q120,-70 264,-10 l0,100 l-264,0 Z",
                x - 130.0,
                y + 110.0
            ),
            &hill.hex(),
        );
    });
    canvas.line(
        &format!(
            "M{x:.1},{:.1} l0,304 M{:.1},{y:.1} l244,0",
            y - 152.0,
            x - 122.0
        ),
        &CREAM.mix(air.tones[2], 0.2).hex(),
        12.0,
    );
    curtains(canvas, air, at);
}

fn curtains(canvas: &mut Canvas, air: &Air, (x, y): Point) {
    for side in [-1.0f32, 1.0] {
        let cloth = air.tones[2].mix(air.tones[0], 0.25);
        let fill = canvas.linear(
            (0.0, 0.0),
            (1.0, 0.0),
            &[
                (0.0, cloth.lighter(0.2), 1.0),
                (0.5, cloth, 1.0),
                (1.0, cloth.darker(0.2), 1.0),
            ],
        );
        canvas.path(
            &format!(
                "M{:.1},{:.1} L{:.1},{:.1} C{:.1},{:.1} {:.1},{:.1} {:.1},{:.1} L{:.1},{:.1} Z",
                x + side * 178.0,
                y - 190.0,
                x + side * 60.0,
                y - 190.0,
                x + side * 80.0,
                y - 40.0,
                x + side * 150.0,
                y + 20.0,
                x + side * 130.0,
                y + 190.0,
                x + side * 180.0,
                y + 190.0
            ),
            &fill,
        );
    }
    canvas.line(
        &format!(
            "M{:.1},{:.1} L{:.1},{:.1}",
            x - 196.0,
            y - 192.0,
            x + 196.0,
            y - 192.0
        ),
        &Color::rgb(0x8A_5A_38).hex(),
        12.0,
    );
}

/// A bedroom; the bed itself comes with the figure in it.
pub(super) fn bedroom(
    canvas: &mut Canvas,
    air: &Air,
    width: f32,
    brief: &Brief,
    seeded: &mut Seeded,
) {
    wall(canvas, air, width);
    let night = air.is_dark() || brief.mentions(&["dusk", "evening", "moon"]);
    window(canvas, air, (width * 0.74, 300.0), night, seeded);
    lamp(canvas, (width * 0.10, GROUND + 6.0), air);
    shelf(canvas, (width * 0.27, 300.0), air);
}

/// Any other room: a window, books, a rug.
pub(super) fn room(canvas: &mut Canvas, air: &Air, width: f32, seeded: &mut Seeded) {
    wall(canvas, air, width);
    window(canvas, air, (width * 0.70, 320.0), air.is_dark(), seeded);
    shelf(canvas, (width * 0.24, 260.0), air);
    shelf(canvas, (width * 0.24, 420.0), air);
    lamp(canvas, (width * 0.07, GROUND + 6.0), air);
    let rug = air.tones[2].mix(air.tones[1], 0.3);
    let fill = canvas.radial(
        (0.5, 0.5),
        0.5,
        &[
            (0.0, rug.lighter(0.4), 1.0),
            (0.6, rug.lighter(0.4), 1.0),
            (0.62, rug, 1.0),
            (1.0, rug, 1.0),
        ],
    );
    canvas.ellipse((width * 0.5, 900.0), (width * 0.34, 70.0), &fill);
}

fn lamp(canvas: &mut Canvas, foot: Point, air: &Air) {
    let (x, y) = foot;
    canvas.glow((x, y - 300.0), 330.0, Color::rgb(0xFF_D8_80), 0.7);
    canvas.line(&format!("M{x:.1},{y:.1} l0,-270"), "#7a5038", 9.0);
    canvas.ellipse((x, y + 2.0), (46.0, 12.0), "#7a5038");
    let shade = canvas.downward(&[
        (0.0, Color::rgb(0xFF_F0_C0), 1.0),
        (1.0, air.tones[2].lighter(0.3), 1.0),
    ]);
    canvas.path(
        &format!(
            "M{:.1},{:.1} l64,0 l26,96 q-58,16 -116,0 Z",
            x - 32.0,
            y - 350.0
        ),
        &shade,
    );
}

fn shelf(canvas: &mut Canvas, at: Point, air: &Air) {
    let (x, y) = at;
    let books = [
        air.tones[0],
        air.tones[2],
        air.tones[1].lighter(0.3),
        Color::rgb(0xE8_70_60),
        Color::rgb(0x68_A8_78),
        GOLD,
        air.tones[1],
    ];
    for (index, color) in books.into_iter().enumerate() {
        let height = 62.0 + ((index * 37) % 26) as f32;
        canvas.rectangle(
            (x - 104.0 + index as f32 * 25.0, y - height),
            (21.0, height),
            4.0,
            &color.hex(),
        );
        canvas.rectangle(
            (x - 104.0 + index as f32 * 25.0, y - height + 12.0),
            (21.0, 5.0),
            0.0,
            "#fff4dc99",
        );
    }
    let puff = canvas.round_paint(Color::rgb(0xB8_84_58));
    canvas.circle((x + 98.0, y - 26.0), 25.0, &puff);
    for dx in [-17.0, 17.0] {
        canvas.circle((x + 98.0 + dx, y - 50.0), 10.0, &puff);
    }
    canvas.circle((x + 90.0, y - 28.0), 3.0, "#2a1e2c");
    canvas.circle((x + 106.0, y - 28.0), 3.0, "#2a1e2c");
    canvas.rectangle((x - 128.0, y), (262.0, 13.0), 5.0, "#8a5a3c");
}

/// The head of the bed and its pillow: behind who lies in it.
pub(super) fn bed_behind(canvas: &mut Canvas, air: &Air, middle: f32) {
    let wood = Color::rgb(0x9A_66_44);
    let fill = canvas.downward(&[(0.0, wood.lighter(0.2), 1.0), (1.0, wood.darker(0.2), 1.0)]);
    canvas.outlined(
        &format!(
            "M{:.1},900 L{:.1},560 Q{middle:.1},440 {:.1},560 L{:.1},900 Z",
            middle - 270.0,
            middle - 270.0,
            middle + 270.0,
            middle + 270.0
        ),
        &fill,
        wood.darker(0.5),
        5.0,
    );
    canvas.path(
        &super::canvas::star_outline((middle, 540.0), 30.0),
        &GOLD.mix(wood, 0.3).hex(),
    );
    let pillow = canvas.round_paint(CREAM.mix(air.tones[1], 0.08));
    canvas.outlined(&format!("M{:.1},640 Q{middle:.1},590 {:.1},640 Q{:.1},740 {:.1},800 Q{middle:.1},830 {:.1},800 Q{:.1},740 {:.1},640 Z", middle - 200.0, middle + 200.0, middle + 224.0, middle + 200.0, middle - 200.0, middle - 224.0, middle - 200.0), &pillow, CREAM.darker(0.35), 4.0);
}

/// The blanket: in front of who lies in bed.
pub(super) fn bed_before(canvas: &mut Canvas, air: &Air, middle: f32) {
    let cloth = air.tones[1].mix(air.tones[2], 0.35).with_lightness(0.56);
    let fill = canvas.downward(&[
        (0.0, cloth.lighter(0.3), 1.0),
        (1.0, cloth.darker(0.25), 1.0),
    ]);
    let outline = format!(
        "M{:.1},1010 C{:.1},880 {:.1},820 {:.1},806 Q{middle:.1},764 {:.1},806 C{:.1},820 {:.1},880 {:.1},1010 Z",
        middle - 330.0,
        middle - 310.0,
        middle - 290.0,
        middle - 220.0,
        middle + 220.0,
        middle + 290.0,
        middle + 310.0,
        middle + 330.0
    );
    canvas.outlined(&outline, &fill, cloth.darker(0.5), 5.0);
    canvas.clipped(&outline, |canvas| {
        for row in 0..4 {
            for column in 0..9 {
                let at = (
                    middle - 300.0 + column as f32 * 76.0 + if row % 2 == 0 { 0.0 } else { 38.0 },
                    870.0 + row as f32 * 46.0,
                );
                canvas.path(
                    &super::canvas::star_outline(at, 13.0),
                    &format!("{}aa", cloth.lighter(0.6).hex()),
                );
            }
        }
        canvas.line(
            &format!(
                "M{:.1},826 Q{middle:.1},784 {:.1},826",
                middle - 260.0,
                middle + 260.0
            ),
            &CREAM.hex(),
            36.0,
        );
    });
}
