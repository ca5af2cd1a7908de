//! What the data files hold: parts of drawings by name, poses, creatures, and what words mean.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::storyteller::data;

/// The drawings of `pictures/`, by the names of their files.
macro_rules! drawings {
    ($($name:literal)*) => {
        [$(include_str!(concat!("../../../pictures/", $name, ".svg")),)*]
    };
}

/// Every `<g id="name">` that begins and ends at the margin, by its name.
static PARTS: LazyLock<HashMap<&str, &str>> = LazyLock::new(|| {
    let drawings = drawings! {
        "aids" "clothes" "creatures" "faces" "heads" "poses" "skies" "styles" "things" "vehicles"
        "places/bedroom" "places/bridge" "places/castle" "places/cave" "places/clouds" "places/desert"
        "places/forest" "places/garden" "places/meadow" "places/mountains" "places/river"
        "places/rooftops" "places/room" "places/sea" "places/snow" "places/space" "places/town"
        "places/underwater"
    };
    let parts = drawings.into_iter().flat_map(|file| file.split("\n</g>\n"));
    parts
        .filter_map(|part| {
            part.trim_start()
                .strip_prefix("<g id=\"")?
                .split_once("\">")
        })
        .collect()
});

/// The drawing of that name, if there is one.
pub(super) fn part(name: &str) -> Option<&'static str> {
    PARTS.get(name).copied()
}

/// One meaning and the words for it.
type Meaning = (&'static str, Vec<&'static str>);

static WORDS: LazyLock<HashMap<&str, Vec<Meaning>>> = LazyLock::new(|| {
    let meaning = |line: &'static str| {
        let (meaning, words) = line.split_once(": ")?;
        Some((meaning, words.split(", ").collect()))
    };
    let tables = data::sections(include_str!("../../../pictures/words.txt")).into_iter();
    tables
        .map(|table| {
            (
                table.title,
                table.lines.into_iter().filter_map(meaning).collect(),
            )
        })
        .collect()
});

fn table(name: &str) -> &'static [Meaning] {
    WORDS.get(name).map(Vec::as_slice).unwrap_or_default()
}

/// Every meaning of a table, in its order.
pub(super) fn meanings(name: &str) -> impl Iterator<Item = &'static str> {
    table(name).iter().map(|(meaning, _)| *meaning)
}

/// Where a text has a word first; a trailing star stands for any ending.
pub(crate) fn find_word(text: &str, word: &str) -> Option<usize> {
    let (word, open) = match word.strip_suffix('*') {
        Some(start) => (start, true),
        None => (word, false),
    };
    let ends = |rest: &str| !rest.starts_with(char::is_alphabetic);
    text.match_indices(word).map(|(at, _)| at).find(|at| {
        let rest = &text[at + word.len()..];
        let plural = ["s", "es"].iter().find_map(|end| rest.strip_prefix(end));
        !text[..*at].ends_with(char::is_alphabetic)
            && (open || ends(rest) || plural.is_some_and(ends))
    })
}

/// The meaning whose word comes first in the text, which is in lower case.
pub(super) fn earliest(name: &str, text: &str) -> Option<&'static str> {
    let found = table(name).iter().filter_map(|(meaning, words)| {
        let first = words.iter().filter_map(|word| find_word(text, word)).min();
        first.map(|at| (at, *meaning))
    });
    found.min_by_key(|(at, _)| *at).map(|(_, meaning)| meaning)
}

/// Where the words for a meaning come first in the text.
pub(super) fn place(name: &str, meaning: &str, text: &str) -> Option<usize> {
    let (_, words) = table(name).iter().find(|(row, _)| *row == meaning)?;
    words.iter().filter_map(|word| find_word(text, word)).min()
}

/// Every meaning that has a word in the text, in the table's order.
pub(super) fn all<'a>(name: &str, text: &'a str) -> impl Iterator<Item = &'static str> + 'a {
    let has_word = |words: &[&str]| words.iter().any(|word| find_word(text, word).is_some());
    let rows = table(name).iter();
    rows.filter(move |(_, words)| has_word(words))
        .map(|(meaning, _)| *meaning)
}

/// How a figure stands: the columns of `poses.txt`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pose {
    pub(super) name: &'static str,
    /// Degrees; the tilt is the head's.
    pub(super) lean: f32,
    pub(super) tilt: f32,
    /// Above the ground, in the figure's units (it is some 290 tall).
    pub(super) lift: f32,
    pub(super) eyes: &'static str,
    pub(super) brows: &'static str,
    pub(super) mouth: &'static str,
    /// Where the eyes look, each part from -1 to 1.
    pub(super) gaze: (f32, f32),
    /// `left`, `right`, both or neither: arms that pass before the head.
    pub(super) raised: &'static str,
    /// The right hand of a child, and of a creature with its wider head.
    pub(super) hands: [(f32, f32); 2],
    pub(super) holds: &'static str,
}

static POSES: LazyLock<Vec<Pose>> = LazyLock::new(|| {
    let poses = data::lines(include_str!("../../../pictures/poses.txt"));
    poses.filter_map(read_pose).collect()
});

fn read_pose(line: &'static str) -> Option<Pose> {
    let [name, stand, face, gaze, raised, hands, holds] = data::columns(line);
    let [lean, tilt, lift] = numbers(stand)?;
    let [right, down] = numbers(gaze)?;
    let [x, y, of_creature_x, of_creature_y] = numbers(hands)?;
    let mut face = face.split(' ');
    Some(Pose {
        name,
        lean,
        tilt,
        lift,
        eyes: face.next()?,
        brows: face.next()?,
        mouth: face.next()?,
        gaze: (right, down),
        raised,
        hands: [(x, y), (of_creature_x, of_creature_y)],
        holds: holds.trim_start_matches('-'),
    })
}

fn numbers<const COUNT: usize>(text: &str) -> Option<[f32; COUNT]> {
    let numbers: Result<Vec<f32>, _> = text.split(' ').map(str::parse).collect();
    numbers.ok()?.try_into().ok()
}

/// The pose of that name, else the first of the file; a second word is what it holds.
pub(super) fn pose(name: &str) -> Pose {
    let (name, held) = name.split_once(' ').unwrap_or((name, ""));
    let pose = POSES.iter().find(|pose| pose.name == name);
    let mut pose = pose.unwrap_or(&POSES[0]).clone();
    // Under the name that lives as long as the program.
    let mut can_be_held = PARTS.keys().filter_map(|name| name.strip_prefix("held-"));
    pose.holds = can_be_held.find(|name| *name == held).unwrap_or(pose.holds);
    pose
}

/// A creature or vehicle that can be drawn: a line of `creatures.txt`.
#[derive(Debug, PartialEq)]
pub(crate) struct Species {
    /// The first is its name.
    pub(crate) words: Vec<&'static str>,
    /// Fur or paint, belly or trim, eyes.
    pub(super) colors: [&'static str; 3],
    /// Names of its parts; a vehicle has one, which is all of it.
    pub(super) parts: Vec<&'static str>,
    /// Where the mouth is, `mouth 4`, and words such as `small`, `floats`, `home sea`.
    pub(super) notes: Vec<&'static str>,
}

static SPECIES: LazyLock<Vec<Species>> = LazyLock::new(|| {
    let read = |line: &'static str| {
        let mut columns = line.split(" | ");
        let words = columns.next()?.split(", ").collect();
        let mut colors = columns.next()?.split(' ');
        Some(Species {
            words,
            colors: [colors.next()?, colors.next()?, colors.next()?],
            parts: columns.next()?.split(' ').collect(),
            notes: columns.next()?.split(' ').collect(),
        })
    };
    let species = data::lines(include_str!("../../../pictures/creatures.txt"));
    species.filter_map(read).collect()
});

impl Species {
    /// The species that a text in lower case names first.
    pub(crate) fn find(text: &str) -> Option<&'static Species> {
        let named = |species: &'static Species| {
            let first = species
                .words
                .iter()
                .filter_map(|word| find_word(text, word));
            first.min().map(|at| (at, species))
        };
        let found = SPECIES.iter().filter_map(named).min_by_key(|(at, _)| *at);
        found.map(|(_, species)| species)
    }

    /// A friendly somebody for a species that nobody drew: the last of the file.
    pub(super) fn fallback() -> &'static Species {
        &SPECIES[SPECIES.len() - 1]
    }

    pub(super) fn is(&self, note: &str) -> bool {
        self.notes.contains(&note)
    }

    /// The word after a note, such as where its mouth is.
    pub(super) fn note(&self, name: &str) -> Option<&'static str> {
        let at = self.notes.iter().position(|note| *note == name)?;
        self.notes.get(at + 1).copied()
    }

    pub(super) fn has(&self, part: &str) -> bool {
        self.parts.contains(&part)
    }

    pub(super) fn is_vehicle(&self) -> bool {
        self.parts.len() == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_data_files_is_read_and_names_parts_that_exist() {
        assert_eq!(
            POSES.len(),
            data::lines(include_str!("../../../pictures/poses.txt")).count()
        );
        let creatures = data::lines(include_str!("../../../pictures/creatures.txt")).count();
        assert_eq!(SPECIES.len(), creatures);
        for name in SPECIES.iter().flat_map(|species| &species.parts) {
            assert!(part(name).is_some(), "{name}");
        }
        for (place, _) in table("setting") {
            assert!(part(place).is_some(), "{place}");
        }
        for (pose, _) in table("pose") {
            let (name, held) = pose.split_once(' ').unwrap_or((pose, ""));
            assert_eq!(super::pose(pose).name, name);
            assert!(
                held.is_empty() || part(&format!("held-{held}")).is_some(),
                "{held}"
            );
        }
    }

    #[test]
    fn a_word_is_found_as_a_whole_in_its_plural_or_by_its_beginning() {
        assert_eq!(find_word("a hurricane and canes", "cane"), Some(16));
        assert_eq!(find_word("two little foxes", "fox"), Some(11));
        assert_eq!(find_word("she trembled", "trembl*"), Some(4));
        assert_eq!(find_word("concatenate", "cat"), None);
    }

    #[test]
    fn the_nearest_word_decides_the_setting() {
        let found = earliest(
            "setting",
            "climbs above the sleeping roofs of a little town",
        );
        assert_eq!(found, Some("rooftops"));
        assert_eq!(earliest("setting", "a chair by the season"), None);
        assert_eq!(
            earliest("pose", "with a kite, running"),
            Some("running kite")
        );
    }
}
