//! `kubevet manifests`: what is applied to a cluster to install kubevet.

mod operator;

use super::{
    bounded_read::read_file,
    exit_status::ExitStatus,
    library_flags::{LibraryFlags, apply_controls_config},
    scan::{Selected, SelectionFlags, is_in_scope},
    session::Session,
    stderr, terminal,
};
use anyhow::{Context as _, bail};
use clap::{Args, Subcommand, ValueEnum};
use kubevet_manifests::{
    self as manifests, ExternalWebhook, FailurePolicy, FrameworkRights, InstallOptions,
    MountedFolder, OperatorOptions, OperatorRights, ResultCrds, ScanRights,
};
use kubevet_model::{Control, Scope};
use kubevet_policy::{self as policy, Library};
use operator::OperatorInstallFlags;
use std::{
    fs, mem,
    net::IpAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

/// The namespace that kubevet is installed into by default.
const DEFAULT_NAMESPACE: &str = "kubevet";

/// The maximum size of a file that the pods read.
const MAX_MOUNTED_BYTES: u64 = 4 << 20;
/// The maximum size of a file of CA certificates.
const MAX_CA_BYTES: u64 = 1 << 20;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubevet manifests | kubectl apply -f -
  kubevet manifests --policies rules/ --controls-config params.yaml | kubectl apply --server-side -f -
  kubevet manifests --form kustomize -o kubevet/ && kubectl apply -k kubevet/
  kubevet manifests --form helm -o chart/ && helm install kubevet chart/ -n kubevet --create-namespace
  kubevet manifests scan-rbac --framework NSA | kubectl apply -f -
  kubevet manifests operator --results kubescape | kubectl apply --server-side -f -
  kubevet manifests operator-rbac --results kubescape | kubectl apply -f -
  kubevet manifests results-crds | kubectl apply -f -
  kubevet manifests operator-crds | kubectl apply -f -
  kubevet manifests monitoring -o monitoring/
  kubevet manifests webhook --url https://10.0.0.7:8443/validate --ca-file ca.crt | kubectl apply -f -
  kubevet manifests admission-configuration -o apiserver/")]
pub(super) struct ManifestsCommand {
    #[command(subcommand)]
    part: Option<ManifestPart>,
    /// The namespace to install into
    #[arg(long, global = true, default_value = DEFAULT_NAMESPACE, value_name = "NAME")]
    namespace: String,
    /// The container image
    #[arg(long, global = true, default_value = concat!("ghcr.io/kubevet/kubevet:", env!("CARGO_PKG_VERSION")))]
    image: String,
    /// How many replicas answer
    #[arg(long, global = true, default_value_t = 2, value_name = "N")]
    replicas: u32,
    /// The addresses of API servers, as the pods see them; the NetworkPolicy allows no others
    /// [default: any]
    #[arg(long, value_name = "ADDRESS/BITS", value_parser = address_range)]
    api_server_cidr: Vec<String>,
    /// Accept only callers whose certificate has this common name and is signed by ca.crt of the
    /// ConfigMap kubevet-client-ca
    #[arg(long, value_name = "NAME")]
    client_name: Vec<String>,
    /// What happens to workloads everywhere while no replica answers [default: what each namespace asks
    /// for by the label kubevet.io/failure-policy]
    #[arg(long, global = true, value_name = "Fail|Ignore", value_parser = failure_policy)]
    failure_policy: Option<FailurePolicy>,
    /// One stream of YAML, or a folder for Kustomize or of a Helm chart
    #[arg(long, global = true, value_enum, default_value_t = ManifestForm::Yaml)]
    form: ManifestForm,
    /// Write into this file instead of standard output; into this folder if there is more than one
    /// file
    #[arg(short, long, global = true, value_name = "FILE|DIR")]
    output: Option<PathBuf>,
    /// Parameters for controls, such as allowed registries; the pods read them from a ConfigMap
    #[arg(long, global = true, value_name = "FILE", help_heading = "Controls")]
    controls_config: Option<PathBuf>,
    #[command(flatten)]
    library: LibraryFlags,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ManifestForm {
    Yaml,
    Kustomize,
    Helm,
}

#[derive(Debug, Subcommand)]
enum ManifestPart {
    /// The webhook configuration alone, for a server outside the cluster
    Webhook {
        /// Where the API server calls it: https://HOST:PORT/validate
        #[arg(long)]
        url: String,
        /// The certificates that the API server trusts, PEM
        #[arg(long, value_name = "FILE")]
        ca_file: PathBuf,
    },
    /// Files for the host of each API server, with which it presents a client certificate to the gate
    AdmissionConfiguration {
        /// Where the API server calls a gate outside the cluster [default: the Service of the
        /// namespace]
        #[arg(long)]
        url: Option<String>,
        /// The folder on the API server's host for these files, client.crt and client.key
        #[arg(long, value_name = "DIR", default_value = "/etc/kubernetes/kubevet")]
        host_folder: String,
    },
    /// The smallest ClusterRole for `kubevet scan cluster`, with the reason for each rule
    ScanRbac(ScanRbacFlags),
    /// Everything to install `kubevet operator`, with the reason for each right
    Operator(OperatorInstallFlags),
    /// The least ClusterRole and Role for `kubevet operator`, with the reason for each rule
    OperatorRbac(OperatorRbacFlags),
    /// The CustomResourceDefinitions of the kinds that the results of a cluster are written as
    ResultsCrds {
        /// Which kinds. Those of policy reports belong to other projects: print them only for a
        /// cluster in which no other engine has installed them
        #[arg(
            long,
            value_enum,
            value_name = "KINDS",
            value_delimiter = ',',
            default_value = "kubescape"
        )]
        kinds: Vec<ResultCrdsArgument>,
    },
    /// The CustomResourceDefinition of ScanRequests, which ask `kubevet operator` for a scan
    OperatorCrds,
    /// A folder of alert rules and a PodMonitor for the Prometheus operator, and a Grafana
    /// dashboard
    Monitoring,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ResultCrdsArgument {
    /// WorkloadConfigurationScan, its summary, and the sums of a namespace
    Kubescape,
    /// PolicyReport and ClusterPolicyReport of wgpolicyk8s.io
    PolicyReports,
    /// Report and ClusterReport of openreports.io
    OpenReports,
}

impl From<ResultCrdsArgument> for ResultCrds {
    fn from(argument: ResultCrdsArgument) -> Self {
        match argument {
            ResultCrdsArgument::Kubescape => Self::Kubescape,
            ResultCrdsArgument::PolicyReports => Self::PolicyReports,
            ResultCrdsArgument::OpenReports => Self::OpenReports,
        }
    }
}

#[derive(Debug, Args)]
struct ScanRbacFlags {
    #[command(flatten)]
    choice: SelectionFlags,
    /// For a scan that goes on with --watch, too
    #[arg(long)]
    watch: bool,
    /// For a scan with --read-secrets, too
    #[arg(long)]
    read_secrets: bool,
}

#[derive(Debug, Args)]
struct OperatorRbacFlags {
    #[command(flatten)]
    choice: SelectionFlags,
    /// For an operator with --read-secrets, too
    #[arg(long)]
    read_secrets: bool,
    /// For an operator that writes results as these kinds
    #[arg(long, value_enum, value_name = "KINDS", value_delimiter = ',')]
    results: Vec<ResultCrdsArgument>,
}

impl OperatorRbacFlags {
    /// Writes the roles for the chosen controls.
    fn write(
        &self,
        namespace: &str,
        library: &Library,
        output: Option<&Path>,
    ) -> anyhow::Result<()> {
        let controls = chosen_controls(&self.choice, library)?;
        let groups = self.results.iter();
        let rights = OperatorRights {
            namespace: namespace.to_owned(),
            read_secrets: self.read_secrets,
            results: groups.map(|group| ResultCrds::from(*group)).collect(),
        };
        let yaml = manifests::operator_rbac(&controls, &library.workloads, &rights);
        write_stream(output, &yaml)
    }
}

/// Returns the chosen controls that a scan of a cluster evaluates.
fn chosen_controls(
    choice: &SelectionFlags,
    library: &Library,
) -> anyhow::Result<Vec<Arc<Control>>> {
    let selected = Selected::new(None, choice, None, Scope::Cluster, library)?;
    let mut controls = library.metadata();
    controls.retain(|control| {
        selected.controls.contains(&control.id) && is_in_scope(control, Scope::Cluster)
    });
    Ok(controls)
}

impl ScanRbacFlags {
    /// Writes the ClusterRole for the chosen controls.
    fn write(&self, library: &Library, output: Option<&Path>) -> anyhow::Result<()> {
        let controls = chosen_controls(&self.choice, library)?;
        let rights = ScanRights {
            watch: self.watch,
            read_secrets: self.read_secrets,
        };
        let yaml = manifests::scan_cluster_role(&controls, &library.workloads, rights);
        write_stream(output, &yaml)
    }
}

impl ManifestsCommand {
    /// Prints or writes the manifests. The status is `Failure` if something is wrong with the
    /// library, whose kinds become the rules of the webhooks. Policies and params that the pods would
    /// refuse are not written.
    ///
    /// # Errors
    /// An option is not valid, a CA file cannot be read, or an output cannot be written.
    pub(super) fn run(self) -> anyhow::Result<ExitStatus> {
        let (library, mut problems) = self.library.load();
        if let Some(ManifestPart::ScanRbac(flags)) = &self.part {
            flags.write(&library, self.output.as_deref())?;
            return Ok(stderr::print_problems(&problems));
        }
        if let Some(ManifestPart::OperatorRbac(flags)) = &self.part {
            flags.write(&self.namespace, &library, self.output.as_deref())?;
            return Ok(stderr::print_problems(&problems));
        }
        if let Some(file) = &self.controls_config {
            let mut params = library.params.defaults();
            problems.extend(apply_controls_config(file, &library, &mut params)?);
        }
        let mounted = self.mounted()?;
        let library = if self.library.policy_paths().next().is_some() {
            let session = Session::compile(library, mem::take(&mut problems));
            problems = session.problems;
            session.library
        } else {
            library
        };
        if !mounted.is_empty() && !problems.is_empty() {
            return Ok(stderr::print_problems(&problems));
        }
        let options = InstallOptions {
            namespace: self.namespace,
            image: self.image,
            replicas: self.replicas,
            kinds: manifests::kinds(&library),
            workloads: library.workloads.clone(),
            api_servers: self.api_server_cidr,
            client_names: self.client_name,
            failure_policy: self.failure_policy,
            mounted,
        };
        let output = self.output.as_deref();
        match self.part {
            None if self.form == ManifestForm::Helm => write_chart(&options, &library, output)?,
            None => self.form.write(&options, output)?,
            Some(ManifestPart::Operator(flags)) => {
                flags.write(options, &library, self.form, output)?;
            }
            Some(_) if self.form != ManifestForm::Yaml => {
                bail!("--form is for a whole installation: leave it out here");
            }
            Some(part) => part.write(&options, output)?,
        }
        Ok(stderr::print_problems(&problems))
    }
}

impl ManifestsCommand {
    /// Returns the files that the pods read: policies, params, kinds of workloads.
    fn mounted(&self) -> anyhow::Result<Vec<MountedFolder>> {
        let mut folders = Vec::new();
        for (at, (flag, path)) in self.library.policy_paths().enumerate() {
            let number = if at == 0 {
                String::new()
            } else {
                format!("-{}", at + 1)
            };
            // The problems are those of loading the library.
            let (files, _) = policy::policy_files(path);
            let texts = files.into_iter();
            folders.push(MountedFolder {
                name: format!("{}{number}", flag.trim_start_matches('-')),
                flag,
                file: None,
                files: texts.map(|(path, text)| (path, text.to_string())).collect(),
            });
        }
        let config = self.controls_config.as_deref();
        let files = [
            ("--controls-config", config),
            ("--workloads", self.library.workloads_file()),
        ];
        for (flag, file) in files {
            let Some(file) = file else { continue };
            let text = String::from_utf8(read_file(file, MAX_MOUNTED_BYTES)?)
                .with_context(|| format!("cannot read {}", file.display()))?;
            folders.push(MountedFolder {
                name: flag.trim_start_matches('-').to_owned(),
                flag,
                file: Some("config.yaml".to_owned()),
                files: vec![("config.yaml".to_owned(), text)],
            });
        }
        Ok(folders)
    }
}

impl ManifestForm {
    /// Writes the whole installation.
    fn write(self, options: &InstallOptions, output: Option<&Path>) -> anyhow::Result<()> {
        match self {
            Self::Yaml => write_stream(output, &manifests::install(options)?),
            Self::Kustomize => write_files(output, manifests::kustomization(options)?),
            // It depends on the library: see `write_chart`.
            Self::Helm => Ok(()),
        }
    }
}

/// Writes the chart of gate and operator.
fn write_chart(
    options: &InstallOptions,
    library: &Library,
    output: Option<&Path>,
) -> anyhow::Result<()> {
    if options.namespace != DEFAULT_NAMESPACE {
        bail!(
            "a chart has the namespace of its release: helm install --namespace {}",
            options.namespace
        );
    }
    let default = SelectionFlags::of_frameworks(Vec::new());
    let controls = chosen_controls(&default, library)?;
    let operator = OperatorOptions {
        workloads: library.workloads.clone(),
        ..OperatorOptions::new(&options.image, controls)
    };
    let rights = FrameworkRights::of(library);
    write_files(output, manifests::chart(options, &operator, &rights)?)
}

impl ManifestPart {
    fn write(self, options: &InstallOptions, output: Option<&Path>) -> anyhow::Result<()> {
        match self {
            Self::Webhook { url, ca_file } => {
                let ca = String::from_utf8(read_file(&ca_file, MAX_CA_BYTES)?)
                    .with_context(|| format!("cannot read {}", ca_file.display()))?;
                let external = ExternalWebhook { url, ca };
                write_stream(output, &manifests::webhook(options, &external)?)
            }
            Self::AdmissionConfiguration { url, host_folder } => {
                let url = url.as_deref();
                let files = manifests::admission_configuration(options, url, &host_folder)?;
                write_files(output, files)
            }
            // They depend on the chosen controls: see `run`.
            Self::ScanRbac(_) | Self::OperatorRbac(_) | Self::Operator(_) => Ok(()),
            Self::ResultsCrds { kinds } => {
                let groups: Vec<ResultCrds> = kinds.into_iter().map(ResultCrds::from).collect();
                write_stream(output, &manifests::results_crds(&groups))
            }
            Self::OperatorCrds => write_stream(output, &manifests::scan_request_crd()),
            Self::Monitoring => write_files(output, manifests::monitoring(options)?),
        }
    }
}

/// Parses `10.0.0.2/32` or `fd00::/64`. An address alone is a range of one.
fn address_range(argument: &str) -> Result<String, String> {
    let error = || {
        format!(
            "`{argument}` is not a valid range of addresses: write it like 10.0.0.2/32 or fd00::/64"
        )
    };
    let (address, prefix_bits) = match argument.split_once('/') {
        Some((address, bits)) => (address, Some(bits)),
        None => (argument, None),
    };
    let address: IpAddr = address.parse().map_err(|_| error())?;
    let max_bits = if address.is_ipv4() { 32 } else { 128 };
    let prefix_bits: u8 = match prefix_bits {
        Some(bits) => bits.parse().map_err(|_| error())?,
        None => max_bits,
    };
    if prefix_bits > max_bits {
        return Err(error());
    }
    Ok(format!("{address}/{prefix_bits}"))
}

fn failure_policy(argument: &str) -> Result<FailurePolicy, String> {
    argument.parse().map_err(|_| "Fail or Ignore".to_owned())
}

fn write_stream(output: Option<&Path>, yaml: &str) -> anyhow::Result<()> {
    terminal::write(output, |out| out.write_all(yaml.as_bytes()))
}

/// Writes files into a folder. It overwrites files of the same names and leaves all others.
pub(super) fn write_files(
    output: Option<&Path>,
    files: Vec<(String, String)>,
) -> anyhow::Result<()> {
    let folder = output.context("these are several files: name their folder with -o DIR")?;
    for (name, content) in files {
        let path = folder.join(name);
        let context = || format!("cannot write {}", path.display());
        fs::create_dir_all(path.parent().unwrap_or(folder)).with_context(context)?;
        fs::write(&path, content).with_context(context)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;
    use clap::Parser as _;
    use std::collections::BTreeSet;

    /// Returns the values of a list, as the templates write it: `key:` and lines of `- value`, with
    /// comments between them.
    fn list<'t>(yaml: &'t str, key: &str) -> Vec<&'t str> {
        let lines = yaml.lines().map(str::trim);
        lines
            .skip_while(|line| *line != key)
            .skip(1)
            .filter(|line| !line.starts_with('#'))
            .map_while(|line| line.strip_prefix("- "))
            .collect()
    }

    fn name(yaml: &str) -> &str {
        yaml.lines()
            .find_map(|line| line.strip_prefix("  name: "))
            .unwrap()
    }

    #[test]
    fn address_range_is_complete_or_rejected() {
        for (argument, expected) in [
            ("10.0.0.2/32", Some("10.0.0.2/32")),
            ("10.0.0.2", Some("10.0.0.2/32")),
            ("FD00::1", Some("fd00::1/128")),
            ("10.0.0.0/33", None),
            ("10.0.0.0/", None),
            ("10.0.0/8", None),
            ("host/8", None),
        ] {
            let range = address_range(argument).ok();
            assert_eq!(range.as_deref(), expected, "{argument}");
        }
    }

    /// The Lease is the one that the Role names, and the store is in the folder that is mounted.
    #[test]
    fn operator_arguments_parse_and_name_installed_objects() {
        let options = OperatorOptions {
            choice: vec!["--framework=NSA,MITRE".to_owned()],
            read_secrets: true,
            results: ResultCrds::ALL.to_vec(),
            ..OperatorOptions::new("kubevet", Vec::new())
        };
        let objects = manifests::operator_objects(&options).unwrap();
        let yaml = |file: &str| {
            let (_, yaml) = objects.iter().find(|(name, _)| *name == file).unwrap();
            yaml.as_str()
        };
        let args = list(yaml("deployment.yaml"), "args:");
        Cli::try_parse_from(["kubevet"].iter().chain(&args)).unwrap();
        for expected in [
            "--results=kubescape,policy-reports,open-reports",
            "--store=/var/lib/kubevet/store.db",
        ] {
            assert!(args.contains(&expected), "{expected}: {args:?}");
        }
        assert!(yaml("deployment.yaml").contains("mountPath: /var/lib/kubevet\n"));
        let lease = args.iter().find_map(|flag| flag.strip_prefix("--lease="));
        let rule = format!("resourceNames: [{}]", lease.unwrap());
        assert!(yaml("roles.yaml").contains(&rule), "{rule}");
    }

    #[test]
    fn deployment_arguments_parse_and_name_installed_objects() {
        let options = InstallOptions {
            client_names: vec!["apiserver".to_owned()],
            ..InstallOptions::new("kubevet", BTreeSet::new())
        };
        let objects = manifests::objects(&options).unwrap();
        let yaml = |file: &str| {
            let (_, yaml) = objects.iter().find(|(name, _)| *name == file).unwrap();
            yaml.as_str()
        };
        let args = list(yaml("deployment.yaml"), "args:");
        Cli::try_parse_from(["kubevet"].iter().chain(&args)).unwrap();
        for (flag, file) in [
            ("deployment", "deployment.yaml"),
            ("webhook-configuration", "webhooks.yaml"),
            ("tls-secret", "secret.yaml"),
        ] {
            let expected = format!("--{flag}={}", name(yaml(file)));
            assert!(args.contains(&expected.as_str()), "{expected}: {args:?}");
            // The RBAC rules have the same names.
            let rule = format!("resourceNames: [{}]", name(yaml(file)));
            assert!(yaml("rbac.yaml").contains(&rule), "{rule}");
        }
    }
}
