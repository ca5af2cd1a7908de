//! What providers were asked for a story and what they answered, kept beside its files (`KEEP_EXCHANGES`): it can be made
//! again from that, by `cargo local replay`.

use bytes::Bytes;
use domain::StoryId;
use providers::{Answered, Exchange, KeepsExchanges, RawAnswer};
use serde_json::{Map, Value, json};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use store::{AssetFiles, StoreError, StoryWork};
use tokio::{sync::watch, task::JoinSet};
use tracing::Instrument;
use uuid::Uuid;

/// A longer answer, and one that is no text, is a file of its own.
const INLINE_BYTES_MAX: usize = 32 << 10;
/// A longer text in a question is a file.
const TEXT_BYTES_MAX: usize = 20_000;
/// A file is stored so long after it came, or with the end, and one after the other: what the story waits for goes first.
const PAUSE: Duration = Duration::from_millis(500);
/// Longest an invocation waits at its end.
const PATIENCE: Duration = Duration::from_secs(2);

/// The exchanges of one invocation.
pub(crate) struct Exchanges {
    story: StoryId,
    files: AssetFiles,
    kept: Mutex<Kept>,
    turn: Arc<tokio::sync::Mutex<()>>,
    /// Whether nobody waits for anything any more.
    has_ended: watch::Sender<bool>,
}

#[derive(Default)]
struct Kept {
    exchanges: Vec<Value>,
    bodies: JoinSet<Result<(), StoreError>>,
}

impl Exchanges {
    pub(crate) fn of(story: StoryId, files: AssetFiles) -> Self {
        Self {
            story,
            files,
            kept: Mutex::default(),
            turn: Arc::default(),
            has_ended: watch::Sender::new(false),
        }
    }

    /// Stores what was kept, with what the story was asked for and what became of its assets. It serves those who look
    /// into a story: that it could not be stored is no failure of the story.
    pub(crate) async fn store(&self, work: &StoryWork, outcomes: &BTreeMap<String, &str>) {
        let Kept {
            exchanges,
            mut bodies,
        } = std::mem::take(&mut *self.kept.lock().unwrap_or_else(PoisonError::into_inner));
        if exchanges.is_empty() {
            return;
        }
        self.has_ended.send_replace(true);
        let count = exchanges.len();
        let json = json!({"program": env!("CARGO_PKG_VERSION"), "request": work.request, "characters": work.characters,
            "exchanges": exchanges, "outcomes": outcomes});
        let storing = async {
            let json = Bytes::from(json.to_string());
            self.files
                .put_exchanges(self.story, Uuid::now_v7(), json)
                .await?;
            while let Some(stored) = bodies.join_next().await {
                stored.unwrap_or(Ok(()))?;
            }
            Ok::<_, StoreError>(())
        };
        match tokio::time::timeout(PATIENCE, storing).await {
            Ok(Ok(())) => tracing::debug!(count, "Exchanges stored"),
            Ok(Err(error)) => tracing::warn!(
                error = runtime::chain(&error),
                "Exchanges could not be stored"
            ),
            Err(_) => tracing::warn!(count, "Exchanges were not stored in time"),
        }
    }

    /// The body as it stands among the exchanges.
    fn body(&self, body: Bytes, kept: &mut Kept) -> Value {
        match std::str::from_utf8(&body) {
            Ok(text) if text.len() <= INLINE_BYTES_MAX => json!({"text": text}),
            _ => {
                let (id, story, files) = (Uuid::now_v7(), self.story, self.files.clone());
                let turn = Arc::clone(&self.turn);
                let mut has_ended = self.has_ended.subscribe();
                let storing = async move {
                    let ending = has_ended.wait_for(|has_ended| *has_ended);
                    let _ = tokio::time::timeout(PAUSE, ending).await;
                    let _turn = turn.lock().await;
                    files.put_exchange_body(story, id, body).await
                };
                kept.bodies.spawn(storing.in_current_span());
                json!({"file": id})
            }
        }
    }
}

impl KeepsExchanges for Exchanges {
    fn keep(&self, exchange: Exchange) {
        let (end, answer) = match exchange.answered {
            Answered::Whole(answer) => ("whole", Some(answer)),
            Answered::BrokenOff(answer) => ("broken_off", Some(answer)),
            Answered::Nothing => ("nothing", None),
        };
        let asked = without_files(exchange.asked);
        let mut entry = json!({"provider": exchange.provider, "kind": exchange.kind, "path": exchange.path,
            "prompt": crate::prompt::version_of(exchange.kind, &asked), "asked": asked, "end": end,
            "milliseconds": exchange.milliseconds});
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(RawAnswer {
            status,
            headers,
            body,
        }) = answer
        {
            let headers = headers.into_iter();
            let headers: Map<_, _> = headers
                .map(|(name, value)| (name.to_owned(), value.into()))
                .collect();
            entry["status"] = status.into();
            entry["headers"] = headers.into();
            entry["body"] = self.body(body, &mut kept);
        }
        kept.exchanges.push(entry);
    }
}

/// A question as it reads: of a file in it only the length is kept.
fn without_files(asked: Value) -> Value {
    match asked {
        Value::String(text) if text.len() > TEXT_BYTES_MAX => {
            format!("{} bytes", text.len()).into()
        }
        Value::Array(items) => items.into_iter().map(without_files).collect(),
        Value::Object(members) => {
            let members = members.into_iter();
            let members = members.map(|(name, value)| (name, without_files(value)));
            members.collect::<Map<_, _>>().into()
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_picture_in_a_question_only_its_length_is_kept() {
        let url = format!("data:image/jpeg;base64,{}", "A".repeat(30_000));
        let asked =
            json!({"messages": [{"content": ["Is it a fox?", {"image_url": {"url": url}}]}]});
        let kept = without_files(asked);
        let content = &kept["messages"][0]["content"];
        assert_eq!(content[0], "Is it a fox?");
        assert_eq!(content[1]["image_url"]["url"], "30023 bytes");
    }
}
