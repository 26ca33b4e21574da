//! Params as the evaluator reads them: by number, with their patterns compiled. They are resolved
//! once for each set of params and shared by all objects.

use super::{
    patterns::{compile_pattern, compile_pattern_set},
    side_tables::SideTables,
    string_set::StringSets,
};
use kubevet_ir::CompiledControl;
use kubevet_policy::{ParamValue, Params};
use regex::{Regex, RegexSet};

/// The values of params for one program.
#[derive(Debug)]
pub(crate) struct ResolvedParams {
    /// By number of the param.
    values: Vec<ResolvedParam>,
    /// True for compiled controls whose required params are set, by index of the control.
    is_configured: Vec<bool>,
    /// True for clauses that cannot fire under these params, by number of the clause.
    pub(super) impossible_clauses: Vec<bool>,
    /// What is left of the conditions that string sets decide, by position in the plan; `None` if
    /// the elements must be visited one by one.
    pub(super) string_sets: Vec<Option<StringSets>>,
    /// All params as the interpreter reads them.
    interpreter_params: regorus::Value,
}

#[derive(Debug)]
enum ResolvedParam {
    Absent,
    String(String),
    List {
        strings: Vec<String>,
        /// The compiled elements; `None` for those that are no valid pattern. Empty if no rule uses
        /// the param as patterns.
        patterns: Vec<Option<Regex>>,
        /// All valid patterns as one automaton; `None` if that would be too large.
        pattern_set: Option<RegexSet>,
    },
}

impl ResolvedParams {
    /// The params by number. `resolve_params` adds what an evaluator has to find out.
    pub(super) fn new(params: &Params, tables: &SideTables, controls: &[CompiledControl]) -> Self {
        let names = tables.param_names().iter();
        let values = names
            .zip(tables.param_has_patterns())
            .map(|(name, has_patterns)| ResolvedParam::new(params.get(name), *has_patterns))
            .collect();
        let is_configured = controls
            .iter()
            .map(|compiled| params.configures(&compiled.control))
            .collect();
        Self {
            values,
            is_configured,
            impossible_clauses: Vec::new(),
            string_sets: Vec::new(),
            interpreter_params: crate::interpreter_input::params_value(params),
        }
    }

    /// The string sets of a condition, by its position in the plan.
    #[inline]
    pub(super) fn string_sets(&self, position: usize) -> Option<&StringSets> {
        self.string_sets.get(position)?.as_ref()
    }

    /// True if the required params of a compiled control are set.
    pub(super) fn is_configured(&self, control: usize) -> bool {
        self.is_configured.get(control).copied().unwrap_or(false)
    }

    pub(crate) fn interpreter_params(&self) -> &regorus::Value {
        &self.interpreter_params
    }

    pub(super) fn is_set(&self, param: u32) -> bool {
        !matches!(
            self.values.get(param as usize),
            None | Some(ResolvedParam::Absent)
        )
    }

    /// Returns a param that is a string.
    pub(super) fn string(&self, param: u32) -> Option<&str> {
        match self.values.get(param as usize)? {
            ResolvedParam::String(string) => Some(string),
            _ => None,
        }
    }

    /// Returns a param that is a list.
    pub(super) fn list(&self, param: u32) -> Option<&[String]> {
        match self.values.get(param as usize)? {
            ResolvedParam::List { strings, .. } => Some(strings),
            _ => None,
        }
    }

    pub(super) fn item(&self, param: u32, item: u32) -> Option<&str> {
        self.list(param)?.get(item as usize).map(String::as_str)
    }

    /// Returns the pattern that an element is; `None` if it is no valid pattern, which matches
    /// nothing.
    pub(super) fn pattern(&self, param: u32, item: u32) -> Option<&Regex> {
        match self.values.get(param as usize)? {
            ResolvedParam::List { patterns, .. } => patterns.get(item as usize)?.as_ref(),
            _ => None,
        }
    }

    /// Decides whether any pattern of a param matches; `None` if they must be matched one by one.
    pub(super) fn any_pattern_matches(&self, param: u32, subject: &str) -> Option<bool> {
        match self.values.get(param as usize)? {
            ResolvedParam::List {
                pattern_set: Some(set),
                ..
            } => Some(set.is_match(subject)),
            _ => None,
        }
    }
}

impl ResolvedParam {
    fn new(value: Option<&ParamValue>, has_patterns: bool) -> Self {
        match value {
            None => Self::Absent,
            Some(ParamValue::String(string)) => Self::String(string.clone()),
            Some(ParamValue::List(strings)) if has_patterns => Self::with_patterns(strings),
            Some(ParamValue::List(strings)) => Self::List {
                strings: strings.clone(),
                patterns: Vec::new(),
                pattern_set: None,
            },
        }
    }

    fn with_patterns(strings: &[String]) -> Self {
        let patterns: Vec<Option<Regex>> = strings
            .iter()
            .map(|string| compile_pattern(string))
            .collect();
        let valid = strings.iter().zip(&patterns);
        let valid = valid.filter_map(|(string, pattern)| pattern.as_ref().map(|_| string));
        let pattern_set = compile_pattern_set(valid);
        Self::List {
            strings: strings.to_vec(),
            patterns,
            pattern_set,
        }
    }
}
