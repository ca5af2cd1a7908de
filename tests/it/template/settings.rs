//! Parameters and what `samconfig.toml` gives them: all of them, always, and none that the template would refuse.

use super::document::{function, functions, statements, sub, template, text_of};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const ENVIRONMENTS: [&str; 2] = ["staging", "production"];

/// What an operator must replace before the first deployment.
const PLACEHOLDERS: [&str; 2] = ["SupabaseUrl", "AlarmEmail"];

/// Account by account, what may run at one moment; the template's defaults are those of a new one.
const NEW_ACCOUNT: u64 = 10;
const USUAL_ACCOUNT: u64 = 1000;
/// AWS leaves so many to functions without a reserve ("Configuring reserved concurrency").
const NEVER_RESERVED: u64 = 100;

fn overrides(environment: &str) -> BTreeMap<String, String> {
    let settings = text_of("samconfig.toml");
    let (_, section) = settings
        .split_once(&format!("[{environment}.deploy.parameters]"))
        .expect("a deploy section");
    let (_, list) = section
        .split_once("parameter_overrides = [\n")
        .expect("a list of overrides");
    let (list, _) = list.split_once("\n]").expect("the end of the list");
    let lines = list.lines().map(str::trim);
    lines
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            // 'Name="a value"', as sam wants it where a value is empty or has a blank.
            let pair = line.trim_end_matches(',');
            let pair = &pair[1..pair.len() - 1];
            let (name, value) = pair.split_once('=').expect("Name=value");
            (name.to_owned(), value.trim_matches('"').to_owned())
        })
        .collect()
}

fn parameters(template: &Value) -> &serde_json::Map<String, Value> {
    template["Parameters"].as_object().expect("parameters")
}

/// What CloudFormation would say to a value.
fn is_accepted(parameter: &Value, value: &str) -> bool {
    let mut schema = json!({});
    if let Some(pattern) = parameter["AllowedPattern"].as_str() {
        schema["pattern"] = json!(pattern);
    }
    let allowed = parameter["AllowedValues"].as_array().is_none_or(|allowed| {
        let texts = allowed
            .iter()
            .map(|one| one.as_str().map_or_else(|| one.to_string(), str::to_owned));
        texts.into_iter().any(|one| one == value)
    });
    let number: Option<f64> = value.parse().ok();
    let is_within = parameter["Type"] != "Number"
        || number.is_some_and(|number| {
            parameter["MinValue"]
                .as_f64()
                .is_none_or(|least| number >= least)
                && parameter["MaxValue"]
                    .as_f64()
                    .is_none_or(|most| number <= most)
        });
    allowed && is_within && jsonschema::is_valid(&schema, &json!(value))
}

#[test]
fn both_environments_name_every_parameter_so_that_no_old_value_stays() {
    let template = template();
    let known: BTreeSet<_> = parameters(&template).keys().cloned().collect();
    for environment in ENVIRONMENTS {
        let named: BTreeSet<_> = overrides(environment).into_keys().collect();
        assert_eq!(named, known, "{environment}");
    }
}

#[test]
fn what_is_given_is_accepted_but_for_the_placeholders_which_are_refused() {
    let template = template();
    for environment in ENVIRONMENTS {
        for (name, value) in overrides(environment) {
            let parameter = &template["Parameters"][&name];
            let is_placeholder = PLACEHOLDERS.contains(&&*name);
            assert_eq!(
                is_accepted(parameter, &value),
                !is_placeholder,
                "{environment}: {name}={value}"
            );
            assert!(!is_placeholder || parameter["Default"].is_null(), "{name}");
        }
    }
    let accepts = |name: &str, value: &str| is_accepted(&template["Parameters"][name], value);
    assert!(accepts(
        "SupabaseUrl",
        "https://abcdefghijklmnopqrst.supabase.co"
    ));
    assert!(!accepts("SupabaseUrl", "https://abc.supabase.co/"));
    assert!(accepts("AlarmEmail", "on-call+storytailor@example.co.uk"));
    assert!(!accepts("AlarmEmail", "") && !accepts("AlarmEmail", "nobody"));
}

#[test]
fn an_environments_name_makes_valid_names_of_functions_and_buckets() {
    let template = template();
    let longest = "a".repeat(20);
    let environment = &template["Parameters"]["Environment"];
    assert!(is_accepted(environment, &longest) && is_accepted(environment, "pr-7"));
    for refused in ["staging-", "a", &format!("{longest}a"), "Staging", "7up"] {
        assert!(!is_accepted(environment, refused), "{refused}");
    }
    for function in functions(&template).values() {
        let name = function["FunctionName"]["!Sub"].as_str().expect("a name");
        let name = name.replace("${Environment}", &longest);
        assert!(name.len() <= 64, "{name}");
    }
}

#[test]
fn each_role_reads_by_name_what_its_function_asks_for_and_nothing_else() {
    let template = template();
    let functions = functions(&template);
    for (name, asked_for) in runtime::env::parameters::ALL {
        let statements = statements(function(&functions, name));
        let reading: Vec<_> = statements
            .iter()
            .filter(|statement| statement.to_string().contains("ssm:"))
            .collect();
        assert_eq!(reading.len(), 1, "{name}");
        assert_eq!(reading[0]["Action"], "ssm:GetParameters", "{name}");
        let root = "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter${SsmParameterRoot}/${Environment}";
        let wanted: Vec<_> = asked_for
            .iter()
            .map(|parameter| sub(&format!("{root}/{parameter}")))
            .collect();
        assert_eq!(reading[0]["Resource"], json!(wanted), "{name}");
    }
}

#[test]
fn nobody_can_take_the_whole_account_and_a_new_account_can_deploy() {
    let template = template();
    let reserved = ["ApiConcurrency", "WorkerConcurrency", "RescuerConcurrency"];
    for name in reserved {
        assert_eq!(template["Parameters"][name]["Default"], 0, "{name}");
    }
    let sum = |environment: &str| {
        let given = overrides(environment);
        let number = |name: &str| given[name].parse::<u64>().expect("a number");
        let reserved: u64 = reserved.map(number).iter().sum();
        (reserved, number("MaxJobsInFlight"))
    };
    let (staging, jobs_of_staging) = sum("staging");
    let (production, jobs) = sum("production");
    let left = USUAL_ACCOUNT - staging - production;
    assert!(left >= NEVER_RESERVED && left >= jobs + jobs_of_staging);
    // The stop switch of RUNBOOK and these are the same setting: functions with a share get it back from the template.
    let functions = functions(&template);
    for (name, condition, parameter) in [
        ("universal-agent", "ReservesForApi", "ApiConcurrency"),
        ("asset-worker", "ReservesForWorker", "WorkerConcurrency"),
        (
            "timeout-handler",
            "ReservesForRescuer",
            "RescuerConcurrency",
        ),
    ] {
        let share = &function(&functions, name)["ReservedConcurrentExecutions"]["!If"];
        let none = json!({ "!Ref": "AWS::NoValue" });
        assert_eq!(
            share,
            &json!([condition, { "!Ref": parameter }, none]),
            "{name}"
        );
        assert_eq!(
            template["Conditions"][condition],
            json!({ "!Not": [{ "!Equals": [{ "!Ref": parameter }, 0] }] })
        );
    }
    let runbook = text_of("docs/RUNBOOK.md");
    for account in [NEW_ACCOUNT, USUAL_ACCOUNT, 5000] {
        let row = runbook.lines().find_map(|line| {
            let cells: Vec<_> = line.split('|').map(str::trim).collect();
            let number = |cell: &str| cell.replace(',', "").parse::<u64>().ok();
            let numbers: Vec<_> = cells.iter().filter_map(|cell| number(cell)).collect();
            (numbers.len() == 5 && numbers[0] == account).then_some(numbers)
        });
        let [_, jobs, api, worker, rescuer] = row.expect("a row of the table")[..] else {
            panic!("five numbers");
        };
        let kept_free = if account == NEW_ACCOUNT {
            3
        } else {
            NEVER_RESERVED
        };
        assert!(
            jobs + api + worker + rescuer + kept_free <= account,
            "{account}"
        );
    }
}

#[test]
fn what_is_deployed_bears_the_tag_that_the_budget_counts() {
    let budget = &template()["Resources"]["AwsBudget"]["Properties"];
    assert_eq!(
        budget["Budget"]["CostFilters"]["TagKeyValue"],
        json!([sub("user:storytailor-environment$${Environment}")])
    );
    let settings = text_of("samconfig.toml");
    for environment in ENVIRONMENTS {
        let tag = format!("tags = [\"storytailor-environment={environment}\"]");
        assert_eq!(settings.matches(&tag).count(), 1, "{tag}");
    }
}
