//! Findings: the messages, paths and fixes of clauses that fired. It is off the hot path, since
//! most objects pass.

use super::{
    clause_stages::Stage, evaluator::Evaluator, observer::ConditionObserver, value::Value,
};
use crate::parse_findings::{MAX_FINDINGS, MAX_MESSAGE_BYTES, too_many_findings, truncate_message};
use kubevet_ir::{Clause, FixTemplate, FixValue, Term, TermId};
use kubevet_model::{ControlId, EvalError, FieldPath, Fix, FixAction, PathError, Violation};

/// The initial capacity of a message in bytes. Most messages are shorter.
const MESSAGE_CAPACITY_BYTES: usize = 128;

impl<O: ConditionObserver> Evaluator<'_, O> {
    /// Adds the findings of one clause: one for each choice of elements for which its conditions
    /// hold.
    ///
    /// # Errors
    /// The rule has too many findings, or one that does not have the documented form.
    pub(super) fn render_clause(
        &mut self,
        control: &ControlId,
        clause: &Clause,
        stages: &[Stage],
        violations: &mut Vec<Violation>,
    ) -> Result<(), EvalError> {
        let Some((stage, inner)) = stages.split_first() else {
            violations.push(self.violation(control, clause)?);
            return if violations.len() > MAX_FINDINGS {
                Err(too_many_findings())
            } else {
                Ok(())
            };
        };
        let Some(source) = stage.source else {
            return self.render_stage(control, clause, stage, inner, violations);
        };
        let mut result = Ok(());
        self.iterate(source, &mut |evaluator| {
            result = evaluator.render_stage(control, clause, stage, inner, violations);
            result.is_err() || evaluator.aborted().is_some()
        });
        result
    }

    fn render_stage(
        &mut self,
        control: &ControlId,
        clause: &Clause,
        stage: &Stage,
        inner: &[Stage],
        violations: &mut Vec<Violation>,
    ) -> Result<(), EvalError> {
        let mut conditions = stage.conditions.iter();
        if conditions.all(|condition| self.holds(*condition)) {
            self.render_clause(control, clause, inner, violations)
        } else {
            Ok(())
        }
    }

    fn violation(&mut self, control: &ControlId, clause: &Clause) -> Result<Violation, EvalError> {
        let message = self.message(clause.message)?;
        let paths = clause
            .paths
            .iter()
            .map(|path| self.path(*path))
            .collect::<Result<_, _>>()?;
        let fixes = clause
            .fixes
            .iter()
            .map(|fix| self.fix(fix))
            .collect::<Result<_, _>>()?;
        self.recycle_scratch();
        Ok(Violation {
            control: control.clone(),
            paths,
            message,
            fixes,
        })
    }

    /// Computes a message, truncated. Its parts are copied one by one and no further than the
    /// limit: the work must not grow with a long string that is a part of every message.
    fn message(&mut self, term: TermId) -> Result<String, EvalError> {
        let program = self.context.program;
        let parts = match program.term(term) {
            Term::Concat(parts) => parts,
            _ => std::slice::from_ref(&term),
        };
        let mut message = String::with_capacity(MESSAGE_CAPACITY_BYTES);
        for part in parts {
            match self.term(*part) {
                Value::Int(number) => message.push_str(&number.to_string()),
                value => {
                    let string = self.string(value).ok_or_else(not_a_string)?;
                    message.push_str(truncate_message(string));
                }
            }
            if message.len() > MAX_MESSAGE_BYTES {
                break;
            }
        }
        self.charge(message.len() as u64 / 64);
        message.truncate(truncate_message(&message).len());
        Ok(message)
    }

    fn fix(&mut self, fix: &FixTemplate) -> Result<Fix, EvalError> {
        let action = match &fix.value {
            None => FixAction::Remove,
            Some(FixValue::Json(json)) => FixAction::Set(json.to_string()),
            Some(FixValue::Term(term)) => FixAction::Set(self.json(*term)?),
        };
        Ok(Fix {
            path: self.path(fix.path)?,
            action,
        })
    }

    fn path(&mut self, term: TermId) -> Result<FieldPath, EvalError> {
        let value = self.term(term);
        self.string(value)
            .ok_or_else(not_a_string)?
            .parse()
            .map_err(|error: PathError| EvalError::RuleFailed(error.to_string()))
    }

    /// Computes a value as JSON.
    fn json(&mut self, term: TermId) -> Result<String, EvalError> {
        match self.term(term) {
            Value::Null => Ok("null".to_owned()),
            Value::Bool(boolean) => Ok(boolean.to_string()),
            Value::Int(number) => Ok(number.to_string()),
            Value::EmptyList => Ok("[]".to_owned()),
            Value::EmptyMap => Ok("{}".to_owned()),
            Value::Node(node) if !self.node(node).is_string() => {
                let mut json = String::new();
                self.node(node).write_json(&mut json);
                Ok(json)
            }
            value => match self.string(value) {
                Some(string) => Ok(serde_json::Value::from(string).to_string()),
                None => Err(EvalError::RuleFailed(
                    "a fix with a value that is undefined".to_owned(),
                )),
            },
        }
    }
}

/// The compiler proves that messages and paths are strings. If a proof were wrong, the object must
/// not pass.
fn not_a_string() -> EvalError {
    EvalError::RuleFailed("a message that is not a string".to_owned())
}
