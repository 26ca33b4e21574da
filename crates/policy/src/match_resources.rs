//! Reads `matchResources`: resource rules, selectors and namespaces. What the API server would refuse in a
//! ValidatingAdmissionPolicy is refused, and so are words that could never match.

use super::{
    binding::{is_subdomain, one_of, read_word},
    label_selectors,
    map_reader::{Key, Sheet, Spanned, shown},
};
use kubevet_document::Node;
use kubevet_k8s::matching::{MatchResources, ResourceRule, RuleScope};
use kubevet_model::Operation;

/// The keys of `matchResources`.
pub(super) const MATCH_KEYS: &[Key] = &[
    Key::optional("resourceRules"),
    Key::optional("excludeResourceRules"),
    Key::optional("namespaceSelector"),
    Key::optional("objectSelector"),
    Key::optional("namespaces"),
    Key::optional("excludeNamespaces"),
];
/// The keys of a resource rule.
pub(super) const RULE_KEYS: &[Key] = &[
    Key::optional("apiGroups"),
    Key::optional("apiVersions"),
    Key::required("resources"),
    Key::optional("operations"),
    Key::optional("scope"),
    Key::optional("resourceNames"),
];
/// The words of `scope`.
pub(super) const SCOPES: &[(&str, RuleScope)] = &[
    ("*", RuleScope::All),
    ("Cluster", RuleScope::Cluster),
    ("Namespaced", RuleScope::Namespaced),
];
/// The word that takes everything.
const ALL: &str = "*";

/// The words of `operations`.
pub(super) fn operation_words() -> Vec<&'static str> {
    operations().iter().map(|(word, _)| *word).collect()
}

fn operations() -> Vec<(&'static str, Option<Operation>)> {
    let all = Operation::ALL.map(|it| (it.name(), Some(it)));
    [(ALL, None)].into_iter().chain(all).collect()
}

/// The scope that is written; complains of what means nothing.
pub(super) fn read(sheet: &mut Sheet<'_>, node: Node<'_>) -> MatchResources {
    if !sheet.keys(node, "\"matchResources\"", MATCH_KEYS) {
        return MatchResources::default();
    }
    let resource_rules = read_rules(sheet, node, "resourceRules");
    let exclude_resource_rules = read_rules(sheet, node, "excludeResourceRules");
    let mut selector = |key: &str| {
        node.get(key)
            .map(|it| label_selectors::read(sheet, it, &format!("{key:?}")))
            .unwrap_or_default()
    };
    let namespace_selector = selector("namespaceSelector");
    let object_selector = selector("objectSelector");
    let namespaces = read_namespaces(sheet, node, "namespaces");
    let exclude_namespaces = read_namespaces(sheet, node, "excludeNamespaces");
    for name in namespaces.iter().filter(|it| {
        exclude_namespaces
            .iter()
            .any(|other| other.value == it.value)
    }) {
        let message = format!(
            "{:?} is in \"excludeNamespaces\" too: keep one",
            shown(&name.value)
        );
        sheet.complain(name.position, message);
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

fn values(texts: Vec<Spanned<String>>) -> Vec<String> {
    texts.into_iter().map(|it| it.value).collect()
}

/// The names; an empty list would mean all, which nobody writes on purpose.
fn read_namespaces(sheet: &mut Sheet<'_>, node: Node<'_>, key: &str) -> Vec<Spanned<String>> {
    let Some(names) = sheet.texts(node, key) else {
        return Vec::new();
    };
    if names.is_empty() {
        let at = node.get(key).map_or(node.position(), Node::position);
        sheet.complain(
            at,
            format!("{key:?} is empty: name some, or leave the key out"),
        );
    }
    for name in names
        .iter()
        .filter(|it| it.value.len() > 63 || it.value.contains('.') || !is_subdomain(&it.value))
    {
        let message = format!(
            "{:?} is no name of a namespace: patterns are not read here",
            shown(&name.value)
        );
        sheet.complain(name.position, message);
    }
    names
}

fn read_rules(sheet: &mut Sheet<'_>, node: Node<'_>, key: &str) -> Vec<ResourceRule> {
    let elements = node
        .get(key)
        .and_then(|it| sheet.elements(it, &format!("{key:?}")));
    elements
        .into_iter()
        .flatten()
        .filter_map(|it| read_rule(sheet, it, key))
        .collect()
}

fn read_rule(sheet: &mut Sheet<'_>, node: Node<'_>, list: &str) -> Option<ResourceRule> {
    if !sheet.keys(node, &format!("an entry of {list:?}"), RULE_KEYS) {
        return None;
    }
    let api_groups = read_list(sheet, node, "apiGroups", group_fault);
    let api_versions = read_list(sheet, node, "apiVersions", version_fault);
    let resources = read_list(sheet, node, "resources", resource_fault);
    let words = read_list(sheet, node, "operations", |_| None);
    let known = operations();
    let operations: Vec<Option<Operation>> = words
        .iter()
        .filter_map(|it| one_of(sheet, it, "operations", &known))
        .collect();
    let scope = read_word(sheet, node, "scope", SCOPES).unwrap_or_default();
    let resource_names = values(sheet.texts(node, "resourceNames").unwrap_or_default());
    let or_all = |it: Vec<Spanned<String>>| {
        if it.is_empty() {
            vec![ALL.to_owned()]
        } else {
            values(it)
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

/// The words of a list in which `*` stands alone; empty only where the key is missing or was complained of.
fn read_list(
    sheet: &mut Sheet<'_>,
    node: Node<'_>,
    key: &str,
    fault: fn(&str) -> Option<String>,
) -> Vec<Spanned<String>> {
    let Some(words) = sheet.texts(node, key) else {
        return Vec::new();
    };
    let at = node.get(key).map_or(node.position(), Node::position);
    if words.is_empty() {
        sheet.complain(
            at,
            format!("{key:?} is empty, so the rule would take nothing: write [\"*\"] or some"),
        );
    }
    if words.len() > 1 && words.iter().any(|it| it.value == ALL) && key != "resources" {
        sheet.complain(
            at,
            format!("\"*\" in {key:?} takes everything: let it stand alone"),
        );
    }
    for word in words.iter().filter(|it| it.value != ALL) {
        if let Some(why) = fault(&word.value) {
            sheet.complain(
                word.position,
                format!("{:?} in {key:?} {why}", shown(&word.value)),
            );
        }
    }
    words
}

fn group_fault(word: &str) -> Option<String> {
    let version = |it: &str| {
        it.strip_prefix('v')
            .is_some_and(|it| it.starts_with(|c: char| c.is_ascii_digit()))
    };
    match word.split_once('/') {
        Some((group, _)) => Some(format!("names a version: write {:?}", shown(group))),
        None if word == "core" || version(word) => {
            Some("is no API group: the core group is \"\"".to_owned())
        }
        None if word.is_empty() || is_subdomain(word) => None,
        None => Some("is no API group: write one like apps".to_owned()),
    }
}

fn version_fault(word: &str) -> Option<String> {
    let right = word.starts_with('v')
        && word
            .chars()
            .all(|it| it.is_ascii_lowercase() || it.is_ascii_digit());
    (!right).then(|| "is no API version: write one like v1".to_owned())
}

fn resource_fault(word: &str) -> Option<String> {
    let (resource, subresource) = word.split_once('/').unwrap_or((word, ALL));
    let right = |it: &str| it == ALL || (is_subdomain(it) && !it.contains('.'));
    if word.chars().any(|it| it.is_ascii_uppercase()) {
        return Some(
            "is no resource: write the plural in small letters, as in deployments".to_owned(),
        );
    }
    if !right(resource) || !right(subresource) {
        return Some("is no resource: write one like pods, pods/exec or */scale".to_owned());
    }
    super::kind_selector::plural_of(resource)
        .map(|it| format!("is a kind, not a resource: write {it:?}"))
}
