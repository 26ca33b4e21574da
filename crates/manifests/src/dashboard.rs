//! A Grafana dashboard over the metrics: traffic and speed above, what was denied in the middle, health below.

use serde_json::{Value, json};

/// One panel: title, unit, and pairs of expression and legend. A panel without a legend shows one number.
type Panel = (
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
);

const NUMBERS: &[Panel] = &[
    (
        "Reviews",
        "reqps",
        &[("sum(rate(kubevet_reviews_total[5m]))", "")],
    ),
    (
        "Denied in 1 h",
        "short",
        &[(
            "sum(increase(kubevet_reviews_total{verdict=\"denied\"}[1h]))",
            "",
        )],
    ),
    (
        "p99",
        "s",
        &[(
            "histogram_quantile(0.99, sum by (le) (rate(kubevet_review_duration_seconds_bucket{phase=\"total\"}[5m])))",
            "",
        )],
    ),
    (
        "Certificate ends in",
        "s",
        &[(
            "min(kubevet_certificate_expiry_timestamp_seconds{which=\"leaf\"}) - time()",
            "",
        )],
    ),
    (
        "Bindings in force",
        "short",
        &[("max(kubevet_bindings{state=\"accepted\"})", "")],
    ),
    (
        "Bindings refused",
        "short",
        &[("max(kubevet_bindings{state=\"refused\"})", "")],
    ),
];

const SERIES: &[Panel] = &[
    (
        "Reviews by verdict",
        "reqps",
        &[(
            "sum by (verdict) (rate(kubevet_reviews_total[5m]))",
            "{{verdict}}",
        )],
    ),
    (
        "Reviews by kind",
        "reqps",
        &[(
            "sum by (kind, operation) (rate(kubevet_reviews_total[5m]))",
            "{{operation}} {{kind}}",
        )],
    ),
    (
        "Time of a review",
        "s",
        &[
            (
                "histogram_quantile(0.5, sum by (le) (rate(kubevet_review_duration_seconds_bucket{phase=\"total\"}[5m])))",
                "p50",
            ),
            (
                "histogram_quantile(0.99, sum by (le) (rate(kubevet_review_duration_seconds_bucket{phase=\"total\"}[5m])))",
                "p99",
            ),
        ],
    ),
    (
        "Mean time by phase",
        "s",
        &[(
            "sum by (phase) (rate(kubevet_review_duration_seconds_sum{phase!=\"total\"}[5m])) / \
             sum by (phase) (rate(kubevet_review_duration_seconds_count{phase!=\"total\"}[5m]))",
            "{{phase}}",
        )],
    ),
    (
        "Denials by control",
        "short",
        &[(
            "sum by (control) (increase(kubevet_denials_total[5m]))",
            "{{control}}",
        )],
    ),
    (
        "Denials by binding",
        "short",
        &[(
            "sum by (binding) (increase(kubevet_denials_total[5m]))",
            "{{binding}}",
        )],
    ),
    (
        "Findings by what was done",
        "short",
        &[(
            "sum by (action) (increase(kubevet_findings_total[5m]))",
            "{{action}}",
        )],
    ),
    (
        "Not judged, no review",
        "reqps",
        &[
            (
                "sum by (why) (rate(kubevet_shed_reviews_total[5m]))",
                "shed: {{why}}",
            ),
            (
                "sum by (why) (rate(kubevet_refused_requests_total[5m]))",
                "no review: {{why}}",
            ),
            (
                "sum(rate(kubevet_reviews_total{verdict=\"unevaluated\"}[5m]))",
                "unevaluated",
            ),
        ],
    ),
    (
        "Connections",
        "short",
        &[
            ("sum by (pod) (kubevet_connections)", "open {{pod}}"),
            (
                "sum(increase(kubevet_tls_handshake_failures_total[5m]))",
                "failed handshakes",
            ),
            (
                "sum(increase(kubevet_refused_connections_total[5m]))",
                "refused",
            ),
        ],
    ),
    (
        "Age of what is known of namespaces",
        "s",
        &[(
            "max by (pod) (kubevet_namespace_cache_age_seconds)",
            "{{pod}}",
        )],
    ),
    (
        "Library and certificates",
        "short",
        &[
            (
                "max by (pod) (kubevet_library_generation)",
                "generation {{pod}}",
            ),
            (
                "max by (pod) (kubevet_library_problems)",
                "problems {{pod}}",
            ),
            (
                "sum by (result) (increase(kubevet_certificate_reloads_total[1h]))",
                "certificates {{result}}",
            ),
        ],
    ),
    (
        "Lost",
        "short",
        &[
            ("sum(kubevet_events_dropped)", "events"),
            (
                "sum(increase(kubevet_unlogged_decisions_total[1h]))",
                "lines of the decision log",
            ),
            (
                "sum(increase(kubevet_unrecorded_reviews_total[1h]))",
                "records",
            ),
        ],
    ),
];

/// The dashboard as JSON, to be imported into Grafana; it asks for the data source.
pub(super) fn dashboard() -> String {
    let numbers = NUMBERS
        .iter()
        .enumerate()
        .map(|(at, it)| panel(at, "stat", it, [4 * at, 0, 4, 4]));
    let series = SERIES.iter().enumerate().map(|(at, it)| {
        panel(
            NUMBERS.len() + at,
            "timeseries",
            it,
            [12 * (at % 2), 4 + 8 * (at / 2), 12, 8],
        )
    });
    let dashboard = json!({
        "uid": "kubevet",
        "title": "kubevet",
        "tags": ["kubevet"],
        "schemaVersion": 39,
        "time": {"from": "now-6h", "to": "now"},
        "refresh": "1m",
        "templating": {"list": [{"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"}]},
        "panels": numbers.chain(series).collect::<Vec<_>>(),
    });
    format!("{dashboard:#}\n")
}

fn panel(id: usize, kind: &str, (title, unit, queries): &Panel, [x, y, w, h]: [usize; 4]) -> Value {
    let source = json!({"type": "prometheus", "uid": "${datasource}"});
    let targets = queries.iter().zip('A'..).map(
        |((expr, legend), letter)| json!({"refId": letter, "datasource": source, "expr": expr, "legendFormat": legend}),
    );
    json!({
        "id": id + 1,
        "type": kind,
        "title": title,
        "datasource": source,
        "gridPos": {"x": x, "y": y, "w": w, "h": h},
        "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
        "targets": targets.collect::<Vec<_>>(),
    })
}
