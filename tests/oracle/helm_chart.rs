//! The Helm chart, rendered by Helm's own engine: it is what `kubevet manifests` prints, each value does
//! what its flag does, and the values of the chart before the operator keep their meaning.

use kubevet_document::{self as document, Document, Limits};
use kubevet_testkit::{
    helm::{HelmChart, helm_render, read_chart},
    test_dir::TestDir,
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// All values of the chart before it had the operator.
const OLD_VALUES: &str = include_str!("charts/values-before-the-operator.yaml");
const NAMESPACE: &str = "kubevet";

/// The chart that the program writes, with these values of a user.
fn chart(values: &str) -> HelmChart {
    let dir = TestDir::new();
    let written = dir.run(&["manifests", "--form", "helm", "-o", "chart"]);
    assert_eq!((written.code, written.stderr.as_str()), (0, ""));
    HelmChart {
        files: read_chart(&dir.path().join("chart")),
        values: values.to_owned(),
        namespace: NAMESPACE,
        is_upgrade: false,
    }
}

/// The objects of a YAML stream by kind and name, without what Helm adds to each. A ClusterRole is the
/// set of what it allows.
fn objects(yaml: &str) -> BTreeMap<String, Value> {
    let parsed = document::read_yaml(&"x".into(), yaml.as_bytes(), &Limits::default());
    assert!(parsed.problems.is_empty(), "{:?}\n{yaml}", parsed.problems);
    let objects = parsed.documents.iter().map(|document| {
        let mut object = json(document);
        remove_marks_of_helm(&mut object);
        if object["kind"] == "ClusterRole" {
            object["rules"] = json!(allowed(&object["rules"]));
        }
        let kind = object["kind"].as_str().unwrap_or_default();
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        (format!("{kind} {name}"), object)
    });
    objects.collect()
}

fn json(document: &Document) -> Value {
    let mut json = String::new();
    document.root().write_json(&mut json);
    serde_json::from_str(&json).expect("it is JSON")
}

fn remove_marks_of_helm(object: &mut Value) {
    for labels in ["/metadata/labels", "/spec/template/metadata/labels"] {
        let labels = object.pointer_mut(labels).and_then(Value::as_object_mut);
        if let Some(labels) = labels {
            labels.retain(|name, _| {
                !["app.kubernetes.io/instance", "app.kubernetes.io/managed-by"]
                    .contains(&name.as_str())
            });
        }
    }
    if let Some(metadata) = object["metadata"].as_object_mut()
        && metadata.get("annotations") == Some(&json!({"helm.sh/resource-policy": "keep"}))
    {
        metadata.shift_remove("annotations");
    }
}

/// Each verb on each resource that rules allow.
fn allowed(rules: &Value) -> BTreeSet<String> {
    let strings = |value: &Value| -> Vec<String> {
        let list = value.as_array().into_iter().flatten();
        list.filter_map(|string| Some(string.as_str()?.to_owned()))
            .collect()
    };
    let mut allowed = BTreeSet::new();
    for rule in rules.as_array().expect("a list") {
        let names = rule["resourceNames"].to_string();
        for group in strings(&rule["apiGroups"]) {
            for resource in strings(&rule["resources"]) {
                for verb in strings(&rule["verbs"]) {
                    allowed.insert(format!("{verb} {resource}.{group} {names}"));
                }
            }
        }
    }
    allowed
}

/// What `kubevet manifests` prints, without the namespace, which Helm makes itself.
fn printed(arguments: &[&str]) -> BTreeMap<String, Value> {
    let printed = TestDir::new().run(&[&["manifests"], arguments].concat());
    assert_eq!(printed.code, 0, "{}", printed.stderr);
    let mut objects = objects(&printed.stdout);
    objects.remove(&format!("Namespace {NAMESPACE}"));
    objects
}

/// Values of the operator, and the flags with the same meaning.
const OPERATORS: &[(&str, &[&str])] = &[
    ("{}", &[]),
    ("{frameworks: [NSA, mitre]}", &["--framework", "NSA,mitre"]),
    ("{frameworks: [cis]}", &["--framework", "cis"]),
    ("{allControls: true}", &["--all"]),
    (
        "{allControls: true, readSecrets: true}",
        &["--all", "--read-secrets"],
    ),
    ("{results: [kubescape]}", &["--results", "kubescape"]),
    (
        "{results: [kubescape, policy-reports, open-reports], installResultCRDs: false}",
        &[
            "--results",
            "kubescape,policy-reports,open-reports",
            "--skip-result-crds",
        ],
    ),
    (
        "{replicas: 1, store: {type: volume, volume: {size: 5Gi, storageClass: fast}}}",
        &[
            "--replicas",
            "1",
            "--store-volume",
            "5Gi",
            "--storage-class",
            "fast",
        ],
    ),
    (
        "{store: {type: secret, secret: {name: db, port: 6432}}}",
        &["--store-secret", "db", "--store-port", "6432"],
    ),
    ("{store: {type: none}}", &["--no-store"]),
];

#[test]
fn chart_is_what_the_program_prints() {
    let mut charts = vec![chart("")];
    let base = charts[0].clone();
    for (operator, _) in OPERATORS {
        let (inner, _) = operator
            .strip_prefix('{')
            .and_then(|inner| inner.rsplit_once('}'))
            .expect("a map");
        let separator = if inner.is_empty() { "" } else { ", " };
        charts.push(HelmChart {
            values: format!("operator: {{enabled: true{separator}{inner}}}"),
            ..base.clone()
        });
    }
    let Some(rendered) = helm_render("chart", &charts) else {
        return;
    };
    let gate = printed(&[]);
    let mut expected = vec![gate.clone()];
    for (_, flags) in OPERATORS {
        let mut both = printed(&[&["operator"], *flags].concat());
        both.extend(gate.clone());
        expected.push(both);
    }
    for ((chart, rendered), expected) in charts.iter().zip(&rendered).zip(&expected) {
        let rendered = rendered
            .as_ref()
            .unwrap_or_else(|error| panic!("{}: {error}", chart.values));
        let rendered = objects(rendered);
        let names = |objects: &BTreeMap<String, Value>| objects.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&rendered), names(expected), "{}", chart.values);
        for (name, object) in expected {
            assert_eq!(&rendered[name], object, "{}: {name}", chart.values);
        }
    }
}

/// The operator in the process of the gate: its flags are those that `kubevet serve --operator` knows, and
/// the account of the gate has its rights.
#[test]
fn operator_in_the_gate_has_no_pods_of_its_own() {
    let store = "store: {type: secret, secret: {name: db, port: 6432}}";
    let chosen = "frameworks: [NSA], results: [kubescape], clusterName: west";
    let base = chart("");
    let charts = [
        format!("operator: {{enabled: true, {chosen}, {store}}}"),
        format!("operator: {{enabled: true, inGate: true, {chosen}, {store}}}"),
        "operator: {enabled: true, inGate: true}".to_owned(),
    ]
    .map(|values| HelmChart {
        values,
        ..base.clone()
    });
    let Some(rendered) = helm_render("operator in the gate", &charts) else {
        return;
    };
    let [apart, joined, default] = [0, 1, 2].map(|at: usize| {
        let rendered = rendered.get(at).expect("each chart has an answer");
        objects(rendered.as_ref().expect("it is rendered"))
    });
    let names = |of: &BTreeMap<String, Value>| of.keys().cloned().collect::<BTreeSet<_>>();
    let gone: Vec<String> = names(&apart).difference(&names(&joined)).cloned().collect();
    let expected = [
        "Deployment",
        "NetworkPolicy",
        "PodDisruptionBudget",
        "ServiceAccount",
    ];
    assert_eq!(
        gone,
        expected.map(|kind| format!("{kind} kubevet-operator"))
    );
    assert_eq!(
        joined["ClusterRole kubevet-operator"],
        apart["ClusterRole kubevet-operator"]
    );
    for binding in ["ClusterRoleBinding", "RoleBinding"] {
        let binding = &joined[&format!("{binding} kubevet-operator")];
        assert_eq!(binding["subjects"][0]["name"], "kubevet", "{binding}");
    }
    let container = |of: &BTreeMap<String, Value>, deployment: &str| {
        let deployment = &of[&format!("Deployment {deployment}")];
        deployment["spec"]["template"]["spec"]["containers"][0].clone()
    };
    let strings = |list: &Value| -> BTreeSet<String> {
        let list = list.as_array().into_iter().flatten();
        list.map(|item| item.as_str().expect("a text").to_owned())
            .collect()
    };
    let (own, gate) = (
        container(&apart, "kubevet-operator"),
        container(&joined, "kubevet"),
    );
    let args = strings(&gate["args"]);
    let missing: Vec<String> = strings(&own["args"]).difference(&args).cloned().collect();
    assert_eq!(missing, ["operator"]);
    let known = TestDir::new().run(
        &gate["args"]
            .as_array()
            .expect("a list")
            .iter()
            .filter_map(Value::as_str)
            .chain(["--help"])
            .collect::<Vec<_>>(),
    );
    assert_eq!(known.code, 0, "{}", known.stderr);
    let policy = joined["NetworkPolicy kubevet"]["spec"]["egress"].to_string();
    assert!(policy.contains("6432"), "{policy}");
    // Without a database, each pod has a store of its own, and room for it.
    let gate = container(&default, "kubevet");
    assert!(strings(&gate["args"]).contains("--store=/var/lib/kubevet/store.db"));
    assert!(
        gate["volumeMounts"]
            .to_string()
            .contains("/var/lib/kubevet")
    );
    assert_eq!(gate["resources"]["limits"]["ephemeral-storage"], "3Gi");
}

#[track_caller]
fn check_refused(rendered: &Result<String, String>, message: &str) {
    let error = rendered.as_ref().expect_err("it is refused");
    assert!(error.contains(message), "{error}");
}

#[test]
fn values_that_cannot_work_are_refused() {
    let base = chart("");
    let with = |values: &str| HelmChart {
        values: values.to_owned(),
        ..base.clone()
    };
    let charts = [
        with("operator: {enabled: true, store: {type: volume}}"),
        with("operator: {enabled: true, store: {type: secret}}"),
        with("operator: {enabled: true, frameworks: [NSAA]}"),
        with("operator: {enabled: true, replica: 1}"),
        with("operator: {enabled: true, store: {type: volumes}}"),
        with("operator: {enabled: true, inGate: true, store: {type: volume}}"),
    ];
    let Some(rendered) = helm_render("refused values", &charts) else {
        return;
    };
    check_refused(&rendered[0], "a volume belongs to one replica");
    check_refused(&rendered[1], "operator.store.secret.name");
    check_refused(&rendered[2], "no framework is called NSAA");
    check_refused(&rendered[3], "replica");
    check_refused(&rendered[4], "type");
    check_refused(&rendered[5], "the replicas of the gate share no volume");
}

/// Values of the chart before the operator, each other than its default.
const CHOSEN_BEFORE: &str = r#"
replicas: 3
image: {repository: registry.example.com/kubevet, tag: "1.2", pullPolicy: Always}
imagePullSecrets: [{name: pull}]
apiServerCIDRs: [10.0.0.2/32]
clientNames: [apiserver]
extraArgs: [--decision-sample=1]
customRules: {controls/C-9001-mine/rule.rego: "package mine\n"}
controlsConfig: "cloudProvider: aws\n"
extraVolumes: [{name: more, emptyDir: {}}]
extraVolumeMounts: [{name: more, mountPath: /more}]
resources: {requests: {cpu: 200m, memory: 128Mi}, limits: {cpu: 3, memory: 1Gi}}
priorityClassName: important
nodeSelector: {disk: fast}
tolerations: [{operator: Exists}]
affinity: {nodeAffinity: {}}
"#;

/// `helm upgrade --reuse-values` keeps all old values, which then stand in place of those of the chart.
#[test]
fn values_before_the_operator_keep_their_meaning() {
    let mut reused = chart("");
    reused.is_upgrade = true;
    reused
        .files
        .insert("values.yaml".to_owned(), OLD_VALUES.to_owned());
    let mut chosen = chart(CHOSEN_BEFORE);
    chosen.is_upgrade = true;
    let chosen_and_reused = HelmChart {
        values: CHOSEN_BEFORE.to_owned(),
        ..reused.clone()
    };
    let charts = [reused, chosen, chosen_and_reused];
    let Some(rendered) = helm_render("old values", &charts) else {
        return;
    };
    let rendered: Vec<BTreeMap<String, Value>> = rendered
        .iter()
        .map(|rendered| objects(rendered.as_ref().expect("it is rendered")))
        .collect();
    assert_eq!(rendered[0], printed(&[]));
    assert_eq!(rendered[1], rendered[2]);
    let deployment = &rendered[1]["Deployment kubevet"]["spec"];
    let pod = &deployment["template"]["spec"];
    let container = &pod["containers"][0];
    for (found, expected) in [
        (&deployment["replicas"], json!(3)),
        (
            &container["image"],
            json!("registry.example.com/kubevet:1.2"),
        ),
        (&container["imagePullPolicy"], json!("Always")),
        (
            &container["resources"]["requests"],
            json!({"cpu": "200m", "memory": "128Mi"}),
        ),
        (&container["resources"]["limits"]["cpu"], json!("3")),
        (&container["resources"]["limits"]["memory"], json!("1Gi")),
        (&pod["imagePullSecrets"], json!([{"name": "pull"}])),
        (&pod["priorityClassName"], json!("important")),
        (&pod["nodeSelector"], json!({"disk": "fast"})),
        (&pod["tolerations"], json!([{"operator": "Exists"}])),
        (&pod["affinity"], json!({"nodeAffinity": {}})),
        (
            &rendered[1]["NetworkPolicy kubevet"]["spec"]["ingress"][0]["from"],
            json!([{"ipBlock": {"cidr": "10.0.0.2/32"}}]),
        ),
        (
            &rendered[1]["ConfigMap kubevet-policies"]["data"],
            json!({"controls__C-9001-mine__rule.rego": "package mine\n"}),
        ),
        (
            &rendered[1]["ConfigMap kubevet-controls-config"]["data"],
            json!({"config.yaml": "cloudProvider: aws\n"}),
        ),
    ] {
        assert_eq!(*found, expected);
    }
    let args = container["args"].to_string();
    for flag in [
        "--client-name=apiserver",
        "--client-ca=/etc/kubevet/client-ca/ca.crt",
        "--decision-sample=1",
        "--policies=/etc/kubevet/policies",
        "--controls-config=/etc/kubevet/controls-config/config.yaml",
    ] {
        assert!(args.contains(&format!("\"{flag}\"")), "{flag}: {args}");
    }
    for (list, name) in [("volumeMounts", "more"), ("volumeMounts", "policies")] {
        assert!(container[list].to_string().contains(&format!("\"{name}\"")));
    }
    assert!(pod["volumes"].to_string().contains("\"more\""));
}
