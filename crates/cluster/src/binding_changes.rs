//! One ControlBinding: read, and changed as a person would. A change is refused if somebody else has
//! changed the binding since it was read.

use super::{
    Cluster, ClusterError,
    api_call::ApiCall,
    control_bindings::{self, GROUP, RESOURCE},
};
use kube::{
    api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions},
    core::{DynamicObject, TypeMeta},
};
use serde_json::{Value, json};

/// The owner of the fields that a promotion changes.
const PROMOTION: &str = "kubevet-promote";

/// A ControlBinding as it was read.
#[derive(Debug, Clone)]
pub struct ReadBinding {
    object: DynamicObject,
}

impl ReadBinding {
    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.object.metadata.name.as_deref().unwrap_or_default()
    }

    /// The uid.
    #[must_use]
    pub fn uid(&self) -> &str {
        self.object.metadata.uid.as_deref().unwrap_or_default()
    }

    /// The generation of the `spec`.
    #[must_use]
    pub fn generation(&self) -> i64 {
        self.object.metadata.generation.unwrap_or_default()
    }

    /// The `spec`; null if there is none.
    #[must_use]
    pub fn spec(&self) -> &Value {
        self.object.data.get("spec").unwrap_or(&Value::Null)
    }

    /// The `status`; null if there is none.
    #[must_use]
    pub fn status(&self) -> &Value {
        self.object.data.get("status").unwrap_or(&Value::Null)
    }
}

impl Cluster {
    /// Returns a ControlBinding; `None` if there is none of this name. Needs `get` on
    /// `controlbindings`.
    ///
    /// # Errors
    /// Any but [`ClusterError::NotFound`].
    pub async fn control_binding(&self, name: &str) -> Result<Option<ReadBinding>, ClusterError> {
        let api = control_bindings::api(self);
        let call = call("get", RESOURCE, Some(name));
        match call.send(self.timeouts.call, api.get(name)).await {
            Ok(object) => Ok(Some(ReadBinding { object })),
            Err(ClusterError::NotFound { reason, .. }) if reason.contains(name) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Creates a ControlBinding. Needs `create` on `controlbindings`.
    ///
    /// # Errors
    /// Any.
    pub async fn create_control_binding(
        &self,
        name: &str,
        spec: Value,
    ) -> Result<ReadBinding, ClusterError> {
        let mut object = DynamicObject::new(name, &control_bindings::resource());
        object.data = json!({"spec": spec});
        let (api, params) = (control_bindings::api(self), post_params());
        let created = api.create(&params, &object);
        let call = call("create", RESOURCE, None);
        let object = call.send(self.timeouts.call, created).await?;
        Ok(ReadBinding { object })
    }

    /// Replaces the `spec` of a ControlBinding. Needs `update` on `controlbindings`.
    ///
    /// # Errors
    /// Any; [`ClusterError::Conflict`] if it has changed since it was read.
    pub async fn replace_control_binding(
        &self,
        read: &ReadBinding,
        spec: Value,
    ) -> Result<ReadBinding, ClusterError> {
        let mut object = read.object.clone();
        object.metadata.managed_fields = None;
        // The items of a list have no kind.
        let resource = control_bindings::resource();
        object.types = Some(TypeMeta {
            api_version: resource.api_version,
            kind: resource.kind,
        });
        object.data = json!({"spec": spec});
        let (api, params) = (control_bindings::api(self), post_params());
        let replaced = api.replace(read.name(), &params, &object);
        let call = call("update", RESOURCE, Some(read.name()));
        let object = call.send(self.timeouts.call, replaced).await?;
        Ok(ReadBinding { object })
    }

    /// Deletes a ControlBinding, unless it is another one of the same name by now. Needs `delete` on
    /// `controlbindings`.
    ///
    /// # Errors
    /// Any but [`ClusterError::NotFound`].
    pub async fn delete_control_binding(&self, read: &ReadBinding) -> Result<(), ClusterError> {
        let params = DeleteParams {
            preconditions: Some(Preconditions {
                uid: Some(read.uid().to_owned()),
                resource_version: None,
            }),
            ..DeleteParams::default()
        };
        let api = control_bindings::api(self);
        let deleted = api.delete(read.name(), &params);
        let call = call("delete", RESOURCE, Some(read.name()));
        match call.send(self.timeouts.call, deleted).await {
            Ok(_) | Err(ClusterError::NotFound { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Writes `status.promotion` of a binding. Needs `patch` on `controlbindings/status`.
    ///
    /// # Errors
    /// Any.
    pub async fn apply_promotion(&self, name: &str, promotion: Value) -> Result<(), ClusterError> {
        let object = json!({
            "apiVersion": "kubevet.io/v1alpha1",
            "kind": "ControlBinding",
            "metadata": {"name": name},
            "status": {"promotion": promotion},
        });
        let params = PatchParams::apply(PROMOTION).force();
        let (api, patch) = (control_bindings::api(self), Patch::Apply(object));
        let patched = api.patch_status(name, &params, &patch);
        let call = call("patch", "controlbindings/status", Some(name));
        call.send(self.timeouts.call, patched).await.map(|_| ())
    }
}

fn post_params() -> PostParams {
    PostParams {
        field_manager: Some(PROMOTION.to_owned()),
        ..PostParams::default()
    }
}

fn call<'a>(verb: &'a str, resource: &'a str, name: Option<&'a str>) -> ApiCall<'a> {
    ApiCall {
        verb,
        group: GROUP,
        resource,
        namespace: None,
        name,
    }
}
