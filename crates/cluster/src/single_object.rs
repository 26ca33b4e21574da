//! One object by its name, and the version of the API server.

use super::{
    Cluster, ClusterError, api_call::ApiCall, discovery::ApiResource, raw_request::RawError,
    read_objects::namespace_resource,
};
use kubevet_document::{self as document, Document, Limits, Node};
use kubevet_model::names::is_dns_subdomain;
use serde::Deserialize;

/// The most bytes of an object.
const MAX_OBJECT_BYTES: usize = 32 << 20;
/// The most bytes of an answer about the version.
const MAX_VERSION_BYTES: usize = 1 << 20;

const JSON: &str = "application/json";

impl Cluster {
    /// Reads one object.
    ///
    /// # Errors
    /// There is no such object, or it cannot be read.
    pub async fn get_object(
        &self,
        resource: &ApiResource,
        namespace: Option<&str>,
        name: &str,
    ) -> Result<Document, ClusterError> {
        let call = ApiCall {
            name: Some(name),
            ..resource.call("get", namespace)
        };
        // Names of RBAC objects may have colons, which need no escape in a path.
        if !name.split(':').all(is_dns_subdomain) {
            return Err(call.unusable("no object can have this name"));
        }
        let path = format!("{}/{name}", resource.path(namespace));
        let timeout = self.timeouts.page;
        let bytes = self.get_bytes(&call, &path, JSON, MAX_OBJECT_BYTES, timeout);
        let bytes = bytes.await.map_err(|error| into_error(&call, error))?;
        let file = resource.plural.as_str().into();
        let mut parsed = document::read_json(&file, &bytes, &Limits::default());
        match (parsed.documents.pop(), parsed.problems.is_empty()) {
            (Some(object), true) => Ok(object),
            _ => Err(call.unusable("the answer is not valid JSON")),
        }
    }

    /// True if there is a namespace of this name.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn namespace_exists(&self, name: &str) -> Result<bool, ClusterError> {
        let read = self.get_object(&namespace_resource(), None, name).await;
        match read {
            Ok(_) => Ok(true),
            Err(ClusterError::NotFound { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Returns what tells this cluster from others, whatever it is called: the uid of the namespace
    /// `kube-system`.
    ///
    /// # Errors
    /// The namespace cannot be read.
    pub async fn uid(&self) -> Result<String, ClusterError> {
        let resource = namespace_resource();
        let namespace = self.get_object(&resource, None, "kube-system").await?;
        let uid = namespace.root().get("metadata");
        let uid = uid.and_then(|metadata| metadata.get("uid"));
        Ok(uid.and_then(Node::as_str).unwrap_or_default().to_owned())
    }

    /// Returns the version of the API server, such as `v1.36.3`.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn server_version(&self) -> Result<String, ClusterError> {
        let call = ApiCall {
            verb: "get",
            group: "",
            resource: "/version",
            namespace: None,
            name: None,
        };
        let timeout = self.timeouts.call;
        let bytes = self.get_bytes(&call, "/version", JSON, MAX_VERSION_BYTES, timeout);
        let bytes = bytes.await.map_err(|error| into_error(&call, error))?;
        let version: Version = serde_json::from_slice(&bytes)
            .map_err(|_| call.unusable("the answer is not a version"))?;
        Ok(version.git_version)
    }
}

fn into_error(call: &ApiCall<'_>, error: RawError) -> ClusterError {
    match error {
        RawError::TooLarge => call.unusable("the answer is too large"),
        RawError::Expired => call.unusable("the API server answered 410"),
        RawError::Failed(error) => error,
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    git_version: String,
}
