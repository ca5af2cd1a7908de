//! Mails that the local SES took: one `.eml` file each in the stack's own folder.

use std::{fs, path::PathBuf};

use crate::home::Home;

/// The folder of mails, in the stack's own.
pub(crate) const FOLDER: &str = "mail";

/// Those about a story, the oldest first.
#[must_use]
pub fn about(home: &Home, story: &str) -> Vec<PathBuf> {
    let wanted = format!("X-Story-Id: {story}\r\n");
    let entries = fs::read_dir(home.join(FOLDER)).into_iter().flatten();
    let files = entries.flatten().map(|entry| entry.path());
    let mut found: Vec<_> = files
        .filter(|file| file.extension().is_some_and(|kind| kind == "eml"))
        .filter(|file| fs::read_to_string(file).is_ok_and(|mail| mail.contains(&wanted)))
        .collect();
    found.sort();
    found
}
