//! What handlers may touch, built once per process, and the configuration it is built from.

use crate::{
    ElevenLabsVoices, TokenVerifier, Voices, last_known::LastKnown, moderation::PATIENCE,
    rates::Rates, recent::Recent, signatures::Secrets,
};
use domain::{estimate::Medians, picture_quality::PictureQuality};
use providers::Moderation;
use runtime::{
    Aws, Invoke, LambdaInvoker, SealingKeys, SettingError, Variables, chain, env, http_client,
    signing::UnsubscribeKey,
};
use std::{error::Error, sync::Arc, time::Duration};
use store::{Plans, RestConfig, Store, Uploads};

/// What the API may touch.
pub struct Deps {
    pub store: Store,
    pub invoker: Arc<dyn Invoke>,
    pub verifier: TokenVerifier,
    pub voices: Arc<dyn Voices>,
    pub moderation: Moderation,
    pub uploads: Uploads,
    pub config: Config,
    pub(crate) plans: Recent<Plans>,
    pub(crate) medians: Recent<Medians>,
    pub(crate) last_known: LastKnown,
    pub(crate) rates: Rates,
    pub(crate) secrets: Secrets,
    pub(crate) unsubscribing: UnsubscribeKey,
    /// `SHOP_KEY`: what seals the keys of users to their shops; without it none can be connected.
    pub(crate) shop_keys: Option<SealingKeys>,
}

/// How long plans are told without being read again; their page is cached longer still.
pub(crate) const PLANS_FRESH_FOR: Duration = Duration::from_secs(60);
/// How long medians serve without being read again; they are computed anew every quarter of an hour.
pub(crate) const MEDIANS_FRESH_FOR: Duration = Duration::from_secs(60);

/// What each handler gets: the one [`Deps`] of the process.
pub(crate) type AppState = Arc<Deps>;

/// Names of what the API calls, and of where it runs.
#[derive(Clone, Debug)]
pub struct Config {
    /// `CONTENT_AGENT_FUNCTION`: who writes the text.
    pub content_agent: String,
    /// `ASSET_WORKER_FUNCTION`: who dispatches what became claimable.
    pub asset_worker: String,
    /// `TIMEOUT_HANDLER_FUNCTION`: who sends a notice when a command ends a story.
    pub notice_sender: Option<String>,
    /// `ENVIRONMENT`, default `local`; told by `GET /health`.
    pub environment: String,
    /// `APP_URL`: where the page is, with a slash at its end; links are told without an address where it is not known.
    pub page: Option<String>,
    /// `PICTURE_QUALITY`: what pictures are estimated at before any was measured.
    pub picture_quality: PictureQuality,
}

const ELEVENLABS: &str = "https://api.elevenlabs.io";
const OPENAI: &str = "https://api.openai.com/v1";

impl Config {
    /// A missing function name is an error, not a default: a wrong one would lose every event in silence.
    pub fn from_variables(variables: &Variables) -> Result<Self, SettingError> {
        Ok(Self {
            content_agent: variables.required(env::CONTENT_AGENT_FUNCTION)?.to_owned(),
            asset_worker: variables.required(env::ASSET_WORKER_FUNCTION)?.to_owned(),
            notice_sender: variables.notice_sender(),
            environment: variables
                .optional(env::ENVIRONMENT)
                .unwrap_or("local")
                .to_owned(),
            page: variables.optional(env::APP_URL).map(str::to_owned),
            picture_quality: variables
                .parsed_or(env::PICTURE_QUALITY, PictureQuality::default())?,
        })
    }
}

impl Deps {
    /// What assets take and cost; the documented figures while the database does not tell.
    pub(crate) async fn medians(&self) -> Medians {
        let medians = self.medians.get(self.store.asset_medians()).await;
        medians.unwrap_or_else(|error| {
            tracing::warn!(
                error = chain(&error),
                "Estimating by the documented figures"
            );
            Medians::default()
        })
    }

    /// Builds clients without using them: connections, keys and AWS configuration come with the first request.
    pub fn from_variables(
        variables: &Variables,
        aws: Arc<Aws>,
    ) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let http = http_client();
        let (supabase_url, service_role_key) = variables.supabase()?;
        let unsubscribing = UnsubscribeKey::of(&service_role_key);
        let legacy_secret = variables.optional_secret(env::SUPABASE_JWT_SECRET);
        let verifier = TokenVerifier::new(&supabase_url, legacy_secret.as_ref(), http.clone())
            .with_issuers(variables.list_or(env::SUPABASE_JWT_ISSUER, ""));
        let rest = RestConfig {
            supabase_url,
            service_role_key,
        };
        let base_url = variables.parsed_or(env::ELEVENLABS_BASE_URL, ELEVENLABS.parse()?)?;
        let openai = variables.parsed_or(env::OPENAI_BASE_URL, OPENAI.parse()?)?;
        // Where names are to stay with us, words are looked at once it is known which of them are names.
        let openai_key = match variables.parsed_or(env::STAND_IN_NAMES, false)? {
            true => None,
            false => variables.optional_secret(env::OPENAI_API_KEY),
        };
        let store = Store::new(&rest, http.clone())?;
        Ok(Self {
            store: store.clone(),
            invoker: Arc::new(LambdaInvoker::new(Arc::clone(&aws))),
            uploads: Uploads::new(
                async move { aws.config().clone() },
                variables.required(env::ASSETS_BUCKET)?.to_owned(),
                variables
                    .optional(env::AWS_ENDPOINT_URL_S3)
                    .map(str::to_owned),
            ),
            verifier,
            moderation: Moderation::new(&openai, openai_key, http.clone(), PATIENCE),
            voices: Arc::new(ElevenLabsVoices::new(
                base_url,
                variables.optional_secret(env::ELEVENLABS_API_KEY),
                variables.parsed_optional(env::ELEVENLABS_DEFAULT_VOICE)?,
                http,
                store,
            )),
            config: Config::from_variables(variables)?,
            plans: Recent::new(PLANS_FRESH_FOR),
            medians: Recent::new(MEDIANS_FRESH_FOR),
            last_known: LastKnown::default(),
            rates: Rates::default(),
            secrets: Secrets::new(
                &variables.list_or(env::SHOPIFY_WEBHOOK_SECRET, ""),
                &variables.list_or(env::PAYMENT_WEBHOOK_SECRET, ""),
            ),
            unsubscribing,
            shop_keys: SealingKeys::new(env::SHOP_KEY, &variables.list_or(env::SHOP_KEY, ""))?,
        })
    }
}
