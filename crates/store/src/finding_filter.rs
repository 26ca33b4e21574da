//! Which findings a reader wants, and its form in SQL.

use super::{
    ResultStoreError, Timestamp, connection::VALUES_PER_LIST, finding_record::severity_rank,
    sql_text::SqlText, value::Value,
};
use kubevet_model::{ControlId, Severity};

/// Which findings a reader wants. An empty list or `None` restricts nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FindingFilter {
    /// The period of the findings.
    pub state: FindingState,
    /// The namespaces; the empty name is that of objects outside namespaces.
    pub namespaces: Vec<String>,
    /// The kinds, such as `Deployment`.
    pub kinds: Vec<String>,
    /// The name of the object.
    pub name: Option<String>,
    /// The uid of the object.
    pub uid: Option<String>,
    /// The controls.
    pub controls: Vec<ControlId>,
    /// The severities.
    pub severities: Vec<Severity>,
    /// A framework that has the control, as of the last sweep.
    pub framework: Option<String>,
    /// True for findings that an exception accepts, false for the others.
    pub is_accepted: Option<bool>,
}

/// The period of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FindingState {
    /// It lasts.
    #[default]
    Open,
    /// It has ended.
    Fixed,
    /// It lasts, and began at this time or later.
    NewSince(Timestamp),
    /// It lasts or has ended.
    Any,
}

impl FindingFilter {
    /// Appends ` WHERE …` over `finding f` and `object o`.
    pub(super) fn write_where(&self, sql: &mut SqlText) -> Result<(), ResultStoreError> {
        sql.push(" WHERE ");
        match self.state {
            FindingState::Open => sql.push("f.fixed_at IS NULL"),
            FindingState::Fixed => sql.push("f.fixed_at IS NOT NULL"),
            FindingState::NewSince(time) => sql
                .push("f.fixed_at IS NULL AND f.first_seen >= ")
                .bind(time.unix_seconds()),
            FindingState::Any => sql.push("1 = 1"),
        };
        let texts = |values: &[String]| values.iter().map(|text| without_nul(text)).collect();
        self.write_list(sql, "o.namespace", texts(&self.namespaces))?;
        self.write_list(sql, "o.kind", texts(&self.kinds))?;
        self.write_list(sql, "o.name", texts(self.name.as_slice()))?;
        self.write_list(sql, "o.uid", texts(self.uid.as_slice()))?;
        let controls = self.controls.iter().map(|id| without_nul(id.as_str()));
        self.write_list(sql, "f.control", controls.collect())?;
        let severities = self.severities.iter();
        let ranks = severities.map(|severity| severity_rank(*severity).into());
        self.write_list(sql, "f.severity", ranks.collect())?;
        if let Some(framework) = &self.framework {
            sql.push(" AND f.control IN (SELECT control FROM framework_control WHERE framework = ")
                .bind(without_nul(framework))
                .push(")");
        }
        match self.is_accepted {
            Some(true) => sql.push(" AND f.exception IS NOT NULL"),
            Some(false) => sql.push(" AND f.exception IS NULL"),
            None => sql,
        };
        Ok(())
    }

    fn write_list(
        &self,
        sql: &mut SqlText,
        column: &str,
        values: Vec<Value>,
    ) -> Result<(), ResultStoreError> {
        if values.len() > VALUES_PER_LIST {
            return Err(ResultStoreError::Filter {
                found: values.len(),
                max: VALUES_PER_LIST,
            });
        }
        if !values.is_empty() {
            sql.push(" AND ")
                .push(column)
                .push(" IN ")
                .bind_list(values);
        }
        Ok(())
    }
}

fn without_nul(text: &str) -> Value {
    text.replace('\0', "\u{fffd}").into()
}
