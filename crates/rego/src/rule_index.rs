//! The rules of a library by their full names, and the names of its packages.

use crate::ast::{Module, Rule, rule_name};
use std::collections::{BTreeMap, BTreeSet};

/// All definitions of each rule, by its full name (`lib.workload.containers`).
pub(crate) struct RuleIndex<'a> {
    by_name: BTreeMap<String, Vec<(&'a Module, &'a Rule)>>,
}

impl<'a> RuleIndex<'a> {
    /// The rules of these modules.
    pub(crate) fn new(modules: impl IntoIterator<Item = &'a Module>) -> Self {
        let mut by_name: BTreeMap<String, Vec<_>> = BTreeMap::new();
        for module in modules {
            for rule in &module.tree.policy {
                let name = format!("{}.{}", module.package, rule_name(rule));
                by_name
                    .entry(name)
                    .or_default()
                    .push((module, rule.as_ref()));
            }
        }
        Self { by_name }
    }

    /// True if a full name is that of a rule.
    pub(crate) fn has_rule(&self, full: &str) -> bool {
        self.by_name.contains_key(full)
    }

    /// The definitions of a rule, by its full name.
    pub(crate) fn definitions(&self, full: &str) -> &[(&'a Module, &'a Rule)] {
        self.by_name.get(full).map_or(&[], Vec::as_slice)
    }

    /// The names of the rules that a reference can read: one rule, or all rules of a package.
    pub(crate) fn named(&self, target: &str) -> Vec<&str> {
        // A reference into the value of a rule (`lib.rule.field`) reads the rule: the longest
        // prefix that is a rule wins.
        let mut path = target;
        loop {
            if let Some((name, _)) = self.by_name.get_key_value(path) {
                return vec![name];
            }
            match path.rsplit_once('.') {
                Some((shorter, _)) => path = shorter,
                None => break,
            }
        }
        // No prefix is a rule, so the reference is to a package, or to `data` as a whole.
        let inside = if target.is_empty() {
            String::new()
        } else {
            format!("{target}.")
        };
        self.by_name
            .keys()
            .filter(|name| name.starts_with(&inside))
            .map(String::as_str)
            .collect()
    }

    /// True if a full name is that of a rule, of a part of its value, or of a package.
    pub(crate) fn exists(&self, target: &str) -> bool {
        !self.named(target).is_empty()
    }

    /// The names of the shared modules: `workload` of `lib.workload`.
    pub(crate) fn shared_modules(&self) -> BTreeSet<&str> {
        self.members("lib")
    }

    /// The names directly under a package.
    pub(crate) fn members(&self, package: &str) -> BTreeSet<&str> {
        let names = self.by_name.keys();
        let inside = names.filter_map(|name| name.strip_prefix(package)?.strip_prefix('.'));
        inside
            .filter_map(|member| member.split('.').next())
            .collect()
    }
}
