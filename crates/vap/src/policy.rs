//! A ValidatingAdmissionPolicy as an object: shared variables, a variable for each control, and one
//! validation.
//!
//! Of an object that passes only the match condition is evaluated. The findings of each control are
//! a variable of its own, each with a cost limit of its own. Expressions are printed here and
//! nowhere else.

use super::{
    exported_object::CONTROLS_ANNOTATION,
    match_condition,
    match_constraints::{self, NamespaceExemption},
    naming::{MANAGED_BY, variable_name},
    params,
    policy_spec::{PolicyRole, PolicySpec},
};
use kubevet_cel::{ControlCel, Expr, PolicyVariable, Relation};
use kubevet_model::{Control, Severity, one_line};
use serde_json::{Map, Value, json};
use std::cmp::Reverse;

/// Controls of one policy: their ids must fit into a message and an annotation.
pub(super) const MAX_CONTROLS: usize = 60;
/// Bytes of one policy as JSON: `kubectl apply` keeps a copy of it in an annotation, which can have
/// 256 KiB.
const MAX_POLICY_BYTES: usize = 250_000;
/// Characters of an expression: the API server parses no longer one.
const MAX_EXPRESSION_CHARS: usize = 100_000;
/// The API server replaces a message that is over 5 KiB by the static one.
const MAX_MESSAGE_BYTES: i64 = 5_000;
/// Characters that are kept of a message that is too long: with four bytes each, they fit.
const CUT_MESSAGE_CHARS: i64 = 1_000;
/// Characters of all ids in a message that is cut; ids are ASCII.
const MAX_IDS_CHARS: i64 = 900;
/// More controls than this can have longer ids.
const MAX_UNCUT_IDS: usize = 20;
/// Characters of a control's name in a message.
const MAX_NAME_CHARS: usize = 80;

/// The variables of a policy that are not its controls'. Where params are read from objects, each
/// has a variable, too.
pub(super) const POLICY_VARIABLES: &[&str] = &["found", "ids", "owners", "words"];

/// How expressions are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ExprLayout {
    /// Broken over several lines and indented.
    Lines,
    /// On one line, for a policy that would be too large otherwise.
    Compact,
}

/// The policy, with its expressions over lines if it is small enough.
pub(super) fn policy(spec: &PolicySpec<'_>) -> Value {
    let policy = policy_in(spec, ExprLayout::Lines);
    if is_too_large(&policy) {
        policy_in(spec, ExprLayout::Compact)
    } else {
        policy
    }
}

/// True if the API server or `kubectl apply` would refuse the policy for its size. An export splits
/// such a policy.
#[must_use]
pub fn is_too_large(policy: &Value) -> bool {
    policy.to_string().len() > MAX_POLICY_BYTES
        || longest_string(&policy["spec"]) > MAX_EXPRESSION_CHARS
}

/// The characters of the longest string in a value.
fn longest_string(value: &Value) -> usize {
    match value {
        Value::String(string) => string.chars().count(),
        Value::Array(items) => items.iter().map(longest_string).max().unwrap_or(0),
        Value::Object(fields) => fields.values().map(longest_string).max().unwrap_or(0),
        _ => 0,
    }
}

fn policy_in(spec: &PolicySpec<'_>, layout: ExprLayout) -> Value {
    let print = |expr: &Expr| match layout {
        ExprLayout::Lines => expr.to_lines(),
        ExprLayout::Compact => expr.to_string(),
    };
    let controls = &spec.bundle.controls;
    let mut fields = Map::new();
    fields.insert("failurePolicy".to_owned(), json!("Fail"));
    if controls.iter().any(|control| control.reads_params) {
        fields.insert("paramKind".to_owned(), params::kind());
    }
    fields.insert("matchConstraints".to_owned(), match_constraints(spec));
    let mut conditions: Vec<Value> = spec
        .exclusions
        .iter()
        .map(
            |condition| json!({"name": condition.name, "expression": print(&condition.expression)}),
        )
        .collect();
    let condition = print(&match_condition::condition(spec));
    conditions.push(json!({"name": match_condition_name(spec.role), "expression": condition}));
    fields.insert("matchConditions".to_owned(), Value::Array(conditions));
    let variables: Value = variables(spec)
        .iter()
        .map(|variable| json!({"name": variable.name, "expression": print(&variable.expression)}))
        .collect();
    fields.insert("variables".to_owned(), variables);
    let nothing_found = Expr::call("size", found()).equals(Expr::Int(0));
    fields.insert(
        "validations".to_owned(),
        json!([{
            "expression": print(&nothing_found),
            "messageExpression": print(&message_expression()),
            "message": static_message(spec.role),
            "reason": "Forbidden",
        }]),
    );
    let ids = Expr::conditional(nothing_found, Expr::string(""), Expr::variable("ids"));
    fields.insert(
        "auditAnnotations".to_owned(),
        json!([{"key": audit_annotation_key(spec.role), "valueExpression": print(&ids)}]),
    );
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": metadata(spec),
        "spec": fields,
    })
}

fn match_constraints(spec: &PolicySpec<'_>) -> Value {
    let rules = match spec.role {
        PolicyRole::ReportExempt => match_constraints::exempt_rules(spec.kinds, spec.custom),
        PolicyRole::Enforce if spec.exemptions.ignore_updates(&spec.bundle.controls) => {
            match_constraints::create_rules(spec.kinds, spec.custom)
        }
        PolicyRole::Enforce | PolicyRole::ReportSkipped => {
            match_constraints::policy_rules(spec.kinds, spec.custom)
        }
    };
    let mut constraints = json!({"matchPolicy": "Equivalent", "resourceRules": rules});
    if let (NamespaceExemption::Selector(selector), Some(fields)) =
        (spec.namespace_exemption(), constraints.as_object_mut())
    {
        fields.insert("namespaceSelector".to_owned(), selector);
    }
    constraints
}

fn match_condition_name(role: PolicyRole) -> &'static str {
    match role {
        PolicyRole::Enforce => "finds-something",
        PolicyRole::ReportExempt => "may-excuse-something",
        PolicyRole::ReportSkipped => "leaves-something-unjudged",
    }
}

fn static_message(role: PolicyRole) -> &'static str {
    match role {
        PolicyRole::Enforce => "the object violates a kubevet control",
        PolicyRole::ReportExempt => "the object still violates a kubevet control",
        PolicyRole::ReportSkipped => {
            "the object is too large for this policy: kubevet did not check all of it"
        }
    }
}

/// The key of the audit annotation with the ids.
fn audit_annotation_key(role: PolicyRole) -> &'static str {
    match role {
        PolicyRole::Enforce => "failed",
        PolicyRole::ReportExempt => "excused",
        PolicyRole::ReportSkipped => "unjudged",
    }
}

fn metadata(spec: &PolicySpec<'_>) -> Value {
    let controls = || spec.bundle.controls.iter().map(|control| &control.control);
    let ids: Vec<&str> = controls().map(|control| control.id.as_str()).collect();
    let severity = controls()
        .map(|control| control.severity)
        .max()
        .unwrap_or(Severity::Low);
    let mut labels = json!({MANAGED_BY.0: MANAGED_BY.1});
    if let ([only], Some(labels)) = (ids.as_slice(), labels.as_object_mut()) {
        // By this label Kubescape's scan knows which controls a cluster enforces.
        labels.insert("controlId".to_owned(), json!(only));
    }
    let mut annotations = json!({
        CONTROLS_ANNOTATION: ids.join(","),
        "kubevet.io/severity": severity.name(),
    });
    if let (false, Some(annotations)) = (spec.binding.is_empty(), annotations.as_object_mut()) {
        annotations.insert("kubevet.io/binding".to_owned(), json!(spec.binding));
    }
    json!({"name": spec.name, "labels": labels, "annotations": annotations})
}

/// The variable with the controls that found something, each as a list of strings: its id and its
/// sentences, `[['C-0050', 'container c has no CPU limit'], ['C-0057', …]]`.
fn found() -> Expr {
    Expr::variable("found")
}

/// The messages, cut where the API server would drop them.
fn message_expression() -> Expr {
    let words = || Expr::variable("words");
    let bytes = Expr::call("size", Expr::call("bytes", words()));
    let fits = bytes.relation(Relation::LessOrEqual, Expr::Int(MAX_MESSAGE_BYTES));
    let cut = Expr::sum([
        Expr::variable("ids"),
        Expr::string(": "),
        first_chars(words(), CUT_MESSAGE_CHARS),
        Expr::string("…"),
    ]);
    Expr::conditional(fits, words(), cut)
}

fn first_chars(string: Expr, chars: i64) -> Expr {
    string.method("substring", [Expr::Int(0), Expr::Int(chars)])
}

fn variables(spec: &PolicySpec<'_>) -> Vec<PolicyVariable> {
    let variable = |name: &str, expression: Expr| PolicyVariable {
        name: name.to_owned(),
        expression,
    };
    let controls = &spec.bundle.controls;
    let mut variables = spec.bundle.variables.clone();
    if spec.role == PolicyRole::ReportSkipped {
        let skipped = controls.iter().filter_map(skipped_control).collect();
        variables.push(variable("found", non_empty(skipped)));
    } else {
        variables.extend(spec.exemptions.variable(controls));
        for control in controls {
            let name = variable_name(&control.control.id);
            variables.push(variable(&name, found_by(control, spec)));
        }
        let mut worst_first: Vec<&Control> = controls.iter().map(|c| &*c.control).collect();
        // The sort is stable: equally severe controls stay in the order of their ids.
        worst_first.sort_by_key(|control| Reverse(control.severity));
        let names = worst_first.into_iter();
        let names = names.map(|control| Expr::variable(variable_name(&control.id)));
        variables.push(variable("found", non_empty(names.collect())));
    }
    variables.push(variable("words", words(spec)));
    variables.push(variable("ids", ids(controls.len())));
    variables
}

/// Each sentence once, with the ids of all controls that found it, the worst first:
/// `container c has no CPU limit (C-0050, C-0009); …`.
fn words(spec: &PolicySpec<'_>) -> Expr {
    let id = |control: &str| Expr::ident(control).index(Expr::Int(0));
    let sentence = || Expr::ident("s");
    let with_sentence = || found().filter("g", sentence().is_in(Expr::ident("g")));
    let first_with_sentence = with_sentence().index(Expr::Int(0)).index(Expr::Int(0));
    let is_new = Expr::all([
        sentence().differs_from(id("f")),
        first_with_sentence.equals(id("f")),
    ]);
    let ids = with_sentence().map("g", id("g"));
    let with_ids = Expr::sum([
        sentence(),
        Expr::string(" ("),
        ids.method("join", [Expr::string(", ")]),
        Expr::string(")"),
    ]);
    let of_control = Expr::ident("f")
        .filter("s", is_new)
        .map("s", with_ids)
        .method("join", [Expr::string("; ")]);
    let is_not_empty = Expr::ident("w").differs_from(Expr::string(""));
    let words = found()
        .map("f", of_control)
        .filter("w", is_not_empty)
        .method("join", [Expr::string("; ")]);
    match words_prefix(spec) {
        Some(prefix) => prefix.plus(words),
        None => words,
    }
}

/// The ids of the controls that found something.
fn ids(controls: usize) -> Expr {
    let string = || Expr::ident("s");
    let ids = found()
        .map("f", Expr::ident("f").index(Expr::Int(0)))
        .method("join", [Expr::string(", ")]);
    if controls <= MAX_UNCUT_IDS {
        return ids;
    }
    let is_long = Expr::call("size", string()).exceeds(Expr::Int(MAX_IDS_CHARS));
    let cut = first_chars(string(), MAX_IDS_CHARS);
    ids.bind("s", Expr::conditional(is_long, cut, string()))
}

/// The id of a control and its sentences; an empty list where it finds nothing.
fn found_by(control: &ControlCel, spec: &PolicySpec<'_>) -> Expr {
    let is_exempt = spec.exemptions.condition(control);
    let is_other_role = match (is_exempt, spec.role) {
        (Some(is_exempt), PolicyRole::ReportExempt) => is_exempt.negated(),
        (Some(is_exempt), _) => is_exempt,
        (None, _) => Expr::Bool(false),
    };
    let id = || Expr::string(control.control.id.as_str());
    if let Some(message) = &control.only_message {
        let is_nothing = Expr::any([control.passes.clone(), is_other_role]);
        let found = Expr::List(vec![id(), Expr::string(message.as_str())]);
        return Expr::conditional(is_nothing, Expr::empty_list(), found);
    }
    let sentences = || Expr::ident("w");
    let with_id = |sentences: Expr| Expr::List(vec![id()]).plus(sentences);
    let is_empty = sentences().equals(Expr::empty_list());
    // Where the sentences tell whether there is a finding, the findings are evaluated once.
    let (passes, is_nothing, found) = if control.message_iff_finding {
        (&control.not_applicable, is_empty, with_id(sentences()))
    } else {
        let title = Expr::List(vec![Expr::string(title(&control.control))]);
        let sentences = Expr::conditional(is_empty, title, sentences());
        (&control.passes, Expr::Bool(false), with_id(sentences))
    };
    let found = Expr::conditional(
        Expr::any([is_nothing, is_other_role]),
        Expr::empty_list(),
        found,
    );
    let found = non_empty_strings(control.messages.clone()).bind("w", found);
    Expr::conditional(passes.clone(), Expr::empty_list(), found)
}

/// What stands before the sentences of exempt findings. An object that is created can only be exempt
/// for its owner.
fn words_prefix(spec: &PolicySpec<'_>) -> Option<Expr> {
    if spec.role != PolicyRole::ReportExempt {
        return None;
    }
    let mut controls = spec.bundle.controls.iter();
    let already_there = Expr::string("already there: ");
    if !controls.any(|control| spec.exemptions.include_owners(&control.control)) {
        return Some(already_there);
    }
    let is_update = Expr::ident("request")
        .select("operation")
        .equals(Expr::string("UPDATE"));
    let owner = Expr::string("its owner is already there: ");
    Some(Expr::conditional(is_update, already_there, owner))
}

/// The id of a control and why it skips the object; an empty list where it does not.
fn skipped_control(control: &ControlCel) -> Option<Expr> {
    let skip = control.skipped.as_ref()?;
    let id = Expr::string(control.control.id.as_str());
    let sentence = Expr::string(format!("not checked: {}", skip.message));
    Some(Expr::conditional(
        skip.condition.clone(),
        Expr::List(vec![id, sentence]),
        Expr::empty_list(),
    ))
}

/// The id and the name on one line.
fn title(control: &Control) -> String {
    format!("{} {}", control.id, one_line(&control.name, MAX_NAME_CHARS))
}

/// The lists that are not empty.
fn non_empty(lists: Vec<Expr>) -> Expr {
    let is_not_empty = Expr::ident("f").differs_from(Expr::empty_list());
    Expr::List(lists).filter("f", is_not_empty)
}

/// The strings that are not empty.
fn non_empty_strings(strings: Expr) -> Expr {
    strings.filter("s", Expr::ident("s").differs_from(Expr::string("")))
}
