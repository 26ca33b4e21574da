//! `kubevet manifests operator`: what installs the operator.

use super::{ManifestForm, ResultCrdsArgument, chosen_controls, write_files, write_stream};
use crate::cli::scan::SelectionFlags;
use anyhow::bail;
use clap::Args;
use kubevet_manifests::{
    self as manifests, InstallOptions, OperatorOptions, OperatorStore, ResultCrds,
};
use kubevet_policy::Library;
use std::path::Path;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubevet manifests operator | kubectl apply --server-side -f -
  kubevet manifests operator --framework NSA,MITRE --results kubescape | kubectl apply --server-side -f -
  kubevet manifests operator --replicas 1 --store-volume 2Gi | kubectl apply --server-side -f -
  kubevet manifests operator --store-secret kubevet-store | kubectl apply --server-side -f -
  kubevet manifests operator --form kustomize -o operator/ && kubectl apply --server-side -k operator/

The chart of `kubevet manifests --form helm` has the operator, too: helm install … --set operator.enabled=true")]
pub(super) struct OperatorInstallFlags {
    #[command(flatten)]
    choice: SelectionFlags,
    /// Read Secrets whole if a chosen control checks what they hold
    #[arg(long)]
    read_secrets: bool,
    /// The kinds of objects that results are written as, with their definitions [default: none]
    #[arg(long, value_enum, value_name = "KINDS", value_delimiter = ',')]
    results: Vec<ResultCrdsArgument>,
    /// Leave the definitions of --results out: another engine has installed them
    #[arg(long)]
    skip_result_crds: bool,
    /// Keep the history of findings in a volume of this size, such as 2Gi, which belongs to one
    /// replica [default: as long as the pod lives]
    #[arg(long, value_name = "SIZE", conflicts_with = "store_secret")]
    store_volume: Option<String>,
    /// The storage class of the volume [default: that of the cluster]
    #[arg(long, value_name = "NAME", requires = "store_volume")]
    storage_class: Option<String>,
    /// Keep the history in the PostgreSQL whose URL is in this Secret, under the key `store`
    #[arg(long, value_name = "NAME")]
    store_secret: Option<String>,
    /// The port of the PostgreSQL: the NetworkPolicy allows it
    #[arg(
        long,
        value_name = "PORT",
        default_value_t = 5432,
        requires = "store_secret"
    )]
    store_port: u16,
    /// Keep no history
    #[arg(long, conflicts_with_all = ["store_volume", "store_secret"])]
    no_store: bool,
}

impl OperatorInstallFlags {
    /// Writes the installation. `shared` are the options that the gate has, too.
    pub(super) fn write(
        &self,
        shared: InstallOptions,
        library: &Library,
        form: ManifestForm,
        output: Option<&Path>,
    ) -> anyhow::Result<()> {
        let options = OperatorOptions {
            namespace: shared.namespace,
            image: shared.image,
            replicas: shared.replicas,
            controls: chosen_controls(&self.choice, library)?,
            choice: self.choice.arguments(),
            workloads: shared.workloads,
            read_secrets: self.read_secrets,
            results: self
                .results
                .iter()
                .map(|kinds| ResultCrds::from(*kinds))
                .collect(),
            installs_result_crds: !self.skip_result_crds,
            store: self.store(),
            mounted: shared.mounted,
        };
        match form {
            ManifestForm::Yaml => write_stream(output, &manifests::install_operator(&options)?),
            ManifestForm::Kustomize => {
                write_files(output, manifests::operator_kustomization(&options)?)
            }
            ManifestForm::Helm => bail!(
                "one chart has gate and operator: leave `operator` out here, and install the chart \
                 with --set operator.enabled=true"
            ),
        }
    }

    fn store(&self) -> OperatorStore {
        if let Some(size) = &self.store_volume {
            OperatorStore::Volume {
                size: size.clone(),
                class: self.storage_class.clone(),
            }
        } else if let Some(name) = &self.store_secret {
            OperatorStore::secret(name, self.store_port)
        } else if self.no_store {
            OperatorStore::None
        } else {
            OperatorStore::EmptyDir
        }
    }
}
