//! One line for a change of a cluster that is watched: for people, or as JSON.

use super::{escaping_formatter::EscapingFormatter, sanitize::escape_bounded};
use kubevet_model::Change;
use serde::Serialize as _;
use serde_json::{json, ser::CompactFormatter};
use std::io;

/// Writes `TIME NEW  critical  Deployment shop/cart: MESSAGE [C-0057]`.
///
/// # Errors
/// Those of the writer.
pub fn write_change(change: &Change, time: &str, out: &mut dyn io::Write) -> io::Result<()> {
    writeln!(
        out,
        "{time}  {:7}  {:8}  {}: {} [{}]",
        change.kind.name().to_uppercase(),
        change.severity.name(),
        escape_bounded(&change.object.to_string()),
        escape_bounded(&change.message),
        change.control
    )
}

/// Writes a JSON object on one line.
///
/// # Errors
/// Those of the writer.
pub fn write_change_json(change: &Change, time: &str, out: &mut dyn io::Write) -> io::Result<()> {
    let value = json!({
        "time": time,
        "change": change.kind.name(),
        "object": {
            "apiVersion": change.object.api_version,
            "kind": change.object.kind,
            "namespace": change.object.namespace,
            "name": change.object.name,
        },
        "control": change.control.as_str(),
        "severity": change.severity.name(),
        "message": change.message,
    });
    let formatter = EscapingFormatter(CompactFormatter);
    let mut serializer = serde_json::Serializer::with_formatter(&mut *out, formatter);
    value.serialize(&mut serializer)?;
    writeln!(out)
}
