//! Certificates in a Secret: read, and written only if no other client wrote in between.

use super::{Cluster, ClusterError, api_call::ApiCall};
use k8s_openapi::{ByteString, api::core::v1::Secret};
use kube::{
    Api,
    api::{Patch, PatchParams, PostParams},
};
use kubevet_model::StoredCertificates;
use serde_json::json;
use std::collections::BTreeMap;

const CA_BUNDLE_KEY: &str = "ca.crt";
const CA_KEYS_KEY: &str = "ca.key";
const CERTIFICATE_KEY: &str = "tls.crt";
const PRIVATE_KEY_KEY: &str = "tls.key";

/// One Secret with certificates. The version of its content is its resource version.
#[derive(Debug, Clone)]
pub struct CertificateSecret {
    cluster: Cluster,
    namespace: String,
    name: String,
}

impl Cluster {
    /// Returns the Secret of that name. Makes no call.
    #[must_use]
    pub fn certificate_secret(&self, namespace: &str, name: &str) -> CertificateSecret {
        CertificateSecret {
            cluster: self.clone(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }
}

impl CertificateSecret {
    /// Reads the certificates; `None` if there is no such Secret, or one without any certificate.
    /// Needs `get` on it.
    ///
    /// # Errors
    /// Any but [`ClusterError::NotFound`].
    pub async fn read(&self) -> Result<Option<StoredCertificates>, ClusterError> {
        Ok(self
            .get()
            .await?
            .map(stored_certificates)
            .filter(has_certificate))
    }

    /// Writes certificates, if the version of the Secret still is theirs; without a version, if it
    /// holds none yet. A missing Secret is created, which needs `create`; otherwise it needs `get`
    /// and `patch`.
    ///
    /// # Errors
    /// [`ClusterError::Conflict`] if another client was first.
    pub async fn write(&self, certificates: &StoredCertificates) -> Result<(), ClusterError> {
        let version = match &certificates.version {
            Some(version) => version.clone(),
            None => match self.get().await? {
                None => return self.create(certificates).await,
                Some(secret) => {
                    let stored = stored_certificates(secret);
                    if has_certificate(&stored) {
                        return Err(ClusterError::Conflict {
                            call: self.call("patch").describe(),
                        });
                    }
                    stored.version.unwrap_or_default()
                }
            },
        };
        // Only the keys of certificates: labels, annotations and other keys are not ours. The
        // resource version makes the patch fail if another client wrote since.
        let patch = json!({"metadata": {"resourceVersion": version}, "data": data(certificates)});
        let (api, params, patch) = (self.api(), PatchParams::default(), Patch::Merge(patch));
        self.call("patch")
            .send(
                self.cluster.timeouts.call,
                api.patch(&self.name, &params, &patch),
            )
            .await
            .map(drop)
    }

    async fn get(&self) -> Result<Option<Secret>, ClusterError> {
        match self
            .call("get")
            .send(self.cluster.timeouts.call, self.api().get(&self.name))
            .await
        {
            Ok(secret) => Ok(Some(secret)),
            Err(ClusterError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn create(&self, certificates: &StoredCertificates) -> Result<(), ClusterError> {
        let data = data(certificates)
            .into_iter()
            .filter_map(|(key, bytes)| Some((key.to_owned(), bytes?)));
        let secret = Secret {
            metadata: kube::core::ObjectMeta {
                name: Some(self.name.clone()),
                ..Default::default()
            },
            data: Some(data.collect()),
            type_: Some("Opaque".to_owned()),
            ..Default::default()
        };
        let (api, params) = (self.api(), PostParams::default());
        self.call("create")
            .send(self.cluster.timeouts.call, api.create(&params, &secret))
            .await
            .map(drop)
    }

    fn api(&self) -> Api<Secret> {
        Api::namespaced(self.cluster.client.clone(), &self.namespace)
    }

    fn call<'a>(&'a self, verb: &'a str) -> ApiCall<'a> {
        ApiCall {
            verb,
            group: "",
            resource: "secrets",
            namespace: Some(&self.namespace),
            name: Some(&self.name),
        }
    }
}

fn has_certificate(stored: &StoredCertificates) -> bool {
    !stored.certificate.is_empty() || !stored.ca_bundle.is_empty()
}

/// Returns the `data` of the Secret; `None` removes a key in a merge patch.
fn data(certificates: &StoredCertificates) -> BTreeMap<&'static str, Option<ByteString>> {
    let StoredCertificates {
        ca_bundle,
        ca_keys,
        certificate,
        key,
        ..
    } = certificates;
    let bytes = |bytes: &Vec<u8>| Some(ByteString(bytes.clone()));
    BTreeMap::from([
        (CA_BUNDLE_KEY, bytes(ca_bundle)),
        (CA_KEYS_KEY, ca_keys.as_ref().and_then(bytes)),
        (CERTIFICATE_KEY, bytes(certificate)),
        (PRIVATE_KEY_KEY, bytes(key)),
    ])
}

fn stored_certificates(secret: Secret) -> StoredCertificates {
    let mut data = secret.data.unwrap_or_default();
    let mut take = |key: &str| {
        data.remove(key)
            .map(|bytes| bytes.0)
            .filter(|bytes| !bytes.is_empty())
    };
    StoredCertificates {
        ca_bundle: take(CA_BUNDLE_KEY).unwrap_or_default(),
        ca_keys: take(CA_KEYS_KEY),
        certificate: take(CERTIFICATE_KEY).unwrap_or_default(),
        key: take(PRIVATE_KEY_KEY).unwrap_or_default(),
        version: secret.metadata.resource_version,
    }
}
