//! The settings of scenes, each drawn behind the figures.

use super::brief::{Brief, Setting};
use super::canvas::Canvas;
use super::color::{CREAM, Color};
use super::land::{self, BARK, GRASS, LEAF};
use super::sky::{self, Air};
use super::water;
use super::{buildings, cave, indoors};
use crate::seeded::Seeded;

/// The height of the ground's edge; figures stand below it.
pub(super) const GROUND: f32 = 760.0;

/// Draws sky and land of a setting.
pub(super) fn draw(canvas: &mut Canvas, brief: &Brief, air: &Air, width: f32, seeded: &mut Seeded) {
    match brief.setting {
        Setting::Cave => return cave::draw(canvas, air, width, brief, seeded),
        Setting::Bedroom => return indoors::bedroom(canvas, air, width, brief, seeded),
        Setting::Room => return indoors::room(canvas, air, width, seeded),
        Setting::Underwater => return water::underwater(canvas, air, width, seeded),
        _ => {}
    }
    sky::draw(canvas, brief, air, width, seeded);
    match brief.setting {
        Setting::Forest => forest(canvas, air, width, seeded),
        Setting::River => {
            woods(canvas, air, width, seeded);
            water::river(canvas, air, width);
        }
        Setting::Bridge => {
            land::rolling_hills(canvas, air, width, GRASS, seeded);
            water::bridge(canvas, air, width, seeded);
        }
        Setting::Sea => water::seaside(canvas, air, width, seeded),
        Setting::Town => buildings::town(canvas, air, width, seeded),
        Setting::Mountains => mountains(canvas, air, width, Color::rgb(0x8A_8A_B0), GRASS, seeded),
        Setting::Snow => snow(canvas, air, width, seeded),
        Setting::Clouds => clouds(canvas, brief, air, width, seeded),
        Setting::Rooftops => buildings::rooftops(canvas, air, width, seeded),
        Setting::Garden => garden(canvas, air, width, seeded),
        Setting::Castle => buildings::castle(canvas, air, width, seeded),
        Setting::Desert => desert(canvas, air, width, seeded),
        Setting::Space => space(canvas, air, width, seeded),
        _ => meadow(canvas, brief, air, width, seeded),
    }
}

fn meadow(canvas: &mut Canvas, brief: &Brief, air: &Air, width: f32, seeded: &mut Seeded) {
    land::rolling_hills(canvas, air, width, GRASS, seeded);
    if brief.mentions(&["village", "house", "steeple"]) {
        for (index, share) in [0.12, 0.2, 0.29].into_iter().enumerate() {
            buildings::house(
                canvas,
                air,
                (width * share, 668.0 - index as f32 * 12.0),
                0.55,
                index,
                seeded,
            );
        }
    }
    if brief.mentions(&["river", "valley"]) {
        let water = air.tint(Color::rgb(0x68_B8_E8), 0.2).lighter(0.2);
        canvas.path(&format!("M{:.1},612 C{:.1},650 {:.1},660 {:.1},700 C{:.1},730 {:.1},740 {:.1},780 L{:.1},780 C{:.1},740 {:.1},720 {:.1},700 C{:.1},670 {:.1},650 {:.1},612 Z",
            width * 0.60, width * 0.66, width * 0.58, width * 0.66, width * 0.72, width * 0.66, width * 0.70,
            width * 0.78, width * 0.73, width * 0.80, width * 0.70, width * 0.62, width * 0.69, width * 0.61), &format!("{}dd", water.hex()));
    }
    for (share, size) in [(0.06, 0.9), (0.93, 1.05), (0.82, 0.62)] {
        land::round_tree(
            canvas,
            (width * share, 772.0),
            size,
            air.tint(LEAF, 0.3),
            air.tint(BARK, 0.1),
        );
    }
    land::ground(canvas, air, width, GROUND, GRASS, seeded);
    land::path(canvas, air, width, GROUND);
    land::flowers(canvas, air, width, 830.0, 16, seeded);
}

/// Rows of trees that fade into the distance.
fn woods(canvas: &mut Canvas, air: &Air, width: f32, seeded: &mut Seeded) {
    for (row, (level, size, haze)) in [(600.0, 0.9, 0.62), (670.0, 1.15, 0.36), (740.0, 1.4, 0.12)]
        .into_iter()
        .enumerate()
    {
        let leaf = air.tint(LEAF, 0.36).mix(air.haze, haze);
        let bark = air.tint(BARK, 0.2).mix(air.haze, haze);
        let points = land::ridge(width, level, 14.0, seeded);
        let count = (width / (110.0 * size)) as usize + 2;
        for index in 0..count {
            let x = (index as f32 + seeded.between(-0.3, 0.3) as f32) * 112.0 * size;
            let height = size * seeded.between(0.8, 1.2) as f32;
            // The middle stays open, so that light falls on the hero.
            if row == 2 && (x - width * 0.5).abs() < width * 0.24 {
                continue;
            }
            if seeded.chance(0.5) {
                land::fir(canvas, (x, level + 20.0), height, leaf, bark);
            } else {
                land::round_tree(canvas, (x, level + 20.0), height, leaf, bark);
            }
        }
        land::hill(
            canvas,
            &points,
            air.tint(GRASS, 0.3).mix(air.haze, haze),
            0.2,
        );
    }
}

fn forest(canvas: &mut Canvas, air: &Air, width: f32, seeded: &mut Seeded) {
    woods(canvas, air, width, seeded);
    for share in [0.3f32, 0.5, 0.68] {
        let beam = canvas.linear(
            (0.0, 0.0),
            (0.3, 1.0),
            &[
                (0.0, air.horizon.lighter(0.5), 0.5),
                (1.0, air.horizon, 0.0),
            ],
        );
        let x = width * share;
        canvas.path(
            &format!(
                "M{:.1},-10 L{:.1},-10 L{:.1},860 L{:.1},860 Z",
                x,
                x + 70.0,
                x - 40.0,
                x - 200.0
            ),
            &beam,
        );
    }
    land::ground(canvas, air, width, GROUND, GRASS.darker(0.12), seeded);
    land::path(canvas, air, width, GROUND);
    for (share, size) in [(0.14, 0.9), (0.22, 0.55), (0.84, 0.8), (0.77, 0.5)] {
        land::mushroom(
            canvas,
            (width * share, 880.0),
            size,
            air.tones[2].mix(Color::rgb(0xE8_50_48), 0.5),
        );
    }
    land::great_trunk(canvas, -8.0, 74.0, air.tint(BARK, 0.2).darker(0.3));
    land::great_trunk(canvas, width + 10.0, 70.0, air.tint(BARK, 0.2).darker(0.34));
}

fn mountains(
    canvas: &mut Canvas,
    air: &Air,
    width: f32,
    stone: Color,
    front: Color,
    seeded: &mut Seeded,
) {
    for (row, haze) in [0.62f32, 0.36].into_iter().enumerate() {
        let color = air.tint(stone, 0.42).mix(air.haze, haze);
        for index in 0..4 {
            let x = width * (index as f32 * 0.31 + row as f32 * 0.14)
                + seeded.between(-40.0, 40.0) as f32;
            let peak = 300.0 + row as f32 * 110.0 + seeded.between(-50.0, 60.0) as f32;
            let half = 250.0;
            let fill = canvas.linear(
                (0.2, 0.0),
                (0.9, 0.8),
                &[
                    (0.0, color.lighter(0.3), 1.0),
                    (0.5, color, 1.0),
                    (1.0, color.darker(0.3), 1.0),
                ],
            );
            canvas.path(
                &format!(
                    "M{:.1},780 Q{:.1},{:.1} {x:.1},{peak:.1} Q{:.1},{:.1} {:.1},780 Z",
                    x - half,
                    x - 60.0,
                    peak + 60.0,
                    x + 70.0,
                    peak + 80.0,
                    x + half
                ),
                &fill,
            );
            canvas.path(&format!("M{x:.1},{peak:.1} Q{:.1},{:.1} {:.1},{:.1} l20,-14 l16,24 l18,-22 l16,18 Q{:.1},{:.1} {x:.1},{peak:.1} Z", x - 30.0, peak + 36.0, x - 44.0, peak + 84.0, x + 34.0, peak + 40.0), "#fffaf0dd");
        }
    }
    land::rolling_hills(canvas, air, width, front, seeded);
    land::ground(canvas, air, width, GROUND, front, seeded);
    land::flowers(canvas, air, width, 840.0, 12, seeded);
}

fn snow(canvas: &mut Canvas, air: &Air, width: f32, seeded: &mut Seeded) {
    let white = Color::rgb(0xEC_F4_FC);
    land::rolling_hills(canvas, air, width, white, seeded);
    for (share, size) in [(0.05, 1.5), (0.16, 1.0), (0.9, 1.4), (0.8, 0.9)] {
        land::fir(
            canvas,
            (width * share, 790.0),
            size,
            air.tint(LEAF, 0.3).mix(white, 0.3),
            air.tint(BARK, 0.1),
        );
    }
    let points = land::ridge(width, GROUND, 18.0, seeded);
    land::hill(canvas, &points, air.tint(white, 0.08), 0.8);
    for _ in 0..120 {
        let at = (
            seeded.between(0.0, f64::from(width)) as f32,
            seeded.between(0.0, 1000.0) as f32,
        );
        canvas.circle(at, seeded.between(2.0, 6.5) as f32, "#ffffffcc");
    }
}

fn clouds(canvas: &mut Canvas, brief: &Brief, air: &Air, width: f32, seeded: &mut Seeded) {
    if air.is_dark() {
        sky::moon(
            canvas,
            (width * 0.70, 360.0),
            215.0,
            brief.mentions(&["moon"]),
        );
    }
    let color = air.horizon.lighter(0.5);
    for (y, size, strength) in [
        (640.0, 1.6, 0.5),
        (740.0, 2.1, 0.7),
        (850.0, 2.6, 0.95),
        (960.0, 3.0, 1.0),
    ] {
        let count = (width / (150.0 * size)) as usize + 2;
        for index in 0..=count {
            let x = index as f32 * 165.0 * size + seeded.between(-40.0, 40.0) as f32 - 40.0;
            sky::cloud(
                canvas,
                (x, y + seeded.between(-14.0, 14.0) as f32),
                size,
                color,
                strength,
            );
        }
    }
}

fn garden(canvas: &mut Canvas, air: &Air, width: f32, seeded: &mut Seeded) {
    land::rolling_hills(canvas, air, width, GRASS, seeded);
    buildings::house(canvas, air, (width * 0.82, 742.0), 1.5, 1, seeded);
    land::round_tree(
        canvas,
        (width * 0.08, 770.0),
        1.3,
        air.tint(LEAF, 0.3),
        air.tint(BARK, 0.1),
    );
    let wood = air.tint(Color::rgb(0xFA_F0_DC), 0.08);
    for index in 0..(width / 56.0) as usize + 1 {
        let x = index as f32 * 56.0;
        canvas.outlined(
            &format!("M{x:.1},790 l0,-84 l15,-18 l15,18 l0,84 Z"),
            &wood.hex(),
            wood.darker(0.35),
            2.6,
        );
    }
    canvas.rectangle((0.0, 728.0), (width, 12.0), 4.0, &wood.darker(0.08).hex());
    land::ground(canvas, air, width, GROUND + 20.0, GRASS, seeded);
    land::path(canvas, air, width, GROUND + 20.0);
    land::flowers(canvas, air, width, 810.0, 34, seeded);
}

fn desert(canvas: &mut Canvas, air: &Air, width: f32, seeded: &mut Seeded) {
    let sand = Color::rgb(0xF0_CC_88);
    land::rolling_hills(canvas, air, width, sand, seeded);
    for (share, size) in [(0.12f32, 1.0f32), (0.87, 1.25), (0.74, 0.6)] {
        let green = air.tint(Color::rgb(0x5A_A0_68), 0.2);
        canvas.group(
            &format!(
                "transform='translate({:.1} 790) scale({size:.2})'",
                width * share
            ),
            |canvas| {
                for arm in [
                    "M0,0 L0,-190",
                    "M0,-70 Q-62,-72 -60,-130",
                    "M0,-100 Q56,-100 54,-160",
                ] {
                    canvas.line(arm, &green.darker(0.4).hex(), 44.0);
                    canvas.line(arm, &green.hex(), 37.0);
                }
            },
        );
    }
    land::ground(canvas, air, width, GROUND, sand, seeded);
}

fn space(canvas: &mut Canvas, air: &Air, width: f32, seeded: &mut Seeded) {
    sky::stars(canvas, width, 1000.0, seeded);
    for (share, y, radius, color) in [
        (0.18f32, 220.0, 110.0, air.tones[2]),
        (0.56, 130.0, 46.0, air.tones[1].lighter(0.4)),
    ] {
        canvas.glow((width * share, y), radius * 2.4, color, 0.5);
        let fill = canvas.round_paint(color.lighter(0.1));
        canvas.circle((width * share, y), radius, &fill);
    }
    canvas.group(
        &format!("transform='rotate(-18 {:.1} 220)'", width * 0.18),
        |canvas| {
            canvas.outlined_ellipse(
                (width * 0.18, 220.0),
                (190.0, 34.0),
                "none",
                CREAM.mix(air.tones[2], 0.3),
                12.0,
            );
        },
    );
    let dust = air.tint(Color::rgb(0xD8_D0_E8), 0.3);
    let points = land::ridge(width, GROUND, 26.0, seeded);
    land::hill(canvas, &points, dust, 0.6);
    for _ in 0..12 {
        let (x, y) = (
            seeded.between(0.0, f64::from(width)) as f32,
            seeded.between(830.0, 980.0) as f32,
        );
        let size = seeded.between(16.0, 54.0) as f32;
        canvas.ellipse(
            (x, y),
            (size, size * 0.34),
            &format!("{}66", dust.darker(0.5).hex()),
        );
    }
}
