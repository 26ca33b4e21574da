//! An OCI registry on loopback, with faults that its flags name: `registry` of `tests/images/`
//! (`tests/images/README.md` lists the flags).

use crate::{build_output::image_binary, polling::wait_for, process::ChildProcess};
use serde_json::Value;
use std::{path::PathBuf, process::Command};

/// A running registry; it ends with this value.
pub struct ImageRegistry {
    address: String,
    url: String,
    _child: ChildProcess,
}

impl ImageRegistry {
    /// Starts `registry serve` with these flags. `None` where it was not built: the test is then
    /// reported as not run.
    pub fn start(test: &str, flags: &[&str]) -> Option<Self> {
        let mut command = Command::new(registry_program(test)?);
        command.arg("serve").args(flags);
        let child = ChildProcess::start(&mut command);
        let started = wait_for("the registry", || {
            let output = child.stdout();
            let line = output.lines().next();
            line.map(str::to_owned).ok_or_else(|| child.stderr())
        });
        let started: Value = serde_json::from_str(&started).expect("the line is JSON");
        let text = |key: &str| started[key].as_str().expect("a string").to_owned();
        Some(Self {
            address: text("address"),
            url: text("url"),
            _child: child,
        })
    }

    /// `HOST:PORT`, as image references have it.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The base URL: `/_requests` below it tells what a client did, and `PUT /_faults` changes the
    /// faults.
    pub fn url(&self) -> &str {
        &self.url
    }
}

/// The program itself, for `registry load` and `registry certificate`. `None` where it was not built:
/// the test is then reported as not run.
pub fn registry_program(test: &str) -> Option<PathBuf> {
    image_binary(test, "registry", "KUBEVET_IMAGE_REGISTRY")
}
