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
        let layouts = rows.iter().flat_map(|row| &row.pods);
        let placeholders = layouts.map(|layout| layout.shape().depth).max()?;
        Some(Self {
            rows,
            form: shape.form,
            depth: placeholders + 1,
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
        self.all_layouts().all(|layout| match layout {
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
        ["metadata", content]
            .into_iter()
            .chain(completes)
            .chain(place)
            .collect()
    }

    /// True if the controller composes the pods: a finding is the same only where all of `spec` is.
    pub(super) fn are_composed(&self) -> bool {
        self.form == PodForm::Composed
    }

    /// True if some pods have [`COMPLETES`].
    pub(super) fn some_complete(&self) -> bool {
        self.all_layouts().any(completes)
    }

    /// The pods as lists of maps, nested `depth` deep: one list for each layout of the kind, in which
    /// there is one for each placeholder.
    pub(super) fn list(&self, side: ObjectSide) -> Expr {
        let root = Expr::ident(match side {
            ObjectSide::New => "object",
            ObjectSide::Old => "oldObject",
        });
        let start = if self.are_composed() {
            Expr::empty_list()
        } else {
            Expr::List(vec![layout_field("label")])
        };
        let pods = self.level(&root, &root, &start, 1);
        self.layouts(&root).map(LAYOUT, pods)
    }

    /// The layouts of the object's kind: those of the most kinds, unless the kind is in a table.
    fn layouts(&self, root: &Expr) -> Expr {
        let mut different: Vec<(&[PodLayout], usize)> = Vec::new();
        for row in self.rows {
            let known = different.iter_mut().find(|(pods, _)| *pods == row.pods);
            match known {
                Some((_, count)) => *count += 1,
                None => different.push((&row.pods, 1)),
            }
        }
        let most = different.iter().max_by_key(|(_, count)| *count);
        let Some((most, _)) = most else {
            return Expr::empty_list();
        };
        let others = self.rows.iter().filter(|row| row.pods != *most);
        let others: Vec<(Expr, Expr)> = others
            .map(|row| {
                (
                    Expr::string(row.kind.to_string()),
                    self.layout_maps(&row.pods),
                )
            })
            .collect();
        let most = self.layout_maps(most);
        if others.is_empty() {
            return most;
        }
        let group = root
            .clone()
            .select("apiVersion")
            .method("split", [Expr::string("/")])
            .index(Expr::Int(0));
        let kind = Expr::sum([group, Expr::string("/"), root.clone().select("kind")]);
        Expr::Map(others).opt_index(kind).or_value(most)
    }

    fn layout_maps(&self, layouts: &[PodLayout]) -> Expr {
        Expr::List(
            layouts
                .iter()
                .map(|layout| self.layout_map(layout))
                .collect(),
        )
    }

    /// `{'fields0': ['spec', 'jobs'], 'each1': 'list', 'key1': 'name', 'fields1': ['template']}`.
    fn layout_map(&self, layout: &PodLayout) -> Expr {
        let mut entries: Vec<(String, Expr)> = Vec::new();
        if !self.are_composed() {
            entries.push(("label".to_owned(), Expr::string(layout.path().to_string())));
        }
        if self.some_complete() {
            entries.push((COMPLETES.to_owned(), Expr::Bool(completes(layout))));
        }
        let segments = segments(layout);
        for (level, segment) in segments.iter().enumerate() {
            if let Some(each) = segment.each {
                entries.push((format!("each{level}"), Expr::string(each.name())));
                let key = segment.key.map(Expr::string);
                entries.extend(key.map(|key| (format!("key{level}"), key)));
            }
            if !segment.fields.is_empty() {
                let fields = Expr::strings(segment.fields.iter().copied());
                entries.push((format!("fields{level}"), fields));
            }
        }
        let entries = entries.into_iter();
        Expr::Map(
            entries
                .map(|(key, value)| (Expr::string(key), value.dynamic()))
                .collect(),
        )
    }

    /// The number of placeholders of a path, at least.
    fn placeholders(&self) -> usize {
        self.depth - 1
    }

    fn all_layouts(&self) -> impl Iterator<Item = &'a PodLayout> {
        self.rows.iter().flat_map(|row| &row.pods)
    }

    /// What lies behind the placeholder of a level, below a value.
    fn level(&self, root: &Expr, value: &Expr, identity: &Expr, level: usize) -> Expr {
        let name = format!("p{level}");
        let place = || Expr::ident(name.as_str());
        let children = self.children(identity, level);
        let mut path = self.walk(value, level - 1);
        let of_child = if level == self.placeholders() {
            let walked = self.walk(&place().select("v"), level).index(Expr::Int(0));
            let mut found = vec![(Expr::string("v"), walked)];
            if !self.are_composed() {
                found.push((Expr::string("id"), place().select("id").dynamic()));
            }
            let content = || place().select("v");
            children
                .map(&name, Expr::Map(found))
                .filter(&name, self.is_pod(&content()))
                .map(&name, self.pod(root, &content(), place().select("id")))
        } else {
            let below = self.level(root, &place().select("v"), &place().select("id"), level + 1);
            children.map(&name, below)
        };
        path = path.map("v", of_child);
        path.index(Expr::Int(0))
    }

    /// A list of one: the value at the fields of a level, `null` where there is none.
    fn walk(&self, value: &Expr, level: usize) -> Expr {
        let lengths = self
            .all_layouts()
            .map(|layout| segments(layout).get(level).map_or(0, |at| at.fields.len()));
        let (least, most) = lengths.fold((usize::MAX, 0), |(least, most), length| {
            (least.min(length), most.max(length))
        });
        let mut list = Expr::List(vec![value.clone()]);
        let fields = if least == 0 {
            layout_optional(&format!("fields{level}")).or_value(Expr::empty_list())
        } else {
            layout_field(&format!("fields{level}"))
        };
        let v = || Expr::ident("v");
        for step in 0..most {
            let index = Expr::count(step);
            let field = v().opt_index(fields.clone().index(index.clone()));
            let next = Expr::conditional(
                v().is_type("map"),
                field.or_value(Expr::Null),
                Expr::Null.dynamic(),
            );
            let next = if step < least {
                next
            } else {
                let has_step = fields.clone().size().exceeds(index);
                Expr::conditional(has_step, next, v())
            };
            list = list.map("v", next);
        }
        list
    }

    /// The elements of `v`, each with what identifies it: those that the placeholder of a level means.
    fn children(&self, identity: &Expr, level: usize) -> Expr {
        let v = || Expr::ident("v");
        let child = |value: Expr, id: Option<Expr>| {
            let mut entries = vec![(Expr::string("v"), value.dynamic())];
            if !self.are_composed() {
                let id = id.map(|id| Expr::List(vec![id.dynamic()]));
                let id = Expr::sum(std::iter::once(identity.clone()).chain(id));
                entries.push((Expr::string("id"), id.dynamic()));
            }
            Expr::Map(entries)
        };
        let each = layout_optional(&format!("each{level}")).or_value(Expr::string(""));
        let is_used = |wanted: Each| {
            self.all_layouts().any(|layout| {
                segments(layout).get(level).and_then(|segment| segment.each) == Some(wanted)
            })
        };
        let mut found = Expr::List(vec![child(v(), None)]);
        for wanted in [Each::Value, Each::Item] {
            if !is_used(wanted) {
                continue;
            }
            let elements = match wanted {
                Each::Item => {
                    let element = || Expr::ident("e");
                    let key = layout_optional(&format!("key{level}")).or_value(Expr::string(""));
                    let named = element().opt_index(key).or_value(element());
                    let id = Expr::conditional(element().is_type("map"), named, element());
                    v().map("e", child(element(), Some(id)))
                }
                Each::Value => {
                    let key = || Expr::ident("k");
                    v().map("k", child(v().index(key()), Some(key())))
                }
            };
            let is_typed = v().is_type(wanted.name());
            let elements = Expr::conditional(is_typed, elements, Expr::empty_list());
            let is_each = each.clone().equals(Expr::string(wanted.name()));
            found = Expr::conditional(is_each, elements, found);
        }
        found
    }

    /// A bool: true if a value is a pod, which is a map.
    fn is_pod(&self, value: &Expr) -> Expr {
        let is_map = value.clone().is_type("map");
        let Some(PodLayout::Composed(pod)) = self.all_layouts().next() else {
            return is_map;
        };
        // There is a pod where there is a container.
        let sources = pod.containers.iter();
        let has_any = Expr::any(sources.map(|source| {
            let is = is_typed(value, source.path, source_type(source));
            if source.is_list {
                let size = selected(value, source.path).size();
                Expr::all([is, size.exceeds(Expr::Int(0))])
            } else {
                is
            }
        }));
        Expr::all([is_map, has_any])
    }

    /// The map of a pod.
    fn pod(&self, root: &Expr, value: &Expr, identity: Expr) -> Expr {
        // Every object has metadata, but a test may leave it out.
        let metadata = root
            .clone()
            .opt_select("metadata")
            .or_value(Expr::empty_map());
        let mut entries = vec![("metadata", metadata)];
        entries.push(match self.all_layouts().next() {
            Some(PodLayout::Composed(pod)) => ("spec", composed_spec(pod, value, root)),
            Some(PodLayout::Spec(_)) => ("spec", value.clone()),
            _ => ("template", value.clone()),
        });
        if self.some_complete() {
            entries.push((COMPLETES, layout_field(COMPLETES)));
        }
        if !self.are_composed() {
            entries.push((PLACE, identity));
        }
        let entries = entries.into_iter();
        Expr::Map(
            entries
                .map(|(key, value)| (Expr::string(key), value.dynamic()))
                .collect(),
        )
    }
}

/// The name of a layout in an expression.
const LAYOUT: &str = "layout";

fn layout_field(name: &str) -> Expr {
    Expr::ident(LAYOUT).select(name)
}

fn layout_optional(name: &str) -> Expr {
    Expr::ident(LAYOUT).opt_select(name)
}

/// What a placeholder stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Each {
    /// Each item of a list.
    Item,
    /// Each value of a map.
    Value,
}

impl Each {
    /// The type whose elements it stands for.
    fn name(self) -> &'static str {
        match self {
            Self::Item => "list",
            Self::Value => "map",
        }
    }
}

/// A placeholder of a path and the fields that follow it.
#[derive(Default)]
struct PathSegment<'p> {
    /// `None` in the first segment.
    each: Option<Each>,
    /// The key by which the elements of a list are merged.
    key: Option<&'static str>,
    fields: Vec<&'p str>,
}

fn segments(layout: &PodLayout) -> Vec<PathSegment<'_>> {
    let mut found = vec![PathSegment::default()];
    for step in &layout.path().0 {
        match (step, found.last_mut()) {
            (PathStep::Field(name), Some(last)) => last.fields.push(name),
            (PathStep::EachValue, _) => found.push(PathSegment {
                each: Some(Each::Value),
                ..PathSegment::default()
            }),
            (_, last) => {
                let list = last.and_then(|last| last.fields.last().copied());
                let keys = list.map(merge_keys).unwrap_or_default();
                found.push(PathSegment {
                    each: Some(Each::Item),
                    key: if let [key] = keys { Some(key) } else { None },
                    fields: Vec::new(),
                });
            }
        }
    }
    found
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
