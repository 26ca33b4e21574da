//! Reporting that a test was not run because something of its environment is missing. A test that
//! passes without having run must never be mistaken for one that did.

use std::{
    env,
    io::{self, Write as _},
};

/// Reports, past the capture of test output, that a test was not run. Panics where `CI` is set.
pub fn not_run(test: &str, reason: &str) {
    let _ = writeln!(io::stderr(), "not run: {test}: {reason}");
    assert!(env::var_os("CI").is_none(), "not run: {test}: {reason}");
}
