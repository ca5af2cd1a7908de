//! Every variable a function reads, in one place. Each comes from the environment, else from SSM below
//! `SSM_PARAMETER_PREFIX`.

/// Anonymous key of the Supabase project, for what runs with a user's rights.
pub const SUPABASE_ANON_KEY: &str = "SUPABASE_ANON_KEY";
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

/// Key of the ElevenLabs account. Secret. Goes before `ELEVENLABS_KEY` where both are set.
pub const ELEVENLABS_API_KEY: &str = "ELEVENLABS_API_KEY";
/// The name older documents use for the same key.
pub const ELEVENLABS_KEY: &str = "ELEVENLABS_KEY";
/// Base URL, default `https://api.elevenlabs.io`.
pub const ELEVENLABS_BASE_URL: &str = "ELEVENLABS_BASE_URL";
/// Speech model, default `eleven_multilingual_v2`.
pub const ELEVENLABS_MODEL: &str = "ELEVENLABS_MODEL";
/// Id of the voice for stories nobody chose one for. Optional: else Rachel, else the first voice of the account.
pub const ELEVENLABS_DEFAULT_VOICE: &str = "ELEVENLABS_DEFAULT_VOICE";

/// Seconds after which one try of any provider call is given up; by default each kind of call has its own limit.
pub const PROVIDER_TRY_SECONDS: &str = "PROVIDER_TRY_SECONDS";
/// Seconds for which a provider that is down is left alone, default 25.
pub const PROVIDER_PROBE_SECONDS: &str = "PROVIDER_PROBE_SECONDS";

/// Bucket of finished assets.
pub const ASSETS_BUCKET: &str = "ASSETS_BUCKET";
/// Public base address of that bucket.
pub const ASSETS_CDN_URL: &str = "ASSETS_CDN_URL";
/// Set by the local stack: S3 under another address, with the bucket in the path.
pub const AWS_ENDPOINT_URL_S3: &str = "AWS_ENDPOINT_URL_S3";

/// Deployed name of the content agent.
pub const CONTENT_AGENT_FUNCTION: &str = "CONTENT_AGENT_FUNCTION";
/// Deployed name of the asset worker.
pub const ASSET_WORKER_FUNCTION: &str = "ASSET_WORKER_FUNCTION";
/// `production`, `staging` or `local`.
pub const ENVIRONMENT: &str = "ENVIRONMENT";
/// Jobs being made at one moment, in all, default 1000.
pub const MAX_JOBS_IN_FLIGHT: &str = "MAX_JOBS_IN_FLIGHT";
/// Seconds a claim holds without a heartbeat, 5 to 60, default 60.
pub const JOB_LEASE_SECONDS: &str = "JOB_LEASE_SECONDS";
/// `placeholder` (default) or `fail`: what a picture that cannot be made becomes (C-07).
pub const IMAGE_FALLBACK: &str = "IMAGE_FALLBACK";
/// Trait codes that the picture check leaves out, comma separated (S1-263).
pub const IMAGE_CHECK_SKIPS: &str = "IMAGE_CHECK_SKIPS";

/// Path below which SSM holds the variables that are not in the environment.
pub const SSM_PARAMETER_PREFIX: &str = "SSM_PARAMETER_PREFIX";
