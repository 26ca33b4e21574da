//! The API server's audit log: who asked for what, how it ended, and the annotations that webhooks left.

use crate::{controlplane::ControlPlane, namespace::Namespace, waiting::until};
use serde_json::Value;
use std::collections::BTreeMap;

/// A request as the audit log has it.
#[derive(Debug)]
pub(crate) struct Entry(Value);

impl Entry {
    /// `create`, `update`, `patch`, `delete`, `get` …
    pub(crate) fn verb(&self) -> &str {
        self.text("/verb")
    }

    pub(crate) fn user(&self) -> &str {
        self.text("/user/username")
    }

    /// The plural, with the subresource where there is one: `pods`, `pods/exec`.
    pub(crate) fn resource(&self) -> String {
        match self.text("/objectRef/subresource") {
            "" => self.text("/objectRef/resource").to_owned(),
            subresource => format!("{}/{subresource}", self.text("/objectRef/resource")),
        }
    }

    pub(crate) fn namespace(&self) -> &str {
        self.text("/objectRef/namespace")
    }

    /// Empty where the API server made the name up (`generateName`): controllers' Pods have none here.
    pub(crate) fn name(&self) -> &str {
        self.text("/objectRef/name")
    }

    /// The HTTP status of the answer.
    pub(crate) fn code(&self) -> u64 {
        self.0
            .pointer("/responseStatus/code")
            .and_then(Value::as_u64)
            .unwrap_or_default()
    }

    /// By key; a webhook's are `WEBHOOK/key`.
    pub(crate) fn annotations(&self) -> BTreeMap<String, String> {
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

    fn text(&self, pointer: &str) -> &str {
        self.0
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }
}

impl ControlPlane {
    /// All requests about a namespace that `wanted` accepts, oldest first; waits for the first to be written.
    pub(crate) fn audited(
        &self,
        namespace: &str,
        what: &str,
        wanted: impl Fn(&Entry) -> bool,
    ) -> Vec<Entry> {
        until(what, || {
            let log = self.audit_log();
            // Whole lines only, and of those only the few that can be meant: the log is long.
            let lines = log
                .split_inclusive('\n')
                .filter(|line| line.ends_with('\n') && line.contains(namespace));
            let entries = lines.map(|line| {
                Entry(serde_json::from_str(line).expect("the audit log is JSON lines"))
            });
            let found: Vec<_> = entries
                .filter(|e| e.namespace() == namespace && wanted(e))
                .collect();
            if found.is_empty() {
                Err("no such entry in the audit log".into())
            } else {
                Ok(found)
            }
        })
    }
}

impl Namespace<'_> {
    /// The last request in this namespace of that verb, for that resource (`pods`, `pods/exec`) and name.
    pub(crate) fn last_audited(&self, verb: &str, resource: &str, name: &str) -> Entry {
        let what = format!("an audit entry: {verb} {resource} {name}");
        let mut found = self.cluster().audited(self.name(), &what, |entry| {
            entry.verb() == verb && entry.resource() == resource && entry.name() == name
        });
        found.pop().expect("one was found")
    }
}
