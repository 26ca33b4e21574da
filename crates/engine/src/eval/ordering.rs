//! The order of values, as in Rego: null, booleans, numbers, strings, lists, maps; within a type by
//! value.
//!
//! Nested lists and maps are compared with a stack of their own: recursion never follows the
//! object.

use super::{
    decimal::compare_decimals, evaluator::Evaluator, observer::ConditionObserver, value::Value,
};
use kubevet_document::{Entry, Node, Number, Value as NodeValue};
use kubevet_ir::{Comparison, Const};
use std::{cmp::Ordering, hash::BuildHasher as _};

/// A value with its bytes at hand, for comparison.
enum ValueView<'v> {
    Null,
    Bool(bool),
    Int(i64),
    /// The digits of a number that is no 64-bit integer.
    Digits(&'v str),
    String(&'v str),
    /// A list of strings: a param.
    Strings(&'v [String]),
    /// A list; `None` is the empty one.
    List(Option<Node<'v>>),
    /// A map; `None` is the empty one.
    Map(Option<Node<'v>>),
}

impl<'v> ValueView<'v> {
    fn of_node(node: Node<'v>) -> Self {
        match node.value() {
            NodeValue::Null => Self::Null,
            NodeValue::Bool(boolean) => Self::Bool(boolean),
            NodeValue::Number(Number::Int(number)) => Self::Int(number),
            NodeValue::Number(_) => Self::Digits(node.digits().unwrap_or_default()),
            NodeValue::String(string) => Self::String(string),
            NodeValue::List => Self::List(Some(node)),
            NodeValue::Map => Self::Map(Some(node)),
        }
    }

    /// The position of the type in the order of types.
    fn rank(&self) -> u8 {
        match self {
            Self::Null => 0,
            Self::Bool(_) => 1,
            Self::Int(_) | Self::Digits(_) => 2,
            Self::String(_) => 3,
            Self::Strings(_) | Self::List(_) => 4,
            Self::Map(_) => 5,
        }
    }
}

impl<O: ConditionObserver> Evaluator<'_, O> {
    /// Returns a hash that equal values have in common; `None` if the value is undefined. Different
    /// values may have one hash: all lists have the same, all maps, and numbers with the same
    /// nearest double.
    pub(super) fn hash(&mut self, value: Value) -> Option<u64> {
        let view = self.view(value)?;
        let rank = view.rank();
        let hasher = &self.scratch.hasher;
        let (hash, len) = match &view {
            ValueView::Null | ValueView::Strings(_) | ValueView::List(_) | ValueView::Map(_) => {
                (hasher.hash_one(rank), 0)
            }
            ValueView::Bool(boolean) => (hasher.hash_one((rank, boolean)), 0),
            ValueView::Int(number) => {
                let bits = nearest_double_bits(&number.to_string());
                (hasher.hash_one((rank, bits)), 0)
            }
            ValueView::Digits(digits) => {
                let bits = nearest_double_bits(digits);
                (hasher.hash_one((rank, bits)), digits.len())
            }
            ValueView::String(string) => (hasher.hash_one((rank, string)), string.len()),
        };
        self.charge(len as u64 / 64);
        Some(hash)
    }

    fn view(&self, value: Value) -> Option<ValueView<'_>> {
        Some(match value {
            Value::Undefined => return None,
            Value::Null => ValueView::Null,
            Value::Bool(boolean) => ValueView::Bool(boolean),
            Value::Int(number) => ValueView::Int(number),
            Value::EmptyList => ValueView::List(None),
            Value::EmptyMap => ValueView::Map(None),
            Value::Node(node) => ValueView::of_node(self.node(node)),
            Value::Param(param) => match self.context.params.list(param) {
                Some(strings) => ValueView::Strings(strings),
                None => ValueView::String(self.context.params.string(param)?),
            },
            string => ValueView::String(self.string(string)?),
        })
    }

    /// Decides a comparison; false if an operand is undefined.
    pub(super) fn compare(&mut self, comparison: Comparison, left: Value, right: Value) -> bool {
        let (ordering, steps) = match (self.string(left), self.string(right)) {
            // The common case needs no view.
            (Some(left), Some(right)) => compare_strings(left, right),
            _ => match (self.view(left), self.view(right)) {
                (Some(left), Some(right)) => compare_views(&left, &right),
                _ => return false,
            },
        };
        let holds = match comparison {
            Comparison::Equal => ordering.is_eq(),
            Comparison::NotEqual => ordering.is_ne(),
            Comparison::Less => ordering.is_lt(),
            Comparison::LessOrEqual => ordering.is_le(),
            Comparison::Greater => ordering.is_gt(),
            Comparison::GreaterOrEqual => ordering.is_ge(),
        };
        self.charge(steps);
        holds
    }

    pub(super) fn equals_literal(&self, value: Value, literal: &Const) -> bool {
        if let Const::String(literal) = literal {
            return self.string(value) == Some(literal);
        }
        let Some(value) = self.view(value) else {
            return false;
        };
        let literal = match literal {
            Const::Null => ValueView::Null,
            Const::Bool(boolean) => ValueView::Bool(*boolean),
            Const::Int(number) => ValueView::Int(*number),
            Const::String(string) => ValueView::String(string),
            Const::EmptyList => ValueView::List(None),
            Const::EmptyMap => ValueView::Map(None),
        };
        compare_views(&value, &literal).0.is_eq()
    }

    /// Decides whether a list has the element, or a map the value.
    pub(super) fn is_member(&mut self, element: Value, collection: Value) -> bool {
        let Some(wanted) = self.view(element) else {
            return false;
        };
        let mut steps = 0;
        let mut equals_wanted = |candidate: &ValueView<'_>| {
            let (ordering, taken) = compare_views(&wanted, candidate);
            steps += 1 + taken;
            ordering.is_eq()
        };
        let is_found = match self.view(collection) {
            Some(ValueView::Strings(strings)) => strings
                .iter()
                .any(|string| equals_wanted(&ValueView::String(string))),
            Some(ValueView::List(Some(list))) => list
                .elements()
                .any(|element| equals_wanted(&ValueView::of_node(element))),
            Some(ValueView::Map(Some(map))) => map
                .entries()
                .any(|entry| equals_wanted(&ValueView::of_node(entry.value))),
            _ => false,
        };
        self.charge(steps);
        is_found
    }
}

/// Returns the bits of the nearest double. Adding zero turns minus zero into zero, which equals it.
fn nearest_double_bits(digits: &str) -> u64 {
    (digits.parse().unwrap_or(0.0_f64) + 0.0).to_bits()
}

/// As [`compare_views`].
fn compare_strings(left: &str, right: &str) -> (Ordering, u64) {
    (left.cmp(right), left.len().min(right.len()) as u64 / 64)
}

/// Returns the order of two values, and the steps that it took to find it.
fn compare_views(left: &ValueView<'_>, right: &ValueView<'_>) -> (Ordering, u64) {
    if left.rank() != right.rank() {
        return (left.rank().cmp(&right.rank()), 0);
    }
    let ordering = match (left, right) {
        (ValueView::Bool(left), ValueView::Bool(right)) => left.cmp(right),
        (ValueView::Int(left), ValueView::Int(right)) => left.cmp(right),
        (ValueView::Int(left), ValueView::Digits(right)) => {
            compare_decimals(&left.to_string(), right)
        }
        (ValueView::Digits(left), ValueView::Int(right)) => {
            compare_decimals(left, &right.to_string())
        }
        (ValueView::Digits(left), ValueView::Digits(right)) => compare_decimals(left, right),
        (ValueView::String(left), ValueView::String(right)) => {
            return compare_strings(left, right);
        }
        (ValueView::Strings(left), ValueView::Strings(right)) => left.cmp(right),
        (ValueView::Strings(left), ValueView::List(right)) => {
            compare_strings_with_list(left, *right)
        }
        (ValueView::List(left), ValueView::Strings(right)) => {
            compare_strings_with_list(right, *left).reverse()
        }
        (ValueView::List(left), ValueView::List(right))
        | (ValueView::Map(left), ValueView::Map(right)) => {
            return compare_collections(*left, *right);
        }
        _ => Ordering::Equal,
    };
    (ordering, 0)
}

fn compare_strings_with_list(strings: &[String], list: Option<Node<'_>>) -> Ordering {
    let mut elements = list.into_iter().flat_map(Node::elements);
    for string in strings {
        let Some(element) = elements.next() else {
            return Ordering::Greater;
        };
        let (ordering, _) = compare_views(&ValueView::String(string), &ValueView::of_node(element));
        if ordering.is_ne() {
            return ordering;
        }
    }
    if elements.next().is_some() {
        Ordering::Less
    } else {
        Ordering::Equal
    }
}

/// The elements of two lists or two maps that are not compared yet. Each vector is reversed, so
/// that `pop` gives the next.
enum Remaining<'v> {
    Lists(Vec<Node<'v>>, Vec<Node<'v>>),
    /// In the order of keys.
    Maps(Vec<Entry<'v>>, Vec<Entry<'v>>),
}

impl<'v> Remaining<'v> {
    fn new(left: Node<'v>, right: Node<'v>) -> Self {
        if left.is_map() {
            let by_key = |map: Node<'v>| {
                let mut entries: Vec<Entry<'v>> = map.entries().collect();
                entries.sort_by(|left, right| right.key.cmp(left.key));
                entries
            };
            return Self::Maps(by_key(left), by_key(right));
        }
        let reversed = |list: Node<'v>| {
            let mut elements: Vec<Node<'v>> = list.elements().collect();
            elements.reverse();
            elements
        };
        Self::Lists(reversed(left), reversed(right))
    }
}

/// The next step in comparing two collections.
enum NextPair<'v> {
    /// These two decide, unless they are equal.
    Pair(Node<'v>, Node<'v>),
    /// The order is known.
    Decided(Ordering),
    /// Both collections are at their end: they are equal.
    End,
}

impl<'v> Remaining<'v> {
    fn next_pair(&mut self) -> NextPair<'v> {
        match self {
            Self::Lists(left, right) => match (left.pop(), right.pop()) {
                (Some(left), Some(right)) => NextPair::Pair(left, right),
                (left, right) => ends(left.is_some(), right.is_some()),
            },
            Self::Maps(left, right) => match (left.pop(), right.pop()) {
                (Some(left), Some(right)) if left.key == right.key => {
                    NextPair::Pair(left.value, right.value)
                }
                (Some(left), Some(right)) => NextPair::Decided(left.key.cmp(right.key)),
                (left, right) => ends(left.is_some(), right.is_some()),
            },
        }
    }
}

/// One collection is at its end: the shorter is less.
fn ends<'v>(left_has_more: bool, right_has_more: bool) -> NextPair<'v> {
    match left_has_more.cmp(&right_has_more) {
        Ordering::Equal => NextPair::End,
        ordering => NextPair::Decided(ordering),
    }
}

/// Compares two lists element by element, or two maps entry by entry in the order of keys. Depth
/// first, with a stack.
fn compare_collections<'v>(left: Option<Node<'v>>, right: Option<Node<'v>>) -> (Ordering, u64) {
    let (Some(left), Some(right)) = (left, right) else {
        let len = |collection: Option<Node<'_>>| {
            collection.map_or(0, |node| node.elements().count() + node.entries().count())
        };
        return (len(left).cmp(&len(right)), 0);
    };
    let mut steps = 0;
    let mut stack = vec![Remaining::new(left, right)];
    while let Some(remaining) = stack.last_mut() {
        steps += 1;
        let (left, right) = match remaining.next_pair() {
            NextPair::Pair(left, right) => (left, right),
            NextPair::Decided(ordering) => return (ordering, steps),
            NextPair::End => {
                stack.pop();
                continue;
            }
        };
        let (left_view, right_view) = (ValueView::of_node(left), ValueView::of_node(right));
        match (&left_view, &right_view) {
            (ValueView::List(_), ValueView::List(_)) | (ValueView::Map(_), ValueView::Map(_)) => {
                stack.push(Remaining::new(left, right));
            }
            _ => {
                // No two collections of one type: this call does not come back here.
                let (ordering, taken) = compare_views(&left_view, &right_view);
                steps += taken;
                if ordering.is_ne() {
                    return (ordering, steps);
                }
            }
        }
    }
    (Ordering::Equal, steps)
}
