//! The flags that select the policy library: the embedded one or a folder, and the user's own
//! controls added to it.

use super::bounded_read::read_file;
use anyhow::{Context as _, bail};
use clap::Args;
use kubevet_model::Problem;
use kubevet_policy::{self as policy, Library, Params};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The maximum size of a --controls-config file.
const MAX_CONFIG_BYTES: u64 = 4 << 20;

/// Where the controls come from.
#[derive(Debug, Args)]
pub(super) struct LibraryFlags {
    /// Take the control library from this folder instead of the embedded one (policies/README.md
    /// tells its form)
    #[arg(long, value_name = "DIR", global = true, help_heading = "Controls")]
    policies: Option<PathBuf>,
    /// Add controls of your own: a control's folder, a folder of them, or one .rego file with a
    /// METADATA block
    #[arg(
        long,
        value_name = "FILE|DIR",
        global = true,
        help_heading = "Controls"
    )]
    custom_rules: Vec<PathBuf>,
}

impl LibraryFlags {
    /// Returns the files and folders that the library is read from, apart from the embedded one.
    pub(super) fn paths(&self) -> impl Iterator<Item = &Path> {
        let folders = self.policies.iter();
        folders.chain(&self.custom_rules).map(PathBuf::as_path)
    }

    /// Loads the library. Returns everything that is wrong with it, too.
    pub(super) fn load(&self) -> (Library, Vec<Problem>) {
        let (mut library, mut problems) = match &self.policies {
            Some(folder) => policy::load_folder(folder),
            None => policy::embedded(),
        };
        for path in &self.custom_rules {
            let (controls, modules, load_problems) = policy::load_custom(path);
            problems.extend(load_problems);
            problems.extend(library.add_custom(controls, modules));
        }
        (library, problems)
    }
}

/// Sets params from a `--controls-config` file. Returns what is wrong in it.
///
/// # Errors
/// The file cannot be read.
pub(super) fn apply_controls_config(
    file: &Path,
    library: &Library,
    params: &mut Params,
) -> anyhow::Result<Vec<Problem>> {
    let name = file.display().to_string();
    let metadata = fs::metadata(file).with_context(|| format!("cannot read {name}"))?;
    if !metadata.is_file() {
        bail!("cannot read {name}: no regular file");
    }
    let bytes = read_file(file, MAX_CONFIG_BYTES)?;
    Ok(policy::read_controls_config(
        &name,
        &bytes,
        &library.params,
        params,
    ))
}
