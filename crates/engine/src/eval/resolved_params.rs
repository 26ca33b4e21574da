//! Params, read once: their texts, and the patterns among them.

use kubevet_ir::CompiledControl;
use kubevet_ir::is_configured;
use kubevet_policy::{ParamValue, Params};
use regex::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};
use std::sync::Arc;

/// The largest that one pattern may become, as RE2's limits have it.
const PATTERN_BYTES: usize = 1 << 20;

/// Params as plans read them.
#[derive(Debug)]
pub(crate) struct ResolvedParams {
    values: Vec<ResolvedParam>,
    /// Which compiled controls have something to say under these params.
    configured: Vec<bool>,
    /// The same for controls of the reference tier.
    interpreter_params: regorus::Value,
}

#[derive(Debug)]
enum ResolvedParam {
    Absent,
    Text(String),
    List {
        texts: Vec<String>,
        patterns: Vec<Option<Regex>>,
        any: Option<RegexSet>,
    },
}

impl ResolvedParams {
    /// `names` are the params that programs read, in the order of their numbers; `patterns` says which hold patterns.
    pub(crate) fn new(
        params: &Params,
        names: &[Arc<str>],
        patterns: &[bool],
        compiled: &[CompiledControl],
    ) -> Self {
        let values = names
            .iter()
            .zip(patterns)
            .map(|(name, patterns)| ResolvedParam::of(params.get(name), *patterns))
            .collect();
        let configured = compiled
            .iter()
            .map(|it| is_configured(&it.control, params))
            .collect();
        Self {
            values,
            configured,
            interpreter_params: crate::interpreter_input::params(params),
        }
    }

    pub(super) fn is_configured(&self, control: usize) -> bool {
        self.configured.get(control).copied().unwrap_or(false)
    }

    pub(crate) fn interpreter_params(&self) -> &regorus::Value {
        &self.interpreter_params
    }

    /// Whether a param is set.
    pub(super) fn is_set(&self, param: u32) -> bool {
        !matches!(
            self.values.get(param as usize),
            None | Some(ResolvedParam::Absent)
        )
    }

    /// A param that is one text.
    pub(super) fn text(&self, param: u32) -> Option<&str> {
        match self.values.get(param as usize)? {
            ResolvedParam::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The texts of a param that is a list.
    pub(super) fn list(&self, param: u32) -> Option<&[String]> {
        match self.values.get(param as usize)? {
            ResolvedParam::List { texts, .. } => Some(texts),
            _ => None,
        }
    }

    pub(super) fn item(&self, param: u32, item: u32) -> Option<&str> {
        self.list(param)?.get(item as usize).map(String::as_str)
    }

    /// The pattern that an element of a param is; `None` where it is none, which matches nothing.
    pub(super) fn pattern(&self, param: u32, item: u32) -> Option<&Regex> {
        match self.values.get(param as usize)? {
            ResolvedParam::List { patterns, .. } => patterns.get(item as usize)?.as_ref(),
            _ => None,
        }
    }

    /// Whether any pattern of a param matches; `None` where they must be asked one by one.
    pub(super) fn any_matches(&self, param: u32, text: &str) -> Option<bool> {
        match self.values.get(param as usize)? {
            ResolvedParam::List { any: Some(set), .. } => Some(set.is_match(text)),
            _ => None,
        }
    }
}

impl ResolvedParam {
    fn of(value: Option<&ParamValue>, patterns: bool) -> Self {
        match value {
            None => Self::Absent,
            Some(ParamValue::String(text)) => Self::Text(text.clone()),
            Some(ParamValue::List(texts)) if patterns => {
                let compiled: Vec<Option<Regex>> = texts.iter().map(|it| pattern(it)).collect();
                let sound = texts
                    .iter()
                    .zip(&compiled)
                    .filter(|(_, it)| it.is_some())
                    .map(|(text, _)| text);
                let any = RegexSetBuilder::new(sound)
                    .size_limit(4 * PATTERN_BYTES)
                    .build()
                    .ok();
                Self::List {
                    texts: texts.clone(),
                    patterns: compiled,
                    any,
                }
            }
            Some(ParamValue::List(texts)) => Self::List {
                texts: texts.clone(),
                patterns: Vec::new(),
                any: None,
            },
        }
    }
}

/// A pattern, compiled within bounds; `None` where it is none.
pub(super) fn pattern(text: &str) -> Option<Regex> {
    RegexBuilder::new(text)
        .size_limit(PATTERN_BYTES)
        .build()
        .ok()
}
