//! `kubevet sbom` on the test images: each document is valid by its official schema, and Grype finds in
//! our document what it finds in Syft's.

use jsonschema::Resource;
use kubevet_testkit::{oracle::Oracle, skip::not_run, test_dir::TestDir, test_images::test_images};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Images of each family of packages.
const IMAGES: &[&str] = &[
    "debian", "alpine", "rhel", "python", "npm", "golang", "java",
];

/// The official schemas stand in Go modules that the oracle for images is built from.
struct Schemas {
    cyclonedx: PathBuf,
    spdx: PathBuf,
}

impl Schemas {
    /// `None`, and *not run*, without Go or its modules.
    fn find() -> Option<Self> {
        let folder = |module: &str| {
            let output = Command::new("go")
                .args(["list", "-mod=readonly", "-m", "-f", "{{.Dir}}", module])
                .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/images"))
                .output()
                .ok()?;
            let path = String::from_utf8(output.stdout).ok()?;
            let path = path.trim();
            (output.status.success() && !path.is_empty()).then(|| PathBuf::from(path))
        };
        let found = folder("github.com/CycloneDX/cyclonedx-go")
            .zip(folder("github.com/anchore/syft"))
            .map(|(cyclonedx, syft)| Self {
                cyclonedx: cyclonedx.join("schema/bom-1.6.schema.json"),
                spdx: syft.join("schema/spdx-json/spdx-schema-2.3.json"),
            });
        if found.is_none() {
            not_run(
                "schemas of SBOMs",
                "the Go modules of tests/images have them: cd tests/images && go mod download",
            );
        }
        found
    }
}

/// Errors of a document by a schema.
fn schema_errors(schema: &Path, document: &str) -> Vec<String> {
    let read = |path: &Path| -> Value {
        let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
        serde_json::from_str(&text).unwrap()
    };
    // Signatures are not used, and their schema is not shipped.
    let resources = [
        (
            "http://cyclonedx.org/schema/spdx.schema.json",
            match schema.with_file_name("spdx.schema.json") {
                path if path.exists() => read(&path),
                _ => json!({}),
            },
        ),
        (
            "http://cyclonedx.org/schema/jsf-0.82.schema.json",
            json!({"definitions": {"signature": {}}}),
        ),
    ];
    let mut options = jsonschema::options();
    for (uri, resource) in resources {
        options = options.with_resource(uri, Resource::from_contents(resource).unwrap());
    }
    let validator = options.build(&read(schema)).unwrap();
    let document: Value = serde_json::from_str(document).unwrap();
    validator
        .iter_errors(&document)
        .map(|error| format!("{}: {error}", error.instance_path))
        .collect()
}

/// Runs `kubevet sbom` on a test image, and returns the document.
fn sbom(dir: &TestDir, image: &Path, format: &str) -> String {
    let source = format!("oci-dir:{}", image.display());
    let run = dir.run(&["sbom", &source, "-f", format]);
    let expected = if image.ends_with("npm") {
        (
            2,
            "incomplete: 2 files could not be read; the list says which\n",
        )
    } else {
        (0, "")
    };
    assert_eq!((run.code, run.stderr.as_str()), expected, "{source}");
    run.stdout
}

#[test]
fn documents_are_valid_by_their_schemas() {
    let (Some(schemas), Some(images)) = (Schemas::find(), test_images("schemas of SBOMs")) else {
        return;
    };
    let dir = TestDir::new();
    for image in IMAGES {
        for (format, schema) in [("cyclonedx", &schemas.cyclonedx), ("spdx", &schemas.spdx)] {
            let text = sbom(&dir, &images.join(image), format);
            assert_eq!(schema_errors(schema, &text), [""; 0], "{image}: {format}");
        }
    }
}

#[test]
fn schema_test_sees_a_wrong_document() {
    let (Some(schemas), Some(images)) = (Schemas::find(), test_images("schemas of SBOMs")) else {
        return;
    };
    let text = sbom(&TestDir::new(), &images.join("alpine"), "cyclonedx");
    let wrong = text.replace("\"library\"", "\"libary\"");
    assert_ne!(wrong, text);
    assert!(!schema_errors(&schemas.cyclonedx, &wrong).is_empty());
}

/// The matches of Grype: vulnerability, package, version.
fn matches(oracle: &mut Oracle, request: &Value) -> BTreeSet<String> {
    let answer = oracle.send(request);
    assert!(answer["error"].is_null(), "{request}: {answer}");
    let found = answer["matches"].as_array().expect("a list");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    found
        .iter()
        .map(|found| {
            format!(
                "{} {} {}",
                text(&found["vulnerability"]),
                text(&found["package"]),
                text(&found["version"])
            )
        })
        .collect()
}

#[test]
fn grype_finds_the_same_in_our_document_as_in_that_of_syft() {
    let test = "Grype reads our SBOM";
    let (Some(images), Some(mut oracle)) = (test_images(test), Oracle::start_for_images(test))
    else {
        return;
    };
    let dir = TestDir::new();
    let advisories = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/images/advisories.json");
    let mut request: Value =
        serde_json::from_str(&fs::read_to_string(advisories).expect("it can be read"))
            .expect("it is JSON");
    let database = dir.path().join("db");
    request["dir"] = json!(database);
    let answer = oracle.send(&request);
    assert!(answer["error"].is_null(), "{answer}");
    let mut total = 0;
    for image in IMAGES {
        let path = images.join(image);
        let file = dir.path().join(format!("{image}.json"));
        fs::write(&file, sbom(&dir, &path, "syft-json")).expect("it can be written");
        let source = format!("oci-dir:{}", path.display());
        // Without the symbols of Go programs, which our document does not have.
        let request =
            json!({"op": "sbom", "source": source, "profile": "syft", "documents": ["syft-json"]});
        let answer = oracle.send(&request);
        let document = &answer["documents"]["syft-json"];
        let document = document
            .as_str()
            .map_or_else(|| document.to_string(), str::to_owned);
        let theirs = dir.path().join(format!("{image}-syft.json"));
        fs::write(&theirs, document).expect("it can be written");
        let expected = matches(
            &mut oracle,
            &json!({"op": "match", "db": database, "sbom": theirs}),
        );
        let found = matches(
            &mut oracle,
            &json!({"op": "match", "db": database, "sbom": file}),
        );
        assert_eq!(found, expected, "{image}");
        total += found.len();
    }
    assert!(total > 10, "{total} matches");
}
