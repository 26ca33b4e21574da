//! What a binding would deny, as `status.wouldDeny` of the binding (pure). Its size is bounded.

use super::would_deny::{BindingDenials, DenialCounts, ObjectCounts};
use jiff::Timestamp;
use kubevet_model::{names::MAX_DNS_SUBDOMAIN_CHARS, one_line};
use serde_json::{Map, Value, json};
use std::{
    cmp::Reverse,
    time::{SystemTime, UNIX_EPOCH},
};

/// The bounds of the lists and the texts; the definition of ControlBindings has the same.
const MAX_NAMESPACES: usize = 100;
const MAX_CLEAN: usize = 1_000;
const MAX_UNREAD: usize = 20;
const MAX_PLACE_CHARS: usize = 300;

/// Returns the status of a binding.
#[must_use]
pub fn would_deny_status(counts: &DenialCounts, binding: &BindingDenials) -> Value {
    let total = binding.total();
    let named = || {
        binding
            .namespaces
            .iter()
            .filter(|(name, _)| !name.is_empty())
    };
    let mut not_clean: Vec<(&String, &ObjectCounts)> =
        named().filter(|(_, counts)| !counts.is_clean()).collect();
    not_clean.sort_by_key(|(name, counts)| (Reverse((counts.denied, counts.findings)), *name));
    let omitted = not_clean.len().saturating_sub(MAX_NAMESPACES);
    let listed = not_clean.iter().take(MAX_NAMESPACES);
    let namespaces = listed.map(|(name, counts)| {
        let mut entry = numbers(counts);
        entry.insert("name".to_owned(), json!(name));
        Value::from(entry)
    });
    let clean = || named().filter(|(_, counts)| counts.is_clean());
    let clean_count = clean().count();
    let clean_names: Vec<&String> = clean().map(|(name, _)| name).take(MAX_CLEAN).collect();
    let worst = binding.worst.iter().map(|object| {
        let mut entry = Map::new();
        for (key, text) in [
            ("apiGroup", &object.kind.group),
            ("kind", &object.kind.name),
            ("namespace", &object.namespace),
            ("name", &object.name),
        ] {
            if !text.is_empty() {
                let text = one_line(text, MAX_DNS_SUBDOMAIN_CHARS);
                entry.insert(key.to_owned(), text.into());
            }
        }
        entry.insert("severity".to_owned(), object.severity.name().into());
        entry.insert("findings".to_owned(), object.findings.into());
        Value::from(entry)
    });
    let unread = binding.unread.iter().take(MAX_UNREAD);
    let unread = unread.map(|place| one_line(place, MAX_PLACE_CHARS));
    let mut status = numbers(&total);
    let outside = binding.namespaces.get("").copied().unwrap_or_default();
    for (key, value) in [
        ("observedGeneration", json!(binding.version.generation)),
        ("time", time(counts.counted_at)),
        ("sweep", json!(counts.sweep)),
        ("sweepTime", time(counts.swept_at)),
        ("clusterScoped", numbers(&outside).into()),
        ("namespaces", namespaces.collect()),
        ("omittedNamespaces", omitted.into()),
        ("cleanNamespaces", json!(clean_names)),
        ("cleanNamespacesCount", clean_count.into()),
        ("worst", worst.collect()),
        ("notRead", unread.collect()),
        (
            "omittedNotRead",
            binding.unread.len().saturating_sub(MAX_UNREAD).into(),
        ),
    ] {
        status.insert(key.to_owned(), value);
    }
    status.into()
}

fn numbers(counts: &ObjectCounts) -> Map<String, Value> {
    let numbers = [
        ("objects", counts.objects),
        ("denied", counts.denied),
        ("findings", counts.findings),
        ("notEvaluated", counts.not_evaluated),
    ];
    let numbers = numbers.into_iter();
    numbers
        .map(|(key, number)| (key.to_owned(), number.into()))
        .collect()
}

/// Returns a time in whole seconds.
fn time(time: SystemTime) -> Value {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = i64::try_from(since.as_secs()).unwrap_or_default();
    let whole = Timestamp::from_second(seconds).unwrap_or_default();
    whole.to_string().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{binding_policy::BindingVersion, would_deny::DeniedObject};
    use kubevet_model::{Kind, Severity};
    use std::{collections::BTreeMap, time::Duration};

    fn counts(objects: usize, denied: usize) -> ObjectCounts {
        ObjectCounts {
            objects,
            denied,
            findings: denied * 2,
            not_evaluated: 0,
        }
    }

    fn status(namespaces: BTreeMap<String, ObjectCounts>, unread: Vec<String>) -> Value {
        let binding = BindingDenials {
            version: BindingVersion {
                name: "b".to_owned(),
                uid: "u".to_owned(),
                generation: 3,
            },
            namespaces,
            worst: vec![DeniedObject {
                severity: Severity::High,
                findings: 2,
                kind: Kind::new("apps", "Deployment"),
                namespace: "shop".to_owned(),
                name: "cart".to_owned(),
            }],
            unread,
        };
        let counts = DenialCounts {
            sweep: 7,
            swept_at: UNIX_EPOCH,
            counted_at: UNIX_EPOCH + Duration::from_millis(61_500),
            bindings: Vec::new(),
        };
        would_deny_status(&counts, &binding)
    }

    #[test]
    fn status_has_the_counts() {
        let namespaces = [("", 4, 1), ("shop", 3, 1), ("web", 2, 0)];
        let namespaces =
            namespaces.map(|(name, all, denied)| (name.to_owned(), counts(all, denied)));
        let status = status(namespaces.into(), vec!["Role: not allowed".to_owned()]);
        let expected = json!({
            "observedGeneration": 3,
            "time": "1970-01-01T00:01:01Z", "sweep": 7, "sweepTime": "1970-01-01T00:00:00Z",
            "objects": 9, "denied": 2, "findings": 4, "notEvaluated": 0,
            "clusterScoped": {"objects": 4, "denied": 1, "findings": 2, "notEvaluated": 0},
            "namespaces": [
                {"name": "shop", "objects": 3, "denied": 1, "findings": 2, "notEvaluated": 0},
            ],
            "omittedNamespaces": 0,
            "cleanNamespaces": ["web"], "cleanNamespacesCount": 1,
            "worst": [
                {"apiGroup": "apps", "kind": "Deployment", "namespace": "shop", "name": "cart",
                 "severity": "high", "findings": 2},
            ],
            "notRead": ["Role: not allowed"], "omittedNotRead": 0,
        });
        assert_eq!(status, expected);
    }

    #[test]
    fn size_is_bounded_and_what_is_left_out_is_counted() {
        let namespaces = (0..5_000).map(|number| {
            let name = format!("{number:063}");
            (name, counts(1, usize::from(number % 2 == 0)))
        });
        let unread = (0..50).map(|number| format!("{number}{}", "x".repeat(1_000)));
        let status = status(namespaces.collect(), unread.collect());
        assert_eq!(status["omittedNamespaces"], 2_400);
        assert_eq!(status["cleanNamespacesCount"], 2_500);
        assert_eq!(
            status["cleanNamespaces"].as_array().map(Vec::len),
            Some(1_000)
        );
        assert_eq!(status["omittedNotRead"], 30);
        let size = status.to_string().len();
        assert!(size < 100_000, "{size}");
    }
}
