//! The duration, CPU and peak memory of a child process.

use std::{
    fs, io,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// What a running process has used so far.
pub struct Usage {
    /// Resident memory.
    pub mebibytes: f64,
    /// Peak resident memory.
    pub peak_mebibytes: f64,
    pub cpu: Duration,
}

impl Usage {
    /// Reads it from `/proc`.
    ///
    /// # Errors
    /// There is no such process.
    pub fn of(id: u32) -> io::Result<Self> {
        let status = fs::read_to_string(format!("/proc/{id}/status"))?;
        let mebibytes = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let number = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
            number.unwrap_or(f64::NAN) / 1024.0
        };
        let stat = fs::read_to_string(format!("/proc/{id}/stat"))?;
        // The name of the program stands in brackets. User and system time are the 12th and 13th field
        // after it.
        let fields = stat.rsplit_once(") ").map_or("", |(_, fields)| fields);
        let fields = fields.split(' ').skip(11).take(2);
        let ticks: u64 = fields.filter_map(|field| field.parse::<u64>().ok()).sum();
        // SAFETY: the call has no preconditions.
        let per_second = unsafe { libc::sysconf(libc::_SC_CLK_TCK) };
        let per_second = u64::try_from(per_second).unwrap_or(100).max(1);
        Ok(Self {
            mebibytes: mebibytes("VmRSS:"),
            peak_mebibytes: mebibytes("VmHWM:"),
            cpu: Duration::from_millis(ticks * 1_000 / per_second),
        })
    }
}

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
