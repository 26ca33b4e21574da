//! Findings: the words, paths and fixes of a body that denies. Off the fast way: most objects pass.

use super::{machine::Machine, watch::Watch};
use crate::{
    engine::{
        answer,
        program::{CondId, Deny, FixValue, TermId},
    },
    model::{ControlId, FieldPath, Finding, Fix, FixAction},
};

impl<W: Watch> Machine<'_, W> {
    /// Adds the findings of one body.
    ///
    /// # Errors
    /// What is wrong with what the rule says, for its author.
    pub(super) fn say(&mut self, control: &ControlId, deny: &Deny, findings: &mut Vec<Finding>) -> Result<(), String> {
        let levels = deny.levels(self.program);
        self.descend(control, deny, &levels, 0, findings)
    }

    fn descend(
        &mut self,
        control: &ControlId,
        deny: &Deny,
        levels: &[Vec<CondId>],
        depth: usize,
        findings: &mut Vec<Finding>,
    ) -> Result<(), String> {
        if !levels.get(depth).is_none_or(|conds| conds.iter().all(|it| self.holds(*it))) {
            return Ok(());
        }
        let Some(binder) = deny.binders.get(depth) else {
            findings.push(self.finding(control, deny)?);
            if findings.len() > answer::FINDINGS {
                return Err(answer::too_many());
            }
            return Ok(());
        };
        let mut outcome = Ok(());
        self.each(*binder, &mut |machine| {
            outcome = machine.descend(control, deny, levels, depth + 1, findings);
            outcome.is_err()
        });
        outcome
    }

    fn finding(&mut self, control: &ControlId, deny: &Deny) -> Result<Finding, String> {
        let message = answer::cut(&self.words(deny.message)?);
        let paths = deny.paths.iter().map(|it| self.path(*it)).collect::<Result<_, _>>()?;
        let mut fixes = Vec::new();
        for fix in &deny.fixes {
            let action = match &fix.value {
                None => FixAction::Remove,
                Some(FixValue::Written(json)) => FixAction::Set(json.to_string()),
                Some(FixValue::Term(term)) => FixAction::Set(self.json(*term)?),
            };
            fixes.push(Fix { path: self.path(fix.path)?, action });
        }
        self.let_go();
        Ok(Finding { control: control.clone(), paths, message, fixes })
    }

    fn words(&mut self, term: TermId) -> Result<String, String> {
        let value = self.term(term);
        // Proved when the rule was compiled; if that proof were wrong, the object must not pass.
        self.text(value).map(str::to_owned).ok_or_else(|| "a finding with a piece that is no text".to_owned())
    }

    fn path(&mut self, term: TermId) -> Result<FieldPath, String> {
        self.words(term)?.parse().map_err(|it| format!("{it}"))
    }

    fn json(&mut self, term: TermId) -> Result<String, String> {
        use super::value::Value;
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
                None => Err("a fix with a value that is undefined".to_owned()),
            },
        }
    }
}
