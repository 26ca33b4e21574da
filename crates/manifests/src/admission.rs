//! What API servers read to show a client certificate to the gate: an AdmissionConfiguration and the kubeconfig that it
//! names. They are files of the API server's host; no cluster takes them.

use super::{Options, check, plain};

/// The two files, by name; they expect to lie in `folder` on the host of each API server, `client.crt` and `client.key`
/// beside them. `url`: of a gate outside the cluster.
///
/// # Errors
/// As [`super::objects`]; a URL or a folder that cannot be.
pub fn admission(
    options: &Options,
    url: Option<&str>,
    folder: &str,
) -> Result<Vec<(String, String)>, String> {
    check(options)?;
    if !folder.starts_with('/') || !plain(folder, "/.-_") {
        return Err(format!(
            "{folder:?} is no folder of an API server's host: /etc/kubernetes/kubevet"
        ));
    }
    let name = match url {
        None => format!("kubevet.{}.svc", options.namespace),
        Some(url) => host(url).ok_or_else(|| {
            format!("{url:?} is no URL that the API server calls: https://HOST[:PORT]/validate")
        })?,
    };
    Ok(vec![
        (
            "admission-configuration.yaml".to_owned(),
            CONFIGURATION.replace("@folder@", folder),
        ),
        (
            "webhook-kubeconfig.yaml".to_owned(),
            KUBECONFIG
                .replace("@folder@", folder)
                .replace("@name@", &name),
        ),
    ])
}

/// Host and port of a URL, as the API server looks for them among the users of the kubeconfig.
fn host(url: &str) -> Option<String> {
    let rest = url.strip_prefix("https://")?;
    let host = rest
        .split('/')
        .next()
        .filter(|it| !it.is_empty() && plain(it, ":.-_[]"))?;
    Some(host.to_owned())
}

const CONFIGURATION: &str =
    "# For each API server: --admission-control-config-file=@folder@/admission-configuration.yaml
# An API server that has such a file already takes the plugin below into it.
apiVersion: apiserver.config.k8s.io/v1
kind: AdmissionConfiguration
plugins:
  - name: ValidatingAdmissionWebhook
    configuration:
      apiVersion: apiserver.config.k8s.io/v1
      kind: WebhookAdmissionConfiguration
      kubeConfigFile: @folder@/webhook-kubeconfig.yaml
";

const KUBECONFIG: &str =
    "# Which certificate the API server shows to which webhook. For its own user alone: it names a private key.
apiVersion: v1
kind: Config
users:
  # The name of the webhook's Service, or host and port of its URL; the API server finds it by that.
  - name: \"@name@\"
    user:
      client-certificate: @folder@/client.crt
      client-key: @folder@/client.key
";

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_user_is_named_as_the_api_server_looks_for_it() {
        let options = Options {
            namespace: "gate".to_owned(),
            ..Options::new("kubevet", BTreeSet::new())
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
            let files = admission(&options, url, "/etc/kubernetes/kubevet").ok();
            let expected = name.map(|it| format!("- name: \"{it}\"\n"));
            let held = files.as_ref().map(|it| it[1].1.as_str());
            assert_eq!(held.is_some(), expected.is_some(), "{url:?}");
            assert!(
                held.zip(expected)
                    .is_none_or(|(text, line)| text.contains(&line)),
                "{url:?}: {held:?}"
            );
        }
        assert!(admission(&options, None, "relative").is_err());
        assert!(admission(&options, None, "/a b").is_err());
    }
}
