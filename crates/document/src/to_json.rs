//! A subtree as JSON text.

use super::{Node, tape::Kind};

impl Node<'_> {
    /// Writes the value as JSON, without spaces: keys in the order of the text, repeated ones once, aliases expanded.
    /// Numbers of a JSON text keep their digits.
    pub fn write_json(self, out: &mut String) {
        // What is still to be written, the next at the end. Text only ever stands between nodes.
        enum Step<'a> {
            Text(&'static str),
            Key(&'a str),
            Node(Node<'a>),
        }
        let mut steps = vec![Step::Node(self)];
        while let Some(step) = steps.pop() {
            let node = match step {
                Step::Text(text) => {
                    out.push_str(text);
                    continue;
                }
                Step::Key(key) => {
                    write_string(key, out);
                    out.push(':');
                    continue;
                }
                Step::Node(node) => node,
            };
            match node.raw().kind {
                Kind::Null => out.push_str("null"),
                Kind::False => out.push_str("false"),
                Kind::True => out.push_str("true"),
                Kind::Number => out.push_str(node.text()),
                Kind::String => write_string(node.text(), out),
                Kind::List => {
                    out.push('[');
                    steps.push(Step::Text("]"));
                    let first = steps.len();
                    for element in node.elements() {
                        steps.push(Step::Node(element));
                        steps.push(Step::Text(","));
                    }
                    finish(&mut steps, first);
                }
                Kind::Map => {
                    out.push('{');
                    steps.push(Step::Text("}"));
                    let first = steps.len();
                    for entry in node.entries() {
                        steps.push(Step::Key(entry.key));
                        steps.push(Step::Node(entry.value));
                        steps.push(Step::Text(","));
                    }
                    finish(&mut steps, first);
                }
            }
        }

        /// Drops the comma after the last child and turns the order round, as steps are taken from the end.
        fn finish(steps: &mut Vec<Step<'_>>, first: usize) {
            if steps.len() > first {
                steps.pop();
            }
            if let Some(children) = steps.get_mut(first..) {
                children.reverse();
            }
        }
    }
}

fn write_string(text: &str, out: &mut String) {
    const HEX: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f',
    ];
    out.push('"');
    let mut plain = text;
    while let Some(at) = plain
        .bytes()
        .position(|it| it < 0x20 || matches!(it, b'"' | b'\\'))
    {
        let (before, rest) = plain.split_at(at);
        out.push_str(before);
        let mut characters = rest.chars();
        match characters.next() {
            Some('"') => out.push_str("\\\""),
            Some('\\') => out.push_str("\\\\"),
            Some('\n') => out.push_str("\\n"),
            Some('\r') => out.push_str("\\r"),
            Some('\t') => out.push_str("\\t"),
            Some(control) => {
                out.push_str("\\u00");
                let code = control as usize;
                out.extend(HEX.get(code >> 4 & 15));
                out.extend(HEX.get(code & 15));
            }
            None => {}
        }
        plain = characters.as_str();
    }
    out.push_str(plain);
    out.push('"');
}
