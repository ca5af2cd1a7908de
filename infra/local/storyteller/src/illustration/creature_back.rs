//! What a creature has behind it: tail, wings, spines or a shell, and its ears.

use super::canvas::{Canvas, ellipse_outline};
use super::color::{Color, INK};
use super::looks::Looks;
use super::species::{Back, Ears, Pattern, RAINBOW_MANE, Species, Tail};

/// Tail and wings: what lies behind the body.
pub(super) fn draw(canvas: &mut Canvas, looks: &Looks, species: &Species) {
    let (base, line) = (looks.skin, looks.skin.darker(0.5));
    let fill = canvas.round_paint(base.darker(0.08));
    match species.tail {
        Tail::None => {}
        Tail::Bushy => {
            canvas.outlined("M-14,-50 C-70,-30 -118,-60 -112,-120 C-108,-156 -76,-158 -72,-128 C-70,-104 -40,-96 -16,-84 Z", &fill, line, 3.2);
            canvas.path("M-110,-122 C-106,-154 -78,-156 -74,-130 C-74,-118 -84,-122 -88,-112 C-94,-120 -104,-114 -110,-122 Z", &looks.light.hex());
        }
        Tail::Thin => canvas_limb(
            canvas,
            "M-18,-58 C-64,-40 -96,-60 -92,-104 C-90,-126 -72,-128 -72,-112",
            base,
            line,
            12.0,
        ),
        Tail::Curl => canvas_limb(
            canvas,
            "M-18,-54 C-60,-34 -96,-44 -94,-76 C-92,-98 -68,-96 -72,-78",
            base.mix(Color::rgb(0xF0_A0_A0), 0.3),
            line,
            8.0,
        ),
        Tail::Puff => {
            canvas.outlined_ellipse((-44.0, -52.0), (19.0, 18.0), &looks.light.hex(), line, 3.0)
        }
        Tail::Spade => {
            canvas.outlined("M0,-70 C-50,-20 -100,-14 -128,-56 C-136,-70 -130,-88 -124,-84 C-110,-52 -76,-48 -30,-84 Z", &fill, line, 3.2);
            canvas.outlined(
                "M-128,-80 C-152,-84 -152,-110 -136,-126 C-116,-118 -104,-98 -118,-82 Z",
                &accent(looks).hex(),
                line,
                3.0,
            );
        }
        Tail::Flowing => {
            for (index, color) in mane_colors(looks).into_iter().enumerate() {
                let shift = index as f32 * 9.0;
                canvas.outlined(&format!("M-20,{:.1} C-70,{:.1} -110,{:.1} -98,{:.1} C-84,{:.1} -60,{:.1} -14,{:.1} Z", -76.0 + shift, -96.0 + shift, -60.0 + shift, -16.0 + shift * 0.4, -30.0 + shift, -56.0 + shift, -58.0 + shift), &color.hex(), color.darker(0.4), 2.4);
            }
        }
        Tail::Flat => canvas.outlined(
            "M-16,-50 C-60,-60 -104,-40 -108,-16 C-80,-4 -40,-18 -10,-30 Z",
            &base.darker(0.25).hex(),
            line,
            3.0,
        ),
    }
    draw_wings(canvas, looks, species);
}

pub(super) fn canvas_limb(
    canvas: &mut Canvas,
    outline: &str,
    color: Color,
    line: Color,
    width: f32,
) {
    canvas.line(outline, &line.hex(), width + 6.0);
    canvas.line(outline, &color.hex(), width);
}

/// The contrasting color of horns, fins and wing skins.
pub(super) fn accent(looks: &Looks) -> Color {
    looks.light.mix(Color::rgb(0xFF_96_48), 0.62)
}

pub(super) fn mane_colors(looks: &Looks) -> [Color; 3] {
    let first = Color::rgb(RAINBOW_MANE);
    if looks.hair_color == first {
        [first, Color::rgb(0xA8_8C_F0), Color::rgb(0x7C_D0_E8)]
    } else {
        [
            looks.hair_color.lighter(0.3),
            looks.hair_color,
            looks.hair_color.darker(0.2),
        ]
    }
}

fn draw_wings(canvas: &mut Canvas, looks: &Looks, species: &Species) {
    let line = looks.skin.darker(0.5);
    for side in [-1.0f32, 1.0] {
        let attributes = format!("transform='scale({side:.0} 1)'");
        canvas.group(&attributes, |canvas| match species.back {
            Back::BatWings => {
                let skin = accent(looks);
                let fill = canvas.linear((0.0, 1.0), (1.0, 0.0), &[(0.0, skin.darker(0.15), 1.0), (1.0, skin.lighter(0.25), 1.0)]);
                canvas.outlined("M22,-118 C44,-176 84,-206 138,-196 C128,-180 130,-164 140,-150 C122,-150 112,-138 110,-120 C96,-126 84,-118 80,-104 C64,-110 40,-104 22,-92 Z", &fill, line, 3.4);
                canvas.line("M26,-112 C54,-150 90,-180 136,-194 M40,-116 C64,-140 100,-150 136,-151 M40,-106 C62,-122 86,-126 108,-121", &looks.skin.darker(0.1).hex(), 4.4);
            }
            Back::FeatherWings => {
                let fill = canvas.round_paint(looks.skin.darker(0.14));
                canvas.outlined("M30,-138 C72,-140 84,-92 66,-44 C52,-52 44,-70 36,-84 Z", &fill, line, 3.2);
                canvas.line("M44,-112 q16,16 14,40 M54,-122 q18,20 13,52", &looks.skin.lighter(0.3).hex(), 3.0);
            }
            Back::InsectWings => {
                canvas.outlined("M10,-118 C40,-196 110,-200 112,-150 C112,-112 60,-104 10,-108 Z", "#eaf6ffaa", Color::rgb(0xA8_C0_E0), 2.6);
                canvas.outlined("M10,-104 C50,-104 92,-92 84,-58 C74,-36 30,-70 10,-94 Z", "#eaf6ff88", Color::rgb(0xA8_C0_E0), 2.4);
            }
            Back::Spines if side > 0.0 => {
                let dark = looks.skin.darker(0.42);
                let mut spikes = String::from("M0,-60");
                for index in 0..21 {
                    let angle = std::f32::consts::PI * (0.72 + index as f32 / 20.0 * 1.56);
                    let around = |angle: f32, reach: f32| (angle.cos() * reach, -166.0 + angle.sin() * (reach + 14.0));
                    let (tip, root) = (around(angle, 100.0), around(angle + 0.12, 78.0));
                    spikes += &format!(" L{:.1},{:.1} L{:.1},{:.1}", tip.0, tip.1, root.0, root.1);
                }
                spikes += " Z";
                canvas.outlined(&spikes, &dark.hex(), dark.darker(0.3), 3.0);
            }
            Back::Shell if side > 0.0 => {
                let fill = canvas.round_paint(Color::rgb(0xA8_78_44));
                canvas.outlined(&ellipse_outline((0.0, -96.0), (74.0, 66.0)), &fill, Color::rgb(0x5A_3C_24), 3.4);
            }
            _ => {}
        });
    }
}

pub(super) fn draw_ears(canvas: &mut Canvas, looks: &Looks, species: &Species) {
    let (base, line) = (looks.skin, looks.skin.darker(0.5));
    let inner = Color::rgb(0xF4_A8_A8).mix(base, 0.25).hex();
    let fill = canvas.round_paint(base);
    for side in [-1.0f32, 1.0] {
        canvas.group(&format!("transform='scale({side:.0} 1)'"), |canvas| match species.ears {
            Ears::None => {}
            Ears::Pointed => {
                canvas.outlined("M24,-244 C34,-290 54,-312 66,-312 C76,-296 78,-258 66,-226 Z", &fill, line, 3.4);
                canvas.path("M38,-248 C44,-276 54,-292 62,-296 C66,-282 66,-258 60,-238 Z", &inner);
                if species.pattern == Pattern::Mask {
                    canvas.path("M50,-296 C56,-308 62,-312 66,-312 C72,-304 74,-290 74,-278 C66,-288 58,-292 50,-296 Z", &INK.mix(base, 0.25).hex());
                }
            }
            Ears::Long => {
                canvas.group("transform='rotate(9 30 -250)'", |canvas| {
                    canvas.outlined("M16,-246 C2,-330 22,-364 36,-364 C52,-364 64,-326 52,-242 Z", &fill, line, 3.4);
                    canvas.path("M25,-252 C18,-318 28,-346 36,-346 C45,-346 50,-314 44,-250 Z", &inner);
                });
            }
            Ears::Round => {
                canvas.outlined_ellipse((52.0, -252.0), (25.0, 25.0), &if species.pattern == Pattern::EyePatches { INK.lighter(0.08).hex() } else { fill.clone() }, line, 3.4);
                if species.pattern != Pattern::EyePatches {
                    canvas.circle((53.0, -250.0), 14.0, &inner);
                }
            }
            Ears::BigRound => {
                canvas.outlined_ellipse((68.0, -248.0), (38.0, 37.0), &fill, line, 3.4);
                canvas.circle((69.0, -247.0), 24.0, &inner);
            }
            Ears::Floppy => canvas.outlined("M42,-252 C80,-268 104,-236 98,-196 C94,-170 70,-168 66,-192 C64,-212 54,-226 42,-230 Z", &base.darker(0.28).hex(), line, 3.4),
            Ears::Elephant => {
                canvas.outlined("M52,-240 C104,-286 148,-246 140,-192 C134,-150 92,-142 60,-172 Z", &fill, line, 3.4);
                canvas.path("M66,-232 C100,-260 128,-236 122,-196 C116,-168 88,-164 68,-184 Z", &inner);
            }
            Ears::Fins => {
                let skin = accent(looks);
                canvas.outlined("M62,-222 C86,-250 108,-250 118,-242 C108,-232 108,-224 114,-212 C102,-212 96,-204 96,-192 C84,-192 72,-188 64,-184 Z", &skin.hex(), line, 3.2);
                canvas.line("M70,-212 L106,-236 M72,-204 L102,-212", &skin.darker(0.25).hex(), 2.8);
            }
            Ears::Horse => {
                canvas.outlined("M30,-250 C34,-286 48,-304 58,-306 C68,-290 66,-260 56,-238 Z", &fill, line, 3.4);
                canvas.path("M40,-254 C44,-278 50,-288 56,-292 C60,-276 58,-260 52,-246 Z", &inner);
            }
            Ears::Tufts => canvas.outlined("M30,-246 C44,-272 62,-286 80,-288 C80,-264 74,-242 64,-228 Z", &base.darker(0.15).hex(), line, 3.2),
        });
    }
}
