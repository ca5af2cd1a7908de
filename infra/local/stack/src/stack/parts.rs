//! The parts of a stack, each started by itself: functions, Postgres, Supabase, files, the servers, Lambda.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use axum::{Router, middleware};
use sqlx::{PgPool, postgres::PgPoolOptions};
use supabase::{
    auth::{AuthServer, Keys},
    gateway::{ApiKeys, GatewayConfig, gateway},
    postgres::Postgres,
    postgrest,
    realtime::RealtimeServer,
    trouble::{Context as _, Trouble},
};
use tokio::{net::TcpListener, task::JoinSet};

use super::StackOptions;
use crate::{
    breakpoints::{Breakpoints, Server, stop_here},
    environment,
    files::FilesServer,
    functions,
    home::Home,
    lambda::{EmulatorConfig, Faults},
    mail,
    ports::{Ports, listen},
};

/// The ports of this process, held before anything is started, so that one in use leaves nothing half-done.
pub(super) struct Listeners {
    pub(super) lambda: TcpListener,
    pub(super) gateway: TcpListener,
    pub(super) files: TcpListener,
    pub(super) openai: TcpListener,
    pub(super) elevenlabs: TcpListener,
    pub(super) mail: TcpListener,
}

impl Listeners {
    pub(super) async fn bind(ports: Ports) -> Result<Self, Trouble> {
        // Another process will bind that one.
        drop(listen(ports.postgres, "Postgres").await?);
        Ok(Self {
            lambda: listen(ports.lambda, "Lambda").await?,
            gateway: listen(ports.gateway, "the Supabase gateway").await?,
            files: listen(ports.files, "S3 and the CDN").await?,
            openai: listen(ports.openai, "the OpenAI stand-in").await?,
            elevenlabs: listen(ports.elevenlabs, "the ElevenLabs stand-in").await?,
            mail: listen(ports.mail, "the SES stand-in").await?,
        })
    }
}

/// The folder with the four binaries; empty where `cargo lambda watch` builds them itself.
pub(super) async fn build_functions(options: &StackOptions) -> Result<PathBuf, Trouble> {
    if options.watch.is_some() {
        return Ok(PathBuf::new());
    }
    let reporter = options.reporter;
    reporter.begin("Building the four functions (a minute or two the first time, seconds later)");
    functions::build(&options.workspace, options.profile, reporter).await
}

/// Postgres with every migration applied.
pub(super) async fn start_postgres(
    options: &StackOptions,
    home: &Home,
) -> Result<Postgres, Trouble> {
    let starting = "Starting Postgres and applying migrations";
    let step = options.reporter.step(starting);
    let postgres = Postgres::start(
        &home.join("postgres"),
        options.ports.postgres,
        &options.workspace.join("infra/supabase/migrations"),
        &|line| options.reporter.line(line),
    )
    .await?;
    step.done("ready");
    Ok(postgres)
}

/// What a Supabase project has besides its database.
pub(super) struct Supabase {
    pub(super) pool: PgPool,
    pub(super) keys: Arc<Keys>,
    pub(super) realtime: RealtimeServer,
    pub(super) gateway: GatewayConfig,
    /// Everything behind the gateway's port.
    pub(super) router: Router,
}

impl Supabase {
    pub(super) async fn start(
        postgres: &Postgres,
        home: &Home,
        ports: Ports,
        breakpoints: &Breakpoints,
    ) -> Result<Self, Trouble> {
        let issuer = format!("{}/auth/v1", environment::supabase_url(ports));
        let key_file = home.join("auth-key.pem");
        let keys = Keys::load_or_create(&key_file, issuer, environment::JWT_SECRET)?;
        let keys = Arc::new(keys);
        let pool = PgPoolOptions::new()
            .max_connections(16)
            .connect(&postgres.address().superuser_url())
            .await
            .context("could not start the local database pool")?;
        let login = postgres.address().authenticator_url();
        let rest = postgrest::router(&login, &keys.verification_jwks()).await?;
        let realtime = RealtimeServer::start(pool.clone(), Arc::clone(&keys)).await?;
        let mails = home.join(mail::FOLDER);
        let auth = AuthServer::new(pool.clone(), Arc::clone(&keys), mails);
        let config = GatewayConfig::new(ApiKeys::local(&keys));
        let rest = interruptible(rest, breakpoints, Server::Rest);
        Ok(Self {
            router: gateway(config.clone(), rest, &realtime, &auth),
            pool,
            keys,
            realtime,
            gateway: config,
        })
    }
}

/// S3 and the CDN over the stack's own folder.
pub(super) fn open_files(home: &Home) -> Result<FilesServer, Trouble> {
    FilesServer::open(
        &home.join("files"),
        environment::BUCKET,
        environment::ACCESS_KEY_ID,
        environment::SECRET_ACCESS_KEY,
    )
}

/// Serves everything that runs in this process; dropping the set stops it.
pub(super) fn serve_all(all: [(TcpListener, Router); 5]) -> JoinSet<()> {
    let mut servers = JoinSet::new();
    for (listener, router) in all {
        servers.spawn(async move {
            if let Err(error) = supabase::gateway::serve(listener, router).await {
                tracing::error!(%error, "A server of the stack stopped");
            }
        });
    }
    servers
}

/// `router`, whose requests breakpoints can stop.
pub(super) fn interruptible(router: Router, breakpoints: &Breakpoints, server: Server) -> Router {
    let state = (breakpoints.clone(), server);
    router.layer(middleware::from_fn_with_state(state, stop_here))
}

/// What the emulator is told of the functions and schedules, and who else runs them.
pub(super) fn lambda(
    options: &StackOptions,
    home: &Home,
    binaries: &Path,
    variables: &BTreeMap<String, String>,
    runner: Option<String>,
) -> EmulatorConfig {
    EmulatorConfig {
        functions: functions::configs(binaries, variables, options.at_once),
        runner,
        url_function: Some("universal-agent".to_owned()),
        schedules: functions::schedules(options.schedule),
        region: environment::REGION.to_owned(),
        faults: Faults {
            duplicate_rate: options.duplicate_rate,
            ..Faults::default()
        },
        log_dir: Some(home.join("logs")),
        dead_letter_file: Some(home.join("dead-letters.jsonl")),
        ..EmulatorConfig::default()
    }
}
