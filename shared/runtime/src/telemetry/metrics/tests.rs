//! Lines as CloudWatch takes them: the constraints of the embedded metric format's own schema, and the figures of each line.

use super::*;
use crate::telemetry::caught_lines;

/// The lines that `work` writes where metrics are kept.
fn lines_of(work: impl FnOnce()) -> Vec<Value> {
    let metrics = Metrics {
        namespace: "Storytailor".to_owned(),
        environment: "staging".to_owned(),
    };
    caught_lines::lines_of(Some(metrics), work)
}

const UNITS: [&str; 4] = ["Seconds", "Milliseconds", "Count", "None"];

fn is_name(value: &Value, length_max: usize) -> bool {
    let text = value.as_str().unwrap_or_default();
    (1..=length_max).contains(&text.chars().count()) && text.is_ascii()
}

/// What "Specification: Embedded metric format" demands of a document: members, types, lengths, and that every name leads to a
/// member of the root: a number, or a text where it is a dimension.
fn assert_embedded_metrics(line: &Value) {
    let metadata = line["_aws"].as_object().expect("metadata");
    let members: Vec<_> = metadata.keys().map(String::as_str).collect();
    assert_eq!(members, ["CloudWatchMetrics", "Timestamp"], "{line}");
    assert!(
        metadata["Timestamp"].as_u64() > Some(1_700_000_000_000),
        "{line}"
    );
    assert!(line.to_string().len() < 256 * 1024);
    for directive in metadata["CloudWatchMetrics"].as_array().expect("a list") {
        let members: Vec<_> = directive.as_object().expect("one").keys().collect();
        assert_eq!(members, ["Dimensions", "Metrics", "Namespace"], "{line}");
        assert!(is_name(&directive["Namespace"], 1024), "{line}");
        let sets = directive["Dimensions"].as_array().expect("sets");
        assert!(!sets.is_empty(), "{line}");
        for set in sets {
            let set = set.as_array().expect("a set");
            assert!((1..=30).contains(&set.len()), "{line}");
            for name in set {
                assert!(is_name(name, 250), "{line}");
                let value = &line[name.as_str().expect("a name")];
                assert!(is_name(value, 1024), "{name} of {line}");
            }
        }
        let metrics = directive["Metrics"].as_array().expect("metrics");
        assert!((1..=100).contains(&metrics.len()), "{line}");
        for metric in metrics {
            assert!(is_name(&metric["Name"], 1024), "{line}");
            let unit = metric["Unit"].as_str().expect("a unit");
            assert!(UNITS.contains(&unit), "{line}");
            let value = &line[metric["Name"].as_str().expect("a name")];
            assert!(value.is_number(), "{} of {line}", metric["Name"]);
        }
    }
}

#[test]
fn a_line_that_is_counted_is_a_document_of_the_embedded_metric_format_and_any_other_is_as_it_was() {
    let lines = lines_of(|| {
        let job = tracing::info_span!("job", jobId = "j", assetType = "scene_2");
        let _job = job.enter();
        tracing::info!(
            isRetried = true,
            hasPlaceholder = true,
            code = "CONTENT_POLICY_VIOLATION",
            seconds = 4.25,
            status = "failed",
            "Asset generation settled"
        );
        tracing::info!(
            isRetried = true,
            hasPlaceholder = false,
            seconds = 4.25,
            status = "ready",
            "Asset generation settled"
        );
        tracing::info!(
            provider = "openai",
            kind = "picture",
            outcome = "refused",
            durationMs = 12_u64,
            "Provider called"
        );
        tracing::info!(
            provider = "openai",
            kind = "text",
            outcome = "out_of_credits",
            durationMs = 1_u64,
            "Provider called"
        );
        tracing::info!(overall = "partial", seconds = 90.5, "Story finished");
        tracing::info!(assets = 9_u64, "Story accepted");
        tracing::info!(stories = 30_u64, "Stories accepted");
        tracing::info!(isLeft = true, "Story steered");
        tracing::info!(isFallback = true, "gpt-image-2 delivered");
        tracing::info!(oldestClaimableSeconds = 3.5, "Claimable jobs wait");
    });
    for line in &lines {
        assert_embedded_metrics(line);
        assert_eq!(line["environment"], "staging");
    }
    let told = |line: usize, names: &[&str]| {
        let line = &lines[line];
        names
            .iter()
            .map(|name| line[*name].as_f64())
            .collect::<Vec<_>>()
    };
    let some = |values: &[f64]| values.iter().copied().map(Some).collect::<Vec<_>>();
    let of_jobs = [
        "JobsSettled",
        "JobsFailed",
        "JobsRefused",
        "JobsRetried",
        "JobsRetriedReady",
        "Pictures",
        "PicturesReady",
        "PicturePlaceholders",
        "StageSeconds",
    ];
    let (failed, ready) = (
        [1., 1., 1., 1., 0., 1., 0., 1., 4.25],
        [1., 0., 0., 1., 1., 1., 1., 0., 4.25],
    );
    assert_eq!(told(0, &of_jobs), some(&failed));
    assert_eq!(told(1, &of_jobs), some(&ready));
    let of_calls = [
        "ProviderMs",
        "ProviderFailures",
        "ProviderRefusals",
        "HardFailures",
    ];
    assert_eq!(told(2, &of_calls), some(&[12., 0., 1., 0.]));
    assert_eq!(told(3, &of_calls), some(&[1., 1., 0., 1.]));
    let of_stories = ["Stories", "StoriesReady", "StoriesFailed", "StorySeconds"];
    assert_eq!(told(4, &of_stories), some(&[1., 0., 0., 90.5]));
    assert_eq!(told(5, &["StoriesAsked", "StoriesLeft"]), some(&[1., 0.]));
    assert_eq!(told(6, &["StoriesAsked"]), some(&[30.]));
    assert_eq!(told(7, &["StoriesLeft"]), some(&[1.]));
    assert_eq!(told(8, &["Answers", "AnswersByFallback"]), some(&[1., 1.]));
    assert_eq!(told(9, &["QueueAgeSeconds"]), some(&[3.5]));
    let stage = &lines[0]["_aws"]["CloudWatchMetrics"][1];
    assert_eq!(stage["Dimensions"], json!([["environment", "assetType"]]));

    let others = lines_of(|| {
        tracing::info!(status = "retrying", "Asset generation settled");
        tracing::info!(
            provider = "openai",
            kind = "models",
            durationMs = 1_u64,
            "Provider called"
        );
        tracing::info!(isLeft = false, "Story steered");
        tracing::info!("Swept");
    });
    for line in others {
        let object = line.as_object().expect("a line");
        assert!(
            !object.contains_key("_aws") && !object.contains_key("environment"),
            "{line}"
        );
    }
}

#[test]
fn no_name_stands_twice_in_a_line_and_every_figure_is_told_by_the_runbook() {
    let runbook = std::fs::read_to_string(
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/RUNBOOK.md"),
    );
    let runbook = runbook.unwrap();
    for counted in COUNTED {
        let figures = counted.groups.iter().flat_map(|group| group.figures);
        let mut names: Vec<_> = figures.map(|figure| figure.name).collect();
        let all = names.len();
        assert!(
            names
                .iter()
                .all(|name| runbook.contains(&format!("`{name}`"))),
            "{names:?}"
        );
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all, "{names:?}");
    }
}
