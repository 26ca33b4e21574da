//! The envelope of a review that is not read whole, because it is too large, truncated, nested too
//! deeply, or shed under load.
//!
//! One pass over the bytes, which understands strings and brackets only. The uid suffices to answer
//! by policy. With the other fields, requests that are never denied (DELETE, the status) are not
//! denied then either. The envelope is the API server's own; the object inside is never read, since
//! any user may have written it.

use kubevet_admission::UserInfo;
use kubevet_k8s::matching::Attributes;
use kubevet_model::Operation;

/// The number of bytes of a uid, which the answer repeats. Those of Kubernetes have 36.
pub(super) const MAX_UID_BYTES: usize = 128;
/// The number of bytes that are scanned. The API server writes the envelope in the first kilobyte.
const MAX_SCANNED_BYTES: usize = 1 << 20;
/// The number of bytes of a name, a namespace or another field.
const MAX_FIELD_BYTES: usize = 253;
/// The number of bytes of a user's name that distinguish users; the others are ignored.
const MAX_USER_BYTES: usize = 512;

/// The fields before the object in a review. A field that is absent or not valid is empty.
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
    /// The bytes between the quotes, with JSON escapes.
    user: String,
}

impl Envelope {
    /// Scans the start of a body, which may be truncated anywhere; `None` if no uid is found.
    pub(super) fn scan(body: &[u8]) -> Option<Self> {
        let envelope = Self::scan_fields(body);
        (!envelope.uid.is_empty()).then_some(envelope)
    }

    /// Returns the uid; it is never empty.
    pub(super) fn uid(&self) -> &str {
        &self.uid
    }

    /// Returns the name of the user as the body spells it; empty if it does not precede the object.
    /// It distinguishes users, and is not meant to be displayed.
    pub(super) fn user_of(body: &[u8]) -> String {
        Self::scan_fields(body).user
    }

    /// Returns the user without groups. The name is empty if it is unknown, has JSON escapes, or may
    /// be truncated.
    pub(super) fn user(&self) -> UserInfo {
        let is_whole = !self.user.contains('\\') && self.user.len() < MAX_USER_BYTES;
        UserInfo {
            name: if is_whole {
                self.user.clone()
            } else {
                String::new()
            },
            groups: Vec::new(),
        }
    }

    /// Returns the attributes that bindings match; `None` if operation, version or resource is
    /// unknown.
    pub(super) fn attributes(&self) -> Option<Attributes<'_>> {
        let operation = Operation::parse(&self.operation)?;
        let is_known = !self.resource.is_empty() && !self.version.is_empty();
        is_known.then_some(Attributes {
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

    fn scan_fields(body: &[u8]) -> Self {
        let mut scanner = Scanner::default();
        // The fields that were found count wherever the scan ended.
        let _ = scanner.scan(body.get(..MAX_SCANNED_BYTES).unwrap_or(body));
        scanner.envelope
    }

    fn set_request_field(&mut self, key: &[u8], value: &[u8]) {
        match key {
            b"uid" => self.uid = validated(value, MAX_UID_BYTES),
            b"operation" => self.operation = validated(value, MAX_FIELD_BYTES),
            b"subResource" => self.subresource = validated(value, MAX_FIELD_BYTES),
            b"namespace" => self.namespace = validated(value, MAX_FIELD_BYTES),
            b"name" => self.name = validated(value, MAX_FIELD_BYTES),
            _ => {}
        }
    }

    fn set_resource_field(&mut self, key: &[u8], value: &[u8]) {
        match key {
            b"group" => self.group = validated(value, MAX_FIELD_BYTES),
            b"version" => self.version = validated(value, MAX_FIELD_BYTES),
            b"resource" => self.resource = validated(value, MAX_FIELD_BYTES),
            _ => {}
        }
    }

    fn set_user(&mut self, name: &[u8]) {
        let name = name.get(..MAX_USER_BYTES).unwrap_or(name);
        self.user = String::from_utf8_lossy(name).into_owned();
    }
}

/// The state of a scan: a pushdown automaton whose stack is reduced to a depth, since only three
/// maps on it matter.
#[derive(Default)]
struct Scanner<'b> {
    envelope: Envelope,
    /// The number of open maps and lists.
    depth: usize,
    /// True inside `request`, which is at depth 2.
    in_request: bool,
    /// True inside `request.resource`, which is at depth 3.
    in_resource: bool,
    /// True inside `request.userInfo`, which is at depth 3.
    in_user: bool,
    /// The last string; a key if a colon follows.
    last_string: &'b [u8],
    /// The key whose value comes next; empty if none does.
    key: &'b [u8],
}

impl<'b> Scanner<'b> {
    /// Reads fields up to the object, the end of the bytes, or an unbalanced bracket. The result is
    /// always `None`: it lets `?` end the scan.
    fn scan(&mut self, body: &'b [u8]) -> Option<()> {
        let mut index = 0;
        while let Some(byte) = body.get(index) {
            match byte {
                b'"' => {
                    let string = string_at(body.get(index + 1..)?)?;
                    self.string(string);
                    index += string.len() + 1;
                }
                b':' => self.colon()?,
                b'{' | b'[' => self.open(*byte == b'{'),
                b'}' | b']' => self.close()?,
                b',' => self.key = b"",
                _ => {}
            }
            index += 1;
        }
        None
    }

    fn string(&mut self, string: &'b [u8]) {
        match self.depth {
            2 if self.in_request => self.envelope.set_request_field(self.key, string),
            3 if self.in_resource => self.envelope.set_resource_field(self.key, string),
            3 if self.in_user && self.key == b"username" => self.envelope.set_user(string),
            _ => {}
        }
        self.last_string = string;
    }

    /// Makes the last string the key; `None` if the object begins, and the uid is known.
    fn colon(&mut self) -> Option<()> {
        self.key = std::mem::take(&mut self.last_string);
        let is_object =
            self.depth == 2 && self.in_request && matches!(self.key, b"object" | b"oldObject");
        (!is_object || self.envelope.uid.is_empty()).then_some(())
    }

    fn open(&mut self, is_map: bool) {
        match self.depth {
            1 => self.in_request = self.key == b"request" && is_map,
            2 => {
                self.in_resource = self.in_request && self.key == b"resource" && is_map;
                self.in_user = self.in_request && self.key == b"userInfo" && is_map;
            }
            _ => {}
        }
        self.depth += 1;
        self.key = b"";
    }

    fn close(&mut self) -> Option<()> {
        self.depth = self.depth.checked_sub(1)?;
        self.in_resource &= self.depth >= 3;
        self.in_user &= self.depth >= 3;
        self.in_request &= self.depth >= 2;
        Some(())
    }
}

/// Returns the bytes up to the closing quote; `None` if there is none.
fn string_at(body: &[u8]) -> Option<&[u8]> {
    let mut index = 0;
    loop {
        match body.get(index)? {
            b'"' => return body.get(..index),
            b'\\' => index += 2,
            _ => index += 1,
        }
    }
}

/// Returns a string that has at most `max_bytes` bytes, all of them characters of uids and names;
/// else an empty one.
fn validated(string: &[u8], max_bytes: usize) -> String {
    let is_allowed =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':');
    if string.len() <= max_bytes && string.iter().all(is_allowed) {
        String::from_utf8_lossy(string).into_owned()
    } else {
        String::new()
    }
}

#[cfg(test)]
mod tests;
