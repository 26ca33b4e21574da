//! The evaluator: terms of one program over one object.
//!
//! It is an interpreter of the program's graph: [`Evaluator::term`] and [`Evaluator::holds`] look
//! memos up and call [`Evaluator::compute`] and the conditions' counterpart, which call back for
//! operands. The frequent operations are in the plans of terms and conditions, beside the policies
//! of their memos; the others are read from the program. The recursion is as deep as the program, whose depth the compiler bounds.

use super::{
    budget::{Abort, Budget, MAX_SCRATCH_BYTES},
    context::EvalContext,
    observer::ConditionObserver,
    scratch::{MAX_RECYCLE_ABOVE_BYTES, RECYCLE_ABOVE_BYTES, Scratch},
    term_plan::{FieldBase, TermOperation},
    value::{LoopState, PackedValue, StaticStr, Value},
};
use kubevet_document::Node;
use kubevet_ir::{BinderId, Term, TermId, ValueType, intrinsics::image::ImageRef};
use kubevet_model::Operation;

/// The evaluation of one object.
pub(super) struct Evaluator<'e, O> {
    pub(super) context: EvalContext<'e>,
    pub(super) scratch: &'e mut Scratch,
    pub(super) observer: O,
    pub(super) budget: Budget,
    /// The pod spec: a map, empty if the object has none; undefined if the kind has none.
    pub(super) pod_spec: PackedValue,
    /// The image reference that was parsed last, with the string of which it is a view.
    pub(super) parsed_image: Option<(&'e str, ImageRef<'e>)>,
    /// Memos of earlier versions are out of date: the start of the object, or the last recycling.
    pub(super) valid_since: u32,
    /// The bytes of computed strings above which the buffer is recycled.
    recycle_above_bytes: usize,
}

impl<'e, O: ConditionObserver> Evaluator<'e, O> {
    pub(super) fn new(context: EvalContext<'e>, scratch: &'e mut Scratch, observer: O) -> Self {
        scratch.prepare(context.tables);
        let valid_since = scratch.tick();
        let pod_spec = match context.pod_path {
            None => Value::Undefined,
            Some(path) => map_or_empty(
                path.iter()
                    .try_fold(context.document.root(), |node, key| node.get(key)),
            ),
        };
        Self {
            context,
            scratch,
            observer,
            budget: Budget::new(context.step_budget, context.deadline),
            pod_spec: pod_spec.pack(),
            parsed_image: None,
            valid_since,
            recycle_above_bytes: RECYCLE_ABOVE_BYTES,
        }
    }

    /// The limit that was exceeded, if one was.
    pub(super) fn aborted(&self) -> Option<Abort> {
        self.budget.abort()
    }

    /// Counts steps; returns false once a limit is exceeded.
    #[inline]
    pub(super) fn charge(&mut self, steps: u64) -> bool {
        self.budget.charge(steps, self.scratch.strings.len())
    }

    /// Ends the evaluation: reports its steps to the observer and gives memory back.
    pub(super) fn finish(&mut self) {
        self.observer.finished(self.budget.steps());
        self.scratch.shrink();
    }

    /// Clears the computed strings once they are many, and invalidates all memos, which may name
    /// them. Call it only where no [`Value::Scratch`] is in use: between two elements of a loop of
    /// clauses, or after a finding.
    pub(super) fn recycle_scratch(&mut self) {
        if self.scratch.strings.len() > self.recycle_above_bytes {
            self.recycle_above_bytes = (self.recycle_above_bytes * 2).min(MAX_RECYCLE_ABOVE_BYTES);
            self.scratch.strings.clear();
            self.valid_since = self.scratch.tick();
        }
    }

    pub(super) fn node(&self, number: u32) -> Node<'e> {
        self.context.document.node(number)
    }

    #[inline]
    pub(super) fn loop_state(&self, binder: BinderId) -> LoopState {
        self.scratch
            .loops
            .get(binder.index())
            .copied()
            .unwrap_or(LoopState::UNBOUND)
    }

    /// Computes the value of a term by its operation.
    pub(super) fn compute(&mut self, id: TermId, operation: &TermOperation) -> PackedValue {
        if !self.charge(1) {
            return PackedValue::UNDEFINED;
        }
        match operation {
            TermOperation::Field(base, key) => {
                let node = self.field_base(*base).node();
                let field = node.and_then(|node| self.node(node).field(key));
                field.map_or(PackedValue::UNDEFINED, |field| {
                    PackedValue::of_node(field.number())
                })
            }
            TermOperation::Constant(value) => *value,
            TermOperation::Key(binder) => self.loop_state(*binder).key,
            TermOperation::Element(binder) => self.loop_state(*binder).value,
            TermOperation::Guard(condition, operand) => {
                if self.holds(*condition) {
                    self.packed_term(*operand)
                } else {
                    PackedValue::UNDEFINED
                }
            }
            TermOperation::Coalesce(operands) => {
                for operand in operands {
                    let value = self.packed_term(*operand);
                    if !value.is_undefined() {
                        return value;
                    }
                }
                PackedValue::UNDEFINED
            }
            TermOperation::Other => self.compute_other(id).pack(),
        }
    }

    /// The value in which a field is looked up. What is at hand is read without a step.
    #[inline]
    fn field_base(&mut self, base: FieldBase) -> PackedValue {
        match base {
            FieldBase::Object => PackedValue::of_node(self.context.document.root().number()),
            FieldBase::PodSpec => self.pod_spec,
            FieldBase::Element(binder) => self.loop_state(binder).value,
            FieldBase::Term(term) => self.packed_term(term),
        }
    }

    /// Computes the value of a term that is rarer or costs more than a call.
    #[inline(never)]
    fn compute_other(&mut self, id: TermId) -> Value {
        let program = self.context.program;
        match program.term(id) {
            Term::Object => Value::Node(self.context.document.root().number()),
            Term::PodSpec => self.pod_spec.unpack(),
            Term::Operation => Value::Static(match self.context.operation {
                Operation::Create => StaticStr::Create,
                Operation::Update => StaticStr::Update,
                Operation::Delete => StaticStr::Delete,
                Operation::Connect => StaticStr::Connect,
            }),
            Term::Param(_) => match self.context.tables.param(id) {
                Some(param) if self.context.params.is_set(param) => Value::Param(param),
                _ => Value::Undefined,
            },
            Term::PodMetadata => self.pod_metadata(),
            Term::PodSpecPath => self.context.pod_path.map_or(Value::Undefined, |path| {
                self.join_path(path.iter().copied())
            }),
            Term::PodMetadataPath => self.context.pod_path.map_or(Value::Undefined, |path| {
                // The metadata is beside the spec: the last key is replaced.
                let template = path.iter().rev().skip(1).rev().copied();
                self.join_path(template.chain(["metadata"]))
            }),
            Term::ElementName(binder) => self.element_name(*binder),
            Term::ElementPath(binder) => self.element_path(*binder, true),
            Term::ListName(binder) => Value::Static(self.loop_state(*binder).list),
            Term::Index(collection, key) => {
                let (collection, key) = (self.term(*collection), self.term(*key));
                self.index(collection, key)
            }
            Term::Count(operand) => {
                let value = self.term(*operand);
                self.count(value)
            }
            Term::Concat(operands) => self.concat(operands),
            Term::AsList(operand) => match self.term(*operand) {
                Value::Undefined => Value::Undefined,
                value if self.value_type(value) == Some(ValueType::List) => value,
                _ => Value::EmptyList,
            },
            Term::AsMap(operand) => match self.term(*operand) {
                Value::Undefined => Value::Undefined,
                value if self.value_type(value) == Some(ValueType::Map) => value,
                _ => Value::EmptyMap,
            },
            Term::Call(intrinsic, arguments) => self.call(*intrinsic, arguments),
            // `compute` has the others.
            _ => Value::Undefined,
        }
    }

    fn pod_metadata(&self) -> Value {
        let Some([template @ .., _]) = self.context.pod_path else {
            return Value::Undefined;
        };
        let holder = template
            .iter()
            .try_fold(self.context.document.root(), |node, key| node.get(key));
        map_or_empty(holder.and_then(|holder| holder.get("metadata")))
    }

    /// The name of a container or volume; its list and index, such as `containers[0]`, if the name
    /// is no string.
    fn element_name(&mut self, binder: BinderId) -> Value {
        if let (Value::Node(node), Some(key)) = (
            self.loop_state(binder).value.unpack(),
            &self.context.tables.name_key,
        ) && let Some(name) = self.node(node).field(key)
            && name.is_string()
        {
            return Value::Node(name.number());
        }
        self.element_path(binder, false)
    }

    /// The path of a container or volume, from the object or from the pod spec on.
    fn element_path(&mut self, binder: BinderId, is_from_object: bool) -> Value {
        use std::fmt::Write as _;
        let LoopState { list, index, .. } = self.loop_state(binder);
        let start = self.scratch.strings.len();
        if let (true, Some(path)) = (is_from_object, self.context.pod_path) {
            for key in path {
                self.scratch.strings.push_str(key);
                self.scratch.strings.push('.');
            }
        }
        let _ = write!(self.scratch.strings, "{}[{index}]", list.as_str());
        self.scratch_since(start)
    }

    fn join_path(&mut self, keys: impl Iterator<Item = &'static str>) -> Value {
        let start = self.scratch.strings.len();
        for (number, key) in keys.enumerate() {
            if number > 0 {
                self.scratch.strings.push('.');
            }
            self.scratch.strings.push_str(key);
        }
        self.scratch_since(start)
    }

    fn index(&self, collection: Value, key: Value) -> Value {
        match (collection, key) {
            (Value::Param(param), Value::Int(index)) => match u32::try_from(index) {
                Ok(item) if self.context.params.item(param, item).is_some() => {
                    Value::ParamItem { param, item }
                }
                _ => Value::Undefined,
            },
            (Value::Node(node), Value::Int(index)) => match usize::try_from(index) {
                Ok(index) => node_value(self.node(node).at(index)),
                Err(_) => Value::Undefined,
            },
            (Value::Node(node), key) => match self.string(key) {
                Some(key) => node_value(self.node(node).get(key)),
                None => Value::Undefined,
            },
            _ => Value::Undefined,
        }
    }

    fn count(&mut self, value: Value) -> Value {
        let params = self.context.params;
        let count = match value {
            Value::Param(param) => match params.list(param) {
                Some(strings) => strings.len(),
                None => params
                    .string(param)
                    .map_or(0, |string| string.chars().count()),
            },
            Value::EmptyList | Value::EmptyMap => 0,
            Value::Node(node) => {
                let node = self.node(node);
                match node.as_str() {
                    Some(string) => string.chars().count(),
                    None if node.is_list() || node.is_map() => node.child_count(),
                    None => return Value::Undefined,
                }
            }
            other => match self.string(other) {
                Some(string) => string.chars().count(),
                None => return Value::Undefined,
            },
        };
        self.charge(count as u64 / 16);
        Value::Int(i64::try_from(count).unwrap_or(i64::MAX))
    }

    fn concat(&mut self, operands: &[TermId]) -> Value {
        use std::fmt::Write as _;
        // Most concatenations have few operands: those are kept without an allocation.
        let mut first_values = [Value::Undefined; 8];
        let mut more_values = Vec::new();
        // All operands are computed before the first is written, since computing one may write to
        // the buffer too.
        for (number, operand) in operands.iter().enumerate() {
            let value = self.term(*operand);
            if value == Value::Undefined {
                return value;
            }
            match first_values.get_mut(number) {
                Some(slot) => *slot = value,
                None => more_values.push(value),
            }
        }
        let start = self.scratch.strings.len();
        let values = first_values.iter().take(operands.len());
        for value in values.chain(&more_values).copied() {
            // Nested concatenations can double a string with each level, so the limit is checked
            // for every operand.
            if self.scratch.strings.len() > MAX_SCRATCH_BYTES {
                self.budget.exceed_memory();
                return Value::Undefined;
            }
            match value {
                Value::Int(number) => {
                    let _ = write!(self.scratch.strings, "{number}");
                }
                Value::Scratch { start, len } => {
                    let range = start as usize..start as usize + len as usize;
                    if self.scratch.strings.get(range.clone()).is_some() {
                        self.scratch.strings.extend_from_within(range);
                    }
                }
                other => match self.borrowed_string(other) {
                    Some(string) => self.scratch.strings.push_str(string),
                    None => return Value::Undefined,
                },
            }
        }
        let len = self.scratch.strings.len() - start;
        self.charge(len as u64 / 64);
        self.scratch_since(start)
    }

    /// Returns the type of a value; `None` if it is undefined.
    pub(super) fn value_type(&self, value: Value) -> Option<ValueType> {
        Some(match value {
            Value::Undefined => return None,
            Value::Null => ValueType::Null,
            Value::Bool(_) => ValueType::Bool,
            Value::Int(_) => ValueType::Number,
            Value::Substring { .. }
            | Value::Constant(_)
            | Value::Scratch { .. }
            | Value::ParamItem { .. }
            | Value::Static(_) => ValueType::String,
            Value::Param(param) => {
                if self.context.params.list(param).is_some() {
                    ValueType::List
                } else {
                    ValueType::String
                }
            }
            Value::EmptyList => ValueType::List,
            Value::EmptyMap => ValueType::Map,
            Value::Node(node) => match self.node(node) {
                node if node.is_string() => ValueType::String,
                node if node.is_map() => ValueType::Map,
                node if node.is_list() => ValueType::List,
                node if node.is_null() => ValueType::Null,
                node if node.as_bool().is_some() => ValueType::Bool,
                _ => ValueType::Number,
            },
        })
    }
}

/// The node if it is a map, else an empty map.
pub(super) fn map_or_empty(node: Option<Node<'_>>) -> Value {
    match node {
        Some(node) if node.is_map() => Value::Node(node.number()),
        _ => Value::EmptyMap,
    }
}

#[inline]
fn node_value(node: Option<Node<'_>>) -> Value {
    node.map_or(Value::Undefined, |node| Value::Node(node.number()))
}

/// Narrows an index. Documents, programs and the scratch buffer are far smaller than 2^32.
pub(super) fn to_u32(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
