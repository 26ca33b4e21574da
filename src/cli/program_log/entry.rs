//! An event on its way to a line: bounded, escaped, as text or JSON.

use kubevet_model::{escape_char, format_bounded, truncate_bytes};
use kubevet_report::EscapingFormatter;
use serde::Serialize as _;
use serde_json::{Map, Value, ser::CompactFormatter, ser::Serializer};
use std::{
    fmt::{self, Write as _},
    time::SystemTime,
};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use tracing::{
    Level,
    field::{Field, Visit},
};

/// The maximum size of a message.
pub(super) const MAX_MESSAGE_BYTES: usize = 4096;
/// The maximum size of the value of another field.
pub(super) const MAX_FIELD_BYTES: usize = 1024;
/// The maximum number of fields of a line, apart from the message.
const MAX_FIELDS: usize = 16;

/// The format of a line.
#[derive(Clone, Copy)]
pub(super) struct LineFormat {
    /// True for JSON, false for text.
    pub(super) json: bool,
    /// True if the level of a text line is coloured.
    pub(super) color: bool,
}

/// An event.
pub(super) struct Entry {
    pub(super) level: Level,
    time: SystemTime,
    message: String,
    fields: Vec<(&'static str, Value)>,
}

impl Entry {
    /// Creates an event of this moment.
    pub(super) fn new(level: Level) -> Self {
        Self {
            level,
            time: SystemTime::now(),
            message: String::new(),
            fields: Vec::new(),
        }
    }

    /// Creates an event with a message and no fields.
    pub(super) fn with_message(level: Level, message: String) -> Self {
        Self {
            message,
            ..Self::new(level)
        }
    }

    fn add(&mut self, field: &Field, value: Value) {
        match value {
            Value::String(message) if is_message(field) => self.message = message,
            value if self.fields.len() < MAX_FIELDS => self.fields.push((field.name(), value)),
            _ => {}
        }
    }

    /// Returns the line with its line break.
    pub(super) fn line(&self, format: LineFormat) -> Vec<u8> {
        let mut line = if format.json {
            self.json()
        } else {
            self.text(format.color)
        };
        line.push(b'\n');
        line
    }

    fn text(&self, color: bool) -> Vec<u8> {
        let sgr = match self.level {
            Level::ERROR => "31",
            Level::WARN => "33",
            Level::INFO => "32",
            Level::DEBUG => "34",
            Level::TRACE => "35",
        };
        let mut line = self.timestamp();
        // Writing into a string cannot fail.
        let _ = if color {
            write!(line, " \u{1b}[{sgr}m{:>5}\u{1b}[0m ", self.level)
        } else {
            write!(line, " {:>5} ", self.level)
        };
        push_escaped(&self.message, &mut line);
        for (name, value) in &self.fields {
            let _ = write!(line, " {name}=");
            // A string is quoted as JSON, so that no value can end early and begin another field.
            push_escaped(&value.to_string(), &mut line);
        }
        line.into_bytes()
    }

    fn json(&self) -> Vec<u8> {
        let mut fields = Map::new();
        fields.insert("message".to_owned(), self.message.clone().into());
        for (name, value) in &self.fields {
            fields.insert((*name).to_owned(), value.clone());
        }
        let mut entry = Map::new();
        entry.insert("timestamp".to_owned(), self.timestamp().into());
        entry.insert("level".to_owned(), self.level.as_str().into());
        entry.insert("fields".to_owned(), fields.into());
        let mut bytes = Vec::with_capacity(256);
        let formatter = EscapingFormatter(CompactFormatter);
        // Serializing maps of strings and numbers into memory cannot fail.
        let _ = entry.serialize(&mut Serializer::with_formatter(&mut bytes, formatter));
        bytes
    }

    /// Returns the time in RFC 3339 with microseconds, in UTC.
    fn timestamp(&self) -> String {
        let utc = OffsetDateTime::from(self.time);
        // It removes the nanoseconds.
        let utc = utc.replace_microsecond(utc.microsecond()).unwrap_or(utc);
        utc.format(&Rfc3339).unwrap_or_default()
    }
}

fn push_escaped(string: &str, line: &mut String) {
    string.chars().for_each(|c| escape_char(c, line));
}

fn is_message(field: &Field) -> bool {
    field.name() == "message"
}

fn max_bytes(field: &Field) -> usize {
    if is_message(field) {
        MAX_MESSAGE_BYTES
    } else {
        MAX_FIELD_BYTES
    }
}

impl Visit for Entry {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let value = format_bounded(&format_args!("{value:?}"), max_bytes(field));
        self.add(field, value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let value = truncate_bytes(value, max_bytes(field)).into_owned();
        self.add(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, value.into());
    }
}
