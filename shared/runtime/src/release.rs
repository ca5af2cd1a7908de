//! Which build this is, as `GET /health` and the first log line of a process tell it.

/// Version of the workspace.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The commit it was built from: what `STORYTAILOR_COMMIT` said to the build of a deployment, else `unknown`.
pub const COMMIT: &str = match option_env!("STORYTAILOR_COMMIT") {
    Some(commit) => commit,
    None => "unknown",
};
