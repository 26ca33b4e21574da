//! The duration and peak memory of a child process.

use std::{
    io,
    process::{Command, Stdio},
    time::Instant,
};

/// The measurements of a process that ended.
pub struct ProcessRun {
    pub nanos: u64,
    /// Peak resident memory.
    pub mebibytes: f64,
    /// The exit code.
    pub code: i32,
}

/// Runs a program to its end and discards its output.
///
/// # Errors
/// It cannot be started or waited for.
pub fn run(program: &str, arguments: &[&str]) -> io::Result<ProcessRun> {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let begin = Instant::now();
    let child = command.spawn()?;
    let id = i32::try_from(child.id()).map_err(io::Error::other)?;
    let mut status = 0;
    // SAFETY: `rusage` is plain data, for which zeros are valid, and the call fills it. Only this
    // function waits for the child.
    let (ended, usage) = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        (libc::wait4(id, &raw mut status, 0, &raw mut usage), usage)
    };
    let nanos = u64::try_from(begin.elapsed().as_nanos()).unwrap_or(u64::MAX);
    if ended != id {
        return Err(io::Error::last_os_error());
    }
    Ok(ProcessRun {
        nanos,
        mebibytes: usage.ru_maxrss as f64 / 1024.0,
        code: libc::WEXITSTATUS(status),
    })
}
