//! How much memory a process holds and has held, where the system tells.

/// Resident memory of a process in MB of 1,048,576 bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Memory {
    pub now_mb: f64,
    pub peak_mb: f64,
}

impl Memory {
    /// Reads `VmRSS` and `VmHWM` of `/proc/PID/status`; `None` where there is no such file or the
    /// process has ended.
    pub fn of_process(pid: u32) -> Option<Self> {
        parse_status(&std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?)
    }
}

fn parse_status(status: &str) -> Option<Memory> {
    let kilobytes = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse::<f64>().ok()
    };
    Some(Memory {
        now_mb: kilobytes("VmRSS:")? / 1024.0,
        peak_mb: kilobytes("VmHWM:")? / 1024.0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peak_and_present_memory_are_read_in_megabytes() {
        let status =
            "Name:\tbootstrap\nVmPeak:\t  900000 kB\nVmHWM:\t  20480 kB\nVmRSS:\t  10240 kB\n";
        assert_eq!(
            parse_status(status),
            Some(Memory {
                now_mb: 10.0,
                peak_mb: 20.0
            })
        );
    }

    #[test]
    fn a_process_that_has_ended_has_no_memory_figure() {
        assert_eq!(parse_status("Name:\tbootstrap\nState:\tZ (zombie)\n"), None);
    }
}
