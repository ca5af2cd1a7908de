//! Puts a picture together: setting, figures, what is near the eye, and the cover's frame.

use super::aids;
use super::brief::{Brief, Motif, Setting, View};
use super::canvas::{Canvas, Point, star_outline};
use super::color::{CREAM, Color, GOLD};
use super::figure::{self, Place};
use super::looks::Looks;
use super::pose::{self, Expression, Pose};
use super::sky::{self, Air};
use super::wardrobe::Garment;
use super::{indoors, land, places};
use crate::seeded::Seeded;

/// The SVG of a picture.
pub(super) fn compose(brief: &Brief, width: u32, height: u32) -> String {
    let units = 1000.0 * width as f32 / height as f32;
    let mut canvas = Canvas::default();
    let mut seeded = Seeded::from_text(&format!(
        "{}/{}/{:?}",
        brief.scene, brief.number, brief.setting
    ));
    let air = Air::of(brief);
    places::draw(&mut canvas, brief, &air, units, &mut seeded);
    motifs(&mut canvas, brief, &air, units, &mut seeded);
    figures(&mut canvas, brief, &air, units);
    if brief.rain {
        sky::rain(&mut canvas, units, &mut seeded);
    }
    let indoor = matches!(brief.setting, Setting::Bedroom | Setting::Room);
    if !indoor
        && !matches!(
            brief.setting,
            Setting::Clouds | Setting::Space | Setting::Rooftops | Setting::Cave | Setting::Snow
        )
    {
        land::front_leaves(&mut canvas, &air, units);
    }
    let count = if brief.setting == Setting::Forest || air.is_dark() {
        22
    } else {
        10
    };
    land::motes(&mut canvas, &air, units, count, &mut seeded);
    if brief.is_cover() {
        cover_frame(&mut canvas, brief, &air, units);
    }
    vignette(&mut canvas, &air, units);
    canvas.finish(units, width, height)
}

fn figures(canvas: &mut Canvas, brief: &Brief, air: &Air, width: f32) {
    let narrow = (width / 1000.0).clamp(0.66, 1.0);
    let size = narrow
        * match brief.view {
            View::Close if brief.is_cover() => 2.20,
            View::Close => 2.15,
            View::Medium => 1.92,
            View::Wide => 1.62,
        };
    if brief.setting == Setting::Bedroom && !brief.is_cover() {
        return in_bed(canvas, brief, air, width);
    }
    let others = brief.heroes.len() > 1 || brief.companion.is_some();
    let (x, side) = match (brief.is_cover(), others, brief.number) {
        (true, ..) => (0.5, 1.0),
        (_, true, number) if number % 2 == 0 => (0.56, -1.0),
        (_, true, _) => (0.42, 1.0),
        (_, false, number) => ([0.5, 0.44, 0.54, 0.46, 0.52][usize::from(number)], 1.0f32),
    };
    let feet = ground_level(brief);
    let hero = Place {
        at: (width * x, feet),
        size,
        flipped: side < 0.0,
        floats: false,
    };
    rim_light(canvas, air, hero);
    companions(canvas, brief, width, hero, side);
    trail(canvas, brief, width, feet);
    figure::draw(canvas, brief.hero(), &brief.pose, hero);
}

fn ground_level(brief: &Brief) -> f32 {
    match (brief.setting, brief.is_cover()) {
        (_, true) => 942.0,
        (Setting::River, _) => 896.0,
        (Setting::Bridge, _) => 900.0,
        (Setting::Clouds, _) => 862.0,
        (Setting::Rooftops, _) => 850.0,
        _ => 916.0,
    }
}

/// A soft light behind the hero, so that it stands out from anything.
fn rim_light(canvas: &mut Canvas, air: &Air, hero: Place) {
    let color = air.horizon.lighter(0.45);
    let strength = if air.is_dark() { 0.55 } else { 0.6 };
    canvas.glow(
        (hero.at.0, hero.at.1 - 165.0 * hero.size),
        250.0 * hero.size,
        color,
        strength,
    );
}

fn companions(canvas: &mut Canvas, brief: &Brief, width: f32, hero: Place, side: f32) {
    let reaction = Pose {
        gaze: (-0.6, -0.3),
        ..pose::CHEERING
    };
    let reaction = if brief.pose.expression == Expression::Asleep {
        reaction.feeling(Expression::Asleep)
    } else {
        reaction
    };
    if let Some(species) = brief.companion {
        let looks = Looks::of_species(species);
        let scale = if species.is_small() { 0.50 } else { 0.66 };
        let floats =
            species.name == "firefly" || species.name == "bee" || species.name == "butterfly";
        let height = if floats { 210.0 * hero.size } else { 0.0 };
        let at = (
            hero.at.0 + side * width * 0.31,
            hero.at.1 - height + if floats { 0.0 } else { 14.0 },
        );
        let place = Place {
            at: (at.0.clamp(90.0, width - 90.0), at.1),
            size: hero.size * scale,
            flipped: side > 0.0,
            floats,
        };
        if floats {
            canvas.glow(
                (place.at.0, place.at.1 - 90.0 * place.size),
                210.0 * place.size,
                GOLD,
                0.85,
            );
        }
        figure::draw(canvas, &looks, &reaction, place);
    }
    for (index, looks) in brief.heroes.iter().skip(1).enumerate() {
        let away = if index == 0 { side } else { -side };
        let x = (hero.at.0 + away * width * 0.29).clamp(120.0, width - 120.0);
        let pose = if index == 0 {
            pose::OFFERING
        } else {
            pose::WAVING
        };
        figure::draw(
            canvas,
            looks,
            &pose,
            Place {
                at: (x, hero.at.1 + 8.0),
                size: hero.size * 0.86,
                flipped: away > 0.0,
                floats: false,
            },
        );
    }
}

/// Footprints, where the scene follows some.
fn trail(canvas: &mut Canvas, brief: &Brief, width: f32, feet: f32) {
    if !brief.mentions(&["footprint"]) {
        return;
    }
    let color = if brief.mentions(&["blue"]) {
        "#2f86f0dd"
    } else {
        "#6a4a3acc"
    };
    for index in 0..7 {
        let x = width * (0.60 + 0.055 * index as f32);
        let y = feet + 30.0 - index as f32 * 14.0 + if index % 2 == 0 { 0.0 } else { 16.0 };
        let size = 1.2 - index as f32 * 0.1;
        canvas.group(
            &format!("transform='translate({x:.1} {y:.1}) scale({size:.2}) rotate(68)'"),
            |canvas| {
                canvas.ellipse((0.0, 0.0), (13.0, 20.0), color);
                for (dx, dy) in [(-11.0, -25.0), (-3.0, -30.0), (6.0, -29.0), (13.0, -24.0)] {
                    canvas.circle((dx, dy), 4.8, color);
                }
            },
        );
    }
}

fn in_bed(canvas: &mut Canvas, brief: &Brief, air: &Air, width: f32) {
    let middle = width * 0.42;
    indoors::bed_behind(canvas, air, middle);
    let asleep = brief.pose.expression == Expression::Asleep;
    let pose = if asleep {
        Pose {
            tilt: 12.0,
            lean: 0.0,
            lift: 0.0,
            seated: false,
            ..pose::WORRIED.feeling(Expression::Asleep)
        }
    } else {
        Pose {
            tilt: 5.0,
            lift: 0.0,
            gaze: (0.9, -0.4),
            ..pose::WAVING.feeling(Expression::Awe)
        }
    };
    // Nobody is in the chair in bed: it waits beside it.
    let mut hero = brief.hero().clone();
    hero.traits = super::traits::Traits {
        wheelchair: false,
        walker: false,
        service_dog: false,
        ..hero.traits
    };
    if hero.is_human() {
        hero.garment = Garment::Shirt;
        hero.top = air.tones[2].with_lightness(0.72);
    }
    let drop = if asleep { 1060.0 } else { 1010.0 };
    figure::draw(
        canvas,
        &hero,
        &pose,
        Place {
            at: (middle, drop),
            size: 1.75,
            flipped: false,
            floats: false,
        },
    );
    indoors::bed_before(canvas, air, middle);
    parked_wheelchair(canvas, brief, width);
    if let Some(species) = brief.companion {
        let looks = Looks::of_species(species);
        let pose = if asleep {
            pose::WORRIED.feeling(Expression::Asleep)
        } else {
            pose::WAVING
        };
        let at = if asleep {
            (middle + 190.0, 930.0)
        } else {
            (width * 0.74, 470.0)
        };
        figure::draw(
            canvas,
            &looks,
            &pose,
            Place {
                at,
                size: 0.72,
                flipped: true,
                floats: !asleep,
            },
        );
    }
}

/// Within reach of the bed of who uses it.
fn parked_wheelchair(canvas: &mut Canvas, brief: &Brief, width: f32) {
    if !brief.hero().traits.wheelchair {
        return;
    }
    let transform = format!("transform='translate({:.1} 926) scale(1.35)'", width * 0.86);
    canvas.group(&transform, |canvas| {
        aids::wheelchair_behind(canvas, brief.hero());
        aids::wheelchair_before(canvas, brief.hero());
    });
}

/// The story's symbol, woven in a few times, small and pale.
fn motifs(canvas: &mut Canvas, brief: &Brief, air: &Air, width: f32, seeded: &mut Seeded) {
    let color = air.tones[2].lighter(0.5);
    for index in 0..5 {
        let x = width * (0.1 + 0.2 * index as f32) + seeded.between(-40.0, 40.0) as f32;
        let y = seeded.between(100.0, 480.0) as f32;
        let size = seeded.between(0.7, 1.25) as f32;
        symbol(canvas, brief.motif, (x, y), size, color, 0.42);
    }
}

fn symbol(canvas: &mut Canvas, motif: Motif, at: Point, size: f32, color: Color, opacity: f32) {
    let fill = color.hex();
    canvas.group(
        &format!(
            "opacity='{opacity:.2}' transform='translate({:.1} {:.1}) scale({size:.2})'",
            at.0, at.1
        ),
        |canvas| match motif {
            Motif::Star => canvas.path(&star_outline((0.0, 0.0), 22.0), &fill),
            Motif::Heart => canvas.path("M0,18 C-30,-4 -20,-28 0,-14 C20,-28 30,-4 0,18 Z", &fill),
            Motif::Moon => canvas.path("M8,-22 A22,22 0 1,0 20,12 A18,18 0 1,1 8,-22 Z", &fill),
            Motif::Leaf => {
                canvas.path("M-20,16 C-22,-14 4,-26 24,-20 C26,4 8,24 -20,16 Z", &fill);
                canvas.line("M-24,22 Q-4,2 16,-12", &color.darker(0.2).hex(), 2.6);
            }
            Motif::Feather => {
                canvas.path("M-22,24 C-20,-8 4,-28 24,-26 C28,-4 10,18 -14,18 Z", &fill);
                canvas.line("M-26,28 Q-4,4 18,-18", &color.darker(0.25).hex(), 2.4);
            }
            Motif::Bell => {
                canvas.path("M-18,12 C-12,4 -14,-20 0,-22 C14,-20 12,4 18,12 Z", &fill);
                canvas.circle((0.0, 17.0), 5.0, &fill);
            }
            Motif::Lantern => {
                canvas.glow((0.0, 0.0), 44.0, Color::rgb(0xFF_E0_90), 0.9);
                canvas.path("M-10,-16 L10,-16 L15,2 L9,20 L-9,20 L-15,2 Z", &fill);
                canvas.line("M-8,-18 q8,-14 16,0", &fill, 3.0);
            }
            Motif::Key => {
                canvas.outlined_ellipse((-12.0, 0.0), (10.0, 10.0), "none", color, 5.0);
                canvas.line("M-2,0 L24,0 M16,0 l0,9 M23,0 l0,8", &fill, 5.0);
            }
        },
    );
}

/// A cover has a frame of vines, and room for a title at the top.
fn cover_frame(canvas: &mut Canvas, brief: &Brief, air: &Air, width: f32) {
    let gold = GOLD.mix(air.tones[2], 0.25);
    if brief.framed {
        border(canvas, width, gold, air.tones[0].darker(0.45));
    }
    let leaf = air.tint(land::LEAF, 0.25);
    let inset = if brief.framed { 30.0 } else { 4.0 };
    for (corner, sx, sy) in [
        ((inset, inset), 1.0, 1.0),
        ((width - inset, inset), -1.0, 1.0),
        ((inset, 1000.0 - inset), 1.0, -1.0),
        ((width - inset, 1000.0 - inset), -1.0, -1.0),
    ] {
        canvas.group(
            &format!(
                "transform='translate({:.1} {:.1}) scale({sx:.0} {sy:.0})'",
                corner.0, corner.1
            ),
            |canvas| {
                canvas.line("M0,150 C10,70 70,10 170,2", &leaf.darker(0.3).hex(), 7.0);
                for (x, y, turn) in [
                    (6.0, 118.0, -70.0),
                    (22.0, 76.0, -30.0),
                    (52.0, 42.0, -55.0),
                    (94.0, 18.0, 0.0),
                    (136.0, 6.0, -25.0),
                ] {
                    canvas.group(
                        &format!("transform='translate({x:.1} {y:.1}) rotate({turn:.0})'"),
                        |canvas| {
                            canvas.path(
                                "M0,0 C12,-18 34,-16 44,-2 C32,12 12,14 0,0 Z",
                                &leaf.lighter(0.1).hex(),
                            );
                        },
                    );
                }
                symbol(
                    canvas,
                    brief.motif,
                    (26.0, 26.0),
                    1.15,
                    gold.lighter(0.25),
                    1.0,
                );
            },
        );
    }
}

fn border(canvas: &mut Canvas, width: f32, gold: Color, ink: Color) {
    for (inset, color, line) in [(10.0, ink, 24.0), (26.0, gold, 6.0)] {
        canvas.line(&format!("M{inset:.1},{:.1} Q{inset:.1},{inset:.1} {:.1},{inset:.1} L{:.1},{inset:.1} Q{:.1},{inset:.1} {:.1},{:.1} L{:.1},{:.1} Q{:.1},{:.1} {:.1},{:.1} L{:.1},{:.1} Q{inset:.1},{:.1} {inset:.1},{:.1} Z",
            inset + 50.0, inset + 50.0, width - inset - 50.0, width - inset, width - inset, inset + 50.0, width - inset, 950.0 - inset, width - inset, 1000.0 - inset, width - inset - 50.0, 1000.0 - inset, inset + 50.0, 1000.0 - inset, 1000.0 - inset, 950.0 - inset), &color.hex(), line);
    }
}

/// Corners a little darker, as a lens sees them.
fn vignette(canvas: &mut Canvas, air: &Air, width: f32) {
    let shade = air.tones[0].darker(0.6);
    let fill = canvas.radial(
        (0.5, 0.48),
        0.76,
        &[(0.0, shade, 0.0), (0.66, shade, 0.0), (1.0, shade, 0.42)],
    );
    canvas.rectangle((0.0, 0.0), (width, 1000.0), 0.0, &fill);
    let warm = canvas.linear(
        (0.0, 0.0),
        (1.0, 1.0),
        &[(0.0, CREAM, 0.14), (0.5, CREAM, 0.0)],
    );
    canvas.rectangle((0.0, 0.0), (width, 1000.0), 0.0, &warm);
}
