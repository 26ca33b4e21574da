//! Documents of the repository: the paths and types that they name exist.

use crate::source_files::{all_files, read, root};

/// Documents whose paths are checked.
const DOCUMENTS: &[&str] = &[
    "docs/architecture.md",
    "docs/glossary.md",
    "CONTRIBUTING.md",
    "policies/README.md",
];

/// Folders at the root whose files documents name.
const FOLDERS: &[&str] = &[
    "crates/",
    "src/",
    "tests/",
    "docs/",
    "policies/",
    "xtask/",
    "manifests/",
    "benches/",
];

#[test]
fn paths_in_documents_exist() {
    let mut errors = Vec::new();
    for document in DOCUMENTS {
        for quoted in code_spans(&read(&root().join(document))) {
            let is_path = FOLDERS.iter().any(|folder| quoted.starts_with(folder))
                && !quoted.contains(['*', '{', ' ', '<', '…'])
                && !quoted.contains("NAME")
                && !quoted.contains("C-9");
            if is_path && !root().join(&quoted).exists() {
                errors.push(format!("{document}: `{quoted}`"));
            }
        }
    }
    assert_eq!(errors, [] as [&str; 0]);
}

/// A type of the glossary's tables is one of the workspace.
#[test]
fn types_of_the_glossary_exist() {
    let sources: String = all_files().iter().map(|file| read(file)).collect();
    let glossary = read(&root().join("docs/glossary.md"));
    let tables = glossary.split("## Retired words").next().unwrap();
    let missing: Vec<String> = code_spans(tables)
        .into_iter()
        .filter(|name| name.starts_with(|char: char| char.is_ascii_uppercase()))
        .filter(|name| {
            !["struct", "enum", "trait"]
                .iter()
                .any(|kind| sources.contains(&format!("{kind} {name}")))
        })
        .collect();
    assert_eq!(missing, [] as [&str; 0]);
}

/// The spans in single backticks of a Markdown text, outside of code blocks.
fn code_spans(markdown: &str) -> Vec<String> {
    let mut spans = Vec::new();
    for (index, block) in markdown.split("```").enumerate() {
        // Every second part is inside a code block.
        if index % 2 == 0 {
            spans.extend(block.split('`').skip(1).step_by(2).map(str::to_owned));
        }
    }
    spans
}
