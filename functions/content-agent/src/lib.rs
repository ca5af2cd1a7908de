//! Makes a story: its text, and each asset that grows out of it.
//!
//! One invocation starts with the text, or with claimed jobs of one story, and goes on with the jobs it makes claimable
//! itself, so that no dispatch stands between a picture and the next. What it cannot finish in its time goes back to the
//! queue, and the worker is woken for it.

mod art;
mod asking;
mod attempt;
mod config;
mod decode_pool;
mod deletion;
mod exchanges;
mod failure;
mod heartbeat;
mod model_watch;
mod pace;
mod picture_providers;
mod preparation;
mod prices;
mod prompt;
mod recording;
mod references;
mod session;
mod sheets;
mod shown;
mod snapshots;
mod stand_in_names;
mod steps;
mod story_context;
mod telling;
#[cfg(test)]
mod test_services;
mod trait_strictness;
mod unsaved;
mod usage;

pub use config::Config;
use config::ImageProvider;
pub use deletion::DeletionReport;
pub use model_watch::{Ending, ModelReport};
pub use preparation::PreparationReport;
pub use prices::Prices;
pub use snapshots::RecoveryReport;

use decode_pool::DecodePool;
use domain::{LeaseToken, StoryId};
use events::{Command, DispatchedJob, SendNotices, Tick};
use model_watch::ModelWatch;
use picture_providers::PictureProviders;
use providers::{Bfl, ElevenLabs, Moderation, OpenAi};
use runtime::{
    Aws, Deadline, Invoke, LambdaInvoker, PublicWeb, Shutdown, Variables, chain, env, http_client,
};
use serde::Serialize;
use std::{collections::BTreeMap, sync::Arc};
use store::{AssetFiles, Cdn, RestConfig, StartedContent, Store, StoreError};

/// What a job may touch. Built once per process, shared by every invocation.
pub struct Deps {
    pub store: Store,
    pub files: AssetFiles,
    pub cdn: Cdn,
    pub text: Arc<dyn providers::TextModel>,
    pub pictures: Arc<dyn providers::PictureModel>,
    pub speech: Arc<dyn providers::SpeechModel>,
    pub moderation: Moderation,
    /// Where users' pictures of characters come from.
    pub web: PublicWeb,
    pub invoker: Arc<dyn Invoke>,
    pub config: Config,
    pub decode_pool: DecodePool,
    pub(crate) model_watch: ModelWatch,
}

impl Deps {
    /// Builds every client once; none of them connects before it is used.
    pub fn from_variables(
        variables: &Variables,
        aws: Arc<Aws>,
    ) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let http = http_client();
        let (supabase_url, service_role_key) = variables.supabase()?;
        let rest = RestConfig {
            supabase_url,
            service_role_key,
        };
        let lazy = Arc::clone(&aws);
        let files = AssetFiles::new(
            async move { lazy.config().clone() },
            variables.optional(env::AWS_ENDPOINT_URL_S3).is_some(),
            variables.required(env::ASSETS_BUCKET)?.to_owned(),
            variables.parsed(env::ASSETS_CDN_URL)?,
        );
        let lazy = Arc::clone(&aws);
        let cdn = Cdn::new(
            async move { lazy.config().clone() },
            http.clone(),
            variables
                .optional(env::ASSETS_DISTRIBUTION_ID)
                .map(str::to_owned),
        );
        let openai = config::openai(variables)?;
        let moderation = Moderation::new(
            &openai.base_url,
            Some(openai.api_key.clone()),
            http.clone(),
            steps::MODERATION_PATIENCE,
        );
        let openai = Arc::new(OpenAi::new(openai, http.clone()));
        let elevenlabs = config::elevenlabs(variables)?;
        let elevenlabs = Arc::new(ElevenLabs::new(elevenlabs, http.clone()));
        let config = Config::from_variables(variables)?;
        let mut pictures: Vec<(_, Arc<dyn providers::PictureModel>)> = Vec::new();
        for provider in config::image_providers(variables)? {
            pictures.push(match provider {
                ImageProvider::OpenAi => (provider.name(), openai.clone()),
                ImageProvider::Bfl => {
                    let bfl = Bfl::new(config::bfl(variables)?, http.clone());
                    (provider.name(), Arc::new(bfl))
                }
            });
        }
        Ok(Self {
            store: Store::new(&rest, http.clone())?,
            files,
            cdn,
            web: PublicWeb::new(variables.detour(env::REFERENCES_ENDPOINT_URL)?),
            pictures: Arc::new(PictureProviders::new(pictures, config.prices.clone())),
            invoker: Arc::new(LambdaInvoker::new(aws)),
            config,
            decode_pool: DecodePool::default(),
            model_watch: ModelWatch::from_variables(variables, &openai, &elevenlabs),
            text: openai,
            speech: elevenlabs,
            moderation,
        })
    }

    /// The worker decides about what is not done here, and knows when there is room again.
    async fn wake_worker(&self) {
        let worker = &self.config.asset_worker;
        if let Err(error) = self.invoker.invoke(worker, Tick::WAKE.into()).await {
            tracing::error!(
                error = chain(&error),
                "Could not wake the asset worker; its schedule will find the jobs"
            );
        }
    }

    /// A story ended: its user is to hear of it.
    async fn wake_notice_sender(&self) {
        let Some(sender) = &self.config.notice_sender else {
            return;
        };
        if let Err(error) = self.invoker.invoke(sender, SendNotices.into()).await {
            tracing::warn!(
                error = chain(&error),
                "Could not wake the sender of notices; its schedule will find the notice"
            );
        }
    }
}

/// What an invocation did, per asset.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The event was dealt with; what became of each asset stands in the story's row.
    pub success: bool,
    pub story_id: String,
    /// The file of a single finished asset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// `ready`, `failed`, `retrying`, `released` or `lost`, per asset this invocation worked on.
    pub assets: BTreeMap<String, &'static str>,
}

impl Report {
    /// Nothing was done yet.
    fn of(story: StoryId) -> Self {
        Self {
            success: true,
            story_id: story.to_string(),
            url: None,
            assets: BTreeMap::new(),
        }
    }
}

/// What an invocation has to tell.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Done {
    Story(Report),
    Deletion(DeletionReport),
    Preparation(PreparationReport),
    Recovery(RecoveryReport),
    Models(ModelReport),
}

/// Why an invocation could not even begin.
#[derive(Debug, thiserror::Error)]
pub enum ContentAgentError {
    #[error("could not take up the work")]
    Start(#[source] StoreError),
    #[error("could not claim deletions")]
    ClaimDeletions(#[source] StoreError),
    #[error("could not claim or note snapshots")]
    ClaimSnapshots(#[source] StoreError),
    #[error("could not claim or note references")]
    PrepareReferences(#[source] StoreError),
    #[error("could not claim or note sheets")]
    DrawSheets(#[source] StoreError),
    #[error("could not recover the story")]
    Recover(#[source] StoreError),
}

/// One invocation: its name as the owner of leases, and when it has to end.
#[derive(Clone, Debug)]
pub struct Invocation {
    owner: String,
    deadline: Deadline,
    shutdown: Shutdown,
}

impl Invocation {
    /// `request_id` is Lambda's, by which the record of a dead invocation finds what it held. Two deliveries of one event
    /// share it, so each adds a nonce: a lease is granted to one of them only.
    pub fn new(request_id: &str, deadline: Deadline, shutdown: Shutdown) -> Self {
        Self {
            owner: format!("{request_id}/{}", uuid::Uuid::new_v4()),
            deadline,
            shutdown,
        }
    }
}

/// The answer of `start_content` while the cap or a provider's limit is reached: the text waits in the queue.
const AT_CAPACITY: &str = "AT_CAPACITY";

/// Carries out one event. Safe to call twice for one event: only one caller is granted the lease.
pub async fn handle(
    deps: Arc<Deps>,
    command: Command,
    invocation: Invocation,
) -> Result<Done, ContentAgentError> {
    match command {
        Command::GenerateStory {
            story_id,
            lease_token,
            ..
        } => write_story(deps, story_id, lease_token, invocation).await,
        Command::GenerateAssets { story_id, jobs } => {
            make_assets(deps, story_id, &jobs, invocation).await
        }
        Command::DeleteFiles => {
            let mut report = deletion::run(&deps, &invocation).await?;
            report.snapshots = snapshots::write_due(&deps, &invocation).await?;
            preparation::prepare_due(&deps, &invocation).await?;
            sheets::draw(&deps, None, &invocation).await?;
            Ok(Done::Deletion(report))
        }
        Command::PrepareCharacter { character_id } => {
            let mut report = preparation::prepare(&deps, character_id, &invocation).await?;
            report.sheets = sheets::draw(&deps, Some(character_id), &invocation).await?;
            Ok(Done::Preparation(report))
        }
        Command::RecoverStory { story_id } => {
            let recovered = snapshots::recover(&deps, story_id).await;
            recovered
                .map(Done::Recovery)
                .map_err(ContentAgentError::Recover)
        }
        Command::CheckModels => {
            let report = deps.model_watch.look(invocation.deadline).await;
            Ok(Done::Models(report))
        }
    }
}

#[tracing::instrument(name = "story", level = "error", skip_all, fields(storyId = %story))]
async fn write_story(
    deps: Arc<Deps>,
    story: StoryId,
    lease_token: Option<LeaseToken>,
    invocation: Invocation,
) -> Result<Done, ContentAgentError> {
    let (lease, cap) = (deps.config.lease, deps.config.max_jobs_in_flight);
    let started = deps
        .store
        .start_content(story, &invocation.owner, lease_token, lease, cap)
        .await;
    match started.map_err(ContentAgentError::Start)? {
        StartedContent::Granted { job, story } => {
            let report = session::run(deps, invocation, *story, vec![job]).await;
            Ok(Done::Story(report))
        }
        StartedContent::Refused { reason } => {
            tracing::info!(reason, "Text is not ours to write, leaving it alone");
            if reason == AT_CAPACITY {
                deps.wake_worker().await;
            }
            Ok(Done::Story(Report::of(story)))
        }
    }
}

#[tracing::instrument(name = "story", level = "error", skip_all, fields(storyId = %story))]
async fn make_assets(
    deps: Arc<Deps>,
    story: StoryId,
    jobs: &[DispatchedJob],
    invocation: Invocation,
) -> Result<Done, ContentAgentError> {
    let jobs: Vec<_> = jobs
        .iter()
        .map(|job| (job.job_id, job.lease_token))
        .collect();
    let started = deps
        .store
        .start_assets(story, &jobs, &invocation.owner, deps.config.lease)
        .await;
    let started = started.map_err(ContentAgentError::Start)?;
    let report = match started.story {
        Some(work) if !started.jobs.is_empty() => {
            session::run(deps, invocation, work, started.jobs).await
        }
        // Another delivery of the event was granted the lease, or the jobs are somebody else's by now.
        _ => Report::of(story),
    };
    Ok(Done::Story(report))
}
