//! What a binding would deny, and what it did with reviews, as text (pure).

use crate::cli::{
    json_fields::{self, field, list, number},
    text_table::table,
};
use kubevet_operator::{BindingState, age_of};
use serde_json::Value;
use std::{fmt::Write as _, time::SystemTime};

/// The most namespaces that are shown.
const MAX_ROWS: usize = 20;

/// Returns the text.
pub(super) fn text(binding: &BindingState, now: SystemTime) -> String {
    let mut out = format!("{} [{}]\n", binding.name, binding.actions().join(", "));
    let counts = binding.would_deny();
    if counts.is_object() {
        write_counts(counts, now, &mut out);
    }
    write_reviews(binding, &mut out);
    out
}

fn write_counts(counts: &Value, now: SystemTime, out: &mut String) {
    let age = age_of(counts, now).map_or_else(
        || "at an unknown time".to_owned(),
        |age| format!("{} s ago", age.as_secs()),
    );
    let _ = writeln!(
        out,
        "objects: {} checked, {} would be denied ({} findings), {} not evaluated; counted {age}",
        number(counts, "objects"),
        number(counts, "denied"),
        number(counts, "findings"),
        number(counts, "notEvaluated"),
    );
    let _ = writeln!(
        out,
        "namespaces: {} clean, {} not",
        number(counts, "cleanNamespacesCount"),
        list(counts, "namespaces").len() as u64 + number(counts, "omittedNamespaces"),
    );
    let row = |name: &str, of: &Value| {
        [
            name.to_owned(),
            number(of, "denied").to_string(),
            number(of, "findings").to_string(),
            number(of, "objects").to_string(),
            number(of, "notEvaluated").to_string(),
        ]
    };
    let outside = field(counts, "clusterScoped");
    let mut rows: Vec<[String; 5]> = Vec::new();
    if number(outside, "denied") + number(outside, "notEvaluated") > 0 {
        rows.push(row("(outside namespaces)", outside));
    }
    let namespaces = list(counts, "namespaces");
    let shown = namespaces.iter().take(MAX_ROWS);
    rows.extend(shown.map(|of| row(json_fields::text(of, "name"), of)));
    if !rows.is_empty() {
        let head = [
            "NOT CLEAN",
            "DENIED",
            "FINDINGS",
            "OBJECTS",
            "NOT EVALUATED",
        ];
        let _ = write!(out, "\n{}", table(head, &rows));
        let omitted =
            namespaces.len().saturating_sub(MAX_ROWS) as u64 + number(counts, "omittedNamespaces");
        if omitted > 0 {
            let _ = writeln!(out, "and {omitted} more");
        }
    }
    let worst = list(counts, "worst").iter().map(|object| {
        [
            json_fields::text(object, "severity").to_owned(),
            number(object, "findings").to_string(),
            json_fields::text(object, "namespace").to_owned(),
            format!(
                "{}/{}",
                json_fields::text(object, "kind"),
                json_fields::text(object, "name")
            ),
        ]
    });
    let worst: Vec<[String; 4]> = worst.collect();
    if !worst.is_empty() {
        let head = ["WORST", "FINDINGS", "NAMESPACE", "OBJECT"];
        let _ = write!(out, "\n{}", table(head, &worst));
    }
    let unread = list(counts, "notRead");
    if !unread.is_empty() {
        out.push_str("\nnot read:\n");
        for place in unread {
            let _ = writeln!(out, "  {}", place.as_str().unwrap_or_default());
        }
        let omitted = number(counts, "omittedNotRead");
        if omitted > 0 {
            let _ = writeln!(out, "  and {omitted} more");
        }
    }
}

fn write_reviews(binding: &BindingState, out: &mut String) {
    let reviews = field(&binding.status, "reviews");
    let of = field(reviews, "observedGeneration").as_i64();
    if of != Some(binding.generation) {
        let line =
            "\nreviews: none was denied, or would have been, since the spec was last changed\n";
        out.push_str(line);
        return;
    }
    let _ = writeln!(
        out,
        "\nreviews since {}: {} denied, {} would have been",
        json_fields::text(reviews, "since"),
        number(reviews, "denied"),
        number(reviews, "wouldDeny"),
    );
    let namespaces = list(reviews, "namespaces").iter().take(MAX_ROWS);
    let rows = namespaces.map(|of| {
        [
            json_fields::text(of, "name").to_owned(),
            number(of, "denied").to_string(),
            number(of, "wouldDeny").to_string(),
        ]
    });
    let rows: Vec<[String; 3]> = rows.collect();
    if !rows.is_empty() {
        out.push_str(&table(["NAMESPACE", "DENIED", "WOULD DENY"], &rows));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn text_shows_what_is_not_clean() {
        let binding = BindingState {
            name: "nsa".to_owned(),
            generation: 1,
            spec: json!({"validationActions": ["Audit"]}),
            status: json!({
                "wouldDeny": {
                    "time": "1970-01-01T00:01:00Z", "objects": 9, "denied": 2, "findings": 3, "notEvaluated": 0,
                    "cleanNamespacesCount": 4, "omittedNamespaces": 1,
                    "clusterScoped": {"objects": 3, "denied": 0},
                    "namespaces": [{"name": "shop", "objects": 5, "denied": 2, "findings": 3, "notEvaluated": 0}],
                    "worst": [
                        {"severity": "high", "findings": 2, "namespace": "shop", "kind": "Deployment", "name": "cart"},
                    ],
                    "notRead": ["Role: not allowed"],
                },
                "reviews": {
                    "observedGeneration": 1, "since": "1970-01-01T00:00:00Z", "denied": 0, "wouldDeny": 7,
                    "namespaces": [{"name": "shop", "denied": 0, "wouldDeny": 7}],
                },
            }),
        };
        let expected = "\
nsa [Audit]
objects: 9 checked, 2 would be denied (3 findings), 0 not evaluated; counted 30 s ago
namespaces: 4 clean, 2 not

NOT CLEAN  DENIED  FINDINGS  OBJECTS  NOT EVALUATED
shop       2       3         5        0
and 1 more

WORST  FINDINGS  NAMESPACE  OBJECT
high   2         shop       Deployment/cart

not read:
  Role: not allowed

reviews since 1970-01-01T00:00:00Z: 0 denied, 7 would have been
NAMESPACE  DENIED  WOULD DENY
shop       0       7
";
        let now = UNIX_EPOCH + Duration::from_secs(90);
        assert_eq!(text(&binding, now), expected);
    }
}
