//! `kubevet manifests`: what is applied to a cluster to install the gate.

use super::{library::LibraryFlags, terminal};
use crate::manifests::{self, Options, Outside};
use anyhow::{Context as _, anyhow};
use clap::{Args, Subcommand};
use std::{fs, path::PathBuf};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubevet manifests | kubectl apply -f -
  kubevet manifests webhook --url https://10.0.0.7:8443/validate --ca-file ca.crt | kubectl apply -f -")]
pub(super) struct ManifestsCommand {
    #[command(subcommand)]
    what: Option<What>,
    /// The namespace to install into
    #[arg(long, global = true, default_value = "kubevet", value_name = "NAME")]
    namespace: String,
    /// The container image
    #[arg(long, default_value = concat!("ghcr.io/kubevet/kubevet:", env!("CARGO_PKG_VERSION")))]
    image: String,
    /// How many replicas answer
    #[arg(long, default_value_t = 2, value_name = "N")]
    replicas: u32,
    /// Write into this file instead of standard output
    #[arg(short, long, global = true, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    library: LibraryFlags,
}

#[derive(Debug, Subcommand)]
enum What {
    /// The webhook configuration alone, for a server outside the cluster
    Webhook {
        /// Where the API server calls it: https://HOST:PORT/validate
        #[arg(long)]
        url: String,
        /// The certificates that the API server shall trust, PEM
        #[arg(long, value_name = "FILE")]
        ca_file: PathBuf,
    },
}

impl ManifestsCommand {
    /// Prints them; 2 where something is wrong with the library, whose kinds the webhook rules are made of.
    ///
    /// # Errors
    /// An option that cannot be, a CA file that cannot be read, an output that cannot be written.
    pub(super) fn run(self) -> anyhow::Result<u8> {
        let (library, problems) = self.library.load();
        let Self { namespace, image, replicas, .. } = self;
        let options = Options { namespace, image, replicas, kinds: manifests::kinds(&library) };
        let text = match self.what {
            None => manifests::install(&options),
            Some(What::Webhook { url, ca_file }) => {
                let shown = ca_file.display().to_string();
                let ca = fs::read_to_string(ca_file).with_context(|| format!("cannot read {shown}"))?;
                manifests::webhook(&options, &Outside { url, ca })
            }
        };
        let text = text.map_err(|it| anyhow!(it))?;
        terminal::write(self.output.as_deref(), |out| out.write_all(text.as_bytes()))?;
        Ok(super::complain(&problems))
    }
}
