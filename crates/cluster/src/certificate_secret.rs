//! Certificates in a Secret: read, and written only where nobody else wrote in between.

use super::{Cluster, ClusterError, api_call::Call};
use k8s_openapi::{ByteString, api::core::v1::Secret};
use kube::{
    Api,
    api::{Patch, PatchParams, PostParams},
};
use serde_json::json;
use std::{
    collections::BTreeMap,
    fmt::{self, Debug},
};

const CA: &str = "ca.crt";
const CA_KEYS: &str = "ca.key";
const CERTIFICATE: &str = "tls.crt";
const KEY: &str = "tls.key";

/// What the Secret holds, as PEM; empty where it holds nothing under that key.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificates {
    /// `ca.crt`: everybody who is trusted to issue.
    pub ca: Vec<u8>,
    /// `ca.key`: the keys of those; `None` where somebody else issues.
    pub ca_keys: Option<Vec<u8>>,
    /// `tls.crt`.
    pub certificate: Vec<u8>,
    /// `tls.key`.
    pub key: Vec<u8>,
    /// Which state of the Secret this is; `None` for what was never stored.
    pub version: Option<String>,
}

impl Debug for Certificates {
    /// Says nothing that a log must not hold.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificates")
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

/// One Secret.
#[derive(Debug, Clone)]
pub struct SecretStore {
    cluster: Cluster,
    namespace: String,
    name: String,
}

impl Cluster {
    /// The Secret of that name. Asks nothing yet.
    #[must_use]
    pub fn secret(&self, namespace: &str, name: &str) -> SecretStore {
        SecretStore {
            cluster: self.clone(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }
}

impl SecretStore {
    /// What it holds; `None` where there is no such Secret, or one without any certificate. Needs `get` on it.
    ///
    /// # Errors
    /// Any but [`ClusterError::Missing`].
    pub async fn read(&self) -> Result<Option<Certificates>, ClusterError> {
        Ok(self
            .get()
            .await?
            .map(contents)
            .filter(|it| !it.certificate.is_empty() || !it.ca.is_empty()))
    }

    /// Stores certificates, if the Secret still is what `version` says; without a version, if it holds none yet. A Secret
    /// that is missing is made (which needs `create`); else it needs `get` and `patch`.
    ///
    /// # Errors
    /// [`ClusterError::Conflict`] where somebody else was first.
    pub async fn write(&self, certificates: &Certificates) -> Result<(), ClusterError> {
        let version = match &certificates.version {
            Some(version) => version.clone(),
            None => match self.get().await? {
                None => return self.create(certificates).await,
                Some(secret) => {
                    let held = contents(secret);
                    if !held.certificate.is_empty() || !held.ca.is_empty() {
                        return Err(ClusterError::Conflict {
                            what: self.call("patch").what(),
                        });
                    }
                    held.version.unwrap_or_default()
                }
            },
        };
        // Only our keys: labels, annotations and what else stands there is not ours. The version makes it fail where
        // somebody else wrote.
        let change = json!({"metadata": {"resourceVersion": version}, "data": data(certificates)});
        let (api, params, change) = (self.api(), PatchParams::default(), Patch::Merge(change));
        let call = self.call("patch");
        call.ask(
            self.cluster.limits.call,
            api.patch(&self.name, &params, &change),
        )
        .await
        .map(drop)
    }

    async fn get(&self) -> Result<Option<Secret>, ClusterError> {
        match self
            .call("get")
            .ask(self.cluster.limits.call, self.api().get(&self.name))
            .await
        {
            Ok(secret) => Ok(Some(secret)),
            Err(ClusterError::Missing { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn create(&self, certificates: &Certificates) -> Result<(), ClusterError> {
        let secret = Secret {
            metadata: kube::core::ObjectMeta {
                name: Some(self.name.clone()),
                ..Default::default()
            },
            data: Some(
                data(certificates)
                    .into_iter()
                    .filter_map(|(key, it)| Some((key.to_owned(), it?)))
                    .collect(),
            ),
            type_: Some("Opaque".to_owned()),
            ..Default::default()
        };
        let (api, params) = (self.api(), PostParams::default());
        self.call("create")
            .ask(self.cluster.limits.call, api.create(&params, &secret))
            .await
            .map(drop)
    }

    fn api(&self) -> Api<Secret> {
        Api::namespaced(self.cluster.client.clone(), &self.namespace)
    }

    fn call<'a>(&'a self, verb: &'a str) -> Call<'a> {
        Call {
            verb,
            group: "",
            resource: "secrets",
            namespace: Some(&self.namespace),
            name: Some(&self.name),
        }
    }
}

/// By key of the Secret; `None` takes the key away.
fn data(certificates: &Certificates) -> BTreeMap<&'static str, Option<ByteString>> {
    let Certificates {
        ca,
        ca_keys,
        certificate,
        key,
        ..
    } = certificates;
    let held = |it: &Vec<u8>| Some(ByteString(it.clone()));
    BTreeMap::from([
        (CA, held(ca)),
        (CA_KEYS, ca_keys.as_ref().and_then(held)),
        (CERTIFICATE, held(certificate)),
        (KEY, held(key)),
    ])
}

fn contents(secret: Secret) -> Certificates {
    let mut data = secret.data.unwrap_or_default();
    let mut take = |key: &str| data.remove(key).map(|it| it.0).filter(|it| !it.is_empty());
    Certificates {
        ca: take(CA).unwrap_or_default(),
        ca_keys: take(CA_KEYS),
        certificate: take(CERTIFICATE).unwrap_or_default(),
        key: take(KEY).unwrap_or_default(),
        version: secret.metadata.resource_version,
    }
}
