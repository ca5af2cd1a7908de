//! `cargo local story`: one story, from a wish to a book on disk, made by the four real functions.

use super::{Outcome, Running, progress::Board, shelf, timing};
use domain::request::bounded_text;
use serde_json::{Value, json};
use stack::{api::Api, follow::Follower, report::Reporter, stack::StackOptions};
use std::{path::PathBuf, time::Instant};

/// What the user typed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wish {
    idea: String,
    out: Option<PathBuf>,
}

const DEFAULT_IDEA: &str = "a shy dragon who is afraid of the dark";

impl Wish {
    pub(super) fn parse(words: &[&str]) -> Result<Self, String> {
        let mut wish = Self {
            idea: String::new(),
            out: None,
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match *word {
                "--out" => match words.next() {
                    Some(folder) => wish.out = Some(PathBuf::from(folder)),
                    None => return Err("--out needs a folder".to_owned()),
                },
                option if option.starts_with("--") => {
                    return Err(format!("`{option}` is no option of cargo local story"));
                }
                word => wish.idea = format!("{} {word}", wish.idea),
            }
        }
        if wish.idea.is_empty() {
            wish.idea = DEFAULT_IDEA.to_owned();
        }
        wish.idea =
            bounded_text("the wish", &wish.idea, 500).map_err(|problem| problem.to_string())?;
        Ok(wish)
    }
}

pub(super) async fn run(wish: Wish) -> Outcome {
    let reporter = Reporter::Terminal;
    reporter.line(format!("Storytailor: {}\n", wish.idea));
    let running = Running::ensure(&StackOptions::from_environment(reporter)?).await?;
    tell_providers(&running);
    let told = tell(&running, &wish).await;
    running.stop().await;
    told
}

fn tell_providers(running: &Running) {
    if running.variable("OPENAI_API_KEY") == "local" {
        Reporter::Terminal.line(
            "  No OPENAI_API_KEY is set: text, pictures and voice come from the local stand-ins.\n",
        );
    }
}

async fn tell(running: &Running, wish: &Wish) -> Outcome {
    let api = Api::new(
        running.variable("API_URL"),
        running.variable("DEMO_USER_TOKEN"),
    );
    let hero = api.create_character(&hero_of(&wish.idea)).await?;
    let before = timing::Figures::read(running).await;

    let began = Instant::now();
    let began_unix_ms = timing::now_unix_ms();
    let created = api
        .create_story(
            &json!({"character_ids": [hero["id"]], "story_type": "adventure",
            "themes": themes_of(&wish.idea), "idea": wish.idea}),
        )
        .await?;
    let answered = began.elapsed();
    let id = created["id"].as_str().unwrap_or_default().to_owned();
    let mut follower = Follower::subscribe(
        running.variable("SUPABASE_URL"),
        running.variable("SUPABASE_ANON_KEY"),
        running.variable("DEMO_USER_TOKEN"),
        &id,
    )
    .await?;

    let mut board = Board::new();
    let mut row = api.story(&id).await?;
    loop {
        board.show(&row["asset_generation_status"]);
        if row["asset_generation_status"]["overall"] != "generating" {
            break;
        }
        merge(&mut row, follower.next_change().await?);
    }
    board.finish();
    let wall = began.elapsed();
    let ended_unix_ms = timing::now_unix_ms();

    let row = api.story(&id).await?;
    let folder = wish
        .out
        .clone()
        .unwrap_or_else(|| stack::home::workspace().join("out").join(&id));
    shelf::write(&row, &folder).await?;
    let overall = row["asset_generation_status"]["overall"]
        .as_str()
        .unwrap_or_default();
    println!(
        "\n\u{201c}{}\u{201d} is {overall}: {}",
        row["title"].as_str().unwrap_or_default(),
        folder.display()
    );
    println!(
        "  POST /stories answered after {} ms; the book took {:.1} s.",
        answered.as_millis(),
        wall.as_secs_f64()
    );
    if let (Some(before), Some(after)) = (before, timing::Figures::read(running).await) {
        print!("{}", after.since(&before, began_unix_ms, ended_unix_ms));
    }
    match overall {
        "ready" => Ok(()),
        _ => Err(format!(
            "the story ended as {overall}; `cargo local up` and the logs in .local/logs tell more"
        )
        .into()),
    }
}

/// Columns that did not change may be missing in a change: merge, never replace.
fn merge(row: &mut Value, change: Value) {
    if let (Value::Object(row), Value::Object(change)) = (row, change) {
        row.extend(change);
    }
}

/// The wish's hero as the API takes a character: its kind from the words, a name that always fits the same wish.
fn hero_of(idea: &str) -> Value {
    let hero = storyteller::story::hero_of(idea);
    if !hero.is_drawn {
        Reporter::Terminal.line(format!(
            "  The stand-ins have no drawing of a {}: the story is about one, the pictures show the nearest figure.\n",
            hero.species
        ));
    }
    let shy = idea.to_lowercase().contains("shy");
    let personality = json!([if shy { "shy" } else { "curious" }, "kind"]);
    if hero.species == "human child" {
        return json!({"name": hero.name, "species": hero.species, "age": 6, "traits": ["curly_hair", "glasses"],
            "appearance": {"hair": "curly dark brown hair", "skin": hero.skin, "eyes": "brown",
                "clothes": "a yellow raincoat"},
            "personality": personality});
    }
    let mut appearance = json!({"eyes": "large and amber"});
    if !hero.skin.is_empty() {
        appearance["skin"] = json!(hero.skin);
    }
    json!({"name": hero.name, "species": hero.species, "appearance": appearance, "personality": personality})
}

fn themes_of(idea: &str) -> Vec<&'static str> {
    let idea = idea.to_lowercase();
    let afraid = ["afraid", "fear", "dark", "scared"]
        .iter()
        .any(|word| idea.contains(word));
    if afraid {
        vec!["courage", "friendship"]
    } else {
        vec!["friendship", "kindness"]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wish_may_come_in_one_word_or_many_and_the_folder_is_optional() {
        let wish = Wish::parse(&["a", "brave", "mouse", "--out", "book"]).unwrap();
        assert_eq!(
            wish,
            Wish {
                idea: "a brave mouse".into(),
                out: Some("book".into())
            }
        );
        assert_eq!(Wish::parse(&[]).unwrap().idea, DEFAULT_IDEA);
        assert!(Wish::parse(&["--fast"]).is_err());
        assert!(Wish::parse(&["--out"]).is_err());
    }

    #[test]
    fn a_dragon_stays_a_dragon_and_a_tugboat_a_tugboat() {
        assert_eq!(hero_of("Two shy dragons")["species"], "dragon");
        assert_eq!(hero_of("a brave little tugboat")["species"], "tugboat");
        assert_eq!(hero_of("a day at the beach")["species"], "human child");
    }
}
