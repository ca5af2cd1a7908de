//! The stack as a whole: started in order, described by its variables, stopped without a trace.

mod options;
mod parts;

use std::{collections::BTreeMap, sync::Arc};

use sqlx::PgPool;
use stand_ins::{
    StandInConfig, bfl_router, elevenlabs_router, openai_router, ses_router, shopify_router,
};
use supabase::{
    auth::Keys,
    gateway::GatewayConfig,
    postgres::Postgres,
    realtime::RealtimeServer,
    trouble::{Context as _, Trouble},
};
use tokio::task::JoinSet;

pub use options::StackOptions;

use crate::{
    breakpoints::{Breakpoints, Server},
    demo, environment,
    files::FileFaults,
    home::{Home, Lock},
    lambda::Emulator,
    mail, page,
    ports::Ports,
    watch::Watch,
};
use parts::{Listeners, Supabase};

/// A running stack. Dropping it kills what `stop` would end gently.
pub struct Stack {
    home: Home,
    variables: BTreeMap<String, String>,
    lambda: Emulator,
    watch: Option<Watch>,
    stand_ins: StandInConfig,
    ses: StandInConfig,
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
    pub async fn start(options: &StackOptions) -> Result<Self, Trouble> {
        let (reporter, ports) = (options.reporter, options.ports);
        let home = Home::open(options.home.clone())?;
        let lock = home.lock()?.ok_or_else(|| {
            let place = home.path().display();
            Trouble::new(format!(
                "a stack is up already in {place}: stop it with Ctrl-C there, or use it"
            ))
        })?;
        home.remove_env();
        let (latency, faults) = (options.latency.as_deref(), options.faults.as_deref());
        let stand_ins = StandInConfig::from_variables(latency, faults)
            .context("a variable of the stand-ins is not usable")?;
        Postgres::stop_leftover(&home.join("postgres")).await?;
        let listeners = Listeners::bind(ports).await?;
        let binaries = parts::build_functions(options).await?;
        let postgres = parts::start_postgres(options, &home).await?;

        let step = reporter.step("Starting PostgREST, Realtime, Auth, S3 and the stand-ins");
        let breakpoints = Breakpoints::default();
        let supabase = Supabase::start(&postgres, &home, ports, &breakpoints).await?;
        let files = parts::open_files(&home)?;
        let ses = StandInConfig::default();
        let mut variables = environment::shared(ports, &supabase.keys);
        variables.extend(options.overrides.clone());
        variables.extend(own_addresses(ports, &postgres));
        let stops = |router, server| parts::interruptible(router, &breakpoints, server);
        let page = page::router(&options.workspace, &variables);
        let openai = openai_router(stand_ins.clone()).merge(bfl_router(stand_ins.clone()));
        let elevenlabs = elevenlabs_router(stand_ins.clone());
        let mails = ses_router(ses.clone(), home.join(mail::FOLDER));
        let mails = mails.merge(shopify_router(ses.clone()));
        let servers = parts::serve_all([
            (listeners.gateway, supabase.router),
            (
                listeners.files,
                stops(files.router().merge(page), Server::Files),
            ),
            (listeners.openai, stops(openai, Server::OpenAi)),
            (listeners.elevenlabs, stops(elevenlabs, Server::ElevenLabs)),
            (listeners.mail, stops(mails, Server::Mail)),
        ]);
        step.done("ready");

        variables.extend(demo::seed(&supabase.pool, &supabase.keys).await?);
        home.write_env(&variables)?;
        let step = reporter.step("Starting Lambda with the four functions and both schedules");
        let watch = match &options.watch {
            Some(program) => Some(Watch::start(
                &options.workspace,
                program,
                &home.join("env"),
            )?),
            None => None,
        };
        let runner = watch.as_ref().map(|watch| watch.address.clone());
        let lambda = parts::lambda(options, &home, &binaries, &variables, runner);
        let lambda = Emulator::start(lambda, listeners.lambda).await?;
        step.done("ready");
        Ok(Self {
            home,
            variables,
            lambda,
            watch,
            stand_ins,
            ses,
            gateway: supabase.gateway,
            keys: supabase.keys,
            realtime: supabase.realtime,
            files: files.faults().clone(),
            breakpoints,
            pool: supabase.pool,
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

    pub fn emulator(&self) -> &Emulator {
        &self.lambda
    }

    pub fn stand_ins(&self) -> &StandInConfig {
        &self.stand_ins
    }

    /// SES and Shopify, which count their calls by themselves.
    pub fn ses(&self) -> &StandInConfig {
        &self.ses
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
        self.lambda.stop().await;
        if let Some(watch) = self.watch {
            watch.stop().await;
        }
        self.servers.shutdown().await;
        drop(self.realtime);
        self.pool.close().await;
        if let Some(postgres) = self.postgres.take() {
            postgres.stop().await;
        }
    }
}

/// Where the parts of this stack are that nobody can be asked to replace.
fn own_addresses(ports: Ports, postgres: &Postgres) -> [(String, String); 5] {
    let at = |port: u16| format!("http://127.0.0.1:{port}");
    [
        ("DATABASE_URL", postgres.address().database_url()),
        ("API_URL", at(ports.lambda)),
        ("APP_URL", format!("{}/app/", at(ports.files))),
        ("STANDIN_OPENAI_URL", at(ports.openai)),
        ("STANDIN_ELEVENLABS_URL", at(ports.elevenlabs)),
    ]
    .map(|(name, value)| (name.to_owned(), value))
}
