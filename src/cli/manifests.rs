//! `kubevet manifests`: what is applied to a cluster to install the gate.

use super::{library::LibraryFlags, terminal};
use crate::manifests::{self, FailurePolicy, Options, Outside};
use anyhow::{Context as _, anyhow, bail};
use clap::{Args, Subcommand, ValueEnum};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Where it lives if nobody says otherwise.
const NAMESPACE: &str = "kubevet";

/// The largest file of certificates to trust.
const CA_BYTES: u64 = 1 << 20;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubevet manifests | kubectl apply -f -
  kubevet manifests --form kustomize -o kubevet/ && kubectl apply -k kubevet/
  kubevet manifests --form helm -o chart/ && helm install kubevet chart/ -n kubevet --create-namespace
  kubevet manifests monitoring -o monitoring/
  kubevet manifests webhook --url https://10.0.0.7:8443/validate --ca-file ca.crt | kubectl apply -f -")]
pub(super) struct ManifestsCommand {
    #[command(subcommand)]
    what: Option<What>,
    /// The namespace to install into
    #[arg(long, global = true, default_value = NAMESPACE, value_name = "NAME")]
    namespace: String,
    /// The container image
    #[arg(long, default_value = concat!("ghcr.io/kubevet/kubevet:", env!("CARGO_PKG_VERSION")))]
    image: String,
    /// How many replicas answer
    #[arg(long, default_value_t = 2, value_name = "N")]
    replicas: u32,
    /// One stream of YAML, or a folder for Kustomize or of a Helm chart
    #[arg(long, value_enum, default_value_t = Form::Yaml)]
    form: Form,
    /// Write into this file instead of standard output; the folder, where there is more than one file
    #[arg(short, long, global = true, value_name = "FILE|DIR")]
    output: Option<PathBuf>,
    #[command(flatten)]
    library: LibraryFlags,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    Yaml,
    Kustomize,
    Helm,
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
        /// What happens to workloads everywhere while nobody answers [default: what each namespace asks for by the label
        /// kubevet.io/failure-policy]
        #[arg(long, value_name = "Fail|Ignore", value_parser = failure_policy)]
        failure_policy: Option<FailurePolicy>,
    },
    /// A folder of alert rules and a PodMonitor for the Prometheus operator, and a Grafana dashboard
    Monitoring,
}

impl ManifestsCommand {
    /// Prints or writes them; 2 where something is wrong with the library, whose kinds the webhook rules are made of.
    ///
    /// # Errors
    /// An option that cannot be, a CA file that cannot be read, an output that cannot be written.
    pub(super) fn run(self) -> anyhow::Result<u8> {
        let (library, problems) = self.library.load();
        let Self { what, namespace, image, replicas, form, output, .. } = self;
        let output = output.as_deref();
        let options = Options { namespace, image, replicas, kinds: manifests::kinds(&library) };
        match (what, form) {
            (Some(What::Webhook { .. } | What::Monitoring), Form::Kustomize | Form::Helm) => {
                bail!("--form is for the whole installation: leave it out here");
            }
            (Some(What::Webhook { url, ca_file, failure_policy }), Form::Yaml) => {
                let shown = ca_file.display().to_string();
                let ca = super::read::file(&ca_file, CA_BYTES)?;
                let ca = String::from_utf8(ca).with_context(|| format!("cannot read {shown}"))?;
                print(output, manifests::webhook(&options, &Outside { url, ca, failure_policy }))?;
            }
            (Some(What::Monitoring), Form::Yaml) => lay_out(output, manifests::monitoring(&options))?,
            (None, Form::Yaml) => print(output, manifests::install(&options))?,
            (None, Form::Kustomize) => lay_out(output, manifests::kustomization(&options))?,
            (None, Form::Helm) if options.namespace != NAMESPACE => {
                bail!("a chart has the namespace of its release: helm install --namespace {}", options.namespace);
            }
            (None, Form::Helm) => lay_out(output, manifests::chart(&options))?,
        }
        Ok(super::complain(&problems))
    }
}

fn failure_policy(word: &str) -> Result<FailurePolicy, String> {
    let known = [FailurePolicy::Fail, FailurePolicy::Ignore];
    known.into_iter().find(|it| it.name() == word).ok_or_else(|| "Fail or Ignore".to_owned())
}

fn print(output: Option<&Path>, text: Result<String, String>) -> anyhow::Result<()> {
    let text = text.map_err(|it| anyhow!(it))?;
    terminal::write(output, |out| out.write_all(text.as_bytes()))
}

/// Writes files into the folder, over those of their names; what else is there stays.
pub(super) fn lay_out(output: Option<&Path>, files: Result<Vec<(String, String)>, String>) -> anyhow::Result<()> {
    let files = files.map_err(|it| anyhow!(it))?;
    let folder = output.context("these are several files: name their folder with -o DIR")?;
    for (name, text) in files {
        let path = folder.join(name);
        let cannot = || format!("cannot write {}", path.display());
        fs::create_dir_all(path.parent().unwrap_or(folder)).with_context(cannot)?;
        fs::write(&path, text).with_context(cannot)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;
    use clap::Parser as _;
    use std::collections::BTreeSet;

    /// Values of a list under a key, as the templates write them: `key:` and lines of `- value`, comments between.
    fn list<'t>(text: &'t str, key: &str) -> Vec<&'t str> {
        let lines = text.lines().map(str::trim).skip_while(|it| *it != key).skip(1);
        lines.filter(|it| !it.starts_with('#')).map_while(|it| it.strip_prefix("- ")).collect()
    }

    fn name(text: &str) -> &str {
        text.lines().find_map(|it| it.strip_prefix("  name: ")).unwrap()
    }

    #[test]
    fn what_the_deployment_is_told_is_what_there_is() {
        let (namespace, image) = (NAMESPACE.to_owned(), "kubevet".to_owned());
        let options = Options { namespace, image, replicas: 2, kinds: BTreeSet::new() };
        let objects = manifests::objects(&options).unwrap();
        let text = |file: &str| objects.iter().find(|it| it.0 == file).unwrap().1.as_str();
        let args = list(text("deployment.yaml"), "args:");
        Cli::try_parse_from(["kubevet"].iter().chain(&args)).unwrap();
        for (flag, file) in [
            ("deployment", "deployment.yaml"),
            ("webhook-configuration", "webhooks.yaml"),
            ("tls-secret", "secret.yaml"),
        ] {
            let expected = format!("--{flag}={}", name(text(file)));
            assert!(args.contains(&expected.as_str()), "{expected}: {args:?}");
            // The names in the rules, too.
            let named = format!("resourceNames: [{}]", name(text(file)));
            assert!(text("rbac.yaml").contains(&named), "{named}");
        }
    }
}
