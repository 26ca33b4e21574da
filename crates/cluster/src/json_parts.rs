//! Parts of JSON that are found without reading it (pure): an object that exceeds a limit of the reader
//! is named, and does not keep others in the same page from being read.
//!
//! It takes valid JSON. Of other input it finds nothing, or parts that the reader then refuses; it never
//! recurses.

use std::ops::Range;

/// Returns the value of a key of an object, as it stands there.
pub(super) fn member<'a>(object: &'a [u8], key: &str) -> Option<&'a [u8]> {
    object.get(member_range(object, key)?)
}

/// Returns where the value of a key of an object stands.
pub(super) fn member_range(object: &[u8], key: &str) -> Option<Range<usize>> {
    let mut at = after(object, 0, b'{')?;
    loop {
        at = skip_space(object, at);
        let end = value_end(object, at)?;
        let name = object.get(at..end)?;
        at = skip_space(object, after(object, end, b':')?);
        let end = value_end(object, at)?;
        if text(name).as_deref() == Some(key) {
            return Some(at..end);
        }
        at = after(object, end, b',')?;
    }
}

/// Returns the value at a path of keys.
pub(super) fn member_at<'a>(object: &'a [u8], path: &[&str]) -> Option<&'a [u8]> {
    path.iter()
        .try_fold(object, |object, key| member(object, key))
}

/// Returns the text at a path of keys.
pub(super) fn text_at(object: &[u8], path: &[&str]) -> Option<String> {
    text(member_at(object, path)?)
}

/// Returns the elements of a list, as they stand there.
pub(super) fn elements(list: &[u8]) -> Option<Vec<&[u8]>> {
    let mut elements = Vec::new();
    let mut at = skip_space(list, after(list, 0, b'[')?);
    if list.get(at) == Some(&b']') {
        return Some(elements);
    }
    loop {
        at = skip_space(list, at);
        let end = value_end(list, at)?;
        elements.push(list.get(at..end)?);
        match after(list, end, b',') {
            Some(next) => at = next,
            None => return after(list, end, b']').map(|_| elements),
        }
    }
}

fn text(value: &[u8]) -> Option<String> {
    serde_json::from_slice(value).ok()
}

fn skip_space(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at).is_some_and(u8::is_ascii_whitespace) {
        at += 1;
    }
    at
}

/// Returns the position after a byte that is expected next.
fn after(bytes: &[u8], at: usize, expected: u8) -> Option<usize> {
    let at = skip_space(bytes, at);
    (bytes.get(at) == Some(&expected)).then_some(at + 1)
}

/// Returns the end of the value that begins at a position.
fn value_end(bytes: &[u8], mut at: usize) -> Option<usize> {
    let start = at;
    let mut depth = 0_usize;
    loop {
        match *bytes.get(at)? {
            b'"' => at = string_end(bytes, at)?,
            b'{' | b'[' => {
                depth += 1;
                at += 1;
            }
            b'}' | b']' | b',' if depth == 0 => return (at > start).then_some(at),
            b'}' | b']' => {
                depth -= 1;
                at += 1;
            }
            byte if byte.is_ascii_whitespace() && depth == 0 => return Some(at),
            _ => {
                at += 1;
                continue;
            }
        }
        if depth == 0 {
            return Some(at);
        }
    }
}

/// Returns the position after a string that begins at a position.
fn string_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn str(bytes: Option<&[u8]>) -> Option<&str> {
        bytes.map(|bytes| std::str::from_utf8(bytes).unwrap())
    }

    #[test]
    fn member_is_found_as_it_stands() {
        let object =
            br#" { "a" : {"x": [1, "}]\"", {}]}, "b":"\u0063" , "c": -1.5e3, "d":[ ],"e":null} "#;
        for (key, value) in [
            ("a", Some(r#"{"x": [1, "}]\"", {}]}"#)),
            ("b", Some(r#""\u0063""#)),
            ("c", Some("-1.5e3")),
            ("d", Some("[ ]")),
            ("e", Some("null")),
            ("x", None),
        ] {
            assert_eq!(str(member(object, key)), value, "{key}");
        }
        assert_eq!(text_at(object, &["b"]).as_deref(), Some("c"));
        assert_eq!(text_at(object, &["c"]), None);
        assert_eq!(
            str(member_at(object, &["a", "x"])),
            Some(r#"[1, "}]\"", {}]"#)
        );
    }

    #[test]
    fn elements_are_found_as_they_stand() {
        let parts = |list: &str| -> Option<Vec<String>> {
            let elements = elements(list.as_bytes())?;
            let texts = elements
                .iter()
                .map(|part| String::from_utf8_lossy(part).into_owned());
            Some(texts.collect())
        };
        let some = |parts: &[&str]| Some(parts.iter().map(|part| (*part).to_owned()).collect());
        assert_eq!(parts("[]"), some(&[]));
        assert_eq!(
            parts("[ 1 ,{\"a\":[2]}, \"]\" ]"),
            some(&["1", "{\"a\":[2]}", "\"]\""])
        );
        for broken in ["", "{}", "[1", "[1,", "[1,]", "[{]", "[\"a", "[1 2]"] {
            assert_eq!(parts(broken), None, "{broken}");
        }
    }

    #[test]
    fn depth_does_not_matter() {
        let deep = format!(
            "{{\"deep\":{}{},\"name\":\"a\"}}",
            "[".repeat(100_000),
            "]".repeat(100_000)
        );
        assert_eq!(text_at(deep.as_bytes(), &["name"]).as_deref(), Some("a"));
        assert_eq!(member(deep.as_bytes(), "other"), None);
    }
}
