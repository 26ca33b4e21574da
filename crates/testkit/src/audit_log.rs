//! The API server's audit log: users, requests, results, and the annotations of webhooks.

use crate::{control_plane::ControlPlane, namespace::TestNamespace, polling::wait_for};
use serde_json::Value;
use std::collections::BTreeMap;

/// One request of the audit log (an `audit.k8s.io/v1` Event at stage `ResponseComplete`).
#[derive(Debug)]
pub struct AuditEntry(Value);

impl AuditEntry {
    /// The verb: `create`, `update`, `patch`, `delete`, `get` …
    pub fn verb(&self) -> &str {
        self.string("/verb")
    }

    /// The name of the user who sent the request.
    pub fn user(&self) -> &str {
        self.string("/user/username")
    }

    /// The plural of the resource, with the subresource where there is one: `pods`, `pods/exec`.
    pub fn resource(&self) -> String {
        match self.string("/objectRef/subresource") {
            "" => self.string("/objectRef/resource").to_owned(),
            subresource => format!("{}/{subresource}", self.string("/objectRef/resource")),
        }
    }

    /// The namespace of the object; empty for cluster-scoped objects.
    pub fn namespace(&self) -> &str {
        self.string("/objectRef/namespace")
    }

    /// The name of the object. Empty where the API server generated it (`generateName`), as for the
    /// Pods of controllers.
    pub fn name(&self) -> &str {
        self.string("/objectRef/name")
    }

    /// The HTTP status of the response.
    pub fn code(&self) -> u64 {
        self.0
            .pointer("/responseStatus/code")
            .and_then(Value::as_u64)
            .unwrap_or_default()
    }

    /// The audit annotations by key; those of a webhook have the key `WEBHOOK/key`.
    pub fn annotations(&self) -> BTreeMap<String, String> {
        let annotations = self
            .0
            .get("annotations")
            .and_then(Value::as_object)
            .into_iter()
            .flatten();
        annotations
            .map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned()))
            .collect()
    }

    fn string(&self, pointer: &str) -> &str {
        self.0
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }
}

impl ControlPlane {
    /// Returns all requests in a namespace that `predicate` accepts, oldest first. Waits until there
    /// is one.
    pub fn audit_entries(
        &self,
        namespace: &str,
        description: &str,
        predicate: impl Fn(&AuditEntry) -> bool,
    ) -> Vec<AuditEntry> {
        wait_for(description, || {
            let log = self.audit_log();
            // The last line may be half written. The log is long, so only lines that contain the
            // namespace are parsed.
            let lines = log
                .split_inclusive('\n')
                .filter(|line| line.ends_with('\n') && line.contains(namespace));
            let entries = lines.map(|line| {
                AuditEntry(serde_json::from_str(line).expect("the audit log is JSON lines"))
            });
            let found: Vec<_> = entries
                .filter(|entry| entry.namespace() == namespace && predicate(entry))
                .collect();
            if found.is_empty() {
                Err("no such entry in the audit log".into())
            } else {
                Ok(found)
            }
        })
    }
}

impl TestNamespace<'_> {
    /// Returns the last request in this namespace with this verb, resource (`pods`, `pods/exec`) and
    /// object name.
    pub fn last_audit_entry(&self, verb: &str, resource: &str, name: &str) -> AuditEntry {
        let description = format!("an audit entry: {verb} {resource} {name}");
        let mut found = self
            .cluster()
            .audit_entries(self.name(), &description, |entry| {
                entry.verb() == verb && entry.resource() == resource && entry.name() == name
            });
        found.pop().expect("one was found")
    }
}
