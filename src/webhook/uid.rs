//! The uid of a review that cannot be read whole: too large, cut off, broken, too deep.
//!
//! One pass over the bytes that knows strings and brackets and nothing else, so that an answer by policy can still reach
//! the API server. It never says what the review is about.

/// How far the search goes; the API server writes the uid in the first hundred bytes.
const SEARCHED_BYTES: usize = 1 << 20;
/// The longest uid that is believed. Kubernetes' have 36 bytes.
const LONGEST: usize = 128;

/// The text at `request.uid`, wherever it stands in as much of the body as is there.
#[must_use]
pub(super) fn find(body: &[u8]) -> Option<String> {
    let body = body.get(..SEARCHED_BYTES).unwrap_or(body);
    let mut depth = 0_usize;
    let mut in_request = false;
    // The last string, while it may still turn out to be a key.
    let mut key: &[u8] = b"";
    let mut pending: &[u8] = b"";
    let mut at = 0;
    while let Some(byte) = body.get(at) {
        match byte {
            b'"' => {
                let text = string(body.get(at + 1..)?)?;
                if depth == 2 && in_request && pending == b"uid" {
                    return uid(text);
                }
                key = text;
                at += text.len() + 1;
            }
            b':' => pending = std::mem::take(&mut key),
            b'{' | b'[' => {
                if depth == 1 {
                    in_request = pending == b"request" && *byte == b'{';
                }
                depth += 1;
                pending = b"";
            }
            b'}' | b']' => depth = depth.checked_sub(1)?,
            b',' => pending = b"",
            _ => {}
        }
        at += 1;
    }
    None
}

/// The bytes up to the closing quote.
fn string(rest: &[u8]) -> Option<&[u8]> {
    let mut at = 0;
    loop {
        match rest.get(at)? {
            b'"' => return rest.get(..at),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

fn uid(text: &[u8]) -> Option<String> {
    let plain = |it: &u8| it.is_ascii_alphanumeric() || matches!(it, b'-' | b'_' | b'.' | b':');
    let right = !text.is_empty() && text.len() <= LONGEST && text.iter().all(plain);
    right.then(|| String::from_utf8_lossy(text).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: &str, expected: Option<&str>) {
        assert_eq!(find(body.as_bytes()).as_deref(), expected, "{body}");
    }

    #[test]
    fn the_uid_is_found_in_what_is_there() {
        check(r#"{"kind":"AdmissionReview","request":{"uid":"a-1","kind":{"#, Some("a-1"));
        check(r#"{"request": {"object":{"metadata":{"uid":"x"}}, "uid" : "a-1"}"#, Some("a-1"));
        check(r#"{"request":{"name":"\"uid\":\"x\"","uid":"a-1"#, None);
        check(r#"{"request":{"name":"\"uid\":\"x\"","uid":"a-1""#, Some("a-1"));
    }

    #[test]
    fn no_other_uid_is_taken_for_it() {
        check(r#"{"uid":"x","request":{"object":{"uid":"y"}}}"#, None);
        check(r#"{"other":{"uid":"x"},"request":{}}"#, None);
        check(r#"{"request":[{"uid":"x"}]}"#, None);
        check(r#"{"request":{"a":["uid","x"]}}"#, None);
        check(r#"{"request":{"a":"uid","x":"y"}}"#, None);
        check(r#"{"request":{"uid":""}}"#, None);
        check(r#"{"request":{"uid":"a b"}}"#, None);
        check(r#"{"request":{"uid":{"uid":"x"}}}"#, None);
        check("]", None);
        check("", None);
    }
}
