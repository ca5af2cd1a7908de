//! Alarms: who is told, of what, and from which lines of the log.

use super::document::{resources_of_type, sub, template, text_of};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const FUNCTIONS: [&str; 4] = [
    "UniversalAgentFunction",
    "ContentAgentFunction",
    "AssetWorkerFunction",
    "TimeoutHandlerFunction",
];

fn alarms(template: &Value) -> BTreeMap<String, Value> {
    resources_of_type(template, "AWS::CloudWatch::Alarm")
}

/// Functions with an alarm on this metric of Lambda's.
fn watched<'a>(alarms: &'a BTreeMap<String, Value>, metric: &str) -> BTreeSet<&'a str> {
    let of_metric = alarms
        .values()
        .filter(|alarm| alarm["MetricName"] == metric);
    of_metric
        .map(|alarm| {
            alarm["Dimensions"][0]["Value"]["!Ref"]
                .as_str()
                .expect("a function")
        })
        .collect()
}

#[test]
fn every_alarm_reaches_an_address_that_must_be_given_and_is_in_the_runbook_by_name() {
    let template = template();
    let runbook = text_of("docs/RUNBOOK.md");
    let (_, table) = runbook.split_once("\n## Alarms\n").expect("a chapter");
    let (table, _) = table.split_once("\n## ").expect("its end");
    for (name, alarm) in alarms(&template) {
        assert_eq!(
            alarm["AlarmActions"],
            json!([{ "!Ref": "AlarmTopic" }]),
            "{name}"
        );
        let full = alarm["AlarmName"]["!Sub"].as_str().expect("a name");
        let short = full
            .replace("storytailor-", "")
            .replace("-${Environment}", "");
        assert!(
            table.contains(&format!("`{short}`")),
            "{short} is not explained"
        );
    }
    let subscription = &template["Resources"]["AlarmSubscription"];
    assert!(subscription["Condition"].is_null());
    assert_eq!(
        subscription["Properties"]["Endpoint"],
        json!({ "!Ref": "AlarmEmail" })
    );
    assert!(template["Parameters"]["AlarmEmail"]["Default"].is_null());
}

#[test]
fn a_throttled_function_and_a_lost_record_are_told_of() {
    let template = template();
    let alarms = alarms(&template);
    assert_eq!(watched(&alarms, "Throttles"), BTreeSet::from(FUNCTIONS));
    // The API is not invoked by events.
    let by_events: BTreeSet<_> = FUNCTIONS[1..].iter().copied().collect();
    assert_eq!(watched(&alarms, "DestinationDeliveryFailures"), by_events);
}

#[test]
fn failures_are_a_share_of_what_was_settled_and_little_traffic_hides_none() {
    let template = template();
    let alarms = alarms(&template);
    let expression = |alarm: &str| {
        let metrics = alarms[alarm]["Metrics"].as_array().expect("metrics");
        let shown = metrics.iter().find(|metric| metric["ReturnData"].is_null());
        shown.expect("one that is shown")["Expression"].clone()
    };
    assert_eq!(
        expression("HighFailureRateAlarm"),
        "IF(failed >= 3, 100 * failed / (failed + ready), 0)"
    );
    assert_eq!(
        expression("NothingSucceedsAlarm"),
        "IF(ready < 1, failed, 0)"
    );
    // The words are those of the content agent's line, and its fields.
    let source = text_of("functions/content-agent/src/attempt.rs");
    let recording = text_of("functions/content-agent/src/recording.rs");
    assert!(source.contains("\"Asset generation settled\"") && source.contains("status,\n"));
    for (filter, status) in [("ReadyJobs", "ready"), ("FailedJobs", "failed")] {
        assert!(recording.contains(&format!("status: \"{status}\"")));
        let pattern =
            format!("{{ $.message = \"Asset generation settled\" && $.status = \"{status}\" }}");
        let filter = &template["Resources"][filter]["Properties"];
        assert_eq!(filter["FilterPattern"], pattern);
        assert_eq!(
            filter["LogGroupName"],
            json!({ "!Ref": "ContentAgentLogGroup" })
        );
    }
}

/// Every metric below our namespace that alarms or the dashboard name, wherever it stands.
fn own_metrics(template: &str) -> BTreeSet<String> {
    let in_alarms = template.split("Namespace: Storytailor").skip(1);
    let in_alarms = in_alarms.filter_map(|rest| {
        let (_, name) = rest.split_once("MetricName: ")?;
        name.split([',', '\n']).next()
    });
    let in_widgets = template.split("[\"Storytailor\", \"").skip(1);
    let in_widgets = in_widgets.filter_map(|rest| rest.split('"').next());
    let in_searches = template.split("MetricName=\\\"").skip(1);
    let in_searches = in_searches.filter_map(|rest| rest.split('\\').next());
    let all = in_alarms.chain(in_widgets).chain(in_searches);
    all.map(|name| name.trim().to_owned()).collect()
}

#[test]
fn alarms_are_on_shares_of_what_ended_and_every_figure_they_name_is_written_by_a_line() {
    let text = text_of("template.yaml");
    let source = text_of("shared/runtime/src/telemetry/metrics.rs");
    let named = own_metrics(&text);
    assert!(named.len() >= 19, "{named:?}");
    for name in &named {
        assert!(
            source.contains(&format!("\"{name}\"")),
            "{name} is told by no line"
        );
    }
    let template = template();
    let alarms = alarms(&template);
    for (alarm, parts) in [
        ("PlaceholdersAlarm", ["PicturePlaceholders", "Pictures"]),
        ("FallbacksAlarm", ["AnswersByFallback", "Answers"]),
        ("IncompleteStoriesAlarm", ["Stories", "StoriesReady"]),
        ("StoriesLeftAlarm", ["StoriesLeft", "StoriesAsked"]),
    ] {
        let metrics = alarms[alarm]["Metrics"].as_array().expect("metrics");
        let shown = metrics[0]["Expression"].as_str().expect("an expression");
        assert!(
            shown.starts_with("IF(") && shown.contains("100 * "),
            "{shown}"
        );
        let of = metrics[1..]
            .iter()
            .map(|metric| &metric["MetricStat"]["Metric"]);
        for (metric, name) in of.zip(parts) {
            assert_eq!(metric["MetricName"], name);
            assert_eq!(metric["Namespace"], "Storytailor");
            let environment = json!([{"Name": "environment", "Value": {"!Ref": "Environment"}}]);
            assert_eq!(metric["Dimensions"], environment);
        }
    }
    let variables = &template["Globals"]["Function"]["Environment"]["Variables"];
    assert_eq!(variables["METRICS_NAMESPACE"], "Storytailor");
    let (age, failures) = (
        &alarms["OldestClaimableJobAlarm"],
        &alarms["HardFailuresAlarm"],
    );
    assert_eq!(age["MetricName"], "QueueAgeSeconds");
    assert_eq!(failures["MetricName"], "HardFailures");
    for (message, file) in [
        (
            "Asset generation settled",
            "functions/content-agent/src/attempt.rs",
        ),
        ("Story finished", "shared/store/src/finished_story.rs"),
        (
            "Story accepted",
            "functions/universal-agent/src/routes/stories.rs",
        ),
        (
            "Stories accepted",
            "functions/universal-agent/src/routes/bulk.rs",
        ),
        ("Provider called", "shared/providers/src/call_log.rs"),
        ("Claimable jobs wait", "functions/asset-worker/src/lib.rs"),
    ] {
        assert!(source.contains(&format!("\"{message}\"")), "{message}");
        assert!(text_of(file).contains(&format!("\"{message}\"")), "{file}");
    }
}

#[test]
fn money_is_read_from_a_line_that_is_written() {
    let template = template();
    let source = text_of("functions/timeout-handler/src/lib.rs");
    assert!(source.contains("spentTodayUsd = "));
    let filter = &template["Resources"]["SpentToday"]["Properties"];
    assert_eq!(filter["FilterPattern"], "{ $.spentTodayUsd >= 0 }");
    assert_eq!(
        filter["LogGroupName"],
        json!({"!Ref": "TimeoutHandlerLogGroup"})
    );
    let metric = &filter["MetricTransformations"][0];
    assert_eq!(metric["MetricValue"], "$.spentTodayUsd");
    let alarm = &template["Resources"]["SpendAlarm"]["Properties"];
    assert_eq!(alarm["MetricName"], metric["MetricName"]);
    assert_eq!(alarm["Namespace"], sub("Storytailor/${Environment}"));
}
