//! Bounds on the output of builtins in the interpreter.
//!
//! regorus limits neither the output of a builtin nor its time, and a builtin such as `sprintf` or
//! `numbers.range` makes any amount from a few bytes. Each builtin of
//! [`kubevet_rego::builtins::BOUNDED_BUILTINS`] is wrapped: the wrapper computes an upper bound of
//! the output from the arguments and charges it to the budget of the evaluation before the builtin
//! runs. Which builtins a rule may call at all is decided in the crate `rego`.

use regorus::{
    Value,
    unstable::{BUILTINS, BuiltinFcn, Expr, Ref, Source, Span},
};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// The most bytes that bounded builtins may allocate in one evaluation.
pub(super) const MAX_OUTPUT_BYTES: u64 = 32 * 1024 * 1024;

/// The result of a builtin.
type BuiltinResult = anyhow::Result<Value>;
/// Returns the most bytes that a call with these arguments can allocate.
type OutputBound = fn(&[Value]) -> u64;

/// The bound of each builtin that copies or multiplies its arguments.
const OUTPUT_BOUNDS: &[(&str, OutputBound)] = &[
    ("array.concat", |args| elements(args, 0) + elements(args, 1)),
    ("array.reverse", |args| elements(args, 0)),
    ("array.slice", |args| elements(args, 0)),
    ("concat", |args| joined(args)),
    ("format_int", |_| 64),
    ("intersection", |args| elements(args, 0)),
    ("indexof_n", |args| string_bytes(args, 0) * CELL_BYTES),
    ("json.marshal", |args| {
        args.first().map_or(0, printed).saturating_mul(6)
    }),
    ("json.filter", |args| elements(args, 0) * 4),
    ("json.remove", |args| elements(args, 0) * 4),
    ("numbers.range", range),
    ("object.filter", |args| elements(args, 0)),
    ("object.keys", |args| elements(args, 0)),
    ("object.remove", |args| elements(args, 0)),
    ("object.union", |args| elements(args, 0) + elements(args, 1)),
    ("regex.find_all_string_submatch_n", |args| {
        string_bytes(args, 1) * CELL_BYTES
    }),
    ("regex.find_n", |args| string_bytes(args, 1) * CELL_BYTES),
    ("regex.replace", |args| {
        replaced(string_bytes(args, 0), 1, string_bytes(args, 2))
            + dollars(args, 2) * string_bytes(args, 0)
    }),
    ("regex.split", |args| string_bytes(args, 1) * CELL_BYTES),
    ("replace", |args| {
        replaced(
            string_bytes(args, 0),
            string_bytes(args, 1),
            string_bytes(args, 2),
        )
    }),
    ("sort", |args| elements(args, 0)),
    ("split", |args| string_bytes(args, 0) * CELL_BYTES),
    ("sprintf", formatted),
    ("strings.replace_n", replaced_n),
    ("to_number", digits),
    ("union", |args| members(args, 0)),
    ("units.parse", quantity),
    ("units.parse_bytes", quantity),
];

/// The most digits of a number that is parsed from a string.
pub(super) const MAX_NUMBER_DIGITS: u64 = 400;

/// The bytes that are charged for one value in a collection.
const CELL_BYTES: u64 = 32;

/// The bytes that remain of an evaluation's budget. Clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct Budget(Arc<AtomicU64>);

impl Budget {
    /// Resets the budget at the start of an evaluation.
    pub(super) fn refill(&self) {
        self.0.store(MAX_OUTPUT_BYTES, Ordering::Relaxed);
    }

    /// True if a call was rejected. The result of the evaluation must then be discarded: a rule may
    /// have continued with an undefined value in place of the call's.
    pub(super) fn is_overdrawn(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }

    /// Subtracts `bytes`, and returns false if the budget is exhausted. Each call costs one byte
    /// more, so that empty results are not free.
    fn charge(&self, bytes: u64) -> bool {
        let left = self
            .0
            .load(Ordering::Relaxed)
            .saturating_sub(bytes.saturating_add(1));
        self.0.store(left, Ordering::Relaxed);
        left > 0
    }
}

/// Replaces builtins of regorus by their bounded wrappers.
///
/// # Errors
/// regorus rejects an extension.
pub(super) fn install(engine: &mut regorus::Engine, budget: &Budget) -> anyhow::Result<()> {
    let source = Source::from_contents("builtin".to_owned(), String::new())?;
    let span = Span {
        source,
        line: 1,
        col: 1,
        start: 0,
        end: 0,
    };
    for (name, bytes) in OUTPUT_BOUNDS {
        let Some(builtin) = BUILTINS.get(name).copied() else {
            continue;
        };
        let call = bounded(name, builtin, *bytes, span.clone(), budget.clone());
        engine.add_extension((*name).to_owned(), builtin.1, Box::new(call))?;
    }
    Ok(())
}

fn bounded(
    name: &'static str,
    (function, arity): BuiltinFcn,
    bytes: OutputBound,
    span: Span,
    budget: Budget,
) -> impl FnMut(Vec<Value>) -> BuiltinResult + Clone + Send + Sync {
    // The builtins of regorus take the argument expressions only to name them in errors. The errors
    // are dropped below, so placeholders are enough.
    let arguments = vec![
        Ref::new(Expr::Null {
            span: span.clone(),
            value: Value::Null,
            eidx: 0
        });
        usize::from(arity)
    ];
    move |values: Vec<Value>| {
        if !budget.charge(bytes(&values)) {
            anyhow::bail!(
                "{name} would make too much: a judgement may make {} MiB",
                MAX_OUTPUT_BYTES >> 20
            );
        }
        // As in OPA, a builtin that cannot work on its arguments is undefined.
        Ok(function(&span, &arguments, &values, false).unwrap_or(Value::Undefined))
    }
}

/// The size of an argument that is a string, in bytes.
fn string_bytes(values: &[Value], index: usize) -> u64 {
    values.get(index).map_or(0, value_bytes)
}

/// The size of a value without its elements, in bytes.
fn value_bytes(value: &Value) -> u64 {
    match value {
        Value::String(text) => text.len() as u64,
        _ => CELL_BYTES,
    }
}

/// The size of the elements of an argument that is a collection, in bytes.
fn elements(values: &[Value], index: usize) -> u64 {
    CELL_BYTES
        * match values.get(index) {
            Some(Value::Array(array)) => array.len() as u64,
            Some(Value::Set(set)) => set.len() as u64,
            Some(Value::Object(object)) => object.len() as u64,
            _ => 1,
        }
}

/// The elements of the members of a collection of collections.
fn members(values: &[Value], index: usize) -> u64 {
    match values.get(index) {
        Some(Value::Set(sets)) => sets
            .iter()
            .map(|set| elements(std::slice::from_ref(set), 0))
            .sum(),
        _ => 0,
    }
}

/// The bound of `to_number`. Numbers have arbitrary precision, so long ones take time beyond their
/// size: they are rejected.
fn digits(values: &[Value]) -> u64 {
    if string_bytes(values, 0) > MAX_NUMBER_DIGITS {
        u64::MAX
    } else {
        CELL_BYTES
    }
}

/// The bound of the `units` builtins. An exponent (`1e9999999`) expands to that many digits, so its
/// value counts and not its length.
fn quantity(values: &[Value]) -> u64 {
    let Some(Value::String(text)) = values.first() else {
        return CELL_BYTES;
    };
    let exponent = text
        .split(['e', 'E'])
        .nth(1)
        .map_or("", |exponent| exponent.trim_start_matches(['+', '-']));
    let end = exponent
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(exponent.len());
    let written: u64 = match exponent.get(..end) {
        None | Some("") => 0,
        Some(digits) => digits.parse().unwrap_or(u64::MAX),
    };
    if written.saturating_add(text.len() as u64) > MAX_NUMBER_DIGITS {
        u64::MAX
    } else {
        CELL_BYTES
    }
}

fn joined(values: &[Value]) -> u64 {
    let total = |count: usize, bytes: u64| bytes + count as u64 * string_bytes(values, 0);
    match values.get(1) {
        Some(Value::Array(array)) => total(array.len(), array.iter().map(value_bytes).sum()),
        Some(Value::Set(set)) => total(set.len(), set.iter().map(value_bytes).sum()),
        _ => 0,
    }
}

fn range(values: &[Value]) -> u64 {
    let end = |index: usize| {
        values
            .get(index)
            .and_then(|number| number.as_f64().ok())
            .unwrap_or_default()
    };
    let count = (end(0) - end(1)).abs();
    if count < 1e9 {
        (count as u64 + 1) * CELL_BYTES
    } else {
        u64::MAX
    }
}

fn replaced(subject: u64, old: u64, new: u64) -> u64 {
    subject.saturating_add((subject / old.max(1) + 1).saturating_mul(new))
}

fn replaced_n(values: &[Value]) -> u64 {
    let Some(Value::Object(pairs)) = values.first() else {
        return 0;
    };
    pairs
        .iter()
        .fold(string_bytes(values, 1), |bytes, (old, new)| {
            let (old, new) = (value_bytes(old), value_bytes(new));
            if new <= old {
                bytes
            } else {
                replaced(bytes, old, new)
            }
        })
}

fn dollars(values: &[Value], index: usize) -> u64 {
    match values.get(index) {
        Some(Value::String(template)) => template.matches('$').count() as u64,
        _ => 0,
    }
}

/// The bound of `sprintf`. The format may contain a padding width (`%9999d`) and use one argument
/// more than once (`%[1]s%[1]s`), so every run of digits counts as padding, and every `%` as all
/// arguments.
fn formatted(values: &[Value]) -> u64 {
    let Some(Value::String(format)) = values.first() else {
        return 0;
    };
    let padding: u64 = format
        .split(|c: char| !c.is_ascii_digit())
        .filter(|run| !run.is_empty())
        .map(|digits| digits.parse().unwrap_or(u64::MAX))
        .fold(0, u64::saturating_add);
    let verbs = format.matches('%').count() as u64;
    let arguments: u64 = match values.get(1) {
        Some(Value::Array(values)) => values.iter().map(printed).sum(),
        _ => 0,
    };
    (format.len() as u64)
        .saturating_add(padding)
        .saturating_add(verbs.saturating_mul(arguments))
}

/// The size of a value as a string, in bytes. It stops above the budget, where more makes no
/// difference.
fn printed(value: &Value) -> u64 {
    let mut bytes = 0_u64;
    let mut todo = vec![value];
    while let Some(value) = todo.pop() {
        bytes += value_bytes(value);
        if bytes > MAX_OUTPUT_BYTES {
            break;
        }
        match value {
            Value::Array(array) => todo.extend(array.iter()),
            Value::Set(set) => todo.extend(set.iter()),
            Value::Object(object) => object
                .iter()
                .for_each(|(key, value)| todo.extend([key, value])),
            _ => {}
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_allowed_builtin_that_grows_has_a_bound() {
        let bounded: BTreeSet<&str> = OUTPUT_BOUNDS.iter().map(|(name, _)| *name).collect();
        let allowed = kubevet_rego::builtins::BOUNDED_BUILTINS.iter().copied();
        assert_eq!(bounded, allowed.collect());
    }
}
