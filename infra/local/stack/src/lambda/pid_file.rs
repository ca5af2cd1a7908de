//! Remembers child processes on disk, so that a start after a crash can end what was left.
//!
//! A pid alone may have been given to a stranger since; a process is only ended when it was also
//! born at the very moment that was written down.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use parking_lot::Mutex;
use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Entry {
    pid: u32,
    /// See [`birth`].
    born: String,
}

pub(crate) struct PidFile {
    path: PathBuf,
    file: Mutex<File>,
}

impl PidFile {
    fn create(path: &Path) -> io::Result<Self> {
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Self {
            path: path.to_owned(),
            file: Mutex::new(file),
        })
    }

    /// The file of this run, once the processes that an earlier one left in it are ended.
    pub(crate) fn take_over(path: &Path) -> io::Result<Self> {
        let killed = reap_leftovers(path)?.len();
        if killed > 0 {
            tracing::info!("Ended {killed} function processes an earlier run left");
        }
        Self::create(path)
    }

    pub(crate) fn remember(&self, pid: u32) {
        let Some(born) = birth(pid) else { return };
        let line = serde_json::json!(Entry { pid, born }).to_string() + "\n";
        if let Err(error) = self.file.lock().write_all(line.as_bytes()) {
            tracing::warn!(path = %self.path.display(), %error, "Could not remember process {pid}");
        }
    }

    pub(crate) fn remove(&self) {
        // Entries of ended processes do no harm, so a file that stays does none either.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Kills the processes that `pid_file` remembers and that still live, and removes the file.
/// Returns the pids that were killed. A missing file means there is nothing to do.
///
/// # Errors
/// When the file exists but cannot be read.
pub fn reap_leftovers(pid_file: &Path) -> io::Result<Vec<u32>> {
    let text = match std::fs::read_to_string(pid_file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut killed = Vec::new();
    // A line cut short by the crash names no process that can be identified: skip it.
    for entry in text
        .lines()
        .filter_map(|line| serde_json::from_str::<Entry>(line).ok())
    {
        let is_ours = birth(entry.pid).is_some_and(|born| born == entry.born);
        let pid = i32::try_from(entry.pid).ok().and_then(Pid::from_raw);
        if let Some(pid) = pid.filter(|_| is_ours)
            && kill_process(pid, Signal::KILL).is_ok()
        {
            killed.push(entry.pid);
        }
    }
    let _ = std::fs::remove_file(pid_file);
    Ok(killed)
}

/// A text that no other process with this pid will ever share: the boot and the start time within
/// it on Linux, the start time elsewhere. `None` for a process that has ended.
fn birth(pid: u32) -> Option<String> {
    if cfg!(target_os = "linux") {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name in parentheses may hold spaces; `starttime` is field 22, the 20th after it.
        let start_ticks = stat.rsplit_once(')')?.1.split_whitespace().nth(19)?;
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        return Some(format!("{} {start_ticks}", boot.trim()));
    }
    let output = std::process::Command::new("ps")
        .args(["-o", "lstart=", "-p", &pid.to_string()])
        .output()
        .ok()?;
    let started = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    (!started.is_empty()).then_some(started)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Sleeper(std::process::Child);

    impl Sleeper {
        fn start() -> Self {
            Self(
                std::process::Command::new("sleep")
                    .arg("60")
                    .spawn()
                    .unwrap(),
            )
        }
    }

    impl Drop for Sleeper {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    fn scratch_file() -> PathBuf {
        std::env::temp_dir().join(format!("local-lambda-{}.pids", uuid::Uuid::new_v4()))
    }

    #[test]
    fn a_process_that_was_left_is_killed_and_the_file_is_gone() {
        let mut sleeper = Sleeper::start();
        let path = scratch_file();
        PidFile::create(&path).unwrap().remember(sleeper.0.id());

        assert_eq!(reap_leftovers(&path).unwrap(), [sleeper.0.id()]);
        assert!(!sleeper.0.wait().unwrap().success());
        assert!(!path.exists());
    }

    #[test]
    fn a_stranger_who_got_the_same_pid_is_left_alone() {
        let mut sleeper = Sleeper::start();
        let path = scratch_file();
        let stranger = serde_json::json!({ "pid": sleeper.0.id(), "born": "another boot 1" });
        std::fs::write(&path, format!("{stranger}\n{{\"pid\":")).unwrap();

        assert!(reap_leftovers(&path).unwrap().is_empty());
        assert!(sleeper.0.try_wait().unwrap().is_none());
    }

    #[test]
    fn no_file_means_no_leftovers() {
        assert!(reap_leftovers(&scratch_file()).unwrap().is_empty());
    }
}
