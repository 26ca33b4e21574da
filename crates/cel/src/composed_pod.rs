//! The pod that a controller composes of an element of the object and of maps further out, in CEL.

use super::expr::Expr;
use kubevet_k8s::workload::custom::{COMPOSED_POD_FIELDS, ComposedPod, ContainerSource};

/// The lists of containers that a controller fills.
const CONTAINER_LISTS: [&str; 2] = ["containers", "initContainers"];

/// A bool: true if an element has a container, and so is a pod.
pub(super) fn has_container(pod: &ComposedPod, element: &Expr) -> Expr {
    let sources = pod.containers.iter();
    Expr::any(sources.map(|source| {
        let is = is_typed(element, source.path, source_type(source));
        if source.is_list {
            let size = selected(element, source.path).size();
            Expr::all([is, size.exceeds(Expr::Int(0))])
        } else {
            is
        }
    }))
}

/// The value at fields that are all present.
fn selected(base: &Expr, fields: &[&str]) -> Expr {
    let fields = fields.iter();
    fields.fold(base.clone(), |value, field| value.select(field))
}

/// A bool: the fields lead from a map through maps to a value of a type. Without fields, the value
/// itself has been tested.
fn is_typed(base: &Expr, fields: &[&str], type_name: &str) -> Expr {
    let mut value = base.clone();
    let mut tests = Vec::new();
    for (index, field) in fields.iter().enumerate() {
        let is_last = index + 1 == fields.len();
        let wanted = if is_last { type_name } else { "map" };
        let at = value.clone().opt_select(field).or_value(Expr::Null);
        tests.push(at.is_type(wanted));
        value = value.select(field);
    }
    Expr::all(tests)
}

fn source_type(source: &ContainerSource) -> &'static str {
    if source.is_list { "list" } else { "map" }
}

/// The pod spec that a controller composes of an element and of maps further out.
pub(super) fn composed_spec(pod: &ComposedPod, element: &Expr, root: &Expr) -> Expr {
    let mut entries = vec![(
        Expr::string("restartPolicy"),
        Expr::string("Never").dynamic(),
    )];
    for list in CONTAINER_LISTS {
        let sources = pod.containers.iter().filter(|source| source.list == list);
        let lists = sources.map(|source| {
            let value = selected(element, source.path);
            let containers = if source.is_list {
                value
            } else {
                Expr::List(vec![value])
            };
            let is = is_typed(element, source.path, source_type(source));
            Expr::conditional(is, containers, Expr::empty_list())
        });
        entries.push((Expr::string(list), Expr::sum(lists).dynamic()));
    }
    let layers = || {
        let outer = pod.outer.iter().map(|fields| (root, *fields));
        std::iter::once((element, &[][..])).chain(outer)
    };
    for field in COMPOSED_POD_FIELDS {
        let values = layers().map(|(base, fields)| {
            let value = selected(base, fields).opt_select(field);
            let present = value.opt_flat_map(
                "f",
                Expr::conditional(
                    Expr::ident("f").equals(Expr::Null),
                    Expr::optional_none(),
                    Expr::optional_of(Expr::ident("f")),
                ),
            );
            let is_map = is_typed(base, fields, "map");
            Expr::conditional(is_map, present, Expr::optional_none())
        });
        let value = values.reduce(|nearest, further| nearest.method("or", [further]));
        let key = Expr::OptionalKey(Box::new(Expr::string(*field)));
        entries.extend(value.map(|value| (key, value)));
    }
    let volumes = layers().map(|(base, fields)| {
        let mut path = fields.to_vec();
        path.push("volumes");
        let is = is_typed(base, &path, "list");
        Expr::conditional(is, selected(base, &path), Expr::empty_list())
    });
    entries.push((Expr::string("volumes"), Expr::sum(volumes).dynamic()));
    Expr::Map(entries)
}
