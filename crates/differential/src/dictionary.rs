//! What a rule's text speaks of: the fields it may read and the literals it may compare with. Read from the text and not
//! from what the text compiles to, so that a compiler that forgets a field does not make its own proof forget it too.

use kubevet_policy::{ControlSource, Library, ModuleSource, ParamValue, Params};
use std::collections::BTreeSet;

/// The words of one control: of its rule, of the shared modules that it uses, and of its params.
#[derive(Debug, Clone, Default)]
pub(super) struct Words {
    /// Names of fields.
    pub(super) fields: BTreeSet<String>,
    /// Texts, those of the rule itself twice, so that they come up more often.
    pub(super) texts: Vec<String>,
    /// Whole numbers.
    pub(super) numbers: Vec<i64>,
}

/// The longest literal worth trying, in bytes.
const LONGEST: usize = 120;

impl Words {
    pub(super) fn of(library: &Library, source: &ControlSource, params: &[Params]) -> Self {
        let mut words = Self::default();
        words.read(&source.rule.text);
        words.read(&source.rule.text);
        for module in used(library, &source.rule) {
            words.read(&module.text);
        }
        for (name, value) in params.iter().flat_map(Params::iter) {
            if source.control.params.iter().any(|it| it == name) {
                match value {
                    ParamValue::String(text) => words.text(text),
                    ParamValue::List(texts) => texts.iter().for_each(|it| words.text(it)),
                }
            }
        }
        words
    }

    fn read(&mut self, rule: &str) {
        for line in rule.lines().filter(|it| !it.trim_start().starts_with('#')) {
            // A literal's own dots name no fields, and a name's digits are no number.
            let mut code = String::new();
            let mut rest = line;
            while let Some((before, quote, after)) = at_quote(rest) {
                code.push_str(before);
                let Some((literal, after)) = after.split_once(quote) else {
                    break;
                };
                self.text(literal);
                rest = after;
                code.push(' ');
            }
            code.push_str(rest);
            for word in code.split(|it: char| !it.is_ascii_alphanumeric() && it != '_' && it != '.')
            {
                self.fields.extend(
                    word.split('.')
                        .skip(1)
                        .filter(|it| is_name(it))
                        .map(str::to_owned),
                );
                self.numbers.extend(word.parse::<i64>());
            }
        }
    }

    fn text(&mut self, text: &str) {
        if text.len() > LONGEST || text.contains(['%', '{']) && text.contains(' ') {
            return;
        }
        if is_name(text) {
            self.fields.insert(text.to_owned());
        }
        // What a pattern matches looks much like the pattern without its signs.
        let plain: String = text
            .chars()
            .filter(|it| !"^$\\[]()|*+?{}".contains(*it))
            .collect();
        if plain != text {
            self.texts.push(plain);
            self.texts.extend(
                text.split(['(', ')', '|', '^', '$'])
                    .filter(|it| it.len() > 2)
                    .map(str::to_owned),
            );
        }
        self.texts.push(text.to_owned());
    }
}

/// A text as a key that Kubernetes takes for a label or an entry of data.
pub(super) fn as_key(text: &str) -> String {
    let mut key = text.to_owned();
    key.retain(|it| it.is_ascii_alphanumeric() || "-._/".contains(it));
    if key.is_empty() {
        "shop".to_owned()
    } else {
        key
    }
}

/// What is before the first quote, the quote, and what is after it.
fn at_quote(text: &str) -> Option<(&str, char, &str)> {
    let (before, rest) = text.split_at(text.find(['"', '`'])?);
    let mut letters = rest.chars();
    let quote = letters.next()?;
    Some((before, quote, letters.as_str()))
}

/// The shared modules that a rule imports, by itself or through others.
fn used<'a>(library: &'a Library, rule: &ModuleSource) -> Vec<&'a ModuleSource> {
    let mut found: Vec<&ModuleSource> = Vec::new();
    let mut todo: Vec<&str> = vec![&rule.text];
    while let Some(text) = todo.pop() {
        for package in text
            .lines()
            .filter_map(|it| it.strip_prefix("import data."))
        {
            let package = format!("package {}", package.trim());
            let module = library
                .modules
                .iter()
                .find(|it| it.text.lines().any(|line| line.trim() == package));
            if let Some(module) =
                module.filter(|it| !found.iter().any(|known| known.file == it.file))
            {
                found.push(module);
                todo.push(&module.text);
            }
        }
    }
    found
}

fn is_name(text: &str) -> bool {
    text.len() < 64
        && text.starts_with(|it: char| it.is_ascii_alphabetic())
        && text.chars().all(|it| it.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::Words;

    #[test]
    fn fields_and_literals_are_read_from_the_text() {
        let mut words = Words::default();
        words.read(
            "# not.this\nx if startswith(container.spec.image, \"docker.io/\")\ny if count(a) > 12\nz := `^ab$`\n",
        );
        assert_eq!(
            words.fields.iter().map(String::as_str).collect::<Vec<_>>(),
            ["image", "spec"]
        );
        assert_eq!(
            (
                words.numbers,
                words.texts.contains(&"docker.io/".to_owned())
            ),
            (vec![12], true)
        );
    }
}
