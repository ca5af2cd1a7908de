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
    let source = text_of("functions/content-agent/src/session.rs");
    let recording = text_of("functions/content-agent/src/recording.rs");
    assert!(source.contains(r#"status, "Asset generation settled""#));
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

#[test]
fn age_of_the_queue_and_money_are_read_from_lines_that_are_written() {
    let template = template();
    for (filter, field, group, source, alarm) in [
        (
            "OldestClaimableJob",
            "oldestClaimableSeconds",
            "AssetWorkerLogGroup",
            "functions/asset-worker/src/lib.rs",
            "OldestClaimableJobAlarm",
        ),
        (
            "SpentToday",
            "spentTodayUsd",
            "TimeoutHandlerLogGroup",
            "functions/timeout-handler/src/lib.rs",
            "SpendAlarm",
        ),
    ] {
        assert!(text_of(source).contains(&format!("{field} = ")), "{field}");
        let filter = &template["Resources"][filter]["Properties"];
        assert_eq!(filter["FilterPattern"], format!("{{ $.{field} >= 0 }}"));
        assert_eq!(filter["LogGroupName"], json!({ "!Ref": group }));
        let metric = &filter["MetricTransformations"][0];
        assert_eq!(metric["MetricValue"], format!("$.{field}"));
        let alarm = &template["Resources"][alarm]["Properties"];
        assert_eq!(alarm["MetricName"], metric["MetricName"]);
        assert_eq!(alarm["Namespace"], sub("Storytailor/${Environment}"));
    }
}
