//! `kubevet vap deploy-library`: every control as a policy of its own. The name of the command is
//! Kubescape's.

use super::{
    command_line::header,
    export_flags::{export, unconditional_binding},
};
use crate::cli::{
    exit_status::ExitStatus, kubernetes_version::MIN_SUPPORTED_MINOR, library_flags::LibraryFlags,
    session::Session, stderr, terminal,
};
use anyhow::bail;
use clap::Args;
use kubevet_k8s::workload::custom::CustomWorkloads;
use kubevet_model::Action;
use kubevet_vap::{self as vap, EXEMPT_NAMESPACES, Export, ExportOptions, Packing, ParamsIn};
use std::{collections::BTreeSet, env, path::PathBuf};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubevet vap apply --library                          the same objects, in a cluster
  kubevet vap create-policy-binding -n deny-privileged -c C-0057 | kubectl apply -f -

`kubectl apply` has to run twice: it knows the kind ControlConfiguration only after the first time.
`kubevet vap apply --library` waits for the kind instead.

Nothing is checked until a policy is bound. `kubevet vap generate` prints policies and bindings together, and fewer of them.")]
pub(super) struct DeployLibraryCommand {
    /// Write into this file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Kubescape's flag for a release to download; kubevet holds its library and reaches for no
    /// network
    #[arg(long, value_name = "TAG", hide = true)]
    from_release: Option<String>,
    /// Kubescape's flag for the time that a download may take
    #[arg(long, value_name = "TIME", hide = true)]
    timeout: Option<String>,
    #[command(flatten)]
    library: LibraryFlags,
}

impl DeployLibraryCommand {
    /// Prints the policies.
    ///
    /// # Errors
    /// A release is asked for, or the output cannot be written.
    pub(super) fn run(self) -> anyhow::Result<ExitStatus> {
        if self.from_release.is_some() {
            bail!(
                "the library is part of this program and nothing is downloaded: leave --from-release out, or name a \
                   folder of policies with --policies-only"
            );
        }
        let Some(session) = Session::open(&self.library).require_valid() else {
            return Ok(ExitStatus::Failure);
        };
        let export = export_library(&session);
        terminal::write(self.output.as_deref(), |out| {
            out.write_all(vap::to_multi_doc(&export.objects, &header(env::args())).as_bytes())
        })?;
        for skipped in &export.skipped {
            stderr::print_line(&format!(
                "not exported: {} {}",
                skipped.control, skipped.message
            ));
        }
        Ok(ExitStatus::Success)
    }
}

/// Exports every control as a policy without a binding, and the params that the policies read.
pub(super) fn export_library(session: &Session) -> Export {
    let options = ExportOptions {
        packing: Packing::OnePerControl,
        params: ParamsIn::Objects,
        min_kube: MIN_SUPPORTED_MINOR,
        exempt: EXEMPT_NAMESPACES
            .iter()
            .map(|namespace| (*namespace).to_owned())
            .collect(),
        custom: CustomWorkloads::default(),
        named: false,
        bound: false,
    };
    let controls = session.library.controls.iter();
    let binding = unconditional_binding(
        "all".to_owned(),
        controls.map(|source| source.control.id.clone()).collect(),
        BTreeSet::from([Action::Warn]),
        &session.library,
    );
    export(session, &[binding], &options)
}
