//! A binding, and how it is read from one `ControlBinding` object.
//!
//! `binding_controls` and `match_resources` read its parts. A binding with an error is rejected as
//! a whole: what its author meant is not known.

use super::{
    Library, Params, binding_controls, controls_config, exclude_subjects,
    map_reader::{FieldSpec, MapReader, Spanned, abbreviate, type_name},
    match_resources,
};
use kubevet_document::{Document, Node, Value};
use kubevet_k8s::matching::{MatchResources, RequestSubject};
use kubevet_model::{
    Action, ControlId, OnOwned, OnUnevaluated, OnUpdate, Position, Problem, Scope, Severity,
    names::{MAX_DNS_SUBDOMAIN_CHARS, is_dns_subdomain},
};
use std::collections::BTreeSet;

/// The `apiVersion` of a binding.
pub(super) const API_VERSION: &str = "kubevet.io/v1alpha1";
/// The `kind` of a binding.
pub const KIND: &str = "ControlBinding";

/// True for the resource that serves bindings in a cluster.
#[must_use]
pub fn is_binding_resource(group: &str, resource: &str) -> bool {
    group == "kubevet.io" && resource == "controlbindings"
}

/// The keys of the object. `status`, which Kubernetes keeps in it, is not read.
pub(super) const OBJECT_KEYS: &[FieldSpec] = &[
    FieldSpec::required("apiVersion"),
    FieldSpec::required("kind"),
    FieldSpec::required("metadata"),
    FieldSpec::required("spec"),
    FieldSpec::optional("status"),
];
/// The keys of `spec`.
pub(super) const SPEC_KEYS: &[FieldSpec] = &[
    FieldSpec::optional("controls"),
    FieldSpec::optional("frameworks"),
    FieldSpec::optional("minSeverity"),
    FieldSpec::optional("excludeControls"),
    FieldSpec::optional("matchResources"),
    FieldSpec::optional("excludeSubjects"),
    FieldSpec::optional("validationActions"),
    FieldSpec::optional("params"),
    FieldSpec::optional("onUpdate"),
    FieldSpec::optional("onOwned"),
    FieldSpec::optional("onUnevaluated"),
];
/// The names of `onUpdate`.
pub(super) const ON_UPDATE: &[(&str, OnUpdate)] = &[("New", OnUpdate::New), ("All", OnUpdate::All)];
/// The names of `onOwned`.
pub(super) const ON_OWNED: &[(&str, OnOwned)] = &[("Warn", OnOwned::Warn), ("Deny", OnOwned::Deny)];
/// The names of `onUnevaluated`, in the order of messages.
pub(super) const ON_UNEVALUATED: &[(&str, OnUnevaluated)] = &[
    ("Deny", OnUnevaluated::Deny),
    ("Warn", OnUnevaluated::Warn),
    ("Allow", OnUnevaluated::Allow),
];

/// The controls that are enforced for certain requests, and the reactions to their violations
/// (`kubevet.io/v1alpha1` `ControlBinding`). Frameworks and `minSeverity` are resolved into
/// `controls`.
#[derive(Debug, Clone, PartialEq)]
pub struct Binding {
    /// The name. Denials contain it.
    pub name: String,
    /// Every control of the binding.
    pub controls: BTreeSet<ControlId>,
    /// The requests that it applies to.
    pub match_resources: MatchResources,
    /// The subjects whose requests it does not apply to.
    pub exclude_subjects: Vec<RequestSubject>,
    /// The reactions to a violation. Never empty.
    pub actions: BTreeSet<Action>,
    /// The params of its controls: the defaults, overridden by the params of the binding.
    pub params: Params,
    /// The violations of an UPDATE that are enforced.
    pub on_update: OnUpdate,
    /// The reaction to objects of owners that were admitted before.
    pub on_owned: OnOwned,
    /// The reaction to a request that could not be evaluated.
    pub on_unevaluated: OnUnevaluated,
}

/// The binding that applies where there is none: every control is evaluated, violations of high and
/// critical severity are audited, and nobody is warned or denied. A new installation must not
/// surprise the users of a cluster.
#[must_use]
pub fn fallback_binding(library: &Library) -> Binding {
    let controls = library.controls.iter().map(|source| &source.control);
    let high = controls.filter(|control| {
        control.scope.contains(&Scope::Cluster) && control.severity >= Severity::High
    });
    Binding {
        name: "default".to_owned(),
        controls: high.map(|control| control.id.clone()).collect(),
        match_resources: MatchResources::default(),
        exclude_subjects: Vec::new(),
        actions: BTreeSet::from([Action::Audit]),
        params: library.params.defaults(),
        on_update: OnUpdate::New,
        on_owned: OnOwned::Warn,
        on_unevaluated: OnUnevaluated::Allow,
    }
}

/// Reads one `ControlBinding` object, with the position of its name. Whether it has an effect is not
/// checked here.
///
/// # Errors
/// Every error of the object, in the order of the text.
pub(super) fn read_with_position(
    document: &Document,
    library: &Library,
) -> Result<(Binding, Position), Vec<Problem>> {
    let mut problems = Vec::new();
    let mut reader = MapReader::new(document.file(), &mut problems);
    let binding = read(&mut reader, document.root(), library);
    if let (Some(binding), true) = (binding, problems.is_empty()) {
        return Ok(binding);
    }
    problems.sort();
    problems.dedup();
    Err(problems)
}

fn read(
    reader: &mut MapReader<'_>,
    root: Node<'_>,
    library: &Library,
) -> Option<(Binding, Position)> {
    check_type(reader, root)?;
    reader.keys(root, "a binding", OBJECT_KEYS);
    let name = root
        .get("metadata")
        .and_then(|metadata| read_name(reader, metadata));
    let spec = root.get("spec")?;
    if !reader.keys(spec, "\"spec\"", SPEC_KEYS) {
        return None;
    }
    let controls = binding_controls::read(reader, spec, library);
    let match_resources = spec
        .get("matchResources")
        .map(|node| match_resources::read(reader, node))
        .unwrap_or_default();
    let exclude_subjects = exclude_subjects::read(reader, spec);
    let actions = read_actions(reader, spec);
    let params = read_params(reader, spec, library);
    let on_update = reader
        .read_enum(spec, "onUpdate", ON_UPDATE)
        .unwrap_or_default();
    let on_owned = reader
        .read_enum(spec, "onOwned", ON_OWNED)
        .unwrap_or_default();
    let on_unevaluated = reader
        .read_enum(spec, "onUnevaluated", ON_UNEVALUATED)
        .unwrap_or_default();
    let name = name?;
    let binding = Binding {
        name: name.value,
        controls,
        match_resources,
        exclude_subjects,
        actions,
        params,
        on_update,
        on_owned,
        on_unevaluated,
    };
    Some((binding, name.position))
}

/// Checks that the object is a binding. Nothing else is reported of one that is not.
fn check_type(reader: &mut MapReader<'_>, root: Node<'_>) -> Option<()> {
    let text = |key| root.get(key).and_then(Node::as_str).unwrap_or_default();
    let (version, name) = (text("apiVersion"), text("kind"));
    if (version, name) == (API_VERSION, KIND) {
        return Some(());
    }
    let what = match root.value() {
        Value::Map => format!(
            "this is {:?} of {:?}",
            abbreviate(name),
            abbreviate(version)
        ),
        _ => format!("this is {}", type_name(root)),
    };
    reader.error(
        root.position(),
        format!("{what}, but only {KIND} of {API_VERSION} belongs here: move or fix it"),
    );
    None
}

fn read_name(reader: &mut MapReader<'_>, metadata: Node<'_>) -> Option<Spanned<String>> {
    let Some(_) = metadata.get("name") else {
        reader.error(
            metadata.position(),
            "\"metadata\" lacks the key \"name\": denials name the binding",
        );
        return None;
    };
    let name = reader.string(metadata, "name")?;
    if !is_dns_subdomain(&name.value) {
        let message = format!(
            "{:?} is not a valid object name: write lower-case letters, digits, \"-\" and \".\", at most {MAX_DNS_SUBDOMAIN_CHARS}",
            abbreviate(&name.value)
        );
        reader.error(name.position, message);
        return None;
    }
    Some(name)
}

/// The default is a warning: enforcement must be asked for.
fn read_actions(reader: &mut MapReader<'_>, spec: Node<'_>) -> BTreeSet<Action> {
    let Some(words) = reader.strings(spec, "validationActions") else {
        return BTreeSet::from([Action::Warn]);
    };
    let position = spec
        .get("validationActions")
        .map_or(spec.position(), Node::position);
    if words.is_empty() {
        reader.error(
            position,
            "\"validationActions\" is empty, so nothing would come of a finding: write [Audit]",
        );
    }
    let known: Vec<(&str, Action)> = Action::ALL
        .iter()
        .map(|action| (action.name(), *action))
        .collect();
    let actions: BTreeSet<Action> = words
        .iter()
        .filter_map(|word| reader.parse_enum(word, "validationActions", &known))
        .collect();
    if actions.contains(&Action::Deny) && actions.contains(&Action::Warn) {
        reader.error(position, "Deny already reports the finding: drop Warn");
    }
    actions
}

fn read_params(reader: &mut MapReader<'_>, spec: Node<'_>, library: &Library) -> Params {
    let mut params = library.params.defaults();
    let Some(node) = spec.get("params") else {
        return params;
    };
    if !node.is_map() {
        reader.error(
            node.position(),
            format!(
                "\"params\" must be a map from params to values, but is {}",
                type_name(node)
            ),
        );
        return params;
    }
    reader.check_repeated(node);
    for entry in node.entries() {
        if library.params.get(entry.key).is_none() {
            let error = library.params.unknown(entry.key);
            reader.error(entry.key_position(), error.to_string());
            continue;
        }
        let Some(value) = controls_config::read_value(reader, entry.value, entry.key) else {
            continue;
        };
        if let Err(error) = params.set(&library.params, entry.key, value) {
            reader.error(entry.value.position(), error.to_string());
        }
    }
    params
}
