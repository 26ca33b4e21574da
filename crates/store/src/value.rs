//! A value of a column and a row of values: what both databases take and return.
//!
//! Three types are enough for every column. A null has the type of its column, since PostgreSQL asks
//! for it.

use super::ResultStoreError;

/// A value of a column; `None` is null.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// A number: counts, times in seconds, ids.
    Int(Option<i64>),
    /// A percentage.
    Real(Option<f64>),
    /// A string.
    Text(Option<String>),
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(Some(number))
    }
}

impl From<usize> for Value {
    fn from(number: usize) -> Self {
        Self::Int(Some(i64::try_from(number).unwrap_or(i64::MAX)))
    }
}

impl From<Option<i64>> for Value {
    fn from(number: Option<i64>) -> Self {
        Self::Int(number)
    }
}

impl From<Option<f64>> for Value {
    fn from(number: Option<f64>) -> Self {
        Self::Real(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(Some(text.to_owned()))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(Some(text))
    }
}

impl From<Option<String>> for Value {
    fn from(text: Option<String>) -> Self {
        Self::Text(text)
    }
}

/// A row of a result. Its values are taken in the order of the columns.
#[derive(Debug)]
pub(super) struct Row(std::vec::IntoIter<Value>);

impl Row {
    pub(super) fn new(values: Vec<Value>) -> Self {
        Self(values.into_iter())
    }

    /// Takes the next value, a number.
    pub(super) fn int(&mut self) -> Result<i64, ResultStoreError> {
        self.optional_int()?.ok_or_else(unexpected)
    }

    /// Takes the next value, a number or null.
    pub(super) fn optional_int(&mut self) -> Result<Option<i64>, ResultStoreError> {
        match self.0.next() {
            Some(Value::Int(number)) => Ok(number),
            // SQLite gives a null no type.
            Some(Value::Text(None) | Value::Real(None)) => Ok(None),
            _ => Err(unexpected()),
        }
    }

    /// Takes the next value, a count.
    pub(super) fn count(&mut self) -> Result<usize, ResultStoreError> {
        usize::try_from(self.int()?).map_err(|_| unexpected())
    }

    /// Takes the next value, a percentage or null.
    pub(super) fn optional_real(&mut self) -> Result<Option<f64>, ResultStoreError> {
        match self.0.next() {
            Some(Value::Real(number)) => Ok(number),
            Some(Value::Text(None) | Value::Int(None)) => Ok(None),
            _ => Err(unexpected()),
        }
    }

    /// Takes the next value, a string.
    pub(super) fn text(&mut self) -> Result<String, ResultStoreError> {
        self.optional_text()?.ok_or_else(unexpected)
    }

    /// Takes the next value, a string or null.
    pub(super) fn optional_text(&mut self) -> Result<Option<String>, ResultStoreError> {
        match self.0.next() {
            Some(Value::Text(text)) => Ok(text),
            Some(Value::Int(None) | Value::Real(None)) => Ok(None),
            _ => Err(unexpected()),
        }
    }
}

/// The error of a column with a value that kubevet never writes there.
fn unexpected() -> ResultStoreError {
    ResultStoreError::Unreadable(
        "a column has a value of another type than kubevet writes".to_owned(),
    )
}
