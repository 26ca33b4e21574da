//! A template engine with one construct: `@name@` is replaced by the value of the slot `name`.
//!
//! It stands apart because the templates are YAML as people read it, comments included, and each is
//! used twice: with the values of one installation, and with the expressions of a Helm chart. It
//! knows nothing of either.

use std::collections::BTreeMap;

/// The values of slots by name.
pub(crate) type Slots = BTreeMap<&'static str, String>;

/// Replaces every `@name@` whose name is a slot.
///
/// A line with a single slot and nothing else takes its value line by line, each at the indentation
/// of the slot; it is removed if the value is empty. An `@` that opens no known slot stays.
pub(crate) fn render(template: &str, slots: &Slots) -> String {
    let mut rendered = String::with_capacity(template.len() * 2);
    for line in template.lines() {
        let content = line.trim_start();
        let only_slot = content
            .strip_prefix('@')
            .and_then(|rest| rest.strip_suffix('@'))
            .filter(|name| !name.contains('@'))
            .and_then(|name| slots.get(name));
        if let Some(value) = only_slot {
            let indent = line.strip_suffix(content).unwrap_or_default();
            for part in value.lines() {
                let indent = if part.is_empty() { "" } else { indent };
                push_line(&mut rendered, indent, part);
            }
        } else {
            push_line(&mut rendered, "", &render_line(line, slots));
        }
    }
    rendered
}

fn push_line(rendered: &mut String, indent: &str, line: &str) {
    rendered.push_str(indent);
    rendered.push_str(line);
    rendered.push('\n');
}

fn render_line(line: &str, slots: &Slots) -> String {
    let mut rendered = String::with_capacity(line.len());
    let mut remaining = line;
    while let Some((before, after)) = remaining.split_once('@') {
        rendered.push_str(before);
        let slot = after
            .split_once('@')
            .and_then(|(name, tail)| Some((slots.get(name)?, tail)));
        match slot {
            Some((value, tail)) => {
                rendered.push_str(value);
                remaining = tail;
            }
            None => {
                rendered.push('@');
                remaining = after;
            }
        }
    }
    rendered + remaining
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(template: &str, expected: &str) {
        let slots = [("name", "web"), ("block", "a:\n  b"), ("none", "")];
        let slots = slots.map(|(name, value)| (name, value.to_owned()));
        assert_eq!(render(template, &Slots::from(slots)), expected);
    }

    #[test]
    fn slots_are_replaced_and_blocks_keep_their_indentation() {
        check("x: @name@/@name@!\n", "x: web/web!\n");
        check("  @block@\nend\n", "  a:\n    b\nend\n");
        check("a\n  @none@\nb\n", "a\nb\n");
        check("x: \"@none@\"\n", "x: \"\"\n");
        check("a@b @name@ c@\n", "a@b web c@\n");
        check("  @other@\n", "  @other@\n");
    }
}
