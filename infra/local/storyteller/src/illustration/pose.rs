//! How a figure stands: limbs, expression, what it holds. Angles are in degrees.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expression {
    Smile,
    BigSmile,
    Awe,
    Worried,
    Asleep,
    Singing,
    Determined,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Held {
    Nothing,
    Lantern,
    Star,
    Map,
    Book,
    Kite,
    Umbrella,
    Magnifier,
    Flower,
    Brush,
}

/// One arm: the upper arm's angle from hanging down, outward; the bend at the elbow.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Arm {
    pub(super) angle: f32,
    pub(super) bend: f32,
    pub(super) holds: Held,
}

const fn arm(angle: f32, bend: f32) -> Arm {
    Arm {
        angle,
        bend,
        holds: Held::Nothing,
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Pose {
    pub(super) lean: f32,
    pub(super) tilt: f32,
    pub(super) left: Arm,
    pub(super) right: Arm,
    /// How far the legs are apart, as when walking or running.
    pub(super) stride: f32,
    pub(super) expression: Expression,
    /// Where the eyes look, each part from -1 to 1.
    pub(super) gaze: (f32, f32),
    /// Height above the ground, in the figure's own units (it is some 290 tall).
    pub(super) lift: f32,
    pub(super) seated: bool,
}

/// Poses by name, as the scene suggests them.
pub(super) const WAVING: Pose = Pose {
    lean: 0.0,
    tilt: -5.0,
    left: arm(30.0, 20.0),
    right: arm(108.0, 42.0),
    stride: 6.0,
    expression: Expression::BigSmile,
    gaze: (0.0, 0.0),
    lift: 0.0,
    seated: false,
};
pub(super) const WALKING: Pose = Pose {
    lean: 4.0,
    tilt: 3.0,
    left: arm(40.0, 26.0),
    right: arm(34.0, 30.0),
    stride: 20.0,
    expression: Expression::Smile,
    gaze: (0.6, -0.1),
    ..WAVING
};
pub(super) const RUNNING: Pose = Pose {
    lean: 11.0,
    tilt: 4.0,
    left: arm(66.0, 50.0),
    right: arm(118.0, 22.0),
    stride: 34.0,
    expression: Expression::BigSmile,
    gaze: (0.5, -0.6),
    lift: 14.0,
    ..WAVING
};
pub(super) const BALANCING: Pose = Pose {
    lean: -5.0,
    tilt: 6.0,
    left: arm(84.0, 10.0),
    right: arm(98.0, -8.0),
    stride: 24.0,
    expression: Expression::Determined,
    gaze: (0.4, 0.5),
    lift: 6.0,
    ..WAVING
};
pub(super) const HOLDING_LIGHT: Pose = Pose {
    lean: -3.0,
    tilt: 7.0,
    left: arm(26.0, 50.0),
    right: Arm {
        angle: 118.0,
        bend: 26.0,
        holds: Held::Lantern,
    },
    stride: 10.0,
    expression: Expression::Awe,
    gaze: (0.7, -0.4),
    ..WAVING
};
pub(super) const REACHING_UP: Pose = Pose {
    lean: 0.0,
    tilt: -4.0,
    left: arm(142.0, 14.0),
    right: arm(142.0, 14.0),
    stride: 10.0,
    expression: Expression::BigSmile,
    gaze: (0.1, -0.9),
    lift: 10.0,
    ..WAVING
};
pub(super) const READING_MAP: Pose = Pose {
    lean: 2.0,
    tilt: -6.0,
    left: arm(22.0, -68.0),
    right: Arm {
        angle: 22.0,
        bend: -68.0,
        holds: Held::Map,
    },
    stride: 4.0,
    expression: Expression::Awe,
    gaze: (0.1, 0.8),
    ..WAVING
};
pub(super) const POINTING: Pose = Pose {
    lean: 7.0,
    tilt: 2.0,
    left: arm(24.0, 40.0),
    right: arm(92.0, 0.0),
    stride: 18.0,
    expression: Expression::Determined,
    gaze: (0.9, 0.2),
    ..WAVING
};
pub(super) const SITTING: Pose = Pose {
    lean: 0.0,
    tilt: -6.0,
    left: arm(18.0, -40.0),
    right: arm(18.0, -40.0),
    stride: 8.0,
    expression: Expression::Singing,
    gaze: (0.5, -0.7),
    seated: true,
    ..WAVING
};
pub(super) const OFFERING: Pose = Pose {
    lean: 4.0,
    tilt: 5.0,
    left: arm(20.0, 30.0),
    right: arm(72.0, 14.0),
    stride: 8.0,
    expression: Expression::Smile,
    gaze: (0.8, 0.0),
    ..WAVING
};
pub(super) const CHEERING: Pose = Pose {
    left: arm(126.0, 26.0),
    right: arm(126.0, 26.0),
    stride: 12.0,
    lift: 12.0,
    gaze: (0.2, -0.5),
    ..WAVING
};
pub(super) const WORRIED: Pose = Pose {
    lean: -3.0,
    tilt: -7.0,
    left: arm(28.0, -84.0),
    right: arm(28.0, -84.0),
    stride: 2.0,
    expression: Expression::Worried,
    gaze: (0.6, -0.2),
    ..WAVING
};

impl Pose {
    /// The same pose with something in the right hand.
    pub(super) const fn holding(mut self, held: Held) -> Pose {
        self.right.holds = held;
        self
    }

    /// Whether both hands are taken, or one by something.
    pub(super) fn is_holding(&self) -> bool {
        self.right.holds != Held::Nothing
    }

    pub(super) const fn feeling(mut self, expression: Expression) -> Pose {
        self.expression = expression;
        self
    }
}

const TABLE: &[(&[&str], Pose)] = &[
    (
        &["magnif", "studies a", "inspect"],
        POINTING.holding(Held::Magnifier),
    ),
    (&["umbrella"], OFFERING.holding(Held::Umbrella)),
    (&["kite"], RUNNING.holding(Held::Kite)),
    (&["map", "letter", "scroll"], READING_MAP),
    (
        &["reading", "reads", "book"],
        READING_MAP.holding(Held::Book),
    ),
    (
        &[
            "lantern",
            "torch",
            "lamp in",
            "holding up a light",
            "holds up a",
        ],
        HOLDING_LIGHT,
    ),
    (
        &["paintbrush", "paints", "painting a"],
        OFFERING.holding(Held::Brush),
    ),
    (
        &["flower in hand", "a flower", "bouquet", "picks flowers"],
        OFFERING.holding(Held::Flower),
    ),
    (
        &[
            "crying", "sad", "worried", "scared", "afraid", "trembl", "hiding", "lonely",
        ],
        WORRIED,
    ),
    (
        &[
            "release",
            "let a light go",
            "letting",
            "raised",
            "reaching up",
            "reaches up",
            "arms up",
        ],
        REACHING_UP,
    ),
    (
        &["balanc", "stepping", "crossing", "tiptoe", "climb"],
        BALANCING,
    ),
    (&["singing", "sings", "lullaby", "sitting", "sits"], SITTING),
    (
        &[
            "running", "runs", "racing", "jump", "leap", "fly", "flies", "dancing", "dances",
            "chas",
        ],
        RUNNING,
    ),
    (
        &[
            "pointing",
            "points",
            "following",
            "follows",
            "leads",
            "search",
        ],
        POINTING,
    ),
    (
        &["cheer", "celebrat", "hooray", "happy", "jumping for joy"],
        CHEERING,
    ),
    (
        &[
            "giving", "gives", "offer", "helping", "helps", "handing", "sharing", "shares",
            "meets", "held out",
        ],
        OFFERING,
    ),
    (&["walking", "walks", "explor", "wander", "hike"], WALKING),
    (
        &["waving", "waves", "greet", "hello", "facing the reader"],
        WAVING,
    ),
];

/// The pose that a description asks for; None when it says nothing of the kind.
pub(super) fn find(text: &str) -> Option<Pose> {
    let text = text.to_lowercase();
    // What is said first matters most.
    TABLE
        .iter()
        .filter_map(|(words, pose)| {
            Some((
                words.iter().filter_map(|word| text.find(word)).min()?,
                *pose,
            ))
        })
        .min_by_key(|(at, _)| *at)
        .map(|(_, pose)| pose)
}

/// A thing that a description puts into a hand, whatever the pose.
pub(super) fn held_thing(text: &str) -> Held {
    let table: &[(&[&str], Held)] = &[
        (&["umbrella"], Held::Umbrella),
        (&["kite"], Held::Kite),
        (&["lantern", "torch"], Held::Lantern),
        (&["magnif"], Held::Magnifier),
        (&["bouquet", "a flower "], Held::Flower),
    ];
    table
        .iter()
        .find(|(words, _)| words.iter().any(|word| text.contains(word)))
        .map_or(Held::Nothing, |(_, held)| *held)
}

/// One pose for each scene number, for prompts that say nothing: no two alike.
pub(super) fn of_scene(number: u8) -> Pose {
    [WAVING, WALKING, RUNNING, HOLDING_LIGHT, REACHING_UP][usize::from(number.min(4))]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_thing_said_decides_the_pose() {
        assert_eq!(
            find("running with a kite").map(|pose| pose.stride),
            Some(RUNNING.stride)
        );
        assert_eq!(find("Ember unfolds an old map, smiling"), Some(READING_MAP));
        assert_eq!(find("nothing in particular"), None);
    }
}
