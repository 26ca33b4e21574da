//! The ValidatingWebhookConfiguration: the authorities that the API server trusts, and its failure
//! policy when no process answers.
//!
//! A cluster must stay writable in whatever order kubevet is uninstalled. So the configuration is
//! owned by the namespace and deleted with it, and the last process to end turns the failure policy
//! `Fail` into `Ignore`, recorded in an annotation for the next process that starts. A restart or a
//! rollout changes nothing.

use super::{
    Cluster, ClusterError,
    api_call::ApiCall,
    failure_policy::{fail_open_webhooks, relax, restore, set_ca_bundle, set_owner_reference},
};
use k8s_openapi::{
    ByteString,
    api::{apps::v1::Deployment, core::v1::Namespace},
    apimachinery::pkg::apis::meta::v1::OwnerReference,
};
use kube::{
    Api,
    api::PostParams,
    core::{ApiResource, DynamicObject, PartialObjectMeta},
};
use serde_json::json;

const GROUP: &str = "admissionregistration.k8s.io";
const RESOURCE: &str = "validatingwebhookconfigurations";
/// The number of attempts where another client writes at the same time.
const MAX_ATTEMPTS: usize = 5;

/// The objects of one installation of kubevet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation {
    /// The name of the ValidatingWebhookConfiguration.
    pub configuration: String,
    /// The namespace in which it runs; `None` outside a cluster.
    pub namespace: Option<String>,
    /// The Deployment of which this process is a replica; `None` outside a cluster. With a wrong
    /// name, each end of a process looks like an uninstallation.
    pub deployment: Option<String>,
}

/// The result of [`Cluster::relax_failure_policy`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RelaxOutcome {
    /// Other replicas remain, or that cannot be known: nothing was changed.
    Kept,
    /// There is no configuration.
    NotFound,
    /// No replica remains, and these webhooks no longer fail closed. Empty if none did.
    Relaxed(Vec<String>),
}

/// Whether replicas are meant to answer after this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lifecycle {
    Remains,
    IsUninstalled,
    Unknown,
}

impl Cluster {
    /// Makes API servers trust these authorities (PEM): sets `caBundle` of each webhook where it
    /// differs, and makes the namespace, if there is one, the owner of the configuration. Returns
    /// true if something was changed; API servers notice it within seconds.
    ///
    /// Needs `get` and `update` on the configuration and `get` on the namespace.
    ///
    /// # Errors
    /// [`ClusterError::Unusable`] for a bundle without a certificate, [`ClusterError::NotFound`] if
    /// there is no configuration; a conflict only after several attempts.
    pub async fn publish_ca_bundle(
        &self,
        installation: &Installation,
        ca_bundle: &[u8],
    ) -> Result<bool, ClusterError> {
        // The API server accepts any bytes here, and then trusts no authority.
        if !ca_bundle.starts_with(b"-----BEGIN CERTIFICATE-----") {
            return Err(ClusterError::Unusable {
                call: format!("update {RESOURCE} {}", installation.configuration),
                reason: "the bundle to trust holds no certificate".to_owned(),
            });
        }
        let owner = match &installation.namespace {
            Some(name) => self
                .own_namespace(name)
                .await?
                .and_then(|namespace| owner_reference(name, &namespace)),
            None => None,
        };
        let ca_bundle = json!(ByteString(ca_bundle.to_vec()));
        self.update_configuration(installation, |configuration| {
            let is_bundle_new = set_ca_bundle(configuration, &ca_bundle);
            let is_owner_new = owner
                .as_ref()
                .is_some_and(|owner| set_owner_reference(configuration, owner));
            is_bundle_new || is_owner_new
        })
        .await
    }

    /// Turns `failurePolicy: Fail` into `Ignore` and records that, if the Deployment is deleted,
    /// terminating or scaled to zero, or the namespace is. Each process calls it when it
    /// shuts down; any number may.
    ///
    /// Needs `get` on the Deployment and the namespace, `get` and `update` on the configuration.
    ///
    /// # Errors
    /// Any; then nothing was changed.
    pub async fn relax_failure_policy(
        &self,
        installation: &Installation,
    ) -> Result<RelaxOutcome, ClusterError> {
        if self.lifecycle(installation).await? != Lifecycle::IsUninstalled {
            return Ok(RelaxOutcome::Kept);
        }
        let mut names = Vec::new();
        let updated = self.update_configuration(installation, |configuration| {
            names = relax(configuration);
            !names.is_empty()
        });
        match updated.await {
            Ok(_) => Ok(RelaxOutcome::Relaxed(names)),
            Err(ClusterError::NotFound { .. }) => Ok(RelaxOutcome::NotFound),
            Err(error) => Err(error),
        }
    }

    /// Restores the failure policies that [`Cluster::relax_failure_policy`] has changed, and
    /// returns the names of those webhooks. Each process calls it when it is ready to answer. It
    /// does nothing while the Deployment is terminating or scaled to zero.
    ///
    /// # Errors
    /// Any; [`ClusterError::NotFound`] also if there is no such Deployment: its name is wrong then.
    pub async fn restore_failure_policy(
        &self,
        installation: &Installation,
    ) -> Result<Vec<String>, ClusterError> {
        if let (Some(namespace), Some(name)) = (&installation.namespace, &installation.deployment)
            && self.lifecycle(installation).await? == Lifecycle::IsUninstalled
        {
            // This distinguishes a wrong name from a Deployment that is terminating.
            return self.deployment(namespace, name).await.map(|_| Vec::new());
        }
        let mut names = Vec::new();
        let updated = self.update_configuration(installation, |configuration| {
            let (restored, is_changed) = restore(configuration);
            names = restored;
            is_changed
        });
        updated.await?;
        Ok(names)
    }

    /// Returns the webhooks that fail open, each with the namespaces to which that applies, such as
    /// `validate.kubevet.io (in every namespace)`. Empty if there are none, or no configuration.
    ///
    /// Needs `get` on the configuration.
    ///
    /// # Errors
    /// Any but [`ClusterError::NotFound`].
    pub async fn fail_open_webhooks(
        &self,
        installation: &Installation,
    ) -> Result<Vec<String>, ClusterError> {
        let mut names = Vec::new();
        let read = self.update_configuration(installation, |configuration| {
            names = fail_open_webhooks(configuration);
            false
        });
        match read.await {
            Ok(_) => Ok(names),
            Err(ClusterError::NotFound { .. }) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    async fn lifecycle(&self, installation: &Installation) -> Result<Lifecycle, ClusterError> {
        let (Some(namespace), Some(name)) = (&installation.namespace, &installation.deployment)
        else {
            return Ok(Lifecycle::Unknown);
        };
        match self.deployment(namespace, name).await {
            Err(ClusterError::NotFound { .. }) => return Ok(Lifecycle::IsUninstalled),
            Err(error) => return Err(error),
            Ok(deployment) => {
                let replicas = deployment.spec.as_ref().and_then(|spec| spec.replicas);
                if replicas == Some(0) || deployment.metadata.deletion_timestamp.is_some() {
                    return Ok(Lifecycle::IsUninstalled);
                }
            }
        }
        let is_namespace_gone = self
            .own_namespace(namespace)
            .await?
            .is_none_or(|namespace| namespace.metadata.deletion_timestamp.is_some());
        Ok(if is_namespace_gone {
            Lifecycle::IsUninstalled
        } else {
            Lifecycle::Remains
        })
    }

    async fn deployment(&self, namespace: &str, name: &str) -> Result<Deployment, ClusterError> {
        let api: Api<Deployment> = Api::namespaced(self.client.clone(), namespace);
        let call = ApiCall {
            verb: "get",
            group: "apps",
            resource: "deployments",
            namespace: Some(namespace),
            name: Some(name),
        };
        call.send(self.timeouts.call, api.get(name)).await
    }

    async fn own_namespace(
        &self,
        name: &str,
    ) -> Result<Option<PartialObjectMeta<Namespace>>, ClusterError> {
        let api: Api<PartialObjectMeta<Namespace>> = Api::all(self.client.clone());
        let call = ApiCall {
            verb: "get",
            group: "",
            resource: "namespaces",
            namespace: None,
            name: Some(name),
        };
        match call.send(self.timeouts.call, api.get(name)).await {
            Ok(namespace) => Ok(Some(namespace)),
            Err(ClusterError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads the configuration, edits it, and writes it if `edit` returns true; on a conflict,
    /// again. Returns whether it was written.
    async fn update_configuration(
        &self,
        installation: &Installation,
        mut edit: impl FnMut(&mut DynamicObject) -> bool,
    ) -> Result<bool, ClusterError> {
        // A dynamic object keeps the fields that this client does not know.
        let resource = ApiResource {
            group: GROUP.to_owned(),
            version: "v1".to_owned(),
            api_version: format!("{GROUP}/v1"),
            kind: "ValidatingWebhookConfiguration".to_owned(),
            plural: RESOURCE.to_owned(),
        };
        let api: Api<DynamicObject> = Api::all_with(self.client.clone(), &resource);
        let name = installation.configuration.as_str();
        let get = ApiCall {
            verb: "get",
            group: GROUP,
            resource: RESOURCE,
            namespace: None,
            name: Some(name),
        };
        let update = ApiCall {
            verb: "update",
            ..get
        };
        let mut attempt = 1;
        loop {
            let mut configuration = get.send(self.timeouts.call, api.get(name)).await?;
            if !edit(&mut configuration) {
                return Ok(false);
            }
            let params = PostParams::default();
            match update
                .send(
                    self.timeouts.call,
                    api.replace(name, &params, &configuration),
                )
                .await
            {
                Ok(_) => return Ok(true),
                Err(ClusterError::Conflict { .. }) if attempt < MAX_ATTEMPTS => attempt += 1,
                Err(error) => return Err(error),
            }
        }
    }
}

fn owner_reference(name: &str, namespace: &PartialObjectMeta<Namespace>) -> Option<OwnerReference> {
    Some(OwnerReference {
        api_version: "v1".to_owned(),
        kind: "Namespace".to_owned(),
        name: name.to_owned(),
        uid: namespace.metadata.uid.clone()?,
        ..Default::default()
    })
}
