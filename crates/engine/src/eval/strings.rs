//! Strings as values: where their bytes are, and functions of them.

use super::{
    evaluator::{Evaluator, to_u32},
    observer::ConditionObserver,
    value::{PackedValue, StaticStr, Value},
};
use std::{borrow::Cow, ptr};

impl<'e, O: ConditionObserver> Evaluator<'e, O> {
    /// Returns the string of a value; `None` if the value is no string.
    pub(super) fn string(&self, value: Value) -> Option<&str> {
        match value {
            Value::Scratch { start, len } => self
                .scratch
                .strings
                .get(start as usize..start as usize + len as usize),
            other => self.borrowed_string(other),
        }
    }

    /// As [`Evaluator::string`].
    #[inline]
    pub(super) fn packed_string(&self, value: PackedValue) -> Option<&str> {
        match value.node() {
            Some(node) => self.node(node).as_str(),
            None => self.string(value.unpack()),
        }
    }

    /// Returns the string of a value if its bytes are outside the scratch buffer, so that the
    /// buffer may grow meanwhile.
    pub(super) fn borrowed_string(&self, value: Value) -> Option<&'e str> {
        match value {
            Value::Node(node) => self.node(node).as_str(),
            Value::Substring { node, start, len } => self
                .node(node)
                .as_str()?
                .get(start as usize..start as usize + len as usize),
            Value::Constant(index) => self.context.program.string_at(index as usize),
            Value::Param(param) => self.context.params.string(param),
            Value::ParamItem { param, item } => self.context.params.item(param, item),
            Value::Static(string) => Some(string.as_str()),
            _ => None,
        }
    }

    /// Copies a string into the scratch buffer.
    pub(super) fn store(&mut self, string: &str) -> Value {
        if string.is_empty() {
            return Value::Static(StaticStr::Empty);
        }
        self.charge(string.len() as u64 / 64);
        let start = self.scratch.strings.len();
        self.scratch.strings.push_str(string);
        self.scratch_since(start)
    }

    /// The string that was written to the scratch buffer since it had `start` bytes.
    pub(super) fn scratch_since(&self, start: usize) -> Value {
        Value::Scratch {
            start: to_u32(start),
            len: to_u32(self.scratch.strings.len() - start),
        }
    }

    /// Applies a function to a string. A result that is a substring of a node's string is stored as
    /// that, without a copy.
    pub(super) fn map_string(
        &mut self,
        value: Value,
        function: impl for<'t> FnOnce(&'t str) -> Option<Cow<'t, str>>,
    ) -> Value {
        let Some(string) = self.borrowed_string(value) else {
            return self.map_scratch_string(value, function);
        };
        self.charge(string.len() as u64 / 64);
        match function(string) {
            None => Value::Undefined,
            Some(result) => self.part_of(value, string, result),
        }
    }

    /// The value of a string that was computed from the string of a value: a substring of a node's
    /// string as that, without a copy.
    pub(super) fn part_of(&mut self, value: Value, string: &str, result: Cow<'_, str>) -> Value {
        match result {
            Cow::Owned(result) => self.store(&result),
            // The whole argument: same start, same length.
            Cow::Borrowed(result) if ptr::eq(result, string) => value,
            Cow::Borrowed(result) => {
                // The offset of the result in the argument; `None` if it is a static string.
                let offset = (result.as_ptr() as usize)
                    .checked_sub(string.as_ptr() as usize)
                    .filter(|offset| offset + result.len() <= string.len());
                match (value, offset) {
                    (Value::Node(node), Some(offset)) => Value::Substring {
                        node,
                        start: to_u32(offset),
                        len: to_u32(result.len()),
                    },
                    (Value::Substring { node, start, .. }, Some(offset)) => Value::Substring {
                        node,
                        start: start + to_u32(offset),
                        len: to_u32(result.len()),
                    },
                    _ => self.store(result),
                }
            }
        }
    }

    /// As `map_string`, for a string in the scratch buffer. It is copied first, since the buffer
    /// may move when the result is stored.
    fn map_scratch_string(
        &mut self,
        value: Value,
        function: impl for<'t> FnOnce(&'t str) -> Option<Cow<'t, str>>,
    ) -> Value {
        let Value::Scratch { start, len } = value else {
            return Value::Undefined;
        };
        let range = start as usize..start as usize + len as usize;
        let Some(string) = self.scratch.strings.get(range) else {
            return Value::Undefined;
        };
        let copy = string.to_owned();
        self.charge(copy.len() as u64 / 64);
        match function(&copy) {
            Some(result) if result == copy => value,
            Some(result) => self.store(&result),
            None => Value::Undefined,
        }
    }
}
