//! Names of objects and of variables: the same for the same controls, whoever exports them and when.

use kubevet_k8s::workload::is_workload;
use kubevet_model::{ControlId, Kind, KindSelector};
use std::collections::BTreeSet;

/// Whoever manages an object with this label is kubevet: `app.kubernetes.io/managed-by`.
pub const MANAGED_BY: (&str, &str) = ("app.kubernetes.io/managed-by", "kubevet");
/// What every name begins with.
const PREFIX: &str = "kubevet";
/// Names of policies end before this, so that a suffix and `.static.k8s.io` still fit into 253.
const LONGEST: usize = 200;
/// Kinds that are named one by one in a name, at most.
const NAMED_KINDS: usize = 2;

/// The name of the policy of one control, for a binding of this name; without one for everybody.
#[must_use]
pub fn policy_name(binding: &str, control: &ControlId) -> String {
    joined(&[binding, &dns(control.as_str())])
}

/// The name of the policy that tells what another lets pass.
#[must_use]
pub fn excused_name(policy: &str) -> String {
    format!("{policy}-excused")
}

/// The name of the policy that tells what another does not judge.
#[must_use]
pub fn unjudged_name(policy: &str) -> String {
    format!("{policy}-unjudged")
}

/// The name of a policy of many controls over these kinds.
pub(super) fn pack_name(binding: &str, kinds: &[Kind]) -> String {
    joined(&[binding, &kinds_word(kinds)])
}

/// The name of a binding's params.
pub(super) fn params_name(binding: &str) -> String {
    joined(&[if binding.is_empty() {
        "params"
    } else {
        binding
    }])
}

/// Makes a name that is not taken yet, and takes it.
pub(super) fn taken(names: &mut BTreeSet<String>, name: String) -> String {
    let mut free = name.clone();
    let mut next = 2;
    while !names.insert(free.clone()) {
        free = format!("{name}-{next}");
        next += 1;
    }
    free
}

/// The variable that says what a control found: `C_0057`. Shared variables begin with a small letter.
pub(super) fn variable(control: &ControlId) -> String {
    let word: String = control
        .as_str()
        .chars()
        .map(|it| if it.is_ascii_alphanumeric() { it } else { '_' })
        .collect();
    if word.starts_with(|it: char| it.is_ascii_uppercase()) {
        word
    } else {
        format!("Control_{word}")
    }
}

/// What the kinds are called in a name.
fn kinds_word(kinds: &[Kind]) -> String {
    if kinds
        .iter()
        .all(|it| it.group.is_empty() && it.name.ends_with("Options"))
    {
        return "connections".to_owned();
    }
    if kinds.len() > NAMED_KINDS {
        return if kinds.iter().all(is_workload) {
            "workloads"
        } else {
            "objects"
        }
        .to_owned();
    }
    kinds.iter().map(Kind::plural).collect::<Vec<_>>().join("-")
}

fn joined(parts: &[&str]) -> String {
    let words: Vec<&str> = [PREFIX]
        .iter()
        .chain(parts)
        .copied()
        .filter(|it| !it.is_empty())
        .collect();
    let name = words.join("-");
    name.get(..LONGEST)
        .unwrap_or(&name)
        .trim_end_matches(['-', '.'])
        .to_owned()
}

/// A text as part of a DNS name.
fn dns(text: &str) -> String {
    let word: String = text
        .to_ascii_lowercase()
        .chars()
        .map(|it| if it.is_ascii_alphanumeric() { it } else { '-' })
        .collect();
    word.trim_matches('-').to_owned()
}

/// Every kind that a selector takes.
pub(super) fn kinds_of(selectors: &[KindSelector]) -> Vec<Kind> {
    let mut kinds = BTreeSet::new();
    for selector in selectors {
        match selector {
            KindSelector::Workloads => {
                kinds.extend(
                    kubevet_k8s::workload::WORKLOADS
                        .iter()
                        .map(|it| Kind::new(it.group, it.name)),
                );
            }
            KindSelector::Kind(kind) => {
                kinds.insert(kind.clone());
            }
        }
    }
    kinds.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(binding: &str, control: &str, expected: &str) {
        assert_eq!(policy_name(binding, &ControlId::from(control)), expected);
    }

    #[test]
    fn names_are_those_of_dns() {
        check("", "C-0057", "kubevet-c-0057");
        check("prod.strict", "C-0057", "kubevet-prod.strict-c-0057");
        check("", "My_Rule!", "kubevet-my-rule");
        let long = "a".repeat(253);
        assert!(policy_name(&long, &ControlId::from("C-0057")).len() <= LONGEST);
    }

    #[test]
    fn a_name_that_is_taken_gets_a_number() {
        let mut names = BTreeSet::new();
        assert_eq!(taken(&mut names, "a".to_owned()), "a");
        assert_eq!(taken(&mut names, "a".to_owned()), "a-2");
        assert_eq!(taken(&mut names, "a".to_owned()), "a-3");
    }

    #[test]
    fn kinds_have_one_word() {
        let kinds = |names: &[&str]| {
            names
                .iter()
                .map(|it| Kind::new("", *it))
                .collect::<Vec<_>>()
        };
        assert_eq!(pack_name("nsa", &kinds(&["Pod"])), "kubevet-nsa-pods");
        assert_eq!(
            pack_name("nsa", &kinds(&["PodExecOptions", "PodAttachOptions"])),
            "kubevet-nsa-connections"
        );
        assert_eq!(
            pack_name("nsa", &kinds_of(&[KindSelector::Workloads])),
            "kubevet-nsa-workloads"
        );
        assert_eq!(pack_name("", &kinds(&["A", "B", "C"])), "kubevet-objects");
    }

    #[test]
    fn variables_are_identifiers() {
        assert_eq!(variable(&ControlId::from("C-0057")), "C_0057");
        assert_eq!(variable(&ControlId::from("my.rule")), "Control_my_rule");
    }
}
