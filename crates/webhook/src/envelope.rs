//! What can be told of a review that is not read whole: too large, cut off, too deep, or nobody has the time.
//!
//! One pass over the bytes that knows strings and brackets and nothing else. With the uid an answer by policy can still
//! reach the API server; with the rest of the envelope, what is never denied (a DELETE, a status) is not denied then
//! either. The envelope is the API server's; nothing inside the object is looked at.

use super::review::UID_BYTES;
use kubevet_k8s::matching::Attributes;
use kubevet_model::Operation;

/// How far the search goes; the API server writes all of this in the first kilobyte.
const SEARCHED_BYTES: usize = 1 << 20;
/// The longest other text that is believed.
const LONGEST_TEXT: usize = 253;

/// The longest name of a user that is told from others; of a longer one, the beginning counts.
const LONGEST_USER: usize = 512;

/// The beginning of a review.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Envelope {
    uid: String,
    operation: String,
    subresource: String,
    namespace: String,
    name: String,
    group: String,
    version: String,
    resource: String,
    user: String,
}

impl Envelope {
    /// Looks at as much of the body as is there; `None` where there is no uid to answer to.
    pub(super) fn of(body: &[u8]) -> Option<Self> {
        let mut glance = Self::default();
        glance.look(body.get(..SEARCHED_BYTES).unwrap_or(body));
        (!glance.uid.is_empty()).then_some(glance)
    }

    /// The uid; never empty.
    pub(super) fn uid(&self) -> &str {
        &self.uid
    }

    /// The name of the user whose request this is, as it is written in the body; empty where it does not stand before the
    /// object. For telling users apart, not for showing.
    pub(super) fn user_of(body: &[u8]) -> String {
        let mut glance = Self::default();
        glance.look(body.get(..SEARCHED_BYTES).unwrap_or(body));
        glance.user
    }

    /// What is asked for, where enough of it is known to say what it falls under.
    pub(super) fn attributes(&self) -> Option<Attributes<'_>> {
        let operation = Operation::parse(&self.operation)?;
        let known = !self.resource.is_empty() && !self.version.is_empty();
        known.then_some(Attributes {
            operation,
            group: &self.group,
            version: &self.version,
            resource: &self.resource,
            subresource: &self.subresource,
            name: &self.name,
            namespace: &self.namespace,
            labels: None,
            old_labels: None,
        })
    }

    /// Stops at the object, or at what is no JSON; what was seen until then stays.
    fn look(&mut self, body: &[u8]) -> Option<()> {
        let mut depth = 0_usize;
        let (mut in_request, mut in_resource, mut in_user) = (false, false, false);
        // The last string, while it may still turn out to be a key; then the key whose value comes.
        let mut last: &[u8] = b"";
        let mut key: &[u8] = b"";
        let mut at = 0;
        while let Some(byte) = body.get(at) {
            match byte {
                b'"' => {
                    let text = string(body.get(at + 1..)?)?;
                    match depth {
                        2 if in_request => self.take_of_request(key, text),
                        3 if in_resource => self.take_of_resource(key, text),
                        3 if in_user && key == b"username" => {
                            let text = text.get(..LONGEST_USER).unwrap_or(text);
                            self.user = String::from_utf8_lossy(text).into_owned();
                        }
                        _ => {}
                    }
                    last = text;
                    at += text.len() + 1;
                }
                b':' => {
                    key = std::mem::take(&mut last);
                    let carried = matches!(key, b"object" | b"oldObject");
                    if depth == 2 && in_request && carried && !self.uid.is_empty() {
                        return None;
                    }
                }
                b'{' | b'[' => {
                    match depth {
                        1 => in_request = key == b"request" && *byte == b'{',
                        2 => {
                            in_resource = in_request && key == b"resource" && *byte == b'{';
                            in_user = in_request && key == b"userInfo" && *byte == b'{';
                        }
                        _ => {}
                    }
                    depth += 1;
                    key = b"";
                }
                b'}' | b']' => {
                    depth = depth.checked_sub(1)?;
                    in_resource &= depth >= 3;
                    in_user &= depth >= 3;
                    in_request &= depth >= 2;
                }
                b',' => key = b"",
                _ => {}
            }
            at += 1;
        }
        None
    }

    fn take_of_request(&mut self, key: &[u8], text: &[u8]) {
        match key {
            b"uid" => self.uid = believed(text, UID_BYTES),
            b"operation" => self.operation = believed(text, LONGEST_TEXT),
            b"subResource" => self.subresource = believed(text, LONGEST_TEXT),
            b"namespace" => self.namespace = believed(text, LONGEST_TEXT),
            b"name" => self.name = believed(text, LONGEST_TEXT),
            _ => {}
        }
    }

    fn take_of_resource(&mut self, key: &[u8], text: &[u8]) {
        match key {
            b"group" => self.group = believed(text, LONGEST_TEXT),
            b"version" => self.version = believed(text, LONGEST_TEXT),
            b"resource" => self.resource = believed(text, LONGEST_TEXT),
            _ => {}
        }
    }
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

/// A text of the letters that uids and names have; nothing where it has others.
fn believed(text: &[u8], longest: usize) -> String {
    let plain = |it: &u8| it.is_ascii_alphanumeric() || matches!(it, b'-' | b'_' | b'.' | b':');
    let right = text.len() <= longest && text.iter().all(plain);
    if right {
        String::from_utf8_lossy(text).into_owned()
    } else {
        String::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: &str, expected: Option<&str>) {
        assert_eq!(
            Envelope::of(body.as_bytes()).map(|it| it.uid).as_deref(),
            expected,
            "{body}"
        );
    }

    #[test]
    fn the_uid_is_found_in_what_is_there() {
        check(
            r#"{"kind":"AdmissionReview","request":{"uid":"a-1","kind":{"#,
            Some("a-1"),
        );
        check(
            r#"{"request": {"object":{"metadata":{"uid":"x"}}, "uid" : "a-1"}"#,
            Some("a-1"),
        );
        check(r#"{"request":{"name":"\"uid\":\"x\"","uid":"a-1"#, None);
        check(
            r#"{"request":{"name":"\"uid\":\"x\"","uid":"a-1""#,
            Some("a-1"),
        );
    }

    #[test]
    fn no_other_uid_is_taken_for_it() {
        check(r#"{"uid":"x","request":{"object":{"uid":"y"}}}"#, None);
        check(r#"{"other":{"uid":"x"},"request":{}}"#, None);
        check(r#"{"request":[{"uid":"x"}]}"#, None);
        check(r#"{"request":{"a":["uid","x"]}}"#, None);
        check(r#"{"request":{"a":"uid","x":"y"}}"#, None);
        check(r#"{"request":{},"other":{"uid":"x"}}"#, None);
        check(r#"{"request":{"uid":""}}"#, None);
        check(r#"{"request":{"uid":"a b"}}"#, None);
        check(r#"{"request":{"uid":{"uid":"x"}}}"#, None);
        check("]", None);
        check("", None);
    }

    #[test]
    fn the_user_is_told_from_others() {
        for (body, expected) in [
            (
                r#"{"request":{"uid":"a","userInfo":{"username":"ann","groups":["x"]},"object":{"#,
                "ann",
            ),
            (
                r#"{"request":{"uid":"a","userInfo":{"extra":{"username":["x"]},"username":"a@b \"c"}"#,
                r#"a@b \"c"#,
            ),
            (
                r#"{"request":{"uid":"a","object":{},"userInfo":{"username":"ann"}}}"#,
                "",
            ),
            (
                r#"{"request":{"uid":"a","username":"ann"},"userInfo":{"username":"bob"}}"#,
                "",
            ),
            ("]", ""),
        ] {
            assert_eq!(Envelope::user_of(body.as_bytes()), expected, "{body}");
        }
    }

    #[test]
    fn the_envelope_is_told_and_the_object_is_not_believed() {
        let body = r#"{"request":{"uid":"a-1","kind":{"group":"g","version":"v","kind":"K"},
            "resource":{"group":"apps","version":"v1","resource":"deployments"},"subResource":"status",
            "requestResource":{"group":"x","version":"x","resource":"x"},"name":"web","namespace":"shop",
            "operation":"UPDATE","object":{"operation":"DELETE","resource":{"resource":"y"}},"operation":"DELETE"}}"#;
        let glance = Envelope::of(body.as_bytes()).unwrap();
        let told = glance.attributes().unwrap();
        assert_eq!(
            (told.operation, told.group, told.version, told.resource),
            (Operation::Update, "apps", "v1", "deployments")
        );
        assert_eq!(
            (told.subresource, told.name, told.namespace),
            ("status", "web", "shop")
        );
        let cut_off =
            Envelope::of(br#"{"request":{"uid":"a-1","operation":"DELETE","resource":{"group":"#)
                .unwrap();
        assert_eq!(cut_off.attributes().map(|it| it.operation), None);
    }
}
