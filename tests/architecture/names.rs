//! Names: retired words stay out of identifiers, closures name their parameters, and public types
//! are unique in the workspace.

use crate::source_files::{all_files, files_below, read, root};
use std::collections::BTreeMap;

/// Words of a private vocabulary, each with the standard terms to use instead.
const RETIRED: &[(&str, &str)] = &[
    ("asked", "evaluated, requested"),
    ("excuse", "exemption"),
    ("excused", "exempt"),
    ("glance", "envelope"),
    ("hangs", "depends_on"),
    ("hearing", "evaluation"),
    ("keeper", "renewer, owner"),
    ("letters", "characters, chars"),
    ("mend", "fix"),
    ("nobody", "none"),
    ("pulse", "health"),
    ("reckon", "estimate"),
    ("reckoned", "estimated"),
    ("reckoning", "estimate"),
    ("said", "message, reported"),
    ("sheet", "bundle, reader"),
    ("somebody", "other"),
    ("spoil", "corrupt"),
    ("told", "reported"),
    ("voice", "subject"),
    ("voices", "subjects"),
    ("ways", "alternatives"),
];

/// Public type names that several crates may have.
const SHARED_TYPE_NAMES: &[&str] = &["Error", "Options"];

#[test]
fn identifiers_have_no_retired_word() {
    let mut errors = Vec::new();
    let tests = files_below(&root().join("tests"));
    for file in all_files().into_iter().chain(tests) {
        let source = read(&file);
        for identifier in identifiers(&without_comments_and_strings(&source)) {
            for (word, instead) in RETIRED {
                if words_of(&identifier).iter().any(|part| part == word) {
                    errors.push(format!("{}: `{identifier}`: use {instead}", file.display()));
                }
            }
        }
    }
    errors.sort();
    errors.dedup();
    assert!(errors.is_empty(), "\n{}", errors.join("\n"));
}

#[test]
fn closure_parameters_say_what_they_are() {
    let tests = files_below(&root().join("tests"));
    let mut errors = Vec::new();
    for file in all_files().into_iter().chain(tests) {
        let code = without_comments_and_strings(&read(&file));
        for (number, line) in code.lines().enumerate() {
            if ["|it|", "|it,", ", it|", "|it:", "&it|", "(it)|"]
                .iter()
                .any(|pattern| line.contains(pattern))
            {
                errors.push(format!("{}:{}", file.display(), number + 1));
            }
        }
    }
    assert!(
        errors.is_empty(),
        "closures whose parameter is called `it`:\n{}",
        errors.join("\n")
    );
}

#[test]
fn public_type_names_are_unique() {
    let mut declared: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in all_files() {
        for line in read(&file).lines() {
            let Some(declaration) = line.strip_prefix("pub ") else {
                continue;
            };
            let Some((kind, rest)) = declaration.split_once(' ') else {
                continue;
            };
            if matches!(kind, "struct" | "enum" | "trait" | "type" | "union") {
                let name: String = rest
                    .chars()
                    .take_while(|char| char.is_alphanumeric())
                    .collect();
                declared
                    .entry(name)
                    .or_default()
                    .push(file.display().to_string());
            }
        }
    }
    let repeated: Vec<_> = declared
        .iter()
        .filter(|(name, files)| files.len() > 1 && !SHARED_TYPE_NAMES.contains(&name.as_str()))
        .collect();
    assert!(repeated.is_empty(), "{repeated:#?}");
}

#[test]
fn words_of_an_identifier_are_split_at_underscores_and_capitals() {
    for (identifier, expected) in [
        ("told_before", vec!["told", "before"]),
        ("OpaVoice", vec!["opa", "voice"]),
        ("MAX_LETTERS", vec!["max", "letters"]),
        ("retold", vec!["retold"]),
    ] {
        assert_eq!(words_of(identifier), expected, "{identifier}");
    }
}

/// The lowercase words of an identifier in snake case, camel case or capitals.
fn words_of(identifier: &str) -> Vec<String> {
    let is_constant = !identifier.contains(|char: char| char.is_ascii_lowercase());
    let mut words = vec![String::new()];
    for char in identifier.chars() {
        let starts_word = char == '_' || (char.is_ascii_uppercase() && !is_constant);
        if starts_word && words.last().is_some_and(|word| !word.is_empty()) {
            words.push(String::new());
        }
        if char != '_' {
            words.last_mut().unwrap().push(char.to_ascii_lowercase());
        }
    }
    words
}

fn identifiers(code: &str) -> Vec<String> {
    code.split(|char: char| !(char.is_ascii_alphanumeric() || char == '_'))
        .filter(|word| word.starts_with(|char: char| char.is_ascii_alphabetic() || char == '_'))
        .map(str::to_owned)
        .collect()
}

/// The source with the content of comments and strings left out; lines stay lines.
fn without_comments_and_strings(source: &str) -> String {
    let mut code = String::new();
    let mut rest = source;
    while let Some(char) = rest.chars().next() {
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if char == '"' {
            string_length(rest)
        } else if let Some(length) = raw_string_length(rest) {
            length
        } else if rest.starts_with("'\"'") || rest.starts_with("'\\\"'") {
            // A quote as a character does not open a string.
            rest.get(1..).and_then(|rest| rest.find('\'')).unwrap_or(0) + 2
        } else {
            code.push(char);
            rest = &rest[char.len_utf8()..];
            continue;
        };
        code.extend(rest[..skipped].chars().filter(|char| *char == '\n'));
        code.push(' ');
        rest = &rest[skipped..];
    }
    code
}

/// The bytes of the string literal at the start of `source`, quotes included.
fn string_length(source: &str) -> usize {
    let mut is_escaped = false;
    for (index, char) in source.char_indices().skip(1) {
        match char {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return index + 1,
            _ => {}
        }
    }
    source.len()
}

/// The bytes of the raw string literal at the start of `source`; `None` if there is none.
fn raw_string_length(source: &str) -> Option<usize> {
    let rest = source.strip_prefix('r')?;
    let hashes = rest.len() - rest.trim_start_matches('#').len();
    let body = rest.get(hashes..)?.strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let length = body.find(&end)?;
    Some(1 + hashes + 1 + length + end.len())
}
