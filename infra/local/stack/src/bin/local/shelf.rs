//! Writing a finished book to disk: pdf, png, mp3 and the story as json.

use serde_json::Value;
use std::{io, path::Path};

/// A file of the book could not be fetched or written.
#[derive(Debug, thiserror::Error)]
pub(super) enum ShelfError {
    #[error("could not fetch {url}")]
    Fetch {
        url: String,
        #[source]
        source: reqwest::Error,
    },
    #[error("could not write {path}")]
    Write {
        path: String,
        #[source]
        source: io::Error,
    },
}

/// Writes what is there of `row` below `folder`.
pub(super) async fn write(row: &Value, folder: &Path) -> Result<(), ShelfError> {
    put(
        folder,
        "story.json",
        &serde_json::to_vec_pretty(row).unwrap_or_default(),
    )
    .await?;
    let empty = serde_json::Map::new();
    let assets = row["asset_generation_status"]["assets"]
        .as_object()
        .unwrap_or(&empty);
    for (asset, state) in assets {
        let Some(url) = state["url"].as_str() else {
            continue;
        };
        let name = match asset.as_str() {
            "audio" => "narration.mp3".to_owned(),
            "pdf" => "book.pdf".to_owned(),
            picture => format!("{picture}.png"),
        };
        put(folder, &name, &fetch(url).await?).await?;
    }
    Ok(())
}

async fn fetch(url: &str) -> Result<Vec<u8>, ShelfError> {
    let failed = |source| ShelfError::Fetch {
        url: url.to_owned(),
        source,
    };
    let response = reqwest::get(url)
        .await
        .and_then(reqwest::Response::error_for_status)
        .map_err(failed)?;
    Ok(response.bytes().await.map_err(failed)?.to_vec())
}

async fn put(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), ShelfError> {
    let path = folder.join(name);
    let failed = |source| ShelfError::Write {
        path: path.display().to_string(),
        source,
    };
    tokio::fs::create_dir_all(folder).await.map_err(failed)?;
    tokio::fs::write(&path, bytes).await.map_err(failed)
}
