//! `kubevet vap`: controls as ValidatingAdmissionPolicies in YAML, and reports about those that
//! cannot be exported.

use kubevet_testkit::{
    snapshot::assert_matches_file,
    test_dir::{ProgramRun, TestDir},
};
use std::collections::{BTreeMap, BTreeSet};

const POD: &str = "apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: a, image: registry.example.com/a:1.0.0, tty: true}]
";
const BINDING: &str = "apiVersion: kubevet.io/v1alpha1
kind: ControlBinding
metadata: {name: strict}
spec:
  controls: [C-0057, C-0073]
  validationActions: [Deny, Audit]
  matchResources:
    excludeNamespaces: [dev]
    resourceRules: [{apiGroups: [apps], resources: [deployments]}]
";

/// The command succeeds and prints exactly these lines on stderr.
#[track_caller]
fn check(run: &ProgramRun, code: i32, expected: &[&str]) {
    assert_eq!(run.code, code, "{}", run.stderr);
    assert_eq!(run.stderr.lines().collect::<Vec<_>>(), expected);
}

/// A policy folder with a custom control outside the profile, which cannot be exported.
fn outside() -> TestDir {
    let dir = TestDir::new();
    assert_eq!(dir.run(&["policy", "new", "C-9001-mine"]).code, 0);
    let rule = dir.read("C-9001-mine/rule.rego");
    let body = "\ndeny contains finding if {\n\tnames := [c.name | some c in input.object.spec.containers]\n\tcount(names) > 100\n\tfinding := {\"message\": \"m\", \"paths\": [\"spec\"], \"fixes\": []}\n}\n";
    let package = rule
        .lines()
        .find(|line| line.starts_with("package"))
        .unwrap()
        .to_owned();
    dir.file(
        "C-9001-mine/rule.rego",
        format!("{package}\n\nimport rego.v1\n{body}"),
    )
}

#[test]
fn generated_policies_are_deterministic() {
    let dir = TestDir::new();
    let first = dir.run(&["vap", "generate", "NSA"]);
    assert_eq!(first.code, 0, "{}", first.stderr);
    assert_eq!(first.stdout, dir.run(&["vap", "generate", "NSA"]).stdout);
    let kinds = |kind: &str| {
        first
            .stdout
            .lines()
            .filter(|line| *line == format!("kind: {kind}"))
            .count()
    };
    assert_eq!(
        kinds("ValidatingAdmissionPolicy"),
        kinds("ValidatingAdmissionPolicyBinding")
    );
    assert!(
        first
            .stdout
            .contains("  validationActions: [Warn, Audit]\n")
    );
    assert!(!first.stdout.contains("paramRef"));
}

#[test]
fn control_that_cannot_be_exported_is_reported_and_fails_when_strict() {
    let dir = outside();
    let run = |flags: &[&str]| {
        dir.run(
            &[
                &[
                    "vap",
                    "generate",
                    "C-9001",
                    "C-0057",
                    "--custom-rules",
                    "C-9001-mine",
                ],
                flags,
            ]
            .concat(),
        )
    };
    let run_all = run(&[]);
    assert_eq!(run_all.code, 0, "{}", run_all.stderr);
    assert!(
        run_all
            .stderr
            .starts_with("not exported: C-9001 cannot be written in CEL: "),
        "{}",
        run_all.stderr
    );
    assert!(run_all.stdout.contains("kubevet.io/controls: C-0057\n"));
    assert_eq!(run(&["--strict"]).code, 1);
    // A control that is not applicable anywhere is not reported.
    let idle = ["not exported: C-0078 is not configured: give imageRepositoryAllowList a value"];
    check(
        &dir.run(&["vap", "generate", "C-0078", "C-0057", "--strict"]),
        0,
        &idle,
    );
}

/// Kinds and names of the objects in a stream, but for the CustomResourceDefinition of params, whose
/// name its API demands.
fn objects(yaml: &str) -> Vec<String> {
    let line = |document: &str, key: &str| {
        let value = document.lines().find_map(|line| line.strip_prefix(key));
        value.unwrap_or_default().to_owned()
    };
    yaml.split("---\n")
        .map(|document| {
            format!(
                "{} {}",
                line(document, "kind: "),
                line(document, "  name: ")
            )
        })
        .filter(|object| !object.starts_with("CustomResourceDefinition"))
        .collect()
}

/// The objects that `vap generate` prints.
fn generated(dir: &TestDir, args: &[&str]) -> Vec<String> {
    let run = dir.run(&[&["vap", "generate"], args].concat());
    assert_eq!(run.code, 0, "{args:?}: {}", run.stderr);
    objects(&run.stdout)
}

#[test]
fn names_come_from_the_selection() {
    let dir = TestDir::new().file("bindings/nsa.yaml", BINDING.replace("strict", "nsa"));
    assert_eq!(dir.run(&["policy", "new", "C-9001-mine"]).code, 0);
    for (args, expected) in [
        (&["C-0057"][..], "Policy kubevet-c-0057-workloads"),
        (
            &["c-0057", "--one-per-control"],
            "Policy kubevet-c-0057-workloads",
        ),
        (
            &["C-0057", "--action", "Deny"],
            "PolicyBinding kubevet-c-0057-workloads",
        ),
        (&["NSA"], "Policy kubevet-nsa-workloads"),
        (
            &["NSA", "--one-per-control"],
            "Policy kubevet-nsa.c-0057-workloads",
        ),
        (&[], "Policy kubevet-all-workloads"),
        (
            &["C-9001", "--custom-rules", "C-9001-mine"],
            "Policy kubevet-c-9001-workloads",
        ),
        (
            &["C-0046", "--params", "resource"],
            "ControlConfiguration kubevet-c-0046",
        ),
        (
            &["--bindings", "bindings"],
            "Policy kubevet-binding-nsa-deployments",
        ),
    ] {
        let objects = generated(&dir, args);
        let is_expected =
            |object: &String| object.trim_start_matches("ValidatingAdmission") == expected;
        assert!(objects.iter().any(is_expected), "{expected}: {objects:?}");
    }
}

#[test]
fn same_selection_has_the_same_names() {
    let dir = TestDir::new();
    for (left, right) in [
        (&["C-0057", "C-0041"][..], &["C-0041", "C-0057"][..]),
        (&["C-0057,C-0041"], &["c-0041", "C-0057", "C-0057"]),
        (&["NSA", "C-0061"], &["C-0061,nsa", "--action", "Deny"]),
        (&["NSA"], &["NSA", "--severity", "low"]),
        (
            &["NSA", "--exempt-namespaces", "a,b"],
            &["NSA", "--exempt-namespaces", "b,a"],
        ),
    ] {
        assert_eq!(
            generated(&dir, left),
            generated(&dir, right),
            "{left:?} {right:?}"
        );
    }
}

/// No object of one is an object of another.
#[test]
fn other_selections_share_no_names() {
    let dir = TestDir::new()
        .file("bindings/nsa.yaml", BINDING.replace("strict", "nsa"))
        .file("inputs.yaml", "insecureCapabilities: [CHOWN]\n")
        .file("other.yaml", "insecureCapabilities: [KILL]\n");
    let selections = [
        &["C-0057"][..],
        &["C-0041"],
        &["C-0057", "C-0041"],
        &["C-0057", "C-0046"],
        &["NSA"],
        &["NSA", "C-0061"],
        &["NSA", "MITRE"],
        &["NSA", "--severity", "high"],
        &["NSA", "--severity", "medium"],
        &["NSA", "--severity", "high", "--one-per-control"],
        &["MITRE", "--one-per-control"],
        &["C-0046", "--params", "resource"],
        &["C-0046", "C-0012", "--params", "resource"],
        &["C-0046", "--controls-config", "inputs.yaml"],
        &["C-0046", "--controls-config", "other.yaml"],
        &["C-0057", "--exempt-namespaces", "dev"],
        &["C-0057", "--exempt-namespaces", ""],
        &["--bindings", "bindings"],
        &[],
    ];
    let mut taken = BTreeMap::new();
    for args in selections {
        for object in generated(&dir, args) {
            let other = taken.insert(object.clone(), args);
            assert_eq!(other, None, "{object} is of {args:?} too");
        }
    }
    // The library that `deploy-library` prints is another export, too.
    for object in objects(&dir.run(&["vap", "deploy-library"]).stdout) {
        assert_eq!(taken.get(&object), None, "{object}");
    }
}

#[test]
fn export_without_a_policy_fails_and_writes_nothing() {
    let dir = outside();
    let not_configured =
        "not exported: C-0078 is not configured: give imageRepositoryAllowList a value";
    let nothing = "error: nothing is exported: no policy is left of what was named";
    for flags in [
        &[][..],
        &["-o", "out"],
        &["--static-manifests", "out"],
        &["--kustomize", "out"],
    ] {
        let run = dir.run(&[&["vap", "generate", "C-0078"], flags].concat());
        check(&run, 1, &[not_configured, nothing]);
        assert_eq!(run.stdout, "");
        assert!(!dir.path().join("out").exists(), "{flags:?}");
    }
    // No cluster is asked.
    let apply = dir.run(&["vap", "apply", "C-0078", "--prune", "--kubeconfig", "none"]);
    check(&apply, 1, &[not_configured, nothing]);
    let custom = ["vap", "generate", "C-9001", "--custom-rules", "C-9001-mine"];
    let custom = dir.run(&custom);
    assert!(
        custom.code == 1 && custom.stderr.ends_with(&format!("{nothing}\n")),
        "{}",
        custom.stderr
    );
}

#[test]
fn invalid_flags_are_reported() {
    let dir = TestDir::new();
    let run = |args: &[&str]| dir.run(&[&["vap"], args].concat());
    check(
        &run(&["generate", "C-0058"]),
        2,
        &[
            "error: there is no control and no framework \"C-0058\", did you mean \"C-0018\"?: `kubevet list controls` shows all",
        ],
    );
    let twice = "error: --action Deny,Warn: Deny already reports the finding, and the API server refuses both in one binding: drop Warn";
    check(&run(&["generate", "--action", "Deny,Warn"]), 2, &[twice]);
    let params = run(&[
        "generate",
        "C-0046",
        "--params",
        "resource",
        "--static-manifests",
        "x",
    ]);
    assert!(
        params.code == 2 && params.stderr.contains("--params written"),
        "{}",
        params.stderr
    );
    let release = run(&["deploy-library", "--from-release", "v1"]);
    assert!(
        release.code == 2 && release.stderr.contains("nothing is downloaded"),
        "{}",
        release.stderr
    );
    let old = run(&["generate", "--min-kube", "1.29"]);
    assert!(
        old.code == 2 && old.stderr.contains("from Kubernetes 1.30 on"),
        "{}",
        old.stderr
    );
}

#[test]
fn control_binding_is_exported_with_its_scope() {
    let dir = TestDir::new().file("bindings/strict.yaml", BINDING);
    let run = dir.run(&["vap", "generate", "--bindings", "bindings"]);
    check(
        &run,
        0,
        &["not exported: C-0073 applies to nothing that the binding strict takes"],
    );
    for expected in [
        "  name: kubevet-binding-strict-deployments\n",
        "  validationActions: [Deny, Audit]\n",
        "        resources: [deployments]\n",
        "          values: [dev]\n",
        "    kubevet.io/binding: strict\n",
        "  validationActions: [Warn]\n",
    ] {
        assert!(run.stdout.contains(expected), "{expected}{}", run.stdout);
    }
}

#[test]
fn output_folder_contains_the_same_objects_as_the_stream() {
    let dir = TestDir::new();
    assert_eq!(
        dir.run(&[
            "vap",
            "generate",
            "C-0057",
            "--one-per-control",
            "--kustomize",
            "k"
        ])
        .code,
        0
    );
    let list = dir.read("k/kustomization.yaml");
    let names: Vec<&str> = list
        .lines()
        .filter_map(|line| line.strip_prefix("  - "))
        .collect();
    assert_eq!(
        names,
        [
            "policy-kubevet-c-0057-workloads.yaml",
            "policy-kubevet-c-0057-workloads-excused.yaml",
            "binding-kubevet-c-0057-workloads.yaml",
            "binding-kubevet-c-0057-workloads-excused.yaml",
        ]
    );
    let files: Vec<String> = names
        .iter()
        .map(|name| dir.read(&format!("k/{name}")))
        .collect();
    // Each file begins with the header of the stream.
    let stream = dir
        .run(&["vap", "generate", "C-0057", "--one-per-control"])
        .stdout;
    let (header, objects) = stream.split_once("\n\n").unwrap();
    let without_header = |file: &String| {
        let body = file.strip_prefix(&format!("{header}\n\n"));
        body.unwrap_or_else(|| panic!("{file}")).to_owned()
    };
    let bodies: Vec<String> = files.iter().map(without_header).collect();
    assert_eq!(bodies.join("---\n"), objects);
    assert_eq!(
        dir.run(&["vap", "generate", "C-0057", "--static-manifests", "s"])
            .code,
        0
    );
    assert!(
        dir.read("s/kubevet.yaml")
            .contains("  name: kubevet-c-0057-workloads.static.k8s.io\n")
    );
}

#[test]
fn readable_policy_matches_its_snapshot_and_is_short() {
    let run = TestDir::new().run(&["vap", "generate", "C-0057", "--style", "readable"]);
    check(&run, 0, &[]);
    assert_matches_file("tests/cli/snapshots/readable-c-0057.yaml", &run.stdout);
    // Twice the size of the policy of the same control in Kubescape's library.
    let max_bytes = 5 * 1024;
    assert!(run.stdout.len() < max_bytes, "{}", run.stdout.len());
}

/// The ids in the annotation `kubevet.io/controls` of policies, which may be in quotes.
fn exported_controls(yaml: &str) -> BTreeSet<String> {
    let flat = yaml.replace("kubevet.io/controls: |-\n", "kubevet.io/controls: ");
    let lists = flat
        .lines()
        .filter_map(|line| line.trim().strip_prefix("kubevet.io/controls: "));
    let ids = lists.flat_map(|list| list.trim().trim_matches('"').split(','));
    ids.map(|id| id.trim().to_owned()).collect()
}

/// The control that the export of the library leaves out, for each of its policies: it compares the
/// positions of list elements.
const NOT_EXPORTED: &str = "not exported: C-0295 cannot be written in CEL";

#[test]
fn readable_style_exports_what_the_packed_style_exports() {
    let config = "publicRegistries: [quay.io]\nimageRepositoryAllowList: [registry.example.com]\n";
    let dir = TestDir::new().file("config.yaml", config);
    for names in [&[][..], &["K-0001", "K-0002"]] {
        let generate = |style: &str| {
            let args = ["vap", "generate", "--controls-config", "config.yaml"];
            let run = dir.run(&[&args[..], &["--style", style], names].concat());
            assert_eq!(run.code, 0, "{}", run.stderr);
            let mut notes = run.stderr.lines();
            assert!(
                notes.all(|note| note.starts_with(NOT_EXPORTED)),
                "{}",
                run.stderr
            );
            run.stdout
        };
        let readable = generate("readable");
        assert_eq!(
            exported_controls(&readable),
            exported_controls(&generate("packed"))
        );
        for left_over in [
            "[[]]",
            "oldObject",
            "-excused",
            "-unjudged",
            "request.userInfo",
        ] {
            assert!(!readable.contains(left_over), "{left_over}");
        }
        // Only a literal, such as a regular expression, and a list of resources can be too long for a
        // line.
        for line in readable.lines().filter(|line| line.chars().count() > 120) {
            let is_resources = line.trim_start().starts_with("resources: [");
            assert!(line.contains('\'') || is_resources, "{line}");
        }
    }
}

#[test]
fn readable_policies_audit_unless_an_action_is_named() {
    let generate = |flags: &[&str]| {
        TestDir::new().run(&[&["vap", "generate", "C-0057", "--style", "readable"], flags].concat())
    };
    let audit = generate(&[]);
    check(&audit, 0, &[]);
    assert!(audit.stdout.contains("  validationActions: [Audit]\n"));
    let deny = generate(&["--action", "Deny"]);
    assert!(
        deny.stderr
            .starts_with("warning: a readable policy checks every request as a whole. "),
        "{}",
        deny.stderr
    );
    assert!(deny.stdout.contains("  validationActions: [Deny]\n"));
    let packs = generate(&["--one-per-control"]);
    check(
        &packs,
        2,
        &[
            "error: --style readable always writes one policy a control: leave --pack and --one-per-control out",
        ],
    );
}

#[test]
fn changed_item_of_a_param_changes_one_line_of_a_readable_policy() {
    let generate = |capabilities: &str| {
        let binding = format!(
            "apiVersion: kubevet.io/v1alpha1\nkind: ControlBinding\nmetadata: {{name: caps}}\nspec:\n  \
             controls: [C-0046]\n  validationActions: [Audit]\n  matchResources: {{}}\n  \
             params: {{insecureCapabilities: [{capabilities}]}}\n"
        );
        let dir = TestDir::new().file("bindings/caps.yaml", binding);
        let args = [
            "vap",
            "generate",
            "--bindings",
            "bindings",
            "--style",
            "readable",
        ];
        let run = dir.run(&args);
        check(&run, 0, &[]);
        run.stdout.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let long = "ALL, SYS_ADMIN, SYS_MODULE, SYS_RAWIO, SYS_PTRACE, SYS_BOOT, BPF, PERFMON, NET_RAW";
    for (before, after) in [
        ("ALL, NET_RAW", "ALL, NET_RAW, NET_ADMIN"),
        (long, &format!("{long}, SYSLOG")),
    ] {
        let (before, after) = (generate(before), generate(after));
        let added: Vec<&String> = after.iter().filter(|line| !before.contains(line)).collect();
        let gone: Vec<&String> = before.iter().filter(|line| !after.contains(line)).collect();
        assert!(added.len() == 1 && gone.len() <= 1, "{gone:?} {added:?}");
    }
}

#[test]
fn packed_policy_has_no_twin_where_nothing_is_exempt() {
    let strict = BINDING.replace(
        "  matchResources:",
        "  onUpdate: All\n  onOwned: Deny\n  matchResources:",
    );
    let dir = TestDir::new().file("bindings/strict.yaml", strict);
    assert_eq!(
        generated(&dir, &["--bindings", "bindings"]),
        [
            "ValidatingAdmissionPolicy kubevet-binding-strict-deployments",
            "ValidatingAdmissionPolicyBinding kubevet-binding-strict-deployments",
        ]
    );
}

#[test]
fn version_is_in_the_header_alone() {
    let run = TestDir::new().run(&["vap", "generate", "NSA", "--action", "Audit"]);
    let version = env!("CARGO_PKG_VERSION");
    let header = format!(
        "# Generated by kubevet {version}. Do not edit it, but run again:\n#   kubevet vap generate NSA --action Audit\n\n"
    );
    assert!(run.stdout.starts_with(&header), "{}", run.stdout);
    assert!(!run.stdout.contains("kubevet.io/version"));
}

#[test]
fn diff_shows_the_changes_of_an_upgrade() {
    let dir = TestDir::new().file("pod.yaml", POD);
    let copy = |name: &str| {
        let from = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
        copy_folder(&from, &dir.path().join(name));
    };
    copy("new");
    let same = dir.run(&["vap", "diff", "built-in", "new", "pod.yaml"]);
    assert_eq!(
        (same.code, same.stdout.as_str()),
        (0, "no verdict on 1 object changes\n"),
        "{}",
        same.stderr
    );
    // A changed rule.
    let rule = "new/controls/C-0057-privileged-container/rule.rego";
    let package = dir
        .read(rule)
        .lines()
        .find(|line| line.starts_with("package"))
        .unwrap()
        .to_owned();
    let other = "deny contains {\"message\": \"m\", \"paths\": [\"spec\"], \"fixes\": []} if input.object.spec.hostPID == true";
    std::fs::write(
        dir.path().join(rule),
        format!("{package}\n\nimport rego.v1\n\n{other}\n"),
    )
    .unwrap();
    let pod = POD.replace("tty: true", "securityContext: {privileged: true}");
    std::fs::write(dir.path().join("pod.yaml"), pod).unwrap();
    let changed = dir.run(&["vap", "diff", "built-in", "new", "pod.yaml"]);
    assert_eq!(changed.code, 1, "{}", changed.stderr);
    let lines: Vec<&str> = changed.stdout.lines().collect();
    assert!(
        lines[0].starts_with("pod.yaml:1 Pod web: C-0057 fail -> pass: "),
        "{lines:?}"
    );
    assert_eq!(lines[1], "1 verdict on 1 object changes");
    assert_eq!(
        dir.run(&["vap", "diff", "built-in", "nowhere", "pod.yaml"])
            .code,
        2
    );
}

#[test]
fn diff_of_two_exports_shows_changed_fields() {
    let binding = |actions: &str, capabilities: &str| {
        format!(
            "apiVersion: kubevet.io/v1alpha1\nkind: ControlBinding\nmetadata: {{name: caps}}\nspec:\n  \
             controls: [C-0046]\n  validationActions: [{actions}]\n  matchResources: {{}}\n  \
             params: {{insecureCapabilities: [{capabilities}]}}\n"
        )
    };
    let dir = TestDir::new()
        .file("old/caps.yaml", binding("Audit", "ALL, NET_RAW"))
        .file("new/caps.yaml", binding("Warn", "ALL, SYSLOG"));
    for side in ["old", "new"] {
        let output = format!("{side}.yaml");
        let args = [
            "vap",
            "generate",
            "--style",
            "readable",
            "--bindings",
            side,
            "-o",
            &output,
        ];
        check(&dir.run(&args), 0, &[]);
    }
    let run = dir.run(&["vap", "diff", "old.yaml", "new.yaml"]);
    check(&run, 1, &[]);
    assert_eq!(
        run.stdout,
        "ValidatingAdmissionPolicy kubevet-binding-caps-workloads\n  \
           spec.variables[insecureCapabilities].expression: + 'SYSLOG', - 'NET_RAW'\n\
         ValidatingAdmissionPolicyBinding kubevet-binding-caps-workloads\n  \
           spec.validationActions: + Warn, - Audit\n\
         2 objects differ\n"
    );
    let same = dir.run(&["vap", "diff", "old.yaml", "old.yaml"]);
    check(&same, 0, &[]);
    assert_eq!(same.stdout, "no object differs\n");
    for (old, message) in [
        (
            "built-in",
            "built-in is a library: name the objects to check",
        ),
        ("old", "old is a library: name the objects to check"),
        (
            "old/caps.yaml",
            "old/caps.yaml has no ValidatingAdmissionPolicy: ",
        ),
    ] {
        let run = dir.run(&["vap", "diff", old, "new.yaml"]);
        assert!(
            run.code == 2 && run.stderr.contains(message),
            "{}",
            run.stderr
        );
    }
    let missing = dir.run(&["vap", "diff", "none.yaml", "new.yaml"]);
    assert_eq!(missing.code, 2, "{}", missing.stderr);
}

#[test]
fn diff_judges_with_the_params_of_a_config() {
    let dir = TestDir::new().file("pod.yaml", POD).file(
        "config.yaml",
        "imageRepositoryAllowList: [other.example.com]\n",
    );
    let config = ["--controls-config", "config.yaml"];
    let args = ["vap", "diff", "built-in", "built-in", "pod.yaml"];
    check(&dir.run(&[&args[..], &config].concat()), 0, &[]);
    let unknown = dir.file("config.yaml", "allowList: []\n");
    let run = unknown.run(&[&args[..], &config].concat());
    assert!(
        run.code == 2 && run.stderr.contains("allowList"),
        "{}",
        run.stderr
    );
}

fn copy_folder(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn binding_without_effect_is_rejected() {
    let dir = TestDir::new();
    let run =
        |args: &[&str]| dir.run(&[&["vap", "create-policy-binding", "-n", "mine"], args].concat());
    let bound = run(&[
        "-c",
        "C-0057",
        "--namespace",
        "shop",
        "--label",
        "app=web",
        "--resource-rule",
        "apps/v1/deployments",
    ]);
    assert_eq!(bound.code, 0, "{}", bound.stderr);
    for expected in [
        "  policyName: kubevet-c-0057\n",
        "  policyName: kubevet-c-0057-excused\n",
        "  validationActions: [Deny]\n",
        "          values: [shop]\n",
        "        app: web\n",
        "      - apiGroups: [apps]\n",
    ] {
        assert!(
            bound.stdout.contains(expected),
            "{expected}{}",
            bound.stdout
        );
    }
    let params = run(&["-c", "C-0046", "-r", "basic-control-configuration"]);
    assert!(
        params
            .stdout
            .contains("    name: basic-control-configuration\n    parameterNotFoundAction: Deny\n")
    );
    for (args, message) in [
        (
            &["-c", "C-0046"][..],
            "reads params: name its ControlConfiguration with -r",
        ),
        (&["-c", "C-0057", "-r", "x"], "reads no params"),
        (&["-c", "C-9999"], "there is no control \"C-9999\""),
        (&["-p", "c-0057"], "a binding of it would do nothing"),
        (
            &["-c", "C-0057", "--resource-rule", "/v1/services"],
            "does not apply to /v1/services",
        ),
        (
            &["-c", "C-0057", "--label", "a=1,a=2"],
            "no object would have both",
        ),
        (
            &["-c", "C-0057", "-a", "Deny", "-a", "Warn"],
            "Deny already reports the finding",
        ),
        (&["-c", "C-0057", "-a", "Deny", "-a", "Deny"], "named twice"),
        (
            &["-c", "C-0057", "--namespace", "Shop"],
            "not a valid object name",
        ),
    ] {
        let refused = run(args);
        assert!(
            refused.code == 2 && refused.stderr.contains(message),
            "{args:?}: {}",
            refused.stderr
        );
    }
}
