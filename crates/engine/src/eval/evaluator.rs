//! Terms and conditions over one object.

use super::{
    evaluate::StepBudgetExceeded,
    hash_join::Index,
    observer::ConditionObserver,
    resolved_params::ResolvedParams,
    side_tables::{MemoPolicy, SideTables},
    value::{LoopState, StaticStr, Value},
};
use kubevet_document::{Document, FieldKey, Node};
use kubevet_ir::{
    BinderId, Condition, ConditionId, Const, ContainerList, Domain, Program, Term, TermId,
    ValueType,
};
use kubevet_model::{EvalError, EvalTier, Operation};
use std::{borrow::Cow, hash::RandomState, time::Instant};

/// The most steps for one object.
const MAX_STEPS: u64 = 200_000_000;
/// Steps between two looks at the clock.
const LIMIT_CHECK_MASK: u64 = 0x3FFF;
/// Bytes of made texts after which they are let go between two elements or findings: at first, and at most. It doubles
/// each time, since what is needed of an outer element is made anew then, however long it is.
const RECYCLE_ABOVE_BYTES: usize = 64 << 10;
const MAX_RECYCLE_ABOVE_BYTES: usize = MAX_SCRATCH_BYTES / 2;
/// The most bytes of made texts at a time. Half of it remains for one element or finding at least.
const MAX_SCRATCH_BYTES: usize = 16 << 20;

/// What is kept from object to object, so that nothing need be allocated.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    terms: Vec<(u32, Value)>,
    conds: Vec<(u32, bool)>,
    pub(super) standing: Vec<LoopState>,
    made: String,
    /// By the numbers of lookups.
    pub(super) indexes: Vec<Index>,
    /// Of keys of indexes.
    pub(super) hashing: RandomState,
    pub(super) holds: Vec<bool>,
    pub(super) denied: Vec<bool>,
    clock: u32,
}

/// Why the work was stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Abort {
    StepLimit,
    /// More steps than whoever asked allows for now.
    StepBudget,
    MemoryLimit,
    Deadline,
}

impl Abort {
    /// The error of every control that was not complete; the step budget fails the evaluation as a whole instead.
    pub(super) fn error(self) -> Result<EvalError, StepBudgetExceeded> {
        match self {
            Self::StepBudget => Err(StepBudgetExceeded),
            Self::StepLimit => Ok(EvalError::StepLimit {
                max_steps: MAX_STEPS,
            }),
            Self::MemoryLimit => Ok(EvalError::MemoryLimit {
                tier: EvalTier::Compiled,
                max_mib: MAX_SCRATCH_BYTES as u64 >> 20,
            }),
            Self::Deadline => Ok(EvalError::Deadline(EvalTier::Compiled)),
        }
    }
}

/// One object before one program.
pub(super) struct Evaluator<'m, W> {
    pub(super) document: &'m Document,
    pub(super) program: &'m Program,
    pub(super) tables: &'m SideTables,
    pub(super) settings: &'m ResolvedParams,
    pub(super) scratch: &'m mut Scratch,
    pod_path: Option<&'static [&'static str]>,
    pod_spec: Value,
    operation: Operation,
    /// When this object's judgement began, on the scratch's clock.
    began: u32,
    steps: u64,
    heavy_steps: u64,
    until: Option<Instant>,
    stopped: Option<Abort>,
    /// Bytes of made texts from which on they are let go.
    recycle_above_bytes: usize,
    watch: W,
}

/// What a evaluator is made of.
pub(super) struct Parts<'m> {
    pub(super) document: &'m Document,
    pub(super) program: &'m Program,
    pub(super) tables: &'m SideTables,
    pub(super) settings: &'m ResolvedParams,
    pub(super) scratch: &'m mut Scratch,
    pub(super) pod_path: Option<&'static [&'static str]>,
    pub(super) operation: Operation,
    /// Steps from which on the object is heavy, and the work ends.
    pub(super) heavy_steps: u64,
    pub(super) until: Option<Instant>,
}

impl<'m, W: ConditionObserver> Evaluator<'m, W> {
    pub(super) fn new(parts: Parts<'m>, watch: W) -> Self {
        let Parts {
            document,
            program,
            tables,
            settings,
            scratch,
            pod_path,
            operation,
            heavy_steps,
            until,
        } = parts;
        scratch.prepare(tables);
        let began = scratch.tick();
        let pod_spec = match pod_path {
            None => Value::Undefined,
            Some(path) => as_map(
                path.iter()
                    .try_fold(document.root(), |node, step| node.get(step)),
            ),
        };
        Self {
            document,
            program,
            tables,
            settings,
            scratch,
            pod_path,
            pod_spec,
            operation,
            began,
            steps: 0,
            heavy_steps,
            until,
            stopped: None,
            recycle_above_bytes: RECYCLE_ABOVE_BYTES,
            watch,
        }
    }

    pub(super) fn stopped(&self) -> Option<Abort> {
        self.stopped
    }

    /// The steps taken so far.
    pub(super) fn steps(&self) -> u64 {
        self.steps
    }

    /// Steps that the loops of a join take before an index is made.
    pub(super) fn loop_steps(&self) -> u64 {
        self.watch.loop_steps()
    }

    /// Tells whoever looks on that the object is judged, and gives back what a large one took.
    pub(super) fn end(&mut self) {
        self.watch.ended(self.steps);
        self.scratch.indexes.iter_mut().for_each(Index::clear);
        self.scratch.made.clear();
        self.scratch.made.shrink_to(RECYCLE_ABOVE_BYTES);
    }

    /// Counts work; past the bounds, everything comes to an end.
    #[inline]
    pub(super) fn charge(&mut self, steps: u64) -> bool {
        let before = self.steps;
        self.steps += steps;
        if (before ^ self.steps) & !LIMIT_CHECK_MASK != 0 {
            self.look();
        }
        self.stopped.is_none()
    }

    #[cold]
    fn look(&mut self) {
        if self.steps > MAX_STEPS {
            self.stopped = Some(Abort::StepLimit);
        } else if self.steps > self.heavy_steps {
            self.stopped = Some(Abort::StepBudget);
        } else if self.scratch.made.len() > MAX_SCRATCH_BYTES {
            self.stopped = Some(Abort::MemoryLimit);
        } else if self.until.is_some_and(|it| Instant::now() >= it) {
            self.stopped = Some(Abort::Deadline);
        }
    }

    /// Lets go of the texts that were made, and of all answers, where they have become many. Nobody may hold a value.
    pub(super) fn recycle_scratch(&mut self) {
        if self.scratch.made.len() > self.recycle_above_bytes {
            self.recycle_above_bytes = (self.recycle_above_bytes * 2).min(MAX_RECYCLE_ABOVE_BYTES);
            self.scratch.made.clear();
            self.began = self.scratch.tick();
        }
    }

    #[inline]
    fn stamp(&self, keep: MemoPolicy) -> u32 {
        let epoch = |it: &u16| {
            self.scratch
                .standing
                .get(usize::from(*it))
                .map_or(0, |it| it.epoch)
        };
        keep.binders().iter().map(epoch).fold(self.began, u32::max)
    }

    // --- terms ---

    pub(super) fn term(&mut self, id: TermId) -> Value {
        let keep = self.tables.term_memo(id);
        if !keep.kept {
            return self.compute(id);
        }
        let stamp = self.stamp(keep);
        if let Some((at, value)) = self.scratch.terms.get(id.index())
            && *at == stamp
        {
            return *value;
        }
        let value = self.compute(id);
        if let Some(slot) = self.scratch.terms.get_mut(id.index()) {
            *slot = (stamp, value);
        }
        value
    }

    fn compute(&mut self, id: TermId) -> Value {
        if !self.charge(1) {
            return Value::Undefined;
        }
        let program = self.program;
        match program.term(id) {
            Term::Undefined => Value::Undefined,
            Term::Const(value) => match value {
                Const::Null => Value::Null,
                Const::Bool(it) => Value::Bool(*it),
                Const::Int(it) => Value::Int(*it),
                Const::String(_) => Value::Constant(number(id.index())),
                Const::EmptyList => Value::EmptyList,
                Const::EmptyMap => Value::EmptyMap,
            },
            Term::Object => Value::Node(self.document.root().number()),
            Term::Operation => Value::Static(match self.operation {
                Operation::Create => StaticStr::Create,
                Operation::Update => StaticStr::Update,
                Operation::Delete => StaticStr::Delete,
                Operation::Connect => StaticStr::Connect,
            }),
            Term::Param(_) => match self.tables.param(id) {
                Some(param) if self.settings.is_set(param) => Value::Param(param),
                _ => Value::Undefined,
            },
            Term::PodSpec => self.pod_spec,
            Term::PodMetadata => self.pod_metadata(),
            Term::PodSpecPath => self
                .pod_path
                .map_or(Value::Undefined, |it| self.make_path(it.iter().copied())),
            Term::PodMetadataPath => self.pod_path.map_or(Value::Undefined, |it| {
                let template = it.iter().rev().skip(1).rev().copied();
                self.make_path(template.chain(["metadata"]))
            }),
            Term::Key(binder) => self.standing(*binder).key,
            Term::Value(binder) => self.standing(*binder).value,
            Term::ElementName(binder) => self.name(*binder),
            Term::ElementPath(binder) => self.place(*binder, true),
            Term::ListName(binder) => Value::Static(self.standing(*binder).list),
            Term::Field(of, _) => match (self.term(*of), self.tables.key(id)) {
                (Value::Node(node), Some(key)) => found(self.node(node).field(key)),
                _ => Value::Undefined,
            },
            Term::Index(of, at) => {
                let (of, at) = (self.term(*of), self.term(*at));
                self.index(of, at)
            }
            Term::Guard(cond, term) => {
                if self.holds(*cond) {
                    self.term(*term)
                } else {
                    Value::Undefined
                }
            }
            Term::Coalesce(terms) => {
                for term in terms {
                    let value = self.term(*term);
                    if value != Value::Undefined {
                        return value;
                    }
                }
                Value::Undefined
            }
            Term::Count(term) => {
                let value = self.term(*term);
                self.count(value)
            }
            Term::Concat(pieces) => self.concat(pieces),
            Term::AsList(term) => match self.term(*term) {
                Value::Undefined => Value::Undefined,
                value if self.kind(value) == Some(ValueType::List) => value,
                _ => Value::EmptyList,
            },
            Term::AsMap(term) => match self.term(*term) {
                Value::Undefined => Value::Undefined,
                value if self.kind(value) == Some(ValueType::Map) => value,
                _ => Value::EmptyMap,
            },
            Term::Call(call, parts) => self.call(*call, parts),
        }
    }

    pub(super) fn node(&self, number: u32) -> Node<'m> {
        self.document.node(number)
    }

    #[inline]
    pub(super) fn standing(&self, binder: BinderId) -> LoopState {
        self.scratch
            .standing
            .get(binder.index())
            .copied()
            .unwrap_or(LoopState::UNBOUND)
    }

    fn pod_metadata(&self) -> Value {
        let Some([template @ .., _]) = self.pod_path else {
            return Value::Undefined;
        };
        let holder = template
            .iter()
            .try_fold(self.document.root(), |node, step| node.get(step));
        as_map(holder.and_then(|it| it.get("metadata")))
    }

    fn name(&mut self, binder: BinderId) -> Value {
        if let (Value::Node(node), Some(key)) = (self.standing(binder).value, &self.tables.name)
            && let Some(name) = self.node(node).field(key)
            && name.is_string()
        {
            return Value::Node(name.number());
        }
        self.place(binder, false)
    }

    fn place(&mut self, binder: BinderId, whole: bool) -> Value {
        use std::fmt::Write as _;
        let LoopState { list, place, .. } = self.standing(binder);
        let start = self.scratch.made.len();
        if let (true, Some(path)) = (whole, self.pod_path) {
            for step in path {
                self.scratch.made.push_str(step);
                self.scratch.made.push('.');
            }
        }
        let _ = write!(self.scratch.made, "{}[{place}]", list.text());
        self.made_from(start)
    }

    fn make_path(&mut self, steps: impl Iterator<Item = &'static str>) -> Value {
        let start = self.scratch.made.len();
        for (place, step) in steps.enumerate() {
            if place > 0 {
                self.scratch.made.push('.');
            }
            self.scratch.made.push_str(step);
        }
        self.made_from(start)
    }

    fn made_from(&self, start: usize) -> Value {
        Value::Scratch {
            start: number(start),
            len: number(self.scratch.made.len() - start),
        }
    }

    /// A text of its own.
    pub(super) fn make(&mut self, text: &str) -> Value {
        if text.is_empty() {
            return Value::Static(StaticStr::Empty);
        }
        self.charge(text.len() as u64 / 64);
        let start = self.scratch.made.len();
        self.scratch.made.push_str(text);
        self.made_from(start)
    }

    fn concat(&mut self, pieces: &[TermId]) -> Value {
        use std::fmt::Write as _;
        let mut values = [Value::Undefined; 8];
        let mut more = Vec::new();
        // All pieces are known before the first is written: working one out may write too.
        for (place, piece) in pieces.iter().enumerate() {
            let value = self.term(*piece);
            if value == Value::Undefined {
                return value;
            }
            match values.get_mut(place) {
                Some(slot) => *slot = value,
                None => more.push(value),
            }
        }
        let start = self.scratch.made.len();
        for value in values.iter().take(pieces.len()).chain(&more).copied() {
            if self.scratch.made.len() > MAX_SCRATCH_BYTES {
                self.stopped = Some(Abort::MemoryLimit);
                return Value::Undefined;
            }
            match value {
                Value::Int(number) => {
                    let _ = write!(self.scratch.made, "{number}");
                }
                Value::Scratch { start, len } => {
                    let range = start as usize..start as usize + len as usize;
                    if self.scratch.made.get(range.clone()).is_some() {
                        self.scratch.made.extend_from_within(range);
                    }
                }
                other => match self.outside(other) {
                    Some(text) => self.scratch.made.push_str(text),
                    None => return Value::Undefined,
                },
            }
        }
        let len = self.scratch.made.len() - start;
        self.charge(len as u64 / 64);
        self.made_from(start)
    }

    fn index(&self, of: Value, at: Value) -> Value {
        match (of, at) {
            (Value::Param(param), Value::Int(at)) => match u32::try_from(at) {
                Ok(item) if self.settings.item(param, item).is_some() => {
                    Value::ParamItem { param, item }
                }
                _ => Value::Undefined,
            },
            (Value::Node(node), Value::Int(at)) => match usize::try_from(at) {
                Ok(at) => found(self.node(node).at(at)),
                Err(_) => Value::Undefined,
            },
            (Value::Node(node), at) => match self.text(at) {
                Some(key) => found(self.node(node).get(key)),
                None => Value::Undefined,
            },
            _ => Value::Undefined,
        }
    }

    fn count(&mut self, value: Value) -> Value {
        let count = match value {
            Value::Param(param) => match self.settings.list(param) {
                Some(texts) => texts.len(),
                None => self.settings.text(param).map_or(0, |it| it.chars().count()),
            },
            Value::EmptyList | Value::EmptyMap => 0,
            Value::Node(node) => match self.node(node).value() {
                kubevet_document::Value::List(list) => list.len(),
                kubevet_document::Value::Map(map) => map.len(),
                kubevet_document::Value::String(text) => text.chars().count(),
                _ => return Value::Undefined,
            },
            other => match self.text(other) {
                Some(text) => text.chars().count(),
                None => return Value::Undefined,
            },
        };
        self.charge(count as u64 / 16);
        Value::Int(i64::try_from(count).unwrap_or(i64::MAX))
    }

    // --- texts and types ---

    /// The text of a value that is one.
    pub(super) fn text(&self, value: Value) -> Option<&str> {
        match value {
            Value::Scratch { start, len } => self
                .scratch
                .made
                .get(start as usize..start as usize + len as usize),
            other => self.outside(other),
        }
    }

    /// The text of a value that is one and was not made here.
    pub(super) fn outside(&self, value: Value) -> Option<&'m str> {
        match value {
            Value::Node(node) => self.node(node).as_str(),
            Value::Substring { node, start, len } => self
                .node(node)
                .as_str()?
                .get(start as usize..start as usize + len as usize),
            Value::Constant(place) => self.program.string_at(place as usize),
            Value::Param(param) => self.settings.text(param),
            Value::ParamItem { param, item } => self.settings.item(param, item),
            Value::Static(fixed) => Some(fixed.text()),
            _ => None,
        }
    }

    /// Applies a function of texts. Where it gives a part of a text of the document, that is what is kept.
    pub(super) fn map_text(
        &mut self,
        value: Value,
        function: impl for<'t> FnOnce(&'t str) -> Option<Cow<'t, str>>,
    ) -> Value {
        let Some(text) = self.outside(value) else {
            let Value::Scratch { start, len } = value else {
                return Value::Undefined;
            };
            let Some(made) = self
                .scratch
                .made
                .get(start as usize..start as usize + len as usize)
            else {
                return Value::Undefined;
            };
            let copy = made.to_owned();
            self.charge(copy.len() as u64 / 64);
            return match function(&copy) {
                Some(result) if result == copy => value,
                Some(result) => self.make(&result),
                None => Value::Undefined,
            };
        };
        self.charge(text.len() as u64 / 64);
        match function(text) {
            None => Value::Undefined,
            Some(Cow::Owned(result)) => self.make(&result),
            Some(Cow::Borrowed(part))
                if part.len() == text.len() && part.as_ptr() == text.as_ptr() =>
            {
                value
            }
            Some(Cow::Borrowed(part)) => {
                let inside = (part.as_ptr() as usize).checked_sub(text.as_ptr() as usize);
                let inside = inside.filter(|it| it + part.len() <= text.len());
                match (value, inside) {
                    (Value::Node(node), Some(start)) => Value::Substring {
                        node,
                        start: number(start),
                        len: number(part.len()),
                    },
                    (
                        Value::Substring {
                            node, start: from, ..
                        },
                        Some(start),
                    ) => Value::Substring {
                        node,
                        start: from + number(start),
                        len: number(part.len()),
                    },
                    _ => self.make(part),
                }
            }
        }
    }

    /// The type of a value.
    pub(super) fn kind(&self, value: Value) -> Option<ValueType> {
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
                if self.settings.list(param).is_some() {
                    ValueType::List
                } else {
                    ValueType::String
                }
            }
            Value::EmptyList => ValueType::List,
            Value::EmptyMap => ValueType::Map,
            Value::Node(node) => match self.node(node).value() {
                kubevet_document::Value::Null => ValueType::Null,
                kubevet_document::Value::Bool(_) => ValueType::Bool,
                kubevet_document::Value::Number(_) => ValueType::Number,
                kubevet_document::Value::String(_) => ValueType::String,
                kubevet_document::Value::List(_) => ValueType::List,
                kubevet_document::Value::Map(_) => ValueType::Map,
            },
        })
    }

    // --- conditions ---

    pub(super) fn holds(&mut self, id: ConditionId) -> bool {
        let keep = self.tables.condition_memo(id);
        if !keep.kept {
            return self.decide(id);
        }
        let stamp = self.stamp(keep);
        if let Some((at, holds)) = self.scratch.conds.get(id.index())
            && *at == stamp
        {
            return *holds;
        }
        let holds = self.decide(id);
        if let Some(slot) = self.scratch.conds.get_mut(id.index()) {
            *slot = (stamp, holds);
        }
        holds
    }

    fn decide(&mut self, id: ConditionId) -> bool {
        if !self.charge(1) {
            return false;
        }
        let held = self.compute_condition(id);
        self.watch.saw(id, held);
        held
    }

    #[inline]
    fn compute_condition(&mut self, id: ConditionId) -> bool {
        let program = self.program;
        match program.condition(id) {
            Condition::True => true,
            Condition::And(conds) => conds.iter().all(|it| self.holds(*it)),
            Condition::Or(conds) => conds.iter().any(|it| self.holds(*it)),
            Condition::Not(cond) => !self.holds(*cond),
            Condition::Defined(term) => self.term(*term) != Value::Undefined,
            Condition::Truthy(term) => match self.term(*term) {
                Value::Undefined | Value::Bool(false) => false,
                Value::Node(node) => self.node(node).as_bool() != Some(false),
                _ => true,
            },
            Condition::HasType(term, kind) => {
                let value = self.term(*term);
                self.kind(value) == Some(*kind)
            }
            Condition::Compare(comparison, a, b) => {
                let (a, b) = (self.term(*a), self.term(*b));
                self.compare(*comparison, a, b)
            }
            Condition::OneOf(term, values) => {
                let value = self.term(*term);
                value != Value::Undefined && values.iter().any(|it| self.is_constant(value, it))
            }
            Condition::Member(element, collection) => {
                let (element, collection) = (self.term(*element), self.term(*collection));
                self.is_member(element, collection)
            }
            Condition::Predicate(test, parts) => self.test(*test, parts),
            Condition::Any(binder, cond) => {
                if let Some((param, text)) = self.tables.any_match(id) {
                    let text = self.term(text);
                    if let Some(text) = self.text(text) {
                        let (any, len) = (self.settings.any_matches(param, text), text.len());
                        self.charge(len as u64 / 16);
                        if let Some(any) = any {
                            return any;
                        }
                    } else {
                        return false;
                    }
                }
                let join = self.tables.joins.any(id);
                if let Some(any) = join.and_then(|it| self.any_by_index(it)) {
                    return any;
                }
                let (before, steps) = (self.standing(*binder), self.steps);
                let any = self.each(*binder, &mut |evaluator| evaluator.holds(*cond));
                if let Some(slot) = self.scratch.standing.get_mut(binder.index()) {
                    *slot = before;
                }
                if let Some(join) = join {
                    self.add_looped(join.lookup, steps);
                }
                any
            }
        }
    }

    /// Puts a binder on each element of its domain, until `found` says so.
    pub(super) fn each(
        &mut self,
        binder: BinderId,
        found: &mut dyn FnMut(&mut Self) -> bool,
    ) -> bool {
        let program = self.program;
        match &program.binder(binder).domain {
            Domain::Containers(lists) => self.each_container(binder, *lists, found),
            Domain::Volumes => {
                let Some(key) = &self.tables.volumes else {
                    return false;
                };
                self.each_entry(binder, key, StaticStr::Volumes, |_| true, found)
            }
            Domain::Elements(term) => match self.term(*term) {
                Value::Param(param) => self.each_item(binder, param, found),
                value => {
                    self.each_element(binder, value, found) || self.each_value(binder, value, found)
                }
            },
            Domain::List(term) => match self.term(*term) {
                Value::Param(param) => self.each_item(binder, param, found),
                value => self.each_element(binder, value, found),
            },
            Domain::Map(term) => {
                let value = self.term(*term);
                self.each_value(binder, value, found)
            }
        }
    }

    fn each_container(
        &mut self,
        binder: BinderId,
        lists: ContainerList,
        found: &mut dyn FnMut(&mut Self) -> bool,
    ) -> bool {
        let tables = self.tables;
        let [main, init, ephemeral] = &tables.container_lists;
        let sidecar = |it: Node<'_>| {
            let policy = tables.restart_policy.as_ref().and_then(|key| it.field(key));
            policy.and_then(Node::as_str) == Some("Always")
        };
        let all = lists != ContainerList::Probe;
        let main = main.as_ref().is_some_and(|key| {
            self.each_entry(binder, key, StaticStr::Containers, |_| true, found)
        });
        main || init.as_ref().is_some_and(|key| {
            self.each_entry(
                binder,
                key,
                StaticStr::InitContainers,
                |it| all || sidecar(it),
                found,
            )
        }) || (lists == ContainerList::All
            && self.pod_path == Some(&["spec"])
            && ephemeral.as_ref().is_some_and(|key| {
                self.each_entry(binder, key, StaticStr::EphemeralContainers, |_| true, found)
            }))
    }

    fn each_entry(
        &mut self,
        binder: BinderId,
        key: &FieldKey,
        list: StaticStr,
        takes: impl Fn(Node<'_>) -> bool,
        found: &mut dyn FnMut(&mut Self) -> bool,
    ) -> bool {
        let Value::Node(spec) = self.pod_spec else {
            return false;
        };
        let Some(entries) = self.node(spec).field(key) else {
            return false;
        };
        for (place, entry) in entries.elements().enumerate() {
            if !takes(entry) {
                continue;
            }
            let value = as_map(Some(entry));
            if self.stand(
                binder,
                LoopState {
                    value,
                    list,
                    place: number(place),
                    ..LoopState::UNBOUND
                },
                found,
            ) {
                return true;
            }
        }
        false
    }

    fn each_item(
        &mut self,
        binder: BinderId,
        param: u32,
        found: &mut dyn FnMut(&mut Self) -> bool,
    ) -> bool {
        let count = self.settings.list(param).map_or(0, <[String]>::len);
        (0..number(count)).any(|item| {
            let standing = LoopState {
                key: Value::Int(i64::from(item)),
                value: Value::ParamItem { param, item },
                ..LoopState::UNBOUND
            };
            self.stand(binder, standing, found)
        })
    }

    fn each_element(
        &mut self,
        binder: BinderId,
        list: Value,
        found: &mut dyn FnMut(&mut Self) -> bool,
    ) -> bool {
        let Value::Node(list) = list else {
            return false;
        };
        let mut elements = self.node(list).elements().zip(0_i64..);
        elements.any(|(element, place)| {
            let standing = LoopState {
                key: Value::Int(place),
                value: Value::Node(element.number()),
                ..LoopState::UNBOUND
            };
            self.stand(binder, standing, found)
        })
    }

    fn each_value(
        &mut self,
        binder: BinderId,
        map: Value,
        found: &mut dyn FnMut(&mut Self) -> bool,
    ) -> bool {
        let Value::Node(map) = map else { return false };
        let mut entries = self.node(map).entries();
        entries.any(|entry| {
            let standing = LoopState {
                key: Value::Node(entry.key_number()),
                value: Value::Node(entry.value.number()),
                ..LoopState::UNBOUND
            };
            self.stand(binder, standing, found)
        })
    }

    fn stand(
        &mut self,
        binder: BinderId,
        standing: LoopState,
        found: &mut dyn FnMut(&mut Self) -> bool,
    ) -> bool {
        !self.stand_at(binder, standing) || found(self)
    }

    /// Puts a binder on an element; false where the work was stopped.
    #[inline]
    pub(super) fn stand_at(&mut self, binder: BinderId, standing: LoopState) -> bool {
        let epoch = self.scratch.tick();
        if let Some(slot) = self.scratch.standing.get_mut(binder.index()) {
            *slot = LoopState { epoch, ..standing };
        }
        self.charge(1)
    }
}

impl Scratch {
    fn prepare(&mut self, tables: &SideTables) {
        let (terms, conds, binders) = tables.sizes;
        self.made.clear();
        // So that the clock cannot come round within one object.
        if self.clock > u32::MAX / 2 || self.terms.len() != terms || self.conds.len() != conds {
            *self = Self::default();
            self.terms.resize(terms, (0, Value::Undefined));
            self.conds.resize(conds, (0, false));
        }
        if self.indexes.len() != tables.joins.count() {
            self.indexes
                .resize_with(tables.joins.count(), Index::default);
        }
        self.indexes.iter_mut().for_each(Index::clear);
        self.standing.clear();
        self.standing.resize(binders, LoopState::UNBOUND);
    }

    fn tick(&mut self) -> u32 {
        self.clock += 1;
        self.clock
    }
}

fn as_map(node: Option<Node<'_>>) -> Value {
    match node {
        Some(node) if node.is_map() => Value::Node(node.number()),
        _ => Value::EmptyMap,
    }
}

fn found(node: Option<Node<'_>>) -> Value {
    node.map_or(Value::Undefined, |it| Value::Node(it.number()))
}

fn number(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}
