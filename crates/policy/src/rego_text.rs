//! The package of a Rego file and the params that it reads, found without a parser.
//!
//! Comments and strings are masked and the rest is searched, so that a folder can be checked
//! without the engine. Whether the Rego is valid is decided by the crate `rego`.

use super::map_reader::Spanned;
use kubevet_model::Position;
use std::ops::Range;

/// Returns the package of a module and its position; `None` if the first statement is no package
/// line.
pub(super) fn package(text: &str) -> Option<Spanned<String>> {
    let (number, line) = text
        .lines()
        .enumerate()
        .find(|(_, line)| !line.trim().is_empty() && !line.trim_start().starts_with('#'))?;
    let after = line.trim_start().strip_prefix("package")?;
    let name = after.trim_start();
    if name.len() == after.len() {
        return None;
    }
    let column = line.chars().count() - name.chars().count() + 1;
    let name = name
        .split([' ', '\t', '#', ';', '\r'])
        .next()
        .unwrap_or_default();
    Some(Spanned {
        value: name.to_owned(),
        position: position(number, column),
    })
}

/// A place where a module reads a field of a root such as `input.params`.
pub(super) struct FieldRead {
    /// The name of the field; `None` if the field is computed, or the root is read as a whole.
    pub(super) name: Option<String>,
    /// The position of the name, or of the root if there is none.
    pub(super) position: Position,
    /// The bytes of the reference, from the root to the name.
    pub(super) bytes: Range<usize>,
}

/// Returns the params that a module reads as `input.params.NAME` or `input.params["NAME"]`, once
/// for each position.
pub(super) fn params_read(text: &str) -> Vec<Spanned<String>> {
    let reads = reads_of(text, "input.params").into_iter();
    reads
        .filter_map(|read| {
            Some(Spanned {
                value: read.name?,
                position: read.position,
            })
        })
        .collect()
}

/// Returns where a module reads a root, as `ROOT.NAME`, `ROOT["NAME"]` or otherwise.
pub(super) fn reads_of(text: &str, root: &str) -> Vec<FieldRead> {
    let mut found = Vec::new();
    let mut raw = false;
    let mut line_start = 0;
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let code = mask_line(line, &mut raw);
        for (at, _) in code.match_indices(root) {
            let before = code.get(..at).and_then(|before| before.chars().next_back());
            let rest = line.get(at + root.len()..).unwrap_or_default();
            if before.is_some_and(|c| c == '.' || is_name_char(c)) || rest.starts_with(is_name_char)
            {
                continue;
            }
            let column =
                |bytes: usize| line.get(..bytes).map_or(0, |text| text.chars().count()) + 1;
            // The mask keeps the byte offsets, so the name of a quoted key is read from the line
            // itself.
            let after = name_after(rest);
            let (lead, name) = after.unwrap_or_default();
            // Two characters close a quoted key.
            let close = if lead == 2 { 2 } else { 0 };
            let end = at + root.len() + lead + name.len() + close;
            found.push(FieldRead {
                name: after.map(|(_, name)| name.to_owned()),
                position: match after {
                    Some(_) => position(number, column(at + root.len() + lead)),
                    None => position(number, column(at)),
                },
                bytes: line_start + at..line_start + end,
            });
        }
        line_start += line.len();
    }
    found
}

/// Splits `.name` or `["name"]` into the number of bytes before the name, and the name.
fn name_after(rest: &str) -> Option<(usize, &str)> {
    if let Some(quoted) = rest.strip_prefix("[\"") {
        return quoted.split_once("\"]").map(|(name, _)| (2, name));
    }
    let name = rest.strip_prefix('.')?;
    let end = name.find(|c| !is_name_char(c)).unwrap_or(name.len());
    name.get(..end)
        .filter(|name| !name.is_empty())
        .map(|name| (1, name))
}

/// Returns a line with comments and the contents of strings replaced by spaces, byte for byte.
/// `raw` is true if the line begins inside a raw string, and is updated for the next line.
fn mask_line(line: &str, raw: &mut bool) -> String {
    let mut out = String::with_capacity(line.len());
    let mut quoted = false;
    let mut escaped = false;
    for (at, c) in line.char_indices() {
        let inside = *raw || quoted;
        match c {
            '`' if !quoted => *raw = !*raw,
            '"' if !*raw && !escaped => quoted = !quoted,
            '#' if !inside => {
                out.extend(std::iter::repeat_n(' ', line.len() - at));
                break;
            }
            _ => {}
        }
        escaped = quoted && c == '\\' && !escaped;
        if inside || !c.is_ascii() {
            out.extend(std::iter::repeat_n(' ', c.len_utf8()));
        } else {
            out.push(c);
        }
    }
    out
}

fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Returns a position from a line counted from 0 and a column counted from 1.
fn position(line: usize, column: usize) -> Position {
    let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    Position {
        line: number(line).saturating_add(1),
        column: number(column),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn print(found: &[Spanned<String>]) -> Vec<String> {
        found
            .iter()
            .map(|param| format!("{} {}", param.position, param.value))
            .collect()
    }

    #[test]
    fn package_is_the_first_statement() {
        for (text, expected) in [
            ("package controls.c1\n", Some("1:9 controls.c1")),
            ("# METADATA\n\n  package  lib.x # why\n", Some("3:12 lib.x")),
            ("import rego.v1\npackage a\n", None),
            ("packages a\n", None),
            ("package\n", None),
            ("", None),
        ] {
            assert_eq!(
                print(&package(text).into_iter().collect::<Vec<_>>())
                    .first()
                    .map(String::as_str),
                expected
            );
        }
    }

    #[test]
    fn param_is_found_outside_of_comments_and_strings() {
        let text = "x in input.params.allowed # input.params.no\ny := \"input.params.no\"\nz := `input.params.no\n\
                    input.params.no` == input.params[\"max-é\"]\n\"\\\"\" == input.params.é; myinput.params.no; input.params\n\
                    e := \"é\"; input.params.last";
        assert_eq!(
            print(&params_read(text)),
            ["1:19 allowed", "4:35 max-é", "6:24 last"]
        );
    }
}
