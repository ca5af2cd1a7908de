//! Writing a finished book to disk: pdf, png, mp3 and the story as json.

use serde_json::Value;
use stack::trouble::{Context as _, Trouble};
use std::path::Path;

/// Writes what is there of `row` below `folder`.
pub(super) async fn write(row: &Value, folder: &Path) -> Result<(), Trouble> {
    let story = serde_json::to_vec_pretty(row).unwrap_or_default();
    put(folder, "story.json", &story).await?;
    let assets = row["asset_generation_status"]["assets"].as_object();
    for (asset, state) in assets.into_iter().flatten() {
        let Some(url) = state["url"].as_str() else {
            continue;
        };
        let name = match asset.as_str() {
            "audio" => "narration.mp3".to_owned(),
            "pdf" => "book.pdf".to_owned(),
            picture => format!("{picture}.png"),
        };
        let bytes = fetch(url).await.context(format!("could not fetch {url}"))?;
        put(folder, &name, &bytes).await?;
    }
    Ok(())
}

async fn fetch(url: &str) -> reqwest::Result<Vec<u8>> {
    let response = reqwest::get(url).await?.error_for_status()?;
    Ok(response.bytes().await?.to_vec())
}

async fn put(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), Trouble> {
    let path = folder.join(name);
    let failed = format!("could not write {}", path.display());
    tokio::fs::create_dir_all(folder).await.context(&failed)?;
    tokio::fs::write(&path, bytes).await.context(failed)
}
