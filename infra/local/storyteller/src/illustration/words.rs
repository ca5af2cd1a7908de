//! What words mean for a picture: settings, light, camera, motif.

use super::brief::{Light, Motif, Setting, View};

/// The first of these words in a text decides.
const SETTINGS: &[(&[&str], Setting)] = &[
    (
        &["bedroom", " bed ", "in bed", "cozy bed", "pillow"],
        Setting::Bedroom,
    ),
    (
        &["cave", "cavern", "cellar", "tunnel", "underground", "mine "],
        Setting::Cave,
    ),
    (
        &[
            "underwater",
            "under the sea",
            "coral",
            "seabed",
            "ocean floor",
        ],
        Setting::Underwater,
    ),
    (
        &[
            "outer space",
            "in space",
            "spaceship",
            "rocket",
            "planet",
            "galaxy",
        ],
        Setting::Space,
    ),
    (&["rooftop", "roofs"], Setting::Rooftops),
    (
        &[
            "on a cloud",
            "clouds below",
            "above the clouds",
            "night sky beside",
            "in the sky",
        ],
        Setting::Clouds,
    ),
    (&["bridge"], Setting::Bridge),
    (
        &[
            "river",
            "stream",
            "stepping stone",
            "waterfall",
            "lake",
            "pond",
        ],
        Setting::River,
    ),
    (
        &[
            "sea", "ocean", "beach", "island", "harbor", "shore", "boat", "ship",
        ],
        Setting::Sea,
    ),
    (&["castle", "palace", "tower"], Setting::Castle),
    (&["snow", "ice", "winter", "arctic"], Setting::Snow),
    (&["desert", "dune", "sand"], Setting::Desert),
    (
        &["town", "city", "street", "market", "village square", "fair"],
        Setting::Town,
    ),
    (
        &["garden", "orchard", "greenhouse", "farm"],
        Setting::Garden,
    ),
    (
        &["forest", "wood", "jungle", "grove", "trees"],
        Setting::Forest,
    ),
    (
        &[
            "classroom",
            "school",
            "library",
            "kitchen",
            "workshop",
            "living room",
            "indoors",
            "house interior",
            "room",
        ],
        Setting::Room,
    ),
    (&["mountain", "peak", "cliff", "canyon"], Setting::Mountains),
    (
        &[
            "meadow",
            "hill",
            "valley",
            "field",
            "park",
            "playground",
            "village",
        ],
        Setting::Meadow,
    ),
];

/// Where a text says that a scene takes place, if it does.
pub(super) fn setting(text: &str) -> Option<Setting> {
    let padded = format!(" {text} ");
    let is_word = |word: &str, at: usize| {
        let after = padded[at + word.len()..]
            .trim_start_matches("es")
            .trim_start_matches('s');
        let starts = word.starts_with(' ') || !padded[..at].ends_with(|c: char| c.is_alphabetic());
        starts && (word.ends_with(' ') || !after.starts_with(|c: char| c.is_alphabetic()))
    };
    SETTINGS
        .iter()
        .filter_map(|(words, setting)| {
            let first = words
                .iter()
                .filter_map(|word| {
                    padded
                        .match_indices(word)
                        .find(|(at, _)| is_word(word, *at))
                        .map(|(at, _)| at)
                })
                .min()?;
            Some((first, *setting))
        })
        .min_by_key(|(first, _)| *first)
        .map(|(_, setting)| setting)
}

pub(super) fn light(text: &str, setting: Setting) -> Light {
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if matches!(setting, Setting::Space | Setting::Cave)
        || has(&[
            "night",
            "moonlit",
            "moonlight",
            "moon ",
            "midnight",
            "starry",
            "full of stars",
            "starlight",
            "in the dark",
        ])
    {
        Light::Night
    } else if has(&[
        "sunset",
        "dusk",
        "evening",
        "twilight",
        "violet",
        "golden hour",
        "lamplight",
    ]) {
        Light::Dusk
    } else if has(&["sunrise", "dawn", "morning", "first light"]) {
        Light::Dawn
    } else {
        Light::Day
    }
}

pub(super) fn view(text: &str, number: u8) -> View {
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if number == 0 || has(&["close-up", "close up", "closeup", "portrait", "intimate"]) {
        View::Close
    } else if has(&[
        "wide",
        "bird's-eye",
        "birds-eye",
        "bird's eye",
        "aerial",
        "panoram",
        "establishing",
        "from above",
    ]) {
        View::Wide
    } else {
        View::Medium
    }
}

pub(super) fn motif(text: &str) -> Motif {
    let text = text.to_lowercase();
    let table: &[(&[&str], Motif)] = &[
        (
            &[
                "lantern",
                "light in the dark",
                "lamp",
                "courage",
                "fear",
                "brave",
            ],
            Motif::Lantern,
        ),
        (&["moon"], Motif::Moon),
        (&["bell", "music", "song"], Motif::Bell),
        (&["heart", "love", "kind", "friend", "family"], Motif::Heart),
        (&["leaf", "seed", "grow", "nature", "tree"], Motif::Leaf),
        (
            &["feather", "wing", "kite", "string", "free"],
            Motif::Feather,
        ),
        (&["key", "door", "question", "secret", "clue"], Motif::Key),
    ];
    table
        .iter()
        .find(|(words, _)| words.iter().any(|word| text.contains(word)))
        .map_or(Motif::Star, |(_, motif)| *motif)
}
