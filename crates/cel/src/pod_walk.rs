//! The walk from an object of a custom kind to its pods, in CEL: field by field, and into every element
//! of a list or map. A field that is not what the layout says leads to no pod.

use super::{
    custom_pods::CustomPods,
    expr::Expr,
    pod_layouts::{Each, LAYOUT, layout_field, layout_optional, segments},
    target::ObjectSide,
};

impl CustomPods<'_> {
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
}
