//! The objects as a folder for Kustomize: one file each, and the list of them.

use super::{
    error::InvalidOption,
    install::objects,
    options::InstallOptions,
    template::{Slots, render},
};

/// Returns the files of the folder by name.
///
/// # Errors
/// As [`objects`].
pub fn kustomization(options: &InstallOptions) -> Result<Vec<(String, String)>, InvalidOption> {
    let objects = objects(options)?;
    let resources: String = objects
        .iter()
        .map(|(file, _)| format!("- {file}\n"))
        .collect();
    let kustomization = render(
        include_str!("../templates/kustomization.yaml"),
        &Slots::from([("resources", resources)]),
    );
    let mut files = vec![("kustomization.yaml".to_owned(), kustomization)];
    let objects = objects.into_iter();
    files.extend(objects.map(|(file, yaml)| (file.to_owned(), yaml)));
    Ok(files)
}
