//! `kubevet manifests`: what is applied to a cluster to install the gate.

use super::{library_flags::LibraryFlags, terminal};
use anyhow::{Context as _, anyhow, bail};
use clap::{Args, Subcommand, ValueEnum};
use kubevet_manifests::{self as manifests, ExternalWebhook, FailurePolicy, InstallOptions};
use std::{
    fs,
    net::IpAddr,
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
  kubevet manifests webhook --url https://10.0.0.7:8443/validate --ca-file ca.crt | kubectl apply -f -
  kubevet manifests admission-configuration -o apiserver/")]
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
    /// From where API servers call, as the pods see it: the NetworkPolicy lets nobody else in [default: from anywhere]
    #[arg(long, value_name = "ADDRESS/BITS", value_parser = addresses)]
    api_server_cidr: Vec<String>,
    /// Let only callers in whose certificate bears this common name, signed by ca.crt of the ConfigMap kubevet-client-ca
    #[arg(long, value_name = "NAME")]
    client_name: Vec<String>,
    /// What happens to workloads everywhere while nobody answers [default: what each namespace asks for by the label
    /// kubevet.io/failure-policy]
    #[arg(long, global = true, value_name = "Fail|Ignore", value_parser = failure_policy)]
    failure_policy: Option<FailurePolicy>,
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
    },
    /// Files for each API server's host, by which it shows a client certificate to the gate
    AdmissionConfiguration {
        /// Where the API server calls a gate outside the cluster [default: the Service of the namespace]
        #[arg(long)]
        url: Option<String>,
        /// The folder on the API server's host that the files will lie in, with client.crt and client.key
        #[arg(long, value_name = "DIR", default_value = "/etc/kubernetes/kubevet")]
        host_folder: String,
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
        let Self {
            what,
            namespace,
            image,
            replicas,
            form,
            output,
            ..
        } = self;
        let (api_servers, client_names, failure_policy) =
            (self.api_server_cidr, self.client_name, self.failure_policy);
        let output = output.as_deref();
        let kinds = manifests::kinds(&library);
        let options = InstallOptions {
            namespace,
            image,
            replicas,
            kinds,
            api_servers,
            client_names,
            failure_policy,
        };
        match (what, form) {
            (Some(_), Form::Kustomize | Form::Helm) => {
                bail!("--form is for the whole installation: leave it out here");
            }
            (Some(What::Webhook { url, ca_file }), Form::Yaml) => {
                let shown = ca_file.display().to_string();
                let ca = super::bounded_read::file(&ca_file, CA_BYTES)?;
                let ca = String::from_utf8(ca).with_context(|| format!("cannot read {shown}"))?;
                print(
                    output,
                    manifests::webhook(&options, &ExternalWebhook { url, ca }),
                )?;
            }
            (Some(What::AdmissionConfiguration { url, host_folder }), Form::Yaml) => {
                lay_out(
                    output,
                    manifests::admission_configuration(&options, url.as_deref(), &host_folder),
                )?;
            }
            (Some(What::Monitoring), Form::Yaml) => {
                lay_out(output, manifests::monitoring(&options))?
            }
            (None, Form::Yaml) => print(output, manifests::install(&options))?,
            (None, Form::Kustomize) => lay_out(output, manifests::kustomization(&options))?,
            (None, Form::Helm) if options.namespace != NAMESPACE => {
                bail!(
                    "a chart has the namespace of its release: helm install --namespace {}",
                    options.namespace
                );
            }
            (None, Form::Helm) => lay_out(output, manifests::chart(&options))?,
        }
        Ok(super::complain(&problems))
    }
}

/// `10.0.0.2/32`, `fd00::/64`; an address alone is a range of one.
fn addresses(text: &str) -> Result<String, String> {
    let wrong =
        || format!("`{text}` is no range of addresses: write it like 10.0.0.2/32 or fd00::/64");
    let (address, bits) = text.split_once('/').unwrap_or((text, ""));
    let address: IpAddr = address.parse().map_err(|_| wrong())?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let bits: u8 = if bits.is_empty() && !text.contains('/') {
        most
    } else {
        bits.parse().map_err(|_| wrong())?
    };
    if bits > most {
        Err(wrong())
    } else {
        Ok(format!("{address}/{bits}"))
    }
}

fn failure_policy(word: &str) -> Result<FailurePolicy, String> {
    let known = [FailurePolicy::Fail, FailurePolicy::Ignore];
    known
        .into_iter()
        .find(|it| it.name() == word)
        .ok_or_else(|| "Fail or Ignore".to_owned())
}

fn print(output: Option<&Path>, text: Result<String, String>) -> anyhow::Result<()> {
    let text = text.map_err(|it| anyhow!(it))?;
    terminal::write(output, |out| out.write_all(text.as_bytes()))
}

/// Writes files into the folder, over those of their names; what else is there stays.
pub(super) fn lay_out(
    output: Option<&Path>,
    files: Result<Vec<(String, String)>, String>,
) -> anyhow::Result<()> {
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
        let lines = text
            .lines()
            .map(str::trim)
            .skip_while(|it| *it != key)
            .skip(1);
        lines
            .filter(|it| !it.starts_with('#'))
            .map_while(|it| it.strip_prefix("- "))
            .collect()
    }

    fn name(text: &str) -> &str {
        text.lines()
            .find_map(|it| it.strip_prefix("  name: "))
            .unwrap()
    }

    #[test]
    fn ranges_of_addresses_are_whole() {
        for (text, expected) in [
            ("10.0.0.2/32", Some("10.0.0.2/32")),
            ("10.0.0.2", Some("10.0.0.2/32")),
            ("FD00::1", Some("fd00::1/128")),
            ("10.0.0.0/33", None),
            ("10.0.0.0/", None),
            ("10.0.0/8", None),
            ("host/8", None),
        ] {
            assert_eq!(addresses(text).ok().as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn what_the_deployment_is_told_is_what_there_is() {
        let options = InstallOptions {
            client_names: vec!["apiserver".to_owned()],
            ..InstallOptions::new("kubevet", BTreeSet::new())
        };
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
