//! The options of a CONNECT to a Pod, as `lib.connections` formats them for messages. Options are
//! no stored objects: every field may be missing.

use super::strings::{concat, substring};
use kubevet_document::{Node, Number, Value};
use std::{borrow::Cow, fmt::Write as _};

/// The most characters of a command or a list of ports; the rest is cut off.
const MAX_SHOWN_CHARS: i64 = 200;
/// Numbers of this size and more are no ports, and left out.
const PORT_LIMIT: u64 = 1_000_000_000;

/// `lib.connections.target`: the container or the Pod that is connected to.
pub fn target(object: Node<'_>) -> Cow<'static, str> {
    match object.get("container").and_then(Node::as_str) {
        None | Some("") => Cow::Borrowed("the pod"),
        Some(name) => Cow::Owned(format!("container {name}")),
    }
}

/// `lib.connections.command`: a colon and the command that is run.
pub fn command(object: Node<'_>) -> String {
    let mut command = String::new();
    concat(
        " ",
        items(object, "command").filter_map(Node::as_str),
        &mut command,
    );
    shown(&command)
}

/// `lib.connections.ports`: a colon and the ports that are forwarded.
pub fn ports(object: Node<'_>) -> String {
    let mut numbers = String::new();
    for port in items(object, "ports") {
        if let Value::Number(Number::Int(port)) = port.value()
            && port.unsigned_abs() < PORT_LIMIT
        {
            let comma = if numbers.is_empty() { "" } else { ", " };
            let _ = write!(numbers, "{comma}{port}");
        }
    }
    shown(&numbers)
}

fn items<'a>(object: Node<'a>, key: &str) -> impl Iterator<Item = Node<'a>> + use<'a> {
    object.get(key).into_iter().flat_map(Node::elements)
}

fn shown(text: &str) -> String {
    match substring(text, 0, MAX_SHOWN_CHARS) {
        None | Some("") => String::new(),
        Some(text) => format!(": {text}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kubevet_document::{self as document, Limits};

    /// Target, command, ports.
    #[test]
    fn options_are_put_into_words() {
        fn check(options: &str, expected: [&str; 3]) {
            let read = document::read(&"options".into(), options.as_bytes(), &Limits::default());
            let object = read.documents[0].root();
            assert_eq!(
                [&*target(object), &*command(object), &*ports(object)],
                expected,
                "{options}"
            );
        }
        check(
            "{container: app, command: [sh, -c, ls]}",
            ["container app", ": sh -c ls", ""],
        );
        check(
            "{container: '', ports: [80, 443]}",
            ["the pod", "", ": 80, 443"],
        );
        check(
            "{container: 5, command: sh, ports: 80}",
            ["the pod", "", ""],
        );
        check(
            "{command: ['', a, 5, '', b], ports: ['80', 1.5, -1]}",
            ["the pod", ":  a  b", ": -1"],
        );
        check("{command: ['']}", ["the pod", "", ""]);
        check("{command: ['', '']}", ["the pod", ":  ", ""]);
        check("{a: null}", ["the pod", "", ""]);
    }
}
