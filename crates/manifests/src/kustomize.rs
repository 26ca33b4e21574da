//! The objects as a folder for Kustomize: one file each, and the list of them.

use super::{
    error::InvalidOption,
    install::objects,
    operator_install::operator_objects,
    operator_options::OperatorOptions,
    options::InstallOptions,
    template::{Slots, render},
};

/// Returns the files of the folder by name.
///
/// # Errors
/// As [`objects`].
pub fn kustomization(options: &InstallOptions) -> Result<Vec<(String, String)>, InvalidOption> {
    Ok(folder(objects(options)?, ""))
}

/// Returns the files of the operator's folder by name.
///
/// # Errors
/// As [`operator_objects`].
pub fn operator_kustomization(
    options: &OperatorOptions,
) -> Result<Vec<(String, String)>, InvalidOption> {
    Ok(folder(operator_objects(options)?, " operator"))
}

/// Returns the folder of some objects, which a part of `kubevet manifests` prints.
fn folder(objects: Vec<(&'static str, String)>, part: &str) -> Vec<(String, String)> {
    let resources: String = objects
        .iter()
        .map(|(file, _)| format!("- {file}\n"))
        .collect();
    let kustomization = render(
        include_str!("../templates/kustomization.yaml"),
        &Slots::from([("resources", resources), ("part", part.to_owned())]),
    );
    let mut files = vec![("kustomization.yaml".to_owned(), kustomization)];
    let objects = objects.into_iter();
    files.extend(objects.map(|(file, yaml)| (file.to_owned(), yaml)));
    files
}
