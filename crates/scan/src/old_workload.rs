//! Workloads in an API group that they have left. `extensions/v1beta1` Deployments have their pod
//! template where those of `apps/v1` have it, so controls check them as such.

use kubevet_document::{Document, set_api_version};
use kubevet_k8s::{
    schema::{OldApiVersion, Schema},
    workload,
};
use kubevet_model::Kind;
use std::borrow::Cow;

/// Returns the object under the `apiVersion` that controls know; the object itself if they know its
/// own.
pub(super) fn in_present_group(document: &Document) -> Cow<'_, Document> {
    let id = document.id();
    let present = || {
        let old = OldApiVersion::find(&id.api_version, &id.kind)?;
        let newest = *Schema::embedded().versions().end();
        let (api_version, name) = old.replacement_in(newest)?;
        let kind = Kind::new(Kind::group_of(&api_version), name);
        let is_moved = id.kind == name && !workload::is_workload(&id.group_kind());
        (is_moved && workload::is_workload(&kind)).then_some(api_version)
    };
    match present() {
        Some(api_version) => Cow::Owned(set_api_version(document, &api_version)),
        None => Cow::Borrowed(document),
    }
}

#[cfg(test)]
mod tests {
    use super::in_present_group;
    use kubevet_document::{self as document, Limits};

    #[track_caller]
    fn check(api_version: &str, kind: &str, expected: &str) {
        let text = format!(
            "kind: {kind}\nspec: {{a: 1}}\napiVersion: {api_version}\nmetadata: {{name: a}}\n"
        );
        let parsed = document::read(&"x.yaml".into(), text.as_bytes(), &Limits::default());
        let before = &parsed.documents[0];
        let after = in_present_group(before);
        assert_eq!(after.id().api_version, expected, "{api_version} {kind}");
        assert_eq!(
            (after.id().kind.as_str(), after.id().name.as_str()),
            (kind, "a")
        );
        let position = |key| before.root().get(key).map(|node| node.position());
        for key in ["kind", "spec", "apiVersion", "metadata"] {
            let kept = after.root().get(key).map(|node| node.position());
            assert_eq!(kept, position(key), "{key}");
        }
    }

    #[test]
    fn workload_of_an_old_group_has_its_present_version() {
        for kind in ["DaemonSet", "Deployment", "ReplicaSet"] {
            check("extensions/v1beta1", kind, "apps/v1");
        }
        check("apps/v1beta2", "Deployment", "apps/v1beta2");
        check("apps/v1", "Deployment", "apps/v1");
        check("extensions/v1beta1", "Ingress", "extensions/v1beta1");
        check("extensions/v1", "Deployment", "extensions/v1");
        check("example.com/v1", "Deployment", "example.com/v1");
    }
}
