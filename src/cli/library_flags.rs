//! The library that a command works with: embedded or from a folder, with the user's own controls beside it.

use anyhow::{Context as _, bail};
use clap::Args;
use kubevet_model::Problem;
use kubevet_policy::{self as policy, Library, Params};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The largest --controls-config file, in bytes.
const CONFIG_BYTES: u64 = 4 * 1024 * 1024;

/// Where the controls come from.
#[derive(Debug, Args)]
pub(super) struct LibraryFlags {
    /// Take the control library from this folder instead of the embedded one (policies/README.md tells its form)
    #[arg(long, value_name = "DIR", global = true, help_heading = "Controls")]
    policies: Option<PathBuf>,
    /// Add controls of your own: a control's folder, a folder of them, or one .rego file with a METADATA block
    #[arg(
        long,
        value_name = "FILE|DIR",
        global = true,
        help_heading = "Controls"
    )]
    custom_rules: Vec<PathBuf>,
}

impl LibraryFlags {
    /// The files and folders that the library is read from, where it is not the embedded one.
    pub(super) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.policies
            .iter()
            .chain(&self.custom_rules)
            .map(PathBuf::as_path)
    }

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

/// Sets params from a `--controls-config` file, and says what is wrong in it.
///
/// # Errors
/// The file cannot be read.
pub(super) fn configure(
    file: &Path,
    library: &Library,
    params: &mut Params,
) -> anyhow::Result<Vec<Problem>> {
    let shown = file.display().to_string();
    if !fs::metadata(file)
        .with_context(|| format!("cannot read {shown}"))?
        .is_file()
    {
        bail!("cannot read {shown}: no regular file");
    }
    let bytes = super::bounded_read::file(file, CONFIG_BYTES)?;
    Ok(policy::read_controls_config(
        &shown,
        &bytes,
        &library.params,
        params,
    ))
}
