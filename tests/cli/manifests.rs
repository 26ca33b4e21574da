//! `kubevet manifests`: the printed and written objects, which pass a scan by kubevet itself.

use kubevet_testkit::test_dir::TestDir;

/// Checks that what is printed has no findings of kubevet's own controls but `expected`.
#[track_caller]
fn check_scan(arguments: &[&str], expected: &[&str]) {
    let dir = TestDir::new();
    let printed = dir.run(&[&["manifests"], arguments].concat());
    assert_eq!((printed.code, printed.stderr.as_str()), (0, ""));
    let scanned = dir.run_with_input(
        &["scan", "-", "--all", "-f", "json"],
        printed.stdout.as_bytes(),
    );
    let findings = scanned.findings();
    let is_expected = |finding: &String| {
        let control = finding.split(' ').next().unwrap_or_default();
        expected.contains(&control)
    };
    assert!(findings.iter().all(is_expected), "{findings:#?}");
    assert_eq!(scanned.problems(), [] as [&str; 0]);
    // The scan is not vacuous: it finds the same objects with one defect.
    let wrong = printed
        .stdout
        .replace("privileged: false", "privileged: true");
    let scanned = dir.run_with_input(&["scan", "-", "--all", "-f", "json"], wrong.as_bytes());
    let findings = scanned.findings();
    assert!(!findings.iter().all(is_expected), "{findings:#?}");
}

/// The digest of the image is known only once it is in a registry: `--image` takes it. A gate of the
/// cluster has the priority of the cluster's own Pods.
#[test]
fn printed_manifests_pass_a_scan() {
    check_scan(&[], &["C-0306", "K-0147"]);
}

#[test]
fn printed_operator_passes_a_scan() {
    check_scan(&["operator"], &["C-0306"]);
    let results = ["operator", "--all", "--results"];
    let results = [&results[..], &["kubescape,policy-reports,open-reports"]].concat();
    check_scan(&results, &["C-0306"]);
    let volume = ["operator", "--replicas", "1", "--store-volume", "2Gi"];
    // Two replicas, as in a rolling update, cannot share the volume.
    check_scan(&volume, &["C-0305", "C-0306"]);
    check_scan(
        &["operator", "--store-secret", "kubevet-store"],
        &["C-0306"],
    );
}

#[track_caller]
fn check_folder(arguments: &[&str], files: &[&str]) {
    let dir = TestDir::new();
    let run = dir.run(&[&["manifests"], arguments, &["-o", "out/deep"]].concat());
    assert_eq!(
        (run.code, run.stdout.as_str(), run.stderr.as_str()),
        (0, "", "")
    );
    for file in files {
        assert!(!dir.read(&format!("out/deep/{file}")).is_empty(), "{file}");
    }
}

#[test]
fn output_folder_receives_several_files() {
    check_folder(
        &["--form", "kustomize"],
        &["kustomization.yaml", "deployment.yaml", "webhooks.yaml"],
    );
    check_folder(
        &["--form", "helm"],
        &[
            "Chart.yaml",
            "values.yaml",
            "operator-rights.yaml",
            "templates/deployment.yaml",
            "templates/operator/deployment.yaml",
        ],
    );
    check_folder(
        &["operator", "--form", "kustomize"],
        &["kustomization.yaml", "deployment.yaml", "roles.yaml"],
    );
    check_folder(
        &["admission-configuration"],
        &["admission-configuration.yaml", "webhook-kubeconfig.yaml"],
    );
    check_folder(
        &["monitoring"],
        &["alerts.yaml", "pod-monitor.yaml", "dashboard.json"],
    );
}

/// Policies and params become ConfigMaps that flags of the server name.
#[test]
fn policies_and_params_are_mounted() {
    let dir = TestDir::new().file("params.yaml", "cloudProvider: aws\n");
    assert_eq!(dir.run(&["policy", "new", "C-9001-mine"]).code, 0);
    let flags = [
        "--policies",
        "C-9001-mine",
        "--controls-config",
        "params.yaml",
    ];
    let run = dir.run(&[&["manifests"], &flags[..]].concat());
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    for expected in [
        "name: kubevet-policies",
        "- --policies=/etc/kubevet/policies\n",
        "path: controls/C-9001-mine/rule.rego",
        "- --controls-config=/etc/kubevet/controls-config/config.yaml\n",
        "cloudProvider: aws",
    ] {
        assert!(run.stdout.contains(expected), "{expected}: {}", run.stdout);
    }
    assert!(!run.stdout.contains("testdata"));
}

/// The pods would refuse them, and a pipe into kubectl loses the exit code.
#[test]
fn policies_and_params_with_problems_are_not_written() {
    for (file, text, expected) in [
        ("params.yaml", "cloudProvide: aws\n", "cloudProvide"),
        (
            "C-9001-mine/rule.rego",
            "package controls.c9001\n\ndeny contains if {\n",
            "rule.rego:3",
        ),
    ] {
        let dir = TestDir::new().file("params.yaml", "cloudProvider: aws\n");
        assert_eq!(dir.run(&["policy", "new", "C-9001-mine"]).code, 0);
        let run = dir.file(file, text).run(&[
            "manifests",
            "--policies",
            "C-9001-mine",
            "--controls-config",
            "params.yaml",
        ]);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{}", run.stderr);
        assert!(run.stderr.contains(expected), "{}", run.stderr);
    }
}

#[track_caller]
fn check_refused(arguments: &[&str], message: &str) {
    let run = TestDir::new().run(&[&["manifests"], arguments].concat());
    assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{}", run.stderr);
    assert!(run.stderr.contains(message), "{}", run.stderr);
}

#[test]
fn contradictory_flags_are_rejected() {
    check_refused(&["--form", "helm"], "-o DIR");
    check_refused(
        &["--form", "helm", "--namespace", "other", "-o", "x"],
        "helm install --namespace other",
    );
    check_refused(&["monitoring"], "-o DIR");
    check_refused(
        &["operator", "--form", "helm", "-o", "x"],
        "--set operator.enabled=true",
    );
    check_refused(&["operator", "--store-volume", "2Gi"], "--replicas 1");
    check_refused(&["operator", "--framework", "NSAA"], "NSAA");
    check_refused(
        &["--api-server-cidr", "10.0.0.0/40"],
        "not a valid range of addresses",
    );
    check_refused(
        &["admission-configuration", "--host-folder", "x", "-o", "y"],
        "not a folder of an API server's host",
    );
    check_refused(
        &["--form", "helm", "monitoring", "-o", "x"],
        "leave it out here",
    );
    check_refused(
        &[
            "webhook",
            "--url",
            "https://h/validate",
            "--ca-file",
            "none",
        ],
        "none",
    );
    check_refused(
        &[
            "webhook",
            "--url",
            "https://h/",
            "--ca-file",
            "x",
            "--failure-policy",
            "fail",
        ],
        "Fail or Ignore",
    );
}
