//! The variables of a running stack, for the functions and for whoever reads `.local/env`.

use crate::{functions::deployed_name, ports::Ports};
use std::collections::BTreeMap;
use supabase::auth::Keys;

/// Shared secret of legacy tokens: the one every local project of the Supabase CLI has.
pub const JWT_SECRET: &str = "super-secret-jwt-token-with-at-least-32-characters-long";
pub const BUCKET: &str = "storytailor-assets-local";
pub const REGION: &str = "us-east-1";
/// Credentials the local S3 expects; Lambda and SSM do not look at theirs.
pub const ACCESS_KEY_ID: &str = "local";
pub const SECRET_ACCESS_KEY: &str = "local-secret";
/// The environment whose names are documented, so that commands of the runbook work here unchanged.
pub const ENVIRONMENT: &str = "production";

/// Who notices come from, unless the variable says otherwise.
const EMAIL_FROM: &str = "stories@storytailor.example";

/// What the access tokens of shops are sealed under: of no worth anywhere else.
const SHOP_KEY: &str = "c3Rvcnl0YWlsb3ItbG9jYWwtc2hvcC1rZXktMDAwMDE=";

/// Settings of the functions that are passed on when they are set outside. What no function reads is not among them.
const PASSED_THROUGH: [&str; 36] = [
    "EMAIL_FROM",
    "SUPABASE_JWT_ISSUER",
    "OPENAI_TEXT_MODEL",
    "OPENAI_ANALYSIS_MODEL",
    "OPENAI_IMAGE_MODELS",
    "BFL_API_KEY",
    "BFL_IMAGE_MODELS",
    "IMAGE_PROVIDERS",
    "PICTURE_QUALITY",
    "PICTURE_PREVIEWS",
    "PICTURE_TRIES",
    "PICTURE_TRY_SECONDS",
    "PICTURE_BUDGET_SECONDS",
    "PICTURE_BUDGET_USD",
    "ELEVENLABS_MODEL",
    "ELEVENLABS_DEFAULT_VOICE",
    "STAND_IN_NAMES",
    "KEEP_EXCHANGES",
    "IMAGE_FALLBACK",
    "IMAGE_CHECK_SKIPS",
    "IMAGE_CHECK_TRAITS",
    "JOB_LEASE_SECONDS",
    "MAX_JOBS_IN_FLIGHT",
    "MODEL_PRICES",
    "PROVIDER_TRY_SECONDS",
    "PROVIDER_PROBE_SECONDS",
    "PAYMENT_WEBHOOK_SECRET",
    "SHOPIFY_WEBHOOK_SECRET",
    "REFERENCES_ENDPOINT_URL",
    "WEBHOOK_ENDPOINT_URL",
    "SENTRY_DSN",
    "SENTRY_SAMPLE_RATE",
    "LOG_LEVEL",
    "DEBUG",
    "AWS_LAMBDA_LOG_LEVEL",
    "RUST_LOG",
];

/// Other names of the same settings, as the functions know them (`runtime::env`, which a test compares).
pub const ALIASES: [(&str, &str); 4] = [
    ("ELEVENLABS_KEY", "ELEVENLABS_API_KEY"),
    ("MAIL_FROM", "EMAIL_FROM"),
    ("NEXT_PUBLIC_SUPABASE_ANON_KEY", "SUPABASE_ANON_KEY"),
    ("NEXT_PUBLIC_SUPABASE_URL", "SUPABASE_URL"),
];

/// Where a provider is: the real one when its key is set outside, else the stand-in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    pub base_url: String,
    pub api_key: String,
    pub is_stand_in: bool,
}

impl Provider {
    /// The key under the first of its names that is set.
    fn choose(keys: &[&str], url: &str, real: &str, stand_in: String) -> Self {
        let key = keys.iter().find_map(|name| variable(name));
        let base_url = variable(url);
        Self {
            is_stand_in: key.is_none() && base_url.is_none(),
            base_url: base_url.unwrap_or(match key {
                Some(_) => real.to_owned(),
                None => stand_in,
            }),
            api_key: key.unwrap_or_else(|| "local".to_owned()),
        }
    }

    pub fn openai(ports: Ports) -> Self {
        Self::choose(
            &["OPENAI_API_KEY"],
            "OPENAI_BASE_URL",
            "https://api.openai.com/v1",
            format!("http://127.0.0.1:{}/v1", ports.openai),
        )
    }

    /// The second provider of pictures, whom nobody asks without a key; its stand-in listens where that of OpenAI does.
    pub fn bfl(ports: Ports) -> Self {
        let stand_in = format!("http://127.0.0.1:{}", ports.openai);
        let real = "https://api.eu.bfl.ai";
        Self::choose(&["BFL_API_KEY"], "BFL_BASE_URL", real, stand_in)
    }

    pub fn elevenlabs(ports: Ports) -> Self {
        let stand_in = format!("http://127.0.0.1:{}", ports.elevenlabs);
        Self::choose(
            &["ELEVENLABS_API_KEY", "ELEVENLABS_KEY"],
            "ELEVENLABS_BASE_URL",
            "https://api.elevenlabs.io",
            stand_in,
        )
    }
}

/// A variable of our own environment, under its own name or another; an empty one counts as unset.
pub fn variable(name: &str) -> Option<String> {
    let others = ALIASES.iter().filter(|(_, own)| *own == name);
    std::iter::once(name)
        .chain(others.map(|(alias, _)| *alias))
        .find_map(environment)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the stack is configured by its environment"
)]
fn environment(name: &str) -> Option<String> {
    let value = std::env::var(name).ok()?.trim().to_owned();
    (!value.is_empty()).then_some(value)
}

pub fn supabase_url(ports: Ports) -> String {
    format!("http://127.0.0.1:{}", ports.gateway)
}

/// What the functions need, and what a terminal, a front end or `cargo lambda watch` needs to join in.
pub fn shared(ports: Ports, keys: &Keys) -> BTreeMap<String, String> {
    let at = |port: u16| format!("http://127.0.0.1:{port}");
    let openai = Provider::openai(ports);
    let elevenlabs = Provider::elevenlabs(ports);
    let mut variables = BTreeMap::from(
        [
            ("SUPABASE_URL", supabase_url(ports)),
            ("SUPABASE_ANON_KEY", keys.legacy_api_key("anon")),
            (
                "SUPABASE_SERVICE_ROLE_KEY",
                keys.legacy_api_key("service_role"),
            ),
            ("SUPABASE_JWT_SECRET", JWT_SECRET.to_owned()),
            ("AWS_ENDPOINT_URL_LAMBDA", at(ports.lambda)),
            ("AWS_ENDPOINT_URL_S3", at(ports.files)),
            ("AWS_ENDPOINT_URL_SESV2", at(ports.mail)),
            ("AWS_REGION", REGION.to_owned()),
            // What older AWS command lines read instead.
            ("AWS_DEFAULT_REGION", REGION.to_owned()),
            ("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY.to_owned()),
            ("ASSETS_BUCKET", BUCKET.to_owned()),
            ("ASSETS_CDN_URL", format!("{}/cdn", at(ports.files))),
            ("OPENAI_BASE_URL", openai.base_url),
            ("OPENAI_API_KEY", openai.api_key),
            ("BFL_BASE_URL", Provider::bfl(ports).base_url),
            ("ELEVENLABS_BASE_URL", elevenlabs.base_url),
            ("ELEVENLABS_API_KEY", elevenlabs.api_key),
            ("CONTENT_AGENT_FUNCTION", deployed_name("content-agent")),
            ("ASSET_WORKER_FUNCTION", deployed_name("asset-worker")),
            ("TIMEOUT_HANDLER_FUNCTION", deployed_name("timeout-handler")),
            ("EMAIL_FROM", EMAIL_FROM.to_owned()),
            ("SHOP_KEY", SHOP_KEY.to_owned()),
            // Every shop is the stand-in, which listens where that of SES does.
            ("SHOPIFY_ENDPOINT_URL", at(ports.mail)),
            ("ENVIRONMENT", "local".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    );
    for name in PASSED_THROUGH {
        if let Some(value) = variable(name) {
            variables.insert(name.to_owned(), value);
        }
    }
    variables
}
