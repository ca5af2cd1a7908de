//! The state all parts of the emulator share, and who may enter it.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Arc, atomic::AtomicBool},
};

use parking_lot::Mutex;
use supabase::trouble::{Context as _, Trouble};
use tokio::sync::watch;

use crate::lambda::{
    config::{EmulatorConfig, Faults, FunctionConfig},
    dead_letters::DeadLetters,
    error::InvokeError,
    function::Function,
    guardian::Guardian,
    instance::{Current, Instance, InstanceView, Order},
    logs::LogSink,
    metrics::Ledger,
    naming,
    pool::IdlePool,
};

pub(crate) struct Core {
    pub(crate) config: EmulatorConfig,
    pub(crate) functions: Vec<Arc<Function>>,
    /// `ADDRESS:PORT` at which the children reach us.
    pub(crate) runtime_api: String,
    pub(crate) guardian: Guardian,
    /// To another program that runs the functions.
    pub(crate) http: reqwest::Client,
    pub(crate) logs: LogSink,
    pub(crate) ledger: Ledger,
    pub(crate) dead_letters: DeadLetters,
    pub(crate) faults: Mutex<Faults>,
    pub(crate) schedules_paused: AtomicBool,
    /// What all processes are to do; anything but `Live` means the emulator is stopping.
    pub(crate) orders: watch::Sender<Order>,
    pub(crate) idle: IdlePool,
    /// Processes that exist, by token.
    instances: Mutex<HashMap<String, Arc<Instance>>>,
    /// How many there are.
    population: watch::Sender<usize>,
}

impl Core {
    /// With its files opened. `address` is where it is served.
    pub(crate) fn open(config: EmulatorConfig, address: SocketAddr) -> Result<Self, Trouble> {
        let (log_dir, letters) = (&config.log_dir, &config.dead_letter_file);
        let function = |function: &FunctionConfig| {
            let function = function.clone();
            Arc::new(Function::new(function, &config.region, &config.account_id))
        };
        let functions: Vec<_> = config.functions.iter().map(function).collect();
        let names = functions.iter().map(|one| one.config.name.as_str());
        Ok(Self {
            runtime_api: reachable(address).to_string(),
            guardian: Guardian::start().context("could not start the guardian of the functions")?,
            logs: LogSink::open(log_dir.as_deref(), names)
                .context(format!("could not prepare {log_dir:?} for logs"))?,
            dead_letters: DeadLetters::open(letters.as_deref())
                .context(format!("could not open {letters:?} for dead letters"))?,
            http: reqwest::Client::new(),
            functions,
            faults: Mutex::new(config.faults),
            config,
            ledger: Ledger::default(),
            schedules_paused: AtomicBool::new(false),
            orders: watch::Sender::new(Order::Live),
            idle: IdlePool::default(),
            instances: Mutex::default(),
            population: watch::Sender::new(0),
        })
    }

    /// Finds a function by its short name, deployed name, or ARN.
    pub(crate) fn function(&self, given: &str) -> Result<&Arc<Function>, InvokeError> {
        let name = naming::bare_function_name(given);
        self.functions
            .iter()
            .find(|function| function.answers_to(name))
            .ok_or_else(|| InvokeError::FunctionNotFound {
                arn: naming::function_arn(&self.config.region, &self.config.account_id, name),
            })
    }

    pub(crate) fn instance(&self, token: &str) -> Option<Arc<Instance>> {
        self.instances.lock().get(token).cloned()
    }

    pub(crate) fn instance_views(&self) -> Vec<InstanceView> {
        let instances: Vec<_> = self.instances.lock().values().cloned().collect();
        let mut views: Vec<_> = instances.iter().map(|instance| instance.view()).collect();
        views.sort_by(|one, other| (&one.function, one.pid).cmp(&(&other.function, other.pid)));
        views
    }

    /// The processes of a function that have not been told to end.
    pub(crate) fn instances_of(&self, function: &Arc<Function>) -> Vec<Arc<Instance>> {
        let instances = self.instances.lock();
        let of_function = instances.values().filter(|instance| {
            Arc::ptr_eq(&instance.function, &function.config) && instance.is_alive()
        });
        of_function.cloned().collect()
    }

    /// Function and process of every instance at work on an invocation of which this holds.
    pub(crate) fn at_work(&self, holds: impl Fn(&Current) -> bool) -> Vec<(String, u32)> {
        let instances = self.instances.lock();
        let at_work = instances
            .values()
            .filter(|instance| instance.current.lock().iter().any(&holds));
        at_work
            .filter_map(|instance| Some((instance.function.name.clone(), instance.pid()?)))
            .collect()
    }

    pub(crate) fn is_stopping(&self) -> bool {
        *self.orders.borrow() != Order::Live
    }

    /// Resolves when the emulator stops.
    pub(crate) async fn stopping(&self) {
        // The sender lives as long as `self`, so waiting cannot fail.
        let _ = self
            .orders
            .subscribe()
            .wait_for(|order| *order != Order::Live)
            .await;
    }

    /// Counts a process in before it exists.
    pub(crate) fn admit(&self, instance: &Arc<Instance>) -> Result<(), String> {
        let mut instances = self.instances.lock();
        // Checked under the lock: after the order to stop, the population only falls.
        if self.is_stopping() {
            return Err("the local Lambda is shutting down".to_owned());
        }
        instances.insert(instance.token.clone(), Arc::clone(instance));
        self.count(&instances, &instance.function);
        Ok(())
    }

    pub(crate) fn forget(&self, instance: &Instance) {
        let mut instances = self.instances.lock();
        instances.remove(&instance.token);
        self.count(&instances, &instance.function);
    }

    fn count(&self, instances: &HashMap<String, Arc<Instance>>, function: &Arc<FunctionConfig>) {
        let of_function = instances
            .values()
            .filter(|other| Arc::ptr_eq(&other.function, function))
            .count();
        self.ledger.change(&function.name, |totals| {
            totals.instances = of_function;
            totals.instances_peak = totals.instances_peak.max(of_function);
        });
        self.population.send_replace(instances.len());
    }

    /// Orders every process to end. New ones are refused from here on.
    pub(crate) fn order_all(&self, order: Order) {
        let _instances = self.instances.lock();
        self.orders.send_replace(order);
    }

    /// Resolves when no process is left.
    pub(crate) async fn deserted(&self) {
        let _ = self
            .population
            .subscribe()
            .wait_for(|count| *count == 0)
            .await;
    }
}

/// The address children use: a listener on all addresses is reached by the loopback one.
fn reachable(address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), address.port())
    } else {
        address
    }
}
