//! Message coverage: the message templates of a rule, and which of them findings have met. It needs no
//! knowledge of how a subject works, since each finding contains its message.

use super::subject::SubjectFinding;
use kubevet_policy::ModuleSource;

/// The message templates of a rule, in the order of its source.
#[derive(Debug, Clone, Default)]
pub(super) struct RuleMessages(Vec<MessageTemplate>);

#[derive(Debug, Clone)]
struct MessageTemplate {
    /// The template as written, with `%s` and `%d`.
    template: String,
    /// The literal parts between the placeholders.
    literals: Vec<String>,
}

impl RuleMessages {
    pub(super) fn of_rule(rule: &ModuleSource) -> Self {
        let messages = rule
            .text
            .lines()
            .filter_map(|line| line.split_once("\"message\":").map(|(_, value)| value));
        let mut templates: Vec<MessageTemplate> = Vec::new();
        for message in messages {
            // The first string literal: the message itself, or the format string of `sprintf`.
            let Some(template) = message.split('"').nth(1) else {
                continue;
            };
            if !templates.iter().any(|known| known.template == template) {
                let literals = template
                    .replace("%d", "%s")
                    .split("%s")
                    .map(str::to_owned)
                    .collect();
                templates.push(MessageTemplate {
                    template: template.to_owned(),
                    literals,
                });
            }
        }
        Self(templates)
    }

    pub(super) fn templates(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|message| message.template.as_str())
    }

    /// Returns the indices of the templates that these findings match, in order.
    pub(super) fn met_by(&self, findings: &[SubjectFinding]) -> Vec<usize> {
        let is_met = |template: &MessageTemplate| {
            findings
                .iter()
                .any(|finding| template.matches(&finding.message))
        };
        self.0
            .iter()
            .enumerate()
            .filter(|(_, template)| is_met(template))
            .map(|(index, _)| index)
            .collect()
    }
}

impl MessageTemplate {
    fn matches(&self, message: &str) -> bool {
        let Some((first, others)) = self.literals.split_first() else {
            return false;
        };
        let Some(mut rest) = message.strip_prefix(first.as_str()) else {
            return false;
        };
        let Some((last, middle)) = others.split_last() else {
            return rest.is_empty();
        };
        for literal in middle {
            let Some((_, after)) = rest.split_once(literal.as_str()) else {
                return false;
            };
            rest = after;
        }
        rest.ends_with(last.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::RuleMessages;
    use crate::subject::SubjectFinding;
    use kubevet_policy::ModuleSource;

    #[test]
    fn message_matches_its_template() {
        let source = "\"message\": sprintf(\"container %s mounts %s here\", [a]),\n\"message\": \"the pod does\",\n";
        let messages = RuleMessages::of_rule(&ModuleSource {
            file: "x.rego".into(),
            text: source.into(),
        });
        let met = |message: &str| {
            messages.met_by(&[SubjectFinding {
                message: message.into(),
                paths: vec![],
                fixes: vec![],
            }])
        };
        assert_eq!(met("container a mounts b here"), [0]);
        assert_eq!(met("the pod does"), [1]);
        assert_eq!(met("container a mounts"), [0_usize; 0]);
    }
}
