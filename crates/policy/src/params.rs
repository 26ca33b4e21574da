//! Params: the settings of controls, their types and their values.
//!
//! Values come from params.yaml, a controls config, a binding or a test header, and all of them are
//! checked by [`Params::set`]. Nothing here reads a file.

use super::{did_you_mean::did_you_mean, param_entry, regex_compat};
use kubevet_model::Control;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{collections::BTreeMap, str::FromStr as _, sync::Arc};
use strum::VariantArray as _;

/// The maximum length of one value in bytes.
const MAX_VALUE_BYTES: usize = 10_000;

/// The type of a param.
#[derive(
    Debug,
    Serialize,
    Deserialize,
    Clone,
    Copy,
    PartialEq,
    Eq,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[strum(serialize_all = "lowercase")]
pub enum ParamType {
    /// A list of strings.
    Strings,
    /// A list of names that are compared as they are.
    Names,
    /// A list of registries, or repositories in them, that are compared as they are.
    Registries,
    /// A list of RE2 patterns with ASCII classes.
    Regexes,
    /// A list of Kubernetes quantities, such as `500m` and `2Gi`.
    Quantities,
    /// One string.
    String,
}

impl ParamType {
    /// All types.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The name in params.yaml, such as `strings`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The type of a name; `None` for any other string.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::from_str(name).ok()
    }
}

/// The value of a param.
#[derive(Debug, Serialize, Deserialize, Clone, PartialEq, Eq)]
pub enum ParamValue {
    /// The value of every type but [`ParamType::String`].
    List(Vec<String>),
    /// The value of [`ParamType::String`].
    String(String),
}

impl ParamValue {
    /// The value as JSON: an array of strings, or one string.
    #[must_use]
    pub fn to_json(&self) -> Value {
        match self {
            Self::List(entries) => entries.as_slice().into(),
            Self::String(string) => string.as_str().into(),
        }
    }

    /// True if the value is empty: a control that requires it is not configured.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Self::List(entries) => entries.is_empty(),
            Self::String(text) => text.is_empty(),
        }
    }
}

/// The definition of a param in params.yaml.
#[derive(Debug, Serialize, Deserialize, Clone, PartialEq, Eq)]
pub struct ParamSpec {
    /// The name in files and rules.
    pub name: String,
    /// The type.
    pub kind: ParamType,
    /// The purpose.
    pub description: String,
    /// The value where none is set.
    pub default: ParamValue,
}

/// All params, by name.
#[derive(Debug, Serialize, Deserialize, Clone, PartialEq, Eq, Default)]
pub struct ParamSchema(BTreeMap<String, ParamSpec>);

impl ParamSchema {
    /// The param of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&ParamSpec> {
        self.0.get(name)
    }

    /// All params, by name.
    pub fn iter(&self) -> impl Iterator<Item = &ParamSpec> {
        self.0.values()
    }

    /// Every param with its default.
    #[must_use]
    pub fn defaults(&self) -> Params {
        Params(Arc::new(
            self.0
                .values()
                .map(|spec| (spec.name.clone(), spec.default.clone()))
                .collect(),
        ))
    }

    /// The same params with other defaults, such as those of a controls config; a binding may
    /// override them again.
    #[must_use]
    pub fn with_defaults(&self, params: &Params) -> Self {
        let spec = |spec: &ParamSpec| ParamSpec {
            default: params.get(&spec.name).unwrap_or(&spec.default).clone(),
            ..spec.clone()
        };
        Self(
            self.0
                .iter()
                .map(|(name, param)| (name.clone(), spec(param)))
                .collect(),
        )
    }

    pub(super) fn add(&mut self, spec: ParamSpec) {
        self.0.insert(spec.name.clone(), spec);
    }

    /// Adds params that this schema does not have yet.
    pub(super) fn extend(&mut self, other: Self) {
        for (name, spec) in other.0 {
            self.0.entry(name).or_insert(spec);
        }
    }

    /// The error of an unknown name, with the nearest known one.
    pub(super) fn unknown(&self, name: &str) -> ParamError {
        ParamError::Unknown {
            name: super::map_reader::abbreviate(name),
            suggestion: did_you_mean(name, self.0.keys().map(String::as_str)),
        }
    }
}

/// The error of setting a param.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParamError {
    /// No param has the name.
    #[error("there is no param {name:?}{suggestion}")]
    Unknown {
        /// The name, abbreviated.
        name: String,
        /// Half a sentence with the nearest known name, or nothing.
        suggestion: String,
    },
    /// The value is a list where the param is a string, or the other way around.
    #[error("the param {name:?} must be {expected}")]
    Shape {
        /// The param.
        name: String,
        /// The shape of the param.
        expected: &'static str,
    },
    /// The param cannot have the value.
    #[error("the param {name:?} {reason}")]
    Value {
        /// The param.
        name: String,
        /// The fault and the remedy, as half a sentence.
        reason: String,
    },
}

/// A value for each param. A clone copies a pointer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Params(Arc<BTreeMap<String, ParamValue>>);

impl Params {
    /// The value of a param.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&ParamValue> {
        self.0.get(name)
    }

    /// All values, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &ParamValue)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// All values as one JSON object, by name.
    #[must_use]
    pub fn to_json(&self) -> Value {
        self.iter()
            .map(|(name, value)| (name, value.to_json()))
            .collect()
    }

    /// True if a control has the params without which it is not evaluated.
    #[must_use]
    pub fn configures(&self, control: &Control) -> bool {
        let required = &control.requires_any_param;
        required.is_empty()
            || required
                .iter()
                .any(|name| self.get(name).is_some_and(|value| !value.is_empty()))
    }

    /// Sets one value, in the form in which the param holds it: classes of patterns rewritten, a
    /// list of one string as a string where the param is a string, and the other way around.
    ///
    /// # Errors
    /// An unknown name, or an error of the value; the params are unchanged then.
    pub fn set(
        &mut self,
        schema: &ParamSchema,
        name: &str,
        value: ParamValue,
    ) -> Result<(), ParamError> {
        let spec = schema.get(name).ok_or_else(|| schema.unknown(name))?;
        let value = convert(spec.kind, value).map_err(|reason| ParamError::Value {
            name: name.to_owned(),
            reason,
        })?;
        Arc::make_mut(&mut self.0).insert(name.to_owned(), value);
        Ok(())
    }

    /// Sets one value without checking its entries, so that the test data of a control may show
    /// what its rule makes of a malformed one. The name and the shape (a list or a string) must
    /// still be right.
    ///
    /// # Errors
    /// An unknown name or a wrong shape; the params are unchanged then.
    pub fn set_unchecked(
        &mut self,
        schema: &ParamSchema,
        name: &str,
        value: ParamValue,
    ) -> Result<(), ParamError> {
        let spec = schema.get(name).ok_or_else(|| schema.unknown(name))?;
        if matches!(value, ParamValue::String(_)) != (spec.kind == ParamType::String) {
            let expected = if spec.kind == ParamType::String {
                "a string"
            } else {
                "a list of strings"
            };
            let name = name.to_owned();
            return Err(ParamError::Shape { name, expected });
        }
        Arc::make_mut(&mut self.0).insert(name.to_owned(), value);
        Ok(())
    }
}

/// Converts a value to a type. The error follows "the param NAME".
pub(super) fn convert(kind: ParamType, value: ParamValue) -> Result<ParamValue, String> {
    let entries = match value {
        ParamValue::String(text) => vec![text],
        ParamValue::List(entries) => entries,
    };
    if let Some(long) = entries.iter().find(|entry| entry.len() > MAX_VALUE_BYTES) {
        return Err(format!(
            "has an entry of {} bytes, more than {MAX_VALUE_BYTES}: shorten it",
            long.len()
        ));
    }
    match kind {
        ParamType::String => one_string(entries),
        ParamType::Strings => Ok(ParamValue::List(entries)),
        ParamType::Names => without_fault(entries, param_entry::name_fault),
        ParamType::Registries => without_fault(entries, param_entry::registry_fault),
        ParamType::Regexes => {
            let patterns = entries
                .iter()
                .map(|pattern| regex_compat::rewrite(pattern).map_err(|why| entry(pattern, &why)));
            patterns.collect::<Result<_, _>>().map(ParamValue::List)
        }
        ParamType::Quantities => match entries.iter().find(|entry| !is_quantity(entry)) {
            Some(wrong) => Err(entry(
                wrong,
                "is not a valid quantity: write one like 500m, 0.5, 2Gi or 1e3",
            )),
            None => Ok(ParamValue::List(entries)),
        },
    }
}

/// Returns the entries, or the first fault.
fn without_fault(
    entries: Vec<String>,
    fault: fn(&str) -> Option<&'static str>,
) -> Result<ParamValue, String> {
    let wrong = entries
        .iter()
        .find_map(|text| fault(text).map(|why| entry(text, why)));
    wrong.map_or(Ok(ParamValue::List(entries)), Err)
}

fn entry(text: &str, why: &str) -> String {
    format!(
        "has the entry {:?}, which {why}",
        super::map_reader::abbreviate(text)
    )
}

fn one_string(entries: Vec<String>) -> Result<ParamValue, String> {
    let count = entries.len();
    let mut entries = entries.into_iter();
    match (entries.next(), entries.next()) {
        (None, _) => Ok(ParamValue::String(String::new())),
        (Some(text), None) => Ok(ParamValue::String(text)),
        _ => Err(format!("must be a string, but is given {count}: keep one")),
    }
}

/// True if a string has the form of a Kubernetes quantity: a signed decimal number, then a suffix
/// or an exponent.
fn is_quantity(text: &str) -> bool {
    const SUFFIXES: [&str; 16] = [
        "", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei",
    ];
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let end = unsigned
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(unsigned.len());
    let (number, suffix) = unsigned.split_at(end);
    let digits = number.bytes().filter(u8::is_ascii_digit).count();
    if digits == 0 || digits > 40 || number.matches('.').count() > 1 {
        return false;
    }
    let exponent = |rest: &str| {
        let digits = rest.strip_prefix(['+', '-']).unwrap_or(rest);
        (1..=3).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    SUFFIXES.contains(&suffix) || suffix.strip_prefix(['e', 'E']).is_some_and(exponent)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(entries: &[&str]) -> ParamValue {
        ParamValue::List(entries.iter().map(ToString::to_string).collect())
    }

    fn string(value: &str) -> ParamValue {
        ParamValue::String(value.to_owned())
    }

    #[track_caller]
    fn check(kind: ParamType, value: ParamValue, expected: Result<ParamValue, &str>) {
        assert_eq!(convert(kind, value), expected.map_err(str::to_owned));
    }

    #[test]
    fn value_is_converted_to_its_type() {
        use ParamType::{Quantities, Regexes, String, Strings};
        check(Strings, list(&["a"]), Ok(list(&["a"])));
        check(Strings, string("a"), Ok(list(&["a"])));
        check(String, list(&["aws"]), Ok(string("aws")));
        check(String, list(&[]), Ok(string("")));
        check(
            String,
            list(&["aws", "gce"]),
            Err("must be a string, but is given 2: keep one"),
        );
        check(Regexes, list(&[r"\w"]), Ok(list(&["[0-9A-Za-z_]"])));
        check(
            Regexes,
            list(&["("]),
            Err("has the entry \"(\", which is not a valid pattern: at byte 0: unclosed group"),
        );
        check(
            Quantities,
            list(&["0", "500m", "-1.5Gi", "1e3", "1E", ".5"]),
            Ok(list(&["0", "500m", "-1.5Gi", "1e3", "1E", ".5"])),
        );
        for wrong in ["", "1K", "1.2.3", "m", "1 Gi", "1e", "Gi1", "."] {
            assert!(convert(Quantities, list(&[wrong])).is_err(), "{wrong}");
        }
    }

    #[test]
    fn unknown_name_is_rejected_with_the_nearest_name() {
        let mut schema = ParamSchema::default();
        schema.add(ParamSpec {
            name: "publicRegistries".to_owned(),
            kind: ParamType::Strings,
            description: String::new(),
            default: list(&[]),
        });
        let mut params = schema.defaults();
        assert!(
            params
                .get("publicRegistries")
                .is_some_and(ParamValue::is_empty)
        );
        let refused = params.set(&schema, "publicRegistry", list(&["x"]));
        assert_eq!(
            refused.unwrap_err().to_string(),
            "there is no param \"publicRegistry\", did you mean \"publicRegistries\"?"
        );
        assert_eq!(
            params.set(&schema, "publicRegistries", list(&["x"])),
            Ok(())
        );
        assert_eq!(params.get("publicRegistries"), Some(&list(&["x"])));
        assert_eq!(schema.with_defaults(&params).defaults(), params);
        let refused = params.set_unchecked(&schema, "publicRegistries", string("x"));
        assert_eq!(
            refused.unwrap_err().to_string(),
            "the param \"publicRegistries\" must be a list of strings"
        );
    }
}
