//! An API server that shows a client certificate to the webhook, set up by the files that
//! `kubevet manifests admission-configuration` writes.

use kubevet_testkit::{
    build_output::kubevet_binary,
    control_plane::ControlPlane,
    process,
    webhook_process::{WebhookProcess, free_port},
};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const BINDING: &str = "
apiVersion: kubevet.io/v1alpha1
kind: ControlBinding
metadata: {name: deny}
spec:
  controls: [C-0057]
  validationActions: [Deny]
";

const PRIVILEGED: &str = "
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web, image: 'nginx:1.29', securityContext: {privileged: true}}]
";

/// Writes the certificate of a new authority, and a client pair for `apiserver` that it signed, and
/// returns the path of the authority's certificate.
fn issue_client_pair(dir: &Path) -> PathBuf {
    fs::create_dir_all(dir).expect("a folder can be made");
    let (ca_key, client_key) = (
        KeyPair::generate().expect("a key"),
        KeyPair::generate().expect("a key"),
    );
    let mut ca = CertificateParams::default();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.distinguished_name.push(DnType::CommonName, "callers");
    let ca_file = dir.join("callers.crt");
    let ca_certificate = ca.self_signed(&ca_key).expect("a certificate");
    fs::write(&ca_file, ca_certificate.pem()).expect("a file can be written");
    let mut client = CertificateParams::default();
    client
        .distinguished_name
        .push(DnType::CommonName, "apiserver");
    client.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let issuer = Issuer::new(ca, ca_key);
    let client_certificate = client
        .signed_by(&client_key, &issuer)
        .expect("a certificate");
    fs::write(dir.join("client.crt"), client_certificate.pem()).expect("a file can be written");
    fs::write(dir.join("client.key"), client_key.serialize_pem()).expect("a file can be written");
    ca_file
}

/// Starts a webhook that serves only clients named `apiserver` of the authority in `ca_file`.
fn webhook(dir: &Path, port: u16, ca_file: &Path) -> WebhookProcess {
    let bindings = dir.join("bindings");
    fs::create_dir_all(&bindings).expect("a folder can be made");
    fs::write(bindings.join("deny.yaml"), BINDING).expect("a file can be written");
    let (bindings, ca_file) = (
        bindings.display().to_string(),
        ca_file.display().to_string(),
    );
    let flags = [
        "--bindings",
        &bindings,
        "--client-ca",
        &ca_file,
        "--client-name",
        "apiserver",
    ];
    WebhookProcess::start_on(port, &dir.join("tls"), &flags).expect("the webhook starts")
}

#[test]
fn api_server_with_the_written_configuration_shows_its_certificate() {
    let dir = tempfile::tempdir().expect("a folder can be made");
    let host = dir.path().join("host");
    let ca_file = issue_client_pair(&host);
    let port = free_port();
    let url = format!("https://127.0.0.1:{port}/validate");
    let host_folder = host.display().to_string();
    let mut command = Command::new(kubevet_binary());
    command.args(["manifests", "admission-configuration", "--url", &url]);
    command.args(["--host-folder", &host_folder, "--output", &host_folder]);
    process::run(&mut command, "").ok();

    let configuration = host.join("admission-configuration.yaml");
    let flag = format!(
        "--admission-control-config-file={}",
        configuration.display()
    );
    let cluster_dir = dir.path().join("cluster");
    let Some(cluster) =
        ControlPlane::with_server_flags("client-certificates", &cluster_dir, &[&flag])
    else {
        return;
    };
    let shop = cluster.namespace("shop");
    let create = ["create", "--dry-run=server", "-f", "-"];
    let served = webhook(dir.path(), port, &ca_file);
    let registered =
        cluster.register_webhook(shop.name(), &served.url(), &served.ca(), "Fail", &[&shop]);
    let denied = shop.kubectl_as_developer(&create, PRIVILEGED);
    assert!(denied.stderr.contains("C-0057"), "{denied:?}");
    assert_eq!(served.metric("kubevet_tls_handshake_failures_total"), 0.0);
    drop(registered);
    served.terminate();

    // The same API server is refused by a webhook that trusts another authority.
    let other = tempfile::tempdir().expect("a folder can be made");
    let other_ca = issue_client_pair(&other.path().join("host"));
    let refusing = webhook(other.path(), port, &other_ca);
    let _registered = cluster.register_webhook(
        shop.name(),
        &refusing.url(),
        &refusing.ca(),
        "Fail",
        &[&shop],
    );
    let failed = shop.kubectl_as_developer(&create, PRIVILEGED);
    assert!(
        failed.stderr.contains("failed calling webhook"),
        "{failed:?}"
    );
}
