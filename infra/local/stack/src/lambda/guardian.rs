//! Ends the functions when we end, however that happens: a tiny process that leads their process group and waits for our
//! end of a pipe to close.

use std::{
    io,
    os::unix::process::CommandExt as _,
    process::{Child, ChildStdin, Command, Stdio},
};

pub(crate) struct Guardian {
    process: Child,
    /// Closing it makes the guardian kill its whole group.
    lifeline: Option<ChildStdin>,
}

impl Guardian {
    pub(crate) fn start() -> io::Result<Self> {
        let mut process = Command::new("sh")
            .args(["-c", "cat > /dev/null; kill -KILL 0"])
            // A group of its own, so that Ctrl-C in a terminal reaches the emulator alone.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let lifeline = process.stdin.take();
        Ok(Self { process, lifeline })
    }

    /// The process group that the functions belong in.
    pub(crate) fn group(&self) -> i32 {
        self.process.id().cast_signed()
    }
}

impl Drop for Guardian {
    fn drop(&mut self) {
        drop(self.lifeline.take());
        let _ = self.process.wait();
    }
}
