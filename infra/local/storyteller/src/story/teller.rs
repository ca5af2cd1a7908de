//! Tells a story: chooses an arc, a friend and a theme, picks among the sentences, fills in names.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::cast::{Cast, cast};
use super::request::StoryRequest;
use super::themes;
use super::{adventure, bedtime, friendship, mystery};
use crate::seeded::Seeded;

/// A kind of story in four beats.
pub(super) struct Arc {
    /// Story types it is told for.
    pub(super) words: &'static [&'static str],
    pub(super) titles: &'static [&'static str],
    /// What the hero may want when the idea does not say.
    pub(super) wishes: &'static [&'static str],
    pub(super) beats: [BeatPlan; 4],
}

/// One beat: in every slot one of the sentences is chosen.
///
/// `?fear:` and `?wish:` open sentences for heroes with a fear or without; `@hero|line|tag` is
/// speech, and more text between bars goes on speaking after the tag. A slot whose first sentence
/// begins with `~` is left out, last ones first, when the beat would become too long.
pub(super) struct BeatPlan {
    pub(super) heading: &'static [&'static str],
    pub(super) slots: &'static [&'static [&'static str]],
    pub(super) scene: &'static str,
}

const ARCS: [&Arc; 4] = [
    &adventure::ARC,
    &bedtime::ARC,
    &friendship::ARC,
    &mystery::ARC,
];

/// The answer to a `story` request: title, four beats, moral.
pub(super) fn tell(request: &StoryRequest, seeded: &mut Seeded) -> Value {
    let arc = choose_arc(&request.story_type, seeded);
    let cast = cast(request, arc, seeded);
    let title = request
        .title
        .clone()
        .unwrap_or_else(|| cast.fill(seeded.pick(arc.titles)));
    let mut told = HashSet::new();
    let beats: Vec<Value> = arc
        .beats
        .iter()
        .map(|plan| beat(plan, &cast, &mut told, seeded))
        .collect();
    json!({ "title": title, "beats": beats, "moral": moral(request, &cast) })
}

fn choose_arc(story_type: &str, seeded: &mut Seeded) -> &'static Arc {
    let named = ARCS
        .iter()
        .find(|arc| arc.words.iter().any(|word| story_type.contains(word)));
    named
        .copied()
        .unwrap_or_else(|| ARCS[seeded.below(ARCS.len())])
}

fn moral(request: &StoryRequest, cast: &Cast) -> String {
    match request.themes.first() {
        Some(theme) if themes::find(theme).is_none() => {
            format!(
                "A little {} goes a long way when you take a friend along.",
                theme.to_lowercase()
            )
        }
        _ => cast.theme.moral.to_owned(),
    }
}

/// About 45 seconds of reading aloud.
const BEAT_WORDS_MAX: usize = 120;

struct Told {
    sentence: String,
    spoken: Option<Value>,
    can_be_left_out: bool,
}

fn beat(plan: &BeatPlan, cast: &Cast, told: &mut HashSet<String>, seeded: &mut Seeded) -> Value {
    let mut all: Vec<Told> = plan
        .slots
        .iter()
        .filter_map(|slot| tell_slot(slot, cast, seeded))
        .collect();
    all.retain(|one| told.insert(one.sentence.clone()));
    let words = |all: &[Told]| {
        all.iter()
            .map(|one| one.sentence.split_whitespace().count())
            .sum::<usize>()
    };
    while words(&all) > BEAT_WORDS_MAX
        && let Some(last) = all.iter().rposition(|one| one.can_be_left_out)
    {
        all.remove(last);
    }
    let sentences: Vec<&str> = all.iter().map(|one| one.sentence.as_str()).collect();
    let dialogue: Vec<&Value> = all.iter().filter_map(|one| one.spoken.as_ref()).collect();
    json!({
        "heading": cast.fill(seeded.pick(plan.heading)),
        "text": sentences.join(" "),
        "dialogue": dialogue,
        "sceneDescription": cast.fill(plan.scene),
    })
}

fn tell_slot(slot: &[&str], cast: &Cast, seeded: &mut Seeded) -> Option<Told> {
    let can_be_left_out = slot.first().is_some_and(|first| first.starts_with('~'));
    let choices = cast.suitable(slot);
    if choices.is_empty() {
        return None;
    }
    let chosen = seeded.pick(&choices);
    let (sentence, spoken) = if chosen.starts_with('@') {
        speech(chosen, cast)
    } else {
        (cast.fill(chosen), None)
    };
    (!sentence.is_empty()).then_some(Told {
        sentence,
        spoken,
        can_be_left_out,
    })
}

/// `@hero|line|, said {hero}.` as a sentence, and as an entry of the dialogue list.
fn speech(slot: &str, cast: &Cast) -> (String, Option<Value>) {
    let mut parts = slot.trim_end().split('|').map(|part| cast.fill(part));
    let speaker = match parts.next().as_deref() {
        Some("@friend") => cast.friend.clone(),
        _ => cast.hero.name.clone(),
    };
    let line = parts.next().unwrap_or_default();
    let tag = parts.next().unwrap_or_default();
    let more = parts.next();
    // The comma of the tag belongs inside the quotation marks.
    let (comma, tag) = match tag.strip_prefix(", ") {
        Some(rest) => (",", rest.to_owned()),
        None => ("", tag.trim_start().to_owned()),
    };
    // A line of two sentences may bring its own question mark.
    let asks = line.starts_with("If ") && line.ends_with("who would be like you");
    let comma = if asks { "?" } else { comma };
    let mut sentence = format!("\"{line}{comma}\" {tag}");
    let mut whole = line.clone();
    if let Some(more) = more {
        sentence = format!("{} \"{}\"", sentence.trim_end(), more.trim());
        whole = format!("{whole}, {}", more.trim().trim_end_matches('.'));
    }
    let closed = if asks {
        format!("{whole}?")
    } else if whole.ends_with(['?', '!', '.']) {
        whole
    } else {
        format!("{whole}.")
    };
    (
        sentence.trim().to_owned(),
        Some(json!({ "speaker": speaker, "line": closed })),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(json: Value) -> StoryRequest {
        StoryRequest::read(&json.to_string())
    }

    fn stories() -> Vec<(String, Value)> {
        let mut all = Vec::new();
        for story_type in ["adventure", "bedtime", "friendship", "mystery", "anything"] {
            for theme in [
                "courage",
                "friendship",
                "kindness",
                "curiosity",
                "honesty",
                "sharing",
                "nature",
                "family",
                "bees",
            ] {
                for idea in [
                    None,
                    Some("a shy dragon who is afraid of the dark"),
                    Some("a robot who wants to paint the moon"),
                ] {
                    for (species, traits, appearance) in [
                        ("dragon", json!([]), json!({})),
                        (
                            "human",
                            json!(["wheelchair", "glasses"]),
                            json!({"eyes": "brown", "clothes": "a yellow raincoat"}),
                        ),
                    ] {
                        let data = json!({"characters":[{"name":"Ember","species":species,"traits":traits,"appearance":appearance}],
                            "storyType":story_type,"themes":[theme],"idea":idea});
                        let name = data.to_string();
                        let told = tell(&request(data), &mut Seeded::from_text(&name));
                        all.push((name, told));
                    }
                }
            }
        }
        all
    }

    #[test]
    fn every_beat_can_be_read_aloud_in_under_a_minute() {
        for (name, story) in stories() {
            for beat in story["beats"].as_array().unwrap() {
                let words = beat["text"].as_str().unwrap().split_whitespace().count();
                assert!(
                    (70..=126).contains(&words),
                    "{words} words in {} of {name}",
                    beat["text"]
                );
            }
        }
    }

    #[test]
    fn every_story_names_its_hero_and_lets_somebody_speak_in_each_beat() {
        for (name, story) in stories() {
            for beat in story["beats"].as_array().unwrap() {
                assert!(beat["text"].as_str().unwrap().contains("Ember"), "{name}");
                assert!(!beat["dialogue"].as_array().unwrap().is_empty(), "{name}");
                assert!(
                    !beat["text"]
                        .as_str()
                        .unwrap()
                        .contains(['{', '|', '@', '}']),
                    "{}",
                    beat["text"]
                );
            }
        }
    }

    #[test]
    fn no_sentence_is_told_twice_in_one_story() {
        for (name, story) in stories() {
            let whole: String = story["beats"]
                .as_array()
                .unwrap()
                .iter()
                .map(|beat| beat["text"].as_str().unwrap())
                .collect();
            let mut seen = HashSet::new();
            for sentence in whole
                .split(['.', '!'])
                .map(str::trim)
                .filter(|sentence| sentence.split_whitespace().count() > 3)
            {
                assert!(seen.insert(sentence), "`{sentence}` twice in {name}");
            }
        }
    }

    #[test]
    fn the_idea_the_theme_and_the_traits_are_in_the_story() {
        let story = tell(
            &request(json!({"characters":[{"name":"Maya","species":"human","traits":["wheelchair"]}],"storyType":"adventure",
                "themes":["courage"],"idea":"a shy child who is afraid of the dark"})),
            &mut Seeded::from_text("1"),
        )
        .to_string();
        for part in ["a shy child called Maya", "the dark", "wheelchair", "brave"] {
            assert!(story.contains(part), "{part} is missing from {story}");
        }
    }
}
