//! Configurations of credentials, and which of them a repository gets.

use super::{Credential, DockerConfig, DockerConfigError, Repository, matches_host};
use crate::reference::RegistryName;

fn parse(text: &str) -> DockerConfig {
    DockerConfig::parse(text.as_bytes()).unwrap()
}

/// The credentials for a repository, each as `USER:PASSWORD`, `identity:TOKEN` or `token:TOKEN`.
fn found(config: &DockerConfig, repository: &str) -> Vec<String> {
    let repository = Repository::parse(repository).unwrap();
    let print = |credential: &Credential| match credential {
        Credential::Basic { user, password } => format!("{user}:{}", password.expose()),
        Credential::IdentityToken(token) => format!("identity:{}", token.expose()),
        Credential::RegistryToken(token) => format!("token:{}", token.expose()),
    };
    config.credentials(&repository).iter().map(print).collect()
}

#[test]
fn forms_of_an_entry_give_their_credential() {
    let check = |entry: &str, expected: &[&str]| {
        let config = parse(&format!(r#"{{"auths":{{"ghcr.io":{entry}}}}}"#));
        assert_eq!(found(&config, "ghcr.io/a"), expected, "{entry}");
    };
    check(r#"{"auth":"dXNlcjpwYXNz"}"#, &["user:pass"]);
    check(r#"{"auth":"dXNlcjpwYTpzcw=="}"#, &["user:pa:ss"]);
    check(r#"{"auth":"dXNlcjpwYTpzcw"}"#, &["user:pa:ss"]);
    check(r#"{"username":"user","password":"pass"}"#, &["user:pass"]);
    check(
        r#"{"auth":"dXNlcjpwYXNz","identitytoken":"t"}"#,
        &["identity:t"],
    );
    check(r#"{"registrytoken":"t"}"#, &["token:t"]);
    check(r#"{"username":"user"}"#, &[]);
    check("{}", &[]);
    check("null", &[]);
}

#[test]
fn keys_of_entries_match_hosts_and_paths() {
    let check = |key: &str, repository: &str, matches: bool| {
        let config = parse(&format!(r#"{{"auths":{{"{key}":{{"auth":"dTpw"}}}}}}"#));
        assert_eq!(
            found(&config, repository).len(),
            usize::from(matches),
            "{key} {repository}"
        );
    };
    check("https://index.docker.io/v1/", "nginx", true);
    check("docker.io", "nginx", true);
    check("index.docker.io", "user/app", true);
    check("https://ghcr.io", "ghcr.io/a", true);
    check("ghcr.io/org", "ghcr.io/org/app", true);
    check("ghcr.io/org", "ghcr.io/org", true);
    check("ghcr.io/org", "ghcr.io/organization/app", false);
    check("ghcr.io/v2/org", "ghcr.io/org/app", true);
    check("localhost:5000", "localhost:5000/a", true);
    check("localhost:5000", "localhost:5001/a", false);
    check("localhost", "localhost:5000/a", false);
    check("*.azurecr.io", "team.azurecr.io/a", true);
    check("*.azurecr.io", "a.b.azurecr.io/a", false);
    check("*.azurecr.io", "evil.example/azurecr.io", false);
    check("ghcr.io", "ghcr.io.evil.example/a", false);
}

#[test]
fn longest_path_comes_first() {
    let config = parse(
        r#"{"auths":{"*.example.com":{"auth":"ZzpnbG9i"},"r.example.com":{"auth":"aDpob3N0"},
            "r.example.com/team":{"auth":"dDp0ZWFt"}}}"#,
    );
    assert_eq!(
        found(&config, "r.example.com/team/app"),
        ["t:team", "h:host", "g:glob"]
    );
    assert_eq!(found(&config, "r.example.com/other"), ["h:host", "g:glob"]);
}

#[test]
fn program_of_a_registry_comes_before_the_default() {
    let config = parse(r#"{"credsStore":"pass","credHelpers":{"gcr.io":"gcloud"}}"#);
    let program = |name: &str| config.program(&RegistryName::parse(name).unwrap());
    assert_eq!(program("gcr.io"), Some("gcloud"));
    assert_eq!(program("ghcr.io"), Some("pass"));
    assert_eq!(
        parse("{}").program(&RegistryName::parse("gcr.io").unwrap()),
        None
    );
}

#[test]
fn older_form_has_the_entries_alone() {
    let config = DockerConfig::parse_dockercfg(br#"{"ghcr.io":{"auth":"dTpw"}}"#).unwrap();
    assert_eq!(found(&config, "ghcr.io/a"), ["u:p"]);
}

#[test]
fn broken_configuration_is_refused_without_quoting_it() {
    let check = |text: &str, expected: DockerConfigError| {
        let error = DockerConfig::parse(text.as_bytes()).unwrap_err();
        assert_eq!(error, expected, "{text}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    };
    check(
        r#"{"auths":{"ghcr.io":{"auth":"hunter2!"}}}"#,
        DockerConfigError::Auth { entry: 1 },
    );
    check(
        r#"{"auths":{"ghcr.io":{"auth":"aHVudGVyMg=="}}}"#,
        DockerConfigError::Auth { entry: 1 },
    );
    check(
        r#"{"auths":"hunter2"}"#,
        DockerConfigError::Json {
            line: 1,
            column: 18,
        },
    );
    check(
        r#"{"credsStore":"../hunter2"}"#,
        DockerConfigError::ProgramName,
    );
    check(
        r#"{"credHelpers":{"a.b":"a/b"}}"#,
        DockerConfigError::ProgramName,
    );
    check(&" ".repeat((1 << 20) + 1), DockerConfigError::TooLarge);
}

#[test]
fn star_stands_for_characters_of_one_label() {
    let check = |pattern: &str, host: &str, matches: bool| {
        assert_eq!(matches_host(pattern, host), matches, "{pattern} {host}");
    };
    check("*.example.com", "a.example.com", true);
    check("a*c.example.com", "abbc.example.com", true);
    check("a*c*e.example.com", "abcde.example.com", true);
    check("a*c.example.com", "ab.example.com", false);
    check("*", "example.com", false);
    check("*.example.com:5000", "a.example.com:5000", true);
    check("*.example.com", "a.example.com:5000", false);
}
