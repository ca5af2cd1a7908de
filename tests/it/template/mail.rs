//! Mail: reports of it reach the function that sends it, and what could not be sent raises an alarm.

use super::document::{sub, template, text_of};
use serde_json::json;

#[test]
fn reports_of_our_own_mails_reach_the_sender_and_notices_that_died_raise_an_alarm() {
    let template = template();
    let resources = &template["Resources"];
    let set = sub("storytailor-${Environment}");
    assert_eq!(resources["MailConfigurationSet"]["Properties"]["Name"], set);
    let rule = &resources["MailReportsRule"]["Properties"];
    let tags = &rule["EventPattern"]["detail"]["mail"]["tags"];
    assert_eq!(tags["ses:configuration-set"], json!([set]));
    let handler = "TimeoutHandlerFunction";
    let arn = json!({"!GetAtt": format!("{handler}.Arn")});
    assert_eq!(rule["Targets"][0]["Arn"], arn);
    let allowed = &resources["MailReportsPermission"]["Properties"];
    assert_eq!(allowed["FunctionName"], json!({ "!Ref": handler }));
    let variables = &template["Globals"]["Function"]["Environment"]["Variables"];
    assert_eq!(variables["EMAIL_CONFIGURATION_SET"], set);
    let filter = resources["DeadNotices"]["Properties"]["FilterPattern"]
        .as_str()
        .expect("a pattern");
    let line = filter.split('"').nth(1).expect("a message");
    let sender = text_of("functions/timeout-handler/src/notices.rs");
    assert!(sender.contains(&format!("\"{line}\"")), "{line}");
}
