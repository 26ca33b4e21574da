//! The library that a command works with: embedded or from a folder, with the user's own controls beside it.

use crate::{
    model::Problem,
    policy::{self, Library},
};
use clap::Args;
use std::path::PathBuf;

/// Where the controls come from.
#[derive(Debug, Args)]
pub(super) struct LibraryFlags {
    /// Take the control library from this folder instead of the embedded one (policies/README.md tells its form)
    #[arg(long, value_name = "DIR", global = true, help_heading = "Controls")]
    policies: Option<PathBuf>,
    /// Add controls of your own: a control's folder, a folder of them, or one .rego file with a METADATA block
    #[arg(long, value_name = "FILE|DIR", global = true, help_heading = "Controls")]
    custom_rules: Vec<PathBuf>,
}

impl LibraryFlags {
    /// The library, and everything that is wrong with it.
    pub(super) fn load(&self) -> (Library, Vec<Problem>) {
        let (mut library, mut problems) = match &self.policies {
            Some(folder) => policy::load_folder(folder),
            None => policy::embedded(),
        };
        for path in &self.custom_rules {
            let (controls, modules, more) = policy::load_custom(path);
            problems.extend(more);
            problems.extend(library.add_custom(controls, modules));
        }
        (library, problems)
    }
}
