//! Bodies and what they wear: shirts, dresses, coats, capes and scarves, or fur and a belly.

use super::canvas::Canvas;
use super::color::{CREAM, Color};
use super::looks::{Kind, Looks};
use super::species::{Back, Pattern, Species};
use super::wardrobe::Garment;

const TORSO: &str = "M-27,-150 C-44,-140 -50,-92 -45,-66 C-38,-50 38,-50 45,-66 C50,-92 44,-140 27,-150 Q0,-158 -27,-150 Z";
const WIDE_TORSO: &str = "M-29,-150 C-54,-138 -64,-90 -56,-62 C-44,-46 44,-46 56,-62 C64,-90 54,-138 29,-150 Q0,-158 -29,-150 Z";
const SKIRT: &str = "M-27,-150 C-40,-136 -46,-104 -64,-58 Q-42,-44 -22,-50 Q0,-42 22,-50 Q42,-44 64,-58 C46,-104 40,-136 27,-150 Q0,-158 -27,-150 Z";

pub(super) fn torso(canvas: &mut Canvas, looks: &Looks) {
    let outline = match looks.garment {
        Garment::Dress => SKIRT,
        _ if looks.traits.large_body || !looks.is_human() => WIDE_TORSO,
        _ => TORSO,
    };
    let cloth = if looks.garment == Garment::None {
        looks.skin
    } else {
        looks.top
    };
    let fill = canvas.round_paint(cloth);
    canvas.outlined(outline, &fill, cloth.darker(0.5), 3.2);
    canvas.clipped(outline, |canvas| details(canvas, looks, cloth));
    if looks.garment != Garment::None && looks.garment != Garment::Coat {
        canvas.line("M-18,-149 Q0,-138 18,-149", &cloth.lighter(0.45).hex(), 5.0);
    }
}

/// Seams, buttons and pockets, or the belly of who wears nothing.
fn details(canvas: &mut Canvas, looks: &Looks, cloth: Color) {
    match looks.garment {
        Garment::None => {
            if let Kind::Creature(species) = looks.kind {
                belly(canvas, looks, species);
            }
        }
        Garment::Shirt => {
            canvas.line("M-60,-104 Q0,-94 60,-104", &cloth.lighter(0.5).hex(), 9.0);
            canvas.rectangle(
                (-60.0, -72.0),
                (120.0, 40.0),
                0.0,
                &if looks.is_human() {
                    looks.bottom.hex()
                } else {
                    cloth.darker(0.12).hex()
                },
            );
        }
        Garment::Overalls => {
            canvas.rectangle(
                (-70.0, -160.0),
                (140.0, 44.0),
                0.0,
                &cloth.lighter(0.55).hex(),
            );
            canvas.line(
                "M-26,-152 L-24,-112 M26,-152 L24,-112",
                &cloth.darker(0.1).hex(),
                11.0,
            );
            canvas.rectangle((-17.0, -100.0), (34.0, 22.0), 7.0, &cloth.darker(0.2).hex());
            canvas.circle((-24.0, -113.0), 4.4, "#ffd76a");
            canvas.circle((24.0, -113.0), 4.4, "#ffd76a");
        }
        Garment::Coat => {
            canvas.line("M0,-150 L0,-40", &cloth.darker(0.35).hex(), 3.2);
            for y in [-128.0, -104.0, -80.0] {
                canvas.circle((8.0, y), 4.4, &CREAM.hex());
            }
            canvas.line(
                "M-40,-86 l16,3 M24,-83 l16,-3",
                &cloth.darker(0.35).hex(),
                3.2,
            );
        }
        Garment::Dress => {
            canvas.line("M-60,-110 Q0,-100 60,-110", &cloth.darker(0.3).hex(), 7.0);
            for (x, y) in [
                (-30.0, -80.0),
                (0.0, -74.0),
                (30.0, -80.0),
                (-44.0, -62.0),
                (-15.0, -60.0),
                (15.0, -60.0),
                (44.0, -62.0),
            ] {
                canvas.circle((x, y), 4.2, &cloth.lighter(0.6).hex());
            }
        }
    }
}

fn belly(canvas: &mut Canvas, looks: &Looks, species: &Species) {
    let fill = canvas.round_paint(looks.light);
    match species.pattern {
        Pattern::Bolts => {
            canvas.rectangle((-28.0, -124.0), (56.0, 48.0), 10.0, &looks.light.hex());
            canvas.glow((0.0, -102.0), 26.0, Color::rgb(0xFF_7A_8A), 0.8);
            canvas.path(
                "M0,-88 C-22,-102 -14,-118 0,-109 C14,-118 22,-102 0,-88 Z",
                "#ff6a80",
            );
            for x in [-36.0, 36.0] {
                canvas.circle((x, -138.0), 4.0, &looks.skin.darker(0.4).hex());
            }
        }
        Pattern::Glowing => {
            canvas.glow((0.0, -84.0), 70.0, GLOW, 0.95);
            canvas.ellipse((0.0, -82.0), (36.0, 34.0), &GLOW.lighter(0.4).hex());
        }
        Pattern::EyePatches => {
            canvas.rectangle((-70.0, -160.0), (140.0, 36.0), 0.0, "#3a3444");
        }
        _ => {
            canvas.ellipse((0.0, -88.0), (34.0, 42.0), &fill);
            if matches!(species.back, Back::BatWings) || species.name == "dinosaur" {
                canvas.line(
                    "M-31,-104 Q0,-94 31,-104 M-33,-88 Q0,-78 33,-88 M-29,-72 Q0,-62 29,-72",
                    &looks.light.darker(0.18).hex(),
                    2.8,
                );
            }
            if species.pattern == Pattern::Discs {
                canvas.line("M-20,-110 q6,7 12,0 M-4,-110 q6,7 12,0 M-12,-96 q6,7 12,0 M4,-96 q6,7 12,0 M-20,-82 q6,7 12,0 M-4,-82 q6,7 12,0", &looks.skin.hex(), 2.8);
            }
            if species.pattern == Pattern::Stripes {
                canvas.line(
                    "M-62,-112 l20,4 M-62,-94 l18,3 M62,-112 l-20,4 M62,-94 l-18,3",
                    &looks.skin.darker(0.45).hex(),
                    6.0,
                );
            }
        }
    }
}

const GLOW: Color = Color::rgb(0xFF_E4_70);

pub(super) fn cape(canvas: &mut Canvas, color: Color) {
    let fill = canvas.linear(
        (0.0, 0.0),
        (0.3, 1.0),
        &[
            (0.0, color.lighter(0.1), 1.0),
            (1.0, color.darker(0.35), 1.0),
        ],
    );
    canvas.outlined("M-26,-150 C-72,-120 -92,-66 -96,-22 Q-66,-30 -40,-18 Q0,-28 38,-18 Q64,-30 88,-24 C84,-70 66,-122 26,-150 Z", &fill, color.darker(0.5), 3.2);
}

pub(super) fn scarf(canvas: &mut Canvas, color: Color) {
    let fill = canvas.downward(&[
        (0.0, color.lighter(0.2), 1.0),
        (1.0, color.darker(0.12), 1.0),
    ]);
    canvas.outlined(
        "M16,-146 C34,-132 38,-104 32,-82 L12,-86 C16,-106 12,-126 2,-140 Z",
        &fill,
        color.darker(0.5),
        3.0,
    );
    canvas.line("M14,-94 L33,-90", &color.lighter(0.5).hex(), 4.4);
    canvas.outlined("M-42,-154 C-20,-138 20,-138 42,-154 C46,-142 40,-132 30,-130 C10,-124 -14,-124 -32,-130 C-42,-134 -46,-144 -42,-154 Z", &fill, color.darker(0.5), 3.0);
}
