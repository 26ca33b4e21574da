//! The public JSON report. The same scan gives the same bytes.
//!
//! Its structs (`scan_report`) are the format and have field names of their own, so that the model
//! may change and the format does not. `schemas/scan-report.v1.json` describes them, and a test
//! checks reports against it.

mod scan_report;

use crate::{Style, escaping_formatter::EscapingFormatter};
use kubevet_model::Scan;
use scan_report::ScanReport;
use serde::Serialize;
use serde_json::ser::{PrettyFormatter, Serializer};
use std::io;

/// The `apiVersion` of every JSON document that kubevet writes.
pub(crate) const API_VERSION: &str = "kubevet.io/v1";

/// Writes the report of a scan.
pub(super) fn write(scan: &Scan, _style: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    write_document(&ScanReport::new(scan), out)
}

/// Writes a document: indented, with hidden characters escaped, and with a final line break.
pub(super) fn write_document(document: &impl Serialize, out: &mut dyn io::Write) -> io::Result<()> {
    let formatter = EscapingFormatter(PrettyFormatter::new());
    document.serialize(&mut Serializer::with_formatter(&mut *out, formatter))?;
    out.write_all(b"\n")
}

/// Parses the value of a fix. A string that is no JSON comes from no rule of the library; it is
/// returned as a JSON string rather than lost.
pub(super) fn fix_value(json: &str) -> serde_json::Value {
    serde_json::from_str(json).unwrap_or_else(|_| serde_json::Value::String(json.to_owned()))
}
