//! What every trial is written with.

pub(crate) use crate::{
    fixture::*,
    trial::{
        Context, Result, Run, Size, TrialError, TrialOptions, alone, on_database, on_stack, stuck,
    },
};
pub(crate) use serde_json::{Value, json};
pub(crate) use std::time::{Duration, Instant};
pub(crate) use uuid::Uuid;
