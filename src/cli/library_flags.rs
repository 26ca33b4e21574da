//! The flags that select the policy library: the embedded one or a folder, and what users add to
//! it.

use super::bounded_read::read_file;
use anyhow::{Context as _, bail};
use clap::Args;
use kubevet_k8s::workload::custom::CustomWorkloads;
use kubevet_model::{Problem, ProblemCode};
use kubevet_policy::{self as policy, Library, Params};
use kubevet_prebuilt as prebuilt;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The maximum size of a --controls-config or --workloads file.
const MAX_CONFIG_BYTES: u64 = 4 << 20;

/// Where the controls come from.
#[derive(Debug, Clone, Args)]
pub(super) struct LibraryFlags {
    /// Add controls, shared modules, frameworks and params to the built-in library: a policy folder
    /// (policies/README.md describes it), a control's folder, a folder of them, or one .rego file
    /// with a METADATA block
    #[arg(
        long,
        visible_alias = "custom-rules",
        value_name = "FILE|DIR",
        global = true,
        help_heading = "Controls"
    )]
    policies: Vec<PathBuf>,
    /// Use the library in this policy folder instead of the built-in one
    #[arg(long, value_name = "DIR", global = true, help_heading = "Controls")]
    policies_only: Option<PathBuf>,
    /// Check the pods of more kinds: a YAML list of {apiVersion, kind, resource, podTemplate or
    /// podSpec}. `kubevet list workloads` shows the kinds that are known
    #[arg(long, value_name = "FILE", global = true, help_heading = "Controls")]
    workloads: Option<PathBuf>,
}

impl LibraryFlags {
    /// Returns the files and folders that the library is read from, apart from the embedded one.
    pub(super) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.policy_paths()
            .map(|(_, path)| path)
            .chain(self.workloads.as_deref())
    }

    /// Returns the files and folders with policies, each with its flag.
    pub(super) fn policy_paths(&self) -> impl Iterator<Item = (&'static str, &Path)> {
        let only = self.policies_only.iter();
        let only = only.map(|path| ("--policies-only", path.as_path()));
        let added = self.policies.iter();
        only.chain(added.map(|path| ("--policies", path.as_path())))
    }

    /// Returns the file with more kinds of workloads.
    pub(super) fn workloads_file(&self) -> Option<&Path> {
        self.workloads.as_deref()
    }

    /// Loads the library. Returns everything that is wrong with it, too.
    pub(super) fn load(&self) -> (Library, Vec<Problem>) {
        let (mut library, mut problems) = match &self.policies_only {
            Some(folder) => policy::load_folder(folder),
            None => prebuilt::library(),
        };
        for path in &self.policies {
            problems.extend(library.add_overlay(path));
        }
        library.set_workloads(self.workloads(&mut problems));
        (library, problems)
    }

    /// Returns the kinds of other software with pod specs.
    pub(super) fn workloads(&self, problems: &mut Vec<Problem>) -> CustomWorkloads {
        let mut table = CustomWorkloads::shipped();
        let Some(file) = &self.workloads else {
            return table;
        };
        let name = file.display().to_string();
        match read_regular_file(file) {
            Ok(bytes) => problems.extend(policy::read_workloads(&name, &bytes, &mut table)),
            Err(error) => problems.push(Problem::in_file(
                ProblemCode::PolicyUnreadable,
                "",
                format!("{error:#}"),
            )),
        }
        table
    }
}

/// Reads a small file.
fn read_regular_file(file: &Path) -> anyhow::Result<Vec<u8>> {
    let name = file.display();
    let metadata = fs::metadata(file).with_context(|| format!("cannot read {name}"))?;
    if !metadata.is_file() {
        bail!("cannot read {name}: no regular file");
    }
    read_file(file, MAX_CONFIG_BYTES)
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
    let bytes = read_regular_file(file)?;
    Ok(policy::read_controls_config(
        &name,
        &bytes,
        &library.params,
        params,
    ))
}
