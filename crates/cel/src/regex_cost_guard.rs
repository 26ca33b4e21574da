//! The guard of the cost of regular expressions. The API server estimates a match as the length of
//! the string times that of the pattern, and gives up over its limit. A control that matches
//! therefore skips objects over a bound of ours, and the policy says so.
//!
//! The guard is itself a CEL expression: the sum, over all strings that are matched, of the length
//! of the string times the lengths of the patterns that it is matched with.

use super::{
    emitter::Emitter,
    expr::Expr,
    target::ParamsFrom,
    typed_expr::{Presence, TypedExpr},
    types::StaticType,
    unsupported::Unsupported,
};
use kubevet_ir::{
    BinderId, CompiledControl, Condition, ConditionId, Const, Descent, Domain, Intrinsic, Program,
    Term, TermId, Visitor, Walk,
};
use kubevet_policy::ParamValue;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Characters of strings times characters of patterns. The API server counts a fortieth of it, of
/// which it allows 1,000,000.
const MAX_MATCH_PRODUCT: i64 = 24_000_000;
/// The cost of matching one string, however short, in characters: the API server counts one more
/// character, and rounds up to ten.
const MATCH_OVERHEAD_CHARS: i64 = 12;

/// `lib.strings.words` has at most this many characters for each of its operand, and one more.
const WORDS_FACTOR: i64 = 2;

/// The characters that an image function adds at most: `docker.io/library/`, or `latest`.
const IMAGE_EXTRA_CHARS: i64 = 18;

/// Objects that a policy skips, since evaluating them could exceed the API server's cost limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CostSkip {
    /// A bool: true if the object is too large. Such an object passes.
    pub condition: Expr,
    /// The message for it.
    pub message: String,
    /// The number that is too large.
    pub product: Expr,
}

impl CostSkip {
    /// The same for the sum of a product over several pods.
    pub(super) fn over(self, product: Expr) -> Self {
        Self {
            condition: is_too_large(&product),
            product,
            ..self
        }
    }
}

/// A bool: true if matching costs too much for one expression.
pub(super) fn is_too_large(product: &Expr) -> Expr {
    product.clone().exceeds(Expr::Int(MAX_MATCH_PRODUCT))
}

/// The patterns that one string is matched with.
#[derive(Default)]
struct Patterns {
    /// The literals.
    literals: BTreeSet<TermId>,
    /// The params whose items are patterns.
    params: BTreeSet<Arc<str>>,
}

/// A string of the object that bounds the length of a string that is matched.
#[derive(Clone, Copy)]
struct MeasuredString {
    string: TermId,
    /// The maximum length in characters that counts.
    max_chars: Option<i64>,
    /// The matched string has at most this many characters for each of the measured one.
    factor: i64,
}

/// A string of the object that is measured for several controls: the loops that it depends on, and
/// how many of its characters count at most.
type SharedString = (Vec<BinderId>, TermId, Option<i64>);

/// The loops, the string, and the patterns that it is matched with.
type SharedMatch<'s> = (&'s [BinderId], MeasuredString, &'s CharCount);

/// A number of characters, of which some are known only when the policy is evaluated.
#[derive(Default)]
struct CharCount {
    known: i64,
    others: Vec<Expr>,
}

impl CharCount {
    fn expression(&self) -> Expr {
        let known = (self.known > 0 || self.others.is_empty()).then_some(Expr::Int(self.known));
        Expr::sum(self.others.iter().cloned().chain(known))
    }
}

/// What the conditions of a control match.
struct Matches<'p> {
    program: &'p Program,
    strings: BTreeMap<TermId, Patterns>,
}

impl<'p> Matches<'p> {
    fn of(program: &'p Program, control: &CompiledControl) -> Self {
        let mut matches = Self {
            program,
            strings: BTreeMap::new(),
        };
        let mut walk = Walk::once(program);
        for condition in control.clauses.iter().flat_map(|clause| &clause.when) {
            walk.condition(*condition, &mut matches);
        }
        matches
    }

    fn add(&mut self, pattern: TermId, string: TermId) {
        let found = self.strings.entry(string).or_default();
        match self.program.term(pattern) {
            Term::Const(_) => {
                found.literals.insert(pattern);
            }
            Term::Value(binder) => {
                if let Domain::Elements(list) | Domain::List(list) =
                    self.program.binder(*binder).domain
                    && let Term::Param(name) = self.program.term(list)
                {
                    found.params.insert(Arc::clone(name));
                }
            }
            _ => {}
        }
    }
}

/// Visits the conditions, without the guards inside their terms.
impl Visitor for Matches<'_> {
    fn enter_condition(&mut self, condition: ConditionId, _scope: &[BinderId]) -> Descent {
        if let Condition::Predicate(predicate, operands) = self.program.condition(condition)
            && let Some((patterns, [string])) = operands.split_at_checked(predicate.patterns())
        {
            for pattern in patterns {
                self.add(*pattern, *string);
            }
        }
        Descent::Children
    }

    fn enter_term(&mut self, _term: TermId, _scope: &[BinderId]) -> Descent {
        Descent::Skip
    }
}

impl Emitter<'_, '_> {
    /// When an object is too large for the patterns of a control; `None` where the control matches
    /// nothing.
    pub(super) fn regex_cost_guard(
        &mut self,
        compiled: &CompiledControl,
    ) -> Result<Option<CostSkip>, Unsupported> {
        let matches = Matches::of(self.context.program, compiled);
        // The sizes of the strings that are matched with patterns of the same size.
        let mut sizes: Vec<(Expr, Vec<Expr>)> = Vec::new();
        for (string, patterns) in &matches.strings {
            let measured = self.measured_string(*string);
            let mut binders = Vec::new();
            self.enclosing_loops(measured.string, &mut binders);
            let Some(size) = self.total_size(&binders, measured)? else {
                continue;
            };
            let of_patterns = Expr::sum(self.pattern_sizes(patterns));
            match sizes.iter_mut().find(|(known, _)| *known == of_patterns) {
                Some((_, strings)) => strings.push(size),
                None => sizes.push((of_patterns, vec![size])),
            }
        }
        if sizes.is_empty() {
            return Ok(None);
        }
        let products = sizes.into_iter();
        let products = products.map(|(patterns, strings)| Expr::sum(strings).times(patterns));
        let product = Expr::sum(products);
        Ok(Some(CostSkip {
            condition: is_too_large(&product),
            product,
            message: format!(
                "{}: this object is too large for the policy to search it",
                compiled.control.id
            ),
        }))
    }

    /// A bound on the product of strings and patterns over all of these controls together, which is
    /// cheap: each string of the object is measured once, and in full. `None` where nothing is
    /// matched.
    pub(super) fn match_product_bound(
        &mut self,
        controls: &[&CompiledControl],
    ) -> Result<Option<Expr>, Unsupported> {
        let mut chars: BTreeMap<SharedString, CharCount> = BTreeMap::new();
        let mut fixed = 0_i64;
        for control in controls {
            for (string, patterns) in &Matches::of(self.context.program, control).strings {
                let source = self.source_string(*string);
                let factor = source.factor;
                let mut binders = Vec::new();
                self.enclosing_loops(source.string, &mut binders);
                let (known, others) = self.pattern_chars(patterns);
                if let Some(literal_chars) = self.literal_chars(source.string, &binders)
                    && others.is_empty()
                {
                    fixed = fixed.saturating_add(literal_chars.saturating_mul(known * factor));
                    continue;
                }
                let shared = (binders, source.string, source.max_chars);
                let count = chars.entry(shared).or_default();
                count.known = count.known.saturating_add(known * factor);
                let others = others.into_iter();
                count
                    .others
                    .extend(others.map(|size| size.times(Expr::Int(factor))));
            }
        }
        let strings: Vec<SharedMatch<'_>> = chars
            .iter()
            .map(|((binders, string, max_chars), count)| {
                let string = MeasuredString {
                    string: *string,
                    max_chars: *max_chars,
                    factor: 1,
                };
                (binders.as_slice(), string, count)
            })
            .collect();
        let mut products = self.products(&strings)?;
        if products.is_empty() {
            return Ok(None);
        }
        if fixed > 0 {
            products.push(Expr::Int(fixed));
        }
        Ok(Some(Expr::sum(products)))
    }

    /// The products of strings and their patterns, one for each string and one for each loop, over
    /// what is inside it.
    fn products(&mut self, strings: &[SharedMatch<'_>]) -> Result<Vec<Expr>, Unsupported> {
        let mut products = Vec::new();
        let mut loops: BTreeMap<BinderId, Vec<SharedMatch<'_>>> = BTreeMap::new();
        for (binders, string, count) in strings {
            if let Some((binder, inner)) = binders.split_first() {
                loops
                    .entry(*binder)
                    .or_default()
                    .push((inner, *string, count));
                continue;
            }
            let value = self.term(string.string)?;
            let size = self.length_or_zero(&value);
            let overhead = Expr::Int(MATCH_OVERHEAD_CHARS + IMAGE_EXTRA_CHARS);
            let size = capped(size, string.max_chars).plus(overhead);
            products.push(size.times(count.expression()));
        }
        for (binder, inner) in loops {
            if let Some(size) = self.size_of_strings(binder, &inner)? {
                products.push(size);
                continue;
            }
            let Some(iteration) = self.enter(binder)? else {
                continue;
            };
            let inside = self.products(&inner);
            self.leave();
            let inside = inside?;
            if !inside.is_empty() {
                let sum = iteration.map(Expr::Bool(true), Expr::sum(inside));
                products.push(sum.method("sum", []));
            }
        }
        Ok(products)
    }

    /// The product of all strings of a list and the patterns that each is matched with: joined, they
    /// are measured by one call. `None` for other lists, and for what is more than its elements.
    fn size_of_strings(
        &mut self,
        binder: BinderId,
        inner: &[SharedMatch<'_>],
    ) -> Result<Option<Expr>, Unsupported> {
        let program = self.context.program;
        let (Domain::Elements(list) | Domain::List(list)) = program.binder(binder).domain else {
            return Ok(None);
        };
        let [([], string, count)] = inner else {
            return Ok(None);
        };
        if *program.term(string.string) != Term::Value(binder) || string.max_chars.is_some() {
            return Ok(None);
        }
        let value = self.term(list)?;
        let of_strings = StaticType::List(Arc::new(StaticType::String));
        if value.static_type != of_strings || value.nullable {
            return Ok(None);
        }
        let list = value.or_value(&Expr::empty_list());
        let overhead = Expr::Int(MATCH_OVERHEAD_CHARS + IMAGE_EXTRA_CHARS);
        let chars = list.clone().method("join", [Expr::string("")]).size();
        let size = chars.plus(list.size().times(overhead));
        Ok(Some(size.times(count.expression())))
    }

    /// The string of the object of which a matched string is made, of whose characters each makes up
    /// `factor` of the matched one at most; besides those of [`IMAGE_EXTRA_CHARS`].
    fn source_string(&self, matched: TermId) -> MeasuredString {
        let program = self.context.program;
        let mut source = self.measured_string(matched);
        while let Term::Call(function, operands) = program.term(source.string)
            && let Some(operand) = operands.first()
            && function.is_of_image()
        {
            let inner = self.measured_string(*operand);
            source = MeasuredString {
                max_chars: None,
                factor: source.factor * inner.factor,
                ..inner
            };
        }
        source
    }

    /// The characters of all strings of a literal list, each with what matching one costs; `None` for
    /// other strings.
    fn literal_chars(&self, string: TermId, binders: &[BinderId]) -> Option<i64> {
        let program = self.context.program;
        let [binder] = binders else {
            return None;
        };
        let (Domain::Elements(list) | Domain::List(list)) = program.binder(*binder).domain else {
            return None;
        };
        let (Term::Value(_), Term::Param(name)) = (program.term(string), program.term(list)) else {
            return None;
        };
        let ParamsFrom::Written(params) = self.context.target.params else {
            return None;
        };
        let ParamValue::List(items) = params.get(name)? else {
            return None;
        };
        let chars = |item: &String| item.chars().count();
        let chars: usize = items.iter().map(chars).sum();
        let overhead = i64::try_from(items.len()).ok()? * MATCH_OVERHEAD_CHARS;
        Some(i64::try_from(chars).ok()? + overhead)
    }

    /// The characters of a value; 0 where it is no string.
    fn length_or_zero(&mut self, value: &TypedExpr) -> Expr {
        if value.static_type == StaticType::String && !value.nullable {
            return value.or_value(&Expr::string("")).size();
        }
        let name = self.scope.unused("text");
        let variable = Expr::ident(&name);
        let size = variable.clone().size();
        let size = Expr::conditional(variable.is_type("string"), size, Expr::Int(0));
        value.optional().opt_map(&name, size).or_value(Expr::Int(0))
    }

    /// The characters of patterns: those of params that are read, and those of literals.
    fn pattern_sizes(&mut self, patterns: &Patterns) -> Vec<Expr> {
        let (literal_chars, mut sizes) = self.pattern_chars(patterns);
        sizes.push(Expr::Int(literal_chars));
        sizes
    }

    /// The characters of patterns: of those that are literals, and of params that are read.
    fn pattern_chars(&mut self, patterns: &Patterns) -> (i64, Vec<Expr>) {
        let literal = |pattern: &TermId| match self.context.program.term(*pattern) {
            Term::Const(Const::String(pattern)) => pattern.chars().count(),
            _ => 0,
        };
        let mut literal_chars: usize = patterns.literals.iter().map(literal).sum();
        let mut sizes = Vec::new();
        let target = self.context.target;
        for name in &patterns.params {
            match (target.params.value(name), target.params) {
                (Some(ParamValue::List(list)), ParamsFrom::Written(_)) => {
                    literal_chars += list.iter().map(|item| item.chars().count()).sum::<usize>();
                }
                (Some(ParamValue::String(text)), ParamsFrom::Written(_)) => {
                    literal_chars += text.chars().count();
                }
                (Some(value), ParamsFrom::Variables(_) | ParamsFrom::Resource(_)) => {
                    let definitions = self.context.definitions();
                    let Some(param) = definitions.param(self.variables, name) else {
                        continue;
                    };
                    sizes.push(match value {
                        ParamValue::List(_) => {
                            param.map("p", Expr::ident("p").size()).method("sum", [])
                        }
                        ParamValue::String(_) => param.size(),
                    });
                }
                (None, _) => {}
            }
        }
        let literal_chars = i64::try_from(literal_chars.max(1)).unwrap_or(i64::MAX);
        (literal_chars, sizes)
    }

    /// The loops that a term depends on, outermost first.
    fn enclosing_loops(&self, term: TermId, found: &mut Vec<BinderId>) {
        let program = self.context.program;
        for binder in program.free_binders_of_term(term) {
            if let Some(collection) = program.binder(*binder).domain.collection() {
                self.enclosing_loops(collection, found);
            }
            if !found.contains(binder) {
                found.push(*binder);
            }
        }
    }

    /// The string by whose length that of a matched string is bounded.
    fn measured_string(&self, matched: TermId) -> MeasuredString {
        let program = self.context.program;
        let mut measured = MeasuredString {
            string: matched,
            max_chars: None,
            factor: 1,
        };
        while let Term::Call(function, operands) = program.term(measured.string) {
            let Some(operand) = operands.first() else {
                break;
            };
            match (function, operands.get(2).map(|third| program.term(*third))) {
                (Intrinsic::LowerAscii, _) => {}
                // Each letter can become a word with two borders, of which neighbours share one.
                (Intrinsic::Words, _) => measured.factor *= WORDS_FACTOR,
                (Intrinsic::Replace, Some(Term::Const(Const::String(_)))) => {}
                (Intrinsic::Substring, Some(Term::Const(Const::Int(max)))) if *max >= 0 => {
                    measured.max_chars.get_or_insert(*max);
                }
                _ => break,
            }
            measured.string = *operand;
        }
        measured
    }

    /// The characters of a string over all elements of its loops; `None` where there is no element.
    fn total_size(
        &mut self,
        binders: &[BinderId],
        measured: MeasuredString,
    ) -> Result<Option<Expr>, Unsupported> {
        let Some((binder, inner)) = binders.split_first() else {
            let value = self.term(measured.string)?;
            return Ok(Some(self.size_or_zero(&value, measured)));
        };
        let Some(iteration) = self.enter(*binder)? else {
            return Ok(None);
        };
        let inside = self.total_size(inner, measured);
        self.leave();
        Ok(inside?.map(|size| iteration.map(Expr::Bool(true), size).method("sum", [])))
    }

    fn size_or_zero(&mut self, value: &TypedExpr, measured: MeasuredString) -> Expr {
        let is_string = value.static_type == StaticType::String && !value.nullable;
        if is_string && value.presence == Presence::Always && value.cel.is_cheap() {
            return string_size(&value.cel, measured);
        }
        let name = self.scope.unused("text");
        let variable = Expr::ident(&name);
        let mut size = string_size(&variable, measured);
        if !is_string {
            size = Expr::conditional(variable.is_type("string"), size, Expr::Int(0));
        }
        value.optional().opt_map(&name, size).or_value(Expr::Int(0))
    }
}

/// The characters of a string that count.
fn string_size(string: &Expr, measured: MeasuredString) -> Expr {
    let mut size = capped(string.clone().size(), measured.max_chars);
    if measured.factor > 1 {
        size = size.times(Expr::Int(measured.factor));
    }
    size.plus(Expr::Int(MATCH_OVERHEAD_CHARS))
}

/// A size, or the maximum that counts.
fn capped(size: Expr, max: Option<i64>) -> Expr {
    let Some(max) = max else {
        return size;
    };
    let is_longer = size.clone().exceeds(Expr::Int(max));
    Expr::conditional(is_longer, Expr::Int(max), size)
}
