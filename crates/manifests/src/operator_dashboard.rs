//! The dashboard of the operator: findings and compliance above, its work in the middle, what it writes
//! below. Replicas know the same objects, so most expressions take the largest of them.

use super::dashboard::{Dashboard, Panel, Query};

/// The dashboard.
pub(crate) const OPERATOR: Dashboard = Dashboard {
    uid: "kubevet-operator",
    title: "kubevet operator",
    numbers: NUMBERS,
    series: SERIES,
};

/// The panels with one number each.
const NUMBERS: &[Panel] = &[
    Panel {
        title: "Objects",
        description: "Objects that the operator knows.",
        unit: "short",
        queries: &[Query {
            expression: "sum(max by (group, kind) (kubevet_operator_objects))",
            legend: "",
        }],
    },
    Panel {
        title: "Critical",
        description: "Failed controls of critical severity over all objects.",
        unit: "short",
        queries: &[Query {
            expression: "max(kubescape_controls_total_cluster_critical)",
            legend: "",
        }],
    },
    Panel {
        title: "High",
        description: "Failed controls of high severity over all objects.",
        unit: "short",
        queries: &[Query {
            expression: "max(kubescape_controls_total_cluster_high)",
            legend: "",
        }],
    },
    Panel {
        title: "Oldest critical",
        description: "How long the critical finding that is open the longest has been known. Nothing is shown without one, and without a store.",
        unit: "s",
        queries: &[Query {
            expression: "time() - min(kubevet_operator_oldest_open_finding_timestamp_seconds{severity=\"critical\"})",
            legend: "",
        }],
    },
    Panel {
        title: "Lag, p99",
        description: "The time from the arrival of a change to its written result, for 99 of 100 changes.",
        unit: "s",
        queries: &[Query {
            expression: "histogram_quantile(0.99, sum by (le) (rate(kubevet_operator_lag_seconds_bucket[5m])))",
            legend: "",
        }],
    },
    Panel {
        title: "Not evaluated",
        description: "Controls that are not evaluated everywhere: kinds that may not be read, or rules that fail.",
        unit: "short",
        queries: &[Query {
            expression: "sum(max by (why) (kubevet_operator_not_evaluated_controls))",
            legend: "",
        }],
    },
];

/// The panels with time series.
const SERIES: &[Panel] = &[
    Panel {
        title: "Failed controls by severity",
        description: "An object counts once for each control that it fails.",
        unit: "short",
        queries: &[
            Query {
                expression: "max(kubescape_controls_total_cluster_critical)",
                legend: "critical",
            },
            Query {
                expression: "max(kubescape_controls_total_cluster_high)",
                legend: "high",
            },
            Query {
                expression: "max(kubescape_controls_total_cluster_medium)",
                legend: "medium",
            },
            Query {
                expression: "max(kubescape_controls_total_cluster_low)",
                legend: "low",
            },
        ],
    },
    Panel {
        title: "Compliance by framework",
        description: "The share of controls that pass. A framework whose compliance is not known is absent.",
        unit: "percent",
        queries: &[Query {
            expression: "max by (framework) (kubevet_operator_compliance_percent)",
            legend: "{{framework}}",
        }],
    },
    Panel {
        title: "Coverage by framework",
        description: "The share of a framework's controls that are evaluated, or have nothing to evaluate.",
        unit: "percent",
        queries: &[Query {
            expression: "max by (framework) (kubevet_operator_coverage_percent)",
            legend: "{{framework}}",
        }],
    },
    Panel {
        title: "Worst namespaces, critical and high",
        description: "The ten namespaces with the most failed controls of these severities.",
        unit: "short",
        queries: &[Query {
            expression: "topk(10, max by (namespace) (kubescape_controls_total_namespace_critical) + max by (namespace) (kubescape_controls_total_namespace_high))",
            legend: "{{namespace}}",
        }],
    },
    Panel {
        title: "Findings that began and ended",
        description: "What the store recorded in each hour. The first sweep of a new store counts as new.",
        unit: "short",
        queries: &[Query {
            expression: "sum by (change) (increase(kubevet_operator_stored_findings_total[1h]))",
            legend: "{{change}}",
        }],
    },
    Panel {
        title: "Oldest open finding",
        description: "The age of the oldest finding of each severity that is open.",
        unit: "s",
        queries: &[Query {
            expression: "time() - min by (severity) (kubevet_operator_oldest_open_finding_timestamp_seconds)",
            legend: "{{severity}}",
        }],
    },
    Panel {
        title: "Objects evaluated",
        description: "Objects that each replica evaluated, a second: peaks are sweeps.",
        unit: "ops",
        queries: &[Query {
            expression: "sum by (pod) (rate(kubevet_operator_evaluated_objects_total[5m]))",
            legend: "{{pod}}",
        }],
    },
    Panel {
        title: "Time from change to result",
        description: "The median, and the slowest of a hundred changes.",
        unit: "s",
        queries: &[
            Query {
                expression: "histogram_quantile(0.5, sum by (le) (rate(kubevet_operator_lag_seconds_bucket[5m])))",
                legend: "p50",
            },
            Query {
                expression: "histogram_quantile(0.99, sum by (le) (rate(kubevet_operator_lag_seconds_bucket[5m])))",
                legend: "p99",
            },
        ],
    },
    Panel {
        title: "Waiting",
        description: "Changes to be evaluated, and evaluated objects whose owner has not come yet.",
        unit: "short",
        queries: &[
            Query {
                expression: "sum by (pod) (kubevet_operator_queued_changes)",
                legend: "changes {{pod}}",
            },
            Query {
                expression: "sum by (pod) (kubevet_operator_waiting_objects)",
                legend: "for an owner {{pod}}",
            },
        ],
    },
    Panel {
        title: "Watches that are not open",
        description: "Kinds whose changes are not seen at present; their results are as old as the last sweep.",
        unit: "short",
        queries: &[Query {
            expression: "max by (group, kind) (kubevet_operator_failed_watches) > 0",
            legend: "{{group}} {{kind}}",
        }],
    },
    Panel {
        title: "Objects by kind",
        description: "The ten kinds with the most objects.",
        unit: "short",
        queries: &[Query {
            expression: "topk(10, max by (group, kind) (kubevet_operator_objects))",
            legend: "{{group}} {{kind}}",
        }],
    },
    Panel {
        title: "Leader",
        description: "1 for the replica that writes results.",
        unit: "short",
        queries: &[Query {
            expression: "max by (pod) (kubevet_operator_leader)",
            legend: "{{pod}}",
        }],
    },
    Panel {
        title: "Sweeps",
        description: "Sweeps that ended, by what they were made for, and how long the last one took.",
        unit: "short",
        queries: &[
            Query {
                expression: "sum by (reason) (increase(kubevet_operator_sweeps_total[1h]))",
                legend: "{{reason}}",
            },
            Query {
                expression: "max(kubevet_operator_last_sweep_seconds)",
                legend: "seconds of the last",
            },
        ],
    },
    Panel {
        title: "Calls that keep results",
        description: "written: kept. partial: some results as objects were refused. lost: made good by a sweep. fenced: another replica leads.",
        unit: "ops",
        queries: &[Query {
            expression: "sum by (sink, result) (rate(kubevet_operator_sink_calls_total[5m]))",
            legend: "{{sink}} {{result}}",
        }],
    },
    Panel {
        title: "Results as objects",
        description: "Objects that the operator keeps in the API server, and what each hour wrote or removed.",
        unit: "short",
        queries: &[
            Query {
                expression: "max(kubevet_operator_results)",
                legend: "kept",
            },
            Query {
                expression: "sum by (result) (increase(kubevet_operator_result_writes_total{result!=\"unchanged\"}[1h]))",
                legend: "{{result}}",
            },
            Query {
                expression: "sum by (reason) (increase(kubevet_operator_result_failures_total[1h]))",
                legend: "failed: {{reason}}",
            },
        ],
    },
    Panel {
        title: "Load on the API server",
        description: "Bytes of the results as objects, and requests that the API server has put off.",
        unit: "short",
        queries: &[
            Query {
                expression: "max(kubevet_operator_results_size_bytes)",
                legend: "bytes of results",
            },
            Query {
                expression: "sum(increase(kubevet_operator_put_off_requests[1h]))",
                legend: "put off in 1 h",
            },
        ],
    },
];
