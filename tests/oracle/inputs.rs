//! What is sent to the oracle: the library, its modules, params, and objects as JSON.

use kubevet_differential::set_request_namespace;
use kubevet_document::Document;
use kubevet_engine::Engine;
use kubevet_policy::{self as policy, Library, ModuleSource, ParamValue, Params};
use serde_json::{Map, Value, json};
use std::path::Path;

/// The library of the program, and its engine.
pub(crate) fn compiled_library() -> (Library, Engine) {
    let (library, problems) = policy::embedded();
    assert!(problems.is_empty(), "{problems:?}");
    let (engine, problems) = Engine::compile(&library);
    assert!(problems.is_empty(), "{problems:?}");
    (library, engine)
}

/// The Rego of all modules and rules of a library, by file.
pub(crate) fn rego_sources(library: &Library) -> Value {
    let rules = library.controls.iter().map(|source| &source.rule);
    sources_by_file(library.modules.iter().chain(rules))
}

/// The Rego of some modules, by file.
pub(crate) fn sources_by_file<'m>(modules: impl Iterator<Item = &'m ModuleSource>) -> Value {
    modules
        .map(|module| (module.file.to_string(), json!(&*module.text)))
        .collect::<Map<_, _>>()
        .into()
}

/// The default params with some values changed. The values of test data may be malformed.
pub(crate) fn params_with(library: &Library, changes: &[(String, ParamValue)]) -> Params {
    let mut params = library.params.defaults();
    for (name, value) in changes {
        let _ = params.set_unchecked(&library.params, name, value.clone());
    }
    params
}

/// The objects of all public cases in a folder, each with the params of its case.
pub(crate) fn public_case_objects(folder: &Path, library: &Library) -> Vec<(Document, Params)> {
    let mut objects = Vec::new();
    for path in std::fs::read_dir(folder).expect("the cases are there") {
        let (file, problems) = policy::read_cases(&path.expect("a file").path());
        assert!(problems.is_empty(), "{problems:?}");
        for case in file.iter().flat_map(|file| &file.cases) {
            let params = params_with(library, &case.params);
            let documents = case.objects.iter().cloned();
            objects.extend(documents.map(|object| (object, params.clone())));
        }
    }
    objects
}

/// An object as policies see it at admission: in the namespace of the request, if it has none of
/// its own.
pub(crate) fn as_admitted(document: &Document) -> Document {
    let mut object = json_of(document);
    set_request_namespace(&mut object);
    let limits = kubevet_document::Limits::default();
    let read = kubevet_document::read(document.file(), object.to_string().as_bytes(), &limits);
    read.documents
        .into_iter()
        .next()
        .expect("a printed document is read again")
}

/// A document as a JSON value.
pub(crate) fn json_of(document: &Document) -> Value {
    let mut json = String::new();
    document.root().write_json(&mut json);
    serde_json::from_str(&json).expect("documents print as JSON")
}
