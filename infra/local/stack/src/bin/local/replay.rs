//! `cargo local replay`: a story made once more by today's functions, from the answers that were kept of it.

use super::Outcome;
use operate::{
    api::Api,
    board::Board,
    book,
    follow::StoryFeed,
    replay::{self, AnswersAnew, Bucket, Kept, Match, Played, Player},
    smoke::SILENCE_MAX,
};
use serde_json::Value;
use stack::{
    environment::{self, Provider},
    home,
    ports::Ports,
    report::Reporter,
    stack::{Stack, StackOptions},
};
use std::{collections::BTreeMap, error::Error, fmt::Write as _, fs, path::Path};

type Fault = Box<dyn Error + Send + Sync>;

/// What the user typed.
#[derive(Debug, clap::Args)]
pub(super) struct Replay {
    /// Ids of stories of the local stack, or of the deployed one that ENVIRONMENT names
    #[arg(required = true, value_name = "STORY")]
    stories: Vec<uuid::Uuid>,
    /// Questions whose words are others by now are asked anew, of the providers whose keys are set, else of the stand-ins
    #[arg(long)]
    ask_again: bool,
}

pub(super) async fn run(wish: Replay) -> Outcome {
    let out = home::workspace().join("out/replay");
    let mut others = Vec::new();
    for story in &wish.stories {
        let folder = out.join(story.to_string());
        replay::fetch(&story.to_string(), &folder.join("exchanges"), &bucket()?).await?;
        let kept = Kept::read(&folder.join("exchanges"))?;
        println!("\n{story}: {} answers were kept", kept.count());
        if !make_again(&kept, &folder, wish.ask_again).await? {
            others.push(story.to_string());
        }
    }
    match others.is_empty() {
        true => Ok(()),
        false => Err(format!("these did not end as they had: {}", others.join(", ")).into()),
    }
}

/// Of the deployed stack that is named, else of the one of this workspace, up or not.
fn bucket() -> Result<Bucket, Fault> {
    if environment::variable("ENVIRONMENT").is_none() {
        let files = home::workspace().join(".local/files");
        return Ok(Bucket::Folder(files.join(environment::BUCKET)));
    }
    let name = environment::variable("ASSETS_BUCKET");
    Ok(Bucket::Aws(name.ok_or("ASSETS_BUCKET names no bucket")?))
}

/// Whether it ended as it had.
async fn make_again(kept: &Kept, folder: &Path, ask_again: bool) -> Result<bool, Fault> {
    let player = Player::start(kept).await?;
    let ports = Ports::free()?;
    let options = StackOptions {
        home: home::workspace().join(".local/replay"),
        ports,
        overrides: player.variables(),
        ..StackOptions::from_environment(Reporter::Silent)?
    };
    let stack = Stack::start(&options).await?;
    player.ask_anew(AnswersAnew {
        hosts: hosts(ports, ask_again),
        other_words: ask_again,
    });
    let told = tell(&stack, kept, folder).await;
    stack.stop().await;
    report(kept, &told?, &player.played(), folder)
}

/// Scheme, host and port of those who answer anew: the real providers are asked only where that was wished for.
fn hosts(ports: Ports, ask_again: bool) -> BTreeMap<String, String> {
    let real = [
        ("openai", Provider::openai(ports), ports.openai),
        ("bfl", Provider::bfl(ports), ports.openai),
        ("elevenlabs", Provider::elevenlabs(ports), ports.elevenlabs),
    ];
    let hosts = real.map(|(name, provider, stand_in)| {
        let base = provider.base_url.trim_end_matches('/');
        let host = match ask_again {
            true => base.trim_end_matches("/v1").to_owned(),
            false => format!("http://127.0.0.1:{stand_in}"),
        };
        (name.to_owned(), host)
    });
    hosts.into()
}

async fn tell(stack: &Stack, kept: &Kept, folder: &Path) -> Result<Value, Fault> {
    let token = stack.variable("DEMO_USER_TOKEN");
    let api = Api::new(stack.variable("API_URL"), token);
    let mut heroes = Vec::new();
    for character in &kept.characters {
        heroes.push(
            api.create_character(&replay::character_form(character))
                .await?,
        );
    }
    let created = api
        .create_story(&replay::story_form(&kept.request, &heroes))
        .await?;
    let id = created["id"].as_str().unwrap_or_default();
    let (url, key) = (
        stack.variable("SUPABASE_URL"),
        stack.variable("SUPABASE_ANON_KEY"),
    );
    let mut feed = StoryFeed::open(url, key, token, id).await?;
    let mut board = Board::on_stderr();
    feed.to_the_end(SILENCE_MAX, |status: &Value| board.show(status))
        .await?;
    board.finish();
    let row = api.story(id).await?;
    book::write(&row, &folder.join("book")).await?;
    Ok(row)
}

fn report(kept: &Kept, row: &Value, played: &[Played], folder: &Path) -> Result<bool, Fault> {
    let count = |how: Match| played.iter().filter(|one| one.how == how).count();
    let (same, other, new) = (
        count(Match::Same),
        count(Match::OtherWords),
        count(Match::New),
    );
    println!("  {same} questions in the same words, {other} in others, {new} new");
    let changes = folder.join("changes.md");
    if other > 0 {
        fs::write(&changes, in_other_words(played))?;
        println!("  What was asked then and now: {}", changes.display());
    }
    let ended = |asset: &str| {
        let state = &row["asset_generation_status"]["assets"][asset];
        state["status"].as_str().unwrap_or("not made").to_owned()
    };
    let differ = kept
        .outcomes
        .iter()
        .filter(|(asset, was)| ended(asset) != **was);
    let differ: Vec<_> = differ
        .map(|(asset, was)| format!("{asset} was {was} and is {}", ended(asset)))
        .collect();
    let title = row["title"].as_str().unwrap_or_default();
    let book = folder.join("book");
    println!("  \u{201c}{title}\u{201d} is in {}", book.display());
    for line in &differ {
        println!("  {line}");
    }
    Ok(differ.is_empty())
}

fn in_other_words(played: &[Played]) -> String {
    let mut text = String::new();
    for one in played {
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
