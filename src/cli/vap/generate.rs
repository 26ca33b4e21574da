//! `kubevet vap generate`: controls as policies and bindings, in YAML.

use super::{command_line::header, export_flags::ExportFlags};
use crate::cli::{exit_status::ExitStatus, manifests::write_files, stderr, terminal};
use anyhow::Context as _;
use clap::Args;
use kubevet_vap as vap;
use std::{
    env, fs,
    path::{Path, PathBuf},
};

/// The one file that is written into the API server's folder. It is replaced as a whole, so that no
/// older policy remains in effect.
const STATIC_FILE: &str = "kubevet.yaml";

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubevet vap generate | kubectl apply -f -            every control that checks objects, with warnings
  kubevet vap generate NSA --action Deny               a framework, denied
  kubevet vap generate --bindings bindings/            the ControlBindings that `kubevet serve` would enforce
  kubevet vap generate C-0057 --style readable         a policy that people review
  kubevet vap generate C-0057 --params resource        params in an object that can be edited
  kubevet vap generate NSA --kustomize policies/       a folder for `kubectl apply -k`
  kubevet vap generate NSA --static-manifests DIR      for the API server's staticManifestsDir (docs/vap.md)

A name comes from the selection: an export replaces an earlier export of the same selection, whatever its actions, \
and no other. What cannot be exported is named on standard error with its reason.

Exit status:
  0  printed
  1  nothing is left to print of what was named; under --strict: something that was asked for cannot be exported
  2  an unknown name, a broken library or binding, an output that cannot be written")]
pub(super) struct GenerateCommand {
    #[command(flatten)]
    export: ExportFlags,
    /// Write into this file instead of standard output
    #[arg(short, long, value_name = "FILE", conflicts_with_all = ["kustomize", "static_manifests"])]
    output: Option<PathBuf>,
    /// Write a folder for Kustomize: one file an object
    #[arg(long, value_name = "DIR", conflicts_with = "static_manifests")]
    kustomize: Option<PathBuf>,
    /// Write the file kubevet.yaml into a folder that the API server reads as it starts and watches
    /// (1.36, alpha)
    #[arg(long, value_name = "DIR")]
    static_manifests: Option<PathBuf>,
}

impl GenerateCommand {
    /// Prints or writes the policies.
    ///
    /// # Errors
    /// A name is unknown, an output cannot be written, or the API server takes the params from no
    /// file.
    pub(super) fn run(self) -> anyhow::Result<ExitStatus> {
        let Some(selected) = self.export.run()? else {
            return Ok(ExitStatus::Failure);
        };
        let status = selected.print_skipped();
        let objects = &selected.export.objects;
        if objects.is_empty() {
            return Ok(status);
        }
        let header = header(env::args());
        if let Some(folder) = &self.kustomize {
            write_files(Some(folder), vap::kustomization(objects, &header))?;
        } else if let Some(folder) = &self.static_manifests {
            let manifests = vap::static_manifests(objects, &header)?;
            write_static_manifests(folder, &manifests)?;
        } else {
            terminal::write(self.output.as_deref(), |out| {
                out.write_all(vap::to_multi_doc(objects, &header).as_bytes())
            })?;
        }
        Ok(status)
    }
}

/// Writes the file by a rename, since the API server may read the folder at any moment.
fn write_static_manifests(folder: &Path, manifests: &str) -> anyhow::Result<()> {
    let context = || format!("cannot write into {}", folder.display());
    fs::create_dir_all(folder).with_context(context)?;
    let temporary = folder.join(format!("{STATIC_FILE}.new"));
    fs::write(&temporary, manifests).with_context(context)?;
    fs::rename(&temporary, folder.join(STATIC_FILE)).with_context(context)?;
    let folder = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    stderr::print_line(&format!(
        "the API server reads it with --feature-gates=ManifestBasedAdmissionControlConfig=true and \
         --admission-control-config-file=FILE, where FILE gives the plugin ValidatingAdmissionPolicy the \
         staticManifestsDir {}: docs/vap.md shows it",
        folder.display()
    ));
    Ok(())
}
