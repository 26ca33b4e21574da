//! Alerts lead to their runbooks, and every panel says what it shows.

#![allow(clippy::disallowed_methods, reason = "the test reads the repository")]

use super::options;
use crate::monitoring;
use regex::Regex;
use serde_json::Value;
use std::{collections::BTreeSet, fs, path::Path};

fn file(name: &str) -> String {
    let files = monitoring(&options()).unwrap();
    let found = files.into_iter().find(|(file, _)| file == name);
    found.unwrap().1
}

fn matches(pattern: &str, text: &str) -> BTreeSet<String> {
    let pattern = Regex::new(pattern).unwrap();
    let captures = pattern.captures_iter(text);
    captures.map(|captures| captures[1].to_owned()).collect()
}

#[test]
fn every_alert_has_a_runbook() {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/alerts.md"));
    let sections = matches(r"(?m)^## (\w+)$", &fs::read_to_string(path).unwrap());
    let alerts = file("alerts.yaml") + &file("operator-alerts.yaml");
    assert_eq!(matches(r"- alert: (\w+)", &alerts), sections);
    let anchors: BTreeSet<String> = sections.iter().map(|name| name.to_lowercase()).collect();
    let urls =
        r#"runbook_url: "https://github.com/kubevet/kubevet/blob/main/docs/alerts.md#(\w+)""#;
    assert_eq!(matches(urls, &alerts), anchors);
}

#[test]
fn every_panel_has_a_description() {
    for name in ["dashboard.json", "operator-dashboard.json"] {
        let dashboard: Value = serde_json::from_str(&file(name)).unwrap();
        let panels = dashboard["panels"].as_array().unwrap();
        assert!(!panels.is_empty());
        for panel in panels {
            let description = panel["description"].as_str().unwrap_or_default();
            assert!(description.ends_with('.'), "{panel}");
        }
    }
}
