//! Processor time by part of the stack: of this process (stand-ins, PostgREST, S3), of Postgres, of each function.

use crate::benches::binaries::FUNCTIONS;
use std::{
    collections::{BTreeMap, HashMap},
    fs,
};

/// Linux counts in hundredths of a second for whoever looks from outside (`USER_HZ`).
const TICKS_PER_SECOND: f64 = 100.0;

/// Seconds of processor time so far, by part.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Spent(BTreeMap<String, f64>);

#[derive(Debug)]
struct Process {
    name: String,
    parent: u32,
    ticks: f64,
}

impl Spent {
    /// Of this process and all it started; empty where there is no `/proc`.
    pub(crate) fn so_far() -> Self {
        let processes = all();
        let this = std::process::id();
        let mut spent = BTreeMap::new();
        for (&pid, process) in &processes {
            let part = if pid == this {
                Some("the stack around them")
            } else {
                part(&processes, pid, this)
            };
            if let Some(part) = part {
                *spent.entry(part.to_owned()).or_default() += process.ticks / TICKS_PER_SECOND;
            }
        }
        Self(spent)
    }

    /// What was spent since; a process that ended in between counts with whoever waited for it.
    pub(crate) fn since(&self, before: &Self) -> Self {
        let parts = self.0.iter().map(|(part, now)| {
            let then = before.0.get(part).copied().unwrap_or(0.0);
            (part.clone(), (now - then).max(0.0))
        });
        Self(parts.collect())
    }

    pub(crate) fn seconds(&self) -> f64 {
        self.0.values().sum()
    }

    pub(crate) fn parts(&self) -> impl Iterator<Item = (&str, f64)> {
        self.0.iter().map(|(part, spent)| (part.as_str(), *spent))
    }
}

/// Which part a descendant of `root` belongs to: Postgres, or the function by its name. Linux cuts names at 15 letters.
fn part(processes: &HashMap<u32, Process>, pid: u32, root: u32) -> Option<&'static str> {
    let mut at = processes.get(&pid)?;
    let part = match FUNCTIONS.into_iter().find(|function| at.name == *function) {
        Some(function) => function,
        None if at.name.starts_with("postgres") => "Postgres",
        None => return None,
    };
    // A few generations at most; a circle is impossible but must not hang us.
    for _ in 0..8 {
        if at.parent == root {
            return Some(part);
        }
        at = processes.get(&at.parent)?;
    }
    None
}

fn all() -> HashMap<u32, Process> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return HashMap::new();
    };
    entries
        .filter_map(|entry| {
            let pid = entry.ok()?.file_name().to_str()?.parse().ok()?;
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            Some((pid, parse(&stat)?))
        })
        .collect()
}

/// A line of `/proc/PID/stat` (proc_pid_stat(5)): fields 2, 4 and 14 to 17.
fn parse(stat: &str) -> Option<Process> {
    let (start, rest) = stat.rsplit_once(')')?;
    let (_, name) = start.split_once('(')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at)?.parse::<f64>().ok();
    Some(Process {
        name: name.to_owned(),
        parent: fields.get(1)?.parse().ok()?,
        // Own time and that of children that were waited for, in user and kernel mode.
        ticks: ticks(11)? + ticks(12)? + ticks(13)? + ticks(14)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_spaces_and_brackets_does_not_shift_the_fields() {
        let line =
            "42 (a (b) c) S 7 42 42 0 -1 4194560 1 2 3 4 150 50 30 20 20 0 1 0 100 1 1 18446744";
        let process = parse(line).unwrap();
        assert_eq!(
            (process.name.as_str(), process.parent, process.ticks),
            ("a (b) c", 7, 250.0)
        );
    }

    #[test]
    fn only_what_was_started_from_here_is_counted() {
        let process = |name: &str, parent| Process {
            name: name.to_owned(),
            parent,
            ticks: 100.0,
        };
        let processes = HashMap::from([
            (2, process("postgres", 1)),
            (3, process("postgres: check", 2)),
            (9, process("postgres", 8)),
        ]);
        assert_eq!(part(&processes, 3, 1), Some("Postgres"));
        assert_eq!(part(&processes, 9, 1), None);
    }
}
