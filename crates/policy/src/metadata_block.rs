//! OPA's `# METADATA` comment of a Rego file, as YAML.

use super::map_reader::FieldSpec;

/// The keys of OPA's annotations; all but `title`, `description` and `custom` are for other tools.
pub(super) const ANNOTATION_KEYS: &[FieldSpec] = &[
    FieldSpec::required("title"),
    FieldSpec::optional("description"),
    FieldSpec::required("custom"),
    FieldSpec::optional("scope"),
    FieldSpec::optional("entrypoint"),
    FieldSpec::optional("authors"),
    FieldSpec::optional("organizations"),
    FieldSpec::optional("related_resources"),
    FieldSpec::optional("schemas"),
];
/// Returns the first METADATA block as YAML in which every character keeps its line and column:
/// blank lines precede it, and a space replaces each `#`.
pub(super) fn block(text: &str) -> Option<String> {
    let mut yaml = String::new();
    let mut inside = false;
    for line in text.lines() {
        let comment = line.strip_prefix('#');
        match comment {
            Some(rest) if inside => {
                yaml.push(' ');
                yaml.push_str(rest);
            }
            Some(rest) if rest.trim() == "METADATA" => inside = true,
            None if inside => break,
            _ => {}
        }
        yaml.push('\n');
    }
    inside.then_some(yaml)
}
