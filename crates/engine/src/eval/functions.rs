//! Functions: what the library and Rego's builtins do, by their native halves.

use super::{
    evaluator::Evaluator,
    observer::ConditionObserver,
    value::{StaticStr, Value},
};
use kubevet_document::{Node, Number};
use kubevet_ir::intrinsics::{
    connect_options, host_path,
    image::{ImageRef, RepositoryPattern},
    quantity::{self, Quantity},
    strings,
};
use kubevet_ir::{Intrinsic, Predicate, Term, TermId, ValueType};
use std::borrow::Cow;

impl<W: ConditionObserver> Evaluator<'_, W> {
    pub(super) fn call(&mut self, call: Intrinsic, parts: &[TermId]) -> Value {
        let mut values = [Value::Undefined; 3];
        for (slot, part) in values.iter_mut().zip(parts) {
            *slot = self.term(*part);
            if *slot == Value::Undefined {
                return Value::Undefined;
            }
        }
        let [first, second, third] = values;
        match call {
            Intrinsic::LowerAscii => self.map_text(first, |it| Some(strings::lower_ascii(it))),
            Intrinsic::TrimSpace => {
                self.map_text(first, |it| Some(Cow::Borrowed(strings::trim_space(it))))
            }
            Intrinsic::Trim => self.with_second(first, second, strings::trim),
            Intrinsic::TrimLeft => self.with_second(first, second, strings::trim_left),
            Intrinsic::TrimRight => self.with_second(first, second, strings::trim_right),
            Intrinsic::TrimPrefix => self.with_second(first, second, strings::trim_prefix),
            Intrinsic::TrimSuffix => self.with_second(first, second, strings::trim_suffix),
            Intrinsic::Substring => match (self.integer(second), self.integer(third)) {
                (Some(offset), Some(length)) => self.map_text(first, |it| {
                    strings::substring(it, offset, length).map(Cow::Borrowed)
                }),
                _ => Value::Undefined,
            },
            Intrinsic::Replace => {
                let (Some(old), Some(new)) = (self.text(second), self.text(third)) else {
                    return Value::Undefined;
                };
                let (old, new) = (old.to_owned(), new.to_owned());
                self.map_text(first, |it| strings::replace(it, &old, &new))
            }
            Intrinsic::SplitAt => {
                let (Some(separator), Some(place)) = (self.text(second), self.integer(third))
                else {
                    return Value::Undefined;
                };
                let (separator, Ok(place)) = (separator.to_owned(), usize::try_from(place)) else {
                    return Value::Undefined;
                };
                self.map_text(first, |it| {
                    strings::split(it, &separator).nth(place).map(Cow::Borrowed)
                })
            }
            Intrinsic::SplitCount => {
                let (Some(text), Some(separator)) = (self.text(first), self.text(second)) else {
                    return Value::Undefined;
                };
                Value::Int(
                    i64::try_from(strings::split(text, separator).count()).unwrap_or(i64::MAX),
                )
            }
            Intrinsic::ImageRegistry => self.of_image(first, |it| it.registry()),
            Intrinsic::ImageTag => self.of_image(first, |it| Cow::Borrowed(it.tag())),
            Intrinsic::ImageDigest => self.of_image(first, |it| Cow::Borrowed(it.digest())),
            Intrinsic::ImageEffectiveTag => {
                self.of_image(first, |it| Cow::Borrowed(it.effective_tag()))
            }
            Intrinsic::ImageRepository => self.of_image(first, |it| {
                let joined = it.repository();
                if joined.front.is_empty() {
                    Cow::Borrowed(joined.rest)
                } else {
                    Cow::Owned(format!("{}{}", joined.front, joined.rest))
                }
            }),
            Intrinsic::ImageName => self.of_image(first, |it| {
                let mut name = String::new();
                it.write_name(&mut name);
                Cow::Owned(name)
            }),
            Intrinsic::CleanPath => {
                if self.kind(first) == Some(ValueType::String) {
                    self.map_text(first, |it| Some(host_path::clean(it)))
                } else {
                    Value::Static(StaticStr::Empty)
                }
            }
            Intrinsic::ConnectionTarget => {
                let text = connect_options::target(self.document.root());
                self.make(&text)
            }
            Intrinsic::ConnectionCommand => {
                let text = connect_options::command(self.document.root());
                self.make(&text)
            }
            Intrinsic::ConnectionPorts => {
                let text = connect_options::ports(self.document.root());
                self.make(&text)
            }
        }
    }

    fn with_second(
        &mut self,
        first: Value,
        second: Value,
        function: for<'t> fn(&'t str, &str) -> &'t str,
    ) -> Value {
        match self.outside(second) {
            Some(second) => self.map_text(first, |it| Some(Cow::Borrowed(function(it, second)))),
            None => match self.text(second).map(str::to_owned) {
                Some(second) => {
                    self.map_text(first, |it| Some(Cow::Borrowed(function(it, &second))))
                }
                None => Value::Undefined,
            },
        }
    }

    /// What is no text has empty parts.
    fn of_image(&mut self, image: Value, part: for<'t> fn(ImageRef<'t>) -> Cow<'t, str>) -> Value {
        if self.kind(image) == Some(ValueType::String) {
            self.map_text(image, |it| Some(part(ImageRef::read(it))))
        } else {
            Value::Static(StaticStr::Empty)
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

    pub(super) fn test(&mut self, test: Predicate, parts: &[TermId]) -> bool {
        let [first, rest @ ..] = parts else {
            return false;
        };
        let second = rest.first();
        if test == Predicate::Matches {
            return second.is_some_and(|text| self.matches(*first, *text));
        }
        let a = self.term(*first);
        let b = second.map_or(Value::Null, |it| self.term(*it));
        if a == Value::Undefined || b == Value::Undefined {
            return false;
        }
        match test {
            Predicate::IsQuantity => self
                .quantity_text(a)
                .is_some_and(|it| Quantity::parse_text(it).is_some()),
            Predicate::QuantityPositive => self.quantity_text(a).is_some_and(quantity::is_positive),
            Predicate::QuantityLess => match (self.quantity_text(a), self.quantity_text(b)) {
                (Some(a), Some(b)) => match (Quantity::parse_text(a), Quantity::parse_text(b)) {
                    (Some(a), Some(b)) => a.less(b),
                    _ => false,
                },
                _ => false,
            },
            _ => {
                let (Some(text), Some(part)) = (self.text(a), self.text(b)) else {
                    return false;
                };
                let len = text.len();
                let holds = match test {
                    Predicate::StartsWith => text.starts_with(part),
                    Predicate::EndsWith => text.ends_with(part),
                    Predicate::Contains => text.contains(part),
                    Predicate::ContainsIgnoreCase => strings::contains_ignore_case(text, part),
                    _ => ImageRef::read(text).within(RepositoryPattern::read(part)),
                };
                self.charge(len as u64 / 16);
                holds
            }
        }
    }

    fn matches(&mut self, pattern: TermId, text: TermId) -> bool {
        let text = self.term(text);
        let Some(subject) = self.text(text) else {
            return false;
        };
        let found = match self.program.term(pattern) {
            Term::Value(binder) => match self.standing(*binder).value {
                Value::ParamItem { param, item } => self.settings.pattern(param, item),
                _ => None,
            },
            _ => self.tables.const_pattern(pattern),
        };
        let (holds, len) = (found.is_some_and(|it| it.is_match(subject)), subject.len());
        self.charge(len as u64 / 16);
        holds
    }

    /// A text, or a number as it is written.
    fn quantity_text(&self, value: Value) -> Option<&str> {
        match value {
            Value::Node(node) => {
                let node = self.node(node);
                node.as_str().or_else(|| Node::digits(node))
            }
            other => self.text(other),
        }
    }
}
