//! Names, labels and annotations of results, as Kubescape's clients look for them.
//!
//! The name of an object's results is `kind-name` in lower case. Where that could be the name of
//! another object's results too, it is not: a kind that Kubescape does not know has its group in the
//! name, and a name that had to be changed or cut ends in a hash, as does one that looks as if it
//! ended in one.

use kubevet_k8s::schema::Schema;
use kubevet_model::{
    Kind, ObjectId,
    names::{MAX_DNS_LABEL_CHARS, MAX_DNS_SUBDOMAIN_CHARS, is_dns_subdomain},
    sha256_hex, truncate_utf8,
};

/// Kinds that are not built in, and that Kubescape's library checks: their names have no group. No
/// two of them, or of the built-in kinds, have one name.
const KUBESCAPE_KINDS: &[(&str, &str)] = &[
    ("apiextensions.k8s.io", "CustomResourceDefinition"),
    ("apiregistration.k8s.io", "APIService"),
    ("cilium.io", "CiliumClusterwideNetworkPolicy"),
    ("cilium.io", "CiliumNetworkPolicy"),
    ("extensions.agents.x-k8s.io", "SandboxTemplate"),
    ("gateway.networking.k8s.io", "HTTPRoute"),
    ("gateway.networking.k8s.io", "TCPRoute"),
    ("gateway.networking.k8s.io", "UDPRoute"),
    ("networking.istio.io", "Gateway"),
    ("networking.istio.io", "VirtualService"),
];

/// The characters of a hash at the end of a name: `-0123-cdef`.
const HASH_CHARS: usize = 10;
/// A name of that many characters is cut, and ends in a hash.
const MAX_PLAIN_CHARS: usize = MAX_DNS_SUBDOMAIN_CHARS - HASH_CHARS;

/// Returns the name of the results of an object.
pub(crate) fn result_name(object: &ObjectId) -> String {
    let kind = object.group_kind();
    let (plain, hashed) = if is_known(&kind) {
        // The hash is the one of Kubescape.
        let plain = format!("{}-{}", kind.name, object.name);
        (plain.clone(), plain)
    } else {
        (
            format!("{}.{}-{}", kind.name, kind.group, object.name),
            format!("{}.{}/{}", kind.name, kind.group, object.name),
        )
    };
    // A hyphen before the name could be where it begins.
    let has_clear_parts = !kind.name.contains('-') && !kind.group.contains('-');
    let lower = plain.to_ascii_lowercase();
    let is_unchanged = is_dns_subdomain(&lower) && is_dns_subdomain(&object.name);
    if (is_known(&kind) || has_clear_parts)
        && is_unchanged
        && lower.len() < MAX_PLAIN_CHARS
        && !ends_in_hash(&lower)
    {
        return lower;
    }
    format!("{}{}", valid_start(&lower), hash_end(&hashed))
}

/// True if the results of a kind have no group in their names.
fn is_known(kind: &Kind) -> bool {
    // The events of Kubernetes are the only built-in kind that two groups have.
    let is_second = kind.group == "events.k8s.io";
    Schema::embedded().kind(kind).is_some() && !is_second
        || KUBESCAPE_KINDS.contains(&(kind.group.as_str(), kind.name.as_str()))
}

/// Returns a name in which hyphens replace what no name may have, cut so that a hash can follow.
fn valid_start(lower: &str) -> String {
    let replaced = |keeps: fn(char) -> bool| -> String {
        let chars = lower.chars().take(MAX_PLAIN_CHARS);
        let chars = chars.map(|c| if keeps(c) { c } else { '-' });
        let name: String = chars.collect();
        name.trim_matches(['-', '.']).to_owned()
    };
    let with_dots = replaced(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c));
    if is_dns_subdomain(&with_dots) {
        return with_dots;
    }
    // A dot beside a hyphen.
    let without = replaced(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    if without.is_empty() {
        "object".to_owned()
    } else {
        without
    }
}

/// Returns the end of a name with the first and last digits of a hash.
fn hash_end(hashed: &str) -> String {
    let hash = sha256_hex(hashed);
    let first = hash.get(..4).unwrap_or_default();
    let last = hash.get(hash.len().saturating_sub(4)..).unwrap_or_default();
    format!("-{first}-{last}")
}

/// True if a name ends as one with a hash does.
fn ends_in_hash(name: &str) -> bool {
    let mut parts = name.rsplitn(3, '-');
    let is_digits = |part: Option<&str>| {
        part.is_some_and(|part| {
            part.len() == 4 && part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        })
    };
    is_digits(parts.next()) && is_digits(parts.next()) && parts.next().is_some()
}

/// Returns the name of a policy report. Other engines name theirs by the uid alone, in the same
/// namespace.
pub(crate) fn report_name(object: &ObjectId, uid: Option<&str>) -> String {
    match uid.map(|uid| format!("kubevet-{uid}")) {
        Some(name) if is_dns_subdomain(&name) => name,
        _ => valid_report_name(&result_name(object)),
    }
}

fn valid_report_name(name: &str) -> String {
    let long = format!("kubevet-{name}");
    if is_dns_subdomain(&long) {
        return long;
    }
    let kept: String = long.chars().take(MAX_PLAIN_CHARS).collect();
    format!("{}{}", kept.trim_matches(['-', '.']), hash_end(name))
}

/// Returns a value as a label may have it: cut, and in lower case with hyphens where it is not valid.
pub(crate) fn label_value(value: &str) -> String {
    let is_valid = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let is_end = |c: char| c.is_ascii_alphanumeric();
    let is_unchanged = value.len() <= MAX_DNS_LABEL_CHARS
        && value.chars().all(is_valid)
        && value.starts_with(is_end)
        && value.ends_with(is_end);
    if is_unchanged || value.is_empty() {
        return value.to_owned();
    }
    let lower = value.to_ascii_lowercase();
    let chars = lower.chars().map(|c| if is_valid(c) { c } else { '-' });
    let cut: String = chars.take(MAX_DNS_LABEL_CHARS).collect();
    cut.trim_matches(|c| !is_end(c)).to_owned()
}

/// Returns the labels of the results of an object. The labels of the object itself are not among
/// them: a deployment tool would take a result for a part of what it deployed.
pub(crate) fn labels(object: &ObjectId) -> Vec<(&'static str, String)> {
    let kind = object.group_kind();
    let version = object.api_version.rsplit('/').next().unwrap_or_default();
    let mut labels = vec![
        ("kubescape.io/workload-api-group", kind.group),
        ("kubescape.io/workload-api-version", version.to_owned()),
        ("kubescape.io/workload-kind", kind.name),
        ("kubescape.io/workload-name", object.name.clone()),
        ("kubescape.io/workload-namespace", object.namespace.clone()),
    ];
    labels.retain(|(key, value)| !value.is_empty() || key.ends_with("api-group"));
    let labels = labels.into_iter();
    labels
        .map(|(key, value)| (key, label_value(&value)))
        .collect()
}

/// Returns Kubescape's name of an object across clusters.
pub(crate) fn wlid(cluster: &str, object: &ObjectId) -> String {
    format!(
        "wlid://cluster-{}/namespace-{}/{}-{}",
        bounded_name(cluster),
        bounded_name(&object.namespace),
        bounded_name(&object.kind).to_ascii_lowercase(),
        bounded_name(&object.name)
    )
}

/// Returns a name as it is. An API server has none that is longer, so that nothing is cut.
pub(crate) fn bounded_name(name: &str) -> &str {
    truncate_utf8(name, MAX_DNS_SUBDOMAIN_CHARS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn object(api_version: &str, kind: &str, name: &str) -> ObjectId {
        ObjectId {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            namespace: "shop".to_owned(),
            name: name.to_owned(),
        }
    }

    #[track_caller]
    fn check(api_version: &str, kind: &str, name: &str, expected: &str) {
        let found = result_name(&object(api_version, kind, name));
        assert!(is_dns_subdomain(&found), "{found}");
        assert_eq!(found, expected);
    }

    #[test]
    fn name_is_kind_and_name() {
        check("apps/v1", "Deployment", "web", "deployment-web");
        check(
            "v1",
            "ConfigMap",
            "kube-root-ca.crt",
            "configmap-kube-root-ca.crt",
        );
        check(
            "rbac.authorization.k8s.io/v1",
            "ClusterRole",
            "admin",
            "clusterrole-admin",
        );
        check(
            "cilium.io/v2",
            "CiliumNetworkPolicy",
            "a",
            "ciliumnetworkpolicy-a",
        );
    }

    #[test]
    fn group_breaks_the_tie_of_two_kinds_of_one_name() {
        check("v1", "Service", "web", "service-web");
        check(
            "serving.knative.dev/v1",
            "Service",
            "web",
            "service.serving.knative.dev-web",
        );
        check("networking.istio.io/v1", "Gateway", "web", "gateway-web");
        let other = "gateway.gateway.networking.k8s.io-web";
        check("gateway.networking.k8s.io/v1", "Gateway", "web", other);
        check("events.k8s.io/v1", "Event", "a", "event.events.k8s.io-a");
    }

    #[test]
    fn changed_name_ends_in_a_hash() {
        let rbac = "rbac.authorization.k8s.io/v1";
        check(
            rbac,
            "ClusterRole",
            "system-node",
            "clusterrole-system-node",
        );
        check(
            rbac,
            "ClusterRole",
            "system:node",
            "clusterrole-system-node-86f1-4e96",
        );
        check(
            rbac,
            "ClusterRole",
            "System-node",
            "clusterrole-system-node-21fc-568d",
        );
        check(rbac, "Role", "a:.b", "role-a--b-4c46-13ba");
        check(rbac, "Role", "é", "role-39a7-5870");
        check(rbac, "Role", "", "role-bea5-5306");
        // A name that looks like one with a hash.
        check(
            "v1",
            "ConfigMap",
            "a-1234-abcd",
            "configmap-a-1234-abcd-06f4-5bfb",
        );
        // It could also be the Kind `Foo` of `a.io`, with the name `b.io-c`.
        check("a.io-b.io/v1", "Foo", "c", "foo.a.io-b.io-c-5504-ab71");
    }

    #[test]
    fn long_name_is_cut_and_ends_in_a_hash() {
        let fits = "a".repeat(MAX_PLAIN_CHARS - 1 - "configmap-".len());
        check("v1", "ConfigMap", &fits, &format!("configmap-{fits}"));
        let name = |end: &str| result_name(&object("v1", "ConfigMap", &format!("{fits}{end}")));
        let names: BTreeSet<String> = ["a", "b", "aa", "aaaaaaaa", "aaaaaaab"].map(name).into();
        assert_eq!(names.len(), 5, "{names:?}");
        for name in names {
            assert!(
                is_dns_subdomain(&name) && name.len() <= MAX_DNS_SUBDOMAIN_CHARS,
                "{name}"
            );
            assert!(ends_in_hash(&name), "{name}");
        }
    }

    #[test]
    fn kinds_without_group_have_one_group() {
        let builtin = Schema::embedded()
            .kinds()
            .map(|info| (info.group, info.name));
        let kinds: BTreeSet<(&str, &str)> =
            builtin.chain(KUBESCAPE_KINDS.iter().copied()).collect();
        let known = kinds
            .iter()
            .filter(|(group, name)| is_known(&Kind::new(*group, *name)));
        let names: Vec<&str> = known.map(|(_, name)| *name).collect();
        let distinct: BTreeSet<&&str> = names.iter().collect();
        assert_eq!(names.len(), distinct.len());
    }

    #[test]
    fn label_is_cut_and_made_valid() {
        let long = "a".repeat(64);
        for (value, expected) in [
            ("Deployment", "Deployment"),
            ("kube-root-ca.crt", "kube-root-ca.crt"),
            ("system:Node", "system-node"),
            ("a_b.C", "a_b.C"),
            ("-a-", "a"),
            ("", ""),
            (&long, &"a".repeat(63)),
            (&format!("{}-b", "a".repeat(62)), &"a".repeat(62)),
        ] {
            assert_eq!(label_value(value), expected, "{value}");
        }
    }

    #[test]
    fn report_is_named_by_uid_or_object() {
        let pod = object("v1", "Pod", "web");
        for (uid, expected) in [
            (Some("0b6f-1"), "kubevet-0b6f-1"),
            (Some("a/b"), "kubevet-pod-web"),
            (Some(""), "kubevet-pod-web"),
            (None, "kubevet-pod-web"),
        ] {
            assert_eq!(report_name(&pod, uid), expected);
        }
        let long = object("v1", "Pod", &"a".repeat(300));
        assert!(is_dns_subdomain(&report_name(&long, None)));
    }
}
