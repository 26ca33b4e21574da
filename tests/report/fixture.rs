//! Hand-made scans: one with every feature, and a small one for each status of a scan.

use kubevet_model::{
    Assessment, Control, ControlId, ControlResult, ControlStatus, ControlStatusCounts, EvalError,
    Evidence, FieldPath, Finding, Fingerprint, Fix, FixAction, Framework, FrameworkMember,
    FrameworkResult, Kind, KindSelector, Level, LocatedFinding, NotRun, ObjectId, ObjectResult,
    Origin, Position, Problem, ProblemCode, PublicControl, PublicControlState, Requirement,
    RequirementResult, RequirementStatus, RuleError, Scan, ScanStatus, Scope, Severity, Skipped,
    SourceLine, SourceLocation, Summary, UnavailableControl,
};
use std::sync::Arc;

const CART: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: cart
  namespace: shop
spec:
  replicas: 2
  selector:
    matchLabels: {app: cart}
  template:
    metadata:
      labels: {app: cart}
    spec:
      hostNetwork: true
      containers:
        - name: app
          image: registry.example.com/shop/cart:1.4.2
          env:
            - name: DB_PASSWORD
              value: hunter2
          securityContext:
            privileged: true
            capabilities:
              add: [NET_ADMIN, SYS_ADMIN]
        - name: proxy
          image: envoyproxy/envoy:latest
";

/// Hostile content of an object: escape sequences, line breaks, bidirectional marks.
const HOSTILE: &str = "\u{1b}[2J\u{1b}]0;owned\u{7}\r\n\u{9b}31m\u{202e}gnp.exe";

/// The controls of the library in the fixtures.
pub(crate) fn controls() -> Vec<Arc<Control>> {
    let control = |id: &str, name: &str, score: f64, risk: &str, remediation: &str| Control {
        id: id.into(),
        name: name.to_owned(),
        kubescape_name: None,
        risk: risk.to_owned(),
        check: String::new(),
        remediation: remediation.to_owned(),
        example: String::new(),
        references: Vec::new(),
        tags: Vec::new(),
        severity: Severity::of_score(score),
        score,
        kubescape_score: None,
        cause: None,
        category: "Workload / Node escape".to_owned(),
        kinds: vec![KindSelector::Workloads],
        scope: vec![Scope::Cluster, Scope::File],
        params: Vec::new(),
        requires_any_param: Vec::new(),
        public_rules: Vec::new(),
        sensitive: id == "C-0012",
    };
    let registries = Control {
        params: vec!["imageRepositoryAllowList".to_owned()],
        requires_any_param: vec!["imageRepositoryAllowList".to_owned()],
        category: "Supply chain".to_owned(),
        ..control(
            "C-0078",
            "Images from allowed registry",
            5.0,
            "An image from an unknown registry runs code that nobody here has vetted.",
            "Move the image to a registry that you control.",
        )
    };
    let anonymous = Control {
        kinds: vec![
            KindSelector::Kind(Kind::new("rbac.authorization.k8s.io", "RoleBinding")),
            KindSelector::Kind(Kind::new("", "ServiceAccount")),
        ],
        scope: vec![Scope::Cluster],
        ..control(
            "C-0262",
            "Anonymous access enabled",
            9.0,
            "Whoever reaches the API server may act.",
            "Remove the binding.",
        )
    };
    [
        control(
            "C-0012",
            "Applications credentials in configuration files",
            8.0,
            "Whoever may read the object, or the Git repository it comes from, has the credential.",
            "Put the value into a Secret and name it with valueFrom.secretKeyRef.",
        ),
        control(
            "C-0013",
            "Non-root containers",
            6.0,
            "A process that runs as root in its container is root on the node once it gets out.",
            "Set securityContext.runAsNonRoot to true, in the pod or in each container.",
        ),
        control("C-0017", "Immutable container filesystem", 3.0, "", "Set readOnlyRootFilesystem to true."),
        control(
            "C-0041",
            "HostNetwork access",
            7.0,
            "The pod sees the traffic of the node and reaches what listens on the node's loopback address.",
            "Remove hostNetwork, and offer a port through a Service.",
        ),
        control(
            "C-0046",
            "Insecure capabilities",
            7.0,
            "Some capabilities are as good as root.",
            "Remove them from capabilities.add.",
        ),
        control(
            "C-0057",
            "Privileged container",
            9.0,
            "A privileged container has every capability, sees every device of the node and is not held back by \
             seccomp, AppArmor or SELinux.\n\nWhoever breaks into it owns the node.",
            "Set securityContext.privileged to false. If the program needs one special right, add that single \
             capability, or mount the one device it uses.",
        ),
        control("C-0075", "Image pull policy on latest tag", 2.0, "The tag moves.", "Name the image by digest."),
        registries,
        control("C-0211", "Apply security context", 4.0, "Defaults are weak.", "Set a security context."),
        anonymous,
    ]
    .map(Arc::new)
    .into()
}

fn member(id: &str, reason: &str) -> FrameworkMember {
    FrameworkMember {
        control: id.into(),
        reason: reason.to_owned(),
    }
}

/// Two frameworks of these controls: a plain list, and one with requirements.
pub(crate) fn frameworks() -> Vec<Arc<Framework>> {
    let nsa = ["C-0012", "C-0013", "C-0017", "C-0041", "C-0057"];
    let requirement = |section: &str, title: &str, level, assessment| Requirement {
        section: section.to_owned(),
        title: title.to_owned(),
        level: Some(level),
        assessment: Some(assessment),
        ..Requirement::default()
    };
    [
        Framework {
            name: "NSA".to_owned(),
            version: "v1.2".to_owned(),
            description: "The Kubernetes Hardening Guide of the US National Security Agency and CISA, as far as it \
                          can be checked."
                .to_owned(),
            mapping_by: None,
            has_all_controls: false,
            requirements: vec![Requirement {
                controls: nsa.map(|id| member(id, "")).into(),
                ..Requirement::default()
            }],
        },
        Framework {
            name: "cis-v1.10".to_owned(),
            version: "v1.10".to_owned(),
            description: "The CIS Kubernetes Benchmark.".to_owned(),
            mapping_by: Some("kubevet".to_owned()),
            has_all_controls: false,
            requirements: vec![
                Requirement {
                    controls: vec![member("C-0262", "Asked for by name."), member("C-0247", "")],
                    ..requirement("5.1.1", "The administrator's role is rare", Level::L1, Assessment::Manual)
                },
                Requirement {
                    note: "Groups in certificates are not objects.".to_owned(),
                    ..requirement("5.1.7", "No member of system:masters", Level::L1, Assessment::Manual)
                },
                Requirement {
                    controls: vec![member("C-0057", "Asked for by name.")],
                    kind: "required".to_owned(),
                    ..requirement("5.2.2", "No privileged containers", Level::L2, Assessment::Automated)
                },
            ],
        },
    ]
    .map(Arc::new)
    .into()
}

/// A control of the public library that is not among [`controls`].
pub(crate) fn absent() -> PublicControl {
    PublicControl {
        id: "C-0247".into(),
        name: "Restrict Access to the Control Plane Endpoint".to_owned(),
        state: PublicControlState::CloudFacts,
        reason: "Only the cloud provider knows who reaches the endpoint.".to_owned(),
    }
}

/// The severity of a control of [`controls`].
fn severity(id: &str) -> Severity {
    let known = controls();
    let control = known.iter().find(|control| control.id.as_str() == id);
    control.map_or(Severity::Low, |control| control.severity)
}

/// The lines of a file around a position.
fn around(source: &str, line: u32) -> Vec<SourceLine> {
    (1..)
        .zip(source.lines())
        .filter(|(number, _)| line.abs_diff(*number) <= 2)
        .map(|(number, source)| SourceLine {
            number,
            text: source.to_owned(),
        })
        .collect()
}

fn set(path: &str, json: &str) -> Fix {
    Fix {
        path: path.parse().unwrap(),
        action: FixAction::Set(json.to_owned()),
    }
}

fn remove(path: &str) -> Fix {
    Fix {
        path: path.parse().unwrap(),
        action: FixAction::Remove,
    }
}

struct Place<'a> {
    file: &'a str,
    source: &'a str,
    at: (u32, u32),
}

impl Place<'_> {
    fn source(&self) -> SourceLocation {
        SourceLocation {
            file: self.file.into(),
            position: Position {
                line: self.at.0,
                column: self.at.1,
            },
        }
    }

    /// The source of an object that begins the file.
    fn origin(&self) -> Origin {
        Origin::of_document(&self.file.into(), Position::START)
    }

    fn finding(
        &self,
        control: &str,
        container: &str,
        path: &str,
        message: &str,
        fixes: Vec<Fix>,
    ) -> LocatedFinding {
        LocatedFinding {
            finding: Finding {
                subject: ObjectId::default().into(),
                rule: control.into(),
                severity: severity(control),
                message: message.to_owned(),
                evidence: Evidence::Paths {
                    paths: vec![path.parse().unwrap()],
                    fixes,
                },
                origin: self.origin(),
                fingerprint: Fingerprint::of([control, path]),
                defect: Fingerprint::of([path]),
            },
            source: Some(self.source()),
            container: (!container.is_empty()).then(|| container.to_owned()),
            excerpt: around(self.source, self.at.0),
        }
    }
}

fn cart() -> ObjectResult {
    let at = |line, column| Place {
        file: "manifests/cart.yaml",
        source: CART,
        at: (line, column),
    };
    let app = |path_end: &str| format!("spec.template.spec.containers[0].{path_end}");
    let proxy = |path_end: &str| format!("spec.template.spec.containers[1].{path_end}");
    let hardened = |at: &Place<'_>, name: &str, path: &dyn Fn(&str) -> String| {
        let (root, frozen) = (
            path("securityContext.runAsNonRoot"),
            path("securityContext.readOnlyRootFilesystem"),
        );
        [
            at.finding(
                "C-0013",
                name,
                &root,
                &format!("container {name} may run as root: runAsNonRoot is not set"),
                vec![set(&root, "true")],
            ),
            at.finding(
                "C-0017",
                name,
                &frozen,
                &format!("container {name} can write to its root filesystem"),
                vec![set(&frozen, "true")],
            ),
        ]
    };
    let privileged = app("securityContext.privileged");
    let mut findings = vec![
        at(14, 7).finding(
            "C-0041",
            "",
            "spec.template.spec.hostNetwork",
            "the pod uses the network of its node",
            vec![set("spec.template.spec.hostNetwork", "false")],
        ),
        at(20, 15).finding(
            "C-0012",
            "app",
            &app("env[0].value"),
            "environment variable DB_PASSWORD of container app holds a credential in plain text",
            Vec::new(),
        ),
    ];
    findings.extend(hardened(&at(21, 11), "app", &app));
    findings.push(at(22, 13).finding(
        "C-0057",
        "app",
        &privileged,
        "container app is privileged: it can do everything that the node can",
        vec![set(&privileged, "false")],
    ));
    for (i, column, name) in [(0, 21, "NET_ADMIN"), (1, 32, "SYS_ADMIN")] {
        let path = app(&format!("securityContext.capabilities.add[{i}]"));
        let message = format!("container app adds the capability {name}");
        findings.push(at(24, column).finding(
            "C-0046",
            "app",
            &path,
            &message,
            vec![remove(&path)],
        ));
    }
    findings.extend(hardened(&at(25, 11), "proxy", &proxy));
    findings.push(at(26, 11).finding(
        "C-0075",
        "proxy",
        &proxy("imagePullPolicy"),
        "container proxy runs envoyproxy/envoy:latest and may keep an old one",
        vec![set(&proxy("imagePullPolicy"), "\"Always\"")],
    ));
    ObjectResult {
        object: id("apps/v1", "Deployment", "shop", "cart"),
        origin: at(1, 1).origin(),
        judged: ids(&[
            "C-0012", "C-0013", "C-0017", "C-0041", "C-0046", "C-0057", "C-0075",
        ]),
        findings,
        errors: Vec::new(),
    }
}

fn migrate() -> ObjectResult {
    let source = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: migrate}\nspec: {template: {spec: {containers: [{name: m}]}}}\n";
    let at = Place {
        file: "manifests/jobs/migrate.yaml",
        source,
        at: (4, 41),
    };
    let root = "spec.template.spec.containers[0].securityContext.runAsNonRoot";
    ObjectResult {
        object: id("batch/v1", "Job", "", "migrate"),
        origin: at.origin(),
        judged: ids(&["C-0013", "C-0057"]),
        findings: vec![at.finding(
            "C-0013",
            "m",
            root,
            "container m may run as root: runAsNonRoot is not set",
            vec![set(root, "true")],
        )],
        errors: vec![RuleError {
            control: "C-0211".into(),
            error: EvalError::RuleFailed(
                "the rule stopped after 100 ms: it looks at every pair of volumes".to_owned(),
            ),
        }],
    }
}

fn clean(name: &str) -> ObjectResult {
    ObjectResult {
        object: id("v1", "Service", "shop", name),
        origin: Origin::of_document(&"manifests/services.yaml".into(), Position::START),
        judged: Vec::new(),
        findings: Vec::new(),
        errors: Vec::new(),
    }
}

fn id(api_version: &str, kind: &str, namespace: &str, name: &str) -> Arc<ObjectId> {
    let [api_version, kind, namespace, name] =
        [api_version, kind, namespace, name].map(str::to_owned);
    ObjectId {
        api_version,
        kind,
        namespace,
        name,
    }
    .into()
}

fn ids(ids: &[&str]) -> Vec<ControlId> {
    ids.iter().map(|id| ControlId::from(*id)).collect()
}

/// Counts and control results as the scan module computes them, in a simpler form.
fn scan(
    objects: Vec<ObjectResult>,
    status: impl Fn(&str) -> (ControlStatus, &'static str),
) -> Scan {
    let failing = |id: &ControlId| {
        objects
            .iter()
            .filter(|object| {
                object
                    .findings
                    .iter()
                    .any(|found| found.finding.rule == *id)
            })
            .count()
    };
    let controls: Vec<ControlResult> = controls()
        .into_iter()
        .map(|control| {
            let failed = failing(&control.id);
            let judged = objects
                .iter()
                .filter(|object| object.judged.contains(&control.id))
                .count();
            let (status, reason) = status(control.id.as_str());
            let status = if failed > 0 {
                ControlStatus::Failed
            } else {
                status
            };
            ControlResult {
                status,
                reason: reason.to_owned(),
                failed,
                passed: judged - failed,
                control,
            }
        })
        .collect();
    let mut summary = Summary {
        files: 4,
        objects: objects.len(),
        checked: objects.len(),
        ..Summary::default()
    };
    for object in &objects {
        summary.failed_objects += usize::from(!object.findings.is_empty());
        for found in &object.findings {
            summary.findings.add(found.finding.severity);
        }
        for defect in object.defects() {
            summary.defects.add(defect.severity());
        }
    }
    for control in &controls {
        summary.controls.add(control.status);
    }
    Scan {
        objects,
        controls,
        summary,
        ..Scan::default()
    }
}

fn counts(failed: usize, passed: usize, not_evaluated: usize) -> ControlStatusCounts {
    ControlStatusCounts {
        failed,
        passed,
        not_evaluated,
        ..ControlStatusCounts::default()
    }
}

/// A framework that the user named, without a score.
fn framework_result(framework: Arc<Framework>, controls: ControlStatusCounts) -> FrameworkResult {
    FrameworkResult {
        framework,
        is_named: true,
        level: None,
        controls,
        compliance: None,
        coverage: controls.coverage(),
        requirements: Vec::new(),
    }
}

/// A scan with every feature.
pub(crate) fn full() -> Scan {
    let mut scan = scan(
        vec![cart(), migrate(), clean("cart"), clean("web")],
        |id| match id {
            "C-0078" => (ControlStatus::NotConfigured, "not configured"),
            "C-0211" => (ControlStatus::NotEvaluated, "a rule gave no answer"),
            "C-0262" => (ControlStatus::NotEvaluated, "needs a running cluster"),
            _ => (ControlStatus::Passed, ""),
        },
    );
    let [nsa, cis] = frameworks().try_into().unwrap();
    let requirement = |status, controls: ControlStatusCounts, compliance| RequirementResult {
        status,
        controls,
        compliance,
        coverage: controls.coverage(),
    };
    scan.frameworks = vec![
        FrameworkResult {
            compliance: Some(43.333_333_333),
            ..framework_result(nsa, counts(5, 0, 0))
        },
        FrameworkResult {
            level: Some(Level::L2),
            requirements: vec![
                requirement(RequirementStatus::NotEvaluated, counts(0, 0, 2), None),
                requirement(RequirementStatus::NotCheckable, counts(0, 0, 0), None),
                requirement(RequirementStatus::Failed, counts(1, 0, 0), Some(66.666)),
            ],
            ..framework_result(cis, counts(1, 0, 2))
        },
    ];
    scan.unavailable = vec![UnavailableControl {
        id: "C-0247".into(),
        name: absent().name,
        reason: absent().state.explanation().to_owned(),
    }];
    scan.problems = vec![
        Problem::at(
            ProblemCode::InputSyntax,
            "manifests/broken.yaml",
            Position { line: 3, column: 7 },
            "a mapping value is not allowed here: indent the line, or quote the text",
        ),
        Problem::in_file(
            ProblemCode::InputUnreadable,
            "manifests/secret.yaml",
            "the file cannot be read: permission denied",
        ),
        Problem {
            file: String::new(),
            position: None,
            message: "`--framework NSS` names no framework: did you mean NSA?".to_owned(),
            code: ProblemCode::InputUnreadable,
        },
    ];
    let skipped = |file: &str, position, reason: &str| Skipped {
        file: file.to_owned(),
        position,
        reason: reason.to_owned(),
    };
    let no_object = "no Kubernetes object (neither apiVersion nor kind)";
    scan.skipped = vec![
        skipped("manifests/values.yaml", Some(Position::START), no_object),
        skipped(
            "manifests/values.yaml",
            Some(Position {
                line: 40,
                column: 1,
            }),
            no_object,
        ),
        skipped("logo.svg", None, "neither YAML nor JSON by its name"),
    ];
    scan.summary.skipped = scan.skipped.len();
    scan.not_run = Some(NotRun {
        frameworks: vec!["MITRE".to_owned(), "DevOpsBest".to_owned()],
        all_controls: 39,
    });
    scan
}

/// Two objects without findings and without gaps.
pub(crate) fn passed() -> Scan {
    let mut web = clean("web");
    web.judged = ids(&["C-0013", "C-0057"]);
    let mut scan = scan(vec![web, clean("cart")], |_| (ControlStatus::Passed, ""));
    let [nsa, _] = frameworks().try_into().unwrap();
    scan.frameworks = vec![FrameworkResult {
        compliance: Some(100.0),
        ..framework_result(nsa, counts(0, 5, 0))
    }];
    scan.status = ScanStatus::Met;
    scan
}

/// No findings, but controls that could not be evaluated.
pub(crate) fn not_evaluated() -> Scan {
    scan(vec![clean("web")], |id| match id {
        "C-0013" => (ControlStatus::Passed, ""),
        "C-0057" => (
            ControlStatus::NotEvaluated,
            "the cluster refused to list pods: forbidden",
        ),
        _ => (ControlStatus::NotEvaluated, "needs a running cluster"),
    })
}

/// Objects that no selected control applies to.
pub(crate) fn not_applicable() -> Scan {
    let mut scan = scan(vec![clean("web")], |_| {
        (ControlStatus::NotApplicable, "no object of its kinds")
    });
    scan.summary.checked = 0;
    scan
}

/// Hostile strings in every position for foreign strings.
pub(crate) fn hostile() -> Scan {
    let source = format!("a: 1\nkey: {HOSTILE}\nb: 2\n");
    let at = Place {
        file: HOSTILE,
        source: &source,
        at: (2, 1),
    };
    let path = FieldPath::default()
        .key("spec")
        .key("containers")
        .index(0)
        .key("env")
        .key(HOSTILE);
    let fix = |action| Fix {
        path: path.clone(),
        action,
    };
    let fixes = vec![
        fix(FixAction::Set(serde_json::to_string(HOSTILE).unwrap())),
        fix(FixAction::Remove),
    ];
    let mut object = ObjectResult {
        object: id(HOSTILE, HOSTILE, HOSTILE, HOSTILE),
        origin: Origin::of_document(
            &HOSTILE.into(),
            Position {
                line: at.at.0,
                column: at.at.1,
            },
        ),
        judged: ids(&["C-0013"]),
        findings: vec![at.finding("C-0013", HOSTILE, "spec", HOSTILE, fixes)],
        errors: vec![RuleError {
            control: "C-0057".into(),
            error: EvalError::RuleFailed(HOSTILE.to_owned()),
        }],
    };
    let Evidence::Paths { paths, .. } = &mut object.findings[0].finding.evidence;
    *paths = vec![path];
    object.findings[0].excerpt = vec![SourceLine {
        number: 2,
        text: format!("key: {HOSTILE}"),
    }];
    let mut scan = scan(vec![object], |_| (ControlStatus::NotEvaluated, HOSTILE));
    let mut control = Control::clone(&scan.controls[1].control);
    (control.name, control.risk, control.remediation) =
        (HOSTILE.into(), HOSTILE.into(), HOSTILE.into());
    (control.check, control.example) = (HOSTILE.into(), HOSTILE.into());
    control.kubescape_name = Some(HOSTILE.into());
    (control.references, control.tags) = (vec![HOSTILE.into()], vec![HOSTILE.into()]);
    scan.controls[1].control = Arc::new(control);
    let framework = Framework {
        name: HOSTILE.into(),
        version: HOSTILE.into(),
        description: HOSTILE.into(),
        mapping_by: Some(HOSTILE.into()),
        has_all_controls: false,
        requirements: vec![Requirement {
            section: HOSTILE.into(),
            title: HOSTILE.into(),
            kind: HOSTILE.into(),
            level: None,
            assessment: None,
            note: HOSTILE.into(),
            controls: vec![member("C-0013", HOSTILE)],
        }],
    };
    scan.frameworks = vec![FrameworkResult {
        compliance: Some(0.0),
        requirements: vec![RequirementResult {
            status: RequirementStatus::Failed,
            controls: counts(1, 0, 0),
            compliance: Some(0.0),
            coverage: Some(100.0),
        }],
        ..framework_result(Arc::new(framework), counts(1, 0, 0))
    }];
    scan.unavailable = vec![UnavailableControl {
        id: HOSTILE.into(),
        name: HOSTILE.into(),
        reason: HOSTILE.into(),
    }];
    scan.problems = vec![Problem::at(
        ProblemCode::InputSyntax,
        HOSTILE,
        Position::START,
        HOSTILE,
    )];
    scan.skipped = vec![Skipped {
        file: HOSTILE.into(),
        position: Some(Position::START),
        reason: HOSTILE.into(),
    }];
    scan
}
