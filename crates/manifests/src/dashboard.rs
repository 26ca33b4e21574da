//! A Grafana dashboard over the metrics: traffic and latency above, denials in the middle, health
//! below.

use serde_json::{Value, json};

/// A panel of the dashboard.
struct Panel {
    title: &'static str,
    /// What the panel shows, behind the "i" in its corner.
    description: &'static str,
    /// The unit of the values, by Grafana's name.
    unit: &'static str,
    queries: &'static [Query],
}

/// A query of a panel.
struct Query {
    /// The PromQL expression.
    expression: &'static str,
    /// The legend of the series; empty for a panel with one number.
    legend: &'static str,
}

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

/// The position and size of a panel on the dashboard's grid of 24 columns.
struct GridPosition {
    x: usize,
    y: usize,
    width: usize,
    height: usize,
}

/// Returns the dashboard as JSON, to be imported into Grafana, which asks for the data source.
pub(crate) fn dashboard() -> String {
    // A row of single numbers, then two columns of time series.
    let numbers = NUMBERS.iter().enumerate().map(|(index, panel)| {
        let position = GridPosition {
            x: 4 * index,
            y: 0,
            width: 4,
            height: 4,
        };
        panel.json(index, "stat", &position)
    });
    let series = SERIES.iter().enumerate().map(|(index, panel)| {
        let position = GridPosition {
            x: 12 * (index % 2),
            y: 4 + 8 * (index / 2),
            width: 12,
            height: 8,
        };
        panel.json(NUMBERS.len() + index, "timeseries", &position)
    });
    let data_source = json!({
        "name": "datasource",
        "label": "Data source",
        "type": "datasource",
        "query": "prometheus",
    });
    let dashboard = json!({
        "uid": "kubevet",
        "title": "kubevet",
        "tags": ["kubevet"],
        "schemaVersion": 39,
        "time": {"from": "now-6h", "to": "now"},
        "refresh": "1m",
        "templating": {"list": [data_source]},
        "panels": numbers.chain(series).collect::<Vec<_>>(),
    });
    format!("{dashboard:#}\n")
}

impl Panel {
    fn json(&self, index: usize, kind: &str, position: &GridPosition) -> Value {
        let source = json!({"type": "prometheus", "uid": "${datasource}"});
        let targets = self.queries.iter().zip('A'..).map(|(query, id)| {
            json!({
                "refId": id,
                "datasource": source,
                "expr": query.expression,
                "legendFormat": query.legend,
            })
        });
        json!({
            "id": index + 1,
            "type": kind,
            "title": self.title,
            "description": self.description,
            "datasource": source,
            "gridPos": {
                "x": position.x,
                "y": position.y,
                "w": position.width,
                "h": position.height,
            },
            "fieldConfig": {"defaults": {"unit": self.unit, "min": 0}, "overrides": []},
            "targets": targets.collect::<Vec<_>>(),
        })
    }
}
