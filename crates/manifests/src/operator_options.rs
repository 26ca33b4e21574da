//! The differences between installations of the operator, and their validation.

use super::{
    error::InvalidOption,
    mounted_files::MountedFolder,
    options::{is_plain, validate_deployment},
    results_crds::ResultCrds,
};
use kubevet_k8s::workload::custom::CustomWorkloads;
use kubevet_model::Control;
use std::sync::Arc;

/// The key of a Secret with the URL of the store.
pub(crate) const STORE_KEY: &str = "store";

/// The differences between installations of the operator.
#[derive(Debug, Clone)]
pub struct OperatorOptions {
    /// The namespace that it is installed into.
    pub namespace: String,
    /// The container image.
    pub image: String,
    /// The number of replicas.
    pub replicas: u32,
    /// The controls that it evaluates: they decide what it may read.
    pub controls: Vec<Arc<Control>>,
    /// The flags by which it chooses these controls.
    pub choice: Vec<String>,
    /// The kinds of other software with pod specs.
    pub workloads: CustomWorkloads,
    /// True if it may read Secrets.
    pub read_secrets: bool,
    /// The kinds that results are written as.
    pub results: Vec<ResultCrds>,
    /// True if the definitions of these kinds are installed, too.
    pub installs_result_crds: bool,
    /// Where findings and their history are kept.
    pub store: OperatorStore,
    /// The files that the pods read.
    pub mounted: Vec<MountedFolder>,
}

/// Where the operator keeps findings and their history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OperatorStore {
    /// A file that lives as long as the pod.
    EmptyDir,
    /// A file in a volume that stays.
    Volume {
        /// The size, such as `2Gi`.
        size: String,
        /// The storage class; `None` for that of the cluster.
        class: Option<String>,
    },
    /// The URL of a PostgreSQL in a Secret.
    Secret {
        /// The name of the Secret.
        name: String,
        /// Its key.
        key: String,
        /// The port of the database.
        port: u16,
    },
    /// There is none.
    None,
}

impl OperatorStore {
    /// The URL of a PostgreSQL at this port, in a Secret of this name.
    #[must_use]
    pub fn secret(name: &str, port: u16) -> Self {
        Self::Secret {
            name: name.to_owned(),
            key: STORE_KEY.to_owned(),
            port,
        }
    }
}

impl OperatorOptions {
    /// Returns the default options.
    #[must_use]
    pub fn new(image: &str, controls: Vec<Arc<Control>>) -> Self {
        Self {
            namespace: "kubevet".to_owned(),
            image: image.to_owned(),
            replicas: 2,
            controls,
            choice: Vec::new(),
            workloads: CustomWorkloads::shipped(),
            read_secrets: false,
            results: Vec::new(),
            installs_result_crds: true,
            store: OperatorStore::EmptyDir,
            mounted: Vec::new(),
        }
    }

    /// Checks that every option keeps its meaning once it is in YAML.
    ///
    /// # Errors
    /// The first option that does not.
    pub(crate) fn validate(&self) -> Result<(), InvalidOption> {
        validate_deployment(&self.namespace, &self.image, self.replicas)?;
        let is_in_a_file = |flag: &&String| {
            !is_plain(flag, "-=.,_") || [".yaml", ".yml"].iter().any(|end| flag.contains(end))
        };
        if let Some(flag) = self.choice.iter().find(is_in_a_file) {
            return Err(InvalidOption::Choice(flag.clone()));
        }
        self.mounted.iter().try_for_each(MountedFolder::validate)?;
        self.validate_store()
    }

    fn validate_store(&self) -> Result<(), InvalidOption> {
        let is_name = |name: &str| !name.is_empty() && is_plain(name, ".-");
        match &self.store {
            OperatorStore::Volume { .. } if self.replicas > 1 => Err(InvalidOption::SharedVolume),
            OperatorStore::Volume { size, .. } if !is_size(size) => {
                Err(InvalidOption::VolumeSize(size.clone()))
            }
            OperatorStore::Volume {
                class: Some(class), ..
            } if !is_name(class) => Err(InvalidOption::ObjectName(class.clone())),
            OperatorStore::Secret { name, .. } if !is_name(name) => {
                Err(InvalidOption::ObjectName(name.clone()))
            }
            OperatorStore::Secret { key, .. } if key.is_empty() || !is_plain(key, ".-_") => {
                Err(InvalidOption::ObjectName(key.clone()))
            }
            _ => Ok(()),
        }
    }
}

/// True for a number with a unit of bytes.
fn is_size(size: &str) -> bool {
    let digits = ["Mi", "Gi", "Ti"];
    let mut digits = digits.iter().filter_map(|unit| size.strip_suffix(unit));
    digits.any(|digits| digits.parse::<u32>().is_ok_and(|number| number > 0))
}
