//! The story made again, written to disk, and held against what became of it then.

use super::{Kept, Match, Replayed, character_form, story_form};
use crate::{api::Api, board::Board, book, follow::StoryFeed, smoke::SILENCE_MAX};
use serde_json::Value;
use std::{error::Error, fmt::Write, fs, path::Path};

type Fault = Box<dyn Error + Send + Sync>;

/// The stack that makes it, and the user who asks there.
#[derive(Clone, Copy, Debug)]
pub struct Asker<'a> {
    pub api_url: &'a str,
    pub supabase_url: &'a str,
    pub anon_key: &'a str,
    pub token: &'a str,
}

/// Asks for the story as it was asked for, waits for its end and writes its book below `folder`. Answers its row.
///
/// # Errors
/// When the stack refuses or does not answer.
pub async fn make_again(asker: Asker<'_>, kept: &Kept, folder: &Path) -> Result<Value, Fault> {
    let Asker {
        api_url,
        supabase_url,
        anon_key,
        token,
    } = asker;
    let api = Api::new(api_url, token);
    let mut heroes = Vec::new();
    for character in &kept.characters {
        heroes.push(api.create_character(&character_form(character)).await?);
    }
    let created = api
        .create_story(&story_form(&kept.request, &heroes))
        .await?;
    let id = created["id"].as_str().unwrap_or_default();
    let mut feed = StoryFeed::open(supabase_url, anon_key, token, id).await?;
    let mut board = Board::on_stderr();
    let shown = |status: &Value| board.show(status);
    feed.to_the_end(SILENCE_MAX, shown).await?;
    board.finish();
    let row = api.story(id).await?;
    book::write(&row, &folder.join("book")).await?;
    Ok(row)
}

/// Says how its questions were answered and what ended otherwise than then, and writes what is asked in other words into
/// `folder`. Answers whether all of it ended as it had.
///
/// # Errors
/// When the file cannot be written.
pub fn compare(
    kept: &Kept,
    row: &Value,
    replayed: &[Replayed],
    folder: &Path,
) -> Result<bool, Fault> {
    let count = |how: Match| replayed.iter().filter(|one| one.how == how).count();
    let (same, other, new) = (
        count(Match::Same),
        count(Match::OtherWords),
        count(Match::New),
    );
    println!("  {same} questions in the same words, {other} in others, {new} new");
    let changes = folder.join("changes.md");
    if other > 0 {
        fs::write(&changes, in_other_words(replayed))?;
        println!("  What was asked then and now: {}", changes.display());
    }
    let ended = |asset: &str| {
        let state = &row["asset_generation_status"]["assets"][asset];
        state["status"].as_str().unwrap_or("not made").to_owned()
    };
    let title = row["title"].as_str().unwrap_or_default();
    let book = folder.join("book");
    println!("  \u{201c}{title}\u{201d} is in {}", book.display());
    let mut is_same = true;
    for (asset, was) in &kept.outcomes {
        let is = ended(asset);
        if is != *was {
            println!("  {asset} was {was} and is {is}");
            is_same = false;
        }
    }
    Ok(is_same)
}

fn in_other_words(replayed: &[Replayed]) -> String {
    let mut text = String::new();
    for one in replayed {
        if let Some((then, now)) = &one.words {
            let prompt = one.prompt.as_deref().unwrap_or("no version");
            let _ = writeln!(
                text,
                "## {} ({prompt})\n\nThen:\n\n{then}\nNow:\n\n{now}",
                one.what
            );
        }
    }
    text
}
