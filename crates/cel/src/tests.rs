//! Small programs, and what they become.

use super::{
    deny, either,
    sheet::{ParamsFrom, Printed, Target},
    types::{FieldOf, Known, Types},
    variables::Variables,
};
use kubevet_ir::{
    BinderId, Clause, Comparison, CompiledControl, Condition, ConditionId, Const, ContainerList,
    Domain, Intrinsic, Predicate, Program, Term, TermId, ValueType, path_reads,
};
use kubevet_model::{Control, ControlId, Kind, KindSelector, Position, Severity};
use kubevet_policy::Params;
use std::sync::Arc;

/// A Pod, and a kind of which nothing is known.
struct Little;

impl Types for Little {
    fn object(&self, kind: &Kind) -> Known {
        if kind.name == "Pod" {
            Known::Struct("Pod".into())
        } else {
            Known::Any
        }
    }

    fn field(&self, of: &str, name: &str) -> Option<FieldOf> {
        let list = |of: &str| Known::List(Arc::new(Known::Struct(of.into())));
        let (known, always, nullable) = match (of, name) {
            ("Pod", "spec") => (Known::Struct("Spec".into()), true, false),
            ("Pod", "metadata") => (Known::Map(Arc::new(Known::Any)), true, false),
            ("Spec", "containers") => (list("Container"), false, true),
            ("Spec", "initContainers" | "ephemeralContainers") => (list("Container"), false, false),
            ("Spec", "hostPID") => (Known::Bool, false, false),
            ("Container", "name") => (Known::Text, true, false),
            ("Container", "image") => (Known::Text, false, false),
            ("Container", "context") => (Known::Struct("Context".into()), false, false),
            ("Container", "port") => (Known::Int, false, false),
            ("Container", "command") => (Known::List(Arc::new(Known::Text)), false, false),
            ("Context", "privileged") => (Known::Bool, false, false),
            _ => return None,
        };
        Some(FieldOf {
            known,
            always,
            nullable,
        })
    }
}

fn control() -> Arc<Control> {
    Arc::new(Control {
        id: ControlId::from("X-1"),
        name: String::new(),
        description: String::new(),
        remediation: String::new(),
        severity: Severity::High,
        score: 8.0,
        category: String::new(),
        kinds: vec![
            KindSelector::Workloads,
            KindSelector::Kind(Kind::new("x.io", "Thing")),
        ],
        scope: Vec::new(),
        params: Vec::new(),
        requires_any_param: Vec::new(),
        public_rules: Vec::new(),
    })
}

/// A rule of one body over these loops.
fn print(program: &mut Program, kind: &Kind, binders: Vec<BinderId>, when: ConditionId) -> Printed {
    let deny = deny(program, binders, when);
    print_all(program, kind, vec![deny])
}

fn deny(program: &mut Program, binders: Vec<BinderId>, when: ConditionId) -> Clause {
    let message = program.string("found");
    let path = program.string("spec");
    let position = Position { line: 1, column: 1 };
    Clause {
        binders,
        when: vec![when],
        message,
        paths: vec![path],
        fixes: Vec::new(),
        position,
    }
}

fn print_all(program: &mut Program, kind: &Kind, clauses: Vec<Clause>) -> Printed {
    let compiled = CompiledControl {
        control: control(),
        clauses,
    };
    let params = Params::default();
    let kinds = [kind.clone()];
    let target = Target {
        min_kube: 30,
        params: ParamsFrom::Written(&params),
        kinds: &kinds,
    };
    let ways = either::ways(program, &compiled.clauses);
    deny::print(
        program,
        &compiled,
        &ways,
        path_reads(program, &compiled),
        &target,
        &Little,
        &mut Variables::default(),
    )
    .unwrap()
}

/// What asks nothing to be found of the containers of a Pod.
fn check(cond: impl FnOnce(&mut Program, TermId) -> ConditionId, expected: &str) {
    let mut program = Program::default();
    let binder = program.intern_binder(Domain::Containers(ContainerList::All), &[]);
    let container = program.intern_term(Term::Value(binder));
    let when = cond(&mut program, container);
    let printed = print(&mut program, &Kind::new("", "Pod"), vec![binder], when);
    assert_eq!(printed.clean, expected);
}

/// The same of an object of which nothing is known.
fn check_thing(cond: impl FnOnce(&mut Program, TermId) -> ConditionId, expected: &str) {
    let mut program = Program::default();
    let object = program.intern_term(Term::Object);
    let when = cond(&mut program, object);
    let printed = print(&mut program, &Kind::new("x.io", "Thing"), Vec::new(), when);
    assert_eq!(printed.clean, expected);
}

fn compare(program: &mut Program, comparison: Comparison, a: TermId, b: Const) -> ConditionId {
    let b = program.constant(b);
    program.intern_condition(Condition::Compare(comparison, a, b))
}

#[test]
fn what_types_prove_needs_no_guard() {
    check(
        |it, c| {
            let context = it.field(c, "context");
            let privileged = it.field(context, "privileged");
            compare(it, Comparison::Equal, privileged, Const::Bool(true))
        },
        "!variables.containers.exists(c, c.?context.?privileged.orValue(false))",
    );
    check(
        |it, c| {
            let image = it.field(c, "image");
            compare(it, Comparison::NotEqual, image, Const::String("x".into()))
        },
        "variables.containers.all(c, c.?image.orValue('x') == 'x')",
    );
    check(
        |it, c| {
            let port = it.field(c, "port");
            compare(it, Comparison::Greater, port, Const::Int(0))
        },
        "!variables.containers.exists(c, c.?port.orValue(0) > 0)",
    );
}

#[test]
fn what_nothing_proves_is_guarded() {
    check_thing(
        |it, object| {
            let a = it.field(object, "a");
            let b = it.field(a, "b");
            compare(it, Comparison::Equal, b, Const::Bool(true))
        },
        "object.?a.optMap(a, type(a) == map ? a : {}).?b.orValue(null) != true",
    );
    check_thing(
        |it, object| {
            let a = it.field(object, "a");
            let x = it.string("x");
            it.intern_condition(Condition::Predicate(Predicate::StartsWith, [a, x].into()))
        },
        "!object.?a.optMap(a, type(a) == string && a.startsWith('x')).orValue(false)",
    );
    check_thing(
        |it, object| {
            let a = it.field(object, "a");
            it.has_type(a, ValueType::List)
        },
        "!object.?a.optMap(a, type(a) == list).orValue(false)",
    );
    check_thing(
        |it, object| {
            let a = it.field(object, "a");
            compare(it, Comparison::Greater, a, Const::Int(3))
        },
        "!object.?a.optMap(a, type(a) == int || type(a) == double ? a > 3 : \
         type(a) == string || type(a) == list || type(a) == map).orValue(false)",
    );
}

#[test]
fn maps_are_asked_for_their_values() {
    let values = "object.?a.optMap(a, type(a) == list ? a : type(a) == map ? a.map(k, a[k]) : []).orValue([])";
    check_thing(
        |it, object| {
            let a = it.field(object, "a");
            let x = it.string("x");
            it.intern_condition(Condition::Member(x, a))
        },
        &format!("!('x' in {values})"),
    );
    check_thing(
        |it, object| {
            let a = it.field(object, "a");
            let binder = it.intern_binder(Domain::Elements(a), &[]);
            let value = it.intern_term(Term::Value(binder));
            let is = compare(it, Comparison::Equal, value, Const::String("x".into()));
            it.any(binder, is)
        },
        &format!("{values}.all(a, a != 'x')"),
    );
}

/// What asks nothing to be found of the containers of a Pod by several bodies over them.
fn check_bodies(bodies: impl FnOnce(&mut Program, TermId) -> Vec<ConditionId>, expected: &str) {
    let mut program = Program::default();
    let binder = program.intern_binder(Domain::Containers(ContainerList::All), &[]);
    let container = program.intern_term(Term::Value(binder));
    let denies = bodies(&mut program, container)
        .into_iter()
        .map(|it| deny(&mut program, vec![binder], it))
        .collect();
    assert_eq!(
        print_all(&mut program, &Kind::new("", "Pod"), denies).clean,
        expected
    );
}

#[test]
fn what_bodies_have_in_common_is_asked_once() {
    let ask = |it: &mut Program, of: TermId, name: &str| {
        let field = it.field(of, name);
        compare(it, Comparison::Greater, field, Const::Int(0))
    };
    check_bodies(
        |it, container| {
            let (a, b) = (ask(it, container, "port"), ask(it, container, "hostPort"));
            let (both, not_b) = (it.and([a, b]), it.not(b));
            let other = it.and([not_b, a]);
            vec![both, other]
        },
        "!variables.containers.exists(c, c.?port.orValue(0) > 0)",
    );
    check_bodies(
        |it, container| vec![ask(it, container, "port"), ask(it, container, "port")],
        "!variables.containers.exists(c, c.?port.orValue(0) > 0)",
    );
}

#[test]
fn what_is_said_again_stands_under_a_name() {
    let ask = |it: &mut Program, container: TermId, wanted: &[&str]| -> Vec<ConditionId> {
        let image = it.field(container, "image");
        let tag = it.intern_term(Term::Call(Intrinsic::ImageEffectiveTag, [image].into()));
        wanted
            .iter()
            .map(|text| compare(it, Comparison::Equal, tag, Const::String((*text).into())))
            .collect()
    };
    let tag = "[i.split('@')[0].find(':[^/]*$').replace(':', '', 1)].map(tag, tag != '' || i == '' || i.contains('@') \
               ? tag : 'latest')[0]";
    check_bodies(
        |it, container| ask(it, container, &["latest"]),
        &format!("variables.containers.all(c, c.?image.optMap(i, {tag}).orValue('') != 'latest')"),
    );
    check_bodies(
        |it, container| {
            let asked = ask(it, container, &["latest", "main"]);
            let port = it.field(container, "port");
            let low = compare(it, Comparison::Less, port, Const::Int(9));
            let (first, second) = (it.and([asked[0], low]), it.and([asked[1]]));
            vec![first, second]
        },
        &format!(
            "!variables.containers.exists(c, [c.?image.optMap(i, {tag})].exists(i, i.orValue('') == 'latest' && \
             c.?port.orValue(9) < 9 || i.orValue('') == 'main'))"
        ),
    );
}
