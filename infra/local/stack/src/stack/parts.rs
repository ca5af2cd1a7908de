//! The parts of a stack, each started by itself: functions, Postgres, Supabase, files, the servers, Lambda.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use axum::{Router, middleware};
use sqlx::{PgPool, postgres::PgPoolOptions};
use stand_ins::{StandInConfig, elevenlabs_router, openai_router};
use supabase::{
    auth::{AuthServer, Keys},
    gateway::{ApiKeys, GatewayConfig, gateway},
    postgres::Postgres,
    postgrest,
    realtime::RealtimeServer,
};
use tokio::{net::TcpListener, task::JoinSet};

use super::{StackError, StackOptions};
use crate::{
    breakpoints::{Breakpoints, Server, stop_here},
    environment,
    files::FilesServer,
    functions,
    home::Home,
    lambda::{Emulator, EmulatorConfig, Faults},
    mail,
    ports::{PortError, Ports, listen, require_unused},
    watch::{Watch, WatchConfig},
};

/// The ports of this process, held before anything is started, so that one in use leaves nothing half-done.
pub(super) struct Listeners {
    pub(super) lambda: TcpListener,
    pub(super) served: ServedListeners,
}

/// Those of the servers that [`serve_all`] starts.
pub(super) struct ServedListeners {
    gateway: TcpListener,
    files: TcpListener,
    openai: TcpListener,
    elevenlabs: TcpListener,
    mail: TcpListener,
}

impl Listeners {
    pub(super) async fn bind(ports: Ports) -> Result<Self, PortError> {
        require_unused(ports.postgres, "Postgres").await?;
        Ok(Self {
            lambda: listen(ports.lambda, "Lambda").await?,
            served: ServedListeners {
                gateway: listen(ports.gateway, "the Supabase gateway").await?,
                files: listen(ports.files, "S3 and the CDN").await?,
                openai: listen(ports.openai, "the OpenAI stand-in").await?,
                elevenlabs: listen(ports.elevenlabs, "the ElevenLabs stand-in").await?,
                mail: listen(ports.mail, "the SES stand-in").await?,
            },
        })
    }
}

/// The folder with the four binaries; empty where `cargo lambda watch` builds them itself.
pub(super) async fn build_functions(options: &StackOptions) -> Result<PathBuf, StackError> {
    if options.watch.is_some() {
        return Ok(PathBuf::new());
    }
    let reporter = options.reporter;
    reporter.begin("Building the four functions (a minute or two the first time, seconds later)");
    Ok(functions::build(&options.workspace, options.profile, reporter).await?)
}

/// Postgres with every migration applied.
pub(super) async fn start_postgres(
    options: &StackOptions,
    home: &Home,
) -> Result<Postgres, StackError> {
    let step = options
        .reporter
        .step("Starting Postgres and applying migrations");
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
    ) -> Result<Self, StackError> {
        let issuer = format!("{}/auth/v1", environment::supabase_url(ports));
        let keys = Arc::new(Keys::load_or_create(
            &home.join("auth-key.pem"),
            issuer,
            environment::JWT_SECRET,
        )?);
        let pool = PgPoolOptions::new()
            .max_connections(16)
            .connect(&postgres.address().superuser_url())
            .await
            .map_err(|source| StackError::part("database pool", source))?;
        let rest = postgrest::router(
            &postgres.address().authenticator_url(),
            &keys.verification_jwks(),
        )
        .await?;
        let realtime = RealtimeServer::start(pool.clone(), Arc::clone(&keys))
            .await
            .map_err(|source| StackError::part("Realtime", source))?;
        let auth = AuthServer::new(pool.clone(), Arc::clone(&keys), home.join(mail::FOLDER));
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
pub(super) fn open_files(home: &Home) -> Result<FilesServer, StackError> {
    FilesServer::open(
        &home.join("files"),
        environment::BUCKET,
        environment::ACCESS_KEY_ID,
        environment::SECRET_ACCESS_KEY,
    )
    .map_err(|source| StackError::part("S3", source))
}

/// Serves everything that runs in this process; dropping the set stops it.
pub(super) fn serve_all(
    supabase: Router,
    files: Router,
    stand_ins: &StandInConfig,
    mail: Router,
    breakpoints: &Breakpoints,
    listeners: ServedListeners,
) -> JoinSet<()> {
    let openai = openai_router(stand_ins.clone());
    let elevenlabs = elevenlabs_router(stand_ins.clone());
    let stops = |router, server| interruptible(router, breakpoints, server);
    let mut servers = JoinSet::new();
    for (listener, router) in [
        (listeners.gateway, supabase),
        (listeners.files, stops(files, Server::Files)),
        (listeners.openai, stops(openai, Server::OpenAi)),
        (listeners.elevenlabs, stops(elevenlabs, Server::ElevenLabs)),
        (listeners.mail, stops(mail, Server::Mail)),
    ] {
        servers.spawn(async move {
            if let Err(error) = supabase::gateway::serve(listener, router).await {
                tracing::error!(%error, "A server of the stack stopped");
            }
        });
    }
    servers
}

/// `router`, whose requests breakpoints can stop.
fn interruptible(router: Router, breakpoints: &Breakpoints, server: Server) -> Router {
    let state = (breakpoints.clone(), server);
    router.layer(middleware::from_fn_with_state(state, stop_here))
}

/// Who runs the functions.
pub(super) enum Lambda {
    Emulated(Box<Emulator>),
    Watched(Watch),
}

/// Starts Lambda: the emulator, or `cargo lambda watch` where the options ask for it.
pub(super) async fn start_lambda(
    options: &StackOptions,
    home: &Home,
    binaries: &Path,
    variables: &BTreeMap<String, String>,
    listener: TcpListener,
) -> Result<Lambda, StackError> {
    let schedules = functions::schedules(options.schedule);
    if let Some(cargo_lambda) = &options.watch {
        let config = WatchConfig {
            workspace: options.workspace.clone(),
            cargo_lambda: cargo_lambda.clone(),
            env_file: home.join("env"),
            schedules: schedules
                .into_iter()
                .map(|schedule| (schedule.function, schedule.every))
                .collect(),
        };
        return Ok(Lambda::Watched(Watch::start(&config, listener)?));
    }
    let config = EmulatorConfig {
        functions: functions::configs(binaries, variables, options.at_once),
        url_function: Some("universal-agent".to_owned()),
        schedules,
        region: environment::REGION.to_owned(),
        faults: Faults {
            duplicate_rate: options.duplicate_rate,
            ..Faults::default()
        },
        log_dir: Some(home.join("logs")),
        dead_letter_file: Some(home.join("dead-letters.jsonl")),
        ..EmulatorConfig::default()
    };
    Ok(Lambda::Emulated(Box::new(
        Emulator::start(config, listener).await?,
    )))
}
