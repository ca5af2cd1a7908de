//! The colors of a figure's parts: those of its looks, and what is made of them.

use crate::pictures::looks::Looks;
use crate::pictures::paint::Paints;
use crate::pictures::shelf::Pose;

/// The colors of somebody's parts, beside those of the air.
pub(super) fn paints(looks: &Looks, pose: &Pose, air: &Paints) -> Paints {
    let mut paints = Paints {
        gaze: pose.gaze,
        ..air.clone()
    };
    for (name, color) in [
        ("skin", looks.skin),
        ("light", looks.light),
        ("hair", looks.hair_color),
        ("iris", looks.eyes),
        ("top", looks.top),
        ("bottom", looks.bottom),
        ("scarf", looks.scarf.unwrap_or(looks.top)),
    ] {
        paints.named.insert(name, color);
    }
    let has = |part| looks.species.is_some_and(|species| species.has(part));
    let limb = if has("pattern-panda") {
        "#3a3444"
    } else {
        "skin"
    };
    let (leg, shoe) = match (looks.is_human(), looks.garment) {
        _ if has("pattern-panda") => (limb, limb),
        (_, "overalls") => ("top", "bottom"),
        (false, _) => ("skin d10", "skin d12"),
        (_, "dress") => ("skin", "bottom"),
        (_, "coat") => ("bottom m60:#4a5280", "bottom"),
        _ => ("bottom", "bottom d35"),
    };
    let sleeve = match looks.garment {
        "" => limb,
        "overalls" => "top l55",
        _ => "top",
    };
    let brow = match looks.hair {
        "none" => "skin d40",
        "" => "skin d50",
        _ => "hair d25",
    };
    let other_eye = match looks.has("heterochromia") {
        true if looks.eyes.lightness() < 0.5 => "#4aa0e8",
        true => "#8a5020",
        false => "iris",
    };
    // Dark frames would vanish on dark skin or fur.
    let is_dark = looks.skin.lightness() < 0.62;
    let [mane, mane_light, mane_dark] = match has("crest-horn") {
        true => ["#a88cf0", "#f494c0", "#7cd0e8"],
        false => ["hair", "hair l30", "hair d20"],
    };
    for (name, words) in [
        ("iris1", "iris"),
        ("iris2", other_eye),
        ("brow", brow),
        ("sleeve", sleeve),
        ("arm", limb),
        (
            "arm2",
            if looks.has("prosthetic-arm") {
                "#b8c4d4"
            } else {
                limb
            },
        ),
        ("leg", leg),
        ("shoe", shoe),
        (
            "frame",
            if is_dark {
                "#ff7a6a"
            } else {
                "#2a1e3c m30:top"
            },
        ),
        ("mane1", mane_light),
        ("mane2", mane),
        ("mane3", mane_dark),
        ("accent", "light m62:#ff9648"),
        ("steel", "top m55:#2f9ed8"),
        ("umbrella", "top m60:#e84858"),
    ] {
        paints.named.insert(name, paints.color(words));
    }
    paints
}
