//! The key of a finding: what makes it the same finding in the old object.
//!
//! A key is a list: the id of the control; then for each path of the finding its pattern with `[]`
//! for every index, what identifies each element on the way (the keys by which Kubernetes merges
//! lists, else the element itself), the value at the path, and the values that the control's
//! conditions read at or below those elements. `kubevet-admission` computes the same for the
//! webhook. For a pod of a custom kind, its place in the object follows the id.

use super::{
    comprehension::LoopNest,
    custom_pods::PLACE,
    emitter::Emitter,
    expr::Expr,
    typed_expr::{Presence, TypedExpr},
    types::StaticType,
    unsupported::Unsupported,
};
use kubevet_ir::{
    BinderId, Clause, CompiledControl, Const, Program, Term, TermId, ValueType, field_patterns,
};
use kubevet_k8s::workload::MERGE_KEYS;
use kubevet_model::{FieldPattern, PathReads, PatternRoot, PatternStep};

/// A part of a path.
enum PathPart {
    /// Literal steps, such as `.securityContext.capabilities.add[`.
    Literal(String),
    /// An interpolated root, index or key.
    Interpolated(TermId),
}

/// The state of reading a path from its root to its end.
struct PathReader {
    /// The path so far, with `[]` for every index: `spec.containers[].ports[]`.
    label: String,
    /// What identifies the elements so far.
    items: Vec<Expr>,
    /// The value at the path so far.
    value: TypedExpr,
    /// The name of the field that was read last, which says by what its elements are merged.
    field: String,
    /// True if the last item is the value itself.
    ends_in_value: bool,
    /// The path so far as a pattern.
    pattern: FieldPattern,
    /// The elements on the way, each with the number of steps of its pattern.
    elements: Vec<(usize, TypedExpr)>,
}

impl PathReader {
    fn new(label: &str, items: Vec<Expr>, value: TypedExpr, pattern: FieldPattern) -> Self {
        Self {
            label: label.to_owned(),
            items,
            value,
            field: String::new(),
            ends_in_value: false,
            pattern,
            elements: Vec::new(),
        }
    }

    /// The step to an element.
    fn push_element(&mut self, element: TypedExpr) {
        self.pattern = self.pattern.then(PatternStep::Each);
        self.elements.push((self.pattern.steps.len(), element));
    }
}

/// How deep the lists of keys are nested. Keys are compared between objects, so those of all clauses
/// have one depth.
pub(super) fn depth(program: &Program, clauses: &[Clause]) -> usize {
    let depths = clauses
        .iter()
        .map(|clause| loop_nest(program, clause).named());
    depths.max().unwrap_or(1).max(1)
}

/// The loops of a clause for the keys of its findings: those that its paths name are outermost.
fn loop_nest(program: &Program, clause: &Clause) -> LoopNest {
    let named: Vec<BinderId> = clause
        .paths
        .iter()
        .flat_map(|path| program.free_binders_of_term(*path))
        .copied()
        .filter(|binder| clause.binders.contains(binder))
        .collect();
    LoopNest::naming(program, clause, &named)
}

impl Emitter<'_, '_> {
    /// The keys of the findings of a control, in lists nested `depth` deep. `reads` are the fields
    /// that the conditions behind each path read. The context must iterate containers with the
    /// names of their lists.
    pub(super) fn finding_keys(
        &mut self,
        compiled: &CompiledControl,
        reads: &[PathReads],
        depth: usize,
    ) -> Result<Expr, Unsupported> {
        let control = compiled.control.id.as_str();
        let keys: Result<Vec<Expr>, _> = compiled
            .clauses
            .iter()
            .map(|clause| self.keys_of_clause(control, reads, clause, depth))
            .collect();
        Ok(Expr::concatenation(keys?))
    }

    fn keys_of_clause(
        &mut self,
        control: &str,
        reads: &[PathReads],
        clause: &Clause,
        depth: usize,
    ) -> Result<Expr, Unsupported> {
        let nest = loop_nest(self.context.program, clause);
        let own_depth = nest.named().max(1);
        let mut keys = self.each_finding(nest, &mut |emitter| {
            emitter.finding_key(control, reads, clause)
        })?;
        for _ in own_depth..depth {
            keys = Expr::List(vec![keys]);
        }
        Ok(keys)
    }

    fn finding_key(
        &mut self,
        control: &str,
        reads: &[PathReads],
        clause: &Clause,
    ) -> Result<Expr, Unsupported> {
        let mut items = vec![Expr::string(control).dynamic()];
        if self.context.pods.is_some_and(|pods| !pods.are_composed()) {
            items.push(self.context.object().select(PLACE));
        }
        for path in &clause.paths {
            items.extend(self.path_items(*path, reads)?);
        }
        Ok(Expr::List(items))
    }

    /// The items of a key for one path.
    fn path_items(&mut self, path: TermId, reads: &[PathReads]) -> Result<Vec<Expr>, Unsupported> {
        match self.context.program.term(path).clone() {
            Term::Guard(_, path) => self.path_items(path, reads),
            Term::Coalesce(paths) => {
                let mut found: Option<Expr> = None;
                for path in paths.iter().rev() {
                    let items = Expr::List(self.path_items(*path, reads)?);
                    found = Some(match (found, self.context.program.term(*path)) {
                        (Some(fallback), Term::Guard(condition, _)) => {
                            let condition = *condition;
                            Expr::conditional(self.condition(condition)?, items, fallback)
                        }
                        _ => items,
                    });
                }
                Ok(found.into_iter().map(Expr::dynamic).collect())
            }
            Term::Concat(parts) => {
                let parts = parts.iter().map(|part| self.path_part(*part)).collect();
                self.read_path(parts, reads)
            }
            _ => {
                let part = self.path_part(path);
                self.read_path(vec![part], reads)
            }
        }
    }

    fn path_part(&self, term: TermId) -> PathPart {
        match self.context.program.term(term) {
            Term::Const(Const::String(string)) => PathPart::Literal(string.to_string()),
            _ => PathPart::Interpolated(term),
        }
    }

    fn read_path(
        &mut self,
        parts: Vec<PathPart>,
        reads: &[PathReads],
    ) -> Result<Vec<Expr>, Unsupported> {
        let mut parts = parts.into_iter().peekable();
        let mut reader = match parts.peek() {
            Some(PathPart::Interpolated(term)) => {
                let reader = self.root(*term)?;
                parts.next();
                reader
            }
            _ => {
                let value = self.context.object_value();
                PathReader::new("", Vec::new(), value, FieldPattern::of(PatternRoot::Object))
            }
        };
        let mut in_brackets = false;
        for part in parts {
            match part {
                PathPart::Interpolated(term) if in_brackets => {
                    self.interpolated_index(&mut reader, term)?;
                }
                PathPart::Interpolated(_) => {
                    return Err(Unsupported("a path whose fields are computed".to_owned()));
                }
                PathPart::Literal(steps) => {
                    in_brackets = self.literal_steps(&mut reader, &steps, in_brackets)?;
                }
            }
        }
        let mut items = vec![Expr::string(reader.label.as_str()).dynamic()];
        items.append(&mut reader.items);
        if !reader.ends_in_value {
            items.push(nullable_value(&reader.value));
        }
        let fields = reads
            .iter()
            .find(|read| read.path == reader.pattern)
            .map_or(&[][..], |read| &read.fields);
        for field in fields {
            let element = reader
                .elements
                .iter()
                .find(|(depth, _)| *depth == field.depth);
            let Some((_, element)) = element else {
                return Err(Unsupported(
                    "a condition that reads an element which the path does not lead to".to_owned(),
                ));
            };
            let mut value = element.clone();
            for key in &field.keys {
                value = self.field(value, key)?;
            }
            items.push(nullable_value(&value));
        }
        Ok(items)
    }

    /// The interpolated root of a path.
    fn root(&mut self, term: TermId) -> Result<PathReader, Unsupported> {
        let definitions = self.context.definitions();
        match *self.context.program.term(term) {
            Term::ElementPath(binder) => {
                let Some(element) = self.scope.element(binder).cloned() else {
                    return Err(Unsupported(
                        "a path of an element outside of its list".to_owned(),
                    ));
                };
                let name = self.field(element.value.clone(), "name")?;
                let name = nullable_value(&name);
                let (label, items, list) = match element.list_name {
                    // Conditions read all lists of containers alike, so the pattern of the first
                    // stands for them.
                    Some(list_name) => ("[]", vec![list_name, name], "containers"),
                    None => ("volumes[]", vec![name], "volumes"),
                };
                let pattern = FieldPattern::of(PatternRoot::PodSpec)
                    .then(PatternStep::Field(list.to_owned()));
                let mut reader = PathReader::new(label, items, element.value.clone(), pattern);
                reader.push_element(element.value);
                Ok(reader)
            }
            Term::PodSpecPath => {
                let spec = definitions.pod_spec(self.variables)?;
                let value = TypedExpr::of_object(spec, definitions.pod_spec_type());
                let pattern = FieldPattern::of(PatternRoot::PodSpec);
                Ok(PathReader::new("podSpec", Vec::new(), value, pattern))
            }
            Term::PodMetadataPath => {
                let metadata = definitions.pod_metadata(self.variables)?;
                let value = TypedExpr::of_object(metadata, definitions.pod_metadata_type());
                let pattern = FieldPattern::of(PatternRoot::PodMetadata);
                Ok(PathReader::new("podMetadata", Vec::new(), value, pattern))
            }
            _ => Err(Unsupported(
                "a path that begins with a computed text".to_owned(),
            )),
        }
    }

    /// Reads literal steps. Returns true if they end within brackets.
    fn literal_steps(
        &mut self,
        reader: &mut PathReader,
        steps: &str,
        mut in_brackets: bool,
    ) -> Result<bool, Unsupported> {
        let mut field = String::new();
        for c in steps.chars() {
            match (c, in_brackets) {
                ('.', false) => self.literal_step(reader, &mut field)?,
                ('[', false) => {
                    self.literal_step(reader, &mut field)?;
                    in_brackets = true;
                }
                (']', true) => {
                    self.literal_step(reader, &mut field)?;
                    in_brackets = false;
                }
                _ => field.push(c),
            }
        }
        self.literal_step(reader, &mut field)?;
        Ok(in_brackets)
    }

    /// Reads the field, and empties it.
    fn literal_step(
        &mut self,
        reader: &mut PathReader,
        field: &mut String,
    ) -> Result<(), Unsupported> {
        if field.is_empty() {
            return Ok(());
        }
        if reader.value.static_type.value_type() == Some(ValueType::List) {
            return Err(Unsupported(
                "a path with an index that is written out".to_owned(),
            ));
        }
        reader.value = self.field(reader.value.clone(), field)?;
        reader.label.push('.');
        reader.label.push_str(field);
        reader.pattern = reader.pattern.then(PatternStep::Field(field.clone()));
        reader.field = std::mem::take(field);
        reader.ends_in_value = false;
        Ok(())
    }

    /// Reads an index or key that is a term.
    fn interpolated_index(
        &mut self,
        reader: &mut PathReader,
        term: TermId,
    ) -> Result<(), Unsupported> {
        reader.label.push_str("[]");
        if let Term::Key(binder) = *self.context.program.term(term) {
            let Some(element) = self.scope.element(binder).cloned() else {
                return Err(Unsupported(
                    "a path of an element outside of its list".to_owned(),
                ));
            };
            reader.value = element.value.clone();
            reader.push_element(element.value.clone());
            if let Some(key) = element.key {
                reader.items.push(nullable_value(&key));
                return Ok(());
            }
            return self.list_element(reader, &element.value);
        }
        if self.is_end_of_list(reader, term) {
            // There is no such element: the index itself identifies the place.
            let index = self.term(term)?;
            reader.items.push(nullable_value(&index));
            reader.value = TypedExpr::never();
            reader.push_element(TypedExpr::never());
            reader.ends_in_value = false;
            return Ok(());
        }
        let key = self.term(term)?;
        if reader.value.static_type == StaticType::Any {
            reader.value = self.coerced(reader.value.clone(), ValueType::Map);
        }
        let is_map = matches!(reader.value.static_type, StaticType::Map(_));
        if !is_map || key.static_type != StaticType::String {
            return Err(Unsupported(
                "a path with a computed key into what is not proved to be a map".to_owned(),
            ));
        }
        let key = key.or_value(&Expr::string(""));
        reader.items.push(key.clone().dynamic());
        let elements = reader.value.static_type.elements();
        let value = reader.value.cel.clone().opt_index(key);
        reader.value = TypedExpr {
            is_dyn: true,
            ..TypedExpr::maybe(value, elements)
        };
        reader.push_element(reader.value.clone());
        Ok(())
    }

    /// True if an index is the number of elements of the list that was read last: where an element is
    /// appended.
    fn is_end_of_list(&self, reader: &PathReader, index: TermId) -> bool {
        let program = self.context.program;
        let Term::Count(list) = *program.term(index) else {
            return false;
        };
        let is_list = reader.value.static_type.value_type() == Some(ValueType::List);
        is_list && field_patterns(program, list).contains(&reader.pattern)
    }

    /// Adds what identifies an element of the list that was read last.
    fn list_element(
        &mut self,
        reader: &mut PathReader,
        value: &TypedExpr,
    ) -> Result<(), Unsupported> {
        let keys = MERGE_KEYS
            .iter()
            .find(|(list, _)| *list == reader.field)
            .map_or(&[][..], |(_, keys)| keys);
        let mut items = Vec::new();
        let mut identifies = false;
        for key in keys {
            let field = self.field(value.clone(), key)?;
            match field.presence {
                Presence::Never => {}
                // The API server's default of a port's protocol.
                Presence::Maybe if *key == "protocol" => {
                    items.push(field.or_value(&Expr::string("TCP")));
                }
                presence => {
                    items.push(nullable_value(&field));
                    identifies |= presence == Presence::Always;
                }
            }
        }
        // Without a key that is always present, two elements could have the same keys: the whole
        // element identifies.
        if identifies {
            reader.items.append(&mut items);
            reader.ends_in_value = false;
        } else {
            reader.items.push(nullable_value(value));
            reader.ends_in_value = true;
        }
        Ok(())
    }
}

/// The value as an item of a list; `null` where it is absent. It is wrapped in `dyn()` unless the
/// type checker knows it as `dyn` already, because CEL's lists hold one type.
fn nullable_value(value: &TypedExpr) -> Expr {
    match value.presence {
        Presence::Always if value.is_dyn => value.cel.clone(),
        Presence::Maybe if value.is_dyn && !value.nullable => {
            let or_null = value.or_value(&Expr::Null);
            // After an optional index the type checker knows the type of the fallback only.
            let is_optional_index =
                |part: &Expr| matches!(part, Expr::Index { optional: true, .. });
            if or_null.contains(&is_optional_index) {
                or_null.dynamic()
            } else {
                or_null
            }
        }
        Presence::Never => Expr::Null.dynamic(),
        Presence::Always | Presence::Maybe => value.cel.clone().dynamic(),
    }
}
