//! The YAML reader: `streams` splits the text into documents, granit-parser turns each into events,
//! `composer` writes those to the tape, `resolve_scalar` decides the type of a scalar, and
//! `go_float` prints doubles, `unrendered_template` recognizes what no YAML reader can read. The result is that of `sigs.k8s.io/yaml`.

mod composer;
mod go_float;
mod resolve_scalar;
mod streams;
mod unrendered_template;

use super::{
    builder::Builder,
    outcome::{DecodedText, ParseError, ParseOutcome},
};
use composer::Composer;
use std::ops::Range;

/// The number of invalid documents after which the rest of a file is not read.
const MAX_INVALID_DOCUMENTS: usize = 100;

/// Reads all documents of a text. An invalid document is an error and loses no other.
pub(super) fn read(builder: &mut Builder<'_>, text: &DecodedText<'_>) -> ParseOutcome {
    let mut outcome = ParseOutcome::default();
    for range in streams::documents(text.text, text.start) {
        let root = builder.len();
        let loaded = check_characters(text, &range)
            .and_then(|()| Composer::new(builder, text.text, range.clone()).load());
        match loaded.map_err(|error| as_template(text, &range, error)) {
            Ok(()) if builder.is_null(root) => builder.discard_from(root),
            Ok(()) => outcome.roots.push(root),
            Err(error) => {
                builder.discard_from(root);
                let (last, at) = (error.last, error.at);
                outcome.errors.push(error);
                if last {
                    break;
                }
                if outcome.errors.len() >= MAX_INVALID_DOCUMENTS {
                    let message = format!(
                        "{MAX_INVALID_DOCUMENTS} documents of the file are broken; the rest is not read"
                    );
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

/// Replaces the error of a document that is a template.
fn as_template(text: &DecodedText<'_>, range: &Range<usize>, error: ParseError) -> ParseError {
    let document = text.text.get(range.clone()).unwrap_or_default();
    match unrendered_template::find(document) {
        Some(at) if !error.last => ParseError::new(range.start + at, unrendered_template::MESSAGE),
        _ => error,
    }
}

/// Rejects characters that Kubernetes' reader rejects, or takes for line breaks where other readers
/// do not.
fn check_characters(text: &DecodedText<'_>, range: &Range<usize>) -> Result<(), ParseError> {
    let replaced = text.replaced.partition_point(|at| *at < range.start);
    if let Some(at) = text.replaced.get(replaced).filter(|at| range.contains(at)) {
        return Err(ParseError::new(
            *at,
            "invalid UTF-8 at this byte; save the file as UTF-8",
        ));
    }
    let document = text.text.get(range.clone()).unwrap_or_default();
    let is_control =
        |byte: &u8| (*byte < 0x20) & !matches!(*byte, b'\t' | b'\n' | b'\r') | (*byte == 0x7F);
    // A count has no early exit, so that the compiler vectorizes it.
    let controls = document
        .as_bytes()
        .iter()
        .filter(|byte| is_control(byte))
        .count();
    let rejected = match controls {
        1.. => document.as_bytes().iter().position(is_control),
        0 if document.is_ascii() => None,
        0 => document.find(|c: char| {
            matches!(
                c,
                '\u{80}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{fffe}' | '\u{ffff}'
            )
        }),
    };
    let Some(at) = rejected else { return Ok(()) };
    let code = document
        .get(at..)
        .and_then(|rest| rest.chars().next())
        .map_or(0, u32::from);
    let reason = match code {
        0x85 | 0x2028 | 0x2029 => "is a line break to Kubernetes and a letter to other readers",
        _ => "is not allowed in YAML",
    };
    let message =
        format!("the character U+{code:04X} {reason}; write it as \\u{code:04x} in double quotes");
    Err(ParseError::new(range.start + at, message))
}

#[cfg(test)]
mod tests;
