//! Who may call whom: the public API, the schedules, and what each function's role allows.

use super::document::{all_with_key, function, functions, list, statements, sub, template};
use serde_json::{Value, json};
use std::collections::BTreeSet;

#[test]
fn the_api_is_public_and_only_the_function_speaks_of_cors() {
    let template = template();
    let functions = functions(&template);
    let url = &function(&functions, "universal-agent")["FunctionUrlConfig"];
    // SAM adds both permissions that a public URL needs, and only for this type.
    assert_eq!(url["AuthType"], "NONE");
    assert!(
        url["Cors"].is_null(),
        "a Cors block overrides the function's own headers"
    );
    let with_url = functions
        .values()
        .filter(|function| !function["FunctionUrlConfig"].is_null());
    assert_eq!(with_url.count(), 1);
}

#[test]
fn both_schedules_are_rules_that_bear_the_name_of_their_function() {
    let template = template();
    let functions = functions(&template);
    for (name, schedule) in [
        ("asset-worker", json!({ "!Ref": "WorkerSchedule" })),
        ("timeout-handler", json!("rate(15 minutes)")),
    ] {
        let function = function(&functions, name);
        let event = &function["Events"]["Sweep"];
        assert_eq!(
            event["Type"], "Schedule",
            "describe-rule knows no ScheduleV2"
        );
        assert_eq!(event["Properties"]["Name"], function["FunctionName"]);
        assert_eq!(event["Properties"]["Schedule"], schedule);
    }
    let check = &function(&functions, "content-agent")["Events"]["ModelCheck"]["Properties"];
    assert_eq!(check["Schedule"], "rate(1 day)");
    let event: Value =
        serde_json::from_str(check["Input"].as_str().expect("an event")).expect("JSON");
    assert_eq!(event, json!({ "action": "check_models" }));
    let worker = &template["Parameters"]["WorkerSchedule"];
    assert_eq!(worker["Default"], "rate(1 minute)");
    assert_eq!(
        worker["AllowedPattern"], r"^rate\((1 minute|[2-5] minutes)\)$",
        "five minutes are the promise"
    );
}

#[test]
fn each_function_may_call_only_whom_it_must_and_only_the_content_agent_touches_assets() {
    let template = template();
    let functions = functions(&template);
    let may_call = |name: &str| -> BTreeSet<String> {
        let arn = "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:";
        statements(function(&functions, name))
            .iter()
            .filter(|statement| statement["Action"] == "lambda:InvokeFunction")
            .flat_map(|statement| list(&statement["Resource"]))
            .map(|resource| {
                resource["!Sub"]
                    .as_str()
                    .expect("a full name")
                    .replace(arn, "")
            })
            .collect()
    };
    let worker = "storytailor-asset-worker-${Environment}".to_owned();
    let content = "storytailor-content-agent-${Environment}".to_owned();
    // It sends notices too; and Lambda reports their deaths with their own rights.
    let rescuer = "storytailor-timeout-handler-${Environment}".to_owned();
    assert_eq!(
        may_call("universal-agent"),
        BTreeSet::from([worker.clone(), content.clone(), rescuer.clone()])
    );
    assert_eq!(
        may_call("content-agent"),
        BTreeSet::from([worker.clone(), rescuer.clone()])
    );
    assert_eq!(may_call("asset-worker"), BTreeSet::from([content, rescuer]));
    assert_eq!(may_call("timeout-handler"), BTreeSet::from([worker]));

    for function in functions.values() {
        // AWS takes a policy without one as of 2008.
        for policy in list(&function["Policies"]) {
            let is_own = policy["Statement"].is_array();
            assert!(!is_own || policy["Version"] == "2012-10-17", "{policy}");
        }
        let others = statements(function)
            .into_iter()
            .filter(|statement| statement["Action"] != "lambda:InvokeFunction")
            .filter(|statement| statement["Action"] != "ssm:GetParameters");
        let is_content_agent = function["CodeUri"] == "functions/content-agent";
        for statement in others {
            if statement["Action"] == "ses:SendEmail" {
                assert_eq!(function["CodeUri"], "functions/timeout-handler");
                let of = "arn:${AWS::Partition}:ses:${AWS::Region}:${AWS::AccountId}:";
                let set = "configuration-set/storytailor-${Environment}";
                let resources = ["identity/*", set].map(|name| sub(&format!("{of}{name}")));
                assert_eq!(statement["Resource"], json!(resources));
                continue;
            }
            let uploads = sub("${AssetsBucket.Arn}/uploads/*");
            if function["CodeUri"] == "functions/universal-agent" {
                let signed =
                    json!({"Effect": "Allow", "Action": "s3:PutObject", "Resource": uploads});
                assert_eq!(statement, signed, "unexpected right");
                continue;
            }
            assert!(is_content_agent, "unexpected right: {statement}");
            if statement["Resource"] == uploads {
                assert_eq!(
                    statement["Action"],
                    json!(["s3:GetObject", "s3:DeleteObject"])
                );
                continue;
            }
            if statement["Action"] == "s3:ListBucket" {
                let prefix = &statement["Condition"]["StringLike"]["s3:prefix"];
                let folders = [
                    "characters",
                    "drafts",
                    "exchanges",
                    "snapshots",
                    "stories",
                    "uploads",
                ];
                assert_eq!(prefix, &json!(folders.map(|name| format!("{name}/*"))));
                continue;
            }
            if statement["Action"] == "cloudfront:CreateInvalidation" {
                let own = "arn:${AWS::Partition}:cloudfront::${AWS::AccountId}:distribution/${AssetsDistribution}";
                assert_eq!(statement["Resource"], sub(own));
                continue;
            }
            if statement["Resource"] == sub("${AssetsBucket.Arn}/exchanges/*") {
                let actions = json!(["s3:PutObject", "s3:DeleteObject"]);
                assert_eq!(
                    statement["Action"], actions,
                    "nobody reads them but operators"
                );
                continue;
            }
            let files = ["characters", "drafts", "snapshots", "stories"]
                .map(|name| sub(&format!("${{AssetsBucket.Arn}}/{name}/*")));
            assert!(files.contains(&statement["Resource"]), "{statement}");
            let actions = json!(["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]);
            assert_eq!(statement["Action"], actions);
        }
    }
}

#[test]
fn functions_name_each_other_and_never_refer_to_each_other() {
    let template = template();
    let functions = functions(&template);
    let globals = &template["Globals"];
    for value in functions.values().chain([globals]) {
        for key in ["!Ref", "!GetAtt", "Ref", "Fn::GetAtt"] {
            for target in all_with_key(value, key) {
                let resource = target
                    .as_str()
                    .unwrap_or_default()
                    .split('.')
                    .next()
                    .unwrap_or_default();
                assert!(
                    !functions.contains_key(resource),
                    "a reference to {resource} would close a circle"
                );
            }
        }
    }
}
