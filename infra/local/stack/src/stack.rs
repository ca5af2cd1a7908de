//! The stack as a whole: started in order, described by its variables, stopped without a trace.

use crate::lambda::{Emulator, EmulatorConfig, EmulatorError, Faults};
use crate::{
    breakpoints::{Breakpoints, Server, stop_here},
    demo::{self, DemoError},
    environment,
    files::{FileFaults, FilesServer},
    functions::{self, BuildError, Profile},
    home::{Home, HomeError, Lock},
    ports::{PortError, Ports, listen, require_unused},
    postgres::{Postgres, PostgresError},
    report::Reporter,
    rest::{RestError, rest_router},
    watch::{Watch, WatchConfig, WatchError},
};
use sqlx::{PgPool, postgres::PgPoolOptions};
use stand_ins::{ConfigError, StandInConfig, elevenlabs_router, openai_router};
use std::{
    collections::BTreeMap,
    error::Error,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use supabase::{
    auth::{AuthServer, KeyError, Keys},
    gateway::{ApiKeys, GatewayConfig, gateway},
    realtime::RealtimeServer,
};
use tokio::task::JoinSet;

/// How a stack is started.
#[derive(Clone, Debug)]
pub struct StackOptions {
    pub workspace: PathBuf,
    /// The stack's own folder.
    pub home: PathBuf,
    pub ports: Ports,
    pub profile: Profile,
    /// `STANDIN_LATENCY_MS`.
    pub latency: Option<String>,
    /// `STANDIN_FAULTS`.
    pub faults: Option<String>,
    /// `LAMBDA_DUPLICATE_RATE`, 0 to 1.
    pub duplicate_rate: f64,
    /// `LOCAL_SCHEDULE_SECONDS`.
    pub schedule: Option<Duration>,
    /// The functions under `cargo lambda watch` instead of the emulator: this program of it.
    pub watch: Option<PathBuf>,
    /// Settings of the functions that win over everything else.
    pub overrides: BTreeMap<String, String>,
    pub reporter: Reporter,
}

/// A stack could not be started; the message is one sentence.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    #[error(transparent)]
    Home(#[from] HomeError),
    #[error(transparent)]
    Port(#[from] PortError),
    #[error(transparent)]
    Postgres(#[from] PostgresError),
    #[error(transparent)]
    Rest(#[from] RestError),
    #[error(transparent)]
    Build(#[from] BuildError),
    #[error(transparent)]
    Watch(#[from] WatchError),
    #[error(transparent)]
    StandIn(#[from] ConfigError),
    #[error(transparent)]
    Lambda(#[from] EmulatorError),
    #[error("could not read or make the signing key of the local Auth")]
    Keys(#[from] KeyError),
    #[error(transparent)]
    Demo(#[from] DemoError),
    #[error("could not start the local {what}")]
    Part {
        what: &'static str,
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    #[error("{name} is not usable: {problem}")]
    Setting { name: &'static str, problem: String },
}

impl StackOptions {
    /// The stack of this workspace on the documented ports, configured by the environment.
    pub fn from_environment(reporter: Reporter) -> Result<Self, StackError> {
        let workspace = crate::home::workspace();
        Ok(Self {
            home: workspace.join(".local"),
            workspace,
            ports: Ports::FIXED,
            profile: Profile::Dev,
            latency: environment::variable("STANDIN_LATENCY_MS"),
            faults: environment::variable("STANDIN_FAULTS"),
            duplicate_rate: number("LAMBDA_DUPLICATE_RATE", 0.0..=1.0)?.unwrap_or(0.0),
            schedule: number("LOCAL_SCHEDULE_SECONDS", 0.05..=86_400.0)?
                .map(Duration::from_secs_f64),
            watch: None,
            overrides: BTreeMap::new(),
            reporter,
        })
    }
}

fn number(
    name: &'static str,
    range: std::ops::RangeInclusive<f64>,
) -> Result<Option<f64>, StackError> {
    let Some(text) = environment::variable(name) else {
        return Ok(None);
    };
    match text.parse() {
        Ok(value) if range.contains(&value) => Ok(Some(value)),
        _ => Err(StackError::Setting {
            name,
            problem: format!(
                "`{text}` is no number from {} to {}",
                range.start(),
                range.end()
            ),
        }),
    }
}

/// Who runs the functions.
enum Lambda {
    Emulated(Box<Emulator>),
    Watched(Watch),
}

/// A running stack. Dropping it kills what `stop` would end gently.
pub struct Stack {
    home: Home,
    variables: BTreeMap<String, String>,
    lambda: Option<Lambda>,
    stand_ins: StandInConfig,
    gateway: GatewayConfig,
    keys: Arc<Keys>,
    realtime: RealtimeServer,
    files: FileFaults,
    breakpoints: Breakpoints,
    pool: PgPool,
    servers: JoinSet<()>,
    postgres: Option<Postgres>,
    _lock: Lock,
}

impl Stack {
    /// Starts everything, in the order of need. On an error what was started is stopped again.
    pub async fn start(options: &StackOptions) -> Result<Self, StackError> {
        let (reporter, ports) = (options.reporter, options.ports);
        let home = Home::open(options.home.clone())?;
        let lock = home.lock()?;
        home.remove_env();
        let stand_ins = StandInConfig::from_variables(
            options.latency.as_deref(),
            options.faults.as_deref(),
            0,
        )?;
        Postgres::stop_leftover(&home.join("postgres")).await?;
        let listeners = Listeners::bind(ports).await?;

        let binaries = match options.watch {
            Some(_) => PathBuf::new(),
            None => {
                reporter.begin("Building the four functions (the first time takes some minutes)");
                functions::build(&options.workspace, options.profile, reporter).await?
            }
        };

        let step = reporter.step("Starting Postgres and applying migrations");
        let migrations = options.workspace.join("infra/supabase/migrations");
        let postgres = Postgres::start(
            &home.join("postgres"),
            ports.postgres,
            &migrations,
            reporter,
        )
        .await?;
        step.done("ready");

        let step = reporter.step("Starting PostgREST, Realtime, Auth, S3 and the stand-ins");
        let issuer = format!("{}/auth/v1", environment::supabase_url(ports));
        let keys = Arc::new(Keys::load_or_create(
            &home.join("auth-key.pem"),
            issuer,
            environment::JWT_SECRET,
        )?);
        let pool = PgPoolOptions::new()
            .max_connections(16)
            .connect(&postgres.superuser_url())
            .await
            .map_err(|source| StackError::Part {
                what: "database pool",
                source: source.into(),
            })?;
        let rest = rest_router(&postgres.authenticator_url(), &keys.verification_jwks()).await?;
        let realtime = RealtimeServer::start(pool.clone(), Arc::clone(&keys))
            .await
            .map_err(|source| StackError::Part {
                what: "Realtime",
                source: source.into(),
            })?;
        let auth = AuthServer::new(pool.clone(), Arc::clone(&keys));
        let gateway_config = GatewayConfig::new(ApiKeys::local(&keys));
        let files = FilesServer::open(
            &home.join("files"),
            environment::BUCKET,
            environment::ACCESS_KEY_ID,
            environment::SECRET_ACCESS_KEY,
        )
        .map_err(|source| StackError::Part {
            what: "S3",
            source: source.into(),
        })?;

        let mut servers = JoinSet::new();
        let breakpoints = Breakpoints::default();
        let stopping = |router: axum::Router, server| {
            let state = (breakpoints.clone(), server);
            router.layer(axum::middleware::from_fn_with_state(state, stop_here))
        };
        let gateway = gateway(
            gateway_config.clone(),
            stopping(rest, Server::Rest),
            &realtime,
            &auth,
        );
        let openai = stopping(openai_router(stand_ins.clone()), Server::OpenAi);
        let elevenlabs = stopping(elevenlabs_router(stand_ins.clone()), Server::ElevenLabs);
        serve(&mut servers, listeners.gateway, gateway);
        serve(
            &mut servers,
            listeners.files,
            stopping(files.router(), Server::Files),
        );
        serve(&mut servers, listeners.openai, openai);
        serve(&mut servers, listeners.elevenlabs, elevenlabs);
        step.done("ready");

        let mut variables = environment::shared(ports, &keys);
        variables.extend(options.overrides.clone());
        variables.extend(demo::seed(&pool, &keys).await?);
        variables.extend(
            [
                ("DATABASE_URL", postgres.database_url()),
                ("API_URL", format!("http://127.0.0.1:{}", ports.lambda)),
                (
                    "STANDIN_OPENAI_URL",
                    format!("http://127.0.0.1:{}", ports.openai),
                ),
                (
                    "STANDIN_ELEVENLABS_URL",
                    format!("http://127.0.0.1:{}", ports.elevenlabs),
                ),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        );
        home.write_env(&variables)?;
        let step = reporter.step("Starting Lambda with the four functions and both schedules");
        let lambda = start_lambda(options, &home, &binaries, &variables, listeners.lambda).await?;
        step.done("ready");
        Ok(Self {
            home,
            variables,
            lambda: Some(lambda),
            stand_ins,
            gateway: gateway_config,
            keys,
            realtime,
            files: files.faults().clone(),
            breakpoints,
            pool,
            servers,
            postgres: Some(postgres),
            _lock: lock,
        })
    }

    /// The variables of `.local/env`.
    pub fn variables(&self) -> &BTreeMap<String, String> {
        &self.variables
    }

    /// A variable that every stack has.
    pub fn variable(&self, name: &str) -> &str {
        self.variables
            .get(name)
            .map_or_else(|| panic!("every stack has {name}"), String::as_str)
    }

    /// The Lambda emulator; there is none under `--watch`.
    pub fn emulator(&self) -> &Emulator {
        match &self.lambda {
            Some(Lambda::Emulated(emulator)) => emulator,
            _ => panic!("the functions run under cargo lambda watch"),
        }
    }

    pub fn stand_ins(&self) -> &StandInConfig {
        &self.stand_ins
    }

    pub fn gateway(&self) -> &GatewayConfig {
        &self.gateway
    }

    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Realtime, which stops when its last owner lets go of it.
    pub fn realtime(&self) -> &RealtimeServer {
        &self.realtime
    }

    /// The switch that makes S3 refuse.
    pub fn files(&self) -> &FileFaults {
        &self.files
    }

    /// Where requests can be made to stand still.
    pub fn breakpoints(&self) -> &Breakpoints {
        &self.breakpoints
    }

    /// The stack's own folder: logs of the functions, dead letters, the database.
    pub fn home(&self) -> &Home {
        &self.home
    }

    /// Postgres itself, to be stopped and started.
    pub fn postgres(&self) -> Option<&Postgres> {
        self.postgres.as_ref()
    }

    /// The database, as its superuser.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Stops everything and waits until it is gone.
    pub async fn stop(mut self) {
        self.home.remove_env();
        match self.lambda.take() {
            Some(Lambda::Emulated(emulator)) => emulator.stop().await,
            Some(Lambda::Watched(watch)) => watch.stop().await,
            None => {}
        }
        self.servers.shutdown().await;
        drop(self.realtime);
        self.pool.close().await;
        if let Some(postgres) = self.postgres.take() {
            postgres.stop().await;
        }
    }
}

async fn start_lambda(
    options: &StackOptions,
    home: &Home,
    binaries: &Path,
    variables: &BTreeMap<String, String>,
    listener: tokio::net::TcpListener,
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
        functions: functions::configs(binaries, variables),
        url_function: Some("universal-agent".to_owned()),
        schedules,
        region: environment::REGION.to_owned(),
        faults: Faults {
            duplicate_rate: options.duplicate_rate,
            ..Faults::default()
        },
        log_dir: Some(home.join("logs")),
        dead_letter_file: Some(home.join("dead-letters.jsonl")),
        pid_file: Some(home.join("functions.pid")),
        ..EmulatorConfig::default()
    };
    Ok(Lambda::Emulated(Box::new(
        Emulator::start(config, listener).await?,
    )))
}

struct Listeners {
    gateway: tokio::net::TcpListener,
    lambda: tokio::net::TcpListener,
    files: tokio::net::TcpListener,
    openai: tokio::net::TcpListener,
    elevenlabs: tokio::net::TcpListener,
}

impl Listeners {
    /// All ports before anything is started, so that a port in use leaves nothing half-done.
    async fn bind(ports: Ports) -> Result<Self, PortError> {
        require_unused(ports.postgres, "Postgres").await?;
        Ok(Self {
            gateway: listen(ports.gateway, "the Supabase gateway").await?,
            lambda: listen(ports.lambda, "Lambda").await?,
            files: listen(ports.files, "S3 and the CDN").await?,
            openai: listen(ports.openai, "the OpenAI stand-in").await?,
            elevenlabs: listen(ports.elevenlabs, "the ElevenLabs stand-in").await?,
        })
    }
}

fn serve(servers: &mut JoinSet<()>, listener: tokio::net::TcpListener, router: axum::Router) {
    servers.spawn(async move {
        if let Err(error) = supabase::gateway::serve(listener, router).await {
            tracing::error!(%error, "A server of the stack stopped");
        }
    });
}
