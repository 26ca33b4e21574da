//! A runtime of Java, by the file `release` in its folder.

use crate::{
    cpe,
    facts::JavaRuntime,
    files::{CatalogedFile, location},
    purl,
};
use kubevet_model::{Package, PackageDetails, PackageKind};
use std::collections::HashMap;

/// The runtime of a release file; `None` for a file of another program.
pub(crate) fn read(content: &str) -> Option<JavaRuntime> {
    let fields: HashMap<&str, &str> = content
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(key, value)| (key, value.trim_matches('"')))
        .collect();
    let field = |name: &str| fields.get(name).copied().unwrap_or_default();
    if !fields.contains_key("JAVA_VERSION") && !fields.contains_key("JAVA_RUNTIME_VERSION") {
        return None;
    }
    let repository = [field("SOURCE_REPO"), field("BUILD_SOURCE_REPO")];
    Some(JavaRuntime {
        version: version(
            field("JAVA_RUNTIME_VERSION"),
            field("FULL_VERSION"),
            field("JAVA_VERSION"),
        ),
        implementor: field("IMPLEMENTOR").to_lowercase().replace(' ', ""),
        image_type: field("IMAGE_TYPE").to_lowercase(),
        build_type: field("BUILD_TYPE").to_owned(),
        repository: repository
            .into_iter()
            .find(|one| !one.is_empty())
            .unwrap_or_default()
            .to_owned(),
    })
}

fn version(runtime: &str, full: &str, java: &str) -> String {
    let major = |version: &str| version.split('.').next().unwrap_or_default().to_owned();
    let best = if !runtime.is_empty() {
        runtime
    } else if !full.is_empty() && major(full) == major(java) {
        full
    } else {
        java
    };
    best.to_owned()
}

impl JavaRuntime {
    /// The package; `has_compiler` where `bin/javac` is beside the release file.
    pub(crate) fn package(&self, file: &CatalogedFile<'_>, has_compiler: bool) -> Package {
        let path = format!("/{}", file.path);
        let (vendor, product) = self.vendor_and_product(&path, has_compiler);
        let qualifiers = [("repository_url", self.repository.as_str())];
        Package {
            kind: PackageKind::Binary,
            name: product.to_owned(),
            version: self.version.clone(),
            language: String::new(),
            purl: purl::purl("generic", vendor, product, &self.version, &qualifiers),
            cpes: self.cpes(vendor, product, has_compiler),
            licenses: Vec::new(),
            locations: vec![location(file)],
            architecture: String::new(),
            upstreams: Vec::new(),
            files: Vec::new(),
            details: PackageDetails::None,
        }
    }

    fn is_development_kit(&self, has_compiler: bool) -> bool {
        has_compiler || !self.image_type.contains("jre")
    }

    fn vendor_and_product(&self, path: &str, has_compiler: bool) -> (&'static str, &'static str) {
        let kit = if self.is_development_kit(has_compiler) {
            "jdk"
        } else {
            "jre"
        };
        let is_by = |name: &str| self.implementor.contains(name);
        if is_by("azul") || path.contains("zulu") {
            ("azul", "zulu")
        } else if is_by("sun") {
            ("sun", kit)
        } else if is_by("ibm") || path.contains("/ibm") {
            ("ibm", if has_compiler { "java_sdk" } else { "java" })
        } else if is_by("oracle")
            || path.contains("oracle")
            || self.build_type.contains("commercial")
        {
            ("oracle", kit)
        } else {
            ("oracle", "openjdk")
        }
    }

    fn cpes(&self, vendor: &str, product: &str, has_compiler: bool) -> Vec<String> {
        let mut names = match (vendor, product) {
            ("azul", _) => vec![("azul", "zulu"), ("oracle", "openjdk")],
            ("sun", _) => vec![("sun", "jre")],
            ("oracle", "jdk" | "jre") => vec![("oracle", "java_se"), ("oracle", "jre")],
            _ => vec![(vendor, product)],
        };
        if matches!(product, "jdk" | "jre") && self.is_development_kit(has_compiler) {
            names.push((vendor, "jdk"));
        }
        let (release, update) = self.release_and_update();
        names
            .into_iter()
            .filter(|_| !release.is_empty())
            .map(|(vendor, product)| cpe::application(vendor, product, release, &update))
            .collect()
    }

    /// `1.8.0` and `update352` of `1.8.0_352-b08`; `17.0.7` of `17.0.7+7`.
    fn release_and_update(&self) -> (&str, String) {
        if let Some((release, update)) = self.version.split_once('_') {
            let update = update.split('-').next().unwrap_or(update);
            let digits = update.trim_start_matches('0');
            return (
                release,
                format!("update{}", if digits.is_empty() { "0" } else { digits }),
            );
        }
        let release = self.version.split('+').next().unwrap_or(&self.version);
        (release, "*".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::FileFacts;

    #[test]
    fn release_file_names_runtime() {
        let check = |content: &str, has_compiler: bool, purl: &str, cpe: &str| {
            let facts = FileFacts::default();
            let file = CatalogedFile {
                path: "opt/java/release",
                layer: None,
                facts: &facts,
            };
            let package = read(content).unwrap().package(&file, has_compiler);
            assert_eq!((&*package.purl, &*package.cpes[0]), (purl, cpe));
        };
        check(
            "IMPLEMENTOR=\"Eclipse Adoptium\"\nJAVA_RUNTIME_VERSION=\"17.0.7+7\"\nJAVA_VERSION=\"17.0.7\"\n",
            true,
            "pkg:generic/oracle/openjdk@17.0.7%2B7",
            "cpe:2.3:a:oracle:openjdk:17.0.7:*:*:*:*:*:*:*",
        );
        check(
            "IMPLEMENTOR=\"Oracle Corporation\"\nJAVA_VERSION=\"1.8.0_411\"\nIMAGE_TYPE=\"JRE\"\n",
            false,
            "pkg:generic/oracle/jre@1.8.0_411",
            "cpe:2.3:a:oracle:java_se:1.8.0:update411:*:*:*:*:*:*",
        );
        assert_eq!(read("NAME=other\n"), None);
    }
}
