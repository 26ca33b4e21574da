//! Reads `excludeSubjects`: subjects as in RBAC. Names that no request could have are rejected, and so
//! is a group that every user is a member of.

use super::map_reader::{FieldSpec, MapReader, Spanned, abbreviate};
use kubevet_document::Node;
use kubevet_k8s::matching::RequestSubject;
use kubevet_model::names::{is_dns_label, is_dns_subdomain};

/// The key of `spec`.
const KEY: &str = "excludeSubjects";
/// The keys of a subject.
pub(super) const SUBJECT_KEYS: &[FieldSpec] = &[
    FieldSpec::required("kind"),
    FieldSpec::required("name"),
    FieldSpec::optional("namespace"),
    FieldSpec::optional("apiGroup"),
];
/// The API group of users and groups in RBAC. Service accounts are of the core group.
const RBAC_GROUP: &str = "rbac.authorization.k8s.io";
/// The group of every user that the API server knows.
const ALL_USERS: &str = "system:authenticated";

/// The kinds of subjects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SubjectKind {
    User,
    Group,
    ServiceAccount,
}

/// The names of `kind`.
pub(super) const SUBJECT_KINDS: &[(&str, SubjectKind)] = &[
    ("User", SubjectKind::User),
    ("Group", SubjectKind::Group),
    ("ServiceAccount", SubjectKind::ServiceAccount),
];

/// Reads the subjects of `spec` and reports their errors.
pub(super) fn read(reader: &mut MapReader<'_>, spec: Node<'_>) -> Vec<RequestSubject> {
    let Some(list) = spec.get(KEY) else {
        return Vec::new();
    };
    let nodes = reader.elements_of(spec, KEY);
    if list.is_list() && nodes.is_empty() {
        reader.error(
            list.position(),
            format!("{KEY:?} is empty: name some subjects, or leave the key out"),
        );
    }
    let mut subjects = Vec::new();
    for node in nodes {
        let Some(subject) = read_subject(reader, node) else {
            continue;
        };
        if subjects.contains(&subject) {
            let message = format!("{KEY:?} lists {subject} twice: keep one");
            reader.error(node.position(), message);
        } else {
            subjects.push(subject);
        }
    }
    subjects
}

fn read_subject(reader: &mut MapReader<'_>, node: Node<'_>) -> Option<RequestSubject> {
    if !reader.keys(node, &format!("an entry of {KEY:?}"), SUBJECT_KEYS) {
        return None;
    }
    let kind = reader.read_enum(node, "kind", SUBJECT_KINDS);
    let name = node.get("name").and_then(|_| reader.string(node, "name"));
    let namespace = reader.string(node, "namespace");
    let (kind, name) = (kind?, name?);
    check_api_group(reader, node, kind);
    check_name(reader, kind, &name);
    match (kind, namespace) {
        (SubjectKind::ServiceAccount, Some(namespace)) => {
            check_namespace(reader, &namespace);
            Some(RequestSubject::ServiceAccount {
                namespace: namespace.value,
                name: name.value,
            })
        }
        (SubjectKind::ServiceAccount, None) => {
            if node.get("namespace").is_none() {
                let name = abbreviate(&name.value);
                let message = format!(
                    "the service account {name:?} lacks its \"namespace\": accounts of other namespaces can have its name"
                );
                reader.error(node.position(), message);
            }
            None
        }
        (_, Some(namespace)) => {
            reader.error(
                namespace.position,
                "only a ServiceAccount is in a namespace: remove \"namespace\"",
            );
            None
        }
        (SubjectKind::User, None) => Some(RequestSubject::User(name.value)),
        (SubjectKind::Group, None) => Some(RequestSubject::Group(name.value)),
    }
}

/// A subject that is copied from a RoleBinding has an API group.
fn check_api_group(reader: &mut MapReader<'_>, node: Node<'_>, kind: SubjectKind) {
    let expected = match kind {
        SubjectKind::User | SubjectKind::Group => RBAC_GROUP,
        SubjectKind::ServiceAccount => "",
    };
    let group = reader.optional_string(node, "apiGroup");
    if let Some(group) = group.filter(|group| group.value != expected) {
        let message = format!(
            "{:?} is not the API group of such a subject: write {expected:?}, or leave the key out",
            abbreviate(&group.value)
        );
        reader.error(group.position, message);
    }
}

fn check_name(reader: &mut MapReader<'_>, kind: SubjectKind, name: &Spanned<String>) {
    let shown = abbreviate(&name.value);
    let message = match kind {
        _ if name.value.contains('*') => {
            format!("{shown:?} is a pattern, and patterns are not read here: write whole names")
        }
        SubjectKind::ServiceAccount if name.value.starts_with("system:serviceaccount:") => {
            format!(
                "{shown:?} is the user name of a service account: write its name and \"namespace\", or kind: User"
            )
        }
        SubjectKind::ServiceAccount if !is_dns_subdomain(&name.value) => {
            format!("{shown:?} is not a valid name of a service account")
        }
        SubjectKind::Group if name.value == ALL_USERS => format!(
            "every user is a member of {shown:?}, so the binding would apply to no user: name a smaller group"
        ),
        _ => return,
    };
    reader.error(name.position, message);
}

fn check_namespace(reader: &mut MapReader<'_>, namespace: &Spanned<String>) {
    if !is_dns_label(&namespace.value) {
        let message = format!(
            "{:?} is not a valid name of a namespace",
            abbreviate(&namespace.value)
        );
        reader.error(namespace.position, message);
    }
}
