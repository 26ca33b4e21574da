//! Grafana dashboards: rows of single numbers above, time series in two columns below.

use serde_json::{Value, json};

/// A dashboard.
pub(crate) struct Dashboard {
    /// The id in Grafana.
    pub(crate) uid: &'static str,
    pub(crate) title: &'static str,
    /// The panels with one number each.
    pub(crate) numbers: &'static [Panel],
    /// The panels with time series.
    pub(crate) series: &'static [Panel],
}

/// A panel of a dashboard.
pub(crate) struct Panel {
    pub(crate) title: &'static str,
    /// What the panel shows, behind the "i" in its corner.
    pub(crate) description: &'static str,
    /// The unit of the values, by Grafana's name.
    pub(crate) unit: &'static str,
    pub(crate) queries: &'static [Query],
}

/// A query of a panel.
pub(crate) struct Query {
    /// The PromQL expression.
    pub(crate) expression: &'static str,
    /// The legend of the series; empty for a panel with one number.
    pub(crate) legend: &'static str,
}

/// The single numbers in a row.
const NUMBERS_IN_ROW: usize = 6;

/// The position and size of a panel on the dashboard's grid of 24 columns.
struct GridPosition {
    x: usize,
    y: usize,
    width: usize,
    height: usize,
}

/// Returns a dashboard as JSON, to be imported into Grafana, which asks for the data source.
pub(crate) fn dashboard_json(dashboard: &Dashboard) -> String {
    let numbers = dashboard.numbers.iter().enumerate().map(|(index, panel)| {
        let position = GridPosition {
            x: 4 * (index % NUMBERS_IN_ROW),
            y: 4 * (index / NUMBERS_IN_ROW),
            width: 4,
            height: 4,
        };
        panel.json(index, "stat", &position)
    });
    let begin = 4 * dashboard.numbers.len().div_ceil(NUMBERS_IN_ROW);
    let series = dashboard.series.iter().enumerate().map(|(index, panel)| {
        let position = GridPosition {
            x: 12 * (index % 2),
            y: begin + 8 * (index / 2),
            width: 12,
            height: 8,
        };
        panel.json(dashboard.numbers.len() + index, "timeseries", &position)
    });
    let data_source = json!({
        "name": "datasource",
        "label": "Data source",
        "type": "datasource",
        "query": "prometheus",
    });
    let json = json!({
        "uid": dashboard.uid,
        "title": dashboard.title,
        "tags": ["kubevet"],
        "schemaVersion": 39,
        "time": {"from": "now-6h", "to": "now"},
        "refresh": "1m",
        "templating": {"list": [data_source]},
        "panels": numbers.chain(series).collect::<Vec<_>>(),
    });
    format!("{json:#}\n")
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
