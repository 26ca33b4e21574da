//! The flags of `kubevet serve`, and the cluster that they name.

use crate::cli::{
    duration::parse_duration, operator::OperatorOfGateFlags, policy_flags::EnforcementFlags,
    program_log::LogFormat,
};
use clap::Args;
use kubevet_cluster::{ApiAccess, Installation};
use std::{env, net::SocketAddr, path::PathBuf, time::Duration};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubevet serve                               audits; warns and denies nothing
  kubevet serve --bindings bindings/          enforces the ControlBindings of a folder
  kubevet serve --kubeconfig ~/.kube/config   takes them, and namespaces, from a cluster
  kubevet serve --operator                    has the operator in the same process, for a small cluster

Ask it without a cluster (pod.yaml is any manifest):
  kubevet review --request pod.yaml | curl -s --data-binary @- \\
    --cacert ~/.local/state/kubevet/tls/ca.crt https://localhost:8443/validate

Make an API server ask it:
  kubevet manifests webhook --url https://HOST:8443/validate --ca-file ca.crt \\
    | kubectl apply -f -

A binding is a file such as:
  apiVersion: kubevet.io/v1alpha1
  kind: ControlBinding
  metadata: {name: nsa}
  spec: {validationActions: [Deny], frameworks: [NSA]}

Signals: HUP reloads library, bindings and certificates and reopens the decision log; TERM answers the requests that \
are under way and ends.")]
pub(crate) struct ServeCommand {
    #[command(flatten)]
    pub(super) listen: ListenFlags,
    #[command(flatten)]
    pub(super) enforcement: EnforcementFlags,
    #[command(flatten)]
    pub(super) cluster: ClusterFlags,
    #[command(flatten)]
    pub(super) certificates: CertificateFlags,
    /// How long new calls are still answered after TERM, for API servers that have not heard of it
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = parse_duration)]
    pub(super) drain_delay: Duration,
    #[command(flatten)]
    pub(super) logs: LogFlags,
    #[command(flatten)]
    pub(super) operator: OperatorOfGateFlags,
}

#[derive(Debug, Args)]
pub(super) struct ListenFlags {
    /// Where to listen for the API server
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8443")]
    pub(super) listen: SocketAddr,
    /// Where to serve /metrics, /healthz and /readyz without TLS; without it, health is served
    /// beside /validate and metrics nowhere
    #[arg(long, value_name = "ADDR")]
    pub(super) metrics_listen: Option<SocketAddr>,
    /// Listen beside another gate that does so, too, until one of them ends: for an upgrade without
    /// a gap. Both must have the same certificates
    #[arg(long)]
    pub(super) share_port: bool,
}

#[derive(Debug, Args)]
pub(super) struct ClusterFlags {
    /// The cluster from which namespaces and ControlBindings are read [default: in a Pod its own,
    /// elsewhere none]
    #[arg(long, value_name = "FILE", help_heading = "Cluster")]
    kubeconfig: Option<PathBuf>,
    /// The ValidatingWebhookConfiguration in which the CA of the certificates is kept up to date
    #[arg(long, value_name = "NAME", help_heading = "Cluster")]
    webhook_configuration: Option<String>,
    /// The Deployment to which this process belongs: when it is deleted or scaled to 0, the failure
    /// policy of the webhooks becomes Ignore
    #[arg(long, value_name = "NAME", help_heading = "Cluster")]
    deployment: Option<String>,
}

impl ClusterFlags {
    /// Returns how the cluster is reached; `None` if there is none.
    pub(super) fn api_access(&self) -> Option<ApiAccess> {
        match &self.kubeconfig {
            Some(file) => Some(ApiAccess::Kubeconfig(file.clone())),
            None => env::var_os("KUBERNETES_SERVICE_HOST").map(|_| ApiAccess::InCluster),
        }
    }

    /// Returns the installation that this server is part of, if its webhook configuration is known.
    pub(super) fn installation(&self, namespace: Option<String>) -> Option<Installation> {
        Some(Installation {
            configuration: self.webhook_configuration.clone()?,
            namespace,
            deployment: self.deployment.clone(),
        })
    }
}

#[derive(Debug, Args)]
pub(super) struct CertificateFlags {
    /// Folder of ca.crt, tls.crt and tls.key, created if it is missing [default: kubevet/tls in the
    /// user's state folder]
    #[arg(
        long,
        value_name = "DIR",
        conflicts_with = "tls_secret",
        help_heading = "Certificates"
    )]
    pub(super) tls_dir: Option<PathBuf>,
    /// Secret of our namespace that holds them instead
    #[arg(long, value_name = "NAME", help_heading = "Certificates")]
    pub(super) tls_secret: Option<String>,
    /// Names that the certificate has besides localhost and, in a Pod, kubevet.NAMESPACE.svc
    #[arg(long, value_name = "NAME", help_heading = "Certificates")]
    pub(super) tls_name: Vec<String>,
    /// How long a new CA is published before it signs
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = parse_duration, help_heading = "Certificates")]
    pub(super) ca_overlap: Duration,
    /// Ask callers for a certificate that one of these authorities signed
    #[arg(long, value_name = "FILE", help_heading = "Certificates")]
    pub(super) client_ca: Option<PathBuf>,
    /// Accept only callers whose certificate has this common name
    #[arg(
        long,
        value_name = "NAME",
        requires = "client_ca",
        help_heading = "Certificates"
    )]
    pub(super) client_name: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct LogFlags {
    /// Write each review to this folder, for `kubevet review`; Secrets without their data
    #[arg(long, value_name = "DIR", help_heading = "Logs")]
    pub(super) record: Option<PathBuf>,
    /// Where decisions are written, a line of JSON each; - is standard output
    #[arg(long, value_name = "FILE", default_value = "-", help_heading = "Logs")]
    pub(super) decision_log: PathBuf,
    /// Write one in N clean decisions (0: none)
    #[arg(long, value_name = "N", default_value_t = 100, help_heading = "Logs")]
    pub(super) decision_sample: u64,
    /// The form of the program's own log, on standard error
    #[arg(
        long,
        value_name = "FORM",
        default_value = "text",
        help_heading = "Logs"
    )]
    pub(super) log_format: LogFormat,
}
