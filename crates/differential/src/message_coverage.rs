//! The ways in which a rule denies: one for each message it may write. A finding is of the way whose message it has, so
//! what a run met can be told without knowing how a voice works.

use super::subject::Found;
use kubevet_policy::ModuleSource;

/// The messages of a rule, in the order of its text.
#[derive(Debug, Clone, Default)]
pub(super) struct Ways(Vec<Way>);

#[derive(Debug, Clone)]
struct Way {
    /// The message as written, with `%s` and `%d`.
    template: String,
    pieces: Vec<String>,
}

impl Ways {
    pub(super) fn of(rule: &ModuleSource) -> Self {
        let messages = rule
            .text
            .lines()
            .filter_map(|line| line.split_once("\"message\":").map(|(_, it)| it));
        let mut ways: Vec<Way> = Vec::new();
        for message in messages {
            let Some(template) = message.split('"').nth(1) else {
                continue;
            };
            if !ways.iter().any(|it| it.template == template) {
                let pieces = template
                    .replace("%d", "%s")
                    .split("%s")
                    .map(str::to_owned)
                    .collect();
                ways.push(Way {
                    template: template.to_owned(),
                    pieces,
                });
            }
        }
        Self(ways)
    }

    pub(super) fn templates(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|it| it.template.as_str())
    }

    /// Which ways these findings are of, in order.
    pub(super) fn met(&self, found: &[Found]) -> Vec<usize> {
        let met = |way: &Way| found.iter().any(|it| way.wrote(&it.message));
        self.0
            .iter()
            .enumerate()
            .filter(|(_, it)| met(it))
            .map(|(place, _)| place)
            .collect()
    }
}

impl Way {
    fn wrote(&self, message: &str) -> bool {
        let Some((first, others)) = self.pieces.split_first() else {
            return false;
        };
        let Some(mut rest) = message.strip_prefix(first.as_str()) else {
            return false;
        };
        let Some((last, middle)) = others.split_last() else {
            return rest.is_empty();
        };
        for piece in middle {
            let Some((_, after)) = rest.split_once(piece.as_str()) else {
                return false;
            };
            rest = after;
        }
        rest.ends_with(last.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::Ways;
    use crate::subject::Found;
    use kubevet_policy::ModuleSource;

    #[test]
    fn a_message_tells_its_way() {
        let text = "\"message\": sprintf(\"container %s mounts %s here\", [a]),\n\"message\": \"the pod does\",\n";
        let ways = Ways::of(&ModuleSource {
            file: "x.rego".into(),
            text: text.into(),
        });
        let met = |message: &str| {
            ways.met(&[Found {
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
