//! The colors of a figure's parts: those of its looks, and what `paints.txt` makes of them.

use crate::storyteller::data;
use crate::storyteller::pictures::looks::Looks;
use crate::storyteller::pictures::paint::Paints;
use crate::storyteller::pictures::shelf::Pose;

/// The colors of somebody's parts, beside those of the air.
pub(super) fn paints(looks: &Looks, pose: &Pose, air: &Paints) -> Paints {
    let mut paints = Paints {
        gaze: pose.gaze,
        ..air.clone()
    };
    paints.named.extend([
        ("skin", looks.skin),
        ("light", looks.light),
        ("hair", looks.hair_color),
        ("iris", looks.eyes),
        ("top", looks.top),
        ("bottom", looks.bottom),
        ("scarf", looks.scarf.unwrap_or(looks.top)),
    ]);
    let has = |wanted: &str| match wanted {
        "creature" => !looks.is_human(),
        "bare" => looks.garment.is_empty(),
        "dark-eyes" => looks.eyes.lightness() < 0.5,
        "dark-coat" => looks.skin.lightness() < 0.62,
        _ => {
            let hair = wanted.strip_prefix("hair-");
            hair == Some(looks.hair)
                || looks.garment == wanted
                || looks.has(wanted)
                || looks.species.is_some_and(|species| species.has(wanted))
        }
    };
    for line in data::lines(include_str!("../../../../pictures/paints.txt")) {
        let [name, wanted, words] = data::columns(line);
        if wanted.split_whitespace().all(has) {
            paints.named.insert(name, paints.color(words));
        }
    }
    paints
}
