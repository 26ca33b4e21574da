//! Reads `matchResources`: resource rules, selectors and namespaces. Whatever the API server would
//! reject in a ValidatingAdmissionPolicy is rejected here, and so are names that could never match.

use super::{
    label_selectors,
    map_reader::{FieldSpec, MapReader, Spanned, abbreviate, values},
};
use kubevet_document::Node;
use kubevet_k8s::matching::{MatchResources, ResourceRule, RuleScope};
use kubevet_model::{
    Operation,
    names::{is_dns_label, is_dns_subdomain},
};

/// The keys of `matchResources`.
pub(super) const MATCH_KEYS: &[FieldSpec] = &[
    FieldSpec::optional("resourceRules"),
    FieldSpec::optional("excludeResourceRules"),
    FieldSpec::optional("namespaceSelector"),
    FieldSpec::optional("objectSelector"),
    FieldSpec::optional("namespaces"),
    FieldSpec::optional("excludeNamespaces"),
];
/// The keys of a resource rule.
pub(super) const RULE_KEYS: &[FieldSpec] = &[
    FieldSpec::optional("apiGroups"),
    FieldSpec::optional("apiVersions"),
    FieldSpec::required("resources"),
    FieldSpec::optional("operations"),
    FieldSpec::optional("scope"),
    FieldSpec::optional("resourceNames"),
];
/// The names of `scope`.
pub(super) const SCOPES: &[(&str, RuleScope)] = &[
    ("*", RuleScope::All),
    ("Cluster", RuleScope::Cluster),
    ("Namespaced", RuleScope::Namespaced),
];
/// The name that matches everything.
const ALL: &str = "*";

/// The names of `operations`.
pub(super) fn operation_names() -> Vec<&'static str> {
    operations().iter().map(|(word, _)| *word).collect()
}

fn operations() -> Vec<(&'static str, Option<Operation>)> {
    let all = Operation::ALL
        .iter()
        .map(|operation| (operation.name(), Some(*operation)));
    [(ALL, None)].into_iter().chain(all).collect()
}

/// Reads the value and reports its errors.
pub(super) fn read(reader: &mut MapReader<'_>, node: Node<'_>) -> MatchResources {
    if !reader.keys(node, "\"matchResources\"", MATCH_KEYS) {
        return MatchResources::default();
    }
    let resource_rules = read_rules(reader, node, "resourceRules");
    let exclude_resource_rules = read_rules(reader, node, "excludeResourceRules");
    let mut selector = |key: &str| {
        node.get(key)
            .map(|node| label_selectors::read(reader, node, &format!("{key:?}")))
            .unwrap_or_default()
    };
    let namespace_selector = selector("namespaceSelector");
    let object_selector = selector("objectSelector");
    let namespaces = read_namespaces(reader, node, "namespaces");
    let exclude_namespaces = read_namespaces(reader, node, "excludeNamespaces");
    for name in namespaces.iter().filter(|name| {
        exclude_namespaces
            .iter()
            .any(|other| other.value == name.value)
    }) {
        let message = format!(
            "{:?} is in \"excludeNamespaces\" too: keep one",
            abbreviate(&name.value)
        );
        reader.error(name.position, message);
    }
    MatchResources {
        resource_rules,
        exclude_resource_rules,
        namespace_selector,
        object_selector,
        namespaces: values(namespaces),
        exclude_namespaces: values(exclude_namespaces),
    }
}

/// Reads namespace names. An empty list would mean all of them, and is an error.
fn read_namespaces(reader: &mut MapReader<'_>, node: Node<'_>, key: &str) -> Vec<Spanned<String>> {
    let Some(names) = reader.strings(node, key) else {
        return Vec::new();
    };
    if names.is_empty() {
        let at = node.get(key).map_or(node.position(), Node::position);
        reader.error(
            at,
            format!("{key:?} is empty: name some, or leave the key out"),
        );
    }
    for name in names.iter().filter(|name| !is_dns_label(&name.value)) {
        let message = format!(
            "{:?} is not the name of a namespace: patterns are not supported here",
            abbreviate(&name.value)
        );
        reader.error(name.position, message);
    }
    names
}

fn read_rules(reader: &mut MapReader<'_>, node: Node<'_>, key: &str) -> Vec<ResourceRule> {
    reader
        .elements_of(node, key)
        .into_iter()
        .filter_map(|node| read_rule(reader, node, key))
        .collect()
}

fn read_rule(reader: &mut MapReader<'_>, node: Node<'_>, list: &str) -> Option<ResourceRule> {
    if !reader.keys(node, &format!("an entry of {list:?}"), RULE_KEYS) {
        return None;
    }
    let api_groups = read_list(reader, node, "apiGroups", group_error);
    let api_versions = read_list(reader, node, "apiVersions", version_error);
    let resources = read_list(reader, node, "resources", resource_error);
    let words = read_list(reader, node, "operations", |_| None);
    let known = operations();
    let operations: Vec<Option<Operation>> = words
        .iter()
        .filter_map(|word| reader.parse_enum(word, "operations", &known))
        .collect();
    let scope = reader.read_enum(node, "scope", SCOPES).unwrap_or_default();
    let resource_names = values(reader.strings(node, "resourceNames").unwrap_or_default());
    let or_all = |list: Vec<Spanned<String>>| {
        if list.is_empty() {
            vec![ALL.to_owned()]
        } else {
            values(list)
        }
    };
    Some(ResourceRule {
        api_groups: or_all(api_groups),
        api_versions: or_all(api_versions),
        resources: values(resources),
        operations: operations.into_iter().flatten().collect(),
        scope,
        resource_names,
    })
}

/// Reads a list in which `*` must be the only entry. The result is empty only if the key is missing
/// or an error was reported.
fn read_list(
    reader: &mut MapReader<'_>,
    node: Node<'_>,
    key: &str,
    check: fn(&str) -> Option<String>,
) -> Vec<Spanned<String>> {
    let Some(words) = reader.strings(node, key) else {
        return Vec::new();
    };
    let at = node.get(key).map_or(node.position(), Node::position);
    if words.is_empty() {
        reader.error(
            at,
            format!("{key:?} is empty, so the rule would take nothing: write [\"*\"] or some"),
        );
    }
    if words.len() > 1 && words.iter().any(|word| word.value == ALL) && key != "resources" {
        reader.error(
            at,
            format!("\"*\" in {key:?} matches everything: write it alone"),
        );
    }
    for word in words.iter().filter(|word| word.value != ALL) {
        if let Some(why) = check(&word.value) {
            reader.error(
                word.position,
                format!("{:?} in {key:?} {why}", abbreviate(&word.value)),
            );
        }
    }
    words
}

fn group_error(word: &str) -> Option<String> {
    let version = |version: &str| {
        version
            .strip_prefix('v')
            .is_some_and(|digits| digits.starts_with(|c: char| c.is_ascii_digit()))
    };
    match word.split_once('/') {
        Some((group, _)) => Some(format!("names a version: write {:?}", abbreviate(group))),
        None if word == "core" || version(word) => {
            Some("is not a valid API group: the core group is \"\"".to_owned())
        }
        None if word.is_empty() || is_dns_subdomain(word) => None,
        None => Some("is not a valid API group: write one like apps".to_owned()),
    }
}

fn version_error(word: &str) -> Option<String> {
    let right = word.starts_with('v')
        && word
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    (!right).then(|| "is not a valid API version: write one like v1".to_owned())
}

fn resource_error(word: &str) -> Option<String> {
    let (resource, subresource) = word.split_once('/').unwrap_or((word, ALL));
    let right = |part: &str| part == ALL || (is_dns_subdomain(part) && !part.contains('.'));
    if word.chars().any(|c| c.is_ascii_uppercase()) {
        return Some(
            "is not a valid resource: write the plural in lower-case letters, as in deployments"
                .to_owned(),
        );
    }
    if !right(resource) || !right(subresource) {
        return Some(
            "is not a valid resource: write one like pods, pods/exec or */scale".to_owned(),
        );
    }
    super::kind_selector::resource_of_kind(resource)
        .map(|resource| format!("is a kind, not a resource: write {resource:?}"))
}
