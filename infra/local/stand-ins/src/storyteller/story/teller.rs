//! Tells a story: chooses an arc, a friend and a theme, picks among the sentences, fills in names.

use std::collections::HashSet;
use std::sync::LazyLock;

use serde_json::{Value, json};

use super::cast::Cast;
use super::request::StoryRequest;
use crate::storyteller::data;
use crate::storyteller::seeded::Seeded;

/// A kind of story in four beats, as its file tells it; `adventure.txt` explains the marks.
#[derive(Debug, Default)]
pub(crate) struct Arc {
    /// Story types it is told for.
    words: Vec<&'static str>,
    titles: Vec<&'static str>,
    /// What the hero may want when the idea does not say.
    pub(super) wishes: Vec<&'static str>,
    beats: Vec<BeatPlan>,
}

/// One beat: in every slot one of the sentences is chosen.
#[derive(Debug, Default)]
struct BeatPlan {
    headings: Vec<&'static str>,
    slots: Vec<Vec<&'static str>>,
    scene: &'static str,
}

static ARCS: LazyLock<Vec<Arc>> = LazyLock::new(|| {
    let files = [
        include_str!("../../../stories/adventure.txt"),
        include_str!("../../../stories/bedtime.txt"),
        include_str!("../../../stories/friendship.txt"),
        include_str!("../../../stories/mystery.txt"),
    ];
    files.into_iter().map(read_arc).collect()
});

pub(super) fn read_arc(file: &'static str) -> Arc {
    let mut arc = Arc::default();
    for section in data::sections(file) {
        match section.title {
            "words" => {
                arc.words = section
                    .lines
                    .iter()
                    .flat_map(|line| line.split(", "))
                    .collect()
            }
            "titles" => arc.titles = section.lines,
            "wishes" => arc.wishes = section.lines,
            "beat" => arc.beats.push(read_beat(&section.lines)),
            _ => {}
        }
    }
    arc
}

fn read_beat(lines: &[&'static str]) -> BeatPlan {
    let mut beat = BeatPlan::default();
    for line in lines {
        if let Some(sentence) = line.strip_prefix("- ") {
            beat.slots.push(vec![sentence]);
        } else if let (Some(sentence), Some(slot)) =
            (line.strip_prefix("/ "), beat.slots.last_mut())
        {
            slot.push(sentence);
        } else if let Some(headings) = line.strip_prefix("heading: ") {
            beat.headings = headings.split(" | ").collect();
        } else if let Some(scene) = line.strip_prefix("scene: ") {
            beat.scene = scene;
        }
    }
    beat
}

/// The answer to a `story` request: its plan and title, four beats, moral. What the request says is known is left out.
pub(super) fn tell(request: &StoryRequest, seeded: &mut Seeded) -> Value {
    let suits = |arc: &&Arc| {
        arc.words
            .iter()
            .any(|word| request.story_type.contains(word))
    };
    let language = request.language().map(|language| &language.arc);
    let arc = language
        .or_else(|| ARCS.iter().find(suits))
        .unwrap_or_else(|| &ARCS[seeded.below(ARCS.len())]);
    let cast = Cast::choose(request, &arc.wishes, seeded);
    let title = request.title.clone();
    let title = title.unwrap_or_else(|| cast.fill(seeded.pick(&arc.titles)));
    let mut told = HashSet::new();
    let beats = arc
        .beats
        .iter()
        .map(|plan| beat(plan, &cast, &mut told, seeded));
    let beats: Vec<Value> = beats.collect();
    let known = request.data["beatsSoFar"].as_array().map_or(0, Vec::len);
    let mut answer = json!({ "moral": cast.moral(request) });
    if known < beats.len() {
        answer["beats"] = beats.into_iter().skip(known).collect();
    }
    if request.data["outline"].is_null() {
        let scenes = arc.beats.iter().map(|plan| cast.fill(plan.scene));
        let [first, second, third, fourth] =
            scenes.collect::<Vec<_>>().try_into().unwrap_or_default();
        let plan = [
            ("hero", cast.fill("{hero}, {a_hero}.")),
            ("want", cast.fill("{hero} wants to {wish}.")),
            ("obstacle", second),
            ("turn", third),
            ("ending", fourth),
            ("title", title),
            ("coverScene", first),
        ];
        plan.into_iter()
            .for_each(|(name, text)| answer[name] = text.into());
    }
    answer
}

/// About 45 seconds of reading aloud.
const BEAT_WORDS_MAX: usize = 120;

struct Told {
    sentence: String,
    spoken: Option<Value>,
    can_be_left_out: bool,
}

fn beat(plan: &BeatPlan, cast: &Cast, told: &mut HashSet<String>, seeded: &mut Seeded) -> Value {
    let slots = plan
        .slots
        .iter()
        .filter_map(|slot| tell_slot(slot, cast, seeded));
    let mut all: Vec<Told> = slots.collect();
    all.retain(|one| told.insert(one.sentence.clone()));
    let words = |all: &[Told]| -> usize {
        all.iter()
            .map(|one| one.sentence.split_whitespace().count())
            .sum()
    };
    while words(&all) > BEAT_WORDS_MAX
        && let Some(last) = all.iter().rposition(|one| one.can_be_left_out)
    {
        all.remove(last);
    }
    let sentences: Vec<&str> = all.iter().map(|one| one.sentence.as_str()).collect();
    let dialogue: Vec<&Value> = all.iter().filter_map(|one| one.spoken.as_ref()).collect();
    json!({
        "heading": cast.fill(seeded.pick(&plan.headings)), "text": sentences.join(" "),
        "dialogue": dialogue, "sceneDescription": cast.fill(plan.scene),
    })
}

fn tell_slot(slot: &[&'static str], cast: &Cast, seeded: &mut Seeded) -> Option<Told> {
    let choices = cast.suitable(slot);
    let chosen = (!choices.is_empty()).then(|| seeded.pick(&choices))?;
    let (sentence, spoken) = if chosen.starts_with('@') {
        speech(chosen, cast)
    } else {
        (cast.fill(chosen), None)
    };
    (!sentence.is_empty()).then_some(Told {
        sentence,
        spoken,
        can_be_left_out: slot[0].starts_with('~'),
    })
}

/// `@hero|line|, said {hero}.` as a sentence, and as an entry of the dialogue list.
fn speech(slot: &str, cast: &Cast) -> (String, Option<Value>) {
    let mut parts = slot.split('|').map(|part| cast.fill(part));
    let mut part = || parts.next().unwrap_or_default();
    let (speaker, line, tag, more) = (part(), part(), part(), part());
    let speaker = if speaker == "@friend" {
        &cast.friend
    } else {
        &cast.hero.name
    };
    if tag.contains("{line}") {
        let spoken = json!({ "speaker": speaker, "line": line });
        return (tag.replace("{line}", &line), Some(spoken));
    }
    // The comma of the tag belongs inside the quotation marks.
    let (comma, tag) = match tag.strip_prefix(", ") {
        Some(rest) => (",", rest),
        None => ("", tag.trim_start()),
    };
    // A line of two sentences may bring its own question mark.
    let asks = line.starts_with("If ") && line.ends_with("who would be like you");
    let comma = if asks { "?" } else { comma };
    let mut sentence = format!("\"{line}{comma}\" {tag}");
    let mut whole = line.clone();
    if !more.is_empty() {
        sentence = format!("{} \"{}\"", sentence.trim_end(), more.trim());
        whole = format!("{whole}, {}", more.trim().trim_end_matches('.'));
    }
    let end = match () {
        () if asks => "?",
        () if whole.ends_with(['?', '!', '.']) => "",
        () => ".",
    };
    let spoken = json!({ "speaker": speaker, "line": format!("{whole}{end}") });
    (sentence.trim().to_owned(), Some(spoken))
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
    fn the_rest_of_a_story_goes_on_where_it_was_left() {
        let mut data = json!({"characters":[{"name":"Ember","species":"dragon"}],"storyType":"bedtime","themes":["courage"]});
        let ask = |data: &Value| format!("<request>\n{data}\n</request>");
        let whole = crate::storyteller::story::answer("story", &ask(&data), &[], false);
        let titled =
            |answer: &Value| answer["title"].is_string() && answer["coverScene"].is_string();
        assert!(titled(&whole));
        data["outline"] = json!({"title": "As it was planned"});
        data["beatsSoFar"] = json!([whole["beats"][0]["text"], whole["beats"][1]["text"]]);
        let rest = crate::storyteller::story::answer("story", &ask(&data), &[], false);
        assert!(!titled(&rest));
        assert_eq!(rest["beats"].as_array().unwrap().len(), 2);
        assert_eq!(rest["beats"][0], whole["beats"][2]);
        assert_eq!(rest["moral"], whole["moral"]);
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
