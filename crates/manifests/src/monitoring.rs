//! Alert rules over the metrics, as objects of the Prometheus operator.
//!
//! Each alert says what is wrong and what to do. A test of `kubevet serve` checks that every metric
//! in an expression exists.

use super::{
    dashboard::dashboard_json,
    error::InvalidOption,
    gate_dashboard::GATE,
    install::LABELS,
    operator_dashboard::OPERATOR,
    options::InstallOptions,
    template::{Slots, render},
};

/// Returns the files by name: a PodMonitor, a PrometheusRule, and a dashboard for Grafana as JSON.
///
/// # Errors
/// As [`super::objects`].
pub fn monitoring(options: &InstallOptions) -> Result<Vec<(String, String)>, InvalidOption> {
    options.validate()?;
    let slots = Slots::from([
        ("namespace", options.namespace.clone()),
        ("labels", LABELS.to_owned()),
    ]);
    let file = |name: &str, template| (name.to_owned(), render(template, &slots));
    Ok(vec![
        file(
            "pod-monitor.yaml",
            include_str!("../templates/monitoring/pod-monitor.yaml"),
        ),
        file(
            "alerts.yaml",
            include_str!("../templates/monitoring/alerts.yaml"),
        ),
        file(
            "operator-alerts.yaml",
            include_str!("../templates/monitoring/operator-alerts.yaml"),
        ),
        ("dashboard.json".to_owned(), dashboard_json(&GATE)),
        (
            "operator-dashboard.json".to_owned(),
            dashboard_json(&OPERATOR),
        ),
    ])
}
