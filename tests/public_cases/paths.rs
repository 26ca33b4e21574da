//! Files and patterns: no file is left out for its name alone.

use super::{check, clean, pod};
use kubevet_testkit::test_dir::TestDir;

const SCAN: [&str; 3] = ["scan", "control", "C-0038"];

#[test]
fn pattern_whose_files_are_named_already_matches() {
    let dir = TestDir::new()
        .file("deploy/two.yaml", clean("two"))
        .file("deploy/three.yaml", clean("three"))
        .file("k/kustomization.yaml", "resources: [a.yaml]\n");
    for paths in [
        &["deploy", "deploy/*.yaml"][..],
        &["deploy/*.yaml", "deploy"],
        &["deploy/*.yaml", "deploy/t*"],
        &["deploy/three.yaml", "deploy/*.yaml"],
        &["deploy", "k/*.yaml"],
    ] {
        check(
            &dir,
            &[&SCAN[..], paths].concat(),
            0,
            &["+no defects in 2 objects", "-matches no file"],
        );
    }
    check(
        &dir,
        &[&SCAN[..], &["deploy", "none/*.yaml"]].concat(),
        2,
        &["+matches no file"],
    );
}

#[test]
fn file_is_not_skipped_for_its_name() {
    for name in [
        "kustomization.yaml",
        "kustomization.yml",
        "values.yaml",
        "Chart.yaml",
        "templates/x.yaml",
        "chart/values-production.yaml",
        "chart/values.yaml",
    ] {
        let dir = TestDir::new()
            .file("d/beside.yaml", clean("beside"))
            .file(
                "d/chart/Chart.yaml",
                "apiVersion: v2\nname: tea\nversion: 1.0.0\n",
            )
            .file(&format!("d/{name}"), pod("named"));
        check(&dir, &[&SCAN[..], &["d"]].concat(), 1, &["+Pod named"]);
    }
    // What only looks like a chart hides no template.
    let dir = TestDir::new()
        .file("d/Chart.yaml", clean("beside"))
        .file("d/templates/x.yaml", pod("named"));
    check(&dir, &[&SCAN[..], &["d"]].concat(), 1, &["+Pod named"]);
}

#[test]
fn kustomization_and_chart_are_skipped_with_a_reason() {
    let kustomization =
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: []\n";
    let dir = TestDir::new()
        .file("d/beside.yaml", clean("beside"))
        .file("d/any-name.yaml", kustomization)
        .file(
            "d/chart/Chart.yaml",
            "apiVersion: v2\nname: tea\nversion: 1.0.0\n",
        )
        .file("d/chart/values.yaml", "kind: DaemonSet\nreplicas: 1\n")
        .file("d/chart/templates/x.yaml", "kind: {{ .Values.kind }}\n");
    check(
        &dir,
        &[&SCAN[..], &["d"]].concat(),
        0,
        &[
            "+a Kustomization: scan what `kustomize build` prints: d/any-name.yaml",
            "+a Helm chart: scan what `helm template` prints: d/chart",
            "+values of a chart",
        ],
    );
}
