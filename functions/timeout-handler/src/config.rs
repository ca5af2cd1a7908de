//! Settings of the timeout handler.

use runtime::{SettingError, Variables, env};

#[derive(Clone, Debug)]
pub struct Config {
    /// `ASSET_WORKER_FUNCTION`: who takes up what was put back into the queue.
    pub asset_worker: String,
}

impl Config {
    pub fn from_variables(variables: &Variables) -> Result<Self, SettingError> {
        Ok(Self {
            asset_worker: variables.required(env::ASSET_WORKER_FUNCTION)?.to_owned(),
        })
    }
}
