//! What providers call a story's characters where their real names are to stay with us (`STAND_IN_NAMES`).

use async_trait::async_trait;
use domain::{
    character::{Character, NAME_PART_CHARS_MIN},
    request::NewStory,
    words::{replace_words, replace_words_in},
};
use providers::{
    CallUsage, Hears, PictureBytes, PictureCall, PictureModel, ProviderError, TextCall, TextModel,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// Names that say nothing of whoever bears them; the first that nobody in the story bears are taken.
const NAMES: [&str; 12] = [
    "Robin", "Kiran", "Sascha", "Toni", "Noor", "Mika", "Quinn", "Ariel", "Remy", "Jules", "Yuki",
    "Ilse",
];

/// Real names and what stands in for each; nothing where real names are sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct StandInNames {
    /// From what a text of ours may hold to what providers see, longest first.
    hide: Vec<(String, String)>,
    reveal: Vec<(String, String)>,
}

impl StandInNames {
    /// One for each character, none of which occurs in what the user wished for.
    pub(crate) fn new(characters: &[Character], request: &NewStory) -> Self {
        let wished = [request.title(), request.idea()].into_iter().flatten();
        Self::apart_from(wished, characters)
    }

    /// One for a character alone.
    pub(crate) fn of_one(character: &Character) -> Self {
        Self::apart_from([], std::slice::from_ref(character))
    }

    fn apart_from<'a>(
        wished: impl IntoIterator<Item = &'a str>,
        characters: &'a [Character],
    ) -> Self {
        let wished: Vec<_> = wished
            .into_iter()
            .chain(characters.iter().map(|character| character.name.as_str()))
            .map(str::to_lowercase)
            .collect();
        let is_free = |name: &&&str| {
            !wished
                .iter()
                .any(|text| text.contains(&name.to_lowercase()))
        };
        let free: Vec<_> = NAMES.iter().filter(is_free).collect();
        let mut names = Self::default();
        for (index, character) in characters.iter().enumerate() {
            // Those for whom no name is left are numbered.
            let stand_in = free
                .get(index)
                .map_or_else(|| format!("Hero{index}"), |name| (**name).to_owned());
            let real = &character.name;
            let parts = real.split_whitespace();
            let parts = parts.filter(|part| part.chars().count() >= NAME_PART_CHARS_MIN);
            for part in parts.chain([real.as_str()]) {
                names.hide.push((part.to_owned(), stand_in.clone()));
            }
            names.reveal.push((stand_in, real.clone()));
        }
        names.hide.sort_by_key(|(name, _)| usize::MAX - name.len());
        names.hide.dedup();
        names
    }

    /// The text as providers may see it.
    pub(crate) fn hide(&self, text: &str) -> String {
        replace_words(text, &self.hide)
    }

    fn hide_in(&self, value: &Value) -> Value {
        replace_words_in(value, &self.hide)
    }

    /// What a provider wrote, with the real names.
    pub(crate) fn reveal<T: Serialize + DeserializeOwned>(&self, written: T) -> T {
        if self.reveal.is_empty() {
            return written;
        }
        let value = serde_json::to_value(&written).map(|value| self.reveal_in(&value));
        value.and_then(serde_json::from_value).unwrap_or(written)
    }

    fn reveal_in(&self, value: &Value) -> Value {
        replace_words_in(value, &self.reveal)
    }
}

/// A model that hears stand-in names only. Its answers have the real ones; what is heard of an answer while it comes is as the
/// model says it.
pub(crate) struct HidesNames<'a, Model: ?Sized> {
    pub(crate) model: &'a Model,
    pub(crate) names: &'a StandInNames,
}

impl<Model: ?Sized> HidesNames<'_, Model> {
    fn question(&self, call: &TextCall) -> TextCall {
        TextCall {
            data: self.names.hide_in(&call.data),
            correction: call.correction.as_deref().map(|text| self.names.hide(text)),
            ..call.clone()
        }
    }
}

#[async_trait]
impl TextModel for HidesNames<'_, dyn TextModel> {
    async fn ask(
        &self,
        call: &TextCall,
        usage: &mut Vec<CallUsage>,
    ) -> Result<Value, ProviderError> {
        let answer = self.model.ask(&self.question(call), usage).await;
        answer.map(|answer| self.names.reveal_in(&answer))
    }

    async fn ask_aloud(
        &self,
        call: &TextCall,
        hears: &mut Hears<'_>,
        usage: &mut Vec<CallUsage>,
    ) -> Result<Value, ProviderError> {
        let question = self.question(call);
        let answer = self.model.ask_aloud(&question, hears, usage).await;
        answer.map(|answer| self.names.reveal_in(&answer))
    }
}

#[async_trait]
impl PictureModel for HidesNames<'_, dyn PictureModel> {
    async fn draw(
        &self,
        call: &PictureCall,
        usage: &mut Vec<CallUsage>,
    ) -> Result<PictureBytes, ProviderError> {
        let call = PictureCall {
            prompt: self.names.hide(&call.prompt),
            ..call.clone()
        };
        self.model.draw(&call, usage).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn names(of: &[&str], idea: &str) -> StandInNames {
        let characters: Vec<Character> = of
            .iter()
            .map(|name| json!({"id": "00000000-0000-4000-8000-000000000009", "name": name}))
            .map(|character| serde_json::from_value(character).expect("a character"))
            .collect();
        let request = json!({"character_ids": ["00000000-0000-4000-8000-000000000009"],
            "story_type": "adventure", "themes": ["courage"], "idea": idea});
        StandInNames::new(
            &characters,
            &serde_json::from_value(request).expect("a wish"),
        )
    }

    #[test]
    fn a_name_is_hidden_as_a_word_in_any_case_and_comes_back_as_its_family_writes_it() {
        let names = names(&["Anna Maria", "Bo", "李雷"], "A lamp");
        let text = "ANNA MARIA and Anna met Bo's friend; 李雷笑了。 Annabelle bowed to Bob.";
        let hidden = names.hide(text);
        assert_eq!(
            hidden,
            "Robin and Robin met Kiran's friend; Sascha笑了。 Annabelle bowed to Bob."
        );
        assert_eq!(
            names.reveal(hidden),
            "Anna Maria and Anna Maria met Bo's friend; 李雷笑了。 Annabelle bowed to Bob."
        );
    }

    #[test]
    fn what_stands_in_is_nobodys_name_and_no_word_of_the_wish() {
        let names = names(&["Robin"], "Kiran's lamp");
        assert_eq!(names.hide("Robin saw Kiran."), "Sascha saw Kiran.");
    }

    #[test]
    fn nothing_is_touched_where_real_names_are_sent() {
        let none = StandInNames::default();
        assert_eq!(none.hide("Robin and Bo"), "Robin and Bo");
        assert_eq!(none.reveal(json!({"a": "Robin"})), json!({"a": "Robin"}));
    }
}
