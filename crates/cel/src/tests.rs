//! Small programs, and the CEL that they become.

use super::{
    control::{self, ControlCel},
    emitter::EmitTarget,
    factor,
    target::{CelTarget, ParamsFrom},
    types::{StaticField, StaticType, TypeSource},
    variables::SharedVariables,
};
use kubevet_ir::{
    BinderId, Clause, Comparison, CompiledControl, Condition, ConditionId, Const, ContainerList,
    Domain, Intrinsic, Predicate, Program, Term, TermId, ValueType, dependencies, path_reads,
};
use kubevet_model::{Control, ControlId, Kind, KindSelector, Position, Severity};
use kubevet_policy::Params;
use std::sync::Arc;

/// The types of a small Pod; of every other kind nothing is known.
struct SmallPod;

impl TypeSource for SmallPod {
    fn object(&self, kind: &Kind) -> StaticType {
        if kind.name == "Pod" {
            StaticType::Struct("Pod".into())
        } else {
            StaticType::Any
        }
    }

    fn field(&self, of: &str, name: &str) -> Option<StaticField> {
        let structs = |of: &str| StaticType::List(Arc::new(StaticType::Struct(of.into())));
        let strings = StaticType::List(Arc::new(StaticType::String));
        let any_map = StaticType::Map(Arc::new(StaticType::Any));
        let (static_type, always, nullable) = match (of, name) {
            ("Pod", "spec") => (StaticType::Struct("Spec".into()), true, false),
            ("Pod", "metadata") => (any_map, true, false),
            ("Spec", "containers") => (structs("Container"), false, true),
            ("Spec", "initContainers" | "ephemeralContainers") => {
                (structs("Container"), false, false)
            }
            ("Spec", "hostPID") => (StaticType::Bool, false, false),
            ("Container", "name") => (StaticType::String, true, false),
            ("Container", "image") => (StaticType::String, false, false),
            ("Container", "context") => (StaticType::Struct("Context".into()), false, false),
            ("Container", "port") => (StaticType::Int, false, false),
            ("Container", "command") => (strings, false, false),
            ("Context", "privileged") => (StaticType::Bool, false, false),
            _ => return None,
        };
        Some(StaticField {
            static_type,
            always,
            nullable,
        })
    }
}

fn control() -> Arc<Control> {
    Arc::new(Control {
        id: ControlId::from("X-1"),
        name: String::new(),
        kubescape_name: None,
        risk: String::new(),
        check: String::new(),
        remediation: String::new(),
        example: String::new(),
        references: Vec::new(),
        tags: Vec::new(),
        severity: Severity::High,
        score: 8.0,
        kubescape_score: None,
        cause: None,
        category: String::new(),
        kinds: vec![
            KindSelector::Workloads,
            KindSelector::Kind(Kind::new("x.io", "Thing")),
        ],
        scope: Vec::new(),
        params: Vec::new(),
        requires_any_param: Vec::new(),
        public_rules: Vec::new(),
        sensitive: false,
    })
}

fn clause(program: &mut Program, binders: Vec<BinderId>, when: ConditionId) -> Clause {
    let message = program.string("found");
    let path = program.string("spec");
    Clause {
        binders,
        when: vec![when],
        message,
        paths: vec![path],
        fixes: Vec::new(),
        position: Position { line: 1, column: 1 },
    }
}

fn emit(program: &mut Program, kind: &Kind, clauses: Vec<Clause>) -> ControlCel {
    let compiled = CompiledControl {
        applies: None,
        control: control(),
        clauses,
    };
    let params = Params::default();
    let target = CelTarget {
        min_kube: 30,
        params: ParamsFrom::Written(&params),
        kinds: std::slice::from_ref(kind),
        custom: &[],
    };
    let alternatives = factor::alternatives(program, &compiled.clauses);
    let reads = path_reads(program, &compiled);
    let dependencies = dependencies(program, &compiled);
    let variables = &mut SharedVariables::default();
    control::emit(
        program,
        &compiled,
        &alternatives,
        &reads,
        &dependencies,
        EmitTarget {
            target: &target,
            types: &SmallPod,
            pods: None,
        },
        variables,
    )
    .unwrap()
}

/// A control that finds every container of a Pod that satisfies the condition: when it passes.
#[track_caller]
fn check_container(condition: impl FnOnce(&mut Program, TermId) -> ConditionId, expected: &str) {
    check_clauses(
        |program, container| vec![condition(program, container)],
        expected,
    );
}

/// The same with a clause for each condition.
#[track_caller]
fn check_clauses(
    conditions: impl FnOnce(&mut Program, TermId) -> Vec<ConditionId>,
    expected: &str,
) {
    let mut program = Program::default();
    let binder = program.intern_binder(Domain::Containers(ContainerList::All), &[]);
    let container = program.intern_term(Term::Value(binder));
    let clauses = conditions(&mut program, container)
        .into_iter()
        .map(|when| clause(&mut program, vec![binder], when))
        .collect();
    let emitted = emit(&mut program, &Kind::new("", "Pod"), clauses);
    assert_eq!(emitted.passes.to_string(), expected);
}

/// A control over an object of unknown type.
#[track_caller]
fn check_unknown(condition: impl FnOnce(&mut Program, TermId) -> ConditionId, expected: &str) {
    let mut program = Program::default();
    let object = program.intern_term(Term::Object);
    let when = condition(&mut program, object);
    let clauses = vec![clause(&mut program, Vec::new(), when)];
    let emitted = emit(&mut program, &Kind::new("x.io", "Thing"), clauses);
    assert_eq!(emitted.passes.to_string(), expected);
}

fn compare(program: &mut Program, comparison: Comparison, a: TermId, b: Const) -> ConditionId {
    let b = program.constant(b);
    program.intern_condition(Condition::Compare(comparison, a, b))
}

/// A condition about a field of a container: its value exceeds 0.
fn exceeds_zero(program: &mut Program, container: TermId, name: &str) -> ConditionId {
    let field = program.field(container, name);
    compare(program, Comparison::Greater, field, Const::Int(0))
}

#[test]
fn typed_field_is_not_guarded() {
    check_container(
        |program, container| {
            let context = program.field(container, "context");
            let privileged = program.field(context, "privileged");
            compare(program, Comparison::Equal, privileged, Const::Bool(true))
        },
        "!variables.containers.exists(c, c.?context.?privileged.orValue(false))",
    );
    check_container(
        |program, container| {
            let image = program.field(container, "image");
            compare(
                program,
                Comparison::NotEqual,
                image,
                Const::String("x".into()),
            )
        },
        "variables.containers.all(c, c.?image.orValue('x') == 'x')",
    );
    check_container(
        |program, container| exceeds_zero(program, container, "port"),
        "!variables.containers.exists(c, c.?port.orValue(0) > 0)",
    );
}

#[test]
fn field_of_unknown_type_is_guarded() {
    check_unknown(
        |program, object| {
            let a = program.field(object, "a");
            let b = program.field(a, "b");
            compare(program, Comparison::Equal, b, Const::Bool(true))
        },
        "object.?a.optFlatMap(a, (type(a) == map ? a : {}).?b).orValue(null) != true",
    );
    check_unknown(
        |program, object| {
            let a = program.field(object, "a");
            let x = program.string("x");
            program.intern_condition(Condition::Predicate(Predicate::StartsWith, [a, x].into()))
        },
        "!object.?a.optMap(a, type(a) == string && a.startsWith('x')).orValue(false)",
    );
    check_unknown(
        |program, object| {
            let a = program.field(object, "a");
            program.has_type(a, ValueType::List)
        },
        "!object.?a.optMap(a, type(a) == list).orValue(false)",
    );
    check_unknown(
        |program, object| {
            let a = program.field(object, "a");
            compare(program, Comparison::Greater, a, Const::Int(3))
        },
        "!object.?a.optMap(a, type(a) == int || type(a) == double ? a > 3 : \
         type(a) == string || type(a) == list || type(a) == map).orValue(false)",
    );
}

#[test]
fn map_is_iterated_by_its_values() {
    let values = "object.?a.optMap(a, type(a) == list ? a : type(a) == map ? a.map(k, a[k]) : [])\
                  .orValue([])";
    check_unknown(
        |program, object| {
            let a = program.field(object, "a");
            let x = program.string("x");
            program.intern_condition(Condition::Member(x, a))
        },
        &format!("!('x' in {values})"),
    );
    check_unknown(
        |program, object| {
            let a = program.field(object, "a");
            let binder = program.intern_binder(Domain::Elements(a), &[]);
            let value = program.intern_term(Term::Value(binder));
            let is = compare(program, Comparison::Equal, value, Const::String("x".into()));
            program.any(binder, is)
        },
        &format!("{values}.all(a, a != 'x')"),
    );
}

#[test]
fn common_conjunct_of_clauses_is_factored_out() {
    check_clauses(
        |program, container| {
            let a = exceeds_zero(program, container, "port");
            let b = exceeds_zero(program, container, "hostPort");
            let (both, not_b) = (program.and([a, b]), program.not(b));
            let other = program.and([not_b, a]);
            vec![both, other]
        },
        "!variables.containers.exists(c, c.?port.orValue(0) > 0)",
    );
    check_clauses(
        |program, container| {
            vec![
                exceeds_zero(program, container, "port"),
                exceeds_zero(program, container, "port"),
            ]
        },
        "!variables.containers.exists(c, c.?port.orValue(0) > 0)",
    );
}

#[test]
fn common_subterm_is_bound_once() {
    let tag_is = |program: &mut Program, container: TermId, wanted: &str| -> ConditionId {
        let image = program.field(container, "image");
        let tag = program.intern_term(Term::Call(Intrinsic::ImageEffectiveTag, [image].into()));
        compare(
            program,
            Comparison::Equal,
            tag,
            Const::String(wanted.into()),
        )
    };
    let tag = "[i.split('@')[0].find(':[^/]*$').replace(':', '', 1)].map(tag, tag != '' || i == '' \
               || i.contains('@') ? tag : 'latest')[0]";
    check_container(
        |program, container| tag_is(program, container, "latest"),
        &format!("variables.containers.all(c, c.?image.optMap(i, {tag}).orValue('') != 'latest')"),
    );
    check_clauses(
        |program, container| {
            let latest = tag_is(program, container, "latest");
            let main = tag_is(program, container, "main");
            let port = program.field(container, "port");
            let low = compare(program, Comparison::Less, port, Const::Int(9));
            vec![program.and([latest, low]), main]
        },
        &format!(
            "!variables.containers.exists(c, [c.?image.optMap(i, {tag})].exists(i, \
             i.orValue('') == 'latest' && c.?port.orValue(9) < 9 || i.orValue('') == 'main'))"
        ),
    );
}
