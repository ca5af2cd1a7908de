//! Hats, scarves of the head and what helps to see and hear: worn by children and creatures alike.

use super::canvas::{Canvas, ellipse_outline};
use super::color::{Color, GOLD, INK};
use super::looks::Looks;
use super::wardrobe::Headwear;

/// Hats and scarves of the head, and the hijab around it; for creatures too.
pub(super) fn draw(canvas: &mut Canvas, looks: &Looks) {
    let color = if looks.headwear == Headwear::Crown {
        GOLD
    } else {
        looks.top
    };
    let line = color.darker(0.5);
    let fill = canvas.linear(
        (0.2, 0.0),
        (0.8, 1.0),
        &[
            (0.0, color.lighter(0.3), 1.0),
            (1.0, color.darker(0.15), 1.0),
        ],
    );
    match looks.headwear {
        Headwear::None => {}
        Headwear::Hijab => canvas.outlined(
            "M0,-278 C62,-278 78,-226 72,-180 C72,-150 62,-132 44,-120 C20,-112 -20,-112 -44,-120 C-62,-132 -72,-150 -72,-180 C-78,-226 -62,-278 0,-278 Z M-50,-206 C-52,-176 -32,-147 0,-147 C32,-147 52,-176 50,-206 C48,-240 28,-250 0,-250 C-28,-250 -48,-240 -50,-206 Z",
            &format!("{fill}' fill-rule='evenodd"), line, 3.2,
        ),
        Headwear::Turban => {
            canvas.outlined("M-66,-214 C-84,-262 -46,-300 0,-300 C46,-300 84,-262 66,-214 C40,-240 -40,-240 -66,-214 Z", &fill, line, 3.2);
            canvas.line("M-62,-226 C-30,-270 20,-280 44,-286 M62,-228 C40,-262 0,-282 -30,-288", &line.mix(color, 0.4).hex(), 3.0);
            canvas.circle((0.0, -252.0), 7.0, &GOLD.hex());
        }
        Headwear::Kippah => {
            canvas.outlined("M-38,-252 C-28,-282 28,-282 38,-252 Q0,-264 -38,-252 Z", &fill, line, 3.0);
            canvas.line("M-34,-255 Q0,-267 34,-255", &color.lighter(0.55).hex(), 4.0);
        }
        Headwear::Cap => {
            canvas.outlined("M-62,-232 C-62,-290 62,-290 62,-232 C30,-246 -30,-246 -62,-232 Z", &fill, line, 3.2);
            canvas.outlined("M10,-242 C50,-252 88,-242 96,-226 C72,-234 40,-236 14,-232 Z", &color.darker(0.2).hex(), line, 3.0);
        }
        Headwear::WoolHat => {
            canvas.outlined("M-62,-230 C-66,-300 66,-300 62,-230 Z", &fill, line, 3.2);
            canvas.rectangle((-67.0, -244.0), (134.0, 22.0), 11.0, &color.lighter(0.5).hex());
            let puff = canvas.round_paint(color.lighter(0.5));
            canvas.outlined_ellipse((0.0, -292.0), (19.0, 18.0), &puff, line, 2.6);
        }
        Headwear::WizardHat => {
            canvas.outlined("M-78,-236 Q0,-262 78,-236 Q60,-226 40,-238 C34,-270 30,-310 54,-340 C10,-336 -30,-290 -40,-240 Q-60,-226 -78,-236 Z", &fill, line, 3.2);
            canvas.path(&super::canvas::star_outline((4.0, -278.0), 14.0), &GOLD.hex());
        }
        Headwear::Crown => canvas.outlined("M-40,-244 L-48,-286 L-24,-266 L0,-296 L24,-266 L48,-286 L40,-244 Q0,-254 -40,-244 Z", &fill, line, 3.0),
        Headwear::Bow => {
            canvas.outlined("M36,-254 C20,-282 2,-270 10,-254 C4,-238 22,-228 36,-254 Z", &fill, line, 2.8);
            canvas.outlined("M36,-254 C52,-282 72,-268 62,-252 C70,-234 48,-230 36,-254 Z", &fill, line, 2.8);
            canvas.circle((36.0, -254.0), 8.0, &color.darker(0.15).hex());
        }
        Headwear::FlowerCrown => {
            for (index, x) in [-50.0f32, -30.0, -8.0, 14.0, 36.0, 54.0].into_iter().enumerate() {
                let y = -236.0 - (1.0 - (x / 62.0).powi(2)) * 22.0;
                let petal = [Color::rgb(0xF8_90_B0), Color::rgb(0xFF_E0_70), Color::rgb(0xC8_A0_F0)][index % 3];
                canvas.outlined(&ellipse_outline((x, y), (10.0, 10.0)), &petal.hex(), petal.darker(0.4), 2.0);
                canvas.circle((x, y), 4.0, &GOLD.hex());
            }
        }
    }
}

/// Glasses, hearing aids, headphones and the like, over the face.
pub(super) fn draw_aids(canvas: &mut Canvas, looks: &Looks, eyes_at: f32, eye_distance: f32) {
    let traits = &looks.traits;
    let ear = if looks.is_human() { 60.0 } else { 70.0 };
    if traits.glasses || traits.dark_glasses {
        glasses(canvas, looks, ear, eyes_at, eye_distance);
    }
    if traits.eye_patch {
        canvas.line(
            &format!("M{:.1},-222 L{ear:.1},-238", -ear),
            &INK.hex(),
            3.4,
        );
        let patch = format!(
            "M{:.1},{:.1} q17,-16 34,0 q0,24 -17,24 q-17,0 -17,-24 Z",
            eye_distance - 17.0,
            eyes_at - 8.0
        );
        canvas.outlined(&patch, &looks.top.hex(), INK, 2.6);
    }
    if traits.hearing_aid {
        hearing_aids(canvas, ear);
    }
    if traits.cochlear_implant {
        cochlear_implant(canvas, ear);
    }
    if traits.headphones {
        headphones(canvas, ear);
    }
    if traits.feeding_tube {
        canvas.line(
            "M4,-180 C20,-172 44,-170 58,-176 C66,-168 60,-150 50,-140",
            "#fffdf4",
            3.2,
        );
        canvas.rectangle((30.0, -180.0), (16.0, 9.0), 3.0, "#ffe9d0");
    }
}

fn cochlear_implant(canvas: &mut Canvas, ear: f32) {
    let shell = Color::rgb(0x7A_58_D8);
    canvas.outlined_ellipse(
        (ear - 6.0, -236.0),
        (12.0, 12.0),
        &shell.hex(),
        shell.darker(0.4),
        2.6,
    );
    canvas.line(
        &format!("M{:.1},-226 q14,8 8,22", ear),
        &shell.darker(0.3).hex(),
        3.0,
    );
    canvas.outlined_ellipse(
        (ear + 6.0, -202.0),
        (6.0, 11.0),
        &shell.hex(),
        shell.darker(0.4),
        2.2,
    );
}

fn headphones(canvas: &mut Canvas, ear: f32) {
    let shell = Color::rgb(0x38_A8_A0);
    canvas.line(
        &format!(
            "M{:.1},-208 C{:.1},-296 {:.1},-296 {:.1},-208",
            -ear - 2.0,
            -ear + 4.0,
            ear - 4.0,
            ear + 2.0
        ),
        &shell.darker(0.35).hex(),
        11.0,
    );
    canvas.line(
        &format!(
            "M{:.1},-208 C{:.1},-296 {:.1},-296 {:.1},-208",
            -ear - 2.0,
            -ear + 4.0,
            ear - 4.0,
            ear + 2.0
        ),
        &shell.lighter(0.2).hex(),
        6.0,
    );
    let cup = canvas.round_paint(shell);
    for side in [-1.0, 1.0] {
        canvas.outlined_ellipse(
            (side * (ear + 2.0), -198.0),
            (14.0, 22.0),
            &cup,
            shell.darker(0.5),
            3.0,
        );
    }
}

fn hearing_aids(canvas: &mut Canvas, ear: f32) {
    let shell = Color::rgb(0x3A_8F_E8);
    for side in [-1.0, 1.0] {
        canvas.outlined(
            &format!(
                "M{:.1},-214 q{:.1},-6 {:.1},10 q{:.1},16 {:.1},18 q{:.1},-12 {:.1},-28 Z",
                side * (ear + 2.0),
                side * 12.0,
                side * 12.0,
                side * 2.0,
                -side * 8.0,
                side * 2.0,
                -side * 4.0
            ),
            &shell.hex(),
            shell.darker(0.4),
            2.2,
        );
        canvas.line(
            &format!(
                "M{:.1},-190 q{:.1},4 {:.1},-6",
                side * (ear + 6.0),
                -side * 8.0,
                -side * 10.0
            ),
            &shell.lighter(0.5).hex(),
            2.6,
        );
    }
}

fn glasses(canvas: &mut Canvas, looks: &Looks, ear: f32, eyes_at: f32, eye_distance: f32) {
    // Dark frames would vanish on dark skin or fur.
    let frame = if looks.skin.lightness() < 0.62 {
        Color::rgb(0xFF_7A_6A)
    } else {
        INK.mix(looks.top, 0.3)
    };
    let glass = if looks.traits.dark_glasses {
        "#2a2440cc"
    } else {
        "#dff3ff2a"
    };
    for side in [-1.0, 1.0] {
        canvas.outlined_ellipse(
            (side * eye_distance, eyes_at),
            (20.0, 20.0),
            glass,
            frame,
            4.2,
        );
        canvas.line(
            &format!(
                "M{:.1},{:.1} L{:.1},{:.1}",
                side * (eye_distance + 20.0),
                eyes_at - 3.0,
                side * ear,
                eyes_at - 7.0
            ),
            &frame.hex(),
            3.6,
        );
        canvas.line(
            &format!(
                "M{:.1},{:.1} l5,-6",
                side * eye_distance - 14.0,
                eyes_at - 5.0
            ),
            "#ffffffaa",
            2.4,
        );
    }
    canvas.line(
        &format!(
            "M{:.1},{:.1} q{:.1},-6 {:.1},0",
            20.0 - eye_distance,
            eyes_at - 2.0,
            eye_distance - 20.0,
            (eye_distance - 20.0) * 2.0
        ),
        &frame.hex(),
        3.8,
    );
}
