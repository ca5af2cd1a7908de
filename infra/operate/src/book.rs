//! Writing a finished book to disk: pdf, png, mp3 and the story as json.

use serde_json::Value;
use std::{error::Error, path::Path};

/// Writes what is there of `row` below `folder`.
///
/// # Errors
/// When a file cannot be fetched or written; the message says which.
pub async fn write(row: &Value, folder: &Path) -> Result<(), Box<dyn Error + Send + Sync>> {
    let story = serde_json::to_vec_pretty(row)?;
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
        let fetched = fetch(url).await;
        let bytes = fetched.map_err(|error| format!("could not fetch {url}: {error}"))?;
        put(folder, &name, &bytes).await?;
    }
    Ok(())
}

async fn fetch(url: &str) -> reqwest::Result<Vec<u8>> {
    let response = reqwest::get(url).await?.error_for_status()?;
    Ok(response.bytes().await?.to_vec())
}

async fn put(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), String> {
    let path = folder.join(name);
    let failed = |error| format!("could not write {}: {error}", path.display());
    tokio::fs::create_dir_all(folder).await.map_err(failed)?;
    tokio::fs::write(&path, bytes).await.map_err(failed)
}
