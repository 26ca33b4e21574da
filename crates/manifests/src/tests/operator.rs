//! Installations of the operator.

use super::{find, operator_options, parse_objects};
use crate::{
    FrameworkRights, InvalidOption, OperatorOptions, OperatorStore, ResultCrds, operator_objects,
};
use serde_json::Value;

#[track_caller]
fn check_rejected(change: impl FnOnce(&mut OperatorOptions), expected: InvalidOption) {
    let mut options = operator_options();
    change(&mut options);
    assert_eq!(operator_objects(&options).err(), Some(expected));
}

fn volume(size: &str) -> OperatorStore {
    OperatorStore::Volume {
        size: size.to_owned(),
        class: None,
    }
}

#[test]
fn option_that_yaml_would_read_otherwise_or_that_contradicts_is_rejected() {
    check_rejected(|options| options.replicas = 0, InvalidOption::NoReplicas);
    check_rejected(
        |options| options.store = volume("2Gi"),
        InvalidOption::SharedVolume,
    );
    for size in ["2", "0Gi", "2Gi\"", "-2Gi", ""] {
        let change = |options: &mut OperatorOptions| {
            options.replicas = 1;
            options.store = volume(size);
        };
        check_rejected(change, InvalidOption::VolumeSize(size.to_owned()));
    }
    for name in ["", "a b", "a\nb"] {
        check_rejected(
            |options| options.store = OperatorStore::secret(name, 5432),
            InvalidOption::ObjectName(name.to_owned()),
        );
    }
    for flag in [
        "--framework=a/b.yaml",
        "--framework=acme.yaml",
        "--framework=a b",
    ] {
        check_rejected(
            |options| options.choice = vec![flag.to_owned()],
            InvalidOption::Choice(flag.to_owned()),
        );
    }
}

fn objects(options: &OperatorOptions) -> Vec<Value> {
    let objects = operator_objects(options).unwrap();
    objects
        .iter()
        .flat_map(|(_, yaml)| parse_objects(yaml))
        .collect()
}

fn deployment(options: &OperatorOptions) -> Value {
    let objects = operator_objects(options).unwrap();
    parse_objects(find(&objects, "deployment.yaml")).remove(0)
}

#[test]
fn store_decides_volume_rollout_and_egress() {
    let with = |store: OperatorStore| {
        let options = OperatorOptions {
            replicas: 1,
            store,
            ..operator_options()
        };
        let objects = objects(&options);
        let kinds = objects
            .iter()
            .map(|object| object["kind"].as_str().unwrap());
        let has_claim = kinds.clone().any(|kind| kind == "PersistentVolumeClaim");
        let policy = objects
            .iter()
            .find(|object| object["kind"] == "NetworkPolicy")
            .unwrap();
        let deployment = deployment(&options);
        let pod = &deployment["spec"]["template"]["spec"];
        let container = &pod["containers"][0];
        let flags = container["args"].as_array().unwrap().iter();
        let store = flags
            .filter_map(|flag| flag.as_str()?.strip_prefix("--store="))
            .collect::<Vec<_>>()
            .join(" ");
        let volumes = pod["volumes"].as_array().unwrap();
        let mounts = container["volumeMounts"].as_array().unwrap();
        assert_eq!(volumes.len(), mounts.len());
        (
            store,
            volumes.len(),
            has_claim,
            deployment["spec"]["strategy"]["type"]
                .as_str()
                .unwrap()
                .to_owned(),
            policy["spec"]["egress"].as_array().unwrap().len(),
            container["env"].as_array().unwrap().len(),
        )
    };
    let file = "/var/lib/kubevet/store.db".to_owned();
    let rolling = "RollingUpdate".to_owned();
    assert_eq!(
        with(OperatorStore::EmptyDir),
        (file.clone(), 2, false, rolling.clone(), 1, 2)
    );
    assert_eq!(
        with(volume("2Gi")),
        (file, 2, true, "Recreate".to_owned(), 1, 2)
    );
    assert_eq!(
        with(OperatorStore::secret("s", 6000)),
        (String::new(), 2, false, rolling.clone(), 2, 2)
    );
    assert_eq!(
        with(OperatorStore::None),
        ("none".to_owned(), 1, false, rolling, 1, 2)
    );
}

/// The Service, the budget and the policy of the gate select by a label that pods of the operator do not
/// have, and the other way round.
#[test]
fn gate_and_operator_select_their_own_pods() {
    let gate = crate::objects(&super::options()).unwrap();
    let gate = parse_objects(find(&gate, "deployment.yaml")).remove(0);
    let operator = deployment(&operator_options());
    let name = |deployment: &Value, part: &str| {
        deployment.pointer(part).unwrap()["app.kubernetes.io/name"].to_string()
    };
    for deployment in [&gate, &operator] {
        assert_eq!(
            name(deployment, "/spec/selector/matchLabels"),
            name(deployment, "/spec/template/metadata/labels")
        );
    }
    assert_ne!(
        name(&gate, "/spec/selector/matchLabels"),
        name(&operator, "/spec/selector/matchLabels")
    );
}

#[test]
fn results_bring_their_definitions_and_rights() {
    let count = |results: &[ResultCrds], installs_result_crds: bool| {
        let options = OperatorOptions {
            results: results.to_vec(),
            installs_result_crds,
            ..operator_options()
        };
        let objects = objects(&options);
        let of = |kind: &str| {
            objects
                .iter()
                .filter(|object| object["kind"] == kind)
                .count()
        };
        let role = objects
            .iter()
            .find(|object| object["kind"] == "ClusterRole")
            .unwrap();
        let rules = role["rules"].as_array().unwrap();
        let writes = |rule: &&Value| rule["verbs"].to_string().contains("create");
        (
            of("CustomResourceDefinition"),
            rules.iter().filter(writes).count(),
        )
    };
    // Besides the results, it creates Events.
    assert_eq!(count(&[], true), (1, 1));
    assert_eq!(count(&[ResultCrds::Kubescape], true), (4, 2));
    assert_eq!(count(ResultCrds::ALL, true), (8, 4));
    assert_eq!(count(ResultCrds::ALL, false), (1, 4));
}

/// What a chart gives for the default equals what `kubevet manifests operator` gives.
#[test]
fn rights_of_the_default_framework_are_the_default_rights() {
    let (library, _) = kubevet_policy::embedded();
    let rights = format!("{:?}", FrameworkRights::of(&library));
    for framework in &library.frameworks {
        let name = framework.name.to_ascii_lowercase();
        assert!(rights.contains(&format!("\"{name}\": ")), "{name}");
    }
    assert!(rights.contains("\"cis\": "), "the newest of a family");
}
