//! Settings of the asset worker.

use runtime::{SettingError, Variables, env};
use std::time::Duration;

#[derive(Clone, Debug)]
pub struct Config {
    /// `CONTENT_AGENT_FUNCTION`: who makes the assets.
    pub content_agent: String,
    /// `JOB_LEASE_SECONDS`, default 60: how long a claim holds without a heartbeat.
    pub lease: Duration,
    /// `MAX_JOBS_IN_FLIGHT`, default 1000.
    pub max_jobs_in_flight: u32,
    /// `TIMEOUT_HANDLER_FUNCTION`: who sends a notice when a claim ends a story.
    pub notice_sender: Option<String>,
}

impl Config {
    pub fn from_variables(variables: &Variables) -> Result<Self, SettingError> {
        Ok(Self {
            content_agent: variables.required(env::CONTENT_AGENT_FUNCTION)?.to_owned(),
            lease: variables.lease()?,
            max_jobs_in_flight: variables.max_jobs_in_flight()?,
            notice_sender: variables.notice_sender(),
        })
    }
}
