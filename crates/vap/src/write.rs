//! A policy as an object: shared variables, one variable a control, one validation that decides.
//!
//! Of an object that is clean only the match condition is asked. What each control found is a variable of its own, each
//! under a cost limit of its own.

use super::{
    ask,
    excuse::Excuses,
    name::{MANAGED_BY, variable},
    params, scope,
};
use kubevet_cel::{Printed, Sheet, Variable};
use kubevet_model::{Control, Kind, Severity, one_line};
use serde_json::{Map, Value, json};

/// Controls of one policy; their ids must fit into a message and an annotation.
pub(super) const CONTROLS: usize = 60;
/// Bytes of one policy as JSON: `kubectl apply` keeps a copy of it in an annotation, which may have 256 KiB.
pub(super) const POLICY_BYTES: usize = 250_000;
/// The API server drops a message that is over 5 KiB and says the static one instead.
const MESSAGE_BYTES: usize = 5_000;
/// Where a message is too long, so many characters of it are kept: of four bytes each, they fit.
const MESSAGE_CUT: usize = 1_000;
/// Characters of all ids in a message that is cut; ids are ASCII.
const IDS_CUT: usize = 900;
/// The longest name of a control in a message.
const NAME: usize = 80;

/// Variables of a policy that are not its controls'. Where params are read from objects, each has a variable, too.
pub(super) const OWN_VARIABLES: &[&str] = &["found", "ids", "owners", "words"];

/// What a policy is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Says what is wrong and is not let pass.
    Deciding,
    /// Says what is wrong and let pass.
    Excused,
    /// Says what was not judged.
    Unjudged,
}

/// What a policy is made of.
pub(super) struct Draft<'d> {
    pub(super) name: &'d str,
    pub(super) role: Role,
    pub(super) kinds: &'d [Kind],
    pub(super) sheet: &'d Sheet,
    pub(super) excuses: &'d Excuses<'d>,
    /// The ControlBinding's name, empty without one.
    pub(super) binding: &'d str,
    pub(super) exempt: &'d [String],
}

/// The policy.
pub(super) fn policy(draft: &Draft<'_>) -> Value {
    let controls = &draft.sheet.controls;
    let mut spec = Map::new();
    spec.insert("failurePolicy".to_owned(), json!("Fail"));
    if controls.iter().any(|it| it.reads_params) {
        spec.insert("paramKind".to_owned(), params::kind());
    }
    let rules = match draft.role {
        Role::Excused => scope::excused_rules(draft.kinds),
        Role::Deciding | Role::Unjudged => scope::policy_rules(draft.kinds),
    };
    let mut constraints = json!({"matchPolicy": "Equivalent", "resourceRules": rules});
    if let (Some(selector), Some(map)) =
        (scope::not_exempt(draft.exempt), constraints.as_object_mut())
    {
        map.insert("namespaceSelector".to_owned(), selector);
    }
    spec.insert("matchConstraints".to_owned(), constraints);
    let matching = json!([{"name": matching(draft.role), "expression": ask::condition(draft)}]);
    spec.insert("matchConditions".to_owned(), matching);
    spec.insert(
        "variables".to_owned(),
        variables(draft).iter().map(show).collect(),
    );
    let expression = "size(variables.found) == 0";
    spec.insert(
        "validations".to_owned(),
        json!([{
            "expression": expression,
            "messageExpression": format!(
                "size(bytes(variables.words)) <= {MESSAGE_BYTES} ? variables.words : variables.ids + ': ' + \
                 variables.words.substring(0, {MESSAGE_CUT}) + '…'"
            ),
            "message": static_message(draft.role),
            "reason": "Forbidden",
        }]),
    );
    spec.insert(
        "auditAnnotations".to_owned(),
        json!([{"key": annotation(draft.role), "valueExpression": format!("{expression} ? '' : variables.ids")}]),
    );
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": metadata(draft),
        "spec": spec,
    })
}

/// What the match condition is called.
fn matching(role: Role) -> &'static str {
    match role {
        Role::Deciding => "finds-something",
        Role::Excused => "may-excuse-something",
        Role::Unjudged => "leaves-something-unjudged",
    }
}

fn static_message(role: Role) -> &'static str {
    match role {
        Role::Deciding => "the object fails a control of kubevet",
        Role::Excused => "the object fails a control of kubevet, as it did before",
        Role::Unjudged => {
            "the object is too large for this policy: kubevet did not judge all of it"
        }
    }
}

/// The key of the audit annotation with the ids.
fn annotation(role: Role) -> &'static str {
    match role {
        Role::Deciding => "failed",
        Role::Excused => "excused",
        Role::Unjudged => "unjudged",
    }
}

fn metadata(draft: &Draft<'_>) -> Value {
    let controls = || draft.sheet.controls.iter().map(|it| &it.control);
    let ids: Vec<&str> = controls().map(|it| it.id.as_str()).collect();
    let severity = controls()
        .map(|it| it.severity)
        .max()
        .unwrap_or(Severity::Low);
    let mut labels = json!({MANAGED_BY.0: MANAGED_BY.1});
    if let ([only], Some(labels)) = (ids.as_slice(), labels.as_object_mut()) {
        // By this label Kubescape's scan knows which controls a cluster enforces.
        labels.insert("controlId".to_owned(), json!(only));
    }
    let mut annotations = json!({
        "kubevet.io/controls": ids.join(","),
        "kubevet.io/severity": severity.name(),
        "kubevet.io/version": env!("CARGO_PKG_VERSION"),
    });
    if let (false, Some(annotations)) = (draft.binding.is_empty(), annotations.as_object_mut()) {
        annotations.insert("kubevet.io/binding".to_owned(), json!(draft.binding));
    }
    json!({"name": draft.name, "labels": labels, "annotations": annotations})
}

fn show(variable: &Variable) -> Value {
    json!({"name": variable.name, "expression": variable.expression})
}

fn variables(draft: &Draft<'_>) -> Vec<Variable> {
    let named = |name: &str, expression: String| Variable {
        name: name.to_owned(),
        expression,
    };
    let controls = &draft.sheet.controls;
    let mut all = draft.sheet.variables.clone();
    if draft.role == Role::Unjudged {
        let found: Vec<String> = controls.iter().filter_map(unjudged).collect();
        all.push(named("found", non_empty(&found)));
    } else {
        all.extend(draft.excuses.variable(controls));
        all.extend(
            controls
                .iter()
                .map(|it| named(&variable(&it.control.id), found(it, draft))),
        );
        let names: Vec<String> = controls
            .iter()
            .map(|it| format!("variables.{}", variable(&it.control.id)))
            .collect();
        all.push(named("found", non_empty(&names)));
    }
    all.push(named("words", "variables.found.join('; ')".to_owned()));
    let ids = "variables.found.map(s, s.split(' ')[0]).join(', ')";
    all.push(named(
        "ids",
        if controls.len() > 20 {
            format!("[{ids}].map(s, size(s) > {IDS_CUT} ? s.substring(0, {IDS_CUT}) : s)[0]")
        } else {
            ids.to_owned()
        },
    ));
    all
}

/// What a control says, or an empty text.
fn found(printed: &Printed, draft: &Draft<'_>) -> String {
    let silent = if printed.always_tells {
        &printed.silent
    } else {
        &printed.clean
    };
    let silent = if silent == "false" {
        String::new()
    } else {
        format!("({silent}) ? '' :\n")
    };
    let nothing = if printed.always_tells {
        "w == ''"
    } else {
        "false"
    };
    let excused = match (draft.excuses.of(printed).condition, draft.role) {
        (Some(excuse), Role::Excused) => format!("\n|| !({excuse})"),
        (Some(excuse), _) => format!("\n|| {excuse}"),
        (None, _) => String::new(),
    };
    let title = title(&printed.control);
    let head = match draft.role {
        Role::Excused => format!(
            "{} + (request.operation == 'UPDATE' ? ' (already there): ' : ' (its owner is already there): ')",
            literal(&title)
        ),
        _ => literal(&format!("{title}: ")),
    };
    format!(
        "{silent}[string(({}).join(', '))].map(w, {nothing}{excused}\n? '' : {head} + w)[0]",
        printed.messages
    )
}

fn unjudged(printed: &Printed) -> Option<String> {
    let unjudged = printed.unjudged.as_ref()?;
    let words = literal(&format!(
        "{} was not judged: {}",
        title(&printed.control),
        unjudged.message
    ));
    Some(format!("({}) ? {words} : ''", unjudged.condition))
}

/// The id and the name on one line.
fn title(control: &Control) -> String {
    format!("{} {}", control.id, one_line(&control.name, NAME))
}

/// The texts that are not empty.
fn non_empty(texts: &[String]) -> String {
    format!("[\n  {}\n].filter(s, s != '')", texts.join(",\n  "))
}

/// A text in CEL.
pub(super) fn literal(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('\'');
    for letter in text.chars() {
        match letter {
            '\'' | '\\' => quoted.extend(['\\', letter]),
            it if it.is_control() => quoted.push_str(&format!("\\u{:04x}", u32::from(it))),
            it => quoted.push(it),
        }
    }
    quoted.push('\'');
    quoted
}
