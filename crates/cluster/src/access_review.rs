//! Which calls the API server allows, asked by SelfSubjectAccessReview: a question changes nothing,
//! and every authenticated user may ask.

use super::{Cluster, ClusterError, api_call::ApiCall, discovery::ApiResource};
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use kube::{Api, api::PostParams};

/// A call that may be allowed.
#[derive(Debug, Clone, Copy)]
pub struct AccessQuestion<'a> {
    /// `list`, `watch` or `get`.
    pub verb: &'a str,
    /// The resource.
    pub resource: &'a ApiResource,
    /// The namespace; `None` for all of them, or a resource outside namespaces.
    pub namespace: Option<&'a str>,
}

impl Cluster {
    /// True if the call is allowed.
    ///
    /// # Errors
    /// The API server does not answer the question.
    pub async fn is_allowed(&self, question: AccessQuestion<'_>) -> Result<bool, ClusterError> {
        let attributes = ResourceAttributes {
            verb: Some(question.verb.to_owned()),
            group: Some(question.resource.kind.group.clone()),
            version: Some(question.resource.version.clone()),
            resource: Some(question.resource.plural.clone()),
            namespace: question.namespace.map(str::to_owned),
            ..ResourceAttributes::default()
        };
        let review = SelfSubjectAccessReview {
            spec: SelfSubjectAccessReviewSpec {
                resource_attributes: Some(attributes),
                ..SelfSubjectAccessReviewSpec::default()
            },
            ..SelfSubjectAccessReview::default()
        };
        let call = ApiCall {
            verb: "create",
            group: "authorization.k8s.io",
            resource: "selfsubjectaccessreviews",
            namespace: None,
            name: None,
        };
        let api: Api<SelfSubjectAccessReview> = Api::all(self.client.clone());
        let params = PostParams::default();
        let answer = call
            .send(self.timeouts.call, api.create(&params, &review))
            .await?;
        Ok(answer.status.is_some_and(|status| status.allowed))
    }
}
