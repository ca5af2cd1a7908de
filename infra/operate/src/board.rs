//! A progress bar per asset; where there is no terminal, a line per change instead.

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use serde_json::Value;
use std::{collections::BTreeMap, io::IsTerminal};

const ASSETS: [(&str, &str); 9] = [
    ("content", "story text"),
    ("cover", "cover"),
    ("scene_1", "picture 1"),
    ("scene_2", "picture 2"),
    ("scene_3", "picture 3"),
    ("scene_4", "picture 4"),
    ("audio", "narration"),
    ("activities", "activities"),
    ("pdf", "book"),
];

/// The state of every asset, as last shown.
#[derive(Debug)]
pub struct Board {
    bars: Option<(MultiProgress, BTreeMap<&'static str, ProgressBar>)>,
    shown: BTreeMap<&'static str, String>,
}

impl Board {
    /// Nothing is shown yet.
    pub fn on_stderr() -> Self {
        let bars = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template(
                "  {prefix:<11} {bar:28.cyan/black} {percent:>3}%  {msg}",
            )
            .expect("the template is valid")
            .progress_chars("━╸─");
            let board = MultiProgress::new();
            let bars = ASSETS.map(|(asset, name)| {
                let bar = board.add(
                    ProgressBar::new(100)
                        .with_style(style.clone())
                        .with_prefix(name),
                );
                (asset, bar)
            });
            (board, BTreeMap::from(bars))
        });
        Self {
            bars,
            shown: BTreeMap::new(),
        }
    }

    /// Shows `asset_generation_status`.
    pub fn show(&mut self, status: &Value) {
        for (asset, name) in ASSETS {
            let state = &status["assets"][asset];
            let word = state["status"].as_str().unwrap_or("pending");
            let percent = state["progress"].as_u64().unwrap_or(0);
            let error = state["error"]
                .as_str()
                .map_or(String::new(), |error| format!(": {error}"));
            match &self.bars {
                Some((_, bars)) => {
                    bars[asset].set_position(percent);
                    bars[asset].set_message(format!("{word}{error}"));
                }
                None => {
                    let line = format!("{word}{error}");
                    if self.shown.get(asset) != Some(&line) && word != "pending" {
                        eprintln!("  {name:<11} {line}");
                    }
                    self.shown.insert(asset, line);
                }
            }
        }
    }

    /// Leaves the bars as they are.
    pub fn finish(self) {
        for bar in self
            .bars
            .into_iter()
            .flat_map(|(_, bars)| bars.into_values())
        {
            bar.abandon();
        }
    }
}
