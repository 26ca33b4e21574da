//! The YAML reader: `split` cuts the stream into documents, granit-parser turns each into events, `load` writes those to
//! the tape, and `scalar` says what a scalar means. The result is what `sigs.k8s.io/yaml` gives.

mod composer;
mod resolve_scalar;
mod streams;

use super::{
    builder::Builder,
    outcome::{DecodedText, ParseError, ParseOutcome},
};
use composer::Loader;
use std::ops::Range;

/// A file with more broken documents than this is no YAML.
const BROKEN: usize = 100;

/// Reads all documents of a text. A broken one is a error and costs only itself.
pub(super) fn read(builder: &mut Builder<'_>, text: &DecodedText<'_>) -> ParseOutcome {
    let mut outcome = ParseOutcome::default();
    let mut start = text.start;
    if text
        .text
        .get(start..)
        .is_some_and(|rest| rest.starts_with('\u{feff}'))
    {
        start += '\u{feff}'.len_utf8();
    }
    for range in streams::documents(text.text, start) {
        let root = builder.len();
        match check_characters(text, &range)
            .and_then(|()| Loader::new(builder, text.text, range).load())
        {
            Ok(()) if builder.is_null(root) => builder.forget(root),
            Ok(()) => outcome.roots.push(root),
            Err(error) => {
                builder.forget(root);
                let (last, at) = (error.last, error.at);
                outcome.errors.push(error);
                if last {
                    break;
                }
                if outcome.errors.len() >= BROKEN {
                    let message =
                        format!("{BROKEN} documents of the file are broken; the rest is not read");
                    outcome.errors.push(ParseError {
                        at,
                        message,
                        last: true,
                    });
                    break;
                }
            }
        }
    }
    outcome
}

/// Refuses characters that Kubernetes' reader refuses, or takes for line breaks where other readers do not.
fn check_characters(text: &DecodedText<'_>, range: &Range<usize>) -> Result<(), ParseError> {
    let replaced = text.replaced.partition_point(|at| *at < range.start);
    if let Some(at) = text.replaced.get(replaced).filter(|at| range.contains(at)) {
        return Err(ParseError::new(
            *at,
            "this byte is no UTF-8; save the file as UTF-8",
        ));
    }
    let document = text.text.get(range.clone()).unwrap_or_default();
    let is_control =
        |byte: &u8| (*byte < 0x20) & !matches!(*byte, b'\t' | b'\n' | b'\r') | (*byte == 0x7F);
    // Counting has no early end, so it is done many bytes at a time.
    let controls = document
        .as_bytes()
        .iter()
        .filter(|byte| is_control(byte))
        .count();
    let unusual = match controls {
        1.. => document.as_bytes().iter().position(is_control),
        0 if document.is_ascii() => None,
        0 => document.find(|c: char| {
            matches!(
                c,
                '\u{80}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{fffe}' | '\u{ffff}'
            )
        }),
    };
    let Some(at) = unusual else { return Ok(()) };
    let code = document
        .get(at..)
        .and_then(|rest| rest.chars().next())
        .map_or(0, u32::from);
    let why = match code {
        0x85 | 0x2028 | 0x2029 => "is a line break to Kubernetes and a letter to other readers",
        _ => "is not allowed in YAML",
    };
    let message =
        format!("the character U+{code:04X} {why}; write it as \\u{code:04x} in double quotes");
    Err(ParseError::new(range.start + at, message))
}

#[cfg(test)]
mod tests;
