//! `cargo local story`: one story, from a wish to a book on disk, made by the four real functions.

use super::{Outcome, announce_voice, running::Running, timing};
use domain::request::parse_text;
use operate::{api::Api, board::Board, book, follow::StoryFeed, smoke::SILENCE_MAX};
use serde_json::{Value, json};
use stack::{home::Home, report::Reporter, stack::StackOptions};
use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

/// What the user typed.
#[derive(Debug, PartialEq, Eq, clap::Args)]
pub(super) struct Wish {
    /// What the story is about; a shy dragon where nothing is said
    #[arg(value_name = "IDEA")]
    words: Vec<String>,
    /// Folder the book is written to [default: out/ and the story's id]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

const DEFAULT_IDEA: &str = "a shy dragon who is afraid of the dark";
/// A mail that takes longer is not waited for.
const MAIL_MAX: Duration = Duration::from_secs(10);

impl Wish {
    /// The words as one idea, as the API would take it.
    fn idea(&self) -> Result<String, String> {
        let idea = if self.words.is_empty() {
            DEFAULT_IDEA.to_owned()
        } else {
            self.words.join(" ")
        };
        parse_text("the wish", &idea, 500).map_err(|problem| problem.to_string())
    }
}

pub(super) async fn run(wish: Wish) -> Outcome {
    let reporter = Reporter::Terminal;
    let idea = wish.idea()?;
    reporter.line(format!("Storytailor: {idea}\n"));
    announce_voice(reporter);
    let running = Running::ensure(&StackOptions::from_environment(reporter)?).await?;
    if running.variable("OPENAI_API_KEY") == "local" {
        reporter.line(
            "  No OPENAI_API_KEY is set: text, pictures and voice come from the local stand-ins.\n",
        );
    }
    let told = tell(&running, &idea, wish.out).await;
    running.stop().await;
    told
}

async fn tell(running: &Running, idea: &str, out: Option<PathBuf>) -> Outcome {
    let api = Api::new(
        running.variable("API_URL"),
        running.variable("DEMO_USER_TOKEN"),
    );
    let hero = api.create_character(&hero_of(idea)).await?;
    let before = timing::Figures::read(running).await;

    let began = Instant::now();
    let began_unix_ms = timing::now_unix_ms();
    let created = api
        .create_story(
            &json!({"character_ids": [hero["id"]], "story_type": "adventure",
            "themes": themes_of(idea), "idea": idea}),
        )
        .await?;
    let answered = began.elapsed();
    let id = created["id"].as_str().unwrap_or_default().to_owned();
    let mut feed = StoryFeed::open(
        running.variable("SUPABASE_URL"),
        running.variable("SUPABASE_ANON_KEY"),
        running.variable("DEMO_USER_TOKEN"),
        &id,
    )
    .await?;

    let mut board = Board::on_stderr();
    let shown = |status: &Value| board.show(status);
    feed.to_the_end(SILENCE_MAX, shown).await?;
    board.finish();
    let wall = began.elapsed();
    let ended_unix_ms = timing::now_unix_ms();

    let row = api.story(&id).await?;
    let folder = out.unwrap_or_else(|| stack::home::workspace().join("out").join(&id));
    book::write(&row, &folder).await?;
    let overall = row["asset_generation_status"]["overall"]
        .as_str()
        .unwrap_or_default();
    let page = format!("{}read.html?id={id}", running.variable("APP_URL"));
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
    match running {
        Running::Elsewhere(_) => println!("  To read it along: {page}"),
        Running::Ours(_) => println!("  To read it along: `cargo local up`, then {page}"),
    }
    if let (Some(before), Some(after)) = (before, timing::Figures::read(running).await) {
        print!("{}", after.since(&before, began_unix_ms, ended_unix_ms));
    }
    if let Some(mail) = mail_about(&id).await {
        println!("  The mail about it: {}", mail.display());
    }
    match overall {
        "ready" => Ok(()),
        _ => Err(format!(
            "the story ended as {overall}; `cargo local up` and the logs in .local/logs tell more"
        )
        .into()),
    }
}

/// The mail comes when the story has ended, by another function.
async fn mail_about(story: &str) -> Option<PathBuf> {
    let home = Home::open(stack::home::workspace().join(".local")).ok()?;
    let patience = Instant::now() + MAIL_MAX;
    loop {
        let found = stack::mail::about(&home, story).pop();
        if found.is_some() || Instant::now() > patience {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The wish's hero as the API takes a character: its kind from the words, a name that always fits the same wish.
fn hero_of(idea: &str) -> Value {
    let hero = stand_ins::storyteller::story::hero_of(idea);
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
    let afraid = ["afraid", "fear", "dark", "scared"];
    match afraid.iter().any(|word| idea.contains(word)) {
        true => vec!["courage", "friendship"],
        false => vec!["friendship", "kindness"],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wish_may_come_in_one_word_or_many_and_in_none() {
        let wish = |words: &[&str]| Wish {
            words: words.iter().map(|word| (*word).to_owned()).collect(),
            out: None,
        };
        assert_eq!(
            wish(&["a", "brave", "mouse"]).idea().unwrap(),
            "a brave mouse"
        );
        assert_eq!(wish(&[]).idea().unwrap(), DEFAULT_IDEA);
        assert!(wish(&["a".repeat(501).as_str()]).idea().is_err());
    }

    #[test]
    fn a_dragon_stays_a_dragon_and_a_tugboat_a_tugboat() {
        assert_eq!(hero_of("Two shy dragons")["species"], "dragon");
        assert_eq!(hero_of("a brave little tugboat")["species"], "tugboat");
        assert_eq!(hero_of("a day at the beach")["species"], "human child");
    }
}
