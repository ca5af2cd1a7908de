//! The head of a child: skin, hair, ears and what a face may carry.

use super::canvas::Canvas;
use super::color::Color;
use super::face::{self, FaceColors, FacePlan};
use super::looks::{Hair, Looks};
use super::pose::Pose;
use super::wardrobe::Headwear;
use crate::seeded::Seeded;

pub(super) const HEAD: &str =
    "M-59,-212 C-61,-268 61,-268 59,-212 C62,-170 36,-145 0,-145 C-36,-145 -62,-170 -59,-212 Z";
const ROUND_HEAD: &str =
    "M-62,-208 C-63,-264 63,-264 62,-208 C65,-168 40,-145 0,-145 C-40,-145 -65,-168 -62,-208 Z";

/// What lies behind the body: long hair and the back of a hijab.
pub(super) fn draw_back(canvas: &mut Canvas, looks: &Looks) {
    if matches!(looks.headwear, Headwear::Hijab | Headwear::Turban) {
        return;
    }
    let color = looks.hair_color.darker(0.18);
    let line = looks.hair_color.darker(0.5);
    let fill = canvas.downward(&[(0.0, color, 1.0), (1.0, color.darker(0.2), 1.0)]);
    match looks.hair {
        Hair::Long => canvas.outlined(
            "M-64,-222 C-74,-280 74,-280 64,-222 C72,-180 76,-140 60,-104 Q48,-92 36,-102 Q20,-90 0,-100 Q-20,-90 -36,-102 Q-48,-92 -60,-104 C-76,-140 -72,-180 -64,-222 Z",
            &fill, line, 3.0,
        ),
        Hair::Ponytail => canvas.outlined(
            "M34,-258 C92,-282 112,-222 88,-168 C84,-150 70,-146 74,-164 C78,-190 66,-212 44,-222 Z",
            &fill, line, 3.0,
        ),
        Hair::Locs => {
            for index in 0..9 {
                let x = -64.0 + index as f32 * 16.0;
                let rope = format!("M{:.1},-232 C{:.1},-190 {x:.1},-160 {x:.1},{:.1}", x * 0.8, x * 1.12, -112.0 - (index % 3) as f32 * 8.0);
                canvas.line(&rope, &line.hex(), 17.0);
                canvas.line(&rope, &color.hex(), 12.0);
            }
        }
        Hair::Afro => bumps(canvas, looks, (0.0, -222.0), 74.0, 27.0, 18),
        Hair::Curly => bumps(canvas, looks, (0.0, -204.0), 60.0, 24.0, 15),
        _ => {}
    }
}

/// A ring of curls and the hair inside it.
fn bumps(
    canvas: &mut Canvas,
    looks: &Looks,
    center: (f32, f32),
    reach: f32,
    size: f32,
    count: usize,
) {
    let color = looks.hair_color.darker(0.12);
    let fill = canvas.round_paint(color);
    canvas.circle(center, reach + 4.0, &color.hex());
    let mut seeded = Seeded::from_text(&looks.name);
    for index in 0..count {
        let angle = index as f32 / count as f32 * std::f32::consts::TAU;
        let wobble = seeded.between(0.85, 1.12) as f32;
        let at = (
            center.0 + angle.cos() * reach,
            center.1 + angle.sin() * reach,
        );
        canvas.outlined_ellipse(
            at,
            (size * wobble, size * wobble),
            &fill,
            looks.hair_color.darker(0.4),
            1.6,
        );
    }
}

/// The head itself; drawn after the body.
pub(super) fn draw_head(canvas: &mut Canvas, looks: &Looks, pose: &Pose) {
    let line = looks.skin.darker(0.45);
    let head = if looks.traits.down_syndrome {
        ROUND_HEAD
    } else {
        HEAD
    };
    let skin = canvas.round_paint(looks.skin);
    let covered = looks.headwear == Headwear::Hijab;
    if !covered {
        ears(canvas, looks, &skin);
    }
    canvas.outlined(head, &skin, line, 3.2);
    canvas.clipped(head, |canvas| skin_marks(canvas, looks));
    let plan = FacePlan {
        eyes_at: -199.0,
        eye_distance: 25.0,
        eye_size: 11.5,
        mouth_at: -167.0,
        mouth_width: 14.0,
        cheeks_at: -178.0,
        cheek_distance: 40.0,
    };
    let brows = if looks.hair == Hair::None {
        looks.skin.darker(0.4)
    } else {
        looks.hair_color.darker(0.25)
    };
    let lashes = matches!(
        looks.hair,
        Hair::Long | Hair::Braids | Hair::Bunches | Hair::Ponytail | Hair::Bun
    ) || covered;
    let colors = FaceColors {
        skin: looks.skin,
        irises: [
            looks.eyes,
            if looks.traits.heterochromia {
                other_eye(looks.eyes)
            } else {
                looks.eyes
            },
        ],
        brows,
        lashes,
        upslant: looks.traits.down_syndrome,
        braces: looks.traits.braces,
    };
    face::draw(canvas, &plan, &colors, pose.expression, pose.gaze);
    let nose = if looks.traits.down_syndrome { 4.0 } else { 5.0 };
    canvas.line(
        &format!("M{:.1},-184 q{nose:.1},5 {:.1},0", -nose, nose * 2.0),
        &looks.skin.darker(0.34).hex(),
        3.0,
    );
    if looks.traits.lip_scar {
        canvas.line("M3,-178 l1,8", &looks.skin.lighter(0.5).hex(), 2.6);
    }
    if !covered {
        draw_hair(canvas, looks);
    }
}

fn ears(canvas: &mut Canvas, looks: &Looks, skin: &str) {
    for side in [-1.0, 1.0] {
        canvas.outlined_ellipse(
            (side * 60.0, -198.0),
            (11.0, 14.0),
            skin,
            looks.skin.darker(0.45),
            3.0,
        );
        canvas.line(
            &format!(
                "M{:.1},-203 q{:.1},5 {:.1},10",
                side * 62.0,
                side * 5.0,
                -side
            ),
            &looks.skin.darker(0.3).hex(),
            2.2,
        );
    }
}

/// Blue beside brown, amber beside anything else.
fn other_eye(eyes: Color) -> Color {
    if eyes.lightness() < 0.5 {
        Color::rgb(0x4A_A0_E8)
    } else {
        Color::rgb(0x8A_50_20)
    }
}

fn skin_marks(canvas: &mut Canvas, looks: &Looks) {
    if looks.traits.vitiligo {
        let pale = looks.skin.mix(Color::rgb(0xFF_EA_D8), 0.72).hex();
        canvas.path("M-62,-214 C-48,-224 -34,-214 -32,-200 C-30,-186 -44,-178 -52,-184 C-58,-176 -66,-190 -62,-214 Z", &pale);
        canvas.path(
            "M14,-160 C26,-170 44,-168 48,-156 C40,-146 20,-142 8,-148 C2,-152 6,-156 14,-160 Z",
            &pale,
        );
        canvas.path(
            "M30,-246 C42,-244 52,-232 48,-222 C40,-220 28,-230 30,-246 Z",
            &pale,
        );
    }
    if looks.traits.birthmark {
        canvas.path(
            "M20,-232 C48,-240 66,-214 56,-186 C46,-180 40,-192 34,-204 C26,-212 14,-218 20,-232 Z",
            &format!("{}88", Color::rgb(0xA8_3A_5A).hex()),
        );
    }
    if looks.traits.scar {
        let healed = looks.skin.mix(Color::rgb(0xE8_90_88), 0.5).hex();
        canvas.path(
            "M-58,-196 C-46,-200 -36,-186 -38,-172 C-44,-160 -58,-164 -62,-176 Z",
            &healed,
        );
    }
    if looks.traits.freckles {
        let spot = looks.skin.mix(Color::rgb(0x9A_48_28), 0.55).hex();
        for (x, y) in [
            (-46.0, -184.0),
            (-38.0, -178.0),
            (-31.0, -185.0),
            (-40.0, -190.0),
            (-25.0, -179.0),
            (-12.0, -186.0),
            (12.0, -186.0),
            (25.0, -179.0),
            (31.0, -185.0),
            (38.0, -178.0),
            (46.0, -184.0),
            (40.0, -190.0),
        ] {
            canvas.circle((x, y), 1.9, &spot);
        }
    }
}

const FRINGE: &str = "M-63,-200 C-74,-282 74,-282 63,-200 C60,-220 52,-232 36,-238 C22,-226 2,-228 -10,-236 C-24,-224 -44,-228 -50,-224 C-58,-218 -61,-210 -63,-200 Z";
const PARTED: &str =
    "M-64,-190 C-78,-284 78,-284 64,-190 C62,-216 50,-236 6,-252 C-46,-240 -60,-218 -64,-190 Z";

fn draw_hair(canvas: &mut Canvas, looks: &Looks) {
    let color = looks.hair_color;
    let line = color.darker(0.5);
    let fill = canvas.linear(
        (0.2, 0.0),
        (0.7, 1.0),
        &[
            (0.0, color.lighter(0.22), 1.0),
            (0.5, color, 1.0),
            (1.0, color.darker(0.25), 1.0),
        ],
    );
    match looks.hair {
        Hair::None => {
            canvas.ellipse((-16.0, -243.0), (20.0, 8.0), "#ffffff55");
            return;
        }
        Hair::Short => {
            canvas.outlined(FRINGE, &fill, line, 3.0);
            canvas.outlined("M-6,-262 q4,-18 18,-20 q-6,8 0,18 Z", &fill, line, 2.4);
        }
        Hair::Curly | Hair::Afro => {
            curls(canvas, looks, &fill);
            return;
        }
        Hair::Braids => {
            canvas.outlined(PARTED, &fill, line, 3.0);
            for side in [-1.0, 1.0] {
                braid(canvas, looks, side);
            }
        }
        Hair::Locs => {
            locs(canvas, looks, &fill);
        }
        Hair::Bunches => {
            bunches(canvas, looks, &fill);
        }
        Hair::Bun => {
            let puff = canvas.round_paint(color);
            canvas.outlined_ellipse((0.0, -276.0), (27.0, 24.0), &puff, line, 3.0);
            canvas.outlined(PARTED, &fill, line, 3.0);
        }
        Hair::Long => {
            long_hair(canvas, looks, &fill);
        }
        Hair::Ponytail => {
            canvas.outlined(FRINGE, &fill, line, 3.0);
            canvas.circle((47.0, -250.0), 8.0, &looks.top.hex());
        }
    }
    canvas.line(
        "M-40,-246 Q-10,-266 26,-260",
        &format!("{}88", color.lighter(0.55).hex()),
        6.0,
    );
}

fn long_hair(canvas: &mut Canvas, looks: &Looks, fill: &str) {
    let line = looks.hair_color.darker(0.5);
    canvas.outlined(PARTED, fill, line, 3.0);
    for side in [-1.0, 1.0] {
        canvas.outlined(
                &format!("M{:.1},-214 C{:.1},-180 {:.1},-150 {:.1},-116 C{:.1},-110 {:.1},-122 {:.1},-140 C{:.1},-160 {:.1},-190 {:.1},-214 Z",
                    side * 62.0, side * 70.0, side * 70.0, side * 58.0, side * 48.0, side * 46.0, side * 50.0, side * 56.0, side * 56.0, side * 54.0),
                fill, line, 2.6,
            );
    }
}

fn curls(canvas: &mut Canvas, looks: &Looks, fill: &str) {
    let (color, line) = (looks.hair_color, looks.hair_color.darker(0.5));
    let reach = if looks.hair == Hair::Afro { 19.0 } else { 17.0 };
    for (x, y) in [
        (-54.0, -222.0),
        (-42.0, -240.0),
        (-24.0, -251.0),
        (-4.0, -254.0),
        (17.0, -252.0),
        (37.0, -243.0),
        (52.0, -226.0),
    ] {
        canvas.outlined_ellipse((x, y), (reach, reach), fill, line, 1.8);
    }
    for (x, y) in [
        (-46.0, -228.0),
        (-20.0, -242.0),
        (8.0, -244.0),
        (36.0, -232.0),
    ] {
        canvas.line(
            &format!("M{:.1},{y:.1} q6,-9 12,0", x - 6.0),
            &color.lighter(0.3).hex(),
            2.4,
        );
    }
}

fn bunches(canvas: &mut Canvas, looks: &Looks, fill: &str) {
    let (color, line) = (looks.hair_color, looks.hair_color.darker(0.5));
    for side in [-1.0, 1.0] {
        let puff = canvas.round_paint(color);
        canvas.outlined_ellipse((side * 66.0, -250.0), (30.0, 29.0), &puff, line, 3.0);
        canvas.line(
            &format!(
                "M{:.1},-232 q{:.1},-8 {:.1},-22",
                side * 42.0,
                side * 8.0,
                side * 6.0
            ),
            &looks.top.hex(),
            7.0,
        );
    }
    canvas.outlined(PARTED, fill, line, 3.0);
}

fn locs(canvas: &mut Canvas, looks: &Looks, fill: &str) {
    let (color, line) = (looks.hair_color, looks.hair_color.darker(0.5));
    canvas.outlined(PARTED, fill, line, 3.0);
    for (index, x) in [-66.0f32, -58.0, 58.0, 66.0].into_iter().enumerate() {
        let rope = format!(
            "M{:.1},-226 C{:.1},-200 {x:.1},-180 {x:.1},{:.1}",
            x * 0.86,
            x * 1.08,
            -140.0 - (index % 2) as f32 * 14.0
        );
        canvas.line(&rope, &line.hex(), 16.0);
        canvas.line(&rope, &color.lighter(0.08).hex(), 11.0);
        canvas.circle((x, -150.0), 4.6, &looks.top.hex());
    }
}

fn braid(canvas: &mut Canvas, looks: &Looks, side: f32) {
    let fill = canvas.round_paint(looks.hair_color);
    for (index, y) in [-196.0, -178.0, -160.0, -142.0, -125.0]
        .into_iter()
        .enumerate()
    {
        let size = 14.0 - index as f32 * 0.9;
        canvas.outlined_ellipse(
            (side * (63.0 - index as f32 * 1.6), y),
            (size, 12.0),
            &fill,
            looks.hair_color.darker(0.5),
            2.0,
        );
    }
    canvas.circle((side * 56.0, -113.0), 7.0, &looks.top.hex());
    canvas.outlined_ellipse(
        (side * 55.0, -102.0),
        (8.0, 9.0),
        &fill,
        looks.hair_color.darker(0.5),
        2.0,
    );
}
