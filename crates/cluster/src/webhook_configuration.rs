//! The ValidatingWebhookConfiguration: whom the API server trusts, and what it does when nobody answers.
//!
//! A cluster must stay writable when kubevet is taken away in whatever order. So the configuration is owned by the
//! namespace (and goes with it), and whoever is the last to leave turns `Fail` into `Ignore`, remembered in an annotation
//! for whoever comes back. A plain restart or rollout changes nothing.

use super::{Cluster, ClusterError, api_call::Call};
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
use serde_json::{Value, json};
use std::collections::BTreeMap;

const GROUP: &str = "admissionregistration.k8s.io";
const RESOURCE: &str = "validatingwebhookconfigurations";
/// Remembers the failure policies that were `Fail`: a JSON object, webhook → policy.
const REMEMBERED: &str = "kubevet.io/failure-policies";
/// The label by which a namespace asks not to let through what nobody judged.
const FAILURE_POLICY: &str = "kubevet.io/failure-policy";
/// Attempts where somebody else writes at the same time.
const ATTEMPTS: usize = 5;

/// Where kubevet is installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Install {
    /// Name of the ValidatingWebhookConfiguration.
    pub configuration: String,
    /// The namespace it runs in; `None` outside a cluster.
    pub namespace: Option<String>,
    /// The Deployment it is part of; `None` outside a cluster. A name that is wrong looks like an uninstall at every stop.
    pub deployment: Option<String>,
}

/// What [`Cluster::release`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Release {
    /// Others stay, or it cannot be known: nothing was changed.
    Kept,
    /// There is no configuration (any more).
    Absent,
    /// Nobody stays: these webhooks no longer fail. Empty where none did.
    Released(Vec<String>),
}

impl Cluster {
    /// Makes API servers trust these issuers (PEM): every webhook's `caBundle`, where it differs. Ties the configuration
    /// to the namespace, if there is one. True where something was changed; API servers see it within seconds.
    ///
    /// Needs `get` and `update` on the configuration and `get` on the namespace.
    ///
    /// # Errors
    /// [`ClusterError::Unusable`] where the bundle is none, [`ClusterError::Missing`] where there is no configuration; a
    /// conflict only after several attempts.
    pub async fn publish(&self, install: &Install, bundle: &[u8]) -> Result<bool, ClusterError> {
        // The API server takes anything here, and then trusts nobody.
        if !bundle.starts_with(b"-----BEGIN CERTIFICATE-----") {
            let what = format!("update {RESOURCE} {}", install.configuration);
            return Err(ClusterError::Unusable {
                what,
                why: "the bundle to trust holds no certificate".to_owned(),
            });
        }
        let owner = match &install.namespace {
            Some(namespace) => self
                .home(namespace)
                .await?
                .and_then(|it| owner(namespace, &it)),
            None => None,
        };
        let bundle = json!(ByteString(bundle.to_vec()));
        self.change(install, |object| {
            let trusted = trust(object, &bundle);
            owner.as_ref().is_some_and(|it| tie(object, it)) || trusted
        })
        .await
    }

    /// To be called by whoever is asked to end: where the Deployment is gone, going, or scaled to none, or the namespace
    /// is, turns `failurePolicy: Fail` into `Ignore`, and remembers it. Any number of leavers may call it.
    ///
    /// Needs `get` on the Deployment and the namespace, `get` and `update` on the configuration.
    ///
    /// # Errors
    /// Any; nothing was changed then.
    pub async fn release(&self, install: &Install) -> Result<Release, ClusterError> {
        if self.staying(install).await? != Staying::No {
            return Ok(Release::Kept);
        }
        let mut names = Vec::new();
        let changed = self.change(install, |object| {
            names = let_go(object);
            !names.is_empty()
        });
        match changed.await {
            Ok(_) => Ok(Release::Released(names)),
            Err(ClusterError::Missing { .. }) => Ok(Release::Absent),
            Err(error) => Err(error),
        }
    }

    /// To be called by whoever is ready to answer: puts back what [`Cluster::release`] took away. The names of the
    /// webhooks that fail again. Does nothing while the Deployment is going or scaled to none.
    ///
    /// # Errors
    /// Any; [`ClusterError::Missing`] also where there is no such Deployment, since then its name is wrong.
    pub async fn restore(&self, install: &Install) -> Result<Vec<String>, ClusterError> {
        if let (Some(namespace), Some(name)) = (&install.namespace, &install.deployment)
            && self.staying(install).await? == Staying::No
        {
            // Tells a name that is wrong from a Deployment that is going.
            return self.deployment(namespace, name).await.map(|_| Vec::new());
        }
        let mut names = Vec::new();
        let changed = self.change(install, |object| {
            let (back, changed) = take_back(object);
            names = back;
            changed
        });
        changed.await?;
        Ok(names)
    }

    /// The webhooks whose requests API servers let through while nobody answers, each with where that is so, in words.
    /// Empty where there are none, or no configuration.
    ///
    /// Needs `get` on the configuration.
    ///
    /// # Errors
    /// Any but [`ClusterError::Missing`].
    pub async fn lets_through(&self, install: &Install) -> Result<Vec<String>, ClusterError> {
        let mut names = Vec::new();
        let read = self.change(install, |object| {
            names = webhooks(object)
                .filter(|it| ignores(it))
                .map(|it| format!("{} ({})", name(it), scope(it)))
                .collect();
            false
        });
        match read.await {
            Ok(_) => Ok(names),
            Err(ClusterError::Missing { .. }) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Whether anybody is meant to answer after this process.
    async fn staying(&self, install: &Install) -> Result<Staying, ClusterError> {
        let (Some(namespace), Some(name)) = (&install.namespace, &install.deployment) else {
            return Ok(Staying::Unknown);
        };
        match self.deployment(namespace, name).await {
            Err(ClusterError::Missing { .. }) => return Ok(Staying::No),
            Err(error) => return Err(error),
            Ok(deployment) => {
                let none = deployment.spec.as_ref().and_then(|it| it.replicas) == Some(0);
                if none || deployment.metadata.deletion_timestamp.is_some() {
                    return Ok(Staying::No);
                }
            }
        }
        let home = self.home(namespace).await?;
        let gone = home.is_none_or(|it| it.metadata.deletion_timestamp.is_some());
        Ok(if gone { Staying::No } else { Staying::Yes })
    }

    async fn deployment(&self, namespace: &str, name: &str) -> Result<Deployment, ClusterError> {
        let api: Api<Deployment> = Api::namespaced(self.client.clone(), namespace);
        let call = Call {
            verb: "get",
            group: "apps",
            resource: "deployments",
            namespace: Some(namespace),
            name: Some(name),
        };
        call.ask(self.limits.call, api.get(name)).await
    }

    async fn home(&self, name: &str) -> Result<Option<PartialObjectMeta<Namespace>>, ClusterError> {
        let api: Api<PartialObjectMeta<Namespace>> = Api::all(self.client.clone());
        let call = Call {
            verb: "get",
            group: "",
            resource: "namespaces",
            namespace: None,
            name: Some(name),
        };
        match call.ask(self.limits.call, api.get(name)).await {
            Ok(namespace) => Ok(Some(namespace)),
            Err(ClusterError::Missing { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads the configuration, lets `edit` change it, writes it where that says so; again where somebody else wrote.
    async fn change(
        &self,
        install: &Install,
        mut edit: impl FnMut(&mut DynamicObject) -> bool,
    ) -> Result<bool, ClusterError> {
        // Dynamic: a field that this client does not know must come back as it went.
        let resource = ApiResource {
            group: GROUP.to_owned(),
            version: "v1".to_owned(),
            api_version: format!("{GROUP}/v1"),
            kind: "ValidatingWebhookConfiguration".to_owned(),
            plural: RESOURCE.to_owned(),
        };
        let api: Api<DynamicObject> = Api::all_with(self.client.clone(), &resource);
        let name = install.configuration.as_str();
        let get = Call {
            verb: "get",
            group: GROUP,
            resource: RESOURCE,
            namespace: None,
            name: Some(name),
        };
        let update = Call {
            verb: "update",
            ..get
        };
        let mut attempt = 1;
        loop {
            let mut object = get.ask(self.limits.call, api.get(name)).await?;
            if !edit(&mut object) {
                return Ok(false);
            }
            let params = PostParams::default();
            match update
                .ask(self.limits.call, api.replace(name, &params, &object))
                .await
            {
                Ok(_) => return Ok(true),
                Err(ClusterError::Conflict { .. }) if attempt < ATTEMPTS => attempt += 1,
                Err(error) => return Err(error),
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Staying {
    Yes,
    No,
    Unknown,
}

fn webhooks(object: &mut DynamicObject) -> impl Iterator<Item = &mut Value> {
    object
        .data
        .get_mut("webhooks")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
}

fn name(webhook: &Value) -> String {
    webhook
        .get("name")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

fn ignores(webhook: &Value) -> bool {
    webhook.get("failurePolicy").and_then(Value::as_str) == Some("Ignore")
}

/// In which namespaces a webhook holds, as far as the label of the failure policy says.
fn scope(webhook: &Value) -> &'static str {
    let expressions = webhook
        .pointer("/namespaceSelector/matchExpressions")
        .and_then(Value::as_array);
    let mut expressions = expressions.into_iter().flatten();
    let tier = expressions.find(|it| it.get("key").is_some_and(|it| it == FAILURE_POLICY));
    match tier
        .and_then(|it| it.get("operator"))
        .and_then(Value::as_str)
    {
        Some("NotIn" | "DoesNotExist") => {
            "in namespaces without the label kubevet.io/failure-policy=Fail"
        }
        Some(_) => "in namespaces with the label kubevet.io/failure-policy",
        None => "in every namespace",
    }
}

/// Every webhook trusts this; true where one did not.
fn trust(object: &mut DynamicObject, bundle: &Value) -> bool {
    let mut changed = false;
    for webhook in webhooks(object) {
        let Some(client) = webhook
            .get_mut("clientConfig")
            .and_then(Value::as_object_mut)
        else {
            continue;
        };
        if client.get("caBundle") != Some(bundle) {
            client.insert("caBundle".to_owned(), bundle.clone());
            changed = true;
        }
    }
    changed
}

fn owner(name: &str, namespace: &PartialObjectMeta<Namespace>) -> Option<OwnerReference> {
    Some(OwnerReference {
        api_version: "v1".to_owned(),
        kind: "Namespace".to_owned(),
        name: name.to_owned(),
        uid: namespace.metadata.uid.clone()?,
        ..Default::default()
    })
}

/// The namespace owns the configuration; true where it did not. A namespace of that name that is gone owns nothing.
fn tie(object: &mut DynamicObject, owner: &OwnerReference) -> bool {
    let owners = object.metadata.owner_references.get_or_insert_default();
    if owners.iter().any(|it| it.uid == owner.uid) {
        return false;
    }
    owners.retain(|it| (&it.kind, &it.name) != (&owner.kind, &owner.name));
    owners.push(owner.clone());
    true
}

/// `Fail` becomes `Ignore`; the names of those that did.
fn let_go(object: &mut DynamicObject) -> Vec<String> {
    let mut remembered = remembered(object);
    let mut names = Vec::new();
    for webhook in webhooks(object) {
        // `Fail` is what the API server puts where nothing is said.
        if webhook
            .get("failurePolicy")
            .and_then(Value::as_str)
            .unwrap_or("Fail")
            != "Fail"
        {
            continue;
        }
        let name = name(webhook);
        if let Some(fields) = webhook.as_object_mut() {
            fields.insert("failurePolicy".to_owned(), json!("Ignore"));
            remembered.insert(name.clone(), "Fail".to_owned());
            names.push(name);
        }
    }
    if !names.is_empty() {
        let annotations = object.metadata.annotations.get_or_insert_default();
        annotations.insert(REMEMBERED.to_owned(), json!(remembered).to_string());
    }
    names
}

/// What was remembered is put back; the names of those, and whether the object changed.
fn take_back(object: &mut DynamicObject) -> (Vec<String>, bool) {
    let remembered = remembered(object);
    let mut names = Vec::new();
    for webhook in webhooks(object) {
        let name = name(webhook);
        let failed = remembered.get(&name).is_some_and(|it| it == "Fail");
        if failed
            && webhook.get("failurePolicy").and_then(Value::as_str) == Some("Ignore")
            && let Some(fields) = webhook.as_object_mut()
        {
            fields.insert("failurePolicy".to_owned(), json!("Fail"));
            names.push(name);
        }
    }
    let annotations = object.metadata.annotations.get_or_insert_default();
    let changed = annotations.remove(REMEMBERED).is_some();
    (names, changed)
}

/// Empty where there is nothing, or nothing that can be read: then there is nothing to put back.
fn remembered(object: &DynamicObject) -> BTreeMap<String, String> {
    let text = object
        .metadata
        .annotations
        .as_ref()
        .and_then(|it| it.get(REMEMBERED));
    text.map(|it| serde_json::from_str(it))
        .transpose()
        .unwrap_or_default()
        .unwrap_or_default()
}
