//! A subtree as JSON text. The writer keeps its own stack, so that no document can overflow the
//! stack of the thread.

use super::{Entry, Node, tape::Kind};

impl Node<'_> {
    /// Appends the value as JSON without spaces: keys in the order of the text, a repeated key once,
    /// aliases expanded. Numbers of a JSON text keep their digits.
    pub fn write_json(self, out: &mut String) {
        write(self, KeyOrder::AsWritten, out);
    }

    /// As [`Node::write_json`], with the keys of every map in the order of their bytes: equal values
    /// give equal text.
    pub fn write_canonical_json(self, out: &mut String) {
        write(self, KeyOrder::Sorted, out);
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum KeyOrder {
    AsWritten,
    Sorted,
}

/// What is still to be written.
enum Item<'a> {
    Punctuation(&'static str),
    Key(&'a str),
    Node(Node<'a>),
}

fn write(root: Node<'_>, order: KeyOrder, out: &mut String) {
    // The next item is the last of the stack.
    let mut stack = vec![Item::Node(root)];
    while let Some(item) = stack.pop() {
        let node = match item {
            Item::Punctuation(text) => {
                out.push_str(text);
                continue;
            }
            Item::Key(key) => {
                write_string(key, out);
                out.push(':');
                continue;
            }
            Item::Node(node) => node,
        };
        match node.raw().kind {
            Kind::Null => out.push_str("null"),
            Kind::False => out.push_str("false"),
            Kind::True => out.push_str("true"),
            Kind::Number => out.push_str(node.text()),
            Kind::String => write_string(node.text(), out),
            Kind::List => {
                out.push('[');
                stack.push(Item::Punctuation("]"));
                let first = stack.len();
                for element in node.elements() {
                    stack.push(Item::Node(element));
                    stack.push(Item::Punctuation(","));
                }
                finish_children(&mut stack, first);
            }
            Kind::Map => {
                out.push('{');
                stack.push(Item::Punctuation("}"));
                let first = stack.len();
                if order == KeyOrder::Sorted {
                    let mut entries: Vec<Entry<'_>> = node.entries().collect();
                    entries.sort_by_key(|entry| entry.key);
                    entries
                        .into_iter()
                        .for_each(|entry| push_entry(entry, &mut stack));
                } else {
                    node.entries()
                        .for_each(|entry| push_entry(entry, &mut stack));
                }
                finish_children(&mut stack, first);
            }
        }
    }
}

fn push_entry<'a>(entry: Entry<'a>, stack: &mut Vec<Item<'a>>) {
    stack.push(Item::Key(entry.key));
    stack.push(Item::Node(entry.value));
    stack.push(Item::Punctuation(","));
}

/// Drops the comma after the last child, and reverses the children, since the stack is read from
/// its end.
fn finish_children(stack: &mut Vec<Item<'_>>, first: usize) {
    if stack.len() > first {
        stack.pop();
    }
    if let Some(children) = stack.get_mut(first..) {
        children.reverse();
    }
}

fn write_string(string: &str, out: &mut String) {
    const HEX_DIGITS: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f',
    ];
    out.push('"');
    // Runs of bytes that need no escape are copied whole.
    let mut rest = string;
    while let Some(end) = rest
        .bytes()
        .position(|byte| byte < 0x20 || matches!(byte, b'"' | b'\\'))
    {
        let (run, escaped) = rest.split_at(end);
        out.push_str(run);
        let mut characters = escaped.chars();
        match characters.next() {
            Some('"') => out.push_str("\\\""),
            Some('\\') => out.push_str("\\\\"),
            Some('\n') => out.push_str("\\n"),
            Some('\r') => out.push_str("\\r"),
            Some('\t') => out.push_str("\\t"),
            Some(control) => {
                out.push_str("\\u00");
                let code = control as usize;
                out.extend(HEX_DIGITS.get(code >> 4 & 15));
                out.extend(HEX_DIGITS.get(code & 15));
            }
            None => {}
        }
        rest = characters.as_str();
    }
    out.push_str(rest);
    out.push('"');
}
