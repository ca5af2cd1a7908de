//! Versions of the prompts: by them stories tell apart what they were asked for in, before and after a change of words.

use domain::AssetType;
use serde_json::Value;

/// Name, version, and the digest of the words that the version stands for.
const VERSIONS: &str = include_str!("../../prompts/versions.txt");
const PICTURE: &str = "picture";

fn all() -> impl Iterator<Item = (&'static str, u32)> {
    VERSIONS.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        Some((words.next()?, words.next()?.parse().ok()?))
    })
}

/// `story-1`: which prompt a request to a provider was made with. Speech and moderation are asked in the story's own words.
pub(crate) fn version_of(kind: &str, asked: &Value) -> Option<String> {
    let name = match kind {
        PICTURE => PICTURE,
        _ => asked["response_format"]["json_schema"]["name"].as_str()?,
    };
    let (name, version) = all().find(|(known, _)| *known == name)?;
    Some(format!("{name}-{version}"))
}

/// Those that an asset is made with, in one line. Nothing where no model is asked in words of ours.
pub(crate) fn versions_for(asset: AssetType) -> Option<String> {
    let used: &[&str] = match asset {
        AssetType::Content => &["story"],
        AssetType::Cover
        | AssetType::Scene1
        | AssetType::Scene2
        | AssetType::Scene3
        | AssetType::Scene4 => &["palette_journey", "scene_analysis", PICTURE, "image_check"],
        AssetType::Activities => &["activities"],
        AssetType::Audio | AssetType::Pdf => return None,
    };
    let used = all().filter(|(name, _)| used.contains(name));
    let used = used.map(|(name, version)| format!("{name}-{version}"));
    Some(used.collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::super::{
        Plot, Question, activities, cover_analysis, image_check, palette_journey,
        pictures::{PictureBrief, Wording, character_sheet, words},
        story,
    };
    use super::*;
    use crate::trait_strictness::TraitStrictness;
    use domain::{
        character::Character,
        request::NewStory,
        story::{Outline, PaletteStep, SceneAnalysis, StoryText},
    };
    use serde_json::json;
    use store::Fingerprint;

    fn read<T: serde::de::DeserializeOwned>(value: Value) -> T {
        serde_json::from_value(value).expect("what it describes")
    }

    /// All a model is told, of data that never changes.
    fn told(question: &Question) -> Vec<String> {
        vec![
            question.instructions.clone(),
            serde_json::to_string(&question.schema).expect("JSON"),
            question.data.to_string(),
        ]
    }

    fn pictures(characters: &[Character]) -> Vec<String> {
        let step: PaletteStep = read(json!({"name": "dusk", "colors": ["#000000"]}));
        let analysis: SceneAnalysis = read(json!({"action": "a", "cameraAngle": "c", "depth": "d",
            "atmosphere": "at", "pose": "p", "description": "d"}));
        let brief = |index, has_reference| PictureBrief {
            index,
            characters,
            step: &step,
            motif: "kite",
            analysis: &analysis,
            scene: "A dragon",
            style: Some("watercolour"),
            has_reference,
        };
        let wordings = [
            Wording::Full,
            Wording::Plain,
            Wording::Distant,
            Wording::Symbol,
        ];
        let both = [brief(0, true), brief(1, false)];
        let both = both.iter();
        both.flat_map(|brief| wordings.map(|wording| words(brief, wording)))
            .collect()
    }

    fn digests() -> Vec<(&'static str, String)> {
        let id = "00000000-0000-4000-8000-000000000009";
        let hero: Character = read(
            json!({"id": id, "name": "Ember", "species": "dragon", "age": 6,
            "traits": ["glasses"], "appearance": {"eyes": "amber"}, "personality": ["kind"]}),
        );
        let wish: NewStory = read(
            json!({"character_ids": [id], "story_type": "adventure", "themes": ["courage"],
            "asset_types": []}),
        );
        let outline: Outline = read(
            json!({"hero": "h", "want": "w", "obstacle": "o", "turn": "t", "ending": "e",
            "title": "t", "coverScene": "c"}),
        );
        let text: StoryText = read(json!({"title": "t", "moral": "m", "beats": [{"text": "x"}]}));
        let heroes = [hero];
        let plot = Plot::Outline(&outline);
        let questions = [
            story(&wish, &heroes, None),
            palette_journey(&plot),
            cover_analysis(&plot, &heroes),
            activities(&text, Some(6)),
            image_check(
                "cover",
                &heroes,
                &TraitStrictness::default(),
                bytes::Bytes::new(),
            ),
        ];
        let told = questions
            .iter()
            .map(|question| (question.name, told(question)));
        let [hero] = &heroes;
        let sheets = [false, true].map(|has_reference| character_sheet(hero, has_reference));
        told.chain([
            (PICTURE, pictures(&heroes)),
            ("character_sheet", sheets.to_vec()),
        ])
        .map(|(name, parts)| (name, Fingerprint::of(parts).to_string()))
        .collect()
    }

    #[test]
    fn a_prompt_in_other_words_has_another_version() {
        let today = digests().into_iter().map(|(name, digest)| {
            let version = all().find(|(known, _)| *known == name);
            let version = version.map_or(0, |(_, version)| version);
            format!("{name} {version} {digest}\n")
        });
        assert_eq!(
            VERSIONS,
            today.collect::<String>(),
            "prompts/versions.txt says otherwise: raise the version of what differs, and note its digest"
        );
    }

    #[test]
    fn a_request_tells_which_prompt_it_was_made_with() {
        let asked = json!({"response_format": {"json_schema": {"name": "story"}}});
        let story = version_of("text", &asked).expect("a version");
        assert!(story.starts_with("story-"), "{story}");
        let picture = version_of(PICTURE, &json!({"prompt": "A fox"}));
        assert!(picture.expect("a version").starts_with("picture-"));
        assert_eq!(version_of("speech", &json!({"text": "Once"})), None);
        assert_eq!(versions_for(AssetType::Pdf), None);
        let cover = versions_for(AssetType::Cover).expect("versions");
        assert_eq!(cover.split(' ').count(), 4, "{cover}");
    }
}
