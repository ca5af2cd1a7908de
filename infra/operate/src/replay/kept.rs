//! The files that the content agent keeps of a story's exchanges with providers, fetched and read.

use serde::Deserialize;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    error::Error,
    fs, io,
    path::{Path, PathBuf},
};
use tokio::process::Command;

type Fault = Box<dyn Error + Send + Sync>;

/// All that was kept of one story, the oldest first.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    /// What was asked for, as its row holds it.
    pub request: Value,
    pub characters: Vec<Value>,
    /// What became of each asset: `ready`, `failed` and so on, by its name.
    pub outcomes: BTreeMap<String, String>,
    pub(super) exchanges: Vec<Exchange>,
}

/// One request to a provider and its answer.
#[derive(Clone, Debug)]
pub(super) struct Exchange {
    pub(super) told: Told,
    /// Of the answer, as it came.
    pub(super) body: Vec<u8>,
}

/// An exchange as it stands among the others.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Told {
    pub(super) kind: String,
    /// Path and query of the address.
    pub(super) path: String,
    /// Name and version of the prompt, `story-1`.
    pub(super) prompt: Option<String>,
    pub(super) asked: Value,
    /// `whole`, `broken_off` or `nothing`.
    pub(super) end: String,
    pub(super) status: Option<u16>,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
    body: Option<Body>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Body {
    Text(String),
    /// Of a file beside.
    File(String),
}

/// The exchanges of one invocation.
#[derive(Deserialize)]
struct Invocation {
    request: Value,
    characters: Vec<Value>,
    exchanges: Vec<Told>,
    outcomes: BTreeMap<String, String>,
}

impl Kept {
    /// Reads a folder of them.
    ///
    /// # Errors
    /// When there are none, or one cannot be read.
    pub fn read(folder: &Path) -> Result<Self, Fault> {
        let mut files: Vec<PathBuf> = match fs::read_dir(folder) {
            Ok(entries) => entries
                .map(|entry| Ok(entry?.path()))
                .collect::<io::Result<_>>()?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error.into()),
        };
        files.retain(|file| file.extension().is_some_and(|kind| kind == "json"));
        // Their names grow with time.
        files.sort();
        let mut kept = Self::default();
        for file in &files {
            let read: Invocation = serde_json::from_slice(&fs::read(file)?)
                .map_err(|error| format!("{}: {error}", file.display()))?;
            kept.request = read.request;
            kept.characters = read.characters;
            kept.outcomes.extend(read.outcomes);
            for told in read.exchanges {
                let body = match &told.body {
                    Some(Body::Text(text)) => text.clone().into_bytes(),
                    Some(Body::File(id)) => fs::read(folder.join(format!("{id}.body")))?,
                    None => Vec::new(),
                };
                kept.exchanges.push(Exchange { told, body });
            }
        }
        match kept.exchanges.is_empty() {
            true => Err(format!("nothing was kept of it in {}", folder.display()).into()),
            false => Ok(kept),
        }
    }

    /// How many answers there are.
    pub fn count(&self) -> usize {
        self.exchanges.len()
    }
}

/// Brings what was kept of a story into `folder`, where it is not there yet: from the local stack's `bucket`, or from a
/// deployed one of this name through the AWS command line.
///
/// # Errors
/// When it cannot be fetched.
pub async fn fetch(story: &str, folder: &Path, bucket: &Bucket) -> Result<(), Fault> {
    if folder.is_dir() {
        return Ok(());
    }
    let prefix = format!("exchanges/stories/{story}");
    match bucket {
        Bucket::Folder(path) => {
            let from = path.join(prefix);
            if !from.is_dir() {
                return Err(format!("nothing was kept of {story}: it is older than two weeks, deleted, or KEEP_EXCHANGES is false").into());
            }
            fs::create_dir_all(folder)?;
            for entry in fs::read_dir(from)? {
                let entry = entry?;
                fs::copy(entry.path(), folder.join(entry.file_name()))?;
            }
        }
        Bucket::Aws(name) => {
            let from = format!("s3://{name}/{prefix}/");
            let copying = Command::new("aws")
                .args(["s3", "cp", "--recursive", "--only-show-errors", &from])
                .arg(folder)
                .output();
            let copied = copying.await.map_err(|error| {
                format!("could not run `aws` (AWS command line, version 2): {error}")
            })?;
            if !copied.status.success() {
                let said = String::from_utf8_lossy(&copied.stderr);
                return Err(format!("aws s3 cp failed: {}", said.trim()).into());
            }
        }
    }
    Ok(())
}

/// Where the files of stories are.
#[derive(Clone, Debug)]
pub enum Bucket {
    /// Of the local stack.
    Folder(PathBuf),
    /// `ASSETS_BUCKET` of a deployed one.
    Aws(String),
}
