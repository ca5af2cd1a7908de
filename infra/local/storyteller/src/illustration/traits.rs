//! Signs of a body and the things that help it, and the words for them.

use super::looks::contains;

/// Signs of a body and the things that help it; each is drawn when set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Traits {
    pub(super) wheelchair: bool,
    pub(super) glasses: bool,
    pub(super) dark_glasses: bool,
    pub(super) hearing_aid: bool,
    pub(super) cochlear_implant: bool,
    pub(super) white_cane: bool,
    pub(super) walking_cane: bool,
    pub(super) walker: bool,
    pub(super) crutches: bool,
    pub(super) prosthetic_leg: bool,
    pub(super) prosthetic_arm: bool,
    pub(super) limb_difference: bool,
    pub(super) leg_brace: bool,
    pub(super) headphones: bool,
    pub(super) eye_patch: bool,
    pub(super) freckles: bool,
    pub(super) albinism: bool,
    pub(super) heterochromia: bool,
    pub(super) braces: bool,
    pub(super) vitiligo: bool,
    pub(super) down_syndrome: bool,
    pub(super) birthmark: bool,
    pub(super) lip_scar: bool,
    pub(super) scar: bool,
    pub(super) service_dog: bool,
    pub(super) short_stature: bool,
    pub(super) large_body: bool,
    pub(super) feeding_tube: bool,
    pub(super) insulin_pump: bool,
}

pub(super) fn read(line: &str) -> Traits {
    let has = |words: &[&str]| contains(line, words);
    let dark_glasses = has(&["sunglasses", "dark glasses", "tinted glasses"]);
    let white_cane = has(&["white cane", "blind", "low vision"]);
    let leg_brace = has(&["leg brace", "orthosis"]);
    Traits {
        wheelchair: has(&["wheelchair", "wheel chair"]),
        glasses: has(&["glasses", "spectacles"]),
        dark_glasses,
        hearing_aid: has(&["hearing aid"]),
        cochlear_implant: has(&["cochlear"]),
        white_cane,
        walking_cane: has(&["cane"]) && !white_cane && !has(&["hurricane"]),
        walker: has(&["walker", "walking frame"]),
        crutches: has(&["crutch", "cerebral palsy"]),
        prosthetic_leg: has(&[
            "prosthetic leg",
            "prosthetic foot",
            "leg prosthesis",
            "blade",
        ]),
        prosthetic_arm: has(&[
            "prosthetic arm",
            "prosthetic hand",
            "bionic arm",
            "robotic arm",
        ]),
        limb_difference: has(&["limb difference", "one arm", "missing hand", "missing arm"]),
        headphones: has(&[
            "headphone",
            "ear defender",
            "noise cancel",
            "autis",
            "sensory",
        ]),
        eye_patch: has(&["eye patch", "eyepatch"]),
        leg_brace,
        freckles: has(&["freckle"]),
        albinism: has(&["albinism", "albino"]),
        heterochromia: has(&["heterochromia", "two different colo"]),
        braces: has(&["braces"]) && !leg_brace,
        vitiligo: has(&["vitiligo"]),
        down_syndrome: has(&["down syndrome", "down's syndrome", "downs syndrome"]),
        birthmark: has(&["birthmark", "port wine"]),
        lip_scar: has(&["cleft", "upper lip"]),
        scar: has(&["burn", "facial scar"]),
        service_dog: has(&[
            "service dog",
            "guide dog",
            "assistance dog",
            "service animal",
        ]),
        short_stature: has(&["dwarfism", "short stature", "achondroplasia"]),
        large_body: has(&["larger body", "plus size", "big body", "large body"]),
        feeding_tube: has(&["feeding tube", "nasal tube", "oxygen"]),
        insulin_pump: has(&["insulin", "diabetes", "glucose monitor"]),
    }
}
