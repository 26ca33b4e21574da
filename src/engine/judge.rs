//! The engine: compiled once from a library, asked ever after. It reads no files and cannot fail: what goes wrong with
//! a control is in the list of problems when it is compiled, and in the verdict when it is asked.

use super::{
    answer,
    reference::{Entry, Reference},
    safety::{Rules, UNKNOWN},
    syntax, value,
};
use crate::{
    document::Document,
    model::{Control, ControlId, Kind, KindSelector, Problem, Request, RuleError, Verdict},
    policy::{self, ControlSource, Library, Module, Params},
    workload,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Instant,
};

/// Judges objects by the controls of a library.
pub struct Engine {
    controls: Vec<Compiled>,
    /// Controls whose rules cannot run, each with the reason. They are answered as errors, never as passed.
    broken: Vec<(Arc<Control>, String)>,
    reference: Option<Reference>,
    workloads: Group,
    kinds: BTreeMap<Kind, Group>,
}

struct Compiled {
    control: Arc<Control>,
    package: String,
}

/// The controls that look at a kind, and the entry rule that asks them.
struct Group {
    controls: Vec<usize>,
    entry: Entry,
}

impl Engine {
    /// Compiles a library. Controls that do not compile are left out of the engine's good ones and reported; an object
    /// that they look at gets an error for each, so that nothing passes because a rule is broken.
    #[must_use]
    pub fn compile(library: &Library) -> (Self, Vec<Problem>) {
        let mut problems = Vec::new();
        let parse = |source: &Module, problems: &mut Vec<Problem>| {
            syntax::parse(source).map_err(|problem| problems.push(problem.clone())).ok()
        };
        let shared: Vec<_> = library.modules.iter().map(|it| (it, parse(it, &mut problems))).collect();
        let parsed: Vec<_> = library.controls.iter().map(|it| parse(&it.rule, &mut problems)).collect();
        let rules = Rules::new(shared.iter().filter_map(|(_, tree)| tree.as_ref()).chain(parsed.iter().flatten()));
        // A shared module at fault takes with it whatever uses it: without it, rules would find nothing and pass.
        let mut faulty: BTreeSet<&str> = BTreeSet::new();
        for tree in shared.iter().filter_map(|(_, tree)| tree.as_ref()) {
            let faults = rules.check(tree);
            if !faults.is_empty() {
                faulty.insert(&tree.package);
            }
            problems.extend(faults);
        }
        let unreadable = shared.iter().any(|(_, tree)| tree.is_none());
        let usable = |tree: &syntax::Module| !rules.depends_on(tree, &faulty);
        let shared_modules: Vec<&Module> =
            shared.iter().filter(|(_, tree)| tree.as_ref().is_some_and(usable)).map(|(module, _)| *module).collect();
        let mut sound: Vec<&ControlSource> = Vec::new();
        for (source, tree) in library.controls.iter().zip(&parsed) {
            let Some(tree) = tree else { continue };
            let mut faults = rules.check(tree);
            // Under another package a rule could add to what others rely on.
            let package = policy::package_of(source.control.id.as_str());
            if tree.package != package {
                let message = format!("the package of {} must be `{package}`", source.control.id);
                faults.push(Problem::in_file(source.rule.file.to_string(), message));
            }
            if !tree.defines("deny") {
                let message = "the rule finds nothing: write `deny contains finding if { … }`";
                faults.push(Problem::in_file(source.rule.file.to_string(), message));
            }
            if faults.is_empty() && usable(tree) {
                sound.push(source);
            }
            // Names of a module that did not parse are unknown too; its own problem says why.
            problems.extend(faults.into_iter().filter(|it| !(unreadable && it.message.ends_with(UNKNOWN))));
        }
        let engine = Self::link(library, &shared_modules, sound, &mut problems);
        problems.sort();
        problems.dedup();
        (engine, problems)
    }

    fn link(
        library: &Library,
        shared: &[&Module],
        mut sound: Vec<&ControlSource>,
        problems: &mut Vec<Problem>,
    ) -> Self {
        loop {
            let controls: Vec<Compiled> = sound
                .iter()
                .map(|it| Compiled { control: it.control.clone(), package: policy::package_of(it.control.id.as_str()) })
                .collect();
            let (workloads, kinds, sets) = index(&controls);
            let modules: Vec<&Module> = shared.iter().copied().chain(sound.iter().map(|it| &it.rule)).collect();
            let reference = match Reference::load(&modules, &sets) {
                Ok(reference) => Some(reference),
                Err(problem) => {
                    // One bad rule spoils the load of all: find it, leave it out, try again.
                    let before = sound.len();
                    sound.retain(|it| {
                        let alone: Vec<&Module> = shared.iter().copied().chain([&it.rule]).collect();
                        Reference::load(&alone, &[]).map_err(|it| problems.push(it)).is_ok()
                    });
                    if sound.len() < before {
                        continue;
                    }
                    problems.push(problem);
                    None
                }
            };
            let loaded: BTreeSet<&ControlId> = match reference {
                Some(_) => controls.iter().map(|it| &it.control.id).collect(),
                None => BTreeSet::new(),
            };
            let broken = library
                .controls
                .iter()
                .filter(|it| !loaded.contains(&it.control.id))
                .map(|it| (it.control.clone(), "its rule does not load".to_owned()))
                .collect();
            return Self { controls, broken, reference, workloads, kinds };
        }
    }

    /// The answer of every control that looks at objects of this kind.
    #[must_use]
    pub fn judge(&self, document: &Document, request: &Request, params: &Params) -> Verdict {
        self.answer(document, request, params, None)
    }

    /// As [`Engine::judge`], for somebody who waits no longer than `until`: a control without an answer by then is an
    /// error in the verdict.
    #[must_use]
    pub fn judge_until(&self, document: &Document, request: &Request, params: &Params, until: Instant) -> Verdict {
        self.answer(document, request, params, Some(until))
    }

    fn answer(&self, document: &Document, request: &Request, params: &Params, until: Option<Instant>) -> Verdict {
        let kind = document.id().group_kind();
        let mut verdict = Verdict::default();
        for (control, why) in &self.broken {
            if control.kinds.iter().any(|it| looks_at(it, &kind)) {
                verdict.errors.push(RuleError { control: control.id.clone(), message: why.clone() });
            }
        }
        if let (Some(reference), Some(group)) = (&self.reference, self.group(&kind)) {
            let input = value::input(document, request, &value::params(params));
            let asked: Vec<&Compiled> = group.controls.iter().filter_map(|it| self.controls.get(*it)).collect();
            let packages: Vec<&str> = asked.iter().map(|it| it.package.as_str()).collect();
            let answers = reference.ask(group.entry, &packages, input, until);
            for (compiled, deny) in asked.into_iter().zip(answers) {
                take(&compiled.control, deny, params, &mut verdict);
            }
        }
        verdict.judged.sort();
        verdict.findings.sort();
        verdict.errors.sort();
        verdict
    }

    fn group(&self, kind: &Kind) -> Option<&Group> {
        let group = match self.kinds.get(kind) {
            Some(group) => group,
            None if workload::is_workload(kind) => &self.workloads,
            None => return None,
        };
        (!group.controls.is_empty()).then_some(group)
    }
}

/// One control's answer into the verdict.
fn take(control: &Control, deny: Result<regorus::Value, String>, params: &Params, verdict: &mut Verdict) {
    if !is_configured(control, params) {
        return;
    }
    match deny.and_then(|it| answer::findings(&control.id, &it)) {
        Ok(findings) => {
            verdict.judged.push(control.id.clone());
            verdict.findings.extend(findings);
        }
        Err(message) => verdict.errors.push(RuleError { control: control.id.clone(), message }),
    }
}

/// Whether a control has the params without which it has nothing to say.
#[must_use]
pub fn is_configured(control: &Control, params: &Params) -> bool {
    let needed = &control.requires_any_param;
    needed.is_empty() || needed.iter().any(|it| params.get(it).is_some_and(|value| !value.is_empty()))
}

/// Whether a control looks at objects of a kind.
#[must_use]
pub fn looks_at(selector: &KindSelector, kind: &Kind) -> bool {
    match selector {
        KindSelector::Workloads => workload::is_workload(kind),
        KindSelector::Kind(named) => named == kind,
    }
}

/// Which controls look at each kind that a control names, and at the other workloads; and their sets of packages.
fn index(controls: &[Compiled]) -> (Group, BTreeMap<Kind, Group>, Vec<BTreeSet<String>>) {
    let mut sets = Vec::new();
    let mut group = |looks: &dyn Fn(&KindSelector) -> bool| {
        let chosen: Vec<usize> = controls
            .iter()
            .enumerate()
            .filter(|(_, it)| it.control.kinds.iter().any(looks))
            .map(|(place, _)| place)
            .collect();
        let packages: BTreeSet<String> =
            chosen.iter().filter_map(|it| controls.get(*it)).map(|it| it.package.clone()).collect();
        let place = sets.iter().position(|it| *it == packages).unwrap_or_else(|| {
            sets.push(packages);
            sets.len() - 1
        });
        Group { controls: chosen, entry: Entry(place) }
    };
    let workloads = group(&|it| *it == KindSelector::Workloads);
    let named: BTreeSet<&Kind> = controls
        .iter()
        .flat_map(|it| &it.control.kinds)
        .filter_map(|it| match it {
            KindSelector::Kind(kind) => Some(kind),
            KindSelector::Workloads => None,
        })
        .collect();
    let kinds = named.into_iter().map(|kind| (kind.clone(), group(&|it| looks_at(it, kind)))).collect();
    (workloads, kinds, sets)
}
