//! One resource, one file: its endpoints, their requests and answers.

pub(crate) mod assets;
pub(crate) mod audio;
pub(crate) mod bulk;
pub(crate) mod characters;
pub(crate) mod health;
pub(crate) mod incoming;
pub(crate) mod libraries;
pub(crate) mod notices;
pub(crate) mod openapi;
pub(crate) mod plans;
pub(crate) mod shares;
pub(crate) mod shop;
pub(crate) mod stories;
pub(crate) mod uploads;
pub(crate) mod users;
pub(crate) mod webhooks;
