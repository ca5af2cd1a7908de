//! What `template.yaml` promises and no linter checks: names, limits, logs, where secrets are not.

mod assets;
mod callers;
mod document;
mod mail;
mod settings;
mod watching;

use document::{
    all_with_key, function, functions, repository, resources_of_type, sub, template, text_of,
};
use serde_json::json;
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
        "APP_URL",
        "ASSETS_BUCKET",
        "ASSETS_CDN_URL",
        "ASSETS_DISTRIBUTION_ID",
        "ASSET_WORKER_FUNCTION",
        "BFL_BASE_URL",
        "BFL_IMAGE_MODELS",
        "CONTENT_AGENT_FUNCTION",
        "ELEVENLABS_BASE_URL",
        "ELEVENLABS_DEFAULT_VOICE",
        "ELEVENLABS_MODEL",
        "EMAIL_CONFIGURATION_SET",
        "EMAIL_FROM",
        "ENVIRONMENT",
        "IMAGE_PROVIDERS",
        "JOB_LEASE_SECONDS",
        "KEEP_EXCHANGES",
        "MAX_JOBS_IN_FLIGHT",
        "METRICS_NAMESPACE",
        "OPENAI_ANALYSIS_MODEL",
        "OPENAI_BASE_URL",
        "OPENAI_IMAGE_MODELS",
        "OPENAI_TEXT_MODEL",
        "PICTURE_BUDGET_SECONDS",
        "PICTURE_BUDGET_USD",
        "PICTURE_PREVIEWS",
        "PICTURE_QUALITY",
        "PICTURE_TRIES",
        "PICTURE_TRY_SECONDS",
        "SENTRY_SAMPLE_RATE",
        "SSM_PARAMETER_PREFIX",
        "STAND_IN_NAMES",
        "SUPABASE_JWT_ISSUER",
        "SUPABASE_URL",
        "TIMEOUT_HANDLER_FUNCTION",
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
