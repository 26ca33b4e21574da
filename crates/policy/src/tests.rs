//! The whole loader, over files in memory and in folders, and the schemas that editors use.

use super::{
    control::CONTROL_KEYS,
    embedded,
    framework::{EVIDENCE_KEYS, FRAMEWORK_KEYS, MEMBER_KEYS, REQUIREMENT_KEYS},
    library::Library,
    load_edited, load_folder, load_framework,
    loader::of_table,
    map_reader::FieldSpec,
    metadata_block::ANNOTATION_KEYS,
    param_schema::PARAM_KEYS,
    params::{ParamType, ParamValue},
    parse_cases, parse_differences, read_controls_config, read_differences, read_dir,
    read_testdata,
    rego_metadata::CUSTOM_KEYS,
    testdata::Expected,
};
use kubevet_model::{Problem, Scope, Severity};
use std::{fs, path::Path, sync::Arc};

const CONTROL: &str = "id: C-0001\nname: One\nseverity: high\nscore: 8\ncategory: A\nrisk: b\nremediation: c\nkinds: [Pod]\n";
const RULE: &str = "package controls.c0001\n";

/// Loads files in memory and checks the complete list of problems.
#[track_caller]
fn check(files: &[(&str, &str)], expected: &[&str]) -> Library {
    let (library, problems) = of_table("p", files);
    same(&problems, expected);
    library
}

/// Adds files in a folder `C-0001-own` to a library. Returns the problems, with the folder as `own`.
fn add_files(library: &mut Library, table: &[(&str, &str)]) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("C-0001-own");
    for (path, text) in table {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let shown = folder.display().to_string();
    let problems = library.add_overlay(&folder);
    problems
        .iter()
        .map(|problem| problem.to_string().replace(&shown, "own"))
        .collect()
}

/// As [`check`], for files that are added to the built-in library, without its controls.
#[track_caller]
fn check_overlay(table: &[(&str, &str)], expected: &[&str]) -> Vec<String> {
    let mut library = embedded().0;
    library.controls.clear();
    let problems = add_files(&mut library, table);
    assert_eq!(problems, expected, "\n{}", problems.join("\n"));
    let controls = library.controls.iter().map(|source| &source.control);
    controls
        .map(|control| format!("{} {} {}", control.id, control.score, control.name))
        .collect()
}

#[track_caller]
fn same(problems: &[Problem], expected: &[&str]) {
    let got: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(got, expected, "\n{}", got.join("\n"));
}

fn ids(library: &Library) -> Vec<&str> {
    library
        .controls
        .iter()
        .map(|source| source.control.id.as_str())
        .collect()
}

#[test]
fn valid_folder_is_loaded_whole() {
    let library = check(
        &[
            (
                "params.yaml",
                "names:\n  type: strings\n  description: a\n  default: [x]\n",
            ),
            ("lib/own.rego", "package lib.own\n"),
            (
                "frameworks/f.yaml",
                "name: F\nversion: v1\ndescription: d\ncontrols:\n  - {id: C-0001, section: \"1.2\", level: L1, reason: r}\n",
            ),
            (
                "controls/C-0001-one/control.yaml",
                &format!(
                    "# yaml-language-server: $schema=x\n{CONTROL}params: [names]\nrequiresAnyParam: [names]\npublicRules: [a]\nkubescapeScore: 7\n"
                ),
            ),
            (
                "controls/C-0001-one/rule.rego",
                "package controls.c0001\nx if input.params.names\n",
            ),
            ("controls/C-0001-one/testdata/pass/a.yaml", "anything"),
            ("README.md", ""),
        ],
        &[],
    );
    let source = library.control("c-0001").unwrap();
    assert_eq!(
        (
            source.control.severity,
            source.control.score,
            source.control.kubescape_score
        ),
        (Severity::High, 8.0, Some(7.0))
    );
    assert_eq!(
        (
            source.control.scope.len(),
            source.control.requires_any_param.len()
        ),
        (2, 1)
    );
    assert_eq!(
        (source.position.line, source.position.column, &*source.file),
        (2, 5, "p/controls/C-0001-one/control.yaml")
    );
    let framework = library.framework("f").unwrap();
    assert_eq!(
        (
            framework.version.as_str(),
            framework.requirements[0].section.as_str()
        ),
        ("v1", "1.2")
    );
    assert_eq!(
        library.params.defaults().get("names"),
        Some(&ParamValue::List(vec!["x".to_owned()]))
    );
    assert_eq!(library.modules.len(), 1);
    assert!(library.control("C-0002").is_none() && library.framework("g").is_none());
}

#[test]
fn two_invalid_files_are_two_problems_and_the_rest_is_loaded() {
    let library = check(
        &[
            ("controls/C-0001-one/control.yaml", CONTROL),
            ("controls/C-0001-one/rule.rego", RULE),
            ("controls/C-0002-two/control.yaml", "id: [C-0002\n"),
            ("controls/C-0002-two/rule.rego", "package controls.c0002\n"),
            ("frameworks/a.yaml", "name: \"A\n"),
            (
                "frameworks/b.yaml",
                "name: B\ndescription: d\ncontrols: [{id: C-0001}, {id: C-0002}]\n",
            ),
        ],
        BROKEN_YAML,
    );
    assert_eq!(ids(&library), ["C-0001"]);
    // An invalid control is still a member: its absence from the library must be visible.
    assert_eq!(
        library
            .frameworks
            .iter()
            .map(|framework| framework.members().count())
            .collect::<Vec<_>>(),
        [2]
    );
}

const BROKEN_YAML: &[&str] = &[
    "p/controls/C-0002-two/control.yaml:1:5: invalid YAML: unclosed bracket '['",
    "p/frameworks/a.yaml:2:1: invalid YAML: invalid indentation in multiline quoted scalar",
];

#[test]
fn every_error_of_a_folder_is_reported_at_once() {
    let library = check(
        &[
            (
                "params.yaml",
                "names:\n  type: string\n  description: a\n  default: [x]\n\
                 sizes:\n  type: quantity\n  description: a\n  default: []\n\
                 limits:\n  type: quantities\n  description: a\n  default: [1GB, 5]\n\
                 patterns:\n  type: regexes\n  description: a\n  default: ['\\w+', '(?=a)', '\\bx', 'ok']\n\
                 two words:\n  type: strings\n  default: []\n\
                 good:\n  type: strings\n  description: a\n  default: []\n",
            ),
            ("lib/x.rego", "package x\n"),
            ("lib/x.txt", ""),
            ("controls/C-0001-one/control.yaml", CONTROL),
            ("controls/C-0001-one/rule.rego", "package controls.c1\n"),
            (
                "controls/C-0002-two/control.yaml",
                "id: C-0003\nname: Two\nseverity: high\nscore: 5\nkubescapeScore: 11\ncategory: 7\nrisk: ''\nremedation: c\n\
                 kinds: [workload, Deployment, Pod, Pod]\nscope: [files]\nparams: [god, good]\nrequiresAnyParam: [names]\nname: Again\n\
                 references: [https://a.example/x, 'http://a.example', 'https:// x']\ntags: ['mitre:T1611', slow, 'a b', ':1', 'a:']\n",
            ),
            ("controls/C-0002-two/rule.rego", "# nothing\n"),
            (
                "controls/C-0003-three/control.yaml",
                &CONTROL
                    .replace("C-0001", "C-0004")
                    .replace("high", "severe"),
            ),
            (
                "controls/C-0004-four/control.yaml",
                &CONTROL.replace("C-0001", "C-0005"),
            ),
            ("controls/C-0004-four/rule.rego", "package controls.c0004\n"),
            ("controls/C-0004-more/control.yml", ""),
            (
                "controls/C-0006-six/control.yaml",
                &CONTROL
                    .replace("C-0001", "C-0006")
                    .replace("score: 8\n", ""),
            ),
            (
                "controls/C-0006-six/rule.rego",
                "package controls.c0006\nx if input.params.god\ny if input.params.god\n",
            ),
            (
                "controls/C-0007-seven/control.yaml",
                &CONTROL.replace("C-0001", "C-0007").replace("[Pod]", "[]"),
            ),
            (
                "controls/C-0007-seven/rule.rego",
                "package controls.c0007\n",
            ),
            (
                "controls/C-0008-eight/control.yaml",
                &CONTROL.replace("C-0001", "C-0008"),
            ),
            (
                "controls/C-0008-eight/rule.rego",
                "package controls.c0008\nx if input.params.good\n",
            ),
            ("controls/eight/control.yaml", "- a\n"),
            (
                "frameworks/a.yaml",
                "name: A\ndescription: d\ncontrols: [{id: C-0001}, {id: C-0001}, {id: C-0099}, {section: '1'}, C-1]\n",
            ),
            (
                "frameworks/b.yaml",
                "name: a\ndescription: d\ncontrols: []\n",
            ),
            (
                "frameworks/c.yaml",
                "title: C\ncontrols: [{id: C-0001, section: 1.10}]\n",
            ),
            ("framework/d.yaml", ""),
            ("notes.txt", ""),
        ],
        ALL_MISTAKES,
    );
    assert_eq!(ids(&library), ["C-0006", "C-0008"]);
}

const ALL_MISTAKES: &[&str] = &[
    r#"p/controls/C-0001-one/rule.rego:1:9: the package is "controls.c1": write `package controls.c0001`"#,
    r#"p/controls/C-0002-two/control.yaml:1:1: a control lacks the key "remediation""#,
    r#"p/controls/C-0002-two/control.yaml:4:8: a score of 5 is medium, but "severity" is high: write severity: medium, or a score from 7 to 8.9"#,
    r#"p/controls/C-0002-two/control.yaml:5:17: "kubescapeScore" must be from 1 to 10, but is 11"#,
    r#"p/controls/C-0002-two/control.yaml:6:11: "category" must be a string, but is a number: put it in quotes"#,
    r#"p/controls/C-0002-two/control.yaml:7:7: "risk" is empty: write something or leave the key out"#,
    r#"p/controls/C-0002-two/control.yaml:8:1: a control has no key "remedation", did you mean "remediation"?"#,
    r#"p/controls/C-0002-two/control.yaml:9:9: "workload" in "kinds" is not a valid kind: write workloads, Pod or apps/Deployment, did you mean "workloads"?"#,
    r#"p/controls/C-0002-two/control.yaml:9:19: "Deployment" in "kinds" is in the API group "apps": write "apps/Deployment""#,
    r#"p/controls/C-0002-two/control.yaml:9:36: "kinds" lists "Pod" twice: keep one"#,
    r#"p/controls/C-0002-two/control.yaml:10:9: "files" is not a valid scope: write cluster, file or admission, did you mean "file"?"#,
    r#"p/controls/C-0002-two/control.yaml:11:10: there is no param "god", did you mean "good"? (params.yaml describes them)"#,
    r#"p/controls/C-0002-two/control.yaml:12:20: "requiresAnyParam" names "names", which "params" does not list"#,
    r#"p/controls/C-0002-two/control.yaml:13:1: duplicate key "name": keep one"#,
    r#"p/controls/C-0002-two/control.yaml:14:35: invalid reference "http://a.example": write a URL that begins with https://"#,
    r#"p/controls/C-0002-two/control.yaml:14:55: invalid reference "https:// x": write a URL that begins with https://"#,
    r#"p/controls/C-0002-two/control.yaml:15:29: invalid tag "a b": write a word, or a catalog and a number, such as mitre:T1611 or cis:5.2.2"#,
    r#"p/controls/C-0002-two/control.yaml:15:36: invalid tag ":1": write a word, or a catalog and a number, such as mitre:T1611 or cis:5.2.2"#,
    r#"p/controls/C-0002-two/control.yaml:15:42: invalid tag "a:": write a word, or a catalog and a number, such as mitre:T1611 or cis:5.2.2"#,
    "p/controls/C-0002-two/rule.rego:1:1: the file does not begin with a package: write `package controls.c0002`",
    "p/controls/C-0003-three: the control lacks rule.rego: write it",
    r#"p/controls/C-0003-three/control.yaml:3:11: unknown severity "severe": write low, medium, high or critical"#,
    "p/controls/C-0004-four/control.yaml:1:5: the id is C-0005, but the folder's name says C-0004: make them the same",
    "p/controls/C-0004-more: the id C-0004 is already that of p/controls/C-0004-four: choose another",
    "p/controls/C-0004-more/control.yml: nothing reads this file: rename it to control.yaml",
    r#"p/controls/C-0006-six/rule.rego:2:19: the rule reads the param "god", which "params" of C-0006 does not list"#,
    r#"p/controls/C-0007-seven/control.yaml:8:8: "kinds" is empty, so the control would apply to nothing: write [workloads] or some kinds"#,
    r#"p/controls/C-0008-eight/rule.rego:2:19: the rule reads the param "good", which "params" of C-0008 does not list"#,
    "p/controls/eight: the folder's name has no id: name it like C-9001-no-terminal (capital letters and digits, a dash, digits, as in C-9001 or ACME-12)",
    r#"p/framework/d.yaml: nothing reads this file: did you mean "frameworks"?"#,
    "p/frameworks/a.yaml:3:31: the framework lists C-0001 twice: keep one",
    r#"p/frameworks/a.yaml:3:45: there is no control "C-0099""#,
    r#"p/frameworks/a.yaml:3:54: an entry of "controls" lacks the key "id""#,
    r#"p/frameworks/a.yaml:3:70: an entry of "controls" must be a map with the keys id, section, level, reason, but is a string"#,
    "p/frameworks/b.yaml:1:7: another framework is named a: choose another name",
    r#"p/frameworks/b.yaml:3:11: "controls" is empty, so the framework would be met by anything: list its controls"#,
    r#"p/frameworks/c.yaml:1:1: a framework has no key "title": it has the keys name, version, description, mappingBy, controls, requirements, allControls"#,
    r#"p/frameworks/c.yaml:1:1: a framework lacks the key "description""#,
    r#"p/frameworks/c.yaml:1:1: a framework lacks the key "name""#,
    r#"p/frameworks/c.yaml:2:34: "section" must be a string, but is a number: put it in quotes"#,
    "p/lib/x.rego:1:9: a module of lib/ begins with `package lib.` and one word: write it so",
    "p/lib/x.txt: nothing reads this file: remove it, or see README.md of the built-in policies for what goes where",
    "p/notes.txt: nothing reads this file: remove it, or see README.md of the built-in policies for what goes where",
    r#"p/params.yaml:4:12: "default" must be a string, but is a list"#,
    r#"p/params.yaml:6:9: "quantity" is not a valid type: write strings, names, registries, regexes, quantities, string"#,
    r#"p/params.yaml:12:13: "default" has the entry "1GB", which is not a valid quantity: write one like 500m, 0.5, 2Gi or 1e3"#,
    r#"p/params.yaml:12:18: an entry of "default" must be a string, but is a number: put it in quotes"#,
    r#"p/params.yaml:16:13: "\\w+" has a class that is not ASCII everywhere: write "[0-9A-Za-z_]+""#,
    r#"p/params.yaml:16:20: "(?=a)" is not a valid pattern: at byte 0: lookaround, which RE2 does not have"#,
    r#"p/params.yaml:16:29: "\\bx" has a word boundary, which is ASCII in RE2 and Unicode here: write (^|[^0-9A-Za-z_])"#,
    r#"p/params.yaml:17:1: "two words" is not a valid name for a param: begin with a letter, then letters, digits and _"#,
    r#"p/params.yaml:18:3: the param "two words" lacks the key "description""#,
];

#[test]
fn overlay_of_every_form_is_loaded() {
    let own = CONTROL.replace("score: 8\n", "");
    let two = own.replace("C-0001", "ACME-12").replace("high", "low");
    let one = ["C-0001 8 One"];
    assert_eq!(
        check_overlay(&[("control.yaml", &own), ("rule.rego", RULE)], &[]),
        one
    );
    assert_eq!(
        check_overlay(
            &[
                ("C-0001-x/control.yaml", &own),
                ("C-0001-x/rule.rego", RULE)
            ],
            &[]
        ),
        one
    );
    assert_eq!(
        check_overlay(
            &[
                ("controls/C-0001-x/control.yaml", &own),
                ("controls/C-0001-x/rule.rego", RULE),
                ("controls/ACME-12/control.yaml", &two),
                ("controls/ACME-12/rule.rego", "package controls.acme12"),
                ("lib/own.rego", "package lib.own"),
            ],
            &[]
        ),
        ["ACME-12 2.5 One", "C-0001 8 One"]
    );
    let annotated = "# Copyright\n\n# METADATA\n# title: Alone\n# description: why\n# custom:\n#   id: C-9001\n#   severity: critical\n\
                     #   kinds: [workloads]\npackage controls.c9001\n";
    assert_eq!(
        check_overlay(&[("alone.rego", annotated)], &[]),
        ["C-9001 9.5 Alone"]
    );
}

/// A description beside unused files is no reason to list each of their folders.
#[test]
fn unused_folders_with_descriptions_are_one_problem() {
    let own = CONTROL.replace("score: 8\n", "");
    check_overlay(
        &[
            ("C-0001-x/control.yaml", &own),
            ("C-0001-x/rule.rego", RULE),
            ("docs/README.md", ""),
            ("modules/a/README.md", ""),
            ("modules/a/package.json", ""),
            ("modules/b/README.md", ""),
            ("modules/b/package.json", ""),
        ],
        &[
            "own/modules: nothing reads 2 files of this folder: remove them, or see README.md of \
             the built-in policies for what goes where",
        ],
    );
}

#[test]
fn error_of_a_custom_rule_is_reported() {
    check_overlay(
        &[
            (
                "a.rego",
                "# METADATA\n# title: A\n# custom:\n#   id: c-9001\n#   severity: huge\n#   kind: [Pod]\npackage controls.c9001\n",
            ),
            ("b.rego", "package controls.c9002\n"),
            (
                "c.rego",
                "# METADATA\n# title: C\n# custom: {id: C-9003, severity: low, kinds: [Pod], params: [recommendedLabel]}\n\
                 package controls.c9003\nx if input.params.other\n",
            ),
        ],
        CUSTOM_MISTAKES,
    );
}

const CUSTOM_MISTAKES: &[&str] = &[
    r#"own/a.rego:4:5: "custom" lacks the key "kinds""#,
    r#"own/a.rego:4:9: "c-9001" is not a valid id: write capital letters and digits, a dash, digits, as in C-9001 or ACME-12"#,
    r#"own/a.rego:5:15: unknown severity "huge": write low, medium, high or critical"#,
    r#"own/a.rego:6:5: "custom" has no key "kind", did you mean "kinds"?"#,
    "own/b.rego:1:1: the file does not describe its control: begin it with a comment `# METADATA` that has title and custom: {id, severity, kinds}",
    r#"own/c.rego:3:62: there is no param "recommendedLabel", did you mean "recommendedLabels"? (params.yaml describes them)"#,
];
/// A folder adds controls, modules, frameworks and params to the built-in library. The same folder is
/// a library by itself, except for what it reads of the built-in one.
#[test]
fn overlay_adds_controls_modules_frameworks_and_params() {
    let own = CONTROL
        .replace("C-0001", "ACME-1")
        .replace("score: 8\n", "params: [teams, insecureCapabilities]\n");
    let table = [
        ("ACME-1-own/control.yaml", own.as_str()),
        ("ACME-1-own/rule.rego", "package controls.acme1\n"),
        ("lib/acme.rego", "package lib.acme\n"),
        (
            "frameworks/acme.yaml",
            "name: ACME\ndescription: d\ncontrols: [{id: C-0057}, {id: ACME-1}]\n",
        ),
        (
            "params.yaml",
            "teams:\n  type: names\n  description: d\n  default: [a]\n",
        ),
    ];
    let base = embedded().0;
    let mut library = base.clone();
    assert_eq!(add_files(&mut library, &table), [] as [&str; 0]);
    assert_eq!(library.controls.len(), base.controls.len() + 1);
    assert_eq!(library.modules.len(), base.modules.len() + 1);
    assert_eq!(library.framework("acme").unwrap().controls().len(), 2);
    assert!(library.params.get("teams").is_some());
    assert!(library.params.get("insecureCapabilities").is_some());
}

#[test]
fn overlay_that_collides_with_the_library_is_refused_with_both_places() {
    let mut library = embedded().0;
    let controls = library.controls.len();
    let problems = add_files(
        &mut library,
        &[
            (
                "C-0057-mine/control.yaml",
                &CONTROL.replace("C-0001", "C-0057"),
            ),
            ("C-0057-mine/rule.rego", "package controls.c0057\n"),
            (
                "frameworks/nsa.yaml",
                "name: nsa\ndescription: d\ncontrols: [{id: C-0057}]\n",
            ),
            (
                "params.yaml",
                "insecureCapabilities:\n  type: names\n  description: d\n  default: [a]\n",
            ),
        ],
    );
    assert_eq!(
        problems,
        [
            "own/C-0057-mine/control.yaml:1:5: C-0057 is already the id of \
             policies/controls/C-0057-privileged-container/control.yaml in the built-in library: Privileged container; \
             choose another, or replace the whole library with --policies-only",
            "own/frameworks/nsa.yaml:1:7: another framework is named nsa: choose another name",
            "own/params.yaml:1:1: the library already has a param \"insecureCapabilities\": choose another name, or set \
             its value with --controls-config",
        ]
    );
    let shadow = ("lib/workload.rego", "package lib.workload\n");
    assert_eq!(
        add_files(&mut library, &[shadow]),
        [
            "own/lib/workload.rego:1:9: the package lib.workload is already that of policies/lib/workload.rego in the \
             built-in library: choose another name"
        ]
    );
    assert_eq!(library.controls.len(), controls);
    let copy = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join("policies");
    let problems = library.add_overlay(&copy);
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].message.contains("give it as --policies-only"));
}

/// A folder that is being edited: a copy of a control replaces it, a copy of the library stands alone.
#[test]
fn edited_folder_replaces_what_it_is_a_copy_of() {
    let policies = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join("policies");
    let base = embedded().0;
    let one = policies.join("controls/C-0057-privileged-container");
    let edited = load_edited(&one, &base);
    same(&edited.problems, &[]);
    assert_eq!(edited.library.controls.len(), base.controls.len());
    let source = edited.library.control("C-0057").unwrap();
    assert!(source.file.starts_with(&*one.display().to_string()));
    assert_eq!(edited.ids, ["C-0057".into()]);
    let edited = load_edited(&policies, &Library::default());
    same(&edited.problems, &[]);
    assert_eq!(edited.ids.len(), base.metadata().len());
}

#[test]
fn framework_of_a_file_lists_controls_of_the_library() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("acme.yaml");
    let read = |text: &str| {
        fs::write(&path, text).unwrap();
        load_framework(&path, &embedded().0)
    };
    let framework = read("name: ACME\ndescription: d\ncontrols: [{id: C-0057}]\n").unwrap();
    assert_eq!(framework.controls().len(), 1);
    let problems = read("name: ACME\ndescription: d\ncontrols: [{id: C-057}]\n").unwrap_err();
    assert!(problems[0].message.contains("did you mean"), "{problems:?}");
}

const REQUIREMENTS: &str = "\
name: CIS-v1.2
description: d
requirements:
  - {section: '1.1', title: One, level: L1, assessment: Automated, controls: [{id: C-0001, reason: r}]}
  - {section: '1.2', title: Two, level: L2, kind: required, note: why, controls: [{id: C-0001}, {id: C-0009}]}
  - {section: '1.3', title: Three, note: No setting shows it.}
";

#[test]
fn framework_has_requirements_and_controls_that_are_not_here_yet() {
    let public = "- {id: C-0009, name: Nine, state: joins, reason: r}\n\
                  - {id: C-0001, name: First, state: planned, reason: r}\n";
    let newer = "name: CIS-v1.10\ndescription: d\ncontrols: [{id: C-0001, section: '1'}, {id: C-0001, section: '2'}]\n";
    let library = check(
        &[
            ("public_controls.yaml", public),
            ("controls/C-0001-one/control.yaml", CONTROL),
            ("controls/C-0001-one/rule.rego", RULE),
            ("frameworks/a.yaml", REQUIREMENTS),
            ("frameworks/b.yaml", newer),
            (
                "frameworks/c.yaml",
                "name: All\ndescription: d\nallControls: true\n",
            ),
        ],
        &[],
    );
    let framework = library.framework("cis-v1.2").unwrap();
    assert_eq!(
        (framework.members().count(), framework.controls().len()),
        (3, 2)
    );
    assert_eq!(framework.requirements[2].note, "No setting shows it.");
    let newest = library.newest_framework("cis").unwrap();
    assert_eq!(
        (newest.name.as_str(), newest.requirements.len()),
        ("CIS-v1.10", 2)
    );
    assert_eq!(library.framework("all").unwrap().controls().len(), 2);
    let absent: Vec<&str> = library
        .absent_controls()
        .into_iter()
        .map(|control| control.name.as_str())
        .collect();
    assert_eq!(absent, ["Nine"]);
    assert!(library.absent_control("c-0001").is_none());
    assert_eq!(library.broken, []);
}

#[test]
fn wrong_requirements_are_reported() {
    let text = "name: F\ndescription: d\nmappingBy: us\nrequirements:\n\
        - {section: '1', title: One}\n\
        - {section: '2', title: Two, level: L3, assessment: automated, controls: [{id: C-0001}, {id: C-0001}]}\n\
        - {section: '2', title: Two, note: why}\n\
        - {title: Three, controls: [{id: C-0009}]}\n";
    check(
        &[
            ("controls/C-0001-one/control.yaml", CONTROL),
            ("controls/C-0001-one/rule.rego", RULE),
            ("frameworks/a.yaml", text),
            (
                "frameworks/b.yaml",
                "name: G\ndescription: d\ncontrols: [{id: C-0001}]\nallControls: false\n",
            ),
            ("frameworks/c.yaml", "name: H\ndescription: d\n"),
            (
                "frameworks/d.yaml",
                "name: I\ndescription: d\nrequirements: [{section: '1', title: t, note: why}]\n",
            ),
        ],
        &[
            r#"p/frameworks/a.yaml:5:13: no control checks "1": write in "note" why none can, or list its controls"#,
            r#"p/frameworks/a.yaml:6:37: "level" has no value "L3": write one of L1, L2, did you mean "L1"?"#,
            r#"p/frameworks/a.yaml:6:53: "assessment" has no value "automated": write one of Automated, Manual, did you mean "Automated"?"#,
            "p/frameworks/a.yaml:6:94: the requirement lists C-0001 twice: keep one",
            r#"p/frameworks/a.yaml:7:13: the framework has the section "2" twice: keep one"#,
            r#"p/frameworks/a.yaml:8:3: an entry of "requirements" lacks the key "section""#,
            r#"p/frameworks/a.yaml:8:34: there is no control "C-0009", did you mean "C-0001"?"#,
            r#"p/frameworks/b.yaml:1:1: "allControls" can only be true: leave it out"#,
            r#"p/frameworks/b.yaml:1:1: a framework has one of the keys "controls", "requirements" and "allControls""#,
            r#"p/frameworks/c.yaml:1:1: a framework has one of the keys "controls", "requirements" and "allControls""#,
            r#"p/frameworks/d.yaml:3:15: no requirement has a control, so the framework would check nothing: list its controls"#,
        ],
    );
}

#[test]
fn hostile_folder_is_read_within_bounds() {
    let dir = tempfile::tempdir().unwrap();
    let write = |path: &str, bytes: &[u8]| {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    };
    write("controls/C-0001-one/control.yaml", CONTROL.as_bytes());
    write("controls/C-0001-one/rule.rego", RULE.as_bytes());
    write("controls/C-0002-two/control.yaml", b"id: \xff\n");
    write("controls/C-0002-two/rule.rego", &vec![b'#'; (1 << 20) + 1]);
    write(".git/config", b"\xff");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(dir.path(), dir.path().join("controls/loop")).unwrap();
        std::os::unix::fs::symlink("/etc/hostname", dir.path().join("frameworks.yaml")).unwrap();
    }
    let (library, problems) = load_folder(dir.path());
    let root = format!("{}/", dir.path().display());
    let got: Vec<String> = problems
        .iter()
        .map(|problem| problem.to_string().replace(&root, ""))
        .collect();
    assert_eq!(
        got,
        [
            "controls/C-0002-two/control.yaml: is not UTF-8 at byte 4: save it as UTF-8",
            "controls/C-0002-two/rule.rego: is larger than 1048576 bytes: split it",
            "controls/loop: is a link to a folder around it: remove it",
            "frameworks.yaml: is a link that leads out of the folder: copy the file instead",
        ]
    );
    assert_eq!(ids(&library), ["C-0001"]);
    let add = |path: &str| Library::default().add_overlay(&dir.path().join(path));
    for missing in [load_folder(&dir.path().join("none")).1, add("none.rego")] {
        assert!(missing[0].message.contains("does not exist"), "{missing:?}");
    }
    fs::create_dir(dir.path().join("empty")).unwrap();
    for empty in [load_folder(&dir.path().join("empty")).1, add("empty")] {
        assert!(empty[0].message.starts_with("no control is in this folder"));
    }
}

#[test]
fn embedded_library_has_no_problem() {
    let (library, problems) = embedded();
    same(&problems, &[]);
    assert!(!library.controls.is_empty() && !library.modules.is_empty());
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join("policies");
    let (from_folder, problems) = load_folder(&folder);
    same(&problems, &[]);
    assert_eq!(ids(&from_folder), ids(&library));
    assert_eq!(from_folder.params, library.params);
}

#[test]
fn test_data_of_every_control_is_read() {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let mut count = 0;
    for source in embedded().0.controls {
        let folder = root.join(source.file.trim_end_matches("/control.yaml"));
        let (objects, problems) = read_testdata(&folder);
        same(&problems, &[]);
        // A rule about requests rejects every request of its kind: no object can pass.
        let all = [Expected::Fail, Expected::Pass];
        let needed = if source.control.scope == [Scope::Admission] {
            &all[..1]
        } else {
            &all[..]
        };
        for expected in needed {
            let of = objects
                .iter()
                .filter(|object| object.expected == *expected)
                .count();
            assert!(
                of >= 2,
                "{} has {of} objects in {}/",
                source.control.id,
                expected.folder()
            );
        }
        let schema = embedded().0.params;
        for (name, value) in objects.iter().flat_map(|object| &object.params) {
            let set = schema
                .defaults()
                .set_unchecked(&schema, name, value.clone());
            assert_eq!(set, Ok(()), "{}", source.control.id);
        }
        count += objects.len();
    }
    assert!(count > 100, "{count}");
    for file in fs::read_dir(root.join("tests"))
        .unwrap()
        .flatten()
        .map(|entry| entry.path())
    {
        if file
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with("differences."))
        {
            let (differences, problems) = read_differences(&file);
            same(&problems, &[]);
            assert!(!differences.is_empty(), "{}", file.display());
        }
    }
}

#[test]
fn example_of_the_readme_loads() {
    let readme = fs::read_to_string(
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join("policies/README.md"),
    )
    .unwrap();
    let blocks: Vec<(&str, &str)> = readme
        .split("```")
        .skip(1)
        .step_by(2)
        .filter_map(|block| block.split_once('\n'))
        .collect();
    let with = |language: &str, part: &str| {
        blocks
            .iter()
            .find(|block| block.0 == language && block.1.contains(part))
            .map(|block| block.1)
            .unwrap()
    };
    let (cases, problems) = parse_cases(&"README.md".into(), with("json", "\"cases\""));
    same(&problems, &[]);
    assert_eq!(cases.unwrap().cases[0].objects.len(), 2);
    let (differences, problems) =
        parse_differences(&"README.md".into(), with("yaml", "reason: Why ours"));
    same(&problems, &[]);
    assert_eq!(differences.len(), 1);
    let schema = embedded().0.params;
    let config = with("json", "cloudProvider");
    same(
        &read_controls_config(
            "README.md",
            config.as_bytes(),
            &schema,
            &mut schema.defaults(),
        ),
        &[],
    );
    assert_eq!(
        check_overlay(&[("my.rego", with("rego", "title: Terminal"))], &[]),
        ["C-9001 2.5 Terminal in a container"]
    );
    let control = format!(
        "{}{}",
        CONTROL.replace("C-0001", "C-9002"),
        with("yaml", "name: field_value")
    );
    let shared = [
        ("rules/field_value.rego", with("rego", "rules.field_value")),
        ("controls/C-9002-field/control.yaml", &control),
    ];
    assert_eq!(check_overlay(&shared, &[]), ["C-9002 8 One"]);
    for key in CONTROL_KEYS {
        assert!(
            readme.contains(&format!("`{}`", key.name)),
            "{} is not described",
            key.name
        );
    }
}

/// Kubescape's inputs as released; they are outside of the project (`KUBEVET_SHARED`).
#[test]
fn released_inputs_of_kubescape_are_read_unchanged() {
    let shared = std::env::var("KUBEVET_SHARED").unwrap_or_else(|_| "../shared".to_owned());
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
        .join(shared)
        .join("facts/default-config-inputs.json");
    let Ok(bytes) = fs::read(&path) else {
        assert!(std::env::var_os("CI").is_none(), "no {}", path.display());
        eprintln!("not run: no {} (set KUBEVET_SHARED)", path.display());
        return;
    };
    let schema = embedded().0.params;
    let mut params = schema.defaults();
    same(
        &read_controls_config("inputs.json", &bytes, &schema, &mut params),
        &[],
    );
    // Our defaults equal theirs, but for lists that hold more, and for the patterns of credentials:
    // theirs match ordinary words.
    let defaults = schema.defaults();
    for (name, theirs) in params.iter() {
        let ours = defaults.get(name).unwrap();
        match (theirs, ours) {
            (ParamValue::List(theirs), ParamValue::List(ours)) if EXTENDED.contains(&name) => {
                assert!(theirs.iter().all(|entry| ours.contains(entry)), "{name}");
            }
            _ if name == "sensitiveValues" => {}
            _ => assert_eq!(theirs, ours, "{name}"),
        }
    }
}

/// The params whose default has entries beyond those of Kubescape: capabilities that lead to the
/// node, the labels that Kubernetes recommends, and more names of credentials.
const EXTENDED: &[&str] = &[
    "insecureCapabilities",
    "recommendedLabels",
    "sensitiveKeyNames",
];

fn schema(name: &str) -> serde_json::Value {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
        .join("schemas")
        .join(name);
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// Checks that the schema of a map has exactly the loader's keys, requires the required ones, and
/// allows no others.
#[track_caller]
fn same_keys(part: &serde_json::Value, keys: &[FieldSpec]) {
    let names: Vec<&str> = part["properties"]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(names, keys.iter().map(|spec| spec.name).collect::<Vec<_>>());
    let required: Vec<&str> = part["required"]
        .as_array()
        .unwrap()
        .iter()
        .map(|value| value.as_str().unwrap())
        .collect();
    assert_eq!(
        required,
        keys.iter()
            .filter(|spec| spec.required)
            .map(|spec| spec.name)
            .collect::<Vec<_>>()
    );
    assert_eq!(part["additionalProperties"], false);
    for (name, property) in part["properties"].as_object().unwrap() {
        assert!(
            property["description"]
                .as_str()
                .is_some_and(|description| !description.is_empty()),
            "{name} has no description"
        );
    }
}

#[test]
fn schema_and_loader_have_the_same_keys() {
    let control = schema("control.schema.json");
    same_keys(&control, CONTROL_KEYS);
    let words =
        |value: &serde_json::Value| serde_json::from_value::<Vec<String>>(value.clone()).unwrap();
    assert_eq!(
        words(&control["properties"]["severity"]["enum"]),
        Severity::ALL
            .iter()
            .map(|value| value.name())
            .collect::<Vec<_>>()
    );
    assert_eq!(
        words(&control["properties"]["scope"]["items"]["enum"]),
        Scope::ALL
            .iter()
            .map(|value| value.name())
            .collect::<Vec<_>>()
    );
    let framework = schema("framework.schema.json");
    same_keys(&framework, FRAMEWORK_KEYS);
    same_keys(&framework["properties"]["controls"]["items"], MEMBER_KEYS);
    let requirement = &framework["properties"]["requirements"]["items"];
    same_keys(requirement, REQUIREMENT_KEYS);
    same_keys(
        &requirement["properties"]["controls"]["items"],
        EVIDENCE_KEYS,
    );
    let params = schema("params.schema.json");
    same_keys(&params["additionalProperties"], PARAM_KEYS);
    assert_eq!(
        words(&params["additionalProperties"]["properties"]["type"]["enum"]),
        ParamType::ALL
            .iter()
            .map(|value| value.name())
            .collect::<Vec<_>>()
    );
    // Annotations have no schema; the keys that they share with control.yaml have the same names.
    let known = |key: &FieldSpec| CONTROL_KEYS.iter().any(|other| other.name == key.name);
    assert!(CUSTOM_KEYS.iter().all(known) && ANNOTATION_KEYS.iter().any(known));
}

#[test]
fn text_of_a_built_in_control_has_all_three_parts_and_references() {
    for source in &embedded().0.controls {
        let control = &source.control;
        let id = &control.id;
        assert!(
            !control.check.is_empty(),
            "{id} does not say what it checks"
        );
        assert!(!control.references.is_empty(), "{id} has no references");
        assert!(!control.tags.is_empty(), "{id} has no tags");
        if !control.example.is_empty() {
            let example = as_json(&control.example);
            assert!(
                example.is_object(),
                "the example of {id} is not a fragment of an object"
            );
        }
    }
}

#[test]
fn every_policy_file_validates() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join("policies");
    let mut problems = Vec::new();
    let mut checked = 0;
    let validators = ["control", "framework", "params"].map(|name| {
        (
            name,
            jsonschema::validator_for(&schema(&format!("{name}.schema.json"))).unwrap(),
        )
    });
    for file in read_dir::of_folder(&folder, &mut problems) {
        let kind = match file.steps().as_slice() {
            [_, _, "control.yaml"] => "control",
            ["frameworks", _] => "framework",
            ["params.yaml"] => "params",
            _ => continue,
        };
        let validator = &validators
            .iter()
            .find(|validator| validator.0 == kind)
            .unwrap()
            .1;
        let value = as_json(&file.text.unwrap());
        let errors: Vec<String> = validator
            .iter_errors(&value)
            .map(|error| format!("{}: {error}", error.instance_path))
            .collect();
        assert_eq!(errors, Vec::<String>::new(), "{}", file.display_path);
        // A user's control may leave its score to the severity; a built-in one may not.
        let has_score = kind != "control" || value["score"].is_number();
        assert!(has_score, "{} has no score", file.display_path);
        checked += 1;
    }
    assert!(checked > 3);
    let wrong = as_json(&CONTROL.replace("kinds", "kind"));
    assert!(!validators[0].1.is_valid(&wrong) && validators[0].1.is_valid(&as_json(CONTROL)));
}

fn as_json(text: &str) -> serde_json::Value {
    let file: Arc<str> = "x".into();
    let reading =
        kubevet_document::read_yaml(&file, text.as_bytes(), &kubevet_document::Limits::default());
    let mut json = String::new();
    reading.documents[0].root().write_json(&mut json);
    serde_json::from_str(&json).unwrap()
}

const SHARED: &str = "# METADATA\n# title: t\n# custom:\n#   arguments: {field: string, all: strings, max: number, flag: boolean}\npackage rules.shared # why\n\n\
x if input.arguments.field == \"a\"; y := [input.arguments[\"all\"], input.arguments.max] # input.arguments.no\n\
z := `input.arguments.no` if input.arguments.flag\n";
const USE: &str =
    "rule: {name: shared, arguments: {field: \"b\\\"\", all: [c, d], max: 3, flag: true}}\n";

/// A control that uses a shared rule.
fn with_rule(rule: &str) -> String {
    format!("{CONTROL}{rule}")
}

#[test]
fn shared_rule_becomes_the_module_of_a_control() {
    let library = check(
        &[
            ("rules/shared.rego", SHARED),
            ("controls/C-0001-one/control.yaml", &with_rule(USE)),
        ],
        &[],
    );
    let source = library.control("C-0001").unwrap();
    assert_eq!(source.shared_rule.as_deref(), Some("shared"));
    assert_eq!(&*source.rule.file, "p/rules/shared.rego (C-0001)");
    let lines: Vec<&str> = source.rule.text.lines().skip(4).collect();
    assert_eq!(
        lines,
        [
            "package controls.c0001 # why",
            "",
            r#"x if "b\"" == "a"; y := [["c","d"], 3] # input.arguments.no"#,
            "z := `input.arguments.no` if true",
        ]
    );
    // Every other line is as it was.
    assert_eq!(source.rule.text.lines().count(), SHARED.lines().count());
}

#[test]
fn wrong_use_of_a_shared_rule_is_reported() {
    for (rule, expected) in [
        (
            "rule: {name: sharde}\n",
            &[r#"9:14: no shared rule is called "sharde", did you mean "shared"?"#][..],
        ),
        (
            "rule: shared\n",
            &[r#"9:7: "rule" must be a map with the keys name, arguments, but is a string"#],
        ),
        (
            "rule: {arguments: {}}\n",
            &[r#"9:7: "rule" lacks the key "name""#],
        ),
        (
            "rule: {name: shared, arguments: [a]}\n",
            &[r#"9:33: "arguments" must be a map, but is a list"#],
        ),
        (
            "rule: {name: shared, arguments: {feild: a, all: [], max: 1.5, flag: \"true\"}}\n",
            &[
                r#"9:14: the rule shared needs the argument "field": add it"#,
                r#"9:34: the rule shared has no argument "feild", did you mean "field"?"#,
                r#"9:49: the argument "all" must be a list of strings with an entry, but is a list"#,
                r#"9:58: the argument "max" must be a whole number, but is a number"#,
                r#"9:69: the argument "flag" must be true or false, but is a string"#,
            ],
        ),
    ] {
        let expected: Vec<String> = expected
            .iter()
            .map(|problem| format!("p/controls/C-0001-one/control.yaml:{problem}"))
            .collect();
        let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
        let files = [
            ("rules/shared.rego", SHARED),
            ("controls/C-0001-one/control.yaml", &with_rule(rule)),
        ];
        let library = check(&files, &expected);
        assert_eq!(ids(&library), [] as [&str; 0], "{rule}");
    }
    check(
        &[
            ("rules/shared.rego", SHARED),
            ("controls/C-0001-one/control.yaml", &with_rule(USE)),
            ("controls/C-0001-one/rule.rego", RULE),
        ],
        &[
            r#"p/controls/C-0001-one/control.yaml:9:14: a control with "rule" has no rule.rego: remove one of the two"#,
        ],
    );
}

#[test]
fn faulty_shared_rule_is_reported() {
    let declared = |arguments: &str| {
        format!(
            "# METADATA\n# title: t\n# custom: {{arguments: {arguments}}}\npackage rules.shared\n"
        )
    };
    for (text, expected) in [
        (
            "package rules.other\n".to_owned(),
            &["1:9: a shared rule is in the package of its file: write `package rules.shared`"][..],
        ),
        (
            "package rules.shared\n".to_owned(),
            &[
                "1:1: the rule does not declare its arguments: begin it with a comment `# METADATA` that has title and custom: {arguments: {NAME: TYPE}}",
            ],
        ),
        (
            declared("{a: text, b: string}"),
            &[r#"3:27: "a" has no value "text": write one of string, strings, number, boolean"#],
        ),
        (
            declared("{a: string, b: string}")
                + "x := input.arguments.c\ny := input.arguments[name]\nz := input.argumentsish.a\nw := input.arguments.b\n",
            &[
                r#"3:24: the rule never reads the argument "a": remove it"#,
                r#"5:22: the rule declares no argument "c", did you mean "a"?"#,
                "6:6: an argument is read by its name: write input.arguments.NAME",
            ],
        ),
    ] {
        let expected: Vec<String> = expected
            .iter()
            .map(|problem| format!("p/rules/shared.rego:{problem}"))
            .collect();
        let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
        check(&[("rules/shared.rego", &text)], &expected);
    }
}

#[test]
fn overlay_has_shared_rules_of_its_own() {
    assert_eq!(
        check_overlay(
            &[
                ("rules/shared.rego", SHARED),
                (
                    "controls/C-9001-one/control.yaml",
                    &with_rule(USE).replace("C-0001", "C-9001"),
                ),
            ],
            &[],
        ),
        ["C-9001 8 One"]
    );
}
