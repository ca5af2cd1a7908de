//! A stack of a trial's own, on free ports, in a folder of its own; and the signals one sends to a process.

use crate::{Order, TrialError};
use stack::{
    environment,
    functions::Profile,
    home,
    ports::Ports,
    stack::{Stack, StackOptions},
};
use stand_ins::PictureReuse;
use std::{collections::BTreeMap, process::Command, time::Duration};

/// How the stack of a trial differs from an ordinary one.
#[derive(Clone, Debug)]
pub struct Ground {
    options: StackOptions,
    picture_reuse: PictureReuse,
}

/// Users with limits of their own are the trial's; the demo user stays.
const EMPTY: &str = "truncate public.stories, public.credit_ledger, public.usage_ledger, public.idempotency_keys cascade;
    delete from auth.users where email like '%@trial.example'";

impl Ground {
    /// Short leases, quick stand-ins that draw one picture and use it again, schedules that do not tick by themselves.
    pub fn new(trial: &str, order: Order) -> Result<Self, TrialError> {
        let workspace = home::workspace();
        let ports = Ports::free().map_err(TrialError::while_trying("find free ports"))?;
        Ok(Self {
            options: StackOptions {
                home: workspace.join(".local/trials").join(trial),
                workspace,
                ports,
                profile: Profile::Dev,
                latency: Some("text=60,image=120,speech=90".to_owned()),
                faults: None,
                duplicate_rate: 0.0,
                schedule: Some(Duration::from_secs(3600)),
                watch: None,
                overrides: BTreeMap::from([("JOB_LEASE_SECONDS".to_owned(), "5".to_owned())]),
                reporter: order.reporter,
            },
            picture_reuse: PictureReuse::PerScene,
        })
    }

    /// A setting of the functions.
    pub fn setting(mut self, name: &str, value: impl ToString) -> Self {
        self.options
            .overrides
            .insert(name.to_owned(), value.to_string());
        self
    }

    /// Anything else of the stack.
    pub fn with(mut self, change: impl FnOnce(&mut StackOptions)) -> Self {
        change(&mut self.options);
        self
    }

    pub fn picture_reuse(mut self, picture_reuse: PictureReuse) -> Self {
        self.picture_reuse = picture_reuse;
        self
    }

    /// Starts it without stories, whatever an earlier run left.
    pub async fn start(self) -> Result<Stack, TrialError> {
        let stack = Stack::start(&self.options).await?;
        sqlx::raw_sql(EMPTY)
            .execute(stack.pool())
            .await
            .map_err(TrialError::while_trying(
                "empty the database of an earlier run",
            ))?;
        let files = stack.home().join("files").join(environment::BUCKET);
        // Nothing there is as good as nothing left.
        let _ = std::fs::remove_dir_all(files.join("stories"));
        stack.stand_ins().set_picture_reuse(self.picture_reuse);
        Ok(stack)
    }
}

/// `kill -9`; a process that is gone already is no error.
pub fn kill(pid: u32) {
    signal("-KILL", pid);
}

/// Stops a process in its tracks, as a frozen machine would.
pub fn pause(pid: u32) {
    signal("-STOP", pid);
}

/// Lets a paused process go on.
pub fn resume(pid: u32) {
    signal("-CONT", pid);
}

fn signal(which: &str, pid: u32) {
    let _ = Command::new("kill")
        .args([which, &pid.to_string()])
        .status();
}
