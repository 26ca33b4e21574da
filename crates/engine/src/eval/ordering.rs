//! How values compare, as in Rego: null, booleans, numbers, texts, lists, maps; within a type by value. Without
//! recursion on what is compared.

use super::{evaluator::Evaluator, observer::ConditionObserver, value::Value};
use kubevet_document::{Entry, Node, Number, Value as Field};
use kubevet_ir::{Comparison, Const};
use std::{cmp::Ordering, hash::BuildHasher as _};

/// A value as it is compared.
enum ValueView<'v> {
    Null,
    Bool(bool),
    Int(i64),
    /// The digits of a number that is no 64-bit integer.
    Digits(&'v str),
    Text(&'v str),
    Texts(&'v [String]),
    List(Option<Node<'v>>),
    Map(Option<Node<'v>>),
}

impl ValueView<'_> {
    fn rank(&self) -> u8 {
        match self {
            Self::Null => 0,
            Self::Bool(_) => 1,
            Self::Int(_) | Self::Digits(_) => 2,
            Self::Text(_) => 3,
            Self::Texts(_) | Self::List(_) => 4,
            Self::Map(_) => 5,
        }
    }
}

fn view(node: Node<'_>) -> ValueView<'_> {
    match node.value() {
        Field::Null => ValueView::Null,
        Field::Bool(it) => ValueView::Bool(it),
        Field::Number(Number::Int(it)) => ValueView::Int(it),
        Field::Number(_) => ValueView::Digits(node.digits().unwrap_or_default()),
        Field::String(it) => ValueView::Text(it),
        Field::List(_) => ValueView::List(Some(node)),
        Field::Map(_) => ValueView::Map(Some(node)),
    }
}

impl<W: ConditionObserver> Evaluator<'_, W> {
    /// A hash that equal values have in common; none where the value is undefined. All lists have one, all maps, and
    /// numbers that the same double is nearest to.
    pub(super) fn hash(&mut self, value: Value) -> Option<u64> {
        let view = self.view(value)?;
        let rank = view.rank();
        let (hash, len) = match &view {
            ValueView::Null | ValueView::Texts(_) | ValueView::List(_) | ValueView::Map(_) => {
                (self.scratch.hashing.hash_one(rank), 0)
            }
            ValueView::Bool(it) => (self.scratch.hashing.hash_one((rank, it)), 0),
            ValueView::Int(it) => (
                self.scratch
                    .hashing
                    .hash_one((rank, nearest(&it.to_string()))),
                0,
            ),
            ValueView::Digits(it) => (self.scratch.hashing.hash_one((rank, nearest(it))), it.len()),
            ValueView::Text(it) => (self.scratch.hashing.hash_one((rank, it)), it.len()),
        };
        self.charge(len as u64 / 64);
        Some(hash)
    }

    fn view(&self, value: Value) -> Option<ValueView<'_>> {
        Some(match value {
            Value::Undefined => return None,
            Value::Null => ValueView::Null,
            Value::Bool(it) => ValueView::Bool(it),
            Value::Int(it) => ValueView::Int(it),
            Value::EmptyList => ValueView::List(None),
            Value::EmptyMap => ValueView::Map(None),
            Value::Node(node) => view(self.node(node)),
            Value::Param(param) => match self.settings.list(param) {
                Some(texts) => ValueView::Texts(texts),
                None => ValueView::Text(self.settings.text(param)?),
            },
            text => ValueView::Text(self.text(text)?),
        })
    }

    pub(super) fn compare(&mut self, comparison: Comparison, a: Value, b: Value) -> bool {
        let (Some(x), Some(y)) = (self.view(a), self.view(b)) else {
            return false;
        };
        let (order, steps) = order(&x, &y);
        let holds = match comparison {
            Comparison::Equal => order.is_eq(),
            Comparison::NotEqual => order.is_ne(),
            Comparison::Less => order.is_lt(),
            Comparison::LessOrEqual => order.is_le(),
            Comparison::Greater => order.is_gt(),
            Comparison::GreaterOrEqual => order.is_ge(),
        };
        self.charge(steps);
        holds
    }

    pub(super) fn is_constant(&self, value: Value, constant: &Const) -> bool {
        let Some(x) = self.view(value) else {
            return false;
        };
        let y = match constant {
            Const::Null => ValueView::Null,
            Const::Bool(it) => ValueView::Bool(*it),
            Const::Int(it) => ValueView::Int(*it),
            Const::String(it) => ValueView::Text(it),
            Const::EmptyList => ValueView::List(None),
            Const::EmptyMap => ValueView::Map(None),
        };
        order(&x, &y).0.is_eq()
    }

    pub(super) fn is_member(&mut self, element: Value, collection: Value) -> bool {
        let Some(wanted) = self.view(element) else {
            return false;
        };
        let mut steps = 0;
        let mut is_it = |it: &ValueView<'_>| {
            let (order, taken) = order(&wanted, it);
            steps += 1 + taken;
            order.is_eq()
        };
        let found = match self.view(collection) {
            Some(ValueView::Texts(texts)) => texts.iter().any(|it| is_it(&ValueView::Text(it))),
            Some(ValueView::List(Some(list))) => list.elements().any(|it| is_it(&view(it))),
            Some(ValueView::Map(Some(map))) => map.entries().any(|it| is_it(&view(it.value))),
            _ => false,
        };
        self.charge(steps);
        found
    }
}

/// The bits of the double that is nearest to a number. Minus zero is zero.
fn nearest(digits: &str) -> u64 {
    (digits.parse().unwrap_or(0.0_f64) + 0.0).to_bits()
}

/// The order of two values, and how many steps it took to find it.
fn order(a: &ValueView<'_>, b: &ValueView<'_>) -> (Ordering, u64) {
    if a.rank() != b.rank() {
        return (a.rank().cmp(&b.rank()), 0);
    }
    let order = match (a, b) {
        (ValueView::Bool(x), ValueView::Bool(y)) => x.cmp(y),
        (ValueView::Int(x), ValueView::Int(y)) => x.cmp(y),
        (ValueView::Int(x), ValueView::Digits(y)) => decimals(&x.to_string(), y),
        (ValueView::Digits(x), ValueView::Int(y)) => decimals(x, &y.to_string()),
        (ValueView::Digits(x), ValueView::Digits(y)) => decimals(x, y),
        (ValueView::Text(x), ValueView::Text(y)) => {
            return (x.cmp(y), x.len().min(y.len()) as u64 / 64);
        }
        (ValueView::Texts(x), ValueView::Texts(y)) => x.cmp(y),
        (ValueView::Texts(x), ValueView::List(y)) => texts_and_list(x, *y),
        (ValueView::List(x), ValueView::Texts(y)) => texts_and_list(y, *x).reverse(),
        (ValueView::List(x), ValueView::List(y)) | (ValueView::Map(x), ValueView::Map(y)) => {
            return collections(*x, *y);
        }
        _ => Ordering::Equal,
    };
    (order, 0)
}

fn texts_and_list(texts: &[String], list: Option<Node<'_>>) -> Ordering {
    let mut elements = list.into_iter().flat_map(Node::elements);
    for text in texts {
        let Some(element) = elements.next() else {
            return Ordering::Greater;
        };
        let here = order(&ValueView::Text(text), &view(element)).0;
        if here.is_ne() {
            return here;
        }
    }
    if elements.next().is_some() {
        Ordering::Less
    } else {
        Ordering::Equal
    }
}

/// What is left to compare of two lists or two maps.
enum Rest<'v> {
    Lists(Vec<Node<'v>>, Vec<Node<'v>>),
    Maps(Vec<Entry<'v>>, Vec<Entry<'v>>),
}

/// Two lists or two maps: element by element, maps in the order of their keys; then the shorter is less.
fn collections<'v>(a: Option<Node<'v>>, b: Option<Node<'v>>) -> (Ordering, u64) {
    let mut steps = 0;
    let (Some(a), Some(b)) = (a, b) else {
        let count =
            |it: Option<Node<'_>>| it.map_or(0, |it| it.elements().count() + it.entries().count());
        return (count(a).cmp(&count(b)), 0);
    };
    let mut stack = vec![Rest::of(a, b)];
    while let Some(rest) = stack.last_mut() {
        steps += 1;
        let pair = match rest {
            Rest::Lists(x, y) => match (x.pop(), y.pop()) {
                (Some(x), Some(y)) => Some((x, y)),
                (x, y) if x.is_some() != y.is_some() => {
                    return (x.is_some().cmp(&y.is_some()), steps);
                }
                _ => None,
            },
            Rest::Maps(x, y) => match (x.pop(), y.pop()) {
                (Some(x), Some(y)) if x.key == y.key => Some((x.value, y.value)),
                (Some(x), Some(y)) => return (x.key.cmp(y.key), steps),
                (x, y) if x.is_some() != y.is_some() => {
                    return (x.is_some().cmp(&y.is_some()), steps);
                }
                _ => None,
            },
        };
        let Some((x, y)) = pair else {
            stack.pop();
            continue;
        };
        let (left, right) = (view(x), view(y));
        match (&left, &right) {
            (ValueView::List(_), ValueView::List(_)) | (ValueView::Map(_), ValueView::Map(_)) => {
                stack.push(Rest::of(x, y))
            }
            _ => {
                let (here, taken) = order(&left, &right);
                steps += taken;
                if here.is_ne() {
                    return (here, steps);
                }
            }
        }
    }
    (Ordering::Equal, steps)
}

impl<'v> Rest<'v> {
    /// Both reversed, so that the next is at the end.
    fn of(a: Node<'v>, b: Node<'v>) -> Self {
        if a.is_map() {
            let sorted = |it: Node<'v>| {
                let mut entries: Vec<Entry<'v>> = it.entries().collect();
                entries.sort_by(|x, y| y.key.cmp(x.key));
                entries
            };
            return Self::Maps(sorted(a), sorted(b));
        }
        let reversed = |it: Node<'v>| {
            let mut elements: Vec<Node<'v>> = it.elements().collect();
            elements.reverse();
            elements
        };
        Self::Lists(reversed(a), reversed(b))
    }
}

/// Two numbers by their digits, exactly.
fn decimals(a: &str, b: &str) -> Ordering {
    let (a, b) = (Decimal::read(a), Decimal::read(b));
    match (a.sign(), b.sign()) {
        (x, y) if x != y => x.cmp(&y),
        (-1, _) => b.size().cmp(&a.size()),
        _ => a.size().cmp(&b.size()),
    }
}

/// A number as its digits without zeros at either end, and the power of ten of the first.
struct Decimal {
    negative: bool,
    lead: i64,
    digits: Vec<u8>,
}

impl Decimal {
    fn read(text: &str) -> Self {
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (negative, mantissa) = match mantissa.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, mantissa),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let clamped = |it: &str| {
            let huge = if it.starts_with('-') {
                i64::MIN / 4
            } else {
                i64::MAX / 4
            };
            it.strip_prefix('+')
                .unwrap_or(it)
                .parse::<i64>()
                .map_or(huge, |it| it.clamp(i64::MIN / 4, i64::MAX / 4))
        };
        let mut digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
        let zeros = digits.iter().take_while(|it| **it == b'0').count();
        digits.drain(..zeros);
        while digits.last() == Some(&b'0') {
            digits.pop();
        }
        let offset =
            i64::try_from(whole.len()).unwrap_or(i64::MAX / 4) - i64::try_from(zeros).unwrap_or(0);
        Self {
            negative,
            lead: clamped(exponent) + offset,
            digits,
        }
    }

    fn sign(&self) -> i8 {
        match (self.digits.is_empty(), self.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        }
    }

    fn size(&self) -> (i64, &[u8]) {
        if self.digits.is_empty() {
            (i64::MIN, &[])
        } else {
            (self.lead, &self.digits)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::decimals;

    #[test]
    fn numbers_compare_by_value() {
        for (a, b) in [
            ("0.1", "0.2"),
            ("-1.5", "0"),
            ("-2e3", "-1999.9"),
            ("9223372036854775807", "9223372036854775808"),
            ("1e400", "1e401"),
            ("0.00099", "1e-3"),
        ] {
            assert!(decimals(a, b).is_lt(), "{a} < {b}");
            assert!(decimals(b, a).is_gt(), "{b} > {a}");
        }
        for (a, b) in [
            ("1", "1.0"),
            ("1e3", "1000"),
            ("0", "-0"),
            ("0.0", "0e9"),
            ("12.50e1", "125"),
            ("10", "1E1"),
        ] {
            assert!(decimals(a, b).is_eq(), "{a} = {b}");
        }
    }
}
