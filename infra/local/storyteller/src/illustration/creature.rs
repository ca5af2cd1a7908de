//! Animals, dragons and robots: heads, ears, tails, wings.

use super::canvas::Canvas;
use super::color::{Color, GOLD, INK, WHITE};
use super::creature_back::{accent, canvas_limb, draw_ears, mane_colors};
use super::face::{self, FaceColors, FacePlan};
use super::looks::Looks;
use super::pose::{Expression, Pose};
use super::species::{Crest, Ears, Muzzle, Pattern, Species};

const HEAD: &str =
    "M-71,-203 C-74,-270 74,-270 71,-203 C72,-164 42,-141 0,-141 C-42,-141 -72,-164 -71,-203 Z";
const ROBOT_HEAD: &str = "M-46,-266 L46,-266 Q72,-266 72,-240 L72,-170 Q72,-144 46,-144 L-46,-144 Q-72,-144 -72,-170 L-72,-240 Q-72,-266 -46,-266 Z";

/// The head of a creature; drawn after the body.
pub(super) fn draw_head(canvas: &mut Canvas, looks: &Looks, species: &Species, pose: &Pose) {
    let line = looks.skin.darker(0.5);
    if species.crest == Crest::LionMane {
        lion_mane(canvas, looks);
    }
    if species.crest == Crest::Mane || species.crest == Crest::Horn {
        for (index, color) in mane_colors(looks).into_iter().enumerate() {
            let shift = index as f32 * 10.0;
            canvas.outlined(
                &format!(
                    "M-20,{:.1} C-90,{:.1} -108,-200 -92,{:.1} C-74,-140 -60,-180 -50,-214 Z",
                    -270.0 + shift,
                    -270.0 + shift,
                    -130.0 - shift
                ),
                &color.hex(),
                color.darker(0.4),
                2.6,
            );
        }
    }
    draw_ears(canvas, looks, species);
    if species.crest == Crest::Antlers {
        for side in ["1", "-1"] {
            canvas.group(&format!("transform='scale({side} 1)'"), |canvas| {
                canvas_limb(canvas, "M24,-254 C30,-292 40,-304 62,-314 M34,-288 C48,-290 58,-286 66,-280 M29,-276 C22,-290 20,-300 24,-312", Color::rgb(0xB8_90_60), Color::rgb(0x6A_48_30), 8.0);
            });
        }
    }
    let outline = if species.muzzle == Muzzle::Screen {
        ROBOT_HEAD
    } else {
        HEAD
    };
    let fill = canvas.round_paint(looks.skin);
    canvas.outlined(outline, &fill, line, 3.4);
    canvas.clipped(outline, |canvas| markings(canvas, looks, species));
    crest(canvas, looks, species);
    if species.muzzle == Muzzle::Screen {
        robot_face(canvas, looks, pose);
    } else {
        animal_face(canvas, looks, species, pose);
    }
}

fn lion_mane(canvas: &mut Canvas, looks: &Looks) {
    let mane = looks.skin.mix(Color::rgb(0x9A_4A_20), 0.62);
    let fill = canvas.round_paint(mane);
    for index in 0..14 {
        let angle = index as f32 / 14.0 * std::f32::consts::TAU;
        canvas.outlined_ellipse(
            (angle.cos() * 76.0, -204.0 + angle.sin() * 66.0),
            (30.0, 30.0),
            &fill,
            mane.darker(0.4),
            2.6,
        );
    }
    canvas.ellipse((0.0, -204.0), (80.0, 70.0), &mane.hex());
}

fn markings(canvas: &mut Canvas, looks: &Looks, species: &Species) {
    let dark = looks.skin.darker(0.45).hex();
    let light = looks.light.hex();
    match species.pattern {
        Pattern::Plain | Pattern::Bolts | Pattern::Glowing => {}
        Pattern::Mask => {
            canvas.path("M-76,-206 C-52,-214 -40,-190 -22,-178 C-10,-196 -6,-214 0,-226 C6,-214 10,-196 22,-178 C40,-190 52,-214 76,-206 L76,-130 L-76,-130 Z", &light);
        }
        Pattern::Stripes => {
            canvas.line("M0,-262 L0,-240 M-16,-260 L-13,-244 M16,-260 L13,-244 M-74,-196 L-56,-193 M-73,-182 L-56,-182 M74,-196 L56,-193 M73,-182 L56,-182", &dark, 6.5);
        }
        Pattern::EyePatches => {
            for side in [-1.0f32, 1.0] {
                canvas.group(
                    &format!(
                        "transform='rotate({:.0} {:.0} -206)'",
                        side * 24.0,
                        side * 31.0
                    ),
                    |canvas| {
                        canvas.ellipse(
                            (side * 31.0, -205.0),
                            (21.0, 25.0),
                            &INK.lighter(0.08).hex(),
                        );
                    },
                );
            }
        }
        Pattern::Spots => {
            let spot = looks.skin.darker(0.22).hex();
            canvas.ellipse((34.0, -214.0), (24.0, 26.0), &spot);
            canvas.circle((-44.0, -240.0), 9.0, &spot);
            canvas.circle((-58.0, -222.0), 6.0, &spot);
        }
        Pattern::Discs => {
            for side in [-1.0f32, 1.0] {
                canvas.circle((side * 31.0, -205.0), 33.0, &light);
            }
        }
    }
}

fn crest(canvas: &mut Canvas, looks: &Looks, species: &Species) {
    let horn = Color::rgb(0xFF_EE_C8);
    match species.crest {
        Crest::Horns => {
            for side in ["1", "-1"] {
                canvas.group(&format!("transform='scale({side} 1)'"), |canvas| {
                    canvas.outlined("M24,-250 C26,-280 40,-298 60,-302 C54,-286 56,-266 52,-242 Z", &horn.hex(), Color::rgb(0xA8_84_50), 3.0);
                    canvas.line("M30,-268 q12,6 24,4 M37,-283 q9,5 17,3", "#d8b878", 2.4);
                });
            }
            canvas.outlined("M-12,-250 L0,-276 L12,-250 Z", &accent(looks).hex(), looks.skin.darker(0.5), 3.0);
        }
        Crest::Horn => {
            canvas.glow((0.0, -300.0), 46.0, GOLD, 0.5);
            canvas.outlined("M-13,-250 L2,-332 L15,-250 Z", &GOLD.hex(), Color::rgb(0xB0_78_28), 3.0);
            canvas.line("M-10,-266 L13,-272 M-7,-284 L10,-290 M-4,-302 L7,-306", "#fff0c0", 3.0);
            let mane = mane_colors(looks);
            canvas.outlined("M-4,-256 C-40,-262 -62,-238 -56,-214 C-44,-232 -22,-240 4,-244 Z", &mane[0].hex(), mane[0].darker(0.4), 2.6);
        }
        Crest::Mane => {
            let mane = mane_colors(looks);
            canvas.outlined("M-20,-262 C-30,-240 -24,-222 -8,-214 C-4,-232 6,-246 26,-256 Z", &mane[1].hex(), mane[1].darker(0.4), 2.6);
        }
        Crest::Antenna => {
            canvas.line("M0,-266 L0,-296", &looks.skin.darker(0.4).hex(), 6.0);
            canvas.glow((0.0, -306.0), 40.0, Color::rgb(0xFF_8A_5A), 0.6);
            canvas.circle((0.0, -304.0), 11.0, &Color::rgb(0xFF_7A_4A).hex());
        }
        Crest::Feelers => {
            canvas.line("M-18,-252 C-26,-284 -40,-292 -54,-288 M18,-252 C26,-284 40,-292 54,-288", &looks.skin.darker(0.3).hex(), 4.6);
            canvas.circle((-54.0, -288.0), 7.5, &GOLD.hex());
            canvas.circle((54.0, -288.0), 7.5, &GOLD.hex());
        }
        Crest::Tuft => canvas.outlined("M-12,-254 C-26,-282 -10,-292 -4,-276 C0,-300 18,-296 12,-274 C24,-282 28,-264 12,-252 Z", &looks.skin.lighter(0.2).hex(), looks.skin.darker(0.5), 3.0),
        Crest::Wool => {
            let fill = canvas.round_paint(WHITE.mix(looks.skin, 0.35));
            for (x, y) in [(-44.0, -240.0), (-22.0, -256.0), (2.0, -260.0), (26.0, -256.0), (46.0, -240.0), (0.0, -242.0)] {
                canvas.outlined_ellipse((x, y), (20.0, 19.0), &fill, looks.skin.darker(0.35), 2.0);
            }
        }
        Crest::None | Crest::LionMane | Crest::Antlers => {}
    }
}

fn animal_face(canvas: &mut Canvas, looks: &Looks, species: &Species, pose: &Pose) {
    let line = looks.skin.darker(0.55);
    let light = looks.light;
    let wide = species.muzzle == Muzzle::Broad;
    match species.muzzle {
        Muzzle::Snout => {
            let fill = canvas.round_paint(light);
            canvas.ellipse((0.0, -172.0), (32.0, 24.0), &fill);
        }
        Muzzle::Broad => {
            let snout = looks.skin.mix(light, 0.55);
            let fill = canvas.round_paint(snout);
            canvas.outlined_ellipse(
                (0.0, -170.0),
                (45.0, 28.0),
                &fill,
                looks.skin.darker(0.25),
                2.4,
            );
        }
        Muzzle::Pig => {
            let fill = canvas.round_paint(Color::rgb(0xF0_90_A0));
            canvas.outlined_ellipse((0.0, -184.0), (22.0, 16.0), &fill, line, 2.8);
        }
        _ => {}
    }
    let plan = FacePlan {
        eyes_at: -210.0,
        eye_distance: if wide { 33.0 } else { 30.0 },
        eye_size: 13.0,
        mouth_at: match species.muzzle {
            Muzzle::Flat => -176.0,
            Muzzle::Pig => -162.0,
            _ => -166.0,
        },
        mouth_width: if wide { 19.0 } else { 14.0 },
        cheeks_at: -184.0,
        cheek_distance: 50.0,
    };
    let colors = FaceColors {
        skin: looks.skin,
        irises: [looks.eyes; 2],
        brows: looks.skin.darker(0.5),
        lashes: false,
        upslant: false,
        braces: false,
    };
    let mouthless = matches!(species.muzzle, Muzzle::Beak | Muzzle::Trunk);
    let shown = if mouthless {
        FacePlan {
            mouth_at: -4000.0,
            ..plan
        }
    } else {
        plan
    };
    face::draw(canvas, &shown, &colors, pose.expression, pose.gaze);
    nose(canvas, looks, species, pose);
}

fn nose(canvas: &mut Canvas, looks: &Looks, species: &Species, pose: &Pose) {
    let dark = INK.lighter(0.1);
    match species.muzzle {
        Muzzle::Snout => {
            canvas.path("M-11,-189 C-11,-196 11,-196 11,-189 C11,-181 4,-177 0,-177 C-4,-177 -11,-181 -11,-189 Z", &dark.hex());
            canvas.ellipse((-3.0, -190.0), (4.0, 2.0), "#ffffffaa");
            canvas.line("M0,-177 L0,-168", &dark.hex(), 2.6);
            if species.ears == Ears::Long || species.name == "mouse" || species.name == "cat" {
                canvas.line(
                    "M-34,-178 l-34,-7 M-34,-171 l-33,4 M34,-178 l34,-7 M34,-171 l33,4",
                    &looks.skin.darker(0.35).hex(),
                    2.2,
                );
            }
            if species.ears == Ears::Long {
                canvas.rectangle((-6.5, -163.0), (13.0, 10.0), 3.0, "#fffdf6");
            }
        }
        Muzzle::Broad => {
            for side in [-1.0f32, 1.0] {
                canvas.ellipse(
                    (side * 15.0, -183.0),
                    (4.4, 5.6),
                    &looks.skin.darker(0.55).hex(),
                );
            }
            if species.name == "dragon" && pose.expression != Expression::Awe {
                canvas.path("M-16,-163 l5,9 l5,-8 Z", "#fffdf6");
            }
        }
        Muzzle::Beak => {
            let beak = Color::rgb(0xF8_A8_3A);
            canvas.outlined(
                "M-15,-194 Q0,-202 15,-194 Q10,-172 0,-166 Q-10,-172 -15,-194 Z",
                &beak.hex(),
                beak.darker(0.5),
                2.8,
            );
            canvas.line("M-12,-184 Q0,-178 12,-184", &beak.darker(0.4).hex(), 2.4);
        }
        Muzzle::Trunk => {
            let fill = canvas.round_paint(looks.skin);
            canvas.outlined("M-22,-198 C-26,-160 -22,-128 4,-118 C28,-112 44,-128 40,-144 C36,-150 28,-148 26,-142 C22,-134 8,-140 12,-160 C16,-176 22,-186 22,-198 Z", &fill, looks.skin.darker(0.5), 3.2);
            canvas.line(
                "M-20,-178 q18,8 36,0 M-19,-160 q14,8 30,2",
                &looks.skin.darker(0.3).hex(),
                2.6,
            );
            canvas.line("M26,-164 q12,10 24,2", &looks.skin.darker(0.5).hex(), 3.4);
        }
        Muzzle::Pig => {
            for side in [-1.0f32, 1.0] {
                canvas.ellipse(
                    (side * 8.0, -184.0),
                    (3.6, 5.4),
                    &Color::rgb(0xA0_48_58).hex(),
                );
            }
        }
        Muzzle::Flat | Muzzle::Screen => {}
    }
}

fn robot_face(canvas: &mut Canvas, looks: &Looks, pose: &Pose) {
    let screen = Color::rgb(0x22_2C_48);
    canvas.outlined("M-40,-246 L40,-246 Q56,-246 56,-230 L56,-180 Q56,-164 40,-164 L-40,-164 Q-56,-164 -56,-180 L-56,-230 Q-56,-246 -40,-246 Z", &screen.hex(), looks.skin.darker(0.4), 3.0);
    for side in [-1.0f32, 1.0] {
        canvas.outlined_ellipse(
            (side * 74.0, -206.0),
            (9.0, 17.0),
            &looks.skin.darker(0.2).hex(),
            looks.skin.darker(0.55),
            3.0,
        );
        let (x, y) = (side * 25.0 + pose.gaze.0 * 5.0, -211.0 + pose.gaze.1 * 5.0);
        if pose.expression == Expression::Asleep {
            canvas.line(
                &format!("M{:.1},{y:.1} q11,9 22,0", x - 11.0),
                &looks.eyes.hex(),
                4.6,
            );
            continue;
        }
        canvas.glow((x, y), 30.0, looks.eyes, 0.55);
        let tall = if pose.expression == Expression::Awe {
            17.0
        } else {
            13.5
        };
        canvas.rectangle(
            (x - 10.0, y - tall),
            (20.0, tall * 2.0),
            9.0,
            &looks.eyes.lighter(0.2).hex(),
        );
        canvas.circle((x - 3.0, y - tall * 0.4), 3.6, "#ffffff");
    }
    let mouth = match pose.expression {
        Expression::Awe | Expression::Singing => "M-7,-180 q7,-8 14,0 q-7,10 -14,0",
        Expression::Worried => "M-14,-178 q7,-6 14,0 t14,0",
        _ => "M-17,-184 q17,16 34,0",
    };
    canvas.line(mouth, &looks.eyes.lighter(0.2).hex(), 4.4);
    canvas.line("M-34,-238 L-8,-238", "#ffffff33", 5.0);
}
