//! What `template.yaml` promises and no linter checks: names, limits, who may call whom, where secrets are not.

mod document;
mod settings;
mod watching;

use document::{
    all_with_key, function, functions, list, repository, resources_of_type, statements, sub,
    template, text_of,
};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Names of the variables that every function is given.
pub(crate) fn plain_settings() -> BTreeSet<String> {
    let variables = &template()["Globals"]["Function"]["Environment"]["Variables"];
    let variables = variables.as_object().expect("there are variables");
    variables.keys().cloned().collect()
}

#[test]
fn there_are_four_functions_each_built_from_the_package_of_its_name() {
    let template = template();
    let functions = functions(&template);
    assert_eq!(functions.len(), 4);
    for name in [
        "universal-agent",
        "content-agent",
        "asset-worker",
        "timeout-handler",
    ] {
        let function = function(&functions, name);
        assert_eq!(function["CodeUri"], format!("functions/{name}"));
        assert!(
            repository()
                .join(format!("functions/{name}/src/main.rs"))
                .is_file(),
            "{name} has a binary"
        );
    }
    for (name, function) in functions {
        let metadata = &template["Resources"][&name]["Metadata"];
        assert_eq!(metadata["BuildMethod"], "rust-cargolambda", "{name}");
        // The four share one target folder, which holds them all.
        let source = function["CodeUri"].as_str().expect("a folder");
        let binary = source.trim_start_matches("functions/");
        assert_eq!(metadata["BuildProperties"]["Binary"], binary);
    }
}

#[test]
fn functions_run_on_the_custom_runtime_of_amazon_linux_2023_on_arm_unless_told_otherwise() {
    let template = template();
    let globals = &template["Globals"]["Function"];
    assert_eq!(globals["Runtime"], "provided.al2023");
    assert_eq!(globals["Handler"], "bootstrap");
    assert_eq!(
        globals["Architectures"],
        json!([{ "!Ref": "Architecture" }])
    );
    assert_eq!(template["Parameters"]["Architecture"]["Default"], "arm64");
    for (name, function) in functions(&template) {
        for overridden in ["Runtime", "Handler", "Architectures"] {
            assert!(
                function[overridden].is_null(),
                "{name} overrides {overridden}"
            );
        }
    }
}

#[test]
fn limits_are_the_documented_ones() {
    let template = template();
    let functions = functions(&template);
    let limits = |name| {
        let function = function(&functions, name);
        (function["Timeout"].clone(), function["MemorySize"].clone())
    };
    assert_eq!(limits("universal-agent"), (json!(10), json!(256)));
    assert_eq!(
        limits("content-agent"),
        (json!(300), json!({ "!Ref": "ContentAgentMemory" }))
    );
    assert_eq!(limits("asset-worker"), (json!(60), json!(256)));
    assert_eq!(limits("timeout-handler"), (json!(60), json!(128)));
    assert_eq!(template["Parameters"]["ContentAgentMemory"]["Default"], 256);
}

#[test]
fn paid_work_is_never_tried_again_behind_our_back() {
    let template = template();
    let functions = functions(&template);
    let lease_seconds = template["Parameters"]["JobLeaseSeconds"]["Default"]
        .as_i64()
        .expect("a number");
    for name in ["content-agent", "asset-worker"] {
        let function = function(&functions, name);
        let asynchronous = &function["EventInvokeConfig"];
        assert_eq!(asynchronous["MaximumRetryAttempts"], 0, "{name}");
        let age = asynchronous["MaximumEventAgeInSeconds"]
            .as_i64()
            .expect("an age is set");
        assert!(
            (60..=lease_seconds).contains(&age),
            "an event of {name} must not outlive its lease: {age} s"
        );
        let failure = &asynchronous["DestinationConfig"]["OnFailure"];
        assert_eq!(failure["Type"], "Lambda", "{name}");
        assert_eq!(
            failure["Destination"],
            sub(
                "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:storytailor-timeout-handler-${Environment}"
            ),
            "{name}: who dies is noticed at once"
        );
        // With an alias the settings above would hold for the alias only.
        assert!(function["AutoPublishAlias"].is_null(), "{name}");
        assert_eq!(
            function["RecursiveLoop"], "Allow",
            "{name} is part of a chain that loop detection would cut"
        );
    }
    let rescuer = &function(&functions, "timeout-handler")["EventInvokeConfig"];
    let failure = &rescuer["DestinationConfig"]["OnFailure"];
    assert_eq!(failure["Type"], "SQS");
    assert_eq!(
        failure["Destination"],
        json!({ "!GetAtt": "FailedEventsQueue.Arn" })
    );
    assert_eq!(
        template["Resources"]["FailedEventsQueue"]["Type"],
        "AWS::SQS::Queue"
    );
    assert!(template["Resources"]["FailedEventsQueue"]["Properties"]["FifoQueue"].is_null());
}

#[test]
fn every_plain_setting_is_set_for_every_function() {
    let variables = &template()["Globals"]["Function"]["Environment"]["Variables"];
    let set = plain_settings();
    let expected = BTreeSet::from([
        "ASSETS_BUCKET",
        "ASSETS_CDN_URL",
        "ASSETS_DISTRIBUTION_ID",
        "ASSET_WORKER_FUNCTION",
        "CONTENT_AGENT_FUNCTION",
        "ELEVENLABS_BASE_URL",
        "ELEVENLABS_DEFAULT_VOICE",
        "ELEVENLABS_MODEL",
        "ENVIRONMENT",
        "JOB_LEASE_SECONDS",
        "MAX_JOBS_IN_FLIGHT",
        "OPENAI_ANALYSIS_MODEL",
        "OPENAI_BASE_URL",
        "OPENAI_IMAGE_MODELS",
        "OPENAI_TEXT_MODEL",
        "SSM_PARAMETER_PREFIX",
        "SUPABASE_JWT_ISSUER",
        "SUPABASE_URL",
    ]);
    assert_eq!(set, expected.into_iter().map(str::to_owned).collect());
    assert_eq!(
        variables["CONTENT_AGENT_FUNCTION"],
        sub("storytailor-content-agent-${Environment}")
    );
    assert_eq!(
        variables["ASSET_WORKER_FUNCTION"],
        sub("storytailor-asset-worker-${Environment}")
    );
    assert_eq!(
        variables["SSM_PARAMETER_PREFIX"],
        sub("${SsmParameterRoot}/${Environment}")
    );
}

#[test]
fn the_content_agent_gives_the_memory_of_freed_pictures_back() {
    let template = template();
    let functions = functions(&template);
    let variables = &function(&functions, "content-agent")["Environment"]["Variables"];
    // Fixed, or glibc raises it to the size of a picture, which then stays in an arena.
    assert_eq!(variables["MALLOC_MMAP_THRESHOLD_"], "131072");
    assert_eq!(variables["MALLOC_TRIM_THRESHOLD_"], "131072");
    assert_eq!(variables["MALLOC_ARENA_MAX"], "2");
}

#[test]
fn no_secret_passes_through_the_template() {
    let template = template();
    let looks_secret = |name: &str| {
        let name = name.to_ascii_uppercase();
        ["KEY", "SECRET", "TOKEN", "PASSWORD", "DSN"]
            .iter()
            .any(|word| name.contains(word))
    };
    for variables in all_with_key(&template, "Variables") {
        for name in variables.as_object().expect("variables have names").keys() {
            assert!(!looks_secret(name), "{name} stands in a plain environment");
        }
    }
    for name in template["Parameters"]
        .as_object()
        .expect("there are parameters")
        .keys()
    {
        assert!(
            !looks_secret(name),
            "{name} is a parameter that anyone with the console can read"
        );
    }
    assert!(
        !text_of("template.yaml").contains("{{resolve:"),
        "a resolved secret is readable in the console"
    );
}

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
    assert_eq!(
        may_call("universal-agent"),
        BTreeSet::from([worker.clone(), content.clone()])
    );
    // Lambda reports their deaths with their own rights.
    let rescuer = "storytailor-timeout-handler-${Environment}".to_owned();
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
            assert!(is_content_agent, "unexpected right: {statement}");
            if statement["Action"] == "s3:ListBucket" {
                let prefix = &statement["Condition"]["StringLike"]["s3:prefix"];
                assert_eq!(prefix, &json!(["drafts/*", "stories/*"]));
                continue;
            }
            if statement["Action"] == "cloudfront:CreateInvalidation" {
                let own = "arn:${AWS::Partition}:cloudfront::${AWS::AccountId}:distribution/${AssetsDistribution}";
                assert_eq!(statement["Resource"], sub(own));
                continue;
            }
            let files =
                ["drafts", "stories"].map(|name| sub(&format!("${{AssetsBucket.Arn}}/{name}/*")));
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

#[test]
fn each_function_logs_json_to_its_own_group_for_a_limited_time() {
    let template = template();
    assert_eq!(
        template["Globals"]["Function"]["LoggingConfig"]["LogFormat"],
        "JSON"
    );
    let groups = resources_of_type(&template, "AWS::Logs::LogGroup");
    for function in functions(&template).values() {
        let group = function["LoggingConfig"]["LogGroup"]["!Ref"]
            .as_str()
            .expect("a log group of its own");
        let name = function["FunctionName"]["!Sub"].as_str().expect("a name");
        assert_eq!(
            groups[group]["LogGroupName"],
            sub(&format!("/aws/lambda/{name}"))
        );
        assert!(!groups[group]["RetentionInDays"].is_null());
    }
}

#[test]
fn assets_are_private_kept_and_read_through_the_distribution_only() {
    let template = template();
    let bucket = &template["Resources"]["AssetsBucket"];
    // Not that of a first deployment that failed: its name would be taken for the second.
    assert_eq!(bucket["DeletionPolicy"], "RetainExceptOnCreate");
    assert_eq!(bucket["UpdateReplacePolicy"], "Retain");
    let locks = &bucket["Properties"]["PublicAccessBlockConfiguration"];
    for lock in [
        "BlockPublicAcls",
        "BlockPublicPolicy",
        "IgnorePublicAcls",
        "RestrictPublicBuckets",
    ] {
        assert_eq!(locks[lock], true, "{lock}");
    }
    let name = &bucket["Properties"]["BucketName"]["!If"];
    assert_eq!(name[2], sub("storytailor-assets-${Environment}"));
    let policy =
        &template["Resources"]["AssetsBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"];
    let allowed: Vec<&Value> = policy
        .as_array()
        .expect("statements")
        .iter()
        .filter(|s| s["Effect"] == "Allow")
        .collect();
    assert_eq!(allowed.len(), 1);
    assert_eq!(
        allowed[0]["Principal"],
        json!({ "Service": "cloudfront.amazonaws.com" })
    );
    assert!(
        !allowed[0]["Condition"]["StringEquals"]["AWS:SourceArn"].is_null(),
        "any distribution could read"
    );
    assert_eq!(allowed[0]["Action"], "s3:GetObject");
    assert_eq!(
        allowed[0]["Resource"],
        sub("${AssetsBucket.Arn}/stories/*"),
        "drafts are read by nobody outside"
    );
}

#[test]
fn drafts_are_forgotten_after_some_days_and_published_files_never() {
    let template = template();
    let bucket = &template["Resources"]["AssetsBucket"]["Properties"];
    let rules = bucket["LifecycleConfiguration"]["Rules"]
        .as_array()
        .expect("rules");
    let forgetting: Vec<&Value> = rules
        .iter()
        .filter(|rule| !rule["ExpirationInDays"].is_null())
        .collect();
    assert_eq!(forgetting.len(), 1);
    assert_eq!(forgetting[0]["Prefix"], "drafts/");
    assert_eq!(forgetting[0]["Status"], "Enabled");
    let days = forgetting[0]["ExpirationInDays"].as_i64().expect("days");
    assert!((1..=7).contains(&days), "{days} days");
}

#[test]
fn a_page_of_any_origin_may_fetch_a_picture_and_show_a_book_in_a_frame() {
    let template = template();
    let distribution =
        &template["Resources"]["AssetsDistribution"]["Properties"]["DistributionConfig"];
    assert_eq!(
        distribution["DefaultCacheBehavior"]["ResponseHeadersPolicyId"],
        json!({ "!Ref": "AssetsHeaders" })
    );
    let headers =
        &template["Resources"]["AssetsHeaders"]["Properties"]["ResponseHeadersPolicyConfig"];
    assert_eq!(
        headers["CorsConfig"]["AccessControlAllowOrigins"]["Items"],
        json!(["*"])
    );
    let security = headers["SecurityHeadersConfig"]
        .as_object()
        .expect("headers");
    assert!(security.contains_key("ContentTypeOptions"));
    assert!(!security.contains_key("FrameOptions"));
}

#[test]
fn the_address_of_the_api_ends_without_a_slash_as_what_is_appended_begins_with_one() {
    let value = &template()["Outputs"]["ApiUrl"]["Value"]["!Sub"];
    let url = json!({ "!GetAtt": "UniversalAgentFunctionUrl.FunctionUrl" });
    let host = json!({ "!Select": [2, { "!Split": ["/", url] }] });
    assert_eq!(value, &json!(["https://${Host}", { "Host": host }]));
}

#[test]
fn the_documented_query_is_saved() {
    let template = template();
    let query = &template["Resources"]["StoryPipelineQuery"]["Properties"]["QueryString"];
    assert_eq!(
        query.as_str().expect("a query"),
        "fields @timestamp, @message\n\
         | filter @message like /AssetGenerationPipeline/\n\
         | filter storyId = 'story-uuid'\n\
         | sort @timestamp desc\n"
    );
}

#[test]
fn staging_and_production_deploy_to_their_own_stacks_from_fresh_builds() {
    let settings = text_of("samconfig.toml");
    for environment in ["staging", "production"] {
        let section = settings
            .split_once(&format!("[{environment}.deploy.parameters]"))
            .and_then(|(_, rest)| rest.split("\n[").next())
            .unwrap_or_else(|| panic!("{environment} has no deploy section"));
        assert!(section.contains(&format!("stack_name = \"storytailor-{environment}\"")));
        assert!(section.contains(&format!("\"Environment={environment}\"")));
    }
    // sam hashes functions/<name> only: a cached build would miss a change in shared/.
    assert!(!settings.contains("cached = true"));
}

#[test]
fn a_panic_in_a_deployed_function_can_be_caught() {
    // Where Cargo.toml leaves it open, cargo-lambda builds with panic = "abort": one job would end its neighbours.
    let manifest = text_of("Cargo.toml");
    let release = manifest
        .split_once("\n[profile.release]\n")
        .and_then(|(_, rest)| rest.split("\n[").next())
        .unwrap_or_default();
    assert!(release.lines().any(|line| line == "panic = \"unwind\""));
}
