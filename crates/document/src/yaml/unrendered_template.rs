//! Recognizes the template of a tool such as Helm in a document that is not valid YAML.
//!
//! A template is a program, not a manifest: the error of a YAML reader names a place that is right,
//! and says nothing that helps.

/// What is said of a template in place of the reader's error.
pub(super) const MESSAGE: &str =
    "`{{ … }}`: this is a Helm template; scan what `helm template` prints";

/// Returns the offset of the first template action of a document. Actions within a comment or a value
/// in quotes are text.
pub(super) fn find(document: &str) -> Option<usize> {
    let mut offset = 0;
    for line in document.split_inclusive('\n') {
        if let Some(at) = action_in(line) {
            return Some(offset + at);
        }
        offset += line.len();
    }
    None
}

/// Returns the offset of an action that begins a line, a value or an element of a list.
fn action_in(line: &str) -> Option<usize> {
    let at = line.find("{{")?;
    let before = line.get(..at)?.trim_end_matches(' ');
    let is_at_start = before.is_empty() || before.ends_with([':', '-']);
    let is_closed = line.get(at..)?.contains("}}");
    (is_at_start && is_closed && !before.trim_start().starts_with('#')).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::find;

    #[track_caller]
    fn check(text: &str, expected: Option<usize>) {
        assert_eq!(find(text), expected, "{text}");
    }

    #[test]
    fn action_that_begins_a_value_is_found() {
        check("a: {{ .Values.a }}\n", Some(3));
        check("a: 1\n{{- if .Values.b }}\nb: 2\n{{- end }}\n", Some(5));
        check("a:\n  - {{ .x }}\n", Some(7));
        check("a: '{{ .x }}'\nb: [\n", None);
        check("# {{ .x }}\n# - {{ .x }}\nb: [\n", None);
        check("a: {{b: c}\n", None);
        check("a: text {{ .x }}\nb: [\n", None);
    }

    /// Checks the lines of the problems, and whether they name a template.
    #[track_caller]
    fn check_problems(text: &str, expected: &[(u32, u32, bool)]) {
        let parsed = crate::read(&"f".into(), text.as_bytes(), &crate::Limits::default());
        let problems = parsed.problems.iter().map(|problem| {
            let position = problem.position.unwrap();
            let names_template = problem.message == super::MESSAGE;
            (position.line, position.column, names_template)
        });
        assert_eq!(problems.collect::<Vec<_>>(), expected, "{text}");
    }

    #[test]
    fn error_in_a_template_names_the_template() {
        check_problems(
            "kind: A\nspec:\n  replicas: {{ .Values.n }}\n",
            &[(3, 13, true)],
        );
        check_problems(
            "{{- if .Values.on }}\nkind: A\n{{- end }}\n",
            &[(1, 1, true)],
        );
        check_problems(
            "a: {{ .x }}\n---\nb: [\n---\nc: 1\n",
            &[(1, 4, true), (3, 4, false)],
        );
        check_problems("text: |\n  a: {{ .x }}\n", &[]);
    }
}
