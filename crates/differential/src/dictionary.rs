//! The dictionary of a control, for mutation: the fields that its rule may read, and the literals that
//! it may compare with.
//!
//! It is read from the source of the rule and not from the compiled program: a compiler that forgets
//! a field must not make its own test forget it too.

use kubevet_policy::{ControlSource, Library, ModuleSource, ParamValue, Params};
use std::collections::BTreeSet;

/// The most bytes of a literal.
const MAX_LITERAL_BYTES: usize = 120;
/// The most bytes of a field name.
const MAX_FIELD_NAME_BYTES: usize = 63;

/// The fields and literals of one control: of its rule, of the shared modules that it imports, and
/// of its params.
#[derive(Debug, Clone, Default)]
pub(super) struct Dictionary {
    /// The names of fields.
    pub(super) fields: BTreeSet<String>,
    /// The string literals; those of the rule itself twice, so that they are picked more often.
    pub(super) strings: Vec<String>,
    /// The integer literals.
    pub(super) numbers: Vec<i64>,
}

impl Dictionary {
    pub(super) fn new(library: &Library, source: &ControlSource, params: &[Params]) -> Self {
        let mut dictionary = Self::default();
        dictionary.add_source(&source.rule.text);
        dictionary.add_source(&source.rule.text);
        for module in imported_modules(library, &source.rule) {
            dictionary.add_source(&module.text);
        }
        for (name, value) in params.iter().flat_map(Params::iter) {
            if source.control.params.iter().any(|param| param == name) {
                match value {
                    ParamValue::String(string) => dictionary.add_string(string),
                    ParamValue::List(strings) => strings
                        .iter()
                        .for_each(|string| dictionary.add_string(string)),
                }
            }
        }
        dictionary
    }

    /// Adds the fields and literals of Rego source.
    fn add_source(&mut self, source: &str) {
        let is_code = |line: &&str| !line.trim_start().starts_with('#');
        for line in source.lines().filter(is_code) {
            // Literals are cut out first: a dot in a literal precedes no field, and a digit in it
            // is not a number.
            let mut code = String::new();
            let mut rest = line;
            while let Some((before, quote, after)) = split_at_quote(rest) {
                code.push_str(before);
                let Some((literal, after)) = after.split_once(quote) else {
                    break;
                };
                self.add_string(literal);
                rest = after;
                code.push(' ');
            }
            code.push_str(rest);
            self.add_code(&code);
        }
    }

    /// Adds the fields and numbers of a line without string literals.
    fn add_code(&mut self, code: &str) {
        let is_separator = |c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '.';
        for token in code.split(is_separator) {
            self.fields.extend(
                token
                    .split('.')
                    .skip(1)
                    .filter(|name| is_field_name(name))
                    .map(str::to_owned),
            );
            self.numbers.extend(token.parse::<i64>());
        }
    }

    fn add_string(&mut self, string: &str) {
        // A format string of a message is no literal to compare with.
        let is_message = string.contains(['%', '{']) && string.contains(' ');
        if string.len() > MAX_LITERAL_BYTES || is_message {
            return;
        }
        if is_field_name(string) {
            self.fields.insert(string.to_owned());
        }
        // A regular expression without its metacharacters often matches itself, and so do its
        // alternatives.
        let plain: String = string
            .chars()
            .filter(|c| !"^$\\[]()|*+?{}".contains(*c))
            .collect();
        if plain != string {
            self.strings.push(plain);
            self.strings.extend(
                string
                    .split(['(', ')', '|', '^', '$'])
                    .filter(|part| part.len() > 2)
                    .map(str::to_owned),
            );
        }
        self.strings.push(string.to_owned());
    }
}

/// Returns a string as a key that Kubernetes accepts for a label or an entry of data.
pub(super) fn to_map_key(string: &str) -> String {
    let mut key = string.to_owned();
    key.retain(|c| c.is_ascii_alphanumeric() || "-._/".contains(c));
    if key.is_empty() {
        "shop".to_owned()
    } else {
        key
    }
}

/// Splits code at its first quote: what is before it, the quote, and what is after it.
fn split_at_quote(code: &str) -> Option<(&str, char, &str)> {
    let (before, rest) = code.split_at(code.find(['"', '`'])?);
    let mut chars = rest.chars();
    let quote = chars.next()?;
    Some((before, quote, chars.as_str()))
}

/// Returns the shared modules that a rule imports, directly or through others.
fn imported_modules<'a>(library: &'a Library, rule: &ModuleSource) -> Vec<&'a ModuleSource> {
    let mut imported: Vec<&ModuleSource> = Vec::new();
    let mut pending: Vec<&str> = vec![&rule.text];
    while let Some(source) = pending.pop() {
        let packages = source
            .lines()
            .filter_map(|line| line.strip_prefix("import data."));
        for package in packages {
            let package_line = format!("package {}", package.trim());
            let module = library
                .modules
                .iter()
                .find(|module| module.text.lines().any(|line| line.trim() == package_line));
            let is_new =
                |module: &&ModuleSource| !imported.iter().any(|known| known.file == module.file);
            if let Some(module) = module.filter(is_new) {
                imported.push(module);
                pending.push(&module.text);
            }
        }
    }
    imported
}

fn is_field_name(string: &str) -> bool {
    string.len() <= MAX_FIELD_NAME_BYTES
        && string.starts_with(|c: char| c.is_ascii_alphabetic())
        && string.chars().all(|c| c.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::Dictionary;

    #[test]
    fn source_gives_fields_and_literals() {
        let mut dictionary = Dictionary::default();
        dictionary.add_source(
            "# not.this\nx if startswith(container.spec.image, \"docker.io/\")\ny if count(a) > 12\nz := `^ab$`\n",
        );
        assert_eq!(
            dictionary
                .fields
                .iter()
                .map(String::as_str)
                .collect::<Vec<_>>(),
            ["image", "spec"]
        );
        assert_eq!(
            (
                dictionary.numbers,
                dictionary.strings.contains(&"docker.io/".to_owned())
            ),
            (vec![12], true)
        );
    }
}
