//! `kubevet binding check`: its messages and its exit codes.

use kubevet_testkit::test_dir::TestDir;

fn binding(spec: &str) -> String {
    format!(
        "apiVersion: kubevet.io/v1alpha1\nkind: ControlBinding\nmetadata: {{name: b}}\nspec: {spec}\n"
    )
}

#[test]
fn exit_code_and_messages_follow_from_the_bindings() {
    let dir = TestDir::new()
        .file("good/a.yaml", binding("{controls: [C-0057]}"))
        .file(
            "good/other.yaml",
            "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\n",
        )
        .file(
            "partial/a.yaml",
            format!(
                "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c}}\n---\n{}",
                binding("{controls: [C-0057, C-0078]}")
            ),
        )
        .file(
            "note.yaml",
            binding(
                "{controls: [C-0057], matchResources: {objectSelector: {matchLabels: {a: b}}}}",
            ),
        )
        .file("broken/deep/a.yaml", binding("{controls: [C-57]}"))
        .file("void.yaml", binding("{controls: [C-0078]}"))
        .file("registries.yaml", "imageRepositoryAllowList: [docker.io]\n");
    let partial = "warning: partial/a.yaml:8:27: C-0078 checks nothing: set params.imageRepositoryAllowList\n";
    for (arguments, code, stdout, stderr) in [
        (
            vec!["good"],
            0,
            "1 binding checked: 0 broken, 0 warnings\n",
            "",
        ),
        (
            vec!["partial"],
            0,
            "1 binding checked: 0 broken, 1 warning\n",
            partial,
        ),
        (
            vec!["partial", "--strict"],
            1,
            "1 binding checked: 0 broken, 1 warning\n",
            partial,
        ),
        (
            vec![
                "partial",
                "--strict",
                "--controls-config",
                "registries.yaml",
            ],
            0,
            "1 binding checked: 0 broken, 0 warnings\n",
            "",
        ),
        (
            vec!["note.yaml", "--strict"],
            0,
            "1 binding checked: 0 broken, 0 warnings\n",
            "note: note.yaml:4:61: an objectSelector does not follow owners: whoever labels an object decides whether it is \
             checked, the label of a workload must be on its pod template as well, and Pods of existing owners are \
             treated as new\n",
        ),
        (
            vec!["good", "broken"],
            2,
            "2 bindings checked: 1 broken, 0 warnings\n",
            "error: broken/deep/a.yaml:4:19: there is no control \"C-57\", did you mean \"C-0057\"?\n",
        ),
        (
            vec!["void.yaml"],
            2,
            "1 binding checked: 1 broken, 0 warnings\n",
            "error: void.yaml:4:19: C-0078 checks nothing: set params.imageRepositoryAllowList\n",
        ),
        (
            vec!["good/other.yaml"],
            2,
            "0 bindings checked: 0 broken, 0 warnings\n",
            "error: there is no ControlBinding in the files: name files or folders that have one\n",
        ),
        (
            vec!["none.yaml"],
            2,
            "0 bindings checked: 0 broken, 0 warnings\n",
            "error: none.yaml: cannot be read: no such file or folder\n",
        ),
    ] {
        let arguments = [vec!["binding", "check"], arguments].concat();
        let run = dir.run(&arguments);
        assert_eq!(
            (run.code, run.stdout.as_str(), run.stderr.as_str()),
            (code, stdout, stderr),
            "{arguments:?}"
        );
    }
}
