//! Where the objects of custom kinds keep their pods, as maps in CEL: one expression walks them for
//! all kinds of a policy.

use super::{
    custom_pods::{COMPLETES, CustomPods, completes},
    expr::Expr,
};
use kubevet_k8s::workload::{
    custom::{PathStep, PodLayout},
    merge_keys,
};

/// The name of a layout in an expression.
pub(super) const LAYOUT: &str = "layout";

pub(super) fn layout_field(name: &str) -> Expr {
    Expr::ident(LAYOUT).select(name)
}

pub(super) fn layout_optional(name: &str) -> Expr {
    Expr::ident(LAYOUT).opt_select(name)
}

impl CustomPods<'_> {
    /// The layouts of the object's kind: those of the most kinds, unless the kind is in a table.
    pub(super) fn layouts(&self, root: &Expr) -> Expr {
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
}

/// What a placeholder stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Each {
    /// Each item of a list.
    Item,
    /// Each value of a map.
    Value,
}

impl Each {
    /// The type whose elements it stands for.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Item => "list",
            Self::Value => "map",
        }
    }
}

/// A placeholder of a path and the fields that follow it.
#[derive(Default)]
pub(super) struct PathSegment<'p> {
    /// `None` in the first segment.
    pub(super) each: Option<Each>,
    /// The key by which the elements of a list are merged.
    pub(super) key: Option<&'static str>,
    pub(super) fields: Vec<&'p str>,
}

pub(super) fn segments(layout: &PodLayout) -> Vec<PathSegment<'_>> {
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
