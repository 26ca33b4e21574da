//! `kubevet vap deploy-library`: as Kubescape spells it, our policies.

use super::export_flags::{export, plain_binding};
use crate::cli::{complain, library_flags::LibraryFlags, say, terminal};
use anyhow::bail;
use clap::Args;
use kubevet_engine::Engine;
use kubevet_model::Action;
use kubevet_policy::{Binding, Library};
use kubevet_vap::{self as vap, EXEMPT_NAMESPACES, Export, Options, Packing, ParamsIn};
use std::{collections::BTreeSet, path::PathBuf};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubevet vap deploy-library | kubectl apply --server-side -f -
  kubevet vap create-policy-binding -n deny-privileged -c C-0057 | kubectl apply -f -

Nothing is judged until a policy is bound. `kubevet vap generate` prints policies and bindings together, and fewer of them.")]
pub(super) struct DeployLibraryCommand {
    /// Write into this file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Kubescape's flag for a release to download; kubevet holds its library and reaches for no network
    #[arg(long, value_name = "TAG", hide = true)]
    from_release: Option<String>,
    /// Kubescape's flag for the time that a download may take
    #[arg(long, value_name = "TIME", hide = true)]
    timeout: Option<String>,
    #[command(flatten)]
    library: LibraryFlags,
}

impl DeployLibraryCommand {
    /// Prints them.
    ///
    /// # Errors
    /// A release is asked for, or the output cannot be written.
    pub(super) fn run(self) -> anyhow::Result<u8> {
        if self.from_release.is_some() {
            bail!(
                "the library is part of this program and nothing is downloaded: leave --from-release out, or name a \
                   folder of policies with --policies"
            );
        }
        let (library, mut problems) = self.library.load();
        let (engine, faults) = Engine::compile(&library);
        problems.extend(faults);
        if !problems.is_empty() {
            return Ok(complain(&problems));
        }
        let export = library_export(&engine, &library);
        terminal::write(self.output.as_deref(), |out| {
            out.write_all(vap::stream(&export.objects).as_bytes())
        })?;
        for it in &export.left_out {
            say(&format!("not exported: {} {}", it.control, it.words));
        }
        Ok(0)
    }
}

/// Every control as a policy of its own that nothing binds, and the params that they read.
pub(super) fn library_export(engine: &Engine, library: &Library) -> Export {
    let options = Options {
        packing: Packing::OnePerControl,
        params: ParamsIn::Objects,
        min_kube: 30,
        exempt: EXEMPT_NAMESPACES
            .iter()
            .map(|it| (*it).to_owned())
            .collect(),
        named: false,
        bound: false,
    };
    export(engine, library, &[all(library)], &options)
}

fn all(library: &Library) -> Binding {
    let controls = library
        .controls
        .iter()
        .map(|it| it.control.id.clone())
        .collect();
    plain_binding(
        "all".to_owned(),
        controls,
        BTreeSet::from([Action::Warn]),
        library,
    )
}
