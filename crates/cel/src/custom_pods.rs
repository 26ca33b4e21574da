//! The pods of objects of custom kinds, in CEL: a variable with one map for each pod.
//!
//! The map has the fields of the PodTemplate or Pod that `kubevet-engine` makes of the pod, so that
//! expressions over a built-in kind can be evaluated for it. Nothing is known of the types in such an
//! object: a field that is not what the layout says leads to no pod.

use super::{expr::Expr, target::ObjectSide};
use kubevet_k8s::workload::{
    custom::{
        COMPOSED_POD_FIELDS, ComposedPod, ContainerSource, CustomWorkload, PathStep, PodForm,
        PodLayout,
    },
    merge_keys,
};
use kubevet_model::Kind;

/// What identifies a pod among those of its object: part of the keys of its findings.
pub(super) const PLACE: &str = "place";
/// True for a pod that ends when its work is done, whatever `restartPolicy` it has.
pub(super) const COMPLETES: &str = "completes";
const CONTAINER_LISTS: [&str; 2] = ["containers", "initContainers"];

/// The pods of the objects of some kinds, all of one shape.
#[derive(Clone, Copy)]
pub(super) struct CustomPods<'a> {
    rows: &'a [CustomWorkload],
    form: PodForm,
    /// How deep the lists of pods are nested.
    pub(super) depth: usize,
}

impl<'a> CustomPods<'a> {
    /// `None` where there are no kinds.
    pub(super) fn of(rows: &'a [CustomWorkload]) -> Option<Self> {
        let shape = rows.first()?.pods.first()?.shape();
        Some(Self {
            rows,
            form: shape.form,
            depth: shape.depth,
        })
    }

    /// The kind that rules see.
    pub(super) fn kind(&self) -> Kind {
        let name = match self.form {
            PodForm::Template => "PodTemplate",
            PodForm::Spec | PodForm::Composed => "Pod",
        };
        Kind::new("", name)
    }

    /// True if the pods can be written in CEL, which cannot merge a container from several places.
    pub(super) fn can_be_written(&self) -> bool {
        let mut layouts = self.rows.iter().flat_map(|row| &row.pods);
        layouts.all(|layout| match layout {
            PodLayout::Composed(pod) => pod.has_whole_containers(),
            PodLayout::Template { .. } | PodLayout::Spec(_) => true,
        })
    }

    /// The fields of the map of a pod.
    pub(super) fn fields(&self) -> Vec<&'static str> {
        let content = match self.form {
            PodForm::Template => "template",
            PodForm::Spec | PodForm::Composed => "spec",
        };
        let completes = self.some_complete().then_some(COMPLETES);
        let place = (!self.are_composed()).then_some(PLACE);
        ["metadata", content].into_iter().chain(completes).chain(place).collect()
    }

    /// True if the controller composes the pods: a finding is the same only where all of `spec` is.
    pub(super) fn are_composed(&self) -> bool {
        self.form == PodForm::Composed
    }

    /// True if some pods have [`COMPLETES`].
    pub(super) fn some_complete(&self) -> bool {
        let mut layouts = self.rows.iter().flat_map(|row| &row.pods);
        layouts.any(completes)
    }

    /// The pods as lists of maps, nested `depth` deep.
    pub(super) fn list(&self, side: ObjectSide) -> Expr {
        let root = Expr::ident(match side {
            ObjectSide::New => "object",
            ObjectSide::Old => "oldObject",
        });
        let mut different: Vec<&[PodLayout]> = Vec::new();
        for row in self.rows {
            if !different.contains(&row.pods.as_slice()) {
                different.push(&row.pods);
            }
        }
        let rows_with = |layouts: &[PodLayout]| {
            let rows = self.rows.iter();
            rows.filter(|row| row.pods == layouts).collect::<Vec<_>>()
        };
        // The layouts of the most kinds come last, where they need no test of the kind.
        different.sort_by_key(|layouts| rows_with(layouts).len());
        let mut expression: Option<Expr> = None;
        for layouts in different.iter().rev() {
            let lists = layouts.iter().map(|layout| self.of_layout(layout, &root));
            let here = Expr::sum(lists);
            expression = Some(match expression {
                None => here,
                Some(otherwise) => {
                    let is = self.is_one_of(&rows_with(layouts), &root);
                    Expr::conditional(is, here, otherwise)
                }
            });
        }
        expression.unwrap_or_else(Expr::empty_list)
    }

    /// A bool: true if the object is of one of these kinds. The group is compared only where another
    /// kind has the same name.
    fn is_one_of(&self, rows: &[&CustomWorkload], root: &Expr) -> Expr {
        let is_ambiguous = |row: &CustomWorkload| {
            let others = self.rows.iter();
            others.filter(|other| other.kind.name == row.kind.name).count() > 1
        };
        let (ambiguous, unique): (Vec<&CustomWorkload>, Vec<&CustomWorkload>) =
            rows.iter().copied().partition(|row| is_ambiguous(row));
        let kind = || root.clone().select("kind");
        let mut tests = Vec::new();
        match unique.as_slice() {
            [] => {}
            [only] => tests.push(kind().equals(Expr::string(only.kind.name.as_str()))),
            several => {
                let names = several.iter().map(|row| row.kind.name.as_str());
                tests.push(kind().is_in(Expr::strings(names)));
            }
        }
        for row in ambiguous {
            let prefix = format!("{}/", row.kind.group);
            let version = root.clone().select("apiVersion");
            tests.push(Expr::all([
                kind().equals(Expr::string(row.kind.name.as_str())),
                version.method("startsWith", [Expr::string(prefix)]),
            ]));
        }
        Expr::any(tests)
    }

    fn of_layout(&self, layout: &PodLayout, root: &Expr) -> Expr {
        let place = Place {
            pods: self,
            layout,
            root,
        };
        let label = Expr::string(layout.path().to_string()).dynamic();
        place.pods_below(root, &layout.path().0, "", self.depth, vec![label])
    }
}

fn completes(layout: &PodLayout) -> bool {
    matches!(
        layout,
        PodLayout::Template {
            runs_to_completion: true,
            ..
        }
    )
}

/// The places of one layout.
struct Place<'p> {
    pods: &'p CustomPods<'p>,
    layout: &'p PodLayout,
    /// `object` or `oldObject`.
    root: &'p Expr,
}

impl Place<'_> {
    /// The pods to which the steps lead from a value: lists nested `depth` deep. `list` is the name
    /// of the last field before.
    fn pods_below(
        &self,
        base: &Expr,
        steps: &[PathStep],
        list: &str,
        depth: usize,
        identity: Vec<Expr>,
    ) -> Expr {
        let (fields, rest) = leading_fields(steps);
        let list = fields.last().copied().unwrap_or(list);
        let value = selected(base, &fields);
        let Some((each, inner)) = rest.split_first() else {
            let mut pods = self.pod(&value, identity);
            for _ in 0..depth {
                pods = Expr::List(vec![pods]);
            }
            let is_place = Expr::all([self.is_base(base), self.is_pod(base, &fields)]);
            return Expr::conditional(is_place, pods, Expr::empty_list());
        };
        let variable = format!("at{}", self.pods.depth.saturating_sub(depth) + 1);
        let name = Expr::ident(variable.as_str());
        let (type_name, element, mut items) = match each {
            PathStep::EachValue => (
                "map",
                value.clone().index(name.clone()),
                vec![name.clone().dynamic()],
            ),
            _ => ("list", name.clone(), element_identity(list, &name)),
        };
        let mut identity = identity;
        identity.append(&mut items);
        let is_each = is_typed(base, &fields, type_name);
        let pods = if depth > 1 {
            value.map(
                &variable,
                self.pods_below(&element, inner, list, depth - 1, identity),
            )
        } else {
            let (fields, _) = leading_fields(inner);
            let is_place = Expr::all([element.clone().is_type("map"), self.is_pod(&element, &fields)]);
            let pod = self.pod(&selected(&element, &fields), identity);
            value.filter_map(&variable, is_place, pod)
        };
        let is_place = Expr::all([self.is_base(base), is_each]);
        Expr::conditional(is_place, pods, Expr::empty_list())
    }

    /// A bool: fields of this value can be selected. The object itself is always a map.
    fn is_base(&self, base: &Expr) -> Expr {
        if base == self.root {
            Expr::Bool(true)
        } else {
            base.clone().is_type("map")
        }
    }

    /// A bool: the fields lead to a pod.
    fn is_pod(&self, base: &Expr, fields: &[&str]) -> Expr {
        let is_map = is_typed(base, fields, "map");
        let PodLayout::Composed(pod) = self.layout else {
            return is_map;
        };
        // There is a pod where there is a container.
        let element = selected(base, fields);
        let sources = pod.containers.iter();
        let has_any = Expr::any(sources.map(|source| {
            let is = is_typed(&element, source.path, source_type(source));
            if source.is_list {
                let size = selected(&element, source.path).size();
                Expr::all([is, size.exceeds(Expr::Int(0))])
            } else {
                is
            }
        }));
        Expr::all([is_map, has_any])
    }

    /// The map of a pod.
    fn pod(&self, value: &Expr, identity: Vec<Expr>) -> Expr {
        let mut entries = vec![("metadata", self.root.clone().select("metadata"))];
        match self.layout {
            PodLayout::Template { .. } => entries.push(("template", value.clone())),
            PodLayout::Spec(_) => entries.push(("spec", value.clone())),
            PodLayout::Composed(pod) => {
                entries.push(("spec", composed_spec(pod, value, self.root)));
            }
        }
        if self.pods.some_complete() {
            entries.push((COMPLETES, Expr::Bool(completes(self.layout))));
        }
        if !self.pods.are_composed() {
            entries.push((PLACE, Expr::List(identity)));
        }
        let entries = entries.into_iter();
        Expr::Map(
            entries
                .map(|(key, value)| (Expr::string(key), value.dynamic()))
                .collect(),
        )
    }
}

/// The fields before the first placeholder, and the other steps.
fn leading_fields(steps: &[PathStep]) -> (Vec<&str>, &[PathStep]) {
    let name = |step: &PathStep| matches!(step, PathStep::Field(_));
    let count = steps.iter().take_while(|step| name(step)).count();
    let (fields, rest) = steps.split_at(count);
    let fields = fields.iter().filter_map(|step| match step {
        PathStep::Field(name) => Some(name.as_str()),
        PathStep::EachItem | PathStep::EachValue => None,
    });
    (fields.collect(), rest)
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

/// What identifies an element of a list: the key by which it is merged, else the whole element.
fn element_identity(list: &str, element: &Expr) -> Vec<Expr> {
    let whole = element.clone();
    let [key] = merge_keys(list) else {
        return vec![whole.dynamic()];
    };
    let named = element.clone().opt_select(key).or_value(whole.clone());
    let is_map = element.clone().is_type("map");
    vec![Expr::conditional(is_map, named, whole).dynamic()]
}

fn source_type(source: &ContainerSource) -> &'static str {
    if source.is_list { "list" } else { "map" }
}

/// The pod spec that a controller composes of an element and of maps further out.
fn composed_spec(pod: &ComposedPod, element: &Expr, root: &Expr) -> Expr {
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
