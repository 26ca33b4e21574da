//! Names of objects and of variables. They depend on the binding and the controls alone, so that
//! every export of the same controls replaces the one before.

use kubevet_k8s::schema::Schema;
use kubevet_k8s::workload::is_workload;
use kubevet_model::{ControlId, Kind};
use std::collections::BTreeSet;

/// The label of every object that kubevet manages: `app.kubernetes.io/managed-by: kubevet`.
pub const MANAGED_BY: (&str, &str) = ("app.kubernetes.io/managed-by", "kubevet");
/// The beginning of every name.
const PREFIX: &str = "kubevet";
/// Characters of the name of a policy: a suffix and `.static.k8s.io` still fit into the 253 of
/// Kubernetes.
const MAX_NAME_CHARS: usize = 200;
/// Up to so many kinds are named one by one in a name.
const MAX_NAMED_KINDS: usize = 2;

/// The name of the policy of one control, of a ControlBinding of this name, empty without one.
#[must_use]
pub fn policy_name(binding: &str, control: &ControlId) -> String {
    joined(&[binding, &dns_part(control.as_str())])
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

/// The name of a policy of several controls over these kinds.
pub(super) fn pack_name(binding: &str, kinds: &[Kind]) -> String {
    joined(&[binding, &kinds_name(kinds)])
}

/// The name of a binding's ControlConfiguration.
pub(super) fn params_name(binding: &str) -> String {
    joined(&[if binding.is_empty() {
        "params"
    } else {
        binding
    }])
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
    resources.join("-")
}

fn joined(parts: &[&str]) -> String {
    let parts: Vec<&str> = [PREFIX]
        .iter()
        .chain(parts)
        .copied()
        .filter(|part| !part.is_empty())
        .collect();
    let name = parts.join("-");
    name.get(..MAX_NAME_CHARS)
        .unwrap_or(&name)
        .trim_end_matches(['-', '.'])
        .to_owned()
}

/// A string as part of a DNS name.
fn dns_part(string: &str) -> String {
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

    #[track_caller]
    fn check(binding: &str, control: &str, expected: &str) {
        assert_eq!(policy_name(binding, &ControlId::from(control)), expected);
    }

    #[test]
    fn policy_name_is_a_dns_name() {
        check("", "C-0057", "kubevet-c-0057");
        check("prod.strict", "C-0057", "kubevet-prod.strict-c-0057");
        check("", "My_Rule!", "kubevet-my-rule");
        let long = "a".repeat(253);
        assert!(policy_name(&long, &ControlId::from("C-0057")).len() <= MAX_NAME_CHARS);
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
        assert_eq!(pack_name("nsa", &kinds(&["Pod"])), "kubevet-nsa-pods");
        assert_eq!(
            pack_name("nsa", &kinds(&["PodExecOptions", "PodAttachOptions"])),
            "kubevet-nsa-connections"
        );
        assert_eq!(
            pack_name("nsa", &KindSelector::Workloads.kinds()),
            "kubevet-nsa-workloads"
        );
        assert_eq!(pack_name("", &kinds(&["A", "B", "C"])), "kubevet-objects");
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
