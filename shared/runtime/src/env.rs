//! Every variable a function reads, in one place. Each comes from the environment; what [`parameters`] names, else from
//! SSM below `SSM_PARAMETER_PREFIX`.

/// Anonymous key of the Supabase project, for what runs with a user's rights: front ends and `cargo local`. No function
/// reads it.
pub const SUPABASE_ANON_KEY: &str = "SUPABASE_ANON_KEY";
/// Issuers of access tokens beside `{SUPABASE_URL}/auth/v1`, comma separated. For a custom domain or a self-hosted stack,
/// whose tokens name another address than the one the functions call.
pub const SUPABASE_JWT_ISSUER: &str = "SUPABASE_JWT_ISSUER";
/// Key that passes row-level security: legacy service_role JWT or `sb_secret_…`. Secret.
pub const SUPABASE_SERVICE_ROLE_KEY: &str = "SUPABASE_SERVICE_ROLE_KEY";
/// Legacy HS256 secret of access tokens. Optional; projects on signing keys have none. Secret.
pub const SUPABASE_JWT_SECRET: &str = "SUPABASE_JWT_SECRET";
/// Base URL of the Supabase project.
pub const SUPABASE_URL: &str = "SUPABASE_URL";

/// Key of the OpenAI account. Secret.
pub const OPENAI_API_KEY: &str = "OPENAI_API_KEY";
/// Base URL with version, default `https://api.openai.com/v1`.
pub const OPENAI_BASE_URL: &str = "OPENAI_BASE_URL";
/// Model of the story text, default `gpt-5.2`.
pub const OPENAI_TEXT_MODEL: &str = "OPENAI_TEXT_MODEL";
/// Model of palette, scene analysis, checks and activities, default `gpt-5.2`.
pub const OPENAI_ANALYSIS_MODEL: &str = "OPENAI_ANALYSIS_MODEL";
/// Picture models, tried in order, comma separated, default `gpt-image-2.5-sunburst,gpt-image-2`.
pub const OPENAI_IMAGE_MODELS: &str = "OPENAI_IMAGE_MODELS";

/// Key of the Black Forest Labs account, the second provider of pictures. Optional: without it that one is never asked. Secret.
pub const BFL_API_KEY: &str = "BFL_API_KEY";
/// Base URL, default `https://api.eu.bfl.ai`, whose machines stand in the European Union.
pub const BFL_BASE_URL: &str = "BFL_BASE_URL";
/// Its models, tried in order, comma separated, default `flux-2-pro`.
pub const BFL_IMAGE_MODELS: &str = "BFL_IMAGE_MODELS";
/// Providers of pictures in the order of asking, default `openai,bfl`; one without a key is left out.
pub const IMAGE_PROVIDERS: &str = "IMAGE_PROVIDERS";

/// Key of the ElevenLabs account. Secret. Goes before `ELEVENLABS_KEY` where both are set.
pub const ELEVENLABS_API_KEY: &str = "ELEVENLABS_API_KEY";
/// Other name of [`ELEVENLABS_API_KEY`].
pub const ELEVENLABS_KEY: &str = "ELEVENLABS_KEY";
/// Base URL, default `https://api.elevenlabs.io`.
pub const ELEVENLABS_BASE_URL: &str = "ELEVENLABS_BASE_URL";
/// Speech models, tried in order, comma separated, default `eleven_multilingual_v2`.
pub const ELEVENLABS_MODEL: &str = "ELEVENLABS_MODEL";
/// Id of the voice for stories nobody chose one for. Optional: else Rachel, else the first voice of the account.
pub const ELEVENLABS_DEFAULT_VOICE: &str = "ELEVENLABS_DEFAULT_VOICE";

/// Prices of models that the list lacks or that it has wrong, in USD, comma separated: `model=0.05` (a picture, or a thousand
/// credits of speech) or `model=1.75/14` (a million tokens in and out).
pub const MODEL_PRICES: &str = "MODEL_PRICES";
/// Seconds after which one try of any provider call is given up; by default each kind of call has its own limit.
pub const PROVIDER_TRY_SECONDS: &str = "PROVIDER_TRY_SECONDS";
/// Seconds after which one try at a picture is given up, default 60.
pub const PICTURE_TRY_SECONDS: &str = "PICTURE_TRY_SECONDS";
/// Seconds that failing tries at one picture may take in all, whoever is asked and however many attempts it takes, default 240.
pub const PICTURE_BUDGET_SECONDS: &str = "PICTURE_BUDGET_SECONDS";
/// US dollars that may be paid for drawing one picture, by all providers and in all attempts, default 0.12.
pub const PICTURE_BUDGET_USD: &str = "PICTURE_BUDGET_USD";
/// `medium` (default) or `high`: how finely pictures are drawn, by models that have a choice.
pub const PICTURE_QUALITY: &str = "PICTURE_QUALITY";
/// `true`: pictures are shown while they are drawn, by models that do, which costs some USD 0.003 each. Default `false`.
pub const PICTURE_PREVIEWS: &str = "PICTURE_PREVIEWS";
/// Pictures that are drawn for one wish until one passes its check, 1 to 6, default 3.
pub const PICTURE_TRIES: &str = "PICTURE_TRIES";
/// `true`: of what characters are called only who reads aloud hears; all other providers hear a stand-in name. Default `false`.
pub const STAND_IN_NAMES: &str = "STAND_IN_NAMES";
/// `false`: what providers are asked and answer is not kept beside a story's files. Default `true`; `cargo local replay` makes a
/// story again from it.
pub const KEEP_EXCHANGES: &str = "KEEP_EXCHANGES";
/// Seconds for which a provider that is down is left alone, default 25.
pub const PROVIDER_PROBE_SECONDS: &str = "PROVIDER_PROBE_SECONDS";

/// Secret that Shopify signs its events with; while it is replaced two, comma separated. Optional: without it none is
/// believed. Secret.
pub const SHOPIFY_WEBHOOK_SECRET: &str = "SHOPIFY_WEBHOOK_SECRET";
/// The same of the payment provider: `whsec_` and Base64 of 24 bytes or more. Secret.
pub const PAYMENT_WEBHOOK_SECRET: &str = "PAYMENT_WEBHOOK_SECRET";

/// Key under which what opens users' shops is kept: Base64 of 32 bytes; while it is replaced two, comma separated,
/// of which the first seals. Optional: without it no shop can be connected. Secret.
pub const SHOP_KEY: &str = "SHOP_KEY";
/// Set by the local stack: where all shops are, host and path of their address behind it. Taken on 127.0.0.1 alone, and not set
/// for what is deployed.
pub const SHOPIFY_ENDPOINT_URL: &str = "SHOPIFY_ENDPOINT_URL";

/// Bucket of finished assets.
pub const ASSETS_BUCKET: &str = "ASSETS_BUCKET";
/// Public base address of that bucket.
pub const ASSETS_CDN_URL: &str = "ASSETS_CDN_URL";
/// Id of the CloudFront distribution in front of it. Optional: without it the CDN keeps its copies of deleted files until
/// they run out, which may be a year.
pub const ASSETS_DISTRIBUTION_ID: &str = "ASSETS_DISTRIBUTION_ID";
/// Set by the local stack: S3 under another address, with the bucket in the path.
pub const AWS_ENDPOINT_URL_S3: &str = "AWS_ENDPOINT_URL_S3";

/// Address of the page, with a slash at its end. Optional: links in mails and to shared books need it.
pub const APP_URL: &str = "APP_URL";

/// Address of the API, without a path. Optional: mails of whoever does not know it cannot be switched off by their reader's
/// program.
pub const API_URL: &str = "API_URL";

/// Deployed name of the content agent.
pub const CONTENT_AGENT_FUNCTION: &str = "CONTENT_AGENT_FUNCTION";
/// Deployed name of the asset worker.
pub const ASSET_WORKER_FUNCTION: &str = "ASSET_WORKER_FUNCTION";
/// Deployed name of the timeout handler, who sends notices as well.
pub const TIMEOUT_HANDLER_FUNCTION: &str = "TIMEOUT_HANDLER_FUNCTION";
/// Who notices come from: an address that SES may send for, or a name with one in angle brackets. Optional: without it no
/// mail is sent.
pub const EMAIL_FROM: &str = "EMAIL_FROM";
/// SES's configuration set, which says where its reports of mails go. Optional.
pub const EMAIL_CONFIGURATION_SET: &str = "EMAIL_CONFIGURATION_SET";
/// For whoever tries webhooks on one machine: `http://127.0.0.1:` and a port, where all of them go, host and path of their
/// endpoint behind it. No other address is taken, and none is set for what is deployed.
pub const WEBHOOK_ENDPOINT_URL: &str = "WEBHOOK_ENDPOINT_URL";
/// For whoever tries reference pictures on one machine: the same for addresses that users name of them.
pub const REFERENCES_ENDPOINT_URL: &str = "REFERENCES_ENDPOINT_URL";
/// How much is logged, before all other settings of that: `error` to `trace`, or levels by module (`info,store=debug`).
pub const LOG_LEVEL: &str = "LOG_LEVEL";
/// `true`: as [`LOG_LEVEL`] `debug`.
pub const DEBUG: &str = "DEBUG";
/// CloudWatch's namespace of our metrics. Optional: without it lines carry none.
pub const METRICS_NAMESPACE: &str = "METRICS_NAMESPACE";
/// Where errors of a Sentry project go: `https://KEY@HOST/PROJECT`. Optional: without it nothing is sent. Secret.
pub const SENTRY_DSN: &str = "SENTRY_DSN";
/// The share of errors that is sent, 0 to 1, default 1.
pub const SENTRY_SAMPLE_RATE: &str = "SENTRY_SAMPLE_RATE";
/// `production`, `staging` or `local`.
pub const ENVIRONMENT: &str = "ENVIRONMENT";
/// Jobs being made at one moment, in all, default 1000.
pub const MAX_JOBS_IN_FLIGHT: &str = "MAX_JOBS_IN_FLIGHT";
/// Seconds a claim holds without a heartbeat, 5 to 60, default 60.
pub const JOB_LEASE_SECONDS: &str = "JOB_LEASE_SECONDS";
/// `placeholder` (default) or `fail`: what a picture that cannot be made becomes (C-07).
pub const IMAGE_FALLBACK: &str = "IMAGE_FALLBACK";
/// How much it matters that a picture shows a trait: `glasses=wanted,cane=ignored`; what is not named is `required` (S1-263).
pub const IMAGE_CHECK_TRAITS: &str = "IMAGE_CHECK_TRAITS";
/// Trait codes that the picture check leaves out, comma separated (S1-263).
pub const IMAGE_CHECK_SKIPS: &str = "IMAGE_CHECK_SKIPS";

/// Path below which SSM holds what [`parameters`] names.
pub const SSM_PARAMETER_PREFIX: &str = "SSM_PARAMETER_PREFIX";

/// Names that the documents, or a front end's build, give to the same settings, and ours. The own name wins.
pub const ALIASES: [(&str, &str); 4] = [
    (ELEVENLABS_KEY, ELEVENLABS_API_KEY),
    ("MAIL_FROM", EMAIL_FROM),
    ("NEXT_PUBLIC_SUPABASE_ANON_KEY", SUPABASE_ANON_KEY),
    ("NEXT_PUBLIC_SUPABASE_URL", SUPABASE_URL),
];

/// What each function asks SSM for, by name: its role may read these and no others.
pub mod parameters {
    use super::*;

    pub const UNIVERSAL_AGENT: &[&str] = &[
        SUPABASE_SERVICE_ROLE_KEY,
        SENTRY_DSN,
        SUPABASE_JWT_SECRET,
        OPENAI_API_KEY,
        ELEVENLABS_API_KEY,
        ELEVENLABS_KEY,
        SHOPIFY_WEBHOOK_SECRET,
        PAYMENT_WEBHOOK_SECRET,
        SHOP_KEY,
    ];
    pub const CONTENT_AGENT: &[&str] = &[
        SUPABASE_SERVICE_ROLE_KEY,
        SENTRY_DSN,
        OPENAI_API_KEY,
        BFL_API_KEY,
        ELEVENLABS_API_KEY,
        ELEVENLABS_KEY,
        IMAGE_FALLBACK,
        IMAGE_CHECK_SKIPS,
        IMAGE_CHECK_TRAITS,
        MODEL_PRICES,
        PROVIDER_TRY_SECONDS,
        PROVIDER_PROBE_SECONDS,
    ];
    pub const ASSET_WORKER: &[&str] = &[SUPABASE_SERVICE_ROLE_KEY, SENTRY_DSN];
    pub const TIMEOUT_HANDLER: &[&str] = &[SUPABASE_SERVICE_ROLE_KEY, SHOP_KEY, SENTRY_DSN];

    /// By the deployed name's middle part.
    pub const ALL: [(&str, &[&str]); 4] = [
        ("universal-agent", UNIVERSAL_AGENT),
        ("content-agent", CONTENT_AGENT),
        ("asset-worker", ASSET_WORKER),
        ("timeout-handler", TIMEOUT_HANDLER),
    ];

    /// One call of GetParameters takes no more names (SSM's API reference). Two are made at once where there are more.
    pub(crate) const NAMES_PER_CALL: usize = 10;
    const _: () = assert!(
        UNIVERSAL_AGENT.len() <= 2 * NAMES_PER_CALL && CONTENT_AGENT.len() <= 2 * NAMES_PER_CALL
    );
}

#[cfg(test)]
mod tests {
    use super::{ALIASES, parameters};
    use std::{fs, path::Path};

    fn text_below(folder: &Path, ending: &str) -> String {
        let mut text = String::new();
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                text += &text_below(&path, ending);
            } else if path.to_string_lossy().ends_with(ending) {
                text += &fs::read_to_string(&path).unwrap();
            }
        }
        text
    }

    /// The rest of each line that begins so, up to the first character no name of a variable has.
    fn names_after<'t>(text: &'t str, beginning: &str) -> Vec<&'t str> {
        let starts = text.lines().filter_map(|line| line.strip_prefix(beginning));
        let is_part = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
        starts
            .map(|rest| rest.split(|c| !is_part(c)).next().unwrap())
            .filter(|name| !name.is_empty())
            .collect()
    }

    #[test]
    fn every_setting_is_read_and_what_is_set_for_the_functions_is_one() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let file = |path: &str| fs::read_to_string(root.join(path)).unwrap();
        let names = file("shared/runtime/src/env.rs");
        let names = names_after(&names, "pub const ");
        assert!(names.len() > 20, "{names:?}");

        let functions = text_below(&root.join("functions"), ".rs");
        let runtime = text_below(&root.join("shared/runtime/src"), ".rs");
        for name in &names {
            let is_alias = ALIASES.iter().any(|(alias, _)| alias == name);
            // A front end's key has its name here for the alias alone.
            let is_known = is_alias || ["SUPABASE_ANON_KEY", "ALIASES"].contains(name);
            let used = format!("env::{name}");
            assert!(
                is_known || functions.contains(&used) || runtime.contains(&used),
                "no function reads {name}"
            );
        }

        let template = file("template.yaml");
        let variables = template.split_once("      Variables:\n").unwrap().1;
        let variables = variables.split_once("\nResources:").unwrap().0;
        // Every deployed function gets all that it reads: from the template, or by name from SSM.
        let shared = ["SUPABASE_URL", "SUPABASE_SERVICE_ROLE_KEY", "SENTRY_DSN"];
        for (function, asked_for) in parameters::ALL {
            let source = text_below(&root.join("functions").join(function), ".rs");
            let read = names.iter().filter(|name| {
                shared.contains(name)
                    || source
                        .match_indices(&format!("env::{name}"))
                        .any(|(at, found)| {
                            !source[at + found.len()..]
                                .starts_with(|c: char| c == '_' || c.is_ascii_uppercase())
                        })
            });
            for name in read {
                let is_given = asked_for.contains(name)
                    || names_after(variables, "        ").contains(name)
                    // One that this function alone gets.
                    || template.contains(&format!("\n          {name}: "))
                    || [
                        "AWS_ENDPOINT_URL_S3",
                        "REFERENCES_ENDPOINT_URL",
                        "SHOPIFY_ENDPOINT_URL",
                        "WEBHOOK_ENDPOINT_URL",
                    ]
                    .contains(name);
                assert!(is_given, "a deployed {function} never sees {name}");
            }
            for name in asked_for {
                let own = ALIASES.iter().find(|(alias, _)| alias == name);
                let own = own.map_or(*name, |(_, own)| own);
                let used = source.contains(&format!("env::{own}")) || shared.contains(&own);
                assert!(used, "{function} asks for {name} and does not read it");
            }
        }
        let stack = file("infra/local/stack/src/environment.rs");
        let passed = stack.split_once("const PASSED_THROUGH").unwrap().1;
        let passed = passed.split_once("];").unwrap().0;
        // The platform and the log read these.
        let others = ["AWS_LAMBDA_LOG_LEVEL", "RUST_LOG"];
        for set in names_after(variables, "        ")
            .into_iter()
            .chain(names_after(passed, "    \""))
        {
            assert!(
                names.contains(&set) || others.contains(&set),
                "{set} is set and nobody reads it"
            );
        }
        for (alias, name) in ALIASES {
            assert!(stack.contains(&format!("(\"{alias}\", \"{name}\")")));
        }
    }
}
