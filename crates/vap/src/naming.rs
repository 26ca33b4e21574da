//! Names of objects and of variables. They come from the selection, the control and the kinds alone,
//! so that an export of the same selection replaces the one before, and one of another does not.
//!
//! A name is `kubevet-SELECTION-KINDS`, or `kubevet-SELECTION.CONTROL-KINDS` for one control of
//! several. Kinds have no dash in them, so a name says what it is made of.

use kubevet_k8s::schema::Schema;
use kubevet_k8s::workload::{
    custom::{PodForm, PodShape},
    is_workload,
};
use kubevet_model::{ControlId, Fingerprint, Kind};
use std::collections::BTreeSet;

/// The label of every object that kubevet manages: `app.kubernetes.io/managed-by: kubevet`.
pub const MANAGED_BY: (&str, &str) = ("app.kubernetes.io/managed-by", "kubevet");
/// The beginning of every name.
const PREFIX: &str = "kubevet";
/// Characters of the name of a policy: a suffix and `.static.k8s.io` still fit into the 253 of
/// Kubernetes.
const MAX_NAME_CHARS: usize = 200;
/// Hexadecimal digits of a hash in a name.
const HASH_CHARS: usize = 8;
/// Up to so many kinds are named one by one in a name.
const MAX_NAMED_KINDS: usize = 2;

/// The name of the policy of a control in the library that `deploy-library` prints.
#[must_use]
pub fn library_policy_name(control: &ControlId) -> String {
    joined(&dns_part(control.as_str()))
}

/// The name of the policy that reports the exempt findings of another.
#[must_use]
pub fn exempt_policy_name(policy: &str) -> String {
    format!("{policy}-excused")
}

/// The name of the policy that reports the objects that another skips.
#[must_use]
pub fn skipped_policy_name(policy: &str) -> String {
    format!("{policy}-unjudged")
}

/// The name of a policy of a selection over these kinds; of one of its controls, if one is given.
/// `pods` is the shape of their pods, where they are kinds of other software.
pub(super) fn policy_name(
    selection: &str,
    control: Option<&ControlId>,
    kinds: &[Kind],
    pods: Option<PodShape>,
) -> String {
    let control = control
        .map(|id| format!(".{}", dns_part(id.as_str())))
        .unwrap_or_default();
    let kinds = pods.map_or_else(|| kinds_name(kinds), custom_name);
    joined(&format!("{selection}{control}-{kinds}"))
}

/// Kinds of other software as part of a name, which stays when the table of kinds grows.
fn custom_name(pods: PodShape) -> String {
    let form = match pods.form {
        PodForm::Template => "podtemplates",
        PodForm::Spec => "pods",
        PodForm::Composed => "workflows",
    };
    let depth = match (pods.form, pods.depth) {
        (PodForm::Composed, _) | (_, 1) => String::new(),
        (_, depth) => depth.to_string(),
    };
    format!("custom.{form}{depth}")
}

/// The name of a selection's ControlConfiguration.
pub(super) fn params_name(selection: &str) -> String {
    joined(selection)
}

/// A name that is not in use yet, by a number at its end; it is in use from then on.
pub(super) fn unique_name(names: &mut BTreeSet<String>, name: String) -> String {
    let mut free = name.clone();
    let mut next = 2;
    while !names.insert(free.clone()) {
        free = format!("{name}-{next}");
        next += 1;
    }
    free
}

/// The name of the variable with the message of a control: `C_0057`. Shared variables begin with a
/// lowercase letter.
pub(super) fn variable_name(control: &ControlId) -> String {
    let name: String = control
        .as_str()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect();
    if name.starts_with(|first: char| first.is_ascii_uppercase()) {
        name
    } else {
        format!("Control_{name}")
    }
}

/// The kinds as part of a name.
fn kinds_name(kinds: &[Kind]) -> String {
    if kinds
        .iter()
        .all(|kind| kind.group.is_empty() && kind.name.ends_with("Options"))
    {
        return "connections".to_owned();
    }
    if kinds.len() > MAX_NAMED_KINDS {
        return if kinds.iter().all(is_workload) {
            "workloads"
        } else {
            "objects"
        }
        .to_owned();
    }
    let resources: Vec<String> = kinds
        .iter()
        .map(|kind| Schema::embedded().resource(kind))
        .collect();
    resources.join(".")
}

/// The name behind the prefix. A name that is too long ends in a hash of all of it.
fn joined(name: &str) -> String {
    let name = format!("{PREFIX}-{name}");
    if name.len() <= MAX_NAME_CHARS {
        return name;
    }
    let kept = name
        .get(..MAX_NAME_CHARS - HASH_CHARS - 1)
        .unwrap_or_default();
    let hash = short_hash([name.as_str()]);
    format!("{}-{hash}", kept.trim_end_matches(['-', '.']))
}

/// A short hash of a list of strings, as part of a DNS name.
pub(super) fn short_hash<'p>(parts: impl IntoIterator<Item = &'p str>) -> String {
    let mut hash = Fingerprint::of(parts).to_string();
    hash.truncate(HASH_CHARS);
    hash
}

/// A string as part of a DNS name.
pub(super) fn dns_part(string: &str) -> String {
    let part: String = string
        .to_ascii_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    part.trim_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use kubevet_k8s::workload::SelectKinds as _;
    use kubevet_model::KindSelector;

    fn pods() -> Vec<Kind> {
        vec![Kind::new("", "Pod")]
    }

    #[test]
    fn policy_name_holds_selection_control_and_kinds() {
        let id = ControlId::from("C-0057");
        for (selection, control, expected) in [
            ("nsa", None, "kubevet-nsa-pods"),
            ("nsa", Some(&id), "kubevet-nsa.c-0057-pods"),
            (
                "binding-prod.strict",
                None,
                "kubevet-binding-prod.strict-pods",
            ),
        ] {
            assert_eq!(policy_name(selection, control, &pods(), None), expected);
        }
        assert_eq!(library_policy_name(&id), "kubevet-c-0057");
        assert_eq!(params_name("nsa"), "kubevet-nsa");
    }

    #[test]
    fn long_names_are_cut_and_stay_different() {
        let name =
            |end: char| policy_name(&format!("{}{end}", "a".repeat(252)), None, &pods(), None);
        assert!(name('a').len() <= MAX_NAME_CHARS, "{}", name('a'));
        assert_ne!(name('a'), name('b'));
    }

    #[test]
    fn name_in_use_gets_a_number() {
        let mut names = BTreeSet::new();
        assert_eq!(unique_name(&mut names, "a".to_owned()), "a");
        assert_eq!(unique_name(&mut names, "a".to_owned()), "a-2");
        assert_eq!(unique_name(&mut names, "a".to_owned()), "a-3");
    }

    #[test]
    fn kinds_have_one_name() {
        let kinds = |names: &[&str]| {
            names
                .iter()
                .map(|name| Kind::new("", *name))
                .collect::<Vec<_>>()
        };
        assert_eq!(kinds_name(&kinds(&["Pod"])), "pods");
        assert_eq!(kinds_name(&kinds(&["ConfigMap", "Pod"])), "configmaps.pods");
        assert_eq!(
            kinds_name(&kinds(&["PodExecOptions", "PodAttachOptions"])),
            "connections"
        );
        assert_eq!(
            kinds_name(&KindSelector::Workloads.all_kinds()),
            "workloads"
        );
        assert_eq!(kinds_name(&kinds(&["A", "B", "C"])), "objects");
    }

    #[test]
    fn variable_name_is_an_identifier() {
        assert_eq!(variable_name(&ControlId::from("C-0057")), "C_0057");
        assert_eq!(
            variable_name(&ControlId::from("my.rule")),
            "Control_my_rule"
        );
    }
}
