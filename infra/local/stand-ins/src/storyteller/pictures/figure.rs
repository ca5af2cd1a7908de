//! A whole figure, put together from parts: body, limbs, clothes and aids, with the head its kind has.
//!
//! The figure's own units: the ground is at 0, the top of the head at about -270.

mod paints;

use super::color::Color;
use super::looks::Looks;
use super::paint::{Drawing, Paints};
use super::shelf::{self, Pose, Species};
use paints::paints;

/// Where a figure stands: its feet, and its size (1 is 290 units of the picture tall).
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) at: (f32, f32),
    pub(super) size: f32,
    pub(super) flipped: bool,
    /// In mid air: no shadow falls under it.
    pub(super) floats: bool,
}

/// Draws the figure with the shadow it casts.
pub(super) fn draw(drawing: &mut Drawing, looks: &Looks, pose: &Pose, place: Place, air: &Paints) {
    let figure = Figure {
        looks,
        pose,
        paints: paints(looks, pose, air),
    };
    let (x, y) = place.at;
    let size = place.size
        * if looks.has("short-stature") {
            0.86
        } else {
            1.0
        };
    let chair = looks.has("wheelchair");
    if !place.floats && !figure.is_vehicle() {
        let shade = drawing.glow(Color::rgb(0x14_0E_2A), 0.5);
        let (rx, ry) = (size * if chair { 104.0 } else { 74.0 }, size * 17.0);
        let y = y + 2.0;
        drawing.raw(&format!(
            "<ellipse cx='{x:.0}' cy='{y:.0}' rx='{rx:.0}' ry='{ry:.0}' fill='{shade}'/>"
        ));
    }
    let mirror = if place.flipped { -size } else { size };
    let feet = y - size * if chair { 16.0 } else { pose.lift };
    let transform = format!("translate({x:.1} {feet:.1}) scale({mirror:.3} {size:.3})");
    drawing.group(&transform, |drawing| figure.draw(drawing));
}

/// Draws somebody's wheelchair without them.
pub(super) fn wheelchair(drawing: &mut Drawing, looks: &Looks, pose: &Pose, air: &Paints) {
    let paints = paints(looks, pose, air);
    drawing.part("wheelchair-behind", &paints);
    drawing.part("wheelchair-before", &paints);
}

struct Figure<'a> {
    looks: &'a Looks,
    pose: &'a Pose,
    paints: Paints,
}

impl Figure<'_> {
    fn is_vehicle(&self) -> bool {
        self.looks.species.is_some_and(Species::is_vehicle)
    }

    /// `child`, `creature` or `bird`: whose limbs it has.
    fn family(&self) -> &'static str {
        match self.looks.species {
            None => "child",
            Some(species) if species.has("back-feather-wings") => "bird",
            Some(_) => "creature",
        }
    }

    /// Draws the first of these parts that exists.
    fn part(&self, drawing: &mut Drawing, names: &[&str]) {
        if let Some(name) = names.iter().find(|name| shelf::part(name).is_some()) {
            drawing.part(name, &self.paints);
        }
    }

    /// Draws those parts of a creature whose names begin so.
    fn creature_parts(&self, drawing: &mut Drawing, kinds: &[&str]) {
        let parts = self
            .looks
            .species
            .map(|species| &species.parts[..])
            .unwrap_or_default();
        for kind in kinds {
            for name in parts.iter().filter(|name| name.starts_with(kind)) {
                drawing.part(name, &self.paints);
            }
        }
    }

    fn draw(&self, drawing: &mut Drawing) {
        let (looks, pose) = (self.looks, self.pose);
        if self.is_vehicle() {
            return self.vehicle(drawing);
        }
        let chair = looks.has("wheelchair");
        if chair {
            self.part(drawing, &["wheelchair-behind"]);
        } else if looks.has("service-dog") {
            self.part(drawing, &["service-dog"]);
        }
        let upper = format!("rotate({:.1} 0 -70)", if chair { 0.0 } else { pose.lean });
        let head = format!("rotate({:.1} 0 -150)", pose.tilt);
        drawing.group(&upper, |drawing| {
            if looks.cape {
                self.part(drawing, &["cape"]);
            }
            if looks.is_human() && !["hijab", "turban"].contains(&looks.hat) {
                let behind = format!("hair-behind-{}", looks.hair);
                drawing.group(&head, |drawing| self.part(drawing, &[&behind]));
            }
            self.creature_parts(drawing, &["tail-", "back-"]);
        });
        self.legs(drawing);
        drawing.group(&upper, |drawing| {
            let wide = looks.has("large-body") || !looks.is_human();
            let wide = if wide {
                format!("{}-wide", looks.garment)
            } else {
                String::new()
            };
            self.part(drawing, &[&wide, looks.garment, "bare"]);
            if looks.garment.is_empty() {
                self.creature_parts(drawing, &["belly-"]);
            }
            self.arms(drawing, false);
            if looks.has("insulin-pump") {
                self.part(drawing, &["insulin-pump"]);
            }
            drawing.group(&head, |drawing| self.head(drawing));
            if looks.scarf.is_some() {
                self.part(drawing, &["scarf"]);
            }
            self.arms(drawing, true);
        });
        if chair {
            self.part(drawing, &["wheelchair-before"]);
        } else if looks.has("walker") {
            self.part(drawing, &["walker"]);
        }
    }

    fn legs(&self, drawing: &mut Drawing) {
        let looks = self.looks;
        let kind = if looks.has("prosthetic-leg") {
            "blade"
        } else if looks.has("leg-brace") {
            "brace"
        } else {
            self.family()
        };
        let pose = if looks.has("wheelchair") {
            "chair"
        } else {
            self.pose.name
        };
        self.part(
            drawing,
            &[
                &format!("{kind}-legs-{pose}"),
                &format!("{}-legs-{pose}", self.family()),
                &format!("child-legs-{pose}"),
            ],
        );
    }

    /// Draws the arms that are raised beside the head, or those that are not, and what they hold.
    fn arms(&self, drawing: &mut Drawing, raised: bool) {
        let (looks, pose) = (self.looks, self.pose);
        let aid = ["crutches", "walking-cane", "white-cane"]
            .iter()
            .find(|aid| looks.has(aid));
        for side in ["left", "right"] {
            // Who walks with a cane keeps it on the ground.
            let steady = side == "left" && aid.is_some();
            if (pose.raised.contains(side) && !steady) != raised {
                continue;
            }
            let name = if steady { "waving" } else { pose.name };
            let kind = if side == "left" && looks.has("limb-difference") {
                "short"
            } else {
                self.family()
            };
            if side == "right" && !["map", "book", "magnifier"].contains(&pose.holds) {
                self.held(drawing);
            }
            self.part(
                drawing,
                &[
                    &format!("{kind}-{side}-{name}"),
                    &format!("child-{side}-{name}"),
                ],
            );
            if let (true, Some(aid), false) = (steady, aid, looks.has("wheelchair")) {
                drawing.group("translate(-16 3)", |drawing| self.part(drawing, &[aid]));
            }
            if side == "right" && ["map", "book", "magnifier"].contains(&pose.holds) {
                self.held(drawing);
            }
        }
    }

    fn held(&self, drawing: &mut Drawing) {
        let (x, y) = self.pose.hands[usize::from(!self.looks.is_human())];
        // A map and a book are held with both hands, before the middle of the body.
        let x = if ["map", "book"].contains(&self.pose.holds) {
            0.0
        } else {
            x
        };
        let name = format!("held-{}", self.pose.holds);
        let transform = format!("translate({x:.0} {y:.0})");
        drawing.group(&transform, |drawing| self.part(drawing, &[&name]));
    }

    fn head(&self, drawing: &mut Drawing) {
        let looks = self.looks;
        let family = if looks.is_human() {
            "child"
        } else {
            "creature"
        };
        if looks.is_human() {
            let round = if looks.has("down-syndrome") {
                "child-head-round"
            } else {
                "child-head"
            };
            self.part(drawing, &[round]);
        } else {
            self.creature_parts(drawing, &["behind-", "ears-"]);
            let robot = self.mouth_note() == "robot";
            self.part(drawing, &[if robot { "head-robot" } else { "head" }]);
            self.creature_parts(drawing, &["pattern-", "crest-", "muzzle-"]);
        }
        for mark in &looks.traits {
            self.part(drawing, &[&format!("mark-{mark}")]);
        }
        self.face(drawing, family);
        self.creature_parts(drawing, &["nose-"]);
        if looks.is_human() && looks.hat != "hijab" {
            self.part(drawing, &[&format!("hair-{}", looks.hair)]);
        }
        self.worn(drawing, family);
    }

    fn mouth_note(&self) -> &'static str {
        let note = self.looks.species.and_then(|species| species.note("mouth"));
        note.unwrap_or("0")
    }

    fn face(&self, drawing: &mut Drawing, family: &str) {
        let (looks, pose) = (self.looks, self.pose);
        let mut mouth = pose.mouth;
        if self.mouth_note() == "robot" {
            let face = if pose.eyes == "asleep" {
                "asleep"
            } else {
                mouth
            };
            return self.part(drawing, &[&format!("robot-face-{face}")]);
        }
        // Braces are worth showing.
        if looks.has("braces") && mouth == "smile" {
            mouth = "big-smile";
        }
        let lashes = ["long", "braids", "bunches", "ponytail", "bun"].contains(&looks.hair);
        let kind = match () {
            () if looks.has("down-syndrome") => "-upslant",
            () if lashes || looks.hat == "hijab" => "-lashes",
            () => "",
        };
        let eyes = format!("{family}-eyes-{}", pose.eyes);
        self.part(drawing, &[&format!("{family}-cheeks")]);
        self.part(drawing, &[&format!("{eyes}{kind}"), &eyes]);
        self.part(drawing, &[&format!("{family}-brows-{}", pose.brows)]);
        let Ok(down) = self.mouth_note().parse::<f32>() else {
            return;
        };
        drawing.group(&format!("translate(0 {down})"), |drawing| {
            self.part(drawing, &[&format!("{family}-mouth-{mouth}")]);
            if looks.has("braces") && mouth == "big-smile" {
                self.part(drawing, &["braces"]);
            }
        });
    }

    /// A boat, a train or the like: one drawing with a face, which rocks instead of moving limbs.
    fn vehicle(&self, drawing: &mut Drawing) {
        let Some(species) = self.looks.species else {
            return;
        };
        let svg = species.parts.first().and_then(|name| shelf::part(name));
        let (before, after) = svg
            .unwrap_or_default()
            .split_once("<face/>")
            .unwrap_or_default();
        // A note such as `face 4,90,0.86`: across, down, size.
        let place = |note: &str| {
            let mut numbers = species.note(note).unwrap_or_default().split(',');
            let [x, y, size] = [0, 1, 2].map(|_| numbers.next().unwrap_or("1"));
            format!("translate({x} {y}) scale({size})")
        };
        let rock = self.pose.lean * 0.8 + self.pose.tilt * 0.4;
        drawing.group(&format!("rotate({rock:.1} 0 -60)"), |drawing| {
            if !["kite", "map", "book", "magnifier"].contains(&self.pose.holds) {
                let held = format!("held-{}", self.pose.holds);
                drawing.group("translate(118 -120)", |drawing| {
                    self.part(drawing, &[&held])
                });
            }
            drawing.fill(before, &self.paints);
            drawing.group(&place("face"), |drawing| {
                self.face(drawing, "creature");
                self.worn(drawing, "creature");
            });
            drawing.fill(after, &self.paints);
            if self.looks.scarf.is_some() {
                drawing.group(&place("scarf"), |drawing| self.part(drawing, &["scarf"]));
            }
        });
    }

    /// What is worn on the head, and helps to see and hear.
    fn worn(&self, drawing: &mut Drawing, family: &str) {
        self.part(drawing, &[&format!("hat-{}", self.looks.hat)]);
        for aid in &self.looks.traits {
            self.part(drawing, &[&format!("{family}-{aid}")]);
        }
    }
}
