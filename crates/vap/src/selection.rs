//! What a command line selects, and the name of that selection: the beginning of the names of its
//! policies.
//!
//! The name comes from the request and not from its result: it stays where a framework gets another
//! control, so that an upgrade replaces the policies; and two selections that differ never have one
//! name, so that the second never replaces the first.

use super::naming::{dns_part, short_hash};
use kubevet_model::ControlId;
use std::collections::{BTreeMap, BTreeSet};

/// The name of a selection of everything.
const ALL: &str = "all";
/// The beginning of the name of a selection of several controls or frameworks.
const SEVERAL: &str = "controls";
/// The beginning of the name of a ControlBinding's policies.
const BINDING: &str = "binding-";

/// The controls and frameworks that are named, and what narrows or changes them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    controls: BTreeSet<ControlId>,
    /// In lowercase: no two frameworks differ in case alone.
    frameworks: BTreeSet<String>,
    filters: BTreeMap<&'static str, String>,
}

impl Selection {
    /// Adds a control.
    pub fn add_control(&mut self, control: &ControlId) {
        self.controls.insert(control.clone());
    }

    /// Adds all controls of a framework.
    pub fn add_framework(&mut self, framework: &str) {
        self.frameworks.insert(framework.to_ascii_lowercase());
    }

    /// Sets what makes this selection another than the plain one, such as the lowest severity.
    pub fn set_filter(&mut self, filter: &'static str, value: String) {
        self.filters.insert(filter, value);
    }

    /// The name: `c-0057` or `nsa`; with a hash for several names and for any filter.
    #[must_use]
    pub fn name(&self) -> String {
        let controls: Vec<&ControlId> = self.controls.iter().collect();
        let frameworks: Vec<&str> = self.frameworks.iter().map(String::as_str).collect();
        let (stem, is_unique) = match (controls.as_slice(), frameworks.as_slice()) {
            ([], []) => (ALL.to_owned(), true),
            ([control], []) => (dns_part(control.as_str()), true),
            ([], [framework]) => (dns_part(framework), is_plain_framework(framework)),
            _ => (SEVERAL.to_owned(), false),
        };
        if is_unique && self.filters.is_empty() {
            stem
        } else {
            format!("{stem}-{}", self.hash())
        }
    }

    fn hash(&self) -> String {
        let controls = self.controls.iter().map(|id| ["control", id.as_str()]);
        let frameworks = self.frameworks.iter().map(|name| ["framework", name]);
        let filters = self.filters.iter().map(|(filter, value)| [*filter, value]);
        short_hash(controls.chain(frameworks).chain(filters).flatten())
    }
}

/// The name of what a ControlBinding selects. A ControlBinding may have the name of a framework.
pub(super) fn binding_selection(binding: &str) -> String {
    format!("{BINDING}{binding}")
}

/// True if a framework's name is that of no other selection: not of another framework as a DNS name,
/// of a control, of a ControlBinding or of everything.
fn is_plain_framework(name: &str) -> bool {
    let is_number = |part: &str| part.chars().all(|c| c.is_ascii_digit());
    let ends_as_id = name
        .rsplit_once('-')
        .is_some_and(|(_, last)| is_number(last));
    dns_part(name) == name && !ends_as_id && name != ALL && !name.starts_with(BINDING)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selection(
        controls: &[&str],
        frameworks: &[&str],
        filters: &[(&'static str, &str)],
    ) -> String {
        let mut selection = Selection::default();
        for control in controls {
            selection.add_control(&ControlId::from(*control));
        }
        for framework in frameworks {
            selection.add_framework(framework);
        }
        for (filter, value) in filters {
            selection.set_filter(filter, (*value).to_owned());
        }
        selection.name()
    }

    #[test]
    fn one_name_without_filters_is_the_name_of_the_selection() {
        for (controls, frameworks, expected) in [
            (&[][..], &[][..], "all"),
            (&["C-0057"], &[], "c-0057"),
            (&["ACME-12"], &[], "acme-12"),
            (&[], &["NSA"], "nsa"),
            (&[], &["team-baseline"], "team-baseline"),
        ] {
            assert_eq!(selection(controls, frameworks, &[]), expected);
        }
    }

    #[test]
    fn other_selection_has_a_hash_behind_its_name() {
        let check = |name: String, stem: &str| {
            let (start, hash) = name.rsplit_once('-').unwrap();
            assert_eq!((start, hash.len()), (stem, 8), "{name}");
        };
        check(selection(&["C-0057", "C-0041"], &[], &[]), "controls");
        check(selection(&["C-0057"], &["NSA"], &[]), "controls");
        check(selection(&[], &["NSA", "MITRE"], &[]), "controls");
        check(selection(&[], &["NSA"], &[("severity", "High")]), "nsa");
        check(selection(&[], &[], &[("severity", "High")]), "all");
        check(selection(&["C-0046"], &[], &[("params", "{}")]), "c-0046");
        for framework in ["cis-1.2", "my_own", "all", "C-0057", "binding-x"] {
            check(selection(&[], &[framework], &[]), &dns_part(framework));
        }
    }

    #[test]
    fn different_selections_have_different_names() {
        let names = [
            selection(&[], &[], &[]),
            selection(&[], &["all"], &[]),
            selection(&["C-0057"], &[], &[]),
            selection(&["C-0041"], &[], &[]),
            selection(&["C-0057", "C-0041"], &[], &[]),
            selection(&["C-0057", "C-0046"], &[], &[]),
            selection(&["C-0057"], &["NSA"], &[]),
            selection(&["C-0057"], &["MITRE"], &[]),
            selection(&[], &["NSA"], &[]),
            selection(&[], &["C-0057"], &[]),
            selection(&[], &["cis-1.2"], &[]),
            selection(&[], &["cis-1-2"], &[]),
            selection(&[], &["NSA"], &[("severity", "High")]),
            selection(&[], &["NSA"], &[("severity", "Critical")]),
            selection(&[], &["NSA"], &[("exempt-namespaces", "High")]),
            selection(
                &[],
                &["NSA"],
                &[("exempt-namespaces", "a"), ("severity", "High")],
            ),
            binding_selection("nsa"),
            selection(&[], &["binding-nsa"], &[]),
        ];
        let different: BTreeSet<&String> = names.iter().collect();
        assert_eq!(different.len(), names.len(), "{names:?}");
    }

    #[test]
    fn order_and_case_and_repetition_change_no_name() {
        assert_eq!(
            selection(&["C-0057", "C-0041"], &["NSA"], &[]),
            selection(&["C-0041", "C-0057", "C-0041"], &["nsa"], &[])
        );
    }
}
