//! Things that hands hold: lanterns, maps, kites.

use super::canvas::{Canvas, Point, star_outline};
use super::color::{CREAM, Color, GOLD, INK};
use super::looks::Looks;
use super::pose::Held;

/// The part of a held thing that lies behind the hand.
pub(super) fn draw_held_behind(canvas: &mut Canvas, looks: &Looks, held: Held, hand: Point) {
    let (x, y) = hand;
    match held {
        Held::Lantern => lantern(canvas, (x, y + 10.0)),
        Held::Star => {
            canvas.glow((x, y - 34.0), 100.0, GOLD, 0.9);
            canvas.outlined(
                &star_outline((x, y - 34.0), 28.0),
                &GOLD.lighter(0.3).hex(),
                Color::rgb(0xD8_90_28),
                3.0,
            );
        }
        Held::Kite => kite(canvas, hand),
        Held::Umbrella => umbrella(canvas, looks, hand),
        Held::Brush => {
            canvas.line(
                &format!(
                    "M{:.1},{:.1} L{:.1},{:.1}",
                    x - 8.0,
                    y + 16.0,
                    x + 16.0,
                    y - 34.0
                ),
                "#8a5a38",
                6.0,
            );
            canvas.outlined(
                &format!(
                    "M{:.1},{:.1} q12,-20 10,-32 q-16,8 -18,28 Z",
                    x + 13.0,
                    y - 32.0
                ),
                "#3a8ae8",
                INK,
                2.4,
            );
        }
        Held::Flower => flower(canvas, hand),
        _ => {}
    }
}

/// The part of a held thing that lies before the hand and the body.
pub(super) fn draw_held_before(canvas: &mut Canvas, _looks: &Looks, held: Held, hand: Point) {
    let (x, y) = hand;
    match held {
        Held::Map => {
            canvas.group(&format!("transform='rotate(-4 0 {y:.1})'"), |canvas| {
                let paper = canvas.linear((0.0, 0.0), (1.0, 1.0), &[(0.0, CREAM, 1.0), (1.0, Color::rgb(0xF0_D4_98), 1.0)]);
                let top = y - 30.0;
                canvas.outlined(&format!("M-46,{top:.1} L-15,{:.1} L15,{top:.1} L46,{:.1} L46,{:.1} L15,{:.1} L-15,{:.1} L-46,{:.1} Z", top + 7.0, top + 7.0, top + 60.0, top + 53.0, top + 60.0, top + 53.0), &paper, Color::rgb(0x9A_70_40), 3.0);
                canvas.line(&format!("M-15,{:.1} l0,53 M15,{top:.1} l0,53", top + 7.0), "#d8b878", 2.4);
                canvas.line(&format!("M-34,{:.1} q12,-16 22,-4 t20,-6", top + 44.0), "#c8643a", 3.4);
                canvas.path(&star_outline((28.0, top + 24.0), 10.0), "#f0a828");
            });
        }
        Held::Book => {
            let top = y - 28.0;
            canvas.outlined(&format!("M-50,{top:.1} Q-24,{:.1} 0,{:.1} Q24,{:.1} 50,{top:.1} L50,{:.1} Q24,{:.1} 0,{:.1} Q-24,{:.1} -50,{:.1} Z", top - 9.0, top + 5.0, top - 9.0, top + 50.0, top + 42.0, top + 56.0, top + 42.0, top + 50.0), "#c8504a", INK, 3.0);
            canvas.path(&format!("M-45,{:.1} Q-22,{:.1} 0,{:.1} Q22,{:.1} 45,{:.1} L45,{:.1} Q22,{:.1} 0,{:.1} Q-22,{:.1} -45,{:.1} Z", top - 3.0, top - 12.0, top, top - 12.0, top - 3.0, top + 8.0, top, top + 12.0, top, top + 8.0), "#fff8e6");
        }
        Held::Magnifier => {
            canvas.line(
                &format!("M{x:.1},{y:.1} L{:.1},{:.1}", x + 18.0, y + 18.0),
                "#8a5a38",
                9.0,
            );
            canvas.outlined_ellipse(
                (x + 38.0, y + 40.0),
                (28.0, 28.0),
                "#e8f8ff88",
                GOLD.darker(0.3),
                6.0,
            );
            canvas.line(
                &format!("M{:.1},{:.1} q6,-14 18,-16", x + 22.0, y + 38.0),
                "#ffffffcc",
                4.0,
            );
        }
        _ => {}
    }
}

/// A lantern hanging from a place, with the light it gives.
pub(super) fn lantern(canvas: &mut Canvas, top: Point) {
    let (x, y) = top;
    canvas.glow((x, y + 30.0), 170.0, Color::rgb(0xFF_CC_60), 0.75);
    canvas.line(
        &format!("M{:.1},{:.1} q12,-22 24,0", x - 12.0, y + 8.0),
        &INK.hex(),
        4.0,
    );
    let glass = canvas.radial(
        (0.5, 0.55),
        0.6,
        &[
            (0.0, Color::rgb(0xFF_FB_E0), 1.0),
            (0.5, Color::rgb(0xFF_DC_78), 1.0),
            (1.0, Color::rgb(0xF2_A0_38), 1.0),
        ],
    );
    canvas.outlined(&format!("M{:.1},{:.1} L{:.1},{:.1} Q{:.1},{:.1} {:.1},{:.1} L{:.1},{:.1} Q{:.1},{:.1} {:.1},{:.1} Z", x - 14.0, y + 12.0, x + 14.0, y + 12.0, x + 24.0, y + 30.0, x + 15.0, y + 50.0, x - 15.0, y + 50.0, x - 24.0, y + 30.0, x - 14.0, y + 12.0), &glass, INK, 3.6);
    canvas.rectangle((x - 17.0, y + 6.0), (34.0, 8.0), 3.0, &INK.hex());
    canvas.rectangle((x - 19.0, y + 48.0), (38.0, 9.0), 4.0, &INK.hex());
    canvas.path(
        &format!("M{x:.1},{:.1} q12,14 0,24 q-12,-10 0,-24 Z", y + 22.0),
        "#fff4c0",
    );
}

fn kite(canvas: &mut Canvas, hand: Point) {
    let (x, y) = (hand.0 + 84.0, hand.1 - 176.0);
    canvas.line(
        &format!(
            "M{:.1},{:.1} Q{:.1},{:.1} {x:.1},{:.1}",
            hand.0,
            hand.1,
            hand.0 + 80.0,
            hand.1 - 40.0,
            y + 20.0
        ),
        "#fff8ea",
        2.4,
    );
    canvas.group(&format!("transform='rotate(24 {x:.1} {y:.1})'"), |canvas| {
        canvas.line(
            &format!("M{x:.1},{:.1} q-24,26 2,46 t-4,50", y + 66.0),
            "#fff8ea",
            2.6,
        );
        for (index, (dx, dy)) in [(-8.0, 92.0), (6.0, 118.0), (-8.0, 144.0)]
            .into_iter()
            .enumerate()
        {
            let ribbon = ["#f25a6a", "#ffd24a", "#48b8d8"][index];
            canvas.path(
                &format!(
                    "M{:.1},{:.1} l-15,-9 l0,18 Z M{:.1},{:.1} l15,-9 l0,18 Z",
                    x + dx,
                    y + dy,
                    x + dx,
                    y + dy
                ),
                ribbon,
            );
        }
        for (corners, color) in [
            ("0,-72 -50,-6 0,-6", "#f25a6a"),
            ("0,-72 50,-6 0,-6", "#ffd24a"),
            ("0,68 -50,-6 0,-6", "#48b8d8"),
            ("0,68 50,-6 0,-6", "#8ad06a"),
        ] {
            let points: Vec<Point> = corners
                .split(' ')
                .filter_map(|pair| {
                    let (dx, dy) = pair.split_once(',')?;
                    Some((x + dx.parse::<f32>().ok()?, y + dy.parse::<f32>().ok()?))
                })
                .collect();
            canvas.path(
                &format!(
                    "M{:.1},{:.1} L{:.1},{:.1} L{:.1},{:.1} Z",
                    points[0].0, points[0].1, points[1].0, points[1].1, points[2].0, points[2].1
                ),
                color,
            );
        }
        canvas.line(
            &format!(
                "M{x:.1},{:.1} l-50,66 l50,74 l50,-74 Z M{:.1},{:.1} l100,0 M{x:.1},{:.1} l0,140",
                y - 72.0,
                x - 50.0,
                y - 6.0,
                y - 72.0
            ),
            "#5a3a4acc",
            3.0,
        );
    });
}

fn umbrella(canvas: &mut Canvas, looks: &Looks, hand: Point) {
    let (x, y) = (hand.0 - 22.0, hand.1 - 212.0);
    let color = looks.top.mix(Color::rgb(0xE8_48_58), 0.6);
    canvas.line(
        &format!("M{:.1},{:.1} L{x:.1},{y:.1}", hand.0, hand.1 + 14.0),
        "#7a4a30",
        7.0,
    );
    let fill = canvas.round_paint(color);
    canvas.outlined(&format!("M{:.1},{:.1} C{:.1},{:.1} {:.1},{:.1} {:.1},{:.1} Q{:.1},{:.1} {:.1},{:.1} Q{:.1},{:.1} {:.1},{:.1} Q{:.1},{:.1} {:.1},{:.1} Z",
        x - 150.0, y + 34.0, x - 130.0, y - 70.0, x + 130.0, y - 70.0, x + 150.0, y + 34.0,
        x + 100.0, y + 6.0, x + 52.0, y + 32.0, x, y + 4.0, x - 52.0, y + 32.0, x - 100.0, y + 6.0, x - 150.0, y + 34.0), &fill, color.darker(0.5), 3.6);
    canvas.line(
        &format!(
            "M{x:.1},{:.1} Q{:.1},{:.1} {:.1},{:.1} M{x:.1},{:.1} Q{:.1},{:.1} {:.1},{:.1}",
            y - 44.0,
            x - 50.0,
            y - 10.0,
            x - 52.0,
            y + 30.0,
            y - 44.0,
            x + 50.0,
            y - 10.0,
            x + 52.0,
            y + 30.0
        ),
        &color.darker(0.3).hex(),
        2.8,
    );
}

fn flower(canvas: &mut Canvas, hand: Point) {
    let (x, y) = hand;
    canvas.line(
        &format!(
            "M{x:.1},{:.1} Q{:.1},{:.1} {:.1},{:.1}",
            y + 20.0,
            x + 6.0,
            y - 20.0,
            x,
            y - 44.0
        ),
        "#4a9a48",
        5.0,
    );
    for index in 0..5 {
        let angle = index as f32 * std::f32::consts::TAU / 5.0;
        canvas.circle(
            (x + angle.cos() * 12.0, y - 50.0 + angle.sin() * 12.0),
            10.0,
            "#f88ab0",
        );
    }
    canvas.circle((x, y - 50.0), 8.0, &GOLD.hex());
}
