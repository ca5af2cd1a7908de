//! What each FLUX model takes, by the beginning of its id.

/// What an order may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    /// Reference pictures in one order; 0 where a model draws from words alone.
    pub(super) references_max: usize,
    /// `safety_tolerance` is understood.
    pub(super) takes_tolerance: bool,
}

const FLUX_2: Limits = Limits {
    references_max: 8,
    takes_tolerance: true,
};

/// The first row whose beginning fits; a model that is in none is taken for one of the newest family.
const MODELS: [(&str, Limits); 3] = [
    (
        "flux-2-klein",
        Limits {
            references_max: 4,
            takes_tolerance: true,
        },
    ),
    ("flux-2", FLUX_2),
    (
        "flux-pro",
        Limits {
            references_max: 0,
            takes_tolerance: true,
        },
    ),
];

pub(super) fn limits(model: &str) -> Limits {
    let row = MODELS.iter().find(|(start, _)| model.starts_with(start));
    row.map_or(FLUX_2, |(_, limits)| *limits)
}
