//! The ControlBindings of `examples/recipes`: each is valid and has an effect, and docs/recipes.md
//! quotes it.

use kubevet_testkit::test_dir::TestDir;
use std::{
    fs,
    path::{Path, PathBuf},
};

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files of `examples/recipes`, in the order of their names.
fn recipes() -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(repository().join("examples/recipes"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

#[test]
fn recipe_is_a_valid_binding_with_an_effect() {
    let dir = TestDir::new();
    for file in recipes() {
        let run = dir.run(&["binding", "check", "--strict", file.to_str().unwrap()]);
        assert_eq!(
            (run.code, run.stderr.as_str()),
            (0, ""),
            "{}",
            file.display()
        );
    }
}

#[test]
fn page_quotes_each_recipe_word_for_word() {
    let page = fs::read_to_string(repository().join("docs/recipes.md")).unwrap();
    for file in recipes() {
        let block = format!("```yaml\n{}```\n", fs::read_to_string(&file).unwrap());
        assert!(page.contains(&block), "{}", file.display());
    }
}
