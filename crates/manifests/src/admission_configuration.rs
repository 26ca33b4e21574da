//! The files by which API servers show a client certificate to the webhook: an
//! AdmissionConfiguration and the kubeconfig that it names.
//!
//! They are files of the API server's host; no cluster accepts them as objects.

use super::{
    error::InvalidOption,
    options::{InstallOptions, is_plain},
    template::{Slots, render},
};

/// Returns the two files by name. They expect to be in `folder` on the host of each API server,
/// with `client.crt` and `client.key` beside them. `url` is that of a webhook outside the cluster.
///
/// # Errors
/// As [`super::objects`]; a URL or a folder that is not valid.
pub fn admission_configuration(
    options: &InstallOptions,
    url: Option<&str>,
    folder: &str,
) -> Result<Vec<(String, String)>, InvalidOption> {
    options.validate()?;
    if !folder.starts_with('/') || !is_plain(folder, "/.-_") {
        return Err(InvalidOption::HostFolder(folder.to_owned()));
    }
    let name = match url {
        None => format!("kubevet.{}.svc", options.namespace),
        Some(url) => host_and_port(url).ok_or_else(|| InvalidOption::Url(url.to_owned()))?,
    };
    let slots = Slots::from([("folder", folder.to_owned()), ("name", name)]);
    let configuration = include_str!("../templates/api-server/admission-configuration.yaml");
    let kubeconfig = include_str!("../templates/api-server/webhook-kubeconfig.yaml");
    Ok(vec![
        (
            "admission-configuration.yaml".to_owned(),
            render(configuration, &slots),
        ),
        (
            "webhook-kubeconfig.yaml".to_owned(),
            render(kubeconfig, &slots),
        ),
    ])
}

/// Returns host and port of a URL: the name by which the API server looks for the user in the
/// kubeconfig.
fn host_and_port(url: &str) -> Option<String> {
    let authority = url.strip_prefix("https://")?.split('/').next()?;
    let is_valid = !authority.is_empty() && is_plain(authority, ":.-_[]");
    is_valid.then(|| authority.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn kubeconfig_user_has_the_name_that_the_api_server_looks_for() {
        let options = InstallOptions {
            namespace: "gate".to_owned(),
            ..InstallOptions::new("kubevet", BTreeSet::new())
        };
        for (url, name) in [
            (None, Some("kubevet.gate.svc")),
            (
                Some("https://gate.example.com/validate"),
                Some("gate.example.com"),
            ),
            (
                Some("https://10.0.0.7:8443/validate"),
                Some("10.0.0.7:8443"),
            ),
            (Some("https://[::1]:8443"), Some("[::1]:8443")),
            (Some("http://x/validate"), None),
            (Some("https:///validate"), None),
            (Some("https://a\"b/validate"), None),
        ] {
            let files = admission_configuration(&options, url, "/etc/kubernetes/kubevet").ok();
            let expected = name.map(|name| format!("- name: \"{name}\"\n"));
            let kubeconfig = files.as_ref().map(|files| files[1].1.as_str());
            assert_eq!(kubeconfig.is_some(), expected.is_some(), "{url:?}");
            assert!(
                kubeconfig
                    .zip(expected)
                    .is_none_or(|(kubeconfig, line)| kubeconfig.contains(&line)),
                "{url:?}: {kubeconfig:?}"
            );
        }
        assert!(admission_configuration(&options, None, "relative").is_err());
        assert!(admission_configuration(&options, None, "/a b").is_err());
    }
}
