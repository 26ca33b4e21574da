//! Builtins of Rego and functions of the shared library, by their native halves in
//! `kubevet_ir::intrinsics`.

use super::{
    evaluator::Evaluator,
    observer::ConditionObserver,
    value::{PackedValue, StaticStr, Value},
};
use kubevet_document::{Node, Number};
use kubevet_ir::intrinsics::{
    connect_options, host_path,
    quantity::{self, Quantity},
    strings,
};
use kubevet_ir::{Intrinsic, Predicate, Term, TermId, ValueType};
use std::borrow::Cow;

impl<O: ConditionObserver> Evaluator<'_, O> {
    /// Calls an intrinsic; undefined if an argument is.
    pub(super) fn call(&mut self, intrinsic: Intrinsic, arguments: &[TermId]) -> Value {
        let mut values = [Value::Undefined; 3];
        for (slot, argument) in values.iter_mut().zip(arguments) {
            *slot = self.term(*argument);
            if *slot == Value::Undefined {
                return Value::Undefined;
            }
        }
        let [first, second, third] = values;
        match intrinsic {
            Intrinsic::LowerAscii => {
                self.map_string(first, |string| Some(strings::lower_ascii(string)))
            }
            Intrinsic::Words => {
                self.map_string(first, |string| Some(Cow::Owned(strings::words(string))))
            }
            Intrinsic::Join => self.join(first, second),
            Intrinsic::LastBetween => self.last_between(first, second, third),
            Intrinsic::TrimSpace => self.map_string(first, |string| {
                Some(Cow::Borrowed(strings::trim_space(string)))
            }),
            Intrinsic::Trim => self.map_with(first, second, strings::trim),
            Intrinsic::TrimLeft => self.map_with(first, second, strings::trim_left),
            Intrinsic::TrimRight => self.map_with(first, second, strings::trim_right),
            Intrinsic::TrimPrefix => self.map_with(first, second, strings::trim_prefix),
            Intrinsic::TrimSuffix => self.map_with(first, second, strings::trim_suffix),
            Intrinsic::Substring => self.substring(first, second, third),
            Intrinsic::Replace => self.replace(first, second, third),
            Intrinsic::SplitAt => self.split_at(first, second, third),
            Intrinsic::SplitCount => self.split_count(first, second),
            Intrinsic::ImageRegistry => self.image_part(first, |reference| reference.registry()),
            Intrinsic::ImageTag => {
                self.image_part(first, |reference| Cow::Borrowed(reference.tag()))
            }
            Intrinsic::ImageDigest => {
                self.image_part(first, |reference| Cow::Borrowed(reference.digest()))
            }
            Intrinsic::ImageEffectiveTag => {
                self.image_part(first, |reference| Cow::Borrowed(reference.effective_tag()))
            }
            Intrinsic::ImageRepository => self.image_part(first, |reference| {
                let joined = reference.repository();
                if joined.front.is_empty() {
                    Cow::Borrowed(joined.rest)
                } else {
                    Cow::Owned(format!("{}{}", joined.front, joined.rest))
                }
            }),
            Intrinsic::ImageName => self.image_part(first, |reference| {
                let mut name = String::new();
                reference.write_name(&mut name);
                Cow::Owned(name)
            }),
            Intrinsic::CleanPath => {
                if self.value_type(first) == Some(ValueType::String) {
                    self.map_string(first, |path| Some(host_path::clean(path)))
                } else {
                    Value::Static(StaticStr::Empty)
                }
            }
            Intrinsic::ConnectionTarget => {
                let target = connect_options::target(self.context.document.root());
                self.store(&target)
            }
            Intrinsic::ConnectionCommand => {
                let command = connect_options::command(self.context.document.root());
                self.store(&command)
            }
            Intrinsic::ConnectionPorts => {
                let ports = connect_options::ports(self.context.document.root());
                self.store(&ports)
            }
        }
    }

    /// Joins the elements of a list; those that are no strings are empty.
    fn join(&mut self, list: Value, separator: Value) -> Value {
        let Some(separator) = self.string(separator).map(str::to_owned) else {
            return Value::Undefined;
        };
        let Value::Node(list) = list else {
            return Value::Static(StaticStr::Empty);
        };
        let list = self.node(list);
        if !list.is_list() {
            return Value::Static(StaticStr::Empty);
        }
        self.charge(list.child_count() as u64);
        let mut joined = String::new();
        let elements = list.elements();
        let parts = elements.map(|element| element.as_str().unwrap_or_default());
        strings::concat(&separator, parts, &mut joined);
        self.store(&joined)
    }

    fn last_between(&mut self, string: Value, open: Value, close: Value) -> Value {
        let (Some(open), Some(close)) = (self.string(open), self.string(close)) else {
            return Value::Undefined;
        };
        let (open, close) = (open.to_owned(), close.to_owned());
        self.map_string(string, |string| {
            Some(Cow::Borrowed(strings::last_between(string, &open, &close)))
        })
    }

    fn substring(&mut self, string: Value, offset: Value, length: Value) -> Value {
        let (Some(offset), Some(length)) = (self.integer(offset), self.integer(length)) else {
            return Value::Undefined;
        };
        self.map_string(string, |string| {
            strings::substring(string, offset, length).map(Cow::Borrowed)
        })
    }

    fn replace(&mut self, string: Value, old: Value, new: Value) -> Value {
        if let (Some(old), Some(new)) = (self.borrowed_string(old), self.borrowed_string(new)) {
            return self.map_string(string, |string| strings::replace(string, old, new));
        }
        // A string in the scratch buffer is copied: the buffer may move when the result is stored.
        let (Some(old), Some(new)) = (self.string(old), self.string(new)) else {
            return Value::Undefined;
        };
        let (old, new) = (old.to_owned(), new.to_owned());
        self.map_string(string, |string| strings::replace(string, &old, &new))
    }

    fn split_at(&mut self, string: Value, separator: Value, index: Value) -> Value {
        let (Some(separator), Some(index)) = (self.string(separator), self.integer(index)) else {
            return Value::Undefined;
        };
        let (separator, Ok(index)) = (separator.to_owned(), usize::try_from(index)) else {
            return Value::Undefined;
        };
        self.map_string(string, |string| {
            strings::split(string, &separator)
                .nth(index)
                .map(Cow::Borrowed)
        })
    }

    fn split_count(&self, string: Value, separator: Value) -> Value {
        let (Some(string), Some(separator)) = (self.string(string), self.string(separator)) else {
            return Value::Undefined;
        };
        let count = strings::split(string, separator).count();
        Value::Int(i64::try_from(count).unwrap_or(i64::MAX))
    }

    /// Applies a function of two strings whose result is a substring of the first.
    fn map_with(
        &mut self,
        first: Value,
        second: Value,
        function: for<'t> fn(&'t str, &str) -> &'t str,
    ) -> Value {
        if let Some(second) = self.borrowed_string(second) {
            return self.map_string(first, |first| Some(Cow::Borrowed(function(first, second))));
        }
        // A string in the scratch buffer is copied: the buffer may move when the result is stored.
        match self.string(second).map(str::to_owned) {
            Some(second) => {
                self.map_string(first, |first| Some(Cow::Borrowed(function(first, &second))))
            }
            None => Value::Undefined,
        }
    }

    fn integer(&self, value: Value) -> Option<i64> {
        match value {
            Value::Int(number) => Some(number),
            Value::Node(node) => match self.node(node).as_number()? {
                Number::Int(number) => Some(number),
                _ => None,
            },
            _ => None,
        }
    }

    /// Decides a predicate; false if an argument is undefined or of a wrong type.
    pub(super) fn test(&mut self, predicate: Predicate, arguments: &[TermId]) -> bool {
        let [first, others @ ..] = arguments else {
            return false;
        };
        let second = others.first();
        match (predicate, others) {
            (Predicate::Matches, [subject]) => return self.matches(*first, *subject),
            (Predicate::MatchesExcept, [exception, subject]) => {
                return self.matches_except(*first, *exception, *subject);
            }
            _ => {}
        }
        let first = self.packed_term(*first);
        let second = second.map_or(PackedValue::NULL, |second| self.packed_term(*second));
        if first.is_undefined() || second.is_undefined() {
            return false;
        }
        match predicate {
            Predicate::Matches | Predicate::MatchesExcept => false,
            Predicate::IsQuantity => self
                .quantity_string(first.unpack())
                .is_some_and(|string| Quantity::parse(string).is_some()),
            Predicate::QuantityPositive => self
                .quantity_string(first.unpack())
                .is_some_and(quantity::is_positive),
            Predicate::QuantityLess => {
                let is_less = self.is_quantity_less(first.unpack(), second.unpack());
                is_less.unwrap_or(false)
            }
            Predicate::StartsWith => self.test_strings(first, second, |a, b| a.starts_with(b)),
            Predicate::EndsWith => self.test_strings(first, second, |a, b| a.ends_with(b)),
            Predicate::Contains => self.test_strings(first, second, |a, b| a.contains(b)),
            Predicate::ContainsIgnoreCase => {
                self.test_strings(first, second, strings::contains_ignore_case)
            }
            Predicate::ImageWithin => self.is_image_within(first.unpack(), second.unpack()),
        }
    }

    #[inline]
    fn test_strings(
        &mut self,
        first: PackedValue,
        second: PackedValue,
        predicate: impl FnOnce(&str, &str) -> bool,
    ) -> bool {
        let strings = (self.packed_string(first), self.packed_string(second));
        let (Some(first), Some(second)) = strings else {
            return false;
        };
        let (holds, len) = (predicate(first, second), first.len());
        self.charge(len as u64 / 16);
        holds
    }

    /// Matches a pattern, which is a literal or an element of a param. An invalid pattern matches
    /// nothing.
    fn matches(&mut self, pattern: TermId, subject: TermId) -> bool {
        let subject = self.packed_term(subject);
        let Some(subject) = self.packed_string(subject) else {
            return false;
        };
        let context = &self.context;
        let pattern = match context.program.term(pattern) {
            Term::Value(binder) => match self.loop_state(*binder).value.unpack() {
                Value::ParamItem { param, item } => context.params.pattern(param, item),
                _ => None,
            },
            _ => context.tables.literal_pattern(pattern),
        };
        let holds = pattern.is_some_and(|pattern| pattern.is_match(subject));
        let len = subject.len();
        self.charge(len as u64 / 16);
        holds
    }

    /// Finds a match of one literal pattern that another does not match. An invalid pattern matches
    /// nothing.
    fn matches_except(&mut self, pattern: TermId, exception: TermId, subject: TermId) -> bool {
        let subject = self.packed_term(subject);
        let Some(subject) = self.packed_string(subject) else {
            return false;
        };
        let tables = &self.context.tables;
        let exception = tables.literal_pattern(exception);
        let holds = tables.literal_pattern(pattern).is_some_and(|pattern| {
            pattern
                .find_iter(subject)
                .any(|found| !exception.is_some_and(|exception| exception.is_match(found.as_str())))
        });
        let len = subject.len();
        self.charge(len as u64 / 16);
        holds
    }

    fn is_quantity_less(&self, first: Value, second: Value) -> Option<bool> {
        let first = Quantity::parse(self.quantity_string(first)?)?;
        let second = Quantity::parse(self.quantity_string(second)?)?;
        Some(first.less(second))
    }

    /// Returns a string, or the digits of a number as they are written: both can be quantities.
    fn quantity_string(&self, value: Value) -> Option<&str> {
        match value {
            Value::Node(node) => {
                let node = self.node(node);
                node.as_str().or_else(|| Node::digits(node))
            }
            other => self.string(other),
        }
    }
}
