//! The controls that apply to each kind, with their loop plan.

use super::{
    eval::{LoopPlan, SideTables},
    interpreted_control::InterpretedControl,
    interpreter::{EntryRule, RulePackage},
};
use kubevet_ir::{CompiledControl, Program};
use kubevet_k8s::workload::SelectKinds as _;
use kubevet_model::{Control, Kind, KindSelector};
use std::collections::BTreeSet;

/// The controls of each kind that a control names, and those of all other workloads.
#[derive(Default)]
pub(super) struct KindIndex {
    workloads: KindEntry,
    /// Sorted by group and name.
    kinds: Vec<(Kind, KindEntry)>,
}

/// The controls that apply to a kind.
#[derive(Default)]
pub(super) struct KindEntry {
    pub(super) plan: LoopPlan,
    /// The indexes of interpreted controls.
    pub(super) interpreted: Vec<usize>,
    /// The rule that evaluates those together; `None` if there are none.
    pub(super) entry_rule: Option<EntryRule>,
}

impl KindIndex {
    pub(super) fn new(
        program: &Program,
        tables: &SideTables,
        compiled: &[CompiledControl],
        interpreted: &[InterpretedControl],
    ) -> Self {
        let package_sets = package_sets(interpreted);
        let entry = |applies: &dyn Fn(&KindSelector) -> bool| {
            let of_kind = positions_where(compiled, |compiled| {
                compiled.control.kinds.iter().any(applies)
            });
            let packages = packages_where(interpreted, applies);
            let set = package_sets.iter().position(|set| *set == packages);
            KindEntry {
                plan: LoopPlan::new(program, tables, compiled, of_kind),
                interpreted: positions_where(interpreted, |interpreted| {
                    interpreted.control.kinds.iter().any(applies)
                }),
                entry_rule: set.map(EntryRule),
            }
        };
        let controls = compiled
            .iter()
            .map(|compiled| &*compiled.control)
            .chain(interpreted.iter().map(|interpreted| &*interpreted.control));
        let kinds = named_kinds(controls)
            .into_iter()
            .map(|kind| (kind.clone(), entry(&|selector| names(selector, kind))))
            .collect();
        Self {
            workloads: entry(&is_workloads),
            kinds,
        }
    }

    /// Returns the controls of workloads that no control names.
    pub(super) fn workloads(&self) -> &KindEntry {
        &self.workloads
    }

    /// Returns the controls of a kind; `None` if there are none.
    pub(super) fn get(&self, group: &str, name: &str, is_workload: bool) -> Option<&KindEntry> {
        let found = self.kinds.binary_search_by(|(kind, _)| {
            (kind.group.as_str(), kind.name.as_str()).cmp(&(group, name))
        });
        let entry = match found {
            Ok(index) => self.kinds.get(index).map(|(_, entry)| entry),
            Err(_) => is_workload.then_some(&self.workloads),
        }?;
        (!entry.plan.controls.is_empty() || !entry.interpreted.is_empty()).then_some(entry)
    }
}

/// Returns the sets of packages that some kind evaluates together. The interpreter has an entry
/// rule for each.
pub(super) fn package_sets(interpreted: &[InterpretedControl]) -> Vec<BTreeSet<RulePackage>> {
    let mut sets: Vec<BTreeSet<RulePackage>> = Vec::new();
    let mut add = |packages: BTreeSet<RulePackage>| {
        if !packages.is_empty() && !sets.contains(&packages) {
            sets.push(packages);
        }
    };
    add(packages_where(interpreted, &is_workloads));
    let controls = interpreted.iter().map(|interpreted| &*interpreted.control);
    for kind in named_kinds(controls) {
        add(packages_where(interpreted, &|selector| {
            names(selector, kind)
        }));
    }
    sets
}

/// True if a rule for the selector evaluates objects of the kind themselves. Of a custom workload
/// it evaluates the pods.
fn names(selector: &KindSelector, kind: &Kind) -> bool {
    !matches!(selector, KindSelector::CustomWorkload(_)) && selector.matches(kind)
}

fn is_workloads(selector: &KindSelector) -> bool {
    *selector == KindSelector::Workloads
}

/// Returns the packages of the interpreted controls that apply to a kind.
fn packages_where(
    interpreted: &[InterpretedControl],
    applies: &dyn Fn(&KindSelector) -> bool,
) -> BTreeSet<RulePackage> {
    interpreted
        .iter()
        .filter(|interpreted| interpreted.control.kinds.iter().any(applies))
        .map(|interpreted| interpreted.package.clone())
        .collect()
}

fn named_kinds<'c>(controls: impl Iterator<Item = &'c Control>) -> BTreeSet<&'c Kind> {
    controls
        .flat_map(|control| &control.kinds)
        .filter_map(|selector| match selector {
            KindSelector::Kind(kind) => Some(kind),
            KindSelector::Workloads | KindSelector::CustomWorkload(_) => None,
        })
        .collect()
}

fn positions_where<T>(items: &[T], is_wanted: impl Fn(&T) -> bool) -> Vec<usize> {
    items
        .iter()
        .enumerate()
        .filter(|(_, item)| is_wanted(item))
        .map(|(index, _)| index)
        .collect()
}
