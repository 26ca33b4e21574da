//! The style of the Rego in `policies/`: every module is formatted as `opa fmt` formats it, and passes
//! `opa check --strict`.

use kubevet_testkit::{
    build_output::repository_root, oracle::Oracle, snapshot::assert_matches_file,
};
use serde_json::{Value, json};
use std::{fs, path::Path};

/// Every Rego file below a folder, as path relative to the root of the repository and source.
fn rego_modules(folder: &Path, modules: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("an entry can be read").path();
        if path.is_dir() {
            rego_modules(&path, modules);
        } else if path
            .extension()
            .is_some_and(|extension| extension == "rego")
        {
            let name = path
                .strip_prefix(repository_root())
                .expect("the file is in the repository");
            let source = fs::read_to_string(&path).expect("the file can be read");
            modules.push((name.display().to_string(), source));
        }
    }
}

fn check_style(oracle: &mut Oracle, modules: &[(String, String)]) -> Value {
    let modules: serde_json::Map<String, Value> = modules
        .iter()
        .map(|(name, source)| (name.clone(), source.as_str().into()))
        .collect();
    oracle.send(&json!({"op": "style", "modules": modules}))
}

#[test]
fn library_is_formatted_and_strict() {
    let Some(mut oracle) = Oracle::start("style of Rego") else {
        return;
    };
    let mut modules = Vec::new();
    rego_modules(&repository_root().join("policies"), &mut modules);
    assert!(modules.len() > 40, "only {} modules", modules.len());
    let answer = check_style(&mut oracle, &modules);
    assert_eq!(answer["errors"], json!([]), "opa check --strict");
    for (name, _) in &modules {
        let formatted = answer["formatted"][name]
            .as_str()
            .expect("every module is formatted");
        assert_matches_file(name, formatted);
    }
}

#[test]
fn unformatted_and_careless_module_is_reported() {
    let Some(mut oracle) = Oracle::start("style of Rego") else {
        return;
    };
    let source = "package p\n\nimport data.unused\n\np if   input.a  ==  1\n";
    let module = ("p.rego".to_owned(), source.to_owned());
    let answer = check_style(&mut oracle, &[module]);
    let errors = answer["errors"].to_string();
    assert!(errors.contains("import data.unused unused"), "{errors}");
    let formatted = answer["formatted"]["p.rego"]
        .as_str()
        .expect("the module is formatted");
    assert!(formatted.contains("p if input.a == 1"), "{formatted}");
}
