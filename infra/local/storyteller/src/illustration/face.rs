//! Eyes, cheeks and mouths: what makes a figure somebody.

use super::canvas::{Canvas, Point, ellipse_outline};
use super::color::{CREAM, Color, INK, WHITE};
use super::pose::Expression;

/// Where a face's parts are, in the figure's units.
pub(super) struct FacePlan {
    pub(super) eyes_at: f32,
    pub(super) eye_distance: f32,
    pub(super) eye_size: f32,
    pub(super) mouth_at: f32,
    pub(super) mouth_width: f32,
    pub(super) cheeks_at: f32,
    pub(super) cheek_distance: f32,
}

/// Everything that colors a face.
pub(super) struct FaceColors {
    pub(super) skin: Color,
    /// Of the left and the right eye.
    pub(super) irises: [Color; 2],
    pub(super) brows: Color,
    pub(super) lashes: bool,
    /// Almond eyes that rise a little outward.
    pub(super) upslant: bool,
    /// A wire on the teeth.
    pub(super) braces: bool,
}

pub(super) fn draw(
    canvas: &mut Canvas,
    plan: &FacePlan,
    colors: &FaceColors,
    expression: Expression,
    gaze: Point,
) {
    let blush = Color::rgb(0xF0_60_70).mix(colors.skin, 0.25);
    for side in [-1.0, 1.0] {
        let center = (side * plan.cheek_distance, plan.cheeks_at);
        let fill = canvas.radial(
            (0.5, 0.5),
            0.5,
            &[(0.0, blush, 0.55), (0.6, blush, 0.3), (1.0, blush, 0.0)],
        );
        canvas.ellipse(center, (15.0, 10.5), &fill);
    }
    for side in [-1.0, 1.0] {
        eye(canvas, plan, colors, expression, gaze, side);
        brow(canvas, plan, colors, expression, side);
    }
    // Braces are worth showing.
    let smiles = colors.braces && expression == Expression::Smile;
    let shown = if smiles {
        Expression::BigSmile
    } else {
        expression
    };
    mouth(canvas, plan, shown, colors.skin);
    if colors.braces && shown == Expression::BigSmile {
        wire(canvas, plan);
    }
}

fn eye(
    canvas: &mut Canvas,
    plan: &FacePlan,
    colors: &FaceColors,
    expression: Expression,
    gaze: Point,
    side: f32,
) {
    let (x, y, size) = (side * plan.eye_distance, plan.eyes_at, plan.eye_size);
    let line = INK.mix(colors.skin, 0.12).hex();
    if expression == Expression::Asleep {
        let curve = format!(
            "M{:.1},{y:.1} q{:.1},{:.1} {:.1},0",
            x - size,
            size,
            size * 0.9,
            size * 2.0
        );
        canvas.line(&curve, &line, 3.6);
        return;
    }
    let rotation = if colors.upslant { side * -9.0 } else { 0.0 };
    canvas.group(
        &format!("transform='rotate({rotation:.1} {x:.1} {y:.1})'"),
        |canvas| {
            let tall = match expression {
                Expression::Awe => 1.30,
                Expression::Determined => 1.02,
                _ => 1.16,
            };
            let height = if colors.upslant {
                size * tall * 0.86
            } else {
                size * tall
            };
            eyeball(
                canvas,
                (x, y),
                (size, height),
                colors.irises[usize::from(side > 0.0)],
                gaze,
            );
            let lid = format!(
                "M{:.1},{:.1} Q{:.1},{:.1} {:.1},{:.1}",
                x - size * 1.02,
                y - height * 0.18,
                x,
                y - height * 1.42,
                x + size * 1.02,
                y - height * 0.18
            );
            canvas.line(&lid, &line, 3.6);
            if colors.lashes {
                let lash = format!(
                    "M{:.1},{:.1} l{:.1},-5",
                    x + side * size * 0.95,
                    y - height * 0.28,
                    side * 6.0
                );
                canvas.line(&lash, &line, 3.0);
            }
        },
    );
}

/// The white, the iris looking somewhere, and the two lights in it.
fn eyeball(canvas: &mut Canvas, (x, y): Point, (size, height): Point, iris: Color, gaze: Point) {
    let outline = ellipse_outline((x, y), (size, height));
    canvas.path(&outline, &WHITE.hex());
    let look = (x + gaze.0 * size * 0.24, y + gaze.1 * size * 0.26);
    canvas.clipped(&outline, |canvas| {
        let paint = canvas.radial(
            (0.5, 0.75),
            0.75,
            &[
                (0.0, iris.lighter(0.35), 1.0),
                (0.6, iris, 1.0),
                (1.0, iris.darker(0.55), 1.0),
            ],
        );
        canvas.circle(look, size * 0.80, &paint);
        canvas.circle(
            (look.0, look.1 + size * 0.03),
            size * 0.48,
            &Color::rgb(0x18_10_22).hex(),
        );
        canvas.ellipse(
            (x, y - height * 0.98),
            (size * 1.1, height * 0.34),
            &format!("{}33", INK.hex()),
        );
    });
    canvas.circle(
        (look.0 - size * 0.26, look.1 - size * 0.36),
        size * 0.27,
        &WHITE.hex(),
    );
    canvas.circle(
        (look.0 + size * 0.30, look.1 + size * 0.30),
        size * 0.13,
        &format!("{}cc", WHITE.hex()),
    );
}

fn brow(
    canvas: &mut Canvas,
    plan: &FacePlan,
    colors: &FaceColors,
    expression: Expression,
    side: f32,
) {
    let lift = match expression {
        Expression::Awe => -7.0,
        Expression::Asleep => 6.0,
        _ => 0.0,
    };
    // Positive: the inner end is higher, as with worry; negative: lower, as with resolve.
    let slope = match expression {
        Expression::Worried => 6.0,
        Expression::Determined => -4.0,
        _ => 0.0,
    };
    let (x, y) = (
        side * plan.eye_distance,
        plan.eyes_at - plan.eye_size * 1.85 + lift,
    );
    let half = plan.eye_size * 0.85;
    let curve = format!(
        "M{:.1},{:.1} Q{x:.1},{:.1} {:.1},{:.1}",
        x - side * half,
        y - slope * 0.9,
        y - 6.0,
        x + side * half,
        y + slope * 0.5 + 2.0
    );
    canvas.line(&curve, &colors.brows.hex(), 4.2);
}

const INSIDE_OF_MOUTH: &str = "#8a2a40";

fn mouth(canvas: &mut Canvas, plan: &FacePlan, expression: Expression, skin: Color) {
    let (y, w) = (plan.mouth_at, plan.mouth_width);
    let line = INK.mix(skin, 0.25);
    match expression {
        Expression::Smile | Expression::Asleep => {
            canvas.line(
                &format!("M{:.1},{y:.1} Q0,{:.1} {w:.1},{y:.1}", -w, y + w * 0.85),
                &line.hex(),
                3.6,
            );
        }
        Expression::Determined => {
            canvas.line(
                &format!(
                    "M{:.1},{:.1} Q0,{:.1} {:.1},{:.1}",
                    -w * 0.8,
                    y + 2.0,
                    y + w * 0.5,
                    w * 0.9,
                    y - 2.0
                ),
                &line.hex(),
                3.6,
            );
        }
        Expression::Worried => {
            let curve = format!(
                "M{:.1},{:.1} q{:.1},-6 {:.1},0 t{:.1},0",
                -w * 0.7,
                y + 4.0,
                w * 0.35,
                w * 0.7,
                w * 0.7
            );
            canvas.line(&curve, &line.hex(), 3.4);
        }
        Expression::Awe | Expression::Singing => {
            let tall = if expression == Expression::Awe {
                0.55
            } else {
                0.72
            };
            canvas.outlined(
                &ellipse_outline((0.0, y + 4.0), (w * 0.48, w * tall)),
                INSIDE_OF_MOUTH,
                line,
                2.6,
            );
            canvas.ellipse(
                (0.0, y + 4.0 + w * tall * 0.55),
                (w * 0.30, w * 0.24),
                &Color::rgb(0xF0_80_88).hex(),
            );
        }
        Expression::BigSmile => {
            big_smile(canvas, y, w, line);
        }
    }
}

fn wire(canvas: &mut Canvas, plan: &FacePlan) {
    let (y, w) = (plan.mouth_at + 1.0, plan.mouth_width);
    canvas.line(
        &format!(
            "M{:.1},{y:.1} Q0,{:.1} {:.1},{y:.1}",
            -w * 0.7,
            y + 4.0,
            w * 0.7
        ),
        "#8ea4bc",
        1.8,
    );
    for share in [-0.55f32, -0.2, 0.2, 0.55] {
        canvas.circle((w * share, y + 1.6 - share.abs()), 2.2, "#6f8cb0");
    }
}

fn big_smile(canvas: &mut Canvas, y: f32, w: f32, line: Color) {
    let open = format!(
        "M{:.1},{:.1} Q0,{:.1} {w:.1},{:.1} Q{:.1},{:.1} 0,{:.1} Q{:.1},{:.1} {:.1},{:.1} Z",
        -w,
        y - 3.0,
        y + 3.0,
        y - 3.0,
        w * 0.85,
        y + w * 1.05,
        y + w * 1.08,
        -w * 0.85,
        y + w * 1.05,
        -w,
        y - 3.0
    );
    canvas.outlined(&open, INSIDE_OF_MOUTH, line, 2.8);
    canvas.clipped(&open, |canvas| {
        canvas.ellipse((0.0, y - 4.0), (w * 0.85, 8.5), &CREAM.hex());
        canvas.ellipse(
            (0.0, y + w * 1.05),
            (w * 0.55, w * 0.48),
            &Color::rgb(0xF0_80_88).hex(),
        );
    });
}
