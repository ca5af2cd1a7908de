//! Wheelchairs, canes, prostheses and helpers: drawn as what they are, everyday and well kept.

use super::canvas::{Canvas, Point};
use super::color::{Color, INK};
use super::looks::Looks;

const TYRE: Color = Color::rgb(0x3A_38_50);
const STEEL: Color = Color::rgb(0xC8_D2_E0);

/// A bright frame that goes with the clothes.
fn frame(looks: &Looks) -> Color {
    looks.top.mix(Color::rgb(0x2F_9E_D8), 0.55)
}

/// The back rest, the far wheel and the foot rest.
pub(super) fn wheelchair_behind(canvas: &mut Canvas, looks: &Looks) {
    let frame = frame(looks);
    wheel(canvas, (14.0, -38.0), 42.0, frame.darker(0.3));
    let back = canvas.linear(
        (0.0, 0.0),
        (1.0, 0.0),
        &[
            (0.0, frame.darker(0.1), 1.0),
            (1.0, frame.darker(0.45), 1.0),
        ],
    );
    canvas.outlined(
        "M-70,-146 Q-66,-158 -52,-156 L20,-152 L24,-58 L-52,-54 Z",
        &back,
        frame.darker(0.6),
        3.4,
    );
    canvas.line("M-66,-148 L-92,-152", &frame.darker(0.5).hex(), 8.0);
    canvas.line("M-80,-151 L-96,-152", &TYRE.hex(), 13.0);
    for (width, color) in [(11.0, frame.darker(0.5)), (6.0, frame.lighter(0.1))] {
        canvas.line("M-56,-58 L46,-56 L60,-8 L92,-6", &color.hex(), width);
    }
}

/// The near wheel, in front of the hip, and the caster.
pub(super) fn wheelchair_before(canvas: &mut Canvas, looks: &Looks) {
    let frame = frame(looks);
    let seat = canvas.downward(&[(0.0, frame.darker(0.2), 1.0), (1.0, frame.darker(0.5), 1.0)]);
    canvas.rectangle((-54.0, -68.0), (84.0, 17.0), 8.0, &seat);
    for (width, color) in [(10.0, frame.darker(0.5)), (5.5, frame.lighter(0.1))] {
        canvas.line(
            "M-46,-98 L18,-98 Q26,-98 26,-88 L28,-60",
            &color.hex(),
            width,
        );
    }
    canvas.line("M-44,-101 L10,-101", &TYRE.hex(), 11.0);
    wheel(canvas, (-24.0, -32.0), 48.0, frame);
    wheel(canvas, (60.0, 5.0), 11.0, frame);
}

fn wheel(canvas: &mut Canvas, center: Point, radius: f32, color: Color) {
    canvas.outlined_ellipse(center, (radius, radius), "#ffffff14", TYRE, radius * 0.13);
    canvas.outlined_ellipse(
        center,
        (radius * 0.84, radius * 0.84),
        "none",
        STEEL,
        radius * 0.05,
    );
    for index in 0..8 {
        let angle = index as f32 * std::f32::consts::PI / 8.0 + 0.2;
        let (dx, dy) = (angle.cos() * radius * 0.9, angle.sin() * radius * 0.9);
        let spoke = format!(
            "M{:.1},{:.1} L{:.1},{:.1}",
            center.0 - dx,
            center.1 - dy,
            center.0 + dx,
            center.1 + dy
        );
        canvas.line(&spoke, &format!("{}cc", STEEL.hex()), radius * 0.03);
    }
    canvas.outlined_ellipse(
        center,
        (radius * 0.2, radius * 0.2),
        &color.hex(),
        color.darker(0.5),
        2.4,
    );
}

/// A running blade from the socket below the knee.
pub(super) fn blade(canvas: &mut Canvas, knee: Point, foot: Point) {
    canvas.outlined_ellipse((knee.0, knee.1 + 2.0), (14.0, 11.0), &STEEL.hex(), INK, 2.8);
    let curve = format!(
        "M{:.1},{:.1} C{:.1},{:.1} {:.1},{:.1} {:.1},{:.1}",
        knee.0,
        knee.1 + 8.0,
        knee.0 - 12.0,
        knee.1 + 24.0,
        foot.0 - 14.0,
        foot.1 + 2.0,
        foot.0 + 16.0,
        foot.1 + 9.0
    );
    canvas.line(&curve, &INK.hex(), 13.0);
    canvas.line(&curve, "#4ac0e8", 7.5);
}

/// Cane or crutches in the hand that is free.
pub(super) fn in_hand(canvas: &mut Canvas, looks: &Looks, hand: Point) {
    if looks.traits.wheelchair {
        return;
    }
    if looks.traits.crutches {
        for x in [hand.0 - 4.0, 74.0] {
            let pole = format!("M{x:.1},{:.1} L{:.1},2", -128.0, x + 3.0);
            canvas.line(&pole, &INK.hex(), 9.0);
            canvas.line(&pole, &STEEL.hex(), 5.0);
            canvas.line(&format!("M{:.1},-128 q9,-12 18,0", x - 9.0), "#e85a4f", 8.0);
        }
    } else if looks.traits.walking_cane {
        let (x, y) = (hand.0, hand.1);
        let cane = format!(
            "M{:.1},4 L{x:.1},{:.1} q0,-14 -12,-14 q-11,0 -11,10",
            x - 8.0,
            y - 4.0
        );
        canvas.line(&cane, &INK.hex(), 10.0);
        canvas.line(&cane, "#b0763e", 6.0);
    } else if looks.traits.white_cane {
        let pole = format!(
            "M{:.1},{:.1} L{:.1},4",
            hand.0 + 4.0,
            hand.1 - 22.0,
            hand.0 - 44.0
        );
        canvas.line(&pole, &INK.mix(STEEL, 0.4).hex(), 9.0);
        canvas.line(&pole, "#fffdf8", 5.6);
        canvas.line(
            &format!("M{:.1},-14 L{:.1},4", hand.0 - 36.0, hand.0 - 44.0),
            "#e0483e",
            6.4,
        );
        canvas.line(
            &format!("M{:.1},{:.1} l-4,10", hand.0 + 4.0, hand.1 - 22.0),
            "#2a2440",
            8.0,
        );
    }
}

/// A frame on wheels that is held with both hands.
pub(super) fn walker(canvas: &mut Canvas, looks: &Looks) {
    let frame = frame(looks);
    for (width, color) in [(10.0, frame.darker(0.5)), (5.5, frame.lighter(0.1))] {
        canvas.line(
            "M-64,0 L-54,-92 L-30,-98 M64,0 L54,-92 L30,-98 M-58,-46 L58,-46 M-61,-22 L61,-22",
            &color.hex(),
            width,
        );
    }
    for x in [-65.0, 65.0] {
        canvas.outlined_ellipse((x, 0.0), (10.0, 10.0), &STEEL.hex(), TYRE, 5.0);
    }
    canvas.line("M-50,-94 L-28,-98 M50,-94 L28,-98", &TYRE.hex(), 11.0);
}

/// Two bars and straps around the lower leg.
pub(super) fn leg_brace(canvas: &mut Canvas, knee: Point, foot: Point) {
    for side in [-11.0, 11.0] {
        let bar = format!(
            "M{:.1},{:.1} L{:.1},{:.1}",
            knee.0 + side,
            knee.1 - 6.0,
            foot.0 + side,
            foot.1 - 4.0
        );
        canvas.line(&bar, &INK.hex(), 6.0);
        canvas.line(&bar, &STEEL.hex(), 3.4);
    }
    for share in [0.1f32, 0.6] {
        let (x, y) = (
            knee.0 + (foot.0 - knee.0) * share,
            knee.1 + (foot.1 - knee.1) * share,
        );
        canvas.line(&format!("M{:.1},{y:.1} l26,0", x - 13.0), "#4a88d0", 6.0);
    }
}

/// A calm dog in its harness, beside its person.
pub(super) fn service_dog(canvas: &mut Canvas) {
    let coat = Color::rgb(0xE8_C0_80);
    let line = coat.darker(0.5);
    let fill = canvas.round_paint(coat);
    canvas.outlined(
        "M84,-2 C78,-52 94,-80 116,-82 C142,-80 154,-44 150,-2 Z",
        &fill,
        line,
        3.0,
    );
    canvas.outlined_ellipse((112.0, -98.0), (34.0, 30.0), &fill, line, 3.0);
    canvas.outlined(
        "M86,-116 C68,-116 66,-86 78,-78 C88,-82 88,-102 92,-112 Z",
        &coat.darker(0.3).hex(),
        line,
        2.8,
    );
    canvas.outlined(
        "M138,-116 C156,-116 158,-86 146,-78 C136,-82 136,-102 132,-112 Z",
        &coat.darker(0.3).hex(),
        line,
        2.8,
    );
    canvas.ellipse((112.0, -88.0), (16.0, 12.0), &coat.lighter(0.5).hex());
    canvas.ellipse((112.0, -94.0), (6.0, 4.6), &INK.hex());
    for x in [100.0, 124.0] {
        canvas.circle((x, -104.0), 4.6, &INK.hex());
        canvas.circle((x - 1.4, -105.6), 1.5, "#ffffff");
    }
    canvas.line("M104,-84 q8,6 16,0", &INK.hex(), 2.6);
    canvas.line("M88,-56 Q116,-42 146,-56", "#d8483f", 11.0);
    canvas.line("M92,-58 L66,-96", "#d8483f", 5.0);
}
