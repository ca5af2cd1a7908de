//! Which figures of which lines CloudWatch keeps. A line that is counted carries them in CloudWatch's embedded metric format,
//! so that a figure costs neither a call nor a line of its own.

use super::fields::Fields;
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

/// Where figures go: a namespace, and within it the environment, the first dimension of all of them.
#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    pub(crate) namespace: String,
    pub(crate) environment: String,
}

/// Lines whose fields have these values, and what each of them counts as.
struct Counted {
    when: &'static [Condition],
    groups: &'static [Group],
}

/// A field, and the values it may have.
type Condition = (&'static str, &'static [&'static str]);

/// Figures kept by environment and by these fields of the line, which have few values: every one is paid for by the month.
struct Group {
    by: &'static [&'static str],
    figures: &'static [Figure],
}

struct Figure {
    name: &'static str,
    unit: &'static str,
    amount: Amount,
}

/// What a line adds to a figure. The parts of a share are told by the same lines, 0 where a line is none of them, so that a
/// share is known wherever its whole is.
enum Amount {
    Of(&'static str),
    OneIf(&'static [Condition]),
}

use Amount::{Of, OneIf};

const fn count(name: &'static str, when: &'static [Condition]) -> Figure {
    Figure {
        name,
        unit: "Count",
        amount: OneIf(when),
    }
}

const fn measured(name: &'static str, unit: &'static str, field: &'static str) -> Figure {
    Figure {
        name,
        unit,
        amount: Of(field),
    }
}

const IS_PICTURE: Condition = (
    "assetType",
    &["cover", "scene_1", "scene_2", "scene_3", "scene_4"],
);
const IS_READY: Condition = ("status", &["ready"]);
const WAS_RETRIED: Condition = ("isRetried", &["true"]);
/// Cancelled or deleted by its user while it was being made.
const IS_LEFT: &[Condition] = &[("isLeft", &["true"])];
const NEEDS_A_HUMAN: &[&str] = &["out_of_credits", "bad_credentials"];
const FAILURES: &[&str] = &[
    "rate_limited",
    "timed_out",
    "unavailable",
    "malformed",
    "cut_short",
    "model_closed",
    "model_gone",
    "invalid",
    "out_of_credits",
    "bad_credentials",
];

const COUNTED: &[Counted] = &[
    // A job at its end: tries that are repeated are none.
    Counted {
        when: &[
            ("message", &["Asset generation settled"]),
            ("status", &["ready", "failed"]),
        ],
        groups: &[
            Group {
                by: &[],
                figures: &[
                    count("JobsSettled", &[]),
                    count("JobsFailed", &[("status", &["failed"])]),
                    count("JobsRefused", &[("code", &["CONTENT_POLICY_VIOLATION"])]),
                    count("JobsRetried", &[WAS_RETRIED]),
                    count("JobsRetriedReady", &[WAS_RETRIED, IS_READY]),
                    count("Pictures", &[IS_PICTURE]),
                    count("PicturesReady", &[IS_PICTURE, IS_READY]),
                    count("PicturePlaceholders", &[("hasPlaceholder", &["true"])]),
                ],
            },
            Group {
                by: &["assetType"],
                figures: &[measured("StageSeconds", "Seconds", "seconds")],
            },
        ],
    },
    Counted {
        when: &[("message", &["Story finished"])],
        groups: &[Group {
            by: &[],
            figures: &[
                count("Stories", &[]),
                count("StoriesReady", &[("overall", &["ready"])]),
                count("StoriesFailed", &[("overall", &["failed"])]),
                measured("StorySeconds", "Seconds", "seconds"),
            ],
        }],
    },
    // Stories asked for, and those whose user did not wait for the end.
    Counted {
        when: &[("message", &["Story accepted"])],
        groups: &[Group {
            by: &[],
            figures: &[count("StoriesAsked", &[]), count("StoriesLeft", IS_LEFT)],
        }],
    },
    Counted {
        when: &[("message", &["Stories accepted"])],
        groups: &[Group {
            by: &[],
            figures: &[measured("StoriesAsked", "Count", "stories")],
        }],
    },
    Counted {
        when: IS_LEFT,
        groups: &[Group {
            by: &[],
            figures: &[count("StoriesLeft", IS_LEFT)],
        }],
    },
    // What stands in for the first choice: the next model of a list, or the next provider.
    Counted {
        when: &[("isFallback", &["true", "false"])],
        groups: &[Group {
            by: &[],
            figures: &[
                count("Answers", &[]),
                count("AnswersByFallback", &[("isFallback", &["true"])]),
            ],
        }],
    },
    Counted {
        when: &[("isOtherProvider", &["true"])],
        groups: &[Group {
            by: &[],
            figures: &[count(
                "AnswersByFallback",
                &[("isOtherProvider", &["true"])],
            )],
        }],
    },
    Counted {
        when: &[
            ("message", &["Provider called"]),
            ("kind", &["text", "picture", "speech"]),
        ],
        groups: &[
            Group {
                by: &["provider", "kind"],
                figures: &[
                    measured("ProviderMs", "Milliseconds", "durationMs"),
                    count("ProviderFailures", &[("outcome", FAILURES)]),
                    count("ProviderRefusals", &[("outcome", &["refused"])]),
                ],
            },
            Group {
                by: &[],
                figures: &[count("HardFailures", &[("outcome", NEEDS_A_HUMAN)])],
            },
        ],
    },
    Counted {
        when: &[("message", &["Claimable jobs wait"])],
        groups: &[Group {
            by: &[],
            figures: &[measured(
                "QueueAgeSeconds",
                "Seconds",
                "oldestClaimableSeconds",
            )],
        }],
    },
];

fn holds(conditions: &[Condition], fields: &Fields) -> bool {
    conditions.iter().all(|(name, allowed)| {
        fields.get(name).is_some_and(|value| match value {
            Value::String(text) => allowed.contains(&text.as_str()),
            other => allowed.contains(&other.to_string().as_str()),
        })
    })
}

impl Figure {
    /// None where the line does not tell it.
    fn of(&self, fields: &Fields) -> Option<(&'static str, Value)> {
        let amount = match self.amount {
            Of(field) => fields.get(field).filter(|value| value.is_number())?.clone(),
            OneIf(conditions) => u8::from(holds(conditions, fields)).into(),
        };
        Some((self.name, amount))
    }
}

impl Metrics {
    /// What a line with these fields carries beside them: figures, the environment, and what CloudWatch is told of both.
    /// Nothing where it is not counted.
    pub(crate) fn figures_of(&self, fields: &Fields) -> Vec<(&'static str, Value)> {
        let mut members = Vec::new();
        let mut directives = Vec::new();
        let counted = COUNTED.iter().filter(|counted| holds(counted.when, fields));
        for group in counted.flat_map(|counted| counted.groups) {
            let names = group.figures.iter();
            let told: Vec<_> = names
                .filter_map(|figure| Some((figure, figure.of(fields)?)))
                .collect();
            if told.is_empty() || !group.by.iter().all(|name| fields.text(name).is_some()) {
                continue;
            }
            let metrics = told.iter();
            let metrics: Vec<_> = metrics
                .map(|(figure, _)| json!({"Name": figure.name, "Unit": figure.unit}))
                .collect();
            let dimensions = [&["environment"][..], group.by].concat();
            directives.push(json!({"Namespace": self.namespace, "Dimensions": [dimensions], "Metrics": metrics}));
            members.extend(told.into_iter().map(|(_, member)| member));
        }
        if directives.is_empty() {
            return members;
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.unwrap_or_default().as_millis() as u64;
        members.push(("environment", self.environment.clone().into()));
        members.push((
            "_aws",
            json!({"Timestamp": now, "CloudWatchMetrics": directives}),
        ));
        members
    }
}

#[cfg(test)]
mod tests;
