//! All that support needs to know of a story, in one document without anybody's words.

use crate::{
    database::Database,
    doctor,
    logs::{Line, Source},
};
use domain::words::replace_words_in;
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, error::Error, io};

/// What a setting is called that nobody is shown.
const SECRET: [&str; 5] = ["KEY", "SECRET", "TOKEN", "PASSWORD", "DATABASE_URL"];

/// Collects it, of a story or of a request whose lines name one; answers with the story too. `open` opens the logs anew.
///
/// # Errors
/// When there is neither, or nobody answers.
pub async fn collect(
    database: &Database,
    id: &str,
    open: impl Fn() -> io::Result<Source>,
    variables: &BTreeMap<String, String>,
) -> Result<(String, Value), Box<dyn Error + Send + Sync>> {
    let ask = async |story: &str| {
        database
            .call("support_bundle", json!({"p_story_id": story}))
            .await
    };
    let (story, rows) = match ask(id).await {
        Ok(rows) => (id.to_owned(), rows),
        Err(refused) => {
            let lines = open()?.read_all(id).await?;
            let mut stories = lines.iter().filter_map(|line| line.field("storyId"));
            let story = stories.next().ok_or_else(|| {
                format!("{id} is no story ({refused}), and no request in the logs that named one")
            })?;
            (story.to_owned(), ask(story).await?)
        }
    };
    let why = database
        .call("story_why", json!({"p_story_id": story}))
        .await?;
    let lines = open()?.read_all(&story).await?;
    let bundle = bundle(rows, why, &lines, variables);
    Ok((story, bundle))
}

/// `rows` is the answer of `support_bundle`, `why` of `story_why`; `variables` are those of the stack.
pub fn bundle(
    mut rows: Value,
    why: Value,
    lines: &[Line],
    variables: &BTreeMap<String, String>,
) -> Value {
    let names = rows["names"].take();
    if let Some(rows) = rows.as_object_mut() {
        rows.remove("names");
    }
    let lines = lines.iter().map(|line| {
        let mut fields = Map::from_iter([("function".to_owned(), line.function.into())]);
        fields.extend(line.fields.clone());
        Value::Object(fields)
    });
    let bundle = json!({
        "madeAt": jiff::Timestamp::now().to_string(),
        "program": env!("CARGO_PKG_VERSION"),
        "rows": rows,
        "why": why,
        "logs": lines.collect::<Vec<_>>(),
        "settings": settings(variables),
    });
    replace_words_in(&bundle, &pairs(&names))
}

fn settings(variables: &BTreeMap<String, String>) -> Value {
    let shown = |name: &'static str| {
        let value = variables.get(name)?;
        let is_secret = SECRET.iter().any(|word| name.contains(word));
        let value = if is_secret { "(set)" } else { value.as_str() };
        Some((name.to_owned(), Value::from(value)))
    };
    doctor::names()
        .filter_map(shown)
        .collect::<Map<_, _>>()
        .into()
}

/// Names, longest first, and what stands for them.
fn pairs(names: &Value) -> Vec<(String, String)> {
    let names = names
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str);
    let numbered = names.enumerate();
    let mut pairs: Vec<_> = numbered
        .map(|(index, name)| (name.to_owned(), format!("name-{}", index + 1)))
        .collect();
    pairs.sort_by_key(|(name, _)| usize::MAX - name.len());
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_secrets_are_struck_out_and_other_settings_are_told() {
        let rows =
            json!({"names": ["Ottilie"], "jobs": [{"error_message": "OTTILIE was not found"}]});
        let line = r#"{"timestamp":"t","message":"Ottilie's voice"}"#;
        let lines = [Line::parse("content-agent", line).expect("a line")];
        let variables = [
            ("OPENAI_API_KEY", "sk-very-secret"),
            ("OPENAI_TEXT_MODEL", "gpt-5.2"),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let bundle = bundle(rows, json!({}), &lines, &variables.into());
        assert_eq!(
            bundle["rows"],
            json!({"jobs": [{"error_message": "name-1 was not found"}]})
        );
        assert_eq!(bundle["logs"][0]["message"], "name-1's voice");
        let settings = json!({"OPENAI_API_KEY": "(set)", "OPENAI_TEXT_MODEL": "gpt-5.2"});
        assert_eq!(bundle["settings"], settings);
    }
}
