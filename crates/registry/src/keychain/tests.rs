//! Which credentials a repository gets, and what credential programs may do.

use super::{Credential, DockerConfig, Keychain, PullSecretKind};
use crate::{
    reference::{RegistryName, Repository},
    secret::Secret,
};
use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, time::Duration};

const LIMIT: Duration = Duration::from_secs(20);

fn write_program(folder: &Path, name: &str, script: &str) {
    let path = folder.join(format!("docker-credential-{name}"));
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// What a keychain has for `r.example.com/app`, as `SOURCE: CREDENTIAL`, or its error.
async fn found(keychain: &Keychain, limit: Duration) -> Result<Vec<String>, String> {
    let repository = Repository::parse("r.example.com/app").unwrap();
    let found = keychain.credentials(&repository, limit).await;
    let print = |credential: &Credential| match credential {
        Credential::Basic { user, password } => format!("{user}:{}", password.expose()),
        Credential::IdentityToken(token) => format!("identity:{}", token.expose()),
        Credential::RegistryToken(token) => format!("token:{}", token.expose()),
    };
    found
        .map(|found| {
            found
                .iter()
                .map(|one| format!("{}: {}", one.source, print(&one.credential)))
                .collect()
        })
        .map_err(|error| format!("{}: {error}", error.code()))
}

fn config(text: &str) -> DockerConfig {
    DockerConfig::parse(text.as_bytes()).unwrap()
}

#[tokio::test]
async fn credentials_of_all_sources_come_in_order() {
    let keychain = Keychain::anonymous()
        .with_docker_config(
            "config.json",
            config(r#"{"auths":{"r.example.com":{"auth":"YTpi"}}}"#),
        )
        .with_credential(
            RegistryName::parse("r.example.com").unwrap(),
            Credential::Basic {
                user: "given".to_owned(),
                password: Secret::new("p"),
            },
        )
        .with_credential(
            RegistryName::parse("other.example.com").unwrap(),
            Credential::RegistryToken(Secret::new("t")),
        )
        .with_pull_secret(
            "team/a",
            PullSecretKind::DockerCfg,
            br#"{"r.example.com":{"auth":"Yzpk"}}"#,
        )
        .unwrap();
    let expected = [
        "the credentials given: given:p",
        "config.json: a:b",
        "pull secret team/a: c:d",
    ];
    assert_eq!(found(&keychain, LIMIT).await.unwrap(), expected);
}

#[tokio::test]
async fn credential_program_is_given_the_registry_and_its_answer_is_used() {
    let check = async |script: &str, expected: Result<&[&str], &str>| {
        let folder = tempfile::tempdir().unwrap();
        write_program(folder.path(), "test", script);
        let keychain = Keychain::anonymous()
            .with_docker_config(
                "config.json",
                config(r#"{"credHelpers":{"r.example.com":"test"}}"#),
            )
            .with_program_folder(folder.path().to_owned());
        let found = found(&keychain, LIMIT).await;
        match expected {
            Ok(expected) => assert_eq!(found.unwrap(), expected, "{script}"),
            Err(part) => {
                let error = found.unwrap_err();
                assert!(
                    error.starts_with("credential-program: ") && error.contains(part),
                    "{error}"
                );
                assert!(!error.contains("hunter2"), "{error}");
            }
        }
    };
    let answers = |user: &str| {
        format!(
            r#"read host; [ "$1 $host" = "get r.example.com" ] && echo '{{"ServerURL":"x","Username":"{user}","Secret":"s"}}'"#
        )
    };
    check(&answers("u"), Ok(&["docker-credential-test: u:s"])).await;
    check(
        &answers("<token>"),
        Ok(&["docker-credential-test: identity:s"]),
    )
    .await;
    check(
        "echo credentials not found in native keychain; exit 1",
        Ok(&[]),
    )
    .await;
    check("echo hunter2; exit 3", Err("it failed")).await;
    check("echo hunter2", Err("not JSON")).await;
    check("head -c 100000 /dev/zero", Err("more than")).await;
}

#[tokio::test]
async fn credential_program_that_does_not_answer_is_ended_at_the_limit() {
    let folder = tempfile::tempdir().unwrap();
    write_program(folder.path(), "test", "exec tail -f /dev/null");
    let keychain = Keychain::anonymous()
        .with_docker_config("config.json", config(r#"{"credsStore":"test"}"#))
        .with_program_folder(folder.path().to_owned());
    let error = found(&keychain, Duration::from_millis(200))
        .await
        .unwrap_err();
    assert!(error.contains("no answer within"), "{error}");
}

#[tokio::test]
async fn missing_credential_program_is_an_error_that_names_it() {
    let keychain = Keychain::anonymous()
        .with_docker_config("config.json", config(r#"{"credsStore":"test"}"#))
        .with_program_folder("/nonexistent".into());
    let error = found(&keychain, LIMIT).await.unwrap_err();
    assert!(
        error.contains("docker-credential-test: it could not be started"),
        "{error}"
    );
}

#[tokio::test]
async fn pull_secret_never_runs_a_program() {
    let folder = tempfile::tempdir().unwrap();
    let witness = folder.path().join("ran");
    write_program(
        folder.path(),
        "test",
        &format!("touch {}", witness.display()),
    );
    let secret = br#"{"credsStore":"test","auths":{"r.example.com":{"auth":"YTpi"}}}"#;
    let keychain = Keychain::anonymous()
        .with_pull_secret("team/a", PullSecretKind::DockerConfigJson, secret)
        .unwrap()
        .with_program_folder(folder.path().to_owned());
    assert_eq!(
        found(&keychain, LIMIT).await.unwrap(),
        ["pull secret team/a: a:b"]
    );
    assert!(!witness.exists());
}

#[test]
fn keychain_printed_for_debugging_hides_its_secrets() {
    let keychain = Keychain::anonymous()
        .with_docker_config(
            "config.json",
            config(r#"{"auths":{"r.example.com":{"auth":"YTpodW50ZXIy"}}}"#),
        )
        .with_credential(
            RegistryName::parse("r.example.com").unwrap(),
            Credential::IdentityToken(Secret::new("hunter2")),
        );
    assert!(!format!("{keychain:?}").contains("hunter2"));
}
