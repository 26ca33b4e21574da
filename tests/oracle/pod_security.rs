//! The frameworks pss-baseline and pss-restricted against the API server's own Pod Security admission
//! (`k8s.io/pod-security-admission`), check by check, on generated Pods and pod templates of every
//! version of the standards.
//!
//! `POD_SECURITY_OBJECTS` sets the number of objects; CI compares a short form.

use crate::inputs::compiled_library;
use kubevet_document::{Limits, read};
use kubevet_engine::Engine;
use kubevet_model::{ControlId, EvalRequest};
use kubevet_policy::{Library, ParamValue, Params};
use kubevet_testkit::oracle::Oracle;
use proptest::{
    option,
    prelude::*,
    sample::{select, subsequence},
    test_runner::{Config, TestRunner},
};
use serde_json::{Map, Value, json};
use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    env,
    sync::Arc,
};

/// The objects that are compared by default.
const OBJECTS: u32 = 1_500;
/// Checks of the level baseline that a check of the level restricted replaces, in the versions that
/// have it: their results are no part of a result of that level.
const REPLACED: &[&str] = &[
    "hostPathVolumes",
    "seccompProfile_baseline",
    "capabilities_baseline",
    "procMount",
];
/// The newest minor version of the standards that has checks of its own.
const NEWEST_MINOR: u8 = 35;

/// A generated object with the version of the standards by which it is checked.
#[derive(Debug, Clone)]
struct Case {
    object: Value,
    version: String,
}

/// A field that is absent more often than present.
fn rarely(value: impl Strategy<Value = Value> + 'static) -> BoxedStrategy<Option<Value>> {
    option::weighted(0.25, value).boxed()
}

/// One of some values.
fn any_of(values: Vec<Value>) -> impl Strategy<Value = Value> {
    select(values)
}

/// A map of those fields that are present.
fn map_of(fields: Vec<(&'static str, BoxedStrategy<Option<Value>>)>) -> BoxedStrategy<Value> {
    let (names, values): (Vec<_>, Vec<_>) = fields.into_iter().unzip();
    values
        .prop_map(move |values| {
            let present = names.iter().zip(values);
            let present = present.filter_map(|(name, value)| Some(((*name).to_owned(), value?)));
            Value::Object(present.collect::<Map<_, _>>())
        })
        .boxed()
}

fn bool_value() -> BoxedStrategy<Value> {
    any::<bool>().prop_map(Value::Bool).boxed()
}

fn capabilities() -> BoxedStrategy<Value> {
    let names = [
        "ALL",
        "CHOWN",
        "NET_BIND_SERVICE",
        "NET_RAW",
        "SYS_ADMIN",
        "SETUID",
    ];
    let list = move || {
        subsequence(names.to_vec(), 0..=2)
            .prop_map(|names| json!(names))
            .boxed()
    };
    map_of(vec![
        ("add", rarely(list())),
        ("drop", option::of(list()).boxed()),
    ])
}

fn profile(localhost: bool) -> BoxedStrategy<Value> {
    let mut profiles = vec![
        json!({"type": "RuntimeDefault"}),
        json!({"type": "Unconfined"}),
    ];
    if localhost {
        profiles.push(json!({"type": "Localhost", "localhostProfile": "a.json"}));
    }
    any_of(profiles).boxed()
}

fn selinux() -> BoxedStrategy<Value> {
    let types = [
        "",
        "container_t",
        "container_init_t",
        "container_kvm_t",
        "container_engine_t",
        "spc_t",
    ];
    map_of(vec![
        (
            "type",
            rarely(any_of(types.map(|name| json!(name)).to_vec())),
        ),
        ("user", rarely(any_of(vec![json!(""), json!("system_u")]))),
        ("role", rarely(any_of(vec![json!(""), json!("system_r")]))),
    ])
}

fn windows_options() -> BoxedStrategy<Value> {
    map_of(vec![("hostProcess", rarely(bool_value()))])
}

fn container_security_context() -> BoxedStrategy<Value> {
    map_of(vec![
        ("privileged", rarely(bool_value())),
        ("allowPrivilegeEscalation", option::of(bool_value()).boxed()),
        ("capabilities", option::of(capabilities()).boxed()),
        (
            "procMount",
            rarely(any_of(vec![json!("Default"), json!("Unmasked")])),
        ),
        ("runAsNonRoot", option::of(bool_value()).boxed()),
        ("runAsUser", rarely(any_of(vec![json!(0), json!(1000)]))),
        ("seccompProfile", rarely(profile(true))),
        ("appArmorProfile", rarely(profile(true))),
        ("seLinuxOptions", rarely(selinux())),
        ("windowsOptions", rarely(windows_options())),
    ])
}

fn pod_security_context() -> BoxedStrategy<Value> {
    let sysctls = [
        "kernel.shm_rmid_forced",
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.tcp_rmem",
        "kernel.msgmax",
    ];
    let sysctls = subsequence(sysctls.to_vec(), 0..=2).prop_map(|names| {
        json!(
            names
                .iter()
                .map(|name| json!({"name": name, "value": "1"}))
                .collect::<Vec<_>>()
        )
    });
    map_of(vec![
        ("runAsNonRoot", option::of(bool_value()).boxed()),
        ("runAsUser", rarely(any_of(vec![json!(0), json!(1000)]))),
        ("seccompProfile", option::of(profile(true)).boxed()),
        ("appArmorProfile", rarely(profile(true))),
        ("seLinuxOptions", rarely(selinux())),
        ("windowsOptions", rarely(windows_options())),
        ("sysctls", rarely(sysctls)),
    ])
}

fn handler() -> BoxedStrategy<Value> {
    any_of(vec![
        json!({"httpGet": {"port": 80}}),
        json!({"httpGet": {"port": 80, "host": "10.0.0.1"}}),
        json!({"tcpSocket": {"port": 80, "host": "10.0.0.1"}}),
        json!({"tcpSocket": {"port": 80, "host": ""}}),
        json!({"exec": {"command": ["true"]}}),
    ])
    .boxed()
}

fn container(name: &'static str, has_probes: bool) -> BoxedStrategy<Value> {
    let port = any_of(vec![
        json!([]),
        json!([{"containerPort": 80, "hostPort": 0}]),
        json!([{"containerPort": 80, "hostPort": 80}]),
    ]);
    let mut fields = vec![
        ("name", Just(Some(json!(name))).boxed()),
        (
            "image",
            Just(Some(json!("registry.example.com/a:1"))).boxed(),
        ),
        (
            "securityContext",
            option::weighted(0.8, container_security_context()).boxed(),
        ),
    ];
    if has_probes {
        fields.extend([
            ("ports", rarely(port)),
            ("livenessProbe", rarely(handler())),
            (
                "lifecycle",
                rarely(map_of(vec![("preStop", option::of(handler()).boxed())])),
            ),
        ]);
    }
    map_of(fields)
}

fn volumes() -> BoxedStrategy<Value> {
    let all = vec![
        json!({"name": "a", "emptyDir": {}}),
        json!({"name": "b", "hostPath": {"path": "/var/log"}}),
        json!({"name": "c", "nfs": {"server": "n", "path": "/"}}),
        json!({"name": "d", "configMap": {"name": "c"}}),
        json!({"name": "e", "csi": {"driver": "d"}}),
        json!({"name": "f", "image": {"reference": "registry.example.com/v:1"}}),
        json!({"name": "g"}),
    ];
    subsequence(all, 0..=2).prop_map(Value::Array).boxed()
}

fn pod_spec() -> BoxedStrategy<Value> {
    let containers = container("app", true).prop_map(|container| json!([container]));
    let init = container("init", false).prop_map(|container| json!([container]));
    map_of(vec![
        ("containers", containers.prop_map(Some).boxed()),
        ("initContainers", rarely(init)),
        (
            "securityContext",
            option::weighted(0.7, pod_security_context()).boxed(),
        ),
        ("hostPID", rarely(bool_value())),
        ("hostIPC", rarely(bool_value())),
        ("hostUsers", option::of(bool_value()).boxed()),
        (
            "os",
            rarely(any_of(vec![
                json!({"name": "linux"}),
                json!({"name": "windows"}),
            ])),
        ),
        ("volumes", rarely(volumes())),
        ("hostNetwork", option::weighted(0.1, bool_value()).boxed()),
    ])
    .prop_map(with_host_ports)
    .prop_map(without_fields_of_linux)
    .boxed()
}

/// Removes the fields that the API server refuses in a Windows pod.
fn without_fields_of_linux(mut spec: Value) -> Value {
    const OF_LINUX: &[&str] = &[
        "allowPrivilegeEscalation",
        "appArmorProfile",
        "capabilities",
        "hostIPC",
        "hostPID",
        "hostUsers",
        "privileged",
        "procMount",
        "runAsUser",
        "seLinuxOptions",
        "seccompProfile",
        "sysctls",
    ];
    if spec["os"]["name"] != "windows" {
        return spec;
    }
    let remove_from = |value: &mut Value| {
        if let Some(fields) = value.as_object_mut() {
            fields.retain(|name, _| !OF_LINUX.contains(&name.as_str()));
        }
    };
    remove_from(&mut spec);
    remove_from(&mut spec["securityContext"]);
    for list in ["containers", "initContainers"] {
        for container in spec[list].as_array_mut().into_iter().flatten() {
            remove_from(&mut container["securityContext"]);
        }
    }
    spec
}

/// Sets the host ports that the API server sets in a pod on the network of its node.
fn with_host_ports(mut spec: Value) -> Value {
    if spec["hostNetwork"] == true {
        for port in spec["containers"][0]["ports"]
            .as_array_mut()
            .into_iter()
            .flatten()
        {
            port["hostPort"] = port["containerPort"].clone();
        }
    }
    spec
}

fn annotations() -> BoxedStrategy<Value> {
    let profiles = ["runtime/default", "localhost/a", "unconfined"].map(|name| json!(name));
    let profile = move || any_of(profiles.to_vec());
    map_of(vec![
        (
            "container.apparmor.security.beta.kubernetes.io/app",
            rarely(profile()),
        ),
        (
            "seccomp.security.alpha.kubernetes.io/pod",
            rarely(profile()),
        ),
        (
            "container.seccomp.security.alpha.kubernetes.io/app",
            rarely(profile()),
        ),
    ])
}

/// Writes a pod as an object of a kind.
fn object_of(kind: &str, annotations: &Value, spec: &Value) -> Value {
    let named = json!({"name": "a", "namespace": "n", "annotations": annotations});
    let template = json!({"metadata": {"annotations": annotations}, "spec": spec});
    let outer = json!({"name": "a", "namespace": "n"});
    match kind {
        "Pod" => json!({"apiVersion": "v1", "kind": kind, "metadata": named, "spec": spec}),
        "PodTemplate" => {
            json!({"apiVersion": "v1", "kind": kind, "metadata": outer, "template": template})
        }
        "CronJob" => json!({"apiVersion": "batch/v1", "kind": kind, "metadata": outer,
            "spec": {"schedule": "* * * * *", "jobTemplate": {"spec": {"template": template}}}}),
        _ => {
            let version = match kind {
                "Job" => "batch/v1",
                "ReplicationController" => "v1",
                _ => "apps/v1",
            };
            json!({"apiVersion": version, "kind": kind, "metadata": outer, "spec": {"template": template}})
        }
    }
}

fn cases() -> impl Strategy<Value = Case> {
    let kinds = [
        "Pod",
        "Pod",
        "Pod",
        "PodTemplate",
        "ReplicationController",
        "Deployment",
        "ReplicaSet",
        "StatefulSet",
        "DaemonSet",
        "Job",
        "CronJob",
    ];
    let version = prop_oneof![
        Just("latest".to_owned()),
        (0..=NEWEST_MINOR).prop_map(|minor| format!("v1.{minor}")),
    ];
    (select(kinds.to_vec()), annotations(), pod_spec(), version).prop_map(
        |(kind, annotations, spec, version)| Case {
            object: object_of(kind, &annotations, &spec),
            version,
        },
    )
}

/// The checks of a level: the control of each by the name of the check.
fn checks(library: &Library, level: &str) -> BTreeMap<ControlId, String> {
    let name = format!("pss-{level}");
    let framework = library
        .frameworks
        .iter()
        .find(|framework| framework.name == name);
    let framework = framework.expect("the framework is built in");
    let requirements = framework.requirements.iter();
    requirements
        .flat_map(|requirement| {
            let section = requirement.section.clone();
            requirement
                .controls
                .iter()
                .map(move |control| (control.control.clone(), check_of(&section)))
        })
        .collect()
}

/// The name of the check of which a section of the framework is the whole or a part.
fn check_of(section: &str) -> String {
    match section {
        "hostNetwork" | "hostPID" | "hostIPC" => "hostNamespaces",
        whole => whole,
    }
    .to_owned()
}

struct Comparison {
    library: Library,
    engine: Engine,
    oracle: RefCell<Oracle>,
}

impl Comparison {
    /// Returns the names of the checks that fail here.
    fn failed_here(&self, case: &Case, level: &str) -> BTreeSet<String> {
        let json = case.object.to_string();
        let reading = read(&Arc::from("o.json"), json.as_bytes(), &Limits::default());
        let document = reading.documents.first().expect("it is an object");
        let mut params: Params = self.library.params.defaults();
        let version = ParamValue::String(case.version.as_str().into());
        let set = params.set_unchecked(&self.library.params, "podSecurityVersion", version);
        set.expect("the param exists");
        let verdict = self
            .engine
            .judge(document, &EvalRequest::default(), &params);
        assert!(verdict.errors.is_empty(), "{json}: {:?}", verdict.errors);
        let checks = checks(&self.library, level);
        let findings = verdict.violations.iter();
        findings
            .filter_map(|finding| checks.get(&finding.control).cloned())
            .collect()
    }

    /// Returns the names of the checks that the API server's admission fails.
    fn failed_there(&self, case: &Case, level: &str) -> BTreeSet<String> {
        let request =
            json!({"op": "pss", "pod": case.object, "level": level, "version": case.version});
        let answer = self.oracle.borrow_mut().send(&request);
        let failed = answer["failed"].as_array();
        let failed = failed.unwrap_or_else(|| panic!("{}: {answer}", case.object));
        failed
            .iter()
            .filter_map(|check| check["id"].as_str().map(str::to_owned))
            .collect()
    }
}

#[test]
fn pod_security_frameworks_agree_with_the_api_server_check_by_check() {
    let Some(oracle) = Oracle::start("pod security") else {
        return;
    };
    let (library, engine) = compiled_library();
    let comparison = Comparison {
        library,
        engine,
        oracle: RefCell::new(oracle),
    };
    let objects = env::var("POD_SECURITY_OBJECTS").ok();
    let objects = objects.map_or(OBJECTS, |number| number.parse().expect("a number"));
    let allowed = Cell::new([0_u32; 2]);
    let mut runner = TestRunner::new(Config {
        failure_persistence: None,
        ..Config::with_cases(objects)
    });
    let outcome = runner.run(&cases(), |case| {
        for (index, level) in ["baseline", "restricted"].into_iter().enumerate() {
            let mut here = comparison.failed_here(&case, level);
            let mut there = comparison.failed_there(&case, level);
            prop_assert_eq!(here.is_empty(), there.is_empty(), "{}: {:?}", level, case);
            if there.is_empty() {
                let mut counts = allowed.get();
                counts[index] += 1;
                allowed.set(counts);
            }
            if level == "restricted" {
                here.retain(|check| !REPLACED.contains(&check.as_str()));
                there.retain(|check| !REPLACED.contains(&check.as_str()));
            }
            prop_assert_eq!(here, there, "{}: {:?}", level, case);
        }
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
    let [baseline, restricted] = allowed.get();
    println!("{objects} objects: {baseline} are allowed by baseline, {restricted} by restricted");
    // Both outcomes must be frequent, or the comparison would show little.
    assert!(
        baseline * 20 > objects && baseline * 10 < objects * 9,
        "{baseline}"
    );
    assert!(restricted * 500 > objects, "{restricted}");
}
