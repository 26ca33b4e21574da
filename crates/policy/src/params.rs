//! Params: what a control may be told, the type of each, and the values in force.
//!
//! Apart from the reading of files: values come from params.yaml, a controls config, a binding or a test's header, and
//! all of them pass through [`ParamSchema::check`]. Never reads a file.

use super::{did_you_mean::did_you_mean, regex_compat};
use kubevet_model::Control;
use std::{collections::BTreeMap, str::FromStr as _, sync::Arc};
use strum::VariantArray as _;

/// The longest single value, in bytes.
const LONGEST_VALUE: usize = 10_000;

/// What a param holds.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, strum::EnumString, strum::IntoStaticStr, strum::VariantArray,
)]
#[strum(serialize_all = "lowercase")]
pub enum ParamType {
    /// A list of texts.
    Strings,
    /// A list of RE2 patterns with ASCII classes.
    Regexes,
    /// A list of Kubernetes quantities, such as `500m` and `2Gi`.
    Quantities,
    /// One text.
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParamValue {
    /// Of every type but [`ParamType::String`].
    List(Vec<String>),
    /// Of [`ParamType::String`].
    String(String),
}

impl ParamValue {
    /// Whether it says nothing: a control that needs it is not configured.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Self::List(entries) => entries.is_empty(),
            Self::String(text) => text.is_empty(),
        }
    }
}

/// A param as params.yaml describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParamSpec {
    /// Its name in files and rules.
    pub name: String,
    /// What it holds.
    pub kind: ParamType,
    /// What it is for.
    pub description: String,
    /// Its value where nobody says otherwise.
    pub default: ParamValue,
}

/// Every param there is, by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
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

    /// The same params with other values to begin with, such as those of a controls config; a binding's own change
    /// them further.
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

    /// A value as the param holds it: a pattern's classes written out, a list of one text taken as the text, a text
    /// taken as a list of one.
    ///
    /// # Errors
    /// Says that no param has the name, or what is wrong with the value.
    pub fn check(&self, name: &str, value: ParamValue) -> Result<ParamValue, String> {
        let spec = self.0.get(name).ok_or_else(|| self.unknown(name))?;
        accept(spec.kind, value).map_err(|why| format!("the param {name:?} {why}"))
    }

    pub(super) fn add(&mut self, spec: ParamSpec) {
        self.0.insert(spec.name.clone(), spec);
    }

    /// The complaint about a name that is none, with the nearest.
    pub(super) fn unknown(&self, name: &str) -> String {
        let hint = did_you_mean(name, self.0.keys().map(String::as_str));
        format!(
            "there is no param {:?}{hint}",
            super::map_reader::abbreviate(name)
        )
    }
}

/// A value for every param. A clone is cheap.
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

    /// True if a control has the params without which it is not evaluated.
    #[must_use]
    pub fn configures(&self, control: &Control) -> bool {
        let required = &control.requires_any_param;
        required.is_empty()
            || required
                .iter()
                .any(|name| self.get(name).is_some_and(|value| !value.is_empty()))
    }

    /// Sets one value, as [`ParamSchema::check`] makes it.
    ///
    /// # Errors
    /// As [`ParamSchema::check`]; nothing is changed then.
    pub fn set(
        &mut self,
        schema: &ParamSchema,
        name: &str,
        value: ParamValue,
    ) -> Result<(), String> {
        let value = schema.check(name, value)?;
        Arc::make_mut(&mut self.0).insert(name.to_owned(), value);
        Ok(())
    }

    /// Sets one value whose entries may be nonsense: a control's test data show what its rule makes of them. The name
    /// and the shape (a list or a text) must still be right.
    ///
    /// # Errors
    /// Says that no param has the name, or that the shape is wrong; nothing is changed then.
    pub fn set_unchecked(
        &mut self,
        schema: &ParamSchema,
        name: &str,
        value: ParamValue,
    ) -> Result<(), String> {
        let spec = schema.get(name).ok_or_else(|| schema.unknown(name))?;
        if matches!(value, ParamValue::String(_)) != (spec.kind == ParamType::String) {
            let shape = if spec.kind == ParamType::String {
                "one text"
            } else {
                "a list of texts"
            };
            return Err(format!("the param {name:?} holds {shape}: write it so"));
        }
        Arc::make_mut(&mut self.0).insert(name.to_owned(), value);
        Ok(())
    }
}

/// A value of a type; the error follows "the param NAME".
pub(super) fn accept(kind: ParamType, value: ParamValue) -> Result<ParamValue, String> {
    let entries = match value {
        ParamValue::String(text) => vec![text],
        ParamValue::List(entries) => entries,
    };
    if let Some(long) = entries.iter().find(|entry| entry.len() > LONGEST_VALUE) {
        return Err(format!(
            "has an entry of {} bytes, more than {LONGEST_VALUE}: shorten it",
            long.len()
        ));
    }
    match kind {
        ParamType::String => one_text(entries),
        ParamType::Strings => Ok(ParamValue::List(entries)),
        ParamType::Regexes => {
            let patterns = entries
                .iter()
                .map(|pattern| regex_compat::rewrite(pattern).map_err(|why| entry(pattern, &why)));
            patterns.collect::<Result<_, _>>().map(ParamValue::List)
        }
        ParamType::Quantities => match entries.iter().find(|entry| !is_quantity(entry)) {
            Some(wrong) => Err(entry(
                wrong,
                "is no quantity: write one like 500m, 0.5, 2Gi or 1e3",
            )),
            None => Ok(ParamValue::List(entries)),
        },
    }
}

fn entry(text: &str, why: &str) -> String {
    format!(
        "has the entry {:?}, which {why}",
        super::map_reader::abbreviate(text)
    )
}

fn one_text(entries: Vec<String>) -> Result<ParamValue, String> {
    let count = entries.len();
    let mut entries = entries.into_iter();
    match (entries.next(), entries.next()) {
        (None, _) => Ok(ParamValue::String(String::new())),
        (Some(text), None) => Ok(ParamValue::String(text)),
        _ => Err(format!("holds one text, but is given {count}: keep one")),
    }
}

/// The form of a Kubernetes quantity: a signed decimal number, then a suffix or an exponent.
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

    fn text(it: &str) -> ParamValue {
        ParamValue::String(it.to_owned())
    }

    #[track_caller]
    fn check(kind: ParamType, value: ParamValue, expected: Result<ParamValue, &str>) {
        assert_eq!(accept(kind, value), expected.map_err(str::to_owned));
    }

    #[test]
    fn values_are_read_by_their_type() {
        use ParamType::{Quantities, Regexes, String, Strings};
        check(Strings, list(&["a"]), Ok(list(&["a"])));
        check(Strings, text("a"), Ok(list(&["a"])));
        check(String, list(&["aws"]), Ok(text("aws")));
        check(String, list(&[]), Ok(text("")));
        check(
            String,
            list(&["aws", "gce"]),
            Err("holds one text, but is given 2: keep one"),
        );
        check(Regexes, list(&[r"\w"]), Ok(list(&["[0-9A-Za-z_]"])));
        check(
            Regexes,
            list(&["("]),
            Err("has the entry \"(\", which is no pattern, at byte 0: unclosed group"),
        );
        check(
            Quantities,
            list(&["0", "500m", "-1.5Gi", "1e3", "1E", ".5"]),
            Ok(list(&["0", "500m", "-1.5Gi", "1e3", "1E", ".5"])),
        );
        for wrong in ["", "1K", "1.2.3", "m", "1 Gi", "1e", "Gi1", "."] {
            assert!(accept(Quantities, list(&[wrong])).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_unknown_name_is_refused_with_the_nearest() {
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
            refused,
            Err(
                "there is no param \"publicRegistry\", did you mean \"publicRegistries\"?"
                    .to_owned()
            )
        );
        assert_eq!(
            params.set(&schema, "publicRegistries", list(&["x"])),
            Ok(())
        );
        assert_eq!(params.get("publicRegistries"), Some(&list(&["x"])));
        assert_eq!(schema.with_defaults(&params).defaults(), params);
        let refused = params.set_unchecked(&schema, "publicRegistries", text("x"));
        assert_eq!(
            refused,
            Err("the param \"publicRegistries\" holds a list of texts: write it so".to_owned())
        );
    }
}
