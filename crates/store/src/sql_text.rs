//! A statement with its values, built piece by piece. Values never become part of the text.

use super::value::Value;

/// A statement. Its parameters are written `?1`, `?2` and so on; SQLite reads them as they are.
#[derive(Debug, Default, Clone)]
pub(super) struct SqlText {
    text: String,
    params: Vec<Value>,
}

impl SqlText {
    /// Begins with a text without parameters.
    pub(super) fn new(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            params: Vec::new(),
        }
    }

    /// Appends a text without parameters.
    pub(super) fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Appends a parameter.
    pub(super) fn bind(&mut self, value: impl Into<Value>) -> &mut Self {
        self.params.push(value.into());
        self.text.push('?');
        self.text.push_str(&self.params.len().to_string());
        self
    }

    /// Appends parameters in parentheses.
    pub(super) fn bind_list(&mut self, values: impl IntoIterator<Item = Value>) -> &mut Self {
        self.push("(");
        for (index, value) in values.into_iter().enumerate() {
            if index > 0 {
                self.push(", ");
            }
            self.bind(value);
        }
        self.push(")")
    }

    /// Appends rows of parameters for `VALUES`.
    pub(super) fn bind_rows(&mut self, rows: impl IntoIterator<Item = Vec<Value>>) -> &mut Self {
        for (index, row) in rows.into_iter().enumerate() {
            if index > 0 {
                self.push(", ");
            }
            self.bind_list(row);
        }
        self
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn params(&self) -> &[Value] {
        &self.params
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_numbered_in_order() {
        let mut sql = SqlText::new("INSERT INTO t VALUES ");
        sql.bind_rows([
            vec![Value::from(1_i64), Value::from("a")],
            vec![Value::from(2_i64), Value::from("?3")],
        ]);
        sql.push(" RETURNING id");
        assert_eq!(
            sql.text(),
            "INSERT INTO t VALUES (?1, ?2), (?3, ?4) RETURNING id"
        );
        assert_eq!(sql.params().len(), 4);
    }
}
