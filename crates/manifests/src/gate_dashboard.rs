//! The dashboard of the gate: traffic and latency above, denials in the middle, health below.

use super::dashboard::{Dashboard, Panel, Query};

/// The dashboard.
pub(crate) const GATE: Dashboard = Dashboard {
    uid: "kubevet",
    title: "kubevet",
    numbers: NUMBERS,
    series: SERIES,
};

/// The panels with one number each.
const NUMBERS: &[Panel] = &[
    Panel {
        title: "Reviews",
        description: "Requests that API servers sent and the gate answered, a second.",
        unit: "reqps",
        queries: &[Query {
            expression: "sum(rate(kubevet_reviews_total[5m]))",
            legend: "",
        }],
    },
    Panel {
        title: "Denied in 1 h",
        description: "Requests that the gate refused in the last hour.",
        unit: "short",
        queries: &[Query {
            expression: "sum(increase(kubevet_reviews_total{verdict=\"denied\"}[1h]))",
            legend: "",
        }],
    },
    Panel {
        title: "p99",
        description: "The time within which 99 of 100 reviews are answered. API servers wait five \
                      seconds.",
        unit: "s",
        queries: &[Query {
            expression: "histogram_quantile(0.99, sum by (le) \
                             (rate(kubevet_review_duration_seconds_bucket{phase=\"total\"}[5m])))",
            legend: "",
        }],
    },
    Panel {
        title: "Certificate ends in",
        description: "The time that the certificate is still valid. It is renewed with 30 days left.",
        unit: "s",
        queries: &[Query {
            expression: "min(kubevet_certificate_expiry_timestamp_seconds{which=\"leaf\"}) \
                             - time()",
            legend: "",
        }],
    },
    Panel {
        title: "Bindings in force",
        description: "ControlBindings that the gate enforces.",
        unit: "short",
        queries: &[Query {
            expression: "max(kubevet_bindings{state=\"accepted\"})",
            legend: "",
        }],
    },
    Panel {
        title: "Bindings refused",
        description: "ControlBindings with an error: kubectl get controlbindings shows which, and why.",
        unit: "short",
        queries: &[Query {
            expression: "max(kubevet_bindings{state=\"refused\"})",
            legend: "",
        }],
    },
];

/// The panels with time series.
const SERIES: &[Panel] = &[
    Panel {
        title: "Reviews by verdict",
        description: "denied: refused. warned: admitted with a warning. unevaluated: admitted although \
                      a control gave no answer.",
        unit: "reqps",
        queries: &[Query {
            expression: "sum by (verdict) (rate(kubevet_reviews_total[5m]))",
            legend: "{{verdict}}",
        }],
    },
    Panel {
        title: "Reviews by kind",
        description: "The load by operation and kind. Kinds that no control checks are counted as \
                      other.",
        unit: "reqps",
        queries: &[Query {
            expression: "sum by (kind, operation) (rate(kubevet_reviews_total[5m]))",
            legend: "{{operation}} {{kind}}",
        }],
    },
    Panel {
        title: "Time of a review",
        description: "From the last byte of the request to the answer: the median, and the slowest of \
                      a hundred.",
        unit: "s",
        queries: &[
            Query {
                expression: "histogram_quantile(0.5, sum by (le) \
                             (rate(kubevet_review_duration_seconds_bucket{phase=\"total\"}[5m])))",
                legend: "p50",
            },
            Query {
                expression: "histogram_quantile(0.99, sum by (le) \
                             (rate(kubevet_review_duration_seconds_bucket{phase=\"total\"}[5m])))",
                legend: "p99",
            },
        ],
    },
    Panel {
        title: "Mean time by phase",
        description: "Reading, evaluating controls, and deciding, which includes waiting for the \
                      labels of a namespace.",
        unit: "s",
        queries: &[Query {
            expression: "sum by (phase) \
                             (rate(kubevet_review_duration_seconds_sum{phase!=\"total\"}[5m])) \
                             / sum by (phase) \
                             (rate(kubevet_review_duration_seconds_count{phase!=\"total\"}[5m]))",
            legend: "{{phase}}",
        }],
    },
    Panel {
        title: "Denials by control",
        description: "Findings that were denied, without dry runs. A sudden rise is often a \
                      controller that tries again and again.",
        unit: "short",
        queries: &[Query {
            expression: "sum by (control) (increase(kubevet_denials_total[5m]))",
            legend: "{{control}}",
        }],
    },
    Panel {
        title: "Denials by binding",
        description: "The same findings by the ControlBinding that denied them.",
        unit: "short",
        queries: &[Query {
            expression: "sum by (binding) (increase(kubevet_denials_total[5m]))",
            legend: "{{binding}}",
        }],
    },
    Panel {
        title: "Would be denied, by namespace",
        description: "Findings that a binding with Warn or Audit alone would have denied with Deny. \
                      Objects that a controller creates for a checked owner are not counted again.",
        unit: "short",
        queries: &[Query {
            expression: "sum by (namespace) \
                             (increase(kubevet_findings_total{action=\"would_deny\"}[1h]))",
            legend: "{{namespace}}",
        }],
    },
    Panel {
        title: "Would be denied, by binding and control",
        description: "The same findings by what would deny them. A binding without any for some \
                      days can go to Deny.",
        unit: "short",
        queries: &[Query {
            expression: "sum by (binding, control) \
                             (increase(kubevet_findings_total{action=\"would_deny\"}[1h]))",
            legend: "{{binding}} {{control}}",
        }],
    },
    Panel {
        title: "Findings by what was done",
        description: "Findings by the strongest action of the bindings that cover them. Dry runs are \
                      left out.",
        unit: "short",
        queries: &[Query {
            expression: "sum by (action) \
                             (increase(kubevet_findings_total{action!=\"would_deny\"}[5m]))",
            legend: "{{action}}",
        }],
    },
    Panel {
        title: "Not checked, not a review",
        description: "Reviews that were answered by policy and why, requests that are not reviews, and \
                      reviews in which a control gave no answer.",
        unit: "reqps",
        queries: &[
            Query {
                expression: "sum by (why) (rate(kubevet_shed_reviews_total[5m]))",
                legend: "shed: {{why}}",
            },
            Query {
                expression: "sum by (why) (rate(kubevet_refused_requests_total[5m]))",
                legend: "no review: {{why}}",
            },
            Query {
                expression: "sum(rate(kubevet_reviews_total{verdict=\"unevaluated\"}[5m]))",
                legend: "unevaluated",
            },
        ],
    },
    Panel {
        title: "Connections",
        description: "Open connections of API servers, and those that failed or were refused.",
        unit: "short",
        queries: &[
            Query {
                expression: "sum by (pod) (kubevet_connections)",
                legend: "open {{pod}}",
            },
            Query {
                expression: "sum(increase(kubevet_tls_handshake_failures_total[5m]))",
                legend: "failed handshakes",
            },
            Query {
                expression: "sum(increase(kubevet_refused_connections_total[5m]))",
                legend: "refused",
            },
        ],
    },
    Panel {
        title: "Age of what is known of namespaces",
        description: "The time since the API server was last heard about namespaces. Selectors go by \
                      the labels of that time.",
        unit: "s",
        queries: &[Query {
            expression: "max by (pod) (kubevet_namespace_cache_age_seconds)",
            legend: "{{pod}}",
        }],
    },
    Panel {
        title: "Library and certificates",
        description: "The generation counts up with each change of library or bindings; all replicas \
                      should agree on problems.",
        unit: "short",
        queries: &[
            Query {
                expression: "max by (pod) (kubevet_library_generation)",
                legend: "generation {{pod}}",
            },
            Query {
                expression: "max by (pod) (kubevet_library_problems)",
                legend: "problems {{pod}}",
            },
            Query {
                expression: "sum by (result) (increase(kubevet_certificate_reloads_total[1h]))",
                legend: "certificates {{result}}",
            },
        ],
    },
    Panel {
        title: "Lost",
        description: "Events, log lines and recorded reviews that were not written.",
        unit: "short",
        queries: &[
            Query {
                expression: "sum(kubevet_events_dropped)",
                legend: "events",
            },
            Query {
                expression: "sum(increase(kubevet_unlogged_decisions_total[1h]))",
                legend: "lines of the decision log",
            },
            Query {
                expression: "sum(increase(kubevet_unrecorded_reviews_total[1h]))",
                legend: "records",
            },
        ],
    },
];
