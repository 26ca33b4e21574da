//! The builtins that a rule may call: an allow-list. The interpreter of the engine bounds the output
//! of those that can allocate more than their input has.
//!
//! No builtin on the list reads the network, the clock, random numbers or the machine, so rules are
//! pure. Nothing here calls a builtin.

/// Builtins whose output is a scalar or no larger than their input.
const SCALAR_BUILTINS: &[&str] = &[
    "abs",
    "ceil",
    "floor",
    "round",
    "count",
    "max",
    "min",
    "sum",
    "any",
    "all",
    "contains",
    "startswith",
    "endswith",
    "indexof",
    "lower",
    "upper",
    "substring",
    "trim",
    "trim_left",
    "trim_right",
    "trim_prefix",
    "trim_suffix",
    "trim_space",
    "strings.any_prefix_match",
    "strings.any_suffix_match",
    "strings.count",
    "strings.reverse",
    "is_array",
    "is_boolean",
    "is_null",
    "is_number",
    "is_object",
    "is_set",
    "is_string",
    "type_name",
    "object.get",
    "object.subset",
    "regex.match",
    "regex.is_valid",
    "bits.and",
    "bits.or",
];

/// Builtins that copy or multiply their arguments. The interpreter must bound the output of each.
pub const BOUNDED_BUILTINS: &[&str] = &[
    "array.concat",
    "array.reverse",
    "array.slice",
    "concat",
    "format_int",
    "intersection",
    "indexof_n",
    "json.marshal",
    "json.filter",
    "json.remove",
    "numbers.range",
    "object.filter",
    "object.keys",
    "object.remove",
    "object.union",
    "regex.find_all_string_submatch_n",
    "regex.find_n",
    "regex.replace",
    "regex.split",
    "replace",
    "sort",
    "split",
    "sprintf",
    "strings.replace_n",
    "to_number",
    "union",
    "units.parse",
    "units.parse_bytes",
];

/// True if a rule may call this builtin.
pub(crate) fn is_allowed(name: &str) -> bool {
    SCALAR_BUILTINS.contains(&name) || BOUNDED_BUILTINS.contains(&name)
}

/// The names of the builtins that a rule may call.
pub(crate) fn names<'a>() -> impl Iterator<Item = &'a str> {
    SCALAR_BUILTINS.iter().chain(BOUNDED_BUILTINS).copied()
}

/// True if builtins begin with this word and a dot, such as `object` of `object.get`.
pub(crate) fn is_namespace(word: &str) -> bool {
    names().any(|name| name.split_once('.').is_some_and(|(first, _)| first == word))
}

/// Builtins whose result may contain their arguments. The result of every other builtin is a new
/// string, number or boolean.
const COLLECTION_BUILTINS: &[&str] = &[
    "abs",
    "array.concat",
    "array.reverse",
    "array.slice",
    "ceil",
    "floor",
    "intersection",
    "json.filter",
    "json.remove",
    "max",
    "min",
    "object.filter",
    "object.get",
    "object.remove",
    "object.union",
    "round",
    "sort",
    "sum",
    "union",
];

/// True if the result of a builtin may contain its arguments.
pub(crate) fn holds_arguments(name: &str) -> bool {
    COLLECTION_BUILTINS.contains(&name)
}
