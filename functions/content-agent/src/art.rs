//! Art direction of a story, as its pictures share it and as checkpoints keep it: one palette journey, and a look at each
//! scene as a camera would.

use domain::story::{PaletteJourney, PaletteStep, SceneAnalysis};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::Mutex};
use tokio::sync::OnceCell;

/// What is known of it so far. Journey and scenes need nothing of each other, so neither keeps the other waiting.
#[derive(Debug, Default)]
pub(crate) struct Art {
    /// The version of the text that it follows from.
    text_version: u32,
    /// Several pictures may need it at once: the first asks for it, and the others wait only for that.
    journey: OnceCell<PaletteJourney>,
    /// By picture index, 0 for the cover.
    scenes: Mutex<BTreeMap<usize, SceneAnalysis>>,
}

/// As it is kept in checkpoints.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Kept {
    journey: Option<PaletteJourney>,
    scenes: BTreeMap<usize, SceneAnalysis>,
}

impl Art {
    /// From earlier attempts; something unreadable is simply made again.
    pub(crate) fn from_checkpoint(text_version: u32, checkpoint: &Value) -> Self {
        let kept = Kept::deserialize(checkpoint).unwrap_or_default();
        Self {
            text_version,
            journey: OnceCell::new_with(kept.journey),
            scenes: Mutex::new(kept.scenes),
        }
    }

    /// Takes over what another invocation bought meanwhile.
    pub(crate) fn learn(&self, checkpoint: &Value) {
        let kept = Kept::deserialize(checkpoint).unwrap_or_default();
        if let Some(journey) = kept.journey {
            // Refused when it is known, or asked for just now: then the answer of that call counts.
            let _ = self.journey.set(journey);
        }
        let mut scenes = self.scenes.lock().expect("no holder panics");
        for (index, analysis) in kept.scenes {
            scenes.entry(index).or_insert(analysis);
        }
    }

    /// The version of the text that it follows from.
    pub(crate) const fn text_version(&self) -> u32 {
        self.text_version
    }

    /// All that is known, under the name that checkpoints keep it by: of each text by itself, for an earlier one may be
    /// shown again.
    pub(crate) fn checkpoint(&self) -> Value {
        let kept = Kept {
            journey: self.journey.get().cloned(),
            scenes: self.scenes.lock().expect("no holder panics").clone(),
        };
        json!({format!("art-{}", self.text_version): kept})
    }

    /// The palette journey; asked for with `ask` by whoever needs it first.
    pub(crate) async fn journey<E, Asking>(
        &self,
        ask: impl FnOnce() -> Asking,
    ) -> Result<&PaletteJourney, E>
    where
        Asking: Future<Output = Result<PaletteJourney, E>>,
    {
        self.journey.get_or_try_init(ask).await
    }

    /// The mood of picture `index`, if it is known.
    pub(crate) fn step(&self, index: usize) -> Option<&PaletteStep> {
        self.journey.get()?.steps.get(index)
    }

    pub(crate) fn scene(&self, index: usize) -> Option<SceneAnalysis> {
        let scenes = self.scenes.lock().expect("no holder panics");
        scenes.get(&index).cloned()
    }

    pub(crate) fn keep_scene(&self, index: usize, analysis: SceneAnalysis) {
        let mut scenes = self.scenes.lock().expect("no holder panics");
        scenes.insert(index, analysis);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_services::art;

    fn journey(motif: &str) -> PaletteJourney {
        serde_json::from_value(art(motif)["journey"].clone()).expect("a journey")
    }

    #[tokio::test]
    async fn nothing_waits_for_the_palette_journey_but_those_who_need_it_and_it_is_asked_for_once()
    {
        let art = Art::default();
        let (answer, answered) = tokio::sync::oneshot::channel::<PaletteJourney>();
        let first = art.journey(|| async { Ok::<_, &str>(answered.await.expect("an answer")) });
        let second = art.journey(|| async { Err::<PaletteJourney, _>("asked for a second time") });
        let meanwhile = async {
            // The call is under way: what is known is there at once, and is learnt from others.
            tokio::task::yield_now().await;
            assert_eq!(art.checkpoint()["art-0"]["journey"], Value::Null);
            assert!(art.step(0).is_none());
            art.learn(&crate::test_services::art("a bridge"));
            assert!(art.scene(2).is_some());
            answer.send(journey("a lamp")).expect("somebody waits");
        };
        let (first, second, ()) = tokio::join!(first, second, meanwhile);
        assert_eq!(first.expect("a journey").motif, "a lamp");
        assert_eq!(second.expect("a journey").motif, "a lamp");
    }
}
