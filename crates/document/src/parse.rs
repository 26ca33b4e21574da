//! Parses bytes into documents and problems: checks the bounds, decodes the text, and chooses
//! between JSON and YAML.

use super::{
    Document,
    builder::Builder,
    json,
    limits::Limits,
    outcome::{DecodedText, ParseError, ParseOutcome},
    source_map::SourceText,
    yaml,
};
use kubevet_model::{Problem, ProblemCode};
use std::{borrow::Cow, sync::Arc};

/// The documents of a file, and its problems.
#[derive(Debug, Default)]
pub struct ParsedFile {
    /// The documents, in the order of the text. Empty (null) ones are left out; lists are not
    /// expanded (see [`super::expand_lists`]).
    pub documents: Vec<Document>,
    /// The problems, in the order of the text. A problem of one document leaves the others whole.
    pub problems: Vec<Problem>,
}

/// Reads a file as kubectl does: text that begins with `{` is JSON, or a sequence of JSON
/// documents, and is read on as YAML where it stops being JSON; any other text is YAML.
#[must_use]
pub fn read(file: &Arc<str>, bytes: &[u8], limits: &Limits) -> ParsedFile {
    read_with(file, bytes, limits, |builder, text| {
        let start = text.text.trim_start_matches('\u{feff}').trim_start();
        // Two braces begin a template, and no JSON.
        if !start.starts_with('{') || start.starts_with("{{") {
            return yaml::read(builder, text);
        }
        let mut outcome = json::read(builder, text.text);
        if outcome.errors.iter().any(|error| error.last) {
            return outcome;
        }
        if let Some(rest) = outcome.stopped {
            let as_yaml = yaml::read(
                builder,
                &DecodedText {
                    start: rest,
                    ..*text
                },
            );
            // If the text is neither, the errors of the reader that got further are reported.
            let came_to = |errors: &[ParseError]| {
                errors
                    .iter()
                    .map(|error| error.at)
                    .max()
                    .unwrap_or(usize::MAX)
            };
            if !as_yaml.roots.is_empty() || came_to(&as_yaml.errors) > came_to(&outcome.errors) {
                outcome.roots.extend(as_yaml.roots);
                outcome.errors = as_yaml.errors;
            }
        }
        outcome
    })
}

/// Reads JSON: one document, or a sequence of documents.
#[must_use]
pub fn read_json(file: &Arc<str>, bytes: &[u8], limits: &Limits) -> ParsedFile {
    read_with(file, bytes, limits, |builder, text| {
        json::read(builder, text.text)
    })
}

/// Reads YAML, with scalars resolved as in Kubernetes' own reader.
#[must_use]
pub fn read_yaml(file: &Arc<str>, bytes: &[u8], limits: &Limits) -> ParsedFile {
    read_with(file, bytes, limits, yaml::read)
}

fn read_with(
    file: &Arc<str>,
    bytes: &[u8],
    limits: &Limits,
    reader: impl FnOnce(&mut Builder<'_>, &DecodedText<'_>) -> ParseOutcome,
) -> ParsedFile {
    let bound = limits.bytes.min(1 << 30);
    if bytes.len() > bound {
        let message = format!(
            "the file has {} bytes, more than the {bound} that are read; split it",
            bytes.len()
        );
        return ParsedFile {
            documents: Vec::new(),
            problems: vec![Problem::in_file(
                ProblemCode::InputTooLarge,
                file.as_ref(),
                message,
            )],
        };
    }
    let limits = Limits {
        nodes: limits.nodes.min(1 << 28),
        ..limits.clone()
    };
    let mut replaced = Vec::new();
    let text: Arc<str> = match decode(bytes, &mut replaced) {
        Cow::Borrowed(text) => Arc::from(text),
        Cow::Owned(text) => Arc::from(text),
    };
    let mut builder = Builder::new(&text, &limits);
    let outcome = reader(
        &mut builder,
        &DecodedText {
            text: &text,
            start: 0,
            replaced: &replaced,
        },
    );
    let source = SourceText::new(Arc::clone(file), Arc::clone(&text));
    let problem = |error: ParseError| {
        Problem::at(
            ProblemCode::InputSyntax,
            file.as_ref(),
            source.position(error.at),
            error.message,
        )
    };
    let problems = outcome.errors.into_iter().map(problem).collect();
    let tape = Arc::new(builder.finish(source));
    let documents = outcome
        .roots
        .into_iter()
        .map(|root| Document::new(Arc::clone(&tape), root))
        .collect();
    ParsedFile {
        documents,
        problems,
    }
}

/// Decodes bytes: UTF-8, or UTF-16 after a byte order mark, which some shells write into files. As
/// in Go, each byte that is no UTF-8 becomes U+FFFD; its offset is noted.
fn decode<'b>(bytes: &'b [u8], replaced: &mut Vec<usize>) -> Cow<'b, str> {
    let pair: Option<fn([u8; 2]) -> u16> = match bytes {
        [0xFF, 0xFE, ..] => Some(u16::from_le_bytes),
        [0xFE, 0xFF, ..] => Some(u16::from_be_bytes),
        _ => None,
    };
    if let Some(pair) = pair {
        let units = bytes.chunks_exact(2).map(|two| match two {
            [first, second] => pair([*first, *second]),
            _ => 0xFFFD,
        });
        let mut text = String::with_capacity(bytes.len());
        for unit in char::decode_utf16(units) {
            text.push(unit.unwrap_or_else(|_| {
                replaced.push(text.len());
                char::REPLACEMENT_CHARACTER
            }));
        }
        return Cow::Owned(text);
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let mut text = String::with_capacity(bytes.len() + 16);
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for _ in chunk.invalid() {
            replaced.push(text.len());
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }
    Cow::Owned(text)
}
