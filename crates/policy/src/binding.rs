//! A binding: what it is once it is read, and how one `ControlBinding` object becomes it.
//!
//! What it covers and which requests it is meant for are read by `coverage` and `match_resources`. A binding with a
//! mistake is not half a binding: what its author meant is not known, so it is refused whole.

use super::{
    Library, Params, binding_controls, controls_config,
    did_you_mean::did_you_mean,
    map_reader::{Key, Sheet, Spanned, kind, shown},
    match_resources,
};
use kubevet_document::{Document, Node, Value};
use kubevet_k8s::matching::MatchResources;
use kubevet_model::{
    Action, ControlId, OnOwned, OnUnevaluated, OnUpdate, Position, Problem, Scope, Severity,
};
use std::collections::BTreeSet;

/// The `apiVersion` of a binding.
pub(super) const API_VERSION: &str = "kubevet.io/v1alpha1";
/// The `kind` of a binding.
pub(super) const KIND: &str = "ControlBinding";
/// The longest name that Kubernetes takes.
const LONGEST_NAME: usize = 253;

/// The keys of the object; whatever else Kubernetes keeps in it (`status`) is not read.
pub(super) const OBJECT_KEYS: &[Key] = &[
    Key::required("apiVersion"),
    Key::required("kind"),
    Key::required("metadata"),
    Key::required("spec"),
    Key::optional("status"),
];
/// The keys of `spec`.
pub(super) const SPEC_KEYS: &[Key] = &[
    Key::optional("controls"),
    Key::optional("frameworks"),
    Key::optional("minSeverity"),
    Key::optional("excludeControls"),
    Key::optional("matchResources"),
    Key::optional("validationActions"),
    Key::optional("params"),
    Key::optional("onUpdate"),
    Key::optional("onOwned"),
    Key::optional("onUnevaluated"),
];
/// The words of `onUpdate`.
pub(super) const ON_UPDATE: &[(&str, OnUpdate)] = &[("New", OnUpdate::New), ("All", OnUpdate::All)];
/// The words of `onOwned`.
pub(super) const ON_OWNED: &[(&str, OnOwned)] = &[("Warn", OnOwned::Warn), ("Deny", OnOwned::Deny)];
/// The words of `onUnevaluated`.
pub(super) const ON_UNEVALUATED: &[(&str, OnUnevaluated)] = &[
    ("Deny", OnUnevaluated::Deny),
    ("Warn", OnUnevaluated::Warn),
    ("Allow", OnUnevaluated::Allow),
];

/// Which controls hold for which requests, and what is done about their findings (`kubevet.io/v1alpha1`
/// `ControlBinding`). Frameworks and `minSeverity` are resolved: `controls` says all.
#[derive(Debug, Clone, PartialEq)]
pub struct Binding {
    /// Its name; told to whoever is denied.
    pub name: String,
    /// Every control that it covers.
    pub controls: BTreeSet<ControlId>,
    /// Which requests it is meant for.
    pub match_resources: MatchResources,
    /// What is done about a finding. Never empty.
    pub actions: BTreeSet<Action>,
    /// What its controls are told: defaults, changed by what the binding says.
    pub params: Params,
    /// What an UPDATE is held to.
    pub on_update: OnUpdate,
    /// What happens to Pods of owners that are already in.
    pub on_owned: OnOwned,
    /// What happens to what could not be judged.
    pub on_unevaluated: OnUnevaluated,
}

/// What holds where nobody has written a binding: everything is judged, nothing denied, and what is high or worse is
/// warned of.
#[must_use]
pub fn fallback_binding(library: &Library) -> Binding {
    let controls = library.controls.iter().map(|it| &it.control);
    let meant =
        controls.filter(|it| it.scope.contains(&Scope::Cluster) && it.severity >= Severity::High);
    Binding {
        name: "default".to_owned(),
        controls: meant.map(|it| it.id.clone()).collect(),
        match_resources: MatchResources::default(),
        actions: BTreeSet::from([Action::Warn]),
        params: library.params.defaults(),
        on_update: OnUpdate::New,
        on_owned: OnOwned::Warn,
        on_unevaluated: OnUnevaluated::Warn,
    }
}

/// One `ControlBinding` object, from a file or a cluster.
///
/// # Errors
/// Everything that is wrong with it, in the order of the text.
pub fn read_binding(document: &Document, library: &Library) -> Result<Binding, Vec<Problem>> {
    read_placed(document, library).map(|(binding, _)| binding)
}

/// As [`read_binding`], with the place of its name.
pub(super) fn read_placed(
    document: &Document,
    library: &Library,
) -> Result<(Binding, Position), Vec<Problem>> {
    let mut problems = Vec::new();
    let mut sheet = Sheet::new(document.file(), &mut problems);
    let binding = read(&mut sheet, document.root(), library);
    if let (Some(binding), true) = (binding, problems.is_empty()) {
        return Ok(binding);
    }
    problems.sort();
    problems.dedup();
    Err(problems)
}

fn read(sheet: &mut Sheet<'_>, root: Node<'_>, library: &Library) -> Option<(Binding, Position)> {
    check_type(sheet, root)?;
    sheet.keys(root, "a binding", OBJECT_KEYS);
    let name = root.get("metadata").and_then(|it| read_name(sheet, it));
    let spec = root.get("spec")?;
    if !sheet.keys(spec, "\"spec\"", SPEC_KEYS) {
        return None;
    }
    let controls = binding_controls::read(sheet, spec, library);
    let match_resources = spec
        .get("matchResources")
        .map(|it| match_resources::read(sheet, it))
        .unwrap_or_default();
    let actions = read_actions(sheet, spec);
    let params = read_params(sheet, spec, library);
    let on_update = read_word(sheet, spec, "onUpdate", ON_UPDATE).unwrap_or_default();
    let on_owned = read_word(sheet, spec, "onOwned", ON_OWNED).unwrap_or_default();
    let on_unevaluated =
        read_word(sheet, spec, "onUnevaluated", ON_UNEVALUATED).unwrap_or_default();
    let name = name?;
    let binding = Binding {
        name: name.value,
        controls,
        match_resources,
        actions,
        params,
        on_update,
        on_owned,
        on_unevaluated,
    };
    Some((binding, name.position))
}

/// Whether the object is a binding at all; nothing else is said of one that is not.
fn check_type(sheet: &mut Sheet<'_>, root: Node<'_>) -> Option<()> {
    let text = |key| root.get(key).and_then(Node::as_str).unwrap_or_default();
    let (version, name) = (text("apiVersion"), text("kind"));
    if (version, name) == (API_VERSION, KIND) {
        return Some(());
    }
    let what = match root.value() {
        Value::Map(_) => format!("this is {:?} of {:?}", shown(name), shown(version)),
        _ => format!("this is {}", kind(root)),
    };
    sheet.complain(
        root.position(),
        format!("{what}, but only {KIND} of {API_VERSION} belongs here: move or mend it"),
    );
    None
}

fn read_name(sheet: &mut Sheet<'_>, metadata: Node<'_>) -> Option<Spanned<String>> {
    let Some(_) = metadata.get("name") else {
        sheet.complain(
            metadata.position(),
            "\"metadata\" lacks the key \"name\": denials name the binding",
        );
        return None;
    };
    let name = sheet.text(metadata, "name")?;
    if !is_subdomain(&name.value) {
        let message = format!(
            "{:?} is no name of an object: write small letters, digits, \"-\" and \".\", at most {LONGEST_NAME}",
            shown(&name.value)
        );
        sheet.complain(name.position, message);
        return None;
    }
    Some(name)
}

/// Whether a text is a DNS subdomain, as names of objects are.
pub(super) fn is_subdomain(text: &str) -> bool {
    let alphanumeric = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit();
    let label = |it: &str| {
        it.starts_with(alphanumeric)
            && it.ends_with(alphanumeric)
            && it.chars().all(|c| alphanumeric(c) || c == '-')
    };
    text.len() <= LONGEST_NAME && text.split('.').all(label)
}

/// To warn is what a binding does that does not say: enforcement is asked for.
fn read_actions(sheet: &mut Sheet<'_>, spec: Node<'_>) -> BTreeSet<Action> {
    let Some(words) = sheet.texts(spec, "validationActions") else {
        return BTreeSet::from([Action::Warn]);
    };
    let position = spec
        .get("validationActions")
        .map_or(spec.position(), Node::position);
    if words.is_empty() {
        sheet.complain(
            position,
            "\"validationActions\" is empty, so nothing would come of a finding: write [Audit]",
        );
    }
    let known = Action::ALL.map(|it| (it.name(), it));
    let actions: BTreeSet<Action> = words
        .iter()
        .filter_map(|it| one_of(sheet, it, "validationActions", &known))
        .collect();
    if actions.contains(&Action::Deny) && actions.contains(&Action::Warn) {
        sheet.complain(
            position,
            "Deny and Warn together would say everything twice: keep one",
        );
    }
    actions
}

fn read_params(sheet: &mut Sheet<'_>, spec: Node<'_>, library: &Library) -> Params {
    let mut params = library.params.defaults();
    let Some(node) = spec.get("params") else {
        return params;
    };
    if !matches!(node.value(), Value::Map(_)) {
        sheet.complain(
            node.position(),
            format!(
                "\"params\" must be a map from params to values, but is {}",
                kind(node)
            ),
        );
        return params;
    }
    sheet.repeated(node);
    for entry in node.entries() {
        if library.params.get(entry.key).is_none() {
            sheet.complain(entry.key_position(), library.params.unknown(entry.key));
            continue;
        }
        let Some(value) = controls_config::read_value(sheet, entry.value, entry.key) else {
            continue;
        };
        if let Err(message) = params.set(&library.params, entry.key, value) {
            sheet.complain(entry.value.position(), message);
        }
    }
    params
}

/// The meaning of a key's word; `None` where the key is missing or its word unknown.
pub(super) fn read_word<T: Copy>(
    sheet: &mut Sheet<'_>,
    node: Node<'_>,
    key: &str,
    known: &[(&str, T)],
) -> Option<T> {
    let word = sheet.text(node, key)?;
    one_of(sheet, &word, key, known)
}

/// The meaning of a word; complains of one that has none.
pub(super) fn one_of<T: Copy>(
    sheet: &mut Sheet<'_>,
    word: &Spanned<String>,
    key: &str,
    known: &[(&str, T)],
) -> Option<T> {
    let found = known
        .iter()
        .find(|(name, _)| *name == word.value)
        .map(|(_, meaning)| *meaning);
    if found.is_none() {
        let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        let hint = did_you_mean(&word.value, names.iter().copied());
        let message = format!(
            "{key:?} knows no {:?}: write one of {}{hint}",
            shown(&word.value),
            names.join(", ")
        );
        sheet.complain(word.position, message);
    }
    found
}
