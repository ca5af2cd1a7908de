//! `cargo local replay`: a story made once more by today's functions, from the answers that were kept of it.

use super::Outcome;
use operate::replay::{self, AnswersAnew, Asker, Bucket, Kept, ReplayServer};
use stack::{
    environment::{self, Provider},
    home,
    ports::Ports,
    report::Reporter,
    stack::{Stack, StackOptions},
};
use std::{collections::BTreeMap, error::Error, path::Path};

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
    let server = ReplayServer::start(kept).await?;
    let ports = Ports::free()?;
    let options = StackOptions {
        home: home::workspace().join(".local/replay"),
        ports,
        overrides: server.variables(),
        ..StackOptions::from_environment(Reporter::Silent)?
    };
    let stack = Stack::start(&options).await?;
    server.ask_anew(AnswersAnew {
        hosts: hosts(ports, ask_again),
        other_words: ask_again,
    });
    let asker = Asker {
        api_url: stack.variable("API_URL"),
        supabase_url: stack.variable("SUPABASE_URL"),
        anon_key: stack.variable("SUPABASE_ANON_KEY"),
        token: stack.variable("DEMO_USER_TOKEN"),
    };
    let row = replay::make_again(asker, kept, folder).await;
    stack.stop().await;
    replay::compare(kept, &row?, &server.replayed(), folder)
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
