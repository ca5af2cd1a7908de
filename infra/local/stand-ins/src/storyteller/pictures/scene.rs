//! Puts a picture together: sky and place, figures, what is near the eye, and the cover's frame.

use super::brief::Brief;
use super::color::GOLD;
use super::figure::{self, Place};
use super::looks::Looks;
use super::paint::{Drawing, Paints};
use super::shelf;
use crate::storyteller::data;
use crate::storyteller::seeded::Seeded;

/// The SVG of a picture.
pub(super) fn compose(brief: &Brief, width: u32, height: u32) -> String {
    let mut seeded =
        Seeded::from_text(&format!("{}/{}/{}", brief.scene, brief.number, brief.place));
    let air = air(brief);
    let mut drawing = Drawing::default();
    let open = !["cave", "bedroom", "room", "underwater"].contains(&brief.place);
    if open {
        sky(&mut drawing, brief, &air, &mut seeded);
    }
    place(&mut drawing, brief, &air, &mut seeded);
    motifs(&mut drawing, brief, &air, &mut seeded);
    if brief.place == "bedroom" && !brief.is_cover() {
        in_bed(&mut drawing, brief, &air);
    } else {
        figures(&mut drawing, brief, &air);
    }
    if brief.rain {
        drawing.part("rain", &air);
    }
    let bare = ["clouds", "space", "rooftops", "snow"].contains(&brief.place);
    if (open || brief.place == "underwater") && !bare {
        drawing.part("front-leaves", &air);
    }
    let lively = brief.place == "forest" || air.is_dark();
    drawing.part(if lively { "motes-night" } else { "motes-day" }, &air);
    if brief.is_cover() {
        cover_frame(&mut drawing, brief, &air);
    }
    drawing.part("vignette", &air);
    if let Some(style) = brief.style {
        drawing.filtered(style, &air);
    }
    drawing.finish(width, height)
}

/// The colors of a scene's air and land, from the palette and the hour: what `air.txt` says.
fn air(brief: &Brief) -> Paints {
    let mut tones = brief.palette;
    tones.sort_by(|a, b| a.lightness().total_cmp(&b.lightness()));
    let mut air = Paints {
        named: ["dark", "medium", "bright"]
            .into_iter()
            .zip(tones)
            .collect(),
        tones,
        light: brief.light,
        gaze: (0.0, 0.0),
    };
    let hour = ["day", "night", "dusk", "dawn"]
        .iter()
        .position(|hour| *hour == brief.light);
    for line in data::lines(include_str!("../../../pictures/air.txt")) {
        let [name, hours @ ..]: [&str; 5] = data::columns(line);
        let words = hours[hour.unwrap_or_default()];
        let words = if words.is_empty() { hours[0] } else { words };
        air.named.insert(name, air.color(words));
    }
    if brief.rain {
        air.named.insert("cloud", air.color("top m50:#707898"));
    }
    if brief.mentions(&["blue"]) {
        air.named.insert("print", air.color("#2f86f0"));
    }
    air
}

fn sky(drawing: &mut Drawing, brief: &Brief, air: &Paints, seeded: &mut Seeded) {
    drawing.part("sky", air);
    if air.is_dark() {
        drawing.part("stars", air);
    }
    let side = if brief.number % 2 == 1 { 780 } else { 200 };
    let (x, y, size) = match (brief.is_cover(), brief.light) {
        (true, "night") => (500, 400, 1.9),
        (true, "day") => (500, 400, 1.7),
        (true, _) => (500, 420, 1.8),
        (false, "night") => (side, 190, 0.78),
        (false, "dusk") => (side, 480, 0.86),
        (false, "dawn") => (side, 430, 0.8),
        _ => (side, 190, 0.62),
    };
    let luminary = if air.is_dark() { "moon" } else { "sun" };
    let hero = brief.heroes[0].species;
    let is_hero = hero.is_some_and(|hero| hero.has("moon-hero") || hero.has("sun-face"));
    let hidden = brief.place == "space" || is_hero || brief.rain && brief.light == "day";
    // Among the clouds at night, the moon is near and large.
    let near = brief.place == "clouds" && air.is_dark();
    if near && !is_hero {
        let moon = if brief.mentions(&["moon"]) {
            "moon-face"
        } else {
            "moon"
        };
        drawing.part_at("translate(700 360) scale(2.15)", moon, air);
    } else if !hidden {
        let transform = format!("translate({x} {y}) scale({size})");
        drawing.part_at(&transform, luminary, air);
    }
    if brief.place != "space" {
        let mirror = seeded.chance(0.5);
        drawing.pale(if air.is_dark() { 0.26 } else { 0.85 }, |drawing| {
            mirrored(drawing, mirror, |drawing| drawing.part("sky-clouds", air));
        });
    }
}

fn mirrored(drawing: &mut Drawing, mirror: bool, draw: impl FnOnce(&mut Drawing)) {
    let transform = if mirror {
        "translate(1000 0) scale(-1 1)"
    } else {
        "translate(0 0)"
    };
    drawing.group(transform, draw);
}

fn place(drawing: &mut Drawing, brief: &Brief, air: &Paints, seeded: &mut Seeded) {
    let indoors = ["bedroom", "room"].contains(&brief.place);
    // One place looks a little different in each story.
    let mirror = !indoors && seeded.chance(0.5);
    mirrored(drawing, mirror, |drawing| {
        drawing.part(brief.place, air);
        if brief.place == "meadow" && brief.mentions(&["river", "valley"]) {
            drawing.part_at("translate(0 -14)", "stream", air);
        }
        if brief.place == "meadow" && brief.mentions(&["village", "house", "steeple"]) {
            drawing.part("village", air);
        }
        if brief.place == "cave" && brief.mentions(&["painted with"]) {
            drawing.part("painted-sky", air);
        }
    });
    if indoors {
        let night = air.is_dark() || brief.mentions(&["dusk", "evening", "moon"]);
        let window = if night { "window-night" } else { "window-day" };
        let at = if brief.place == "bedroom" {
            "translate(740 300)"
        } else {
            "translate(700 320)"
        };
        drawing.part_at(at, window, air);
    }
    if brief.place == "cave" && brief.mentions(&["fallen star", "tiny star", "little star"]) {
        drawing.part_at("translate(700 850)", "fallen-star", air);
    }
}

/// The story's symbol, woven in a few times, small and pale.
fn motifs(drawing: &mut Drawing, brief: &Brief, air: &Paints, seeded: &mut Seeded) {
    let symbol = format!("motif-{}", brief.motif);
    for index in 0..5 {
        let x = 100.0 + 200.0 * f64::from(index) + seeded.between(-40.0, 40.0);
        let (y, size) = (seeded.between(100.0, 480.0), seeded.between(0.7, 1.25));
        let transform = format!("translate({x:.0} {y:.0}) scale({size:.2})");
        drawing.pale(0.42, |drawing| drawing.part_at(&transform, &symbol, air));
    }
}

fn figures(drawing: &mut Drawing, brief: &Brief, air: &Paints) {
    let others = brief.heroes.len() > 1 || brief.companion.is_some();
    let (x, side) = match (brief.is_cover(), others, brief.number) {
        (true, ..) => (500.0, 1.0),
        (_, true, number) if number % 2 == 0 => (560.0, -1.0),
        (_, true, _) => (420.0, 1.0),
        (_, false, number) => (
            [500.0, 440.0, 540.0, 460.0, 520.0][usize::from(number)],
            1.0,
        ),
    };
    let feet = match (brief.place, brief.is_cover()) {
        (_, true) => 942.0,
        ("river", _) => 896.0,
        ("bridge", _) => 900.0,
        ("clouds", _) => 862.0,
        ("rooftops", _) => 850.0,
        _ => 916.0,
    };
    // A boat is wide: its friend is to be seen beside it.
    let wide = brief.heroes[0]
        .species
        .is_some_and(shelf::Species::is_vehicle);
    let hero = Place {
        at: (x, feet),
        size: brief.size * if wide && others { 0.86 } else { 1.0 },
        flipped: side < 0.0,
        floats: false,
    };
    // A soft light behind the hero, so that it stands out from anything.
    let halo = drawing.glow(air.color("horizon l45"), 0.58);
    shine(
        drawing,
        &halo,
        (x, feet - 165.0 * hero.size),
        250.0 * hero.size,
    );
    companions(drawing, brief, hero, side, air);
    if brief.mentions(&["footprint"]) {
        drawing.part("trail", air);
    }
    figure::draw(drawing, &brief.heroes[0], &brief.pose, hero, air);
}

fn shine(drawing: &mut Drawing, glow: &str, (x, y): (f32, f32), radius: f32) {
    drawing.raw(&format!(
        "<circle cx='{x}' cy='{y:.0}' r='{radius:.0}' fill='{glow}'/>"
    ));
}

fn companions(drawing: &mut Drawing, brief: &Brief, hero: Place, side: f32, air: &Paints) {
    if let Some(species) = brief.companion {
        let mut pose = shelf::pose("cheering");
        pose.gaze = (-0.6, -0.3);
        if brief.is_asleep() {
            (pose.eyes, pose.brows, pose.mouth) = ("asleep", "asleep", "smile");
        }
        let floats = species.is("floats");
        let size = hero.size * if species.is("small") { 0.50 } else { 0.66 };
        let y = hero.at.1 + if floats { -210.0 * hero.size } else { 14.0 };
        let at = ((hero.at.0 + side * 310.0).clamp(90.0, 910.0), y);
        if floats {
            let light = drawing.glow(GOLD, 0.85);
            shine(drawing, &light, (at.0, y - 90.0 * size), 210.0 * size);
        }
        let place = Place {
            at,
            size,
            flipped: side > 0.0,
            floats,
        };
        figure::draw(drawing, &Looks::of_species(species), &pose, place, air);
    }
    for (index, looks) in brief.heroes.iter().skip(1).enumerate() {
        let (away, pose) = if index == 0 {
            (side, "offering")
        } else {
            (-side, "waving")
        };
        let x = (hero.at.0 + away * 290.0).clamp(120.0, 880.0);
        let at = (x, hero.at.1 + 8.0);
        let place = Place {
            at,
            size: hero.size * 0.86,
            flipped: away > 0.0,
            floats: false,
        };
        figure::draw(drawing, looks, &shelf::pose(pose), place, air);
    }
}

fn in_bed(drawing: &mut Drawing, brief: &Brief, air: &Paints) {
    drawing.part("bed-behind", air);
    let asleep = brief.is_asleep();
    let mut pose = shelf::pose(if asleep { "worried" } else { "waving" });
    (pose.lean, pose.tilt) = (0.0, if asleep { 12.0 } else { 5.0 });
    let face = if asleep {
        ("asleep", "asleep", "smile")
    } else {
        ("awe", "awe", "awe")
    };
    (pose.eyes, pose.brows, pose.mouth) = face;
    // Nobody is in the chair in bed: it waits beside it.
    let mut hero = brief.heroes[0].clone();
    hero.traits
        .retain(|aid| !["wheelchair", "walker", "service-dog"].contains(aid));
    if hero.is_human() {
        (hero.garment, hero.top) = ("shirt", air.color("bright L72"));
    }
    let at = (420.0, if asleep { 1060.0 } else { 1010.0 });
    let place = Place {
        at,
        size: 1.75,
        flipped: false,
        floats: true,
    };
    figure::draw(drawing, &hero, &pose, place, air);
    drawing.part("bed-before", air);
    if brief.heroes[0].has("wheelchair") {
        let chair = "translate(860 926) scale(1.35)";
        drawing.group(chair, |drawing| {
            figure::wheelchair(drawing, &brief.heroes[0], &pose, air)
        });
    }
    if let Some(species) = brief.companion {
        let looks = Looks::of_species(species);
        let at = if asleep {
            (610.0, 930.0)
        } else {
            (740.0, 470.0)
        };
        let place = Place {
            at,
            size: 0.72,
            flipped: true,
            floats: true,
        };
        figure::draw(drawing, &looks, &pose, place, air);
    }
}

/// A cover has a frame of vines, and room for a title at the top.
fn cover_frame(drawing: &mut Drawing, brief: &Brief, air: &Paints) {
    if brief.framed {
        drawing.part("border", air);
    }
    let near = if brief.framed { 30 } else { 4 };
    let far = 1000 - near;
    let symbol = format!("motif-{}", brief.motif);
    let mut gold = air.clone();
    gold.named.insert("motif", air.color("gold l25"));
    for (x, y, mirror) in [
        (near, near, "1 1"),
        (far, near, "-1 1"),
        (near, far, "1 -1"),
        (far, far, "-1 -1"),
    ] {
        drawing.group(&format!("translate({x} {y}) scale({mirror})"), |drawing| {
            drawing.part("vine", air);
            drawing.part_at("translate(26 26) scale(1.15)", &symbol, &gold);
        });
    }
}
