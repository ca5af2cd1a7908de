//! The daily look at whether the configured models and voices are still there in a month.

use providers::{ElevenLabs, ListedModel, OpenAi};
use runtime::{Deadline, Variables, chain};
use serde::Serialize;
use std::{collections::BTreeSet, sync::Arc};

use crate::config;

/// So many days ahead somebody is told.
const DAYS_AHEAD: i32 = 30;

/// What is configured, and whom to ask for it.
#[derive(Default)]
pub(crate) struct ModelWatch {
    openai: Option<Arc<OpenAi>>,
    elevenlabs: Option<Arc<ElevenLabs>>,
    openai_models: BTreeSet<String>,
    speech_model: String,
    /// The provider's id.
    voice: String,
}

/// Something that is configured and ends.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Ending {
    /// A model, or the id of a voice.
    pub name: String,
    /// 0 when it is gone.
    pub days_left: i32,
}

/// What was found.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ModelReport {
    /// Every list could be read.
    pub success: bool,
    pub ending: Vec<Ending>,
}

impl ModelWatch {
    pub(crate) fn from_variables(
        variables: &Variables,
        openai: &Arc<OpenAi>,
        elevenlabs: &Arc<ElevenLabs>,
    ) -> Self {
        let models = [
            config::text_models(variables),
            config::analysis_models(variables),
            config::ImageProvider::OpenAi.models(variables).1,
        ];
        Self {
            openai: Some(openai.clone()),
            elevenlabs: Some(elevenlabs.clone()),
            openai_models: models.into_iter().flatten().collect(),
            speech_model: config::speech_model(variables).to_owned(),
            voice: config::default_voice(variables),
        }
    }

    /// Looks, and writes a line for everything that ends within [`DAYS_AHEAD`] days: an alarm listens for these lines. A list
    /// that cannot be had is looked at tomorrow.
    pub(crate) async fn look(&self, deadline: Deadline) -> ModelReport {
        let deadline = deadline.instant();
        let mut report = ModelReport {
            success: true,
            ending: Vec::new(),
        };
        if let Some(openai) = &self.openai {
            match openai.list_models(deadline).await {
                Ok(listed) => report.ending.extend(ending(&self.openai_models, &listed)),
                Err(error) => report.could_not_list("models of OpenAI", &error),
            }
        }
        if let Some(elevenlabs) = &self.elevenlabs {
            let (models, voices) = tokio::join!(
                elevenlabs.list_models(deadline),
                elevenlabs.list_voices(deadline)
            );
            match models {
                Ok(listed) => {
                    let configured = BTreeSet::from([self.speech_model.clone()]);
                    report.ending.extend(ending(&configured, &listed));
                }
                Err(error) => report.could_not_list("models of ElevenLabs", &error),
            }
            match voices {
                Ok(listed) => {
                    let configured = BTreeSet::from([self.voice.clone()]);
                    report.ending.extend(ending(&configured, &listed));
                }
                Err(error) => report.could_not_list("voices of ElevenLabs", &error),
            }
        }
        for Ending { name, days_left } in &report.ending {
            tracing::warn!(
                model = name,
                daysLeft = days_left,
                "A configured model or voice ends"
            );
        }
        tracing::info!(ending = report.ending.len(), "Models and voices looked at");
        report
    }
}

impl ModelReport {
    fn could_not_list(&mut self, what: &'static str, error: &providers::ProviderError) {
        self.success = false;
        tracing::warn!(error = chain(error), "Could not list {what}");
    }
}

/// Of what is configured, what is not listed or ends soon.
fn ending<'a>(
    configured: &'a BTreeSet<String>,
    listed: &'a [ListedModel],
) -> impl Iterator<Item = Ending> + 'a {
    configured.iter().filter_map(|name| {
        let found = listed.iter().find(|model| model.id == *name);
        let days_left = match found {
            None => 0,
            Some(model) => model.days_left?.max(0),
        };
        (days_left <= DAYS_AHEAD).then(|| Ending {
            name: name.clone(),
            days_left,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_gone_or_ends_within_a_month_is_told_and_what_goes_on_is_not() {
        let listed = [
            ("a", None),
            ("b", Some(31)),
            ("c", Some(30)),
            ("d", Some(-2)),
        ];
        let listed = listed.map(|(id, days_left)| ListedModel {
            id: id.to_owned(),
            days_left,
        });
        let configured = ["a", "b", "c", "d", "e"].map(str::to_owned).into();
        let found: Vec<_> = ending(&configured, &listed)
            .map(|ending| (ending.name, ending.days_left))
            .collect();
        let expected = [("c", 30), ("d", 0), ("e", 0)];
        assert_eq!(found, expected.map(|(name, days)| (name.to_owned(), days)));
    }
}
