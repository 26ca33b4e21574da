//! The objects as a folder for Kustomize: one file each, and the list of them.

use super::{Options, objects};

const HEAD: &str = "# kubectl apply -k . installs kubevet; an overlay names this folder among its resources and changes what it likes, such as
# images, replicas and the Deployment's args. The namespace stands in more places than Kustomize knows of: to have another,
# write the folder anew with `kubevet manifests --form kustomize --namespace NAME -o DIR`.
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
";

/// The files of the folder, by name.
///
/// # Errors
/// As [`objects`].
pub fn kustomization(options: &Options) -> Result<Vec<(String, String)>, String> {
    let objects = objects(options)?;
    let list: String = objects
        .iter()
        .map(|(file, _)| format!("  - {file}\n"))
        .collect();
    let mut files = vec![("kustomization.yaml".to_owned(), format!("{HEAD}{list}"))];
    files.extend(
        objects
            .into_iter()
            .map(|(file, text)| (file.to_owned(), text)),
    );
    Ok(files)
}
