//! A whole figure: body, limbs, clothes and aids, with the head its kind has.
//!
//! The figure's own units: the ground is at 0, the top of the head at about -270.

use super::aids;
use super::canvas::{Canvas, Point};
use super::color::{Color, WHITE};
use super::looks::{Kind, Looks};
use super::pose::{Arm, Pose};
use super::props;
use super::species::{Back, Pattern};
use super::wardrobe::Garment;
use super::{clothes, creature, creature_back, headwear, human};

/// Where a figure stands: its feet, and its size (1 is 290 canvas units tall).
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) at: Point,
    pub(super) size: f32,
    pub(super) flipped: bool,
    /// In mid air: no shadow falls under it.
    pub(super) floats: bool,
}

/// Draws the figure with the shadow it casts.
pub(super) fn draw(canvas: &mut Canvas, looks: &Looks, pose: &Pose, place: Place) {
    let (x, y) = place.at;
    let size = place.size
        * if looks.traits.short_stature {
            0.86
        } else {
            1.0
        };
    let shadow = canvas.radial(
        (0.5, 0.5),
        0.5,
        &[
            (0.0, Color::rgb(0x14_0E_2A), 0.42),
            (0.6, Color::rgb(0x14_0E_2A), 0.2),
            (1.0, Color::rgb(0x14_0E_2A), 0.0),
        ],
    );
    let spread = if looks.traits.wheelchair { 104.0 } else { 74.0 };
    if !place.floats {
        canvas.ellipse((x, y + 2.0), (spread * size, 17.0 * size), &shadow);
    }
    let mirror = if place.flipped { -size } else { size };
    let seat = if looks.traits.wheelchair {
        16.0
    } else {
        pose.lift
    };
    let transform = format!(
        "transform='translate({x:.1} {:.1}) scale({mirror:.3} {size:.3})'",
        y - seat * size
    );
    canvas.group(&transform, |canvas| draw_parts(canvas, looks, pose));
}

fn draw_parts(canvas: &mut Canvas, looks: &Looks, pose: &Pose) {
    let chair = looks.traits.wheelchair;
    if chair {
        aids::wheelchair_behind(canvas, looks);
    } else if looks.traits.service_dog {
        aids::service_dog(canvas);
    }
    let lean = if chair { 0.0 } else { pose.lean };
    let upper = format!("transform='rotate({lean:.1} 0 -70)'");
    let head = format!("transform='rotate({:.1} 0 -150)'", pose.tilt);
    canvas.group(&upper, |canvas| {
        if let Some(color) = looks.cape {
            clothes::cape(canvas, color);
        }
        match looks.kind {
            Kind::Human => canvas.group(&head, |canvas| human::draw_back(canvas, looks)),
            Kind::Creature(species) => creature_back::draw(canvas, looks, species),
        }
    });
    legs(canvas, looks, pose);
    canvas.group(&upper, |canvas| {
        clothes::torso(canvas, looks);
        arms(canvas, looks, pose, false);
        if looks.traits.insulin_pump {
            canvas.rectangle((24.0, -84.0), (17.0, 22.0), 4.0, "#e8f4fa");
            canvas.rectangle((27.5, -80.0), (10.0, 7.0), 2.0, "#4a88d0");
        }
        canvas.group(&head, |canvas| match looks.kind {
            Kind::Human => {
                human::draw_head(canvas, looks, pose);
                headwear::draw(canvas, looks);
                headwear::draw_aids(canvas, looks, -199.0, 25.0);
            }
            Kind::Creature(species) => {
                creature::draw_head(canvas, looks, species, pose);
                headwear::draw(canvas, looks);
                headwear::draw_aids(canvas, looks, -210.0, 30.0);
            }
        });
        if let Some(color) = looks.scarf {
            clothes::scarf(canvas, color);
        }
        arms(canvas, looks, pose, true);
    });
    if chair {
        aids::wheelchair_before(canvas, looks);
    } else if looks.traits.walker {
        aids::walker(canvas, looks);
    }
}

/// A limb: a thick line with an outline.
fn limb(canvas: &mut Canvas, outline: &str, color: Color, width: f32) {
    canvas.line(outline, &color.darker(0.48).hex(), width + 6.0);
    canvas.line(outline, &color.hex(), width);
    canvas.line(
        outline,
        &format!("{}55", color.lighter(0.45).hex()),
        width * 0.32,
    );
}

/// The color of sleeves; bare arms have the skin's.
fn sleeve(looks: &Looks) -> Color {
    match looks.garment {
        Garment::None => looks.skin,
        Garment::Overalls => looks.top.lighter(0.55),
        _ => looks.top,
    }
}

/// Draws the arms that are raised beside the head, or those that are not.
fn arms(canvas: &mut Canvas, looks: &Looks, pose: &Pose, raised: bool) {
    let winged =
        matches!(looks.kind, Kind::Creature(species) if species.back == Back::FeatherWings);
    for (side, arm) in [(-1.0f32, pose.left), (1.0, pose.right)] {
        if (arm.angle > 80.0) != raised {
            continue;
        }
        if winged {
            wing_arm(canvas, looks, side, arm);
        } else if looks.traits.limb_difference && side < 0.0 {
            let end = along((side * 29.0, -134.0), arm.angle, 30.0, side);
            limb(
                canvas,
                &format!("M{:.1},-134 L{:.1},{:.1}", side * 29.0, end.0, end.1),
                sleeve(looks),
                21.0,
            );
            canvas.circle(end, 11.5, &looks.skin.hex());
        } else {
            draw_arm(canvas, looks, side, arm);
        }
    }
}

fn along(from: Point, angle: f32, length: f32, side: f32) -> Point {
    let radians = angle.to_radians();
    (
        from.0 + side * radians.sin() * length,
        from.1 + radians.cos() * length,
    )
}

fn draw_arm(canvas: &mut Canvas, looks: &Looks, side: f32, arm: Arm) {
    let shoulder = (side * 30.0, -132.0);
    // A creature's head is wide: its arms pass beside it.
    let angle = arm.angle.min(if looks.is_human() { 136.0 } else { 120.0 });
    let bend = if angle > 110.0 {
        arm.bend.min(20.0)
    } else {
        arm.bend
    };
    let length = if angle > 80.0 { 38.0 } else { 33.5 };
    let elbow = along(shoulder, angle, length, side);
    let hand = along(elbow, angle + bend, length, side);
    let outline = format!(
        "M{:.1},{:.1} Q{:.1},{:.1} {:.1},{:.1}",
        shoulder.0, shoulder.1, elbow.0, elbow.1, hand.0, hand.1
    );
    let bionic = looks.traits.prosthetic_arm && side > 0.0;
    let skin = if bionic {
        Color::rgb(0xB8_C4_D4)
    } else {
        looks.skin
    };
    limb(canvas, &outline, skin, 19.0);
    let sleeve_color = sleeve(looks);
    if sleeve_color != looks.skin {
        let cuff = (
            elbow.0 + (hand.0 - elbow.0) * 0.45,
            elbow.1 + (hand.1 - elbow.1) * 0.45,
        );
        let short = format!(
            "M{:.1},{:.1} Q{:.1},{:.1} {:.1},{:.1}",
            shoulder.0, shoulder.1, elbow.0, elbow.1, cuff.0, cuff.1
        );
        limb(canvas, &short, sleeve_color, 22.0);
    }
    if bionic {
        canvas.circle(elbow, 7.0, &Color::rgb(0x6A_7A_90).hex());
    }
    props::draw_held_behind(canvas, looks, arm.holds, hand);
    let paw = canvas.round_paint(skin);
    canvas.outlined_ellipse(hand, (13.0, 13.0), &paw, skin.darker(0.48), 3.0);
    if looks.traits.vitiligo {
        canvas.circle(
            (hand.0 - 3.0, hand.1 + 3.0),
            6.0,
            &looks.skin.mix(Color::rgb(0xFF_EA_D8), 0.72).hex(),
        );
    }
    props::draw_held_before(canvas, looks, arm.holds, hand);
    // The aid goes into a hand that has nothing else to do.
    if side < 0.0 {
        aids::in_hand(canvas, looks, hand);
    }
}

fn wing_arm(canvas: &mut Canvas, looks: &Looks, side: f32, arm: Arm) {
    let turn = -side * (arm.angle - 14.0).clamp(0.0, 130.0);
    let fill = canvas.round_paint(looks.skin.darker(0.1));
    canvas.group(&format!("transform='rotate({turn:.1} {:.1} -130)'", side * 34.0), |canvas| {
        canvas.group(&format!("transform='scale({side:.0} 1)'"), |canvas| {
            canvas.outlined("M24,-142 C60,-140 70,-98 54,-54 C48,-60 44,-62 42,-58 C38,-66 34,-68 32,-64 C28,-86 22,-112 24,-142 Z", &fill, looks.skin.darker(0.5), 3.2);
            canvas.line("M40,-118 q10,18 7,40 M50,-112 q6,16 3,32", &looks.skin.lighter(0.25).hex(), 2.8);
        });
    });
    let hand = along(
        along((side * 30.0, -132.0), arm.angle, 33.0, side),
        arm.angle + arm.bend,
        34.0,
        side,
    );
    props::draw_held_behind(canvas, looks, arm.holds, hand);
    props::draw_held_before(canvas, looks, arm.holds, hand);
}

fn legs(canvas: &mut Canvas, looks: &Looks, pose: &Pose) {
    let (trousers, shoe) = leg_colors(looks);
    if looks.traits.wheelchair {
        for (hip, knee, foot) in [
            ((4.0, -68.0), (40.0, -72.0), (48.0, -22.0)),
            ((16.0, -64.0), (54.0, -66.0), (60.0, -16.0)),
        ] {
            let outline = format!(
                "M{:.1},{:.1} Q{:.1},{:.1} {:.1},{:.1}",
                hip.0,
                hip.1,
                knee.0 + 6.0,
                knee.1 - 6.0,
                foot.0,
                foot.1
            );
            limb(canvas, &outline, trousers, 24.0);
            foot_at(canvas, looks, (foot.0 + 7.0, foot.1 + 8.0), shoe);
        }
        return;
    }
    for side in [-1.0f32, 1.0] {
        let hip = (side * 18.0, -66.0);
        let (knee, foot) = if pose.seated {
            ((side * 34.0, -44.0), (side * 46.0, -12.0))
        } else {
            let lifted = if side > 0.0 { pose.stride * 0.45 } else { 0.0 };
            (
                (side * (20.0 + pose.stride * 0.35), -40.0 - lifted * 0.6),
                (side * (21.0 + pose.stride * 0.8), -9.0 - lifted),
            )
        };
        let outline = format!(
            "M{:.1},{:.1} Q{:.1},{:.1} {:.1},{:.1}",
            hip.0, hip.1, knee.0, knee.1, foot.0, foot.1
        );
        if looks.traits.prosthetic_leg && side > 0.0 {
            let socket = format!("M{:.1},{:.1} L{:.1},{:.1}", hip.0, hip.1, knee.0, knee.1);
            limb(canvas, &socket, trousers, 24.0);
            aids::blade(canvas, knee, foot);
            continue;
        }
        limb(canvas, &outline, trousers, 25.0);
        foot_at(canvas, looks, foot, shoe);
        if looks.traits.leg_brace && side < 0.0 {
            aids::leg_brace(canvas, knee, foot);
        }
    }
}

fn leg_colors(looks: &Looks) -> (Color, Color) {
    match (looks.kind, looks.garment) {
        (Kind::Creature(species), _) if species.pattern == Pattern::EyePatches => {
            (Color::rgb(0x3A_34_44), Color::rgb(0x3A_34_44))
        }
        (Kind::Creature(_), Garment::None | Garment::Shirt | Garment::Coat | Garment::Dress) => {
            (looks.skin.darker(0.1), looks.skin.darker(0.12))
        }
        (_, Garment::Overalls) => (looks.top, looks.bottom),
        (_, Garment::Dress) => (looks.skin, looks.bottom),
        (_, Garment::Coat) => (looks.bottom.mix(Color::rgb(0x4A_52_80), 0.6), looks.bottom),
        _ => (looks.bottom, looks.bottom.darker(0.35).mix(WHITE, 0.08)),
    }
}

fn foot_at(canvas: &mut Canvas, looks: &Looks, foot: Point, color: Color) {
    let fill = canvas.round_paint(color);
    let bird = matches!(looks.kind, Kind::Creature(species) if species.back == Back::FeatherWings);
    if bird {
        let claw = Color::rgb(0xF8_A8_3A);
        canvas.line(
            &format!(
                "M{:.1},{:.1} l-10,8 M{:.1},{:.1} l1,10 M{:.1},{:.1} l11,7",
                foot.0, foot.1, foot.0, foot.1, foot.0, foot.1
            ),
            &claw.hex(),
            6.0,
        );
        return;
    }
    canvas.outlined_ellipse(
        (foot.0 + 2.0, foot.1),
        (21.0, 13.0),
        &fill,
        color.darker(0.5),
        3.0,
    );
    canvas.ellipse((foot.0 - 4.0, foot.1 - 5.0), (8.0, 3.2), "#ffffff44");
    if !looks.is_human() && looks.garment == Garment::None {
        canvas.line(
            &format!(
                "M{:.1},{:.1} l0,7 M{:.1},{:.1} l0,7",
                foot.0 + 5.0,
                foot.1 - 1.0,
                foot.0 + 13.0,
                foot.1 - 2.0
            ),
            &color.darker(0.4).hex(),
            2.4,
        );
    }
}
