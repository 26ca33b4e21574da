//! Findings: the words, paths and fixes of a body that denies. Off the fast way: most objects pass.

use super::{evaluator::Evaluator, join_plan::Stage, observer::ConditionObserver, value::Value};
use crate::parse_findings;
use kubevet_ir::{Clause, FixValue, Term, TermId};
use kubevet_model::{ControlId, EvalError, FieldPath, Fix, FixAction, PathError, Violation};

/// Room for a message; most are shorter.
const MESSAGE_ROOM_BYTES: usize = 128;

impl<W: ConditionObserver> Evaluator<'_, W> {
    /// Adds the findings of one body.
    ///
    /// # Errors
    /// What is wrong with what the rule says, for its author.
    pub(super) fn say(
        &mut self,
        control: &ControlId,
        deny: &Clause,
        stages: &[Stage],
        findings: &mut Vec<Violation>,
    ) -> Result<(), EvalError> {
        let Some((stage, inner)) = stages.split_first() else {
            findings.push(self.finding(control, deny)?);
            return if findings.len() > parse_findings::MAX_FINDINGS {
                Err(parse_findings::too_many_findings())
            } else {
                Ok(())
            };
        };
        let Some(over) = stage.over else {
            return self.say_if(control, deny, stage, inner, findings);
        };
        let mut outcome = Ok(());
        self.over(over, &mut |evaluator| {
            outcome = evaluator.say_if(control, deny, stage, inner, findings);
            outcome.is_err() || evaluator.stopped().is_some()
        });
        outcome
    }

    fn say_if(
        &mut self,
        control: &ControlId,
        deny: &Clause,
        stage: &Stage,
        inner: &[Stage],
        findings: &mut Vec<Violation>,
    ) -> Result<(), EvalError> {
        if stage.conds.iter().all(|it| self.holds(*it)) {
            self.say(control, deny, inner, findings)
        } else {
            Ok(())
        }
    }

    fn finding(&mut self, control: &ControlId, deny: &Clause) -> Result<Violation, EvalError> {
        let message = self.message(deny.message)?;
        let paths = deny
            .paths
            .iter()
            .map(|it| self.path(*it))
            .collect::<Result<_, _>>()?;
        let mut fixes = Vec::new();
        for fix in &deny.fixes {
            let action = match &fix.value {
                None => FixAction::Remove,
                Some(FixValue::Json(json)) => FixAction::Set(json.to_string()),
                Some(FixValue::Term(term)) => FixAction::Set(self.json(*term)?),
            };
            fixes.push(Fix {
                path: self.path(fix.path)?,
                action,
            });
        }
        self.recycle_scratch();
        Ok(Violation {
            control: control.clone(),
            paths,
            message,
            fixes,
        })
    }

    /// The message, cut. Of its pieces no more is copied than is kept, since a finding's work must not grow with a name
    /// that stands in all of them.
    fn message(&mut self, term: TermId) -> Result<String, EvalError> {
        let program = self.program;
        let pieces = match program.term(term) {
            Term::Concat(pieces) => pieces,
            _ => std::slice::from_ref(&term),
        };
        let mut message = String::with_capacity(MESSAGE_ROOM_BYTES);
        for piece in pieces {
            match self.term(*piece) {
                Value::Int(number) => message.push_str(&number.to_string()),
                value => message.push_str(parse_findings::truncate_message(
                    self.text(value).ok_or_else(no_text)?,
                )),
            }
            if message.len() > parse_findings::MAX_MESSAGE_BYTES {
                break;
            }
        }
        self.charge(message.len() as u64 / 64);
        message.truncate(parse_findings::truncate_message(&message).len());
        Ok(message)
    }

    fn path(&mut self, term: TermId) -> Result<FieldPath, EvalError> {
        let value = self.term(term);
        self.text(value)
            .ok_or_else(no_text)?
            .parse()
            .map_err(|error: PathError| EvalError::RuleFailed(error.to_string()))
    }

    fn json(&mut self, term: TermId) -> Result<String, EvalError> {
        match self.term(term) {
            Value::Null => Ok("null".to_owned()),
            Value::Bool(it) => Ok(it.to_string()),
            Value::Int(it) => Ok(it.to_string()),
            Value::EmptyList => Ok("[]".to_owned()),
            Value::EmptyMap => Ok("{}".to_owned()),
            Value::Node(node) if !self.node(node).is_string() => {
                let mut text = String::new();
                self.node(node).write_json(&mut text);
                Ok(text)
            }
            value => match self.text(value) {
                Some(text) => Ok(serde_json::Value::from(text).to_string()),
                None => Err(EvalError::RuleFailed(
                    "a fix with a value that is undefined".to_owned(),
                )),
            },
        }
    }
}

// Proved to be none when the rule was compiled; if that proof were wrong, the object must not pass.
fn no_text() -> EvalError {
    EvalError::RuleFailed("a finding with a piece that is no text".to_owned())
}
