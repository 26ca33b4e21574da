//! Docker's external credential programs: `docker-credential-NAME get`.
//!
//! The program gets the name of the registry on standard input and answers with JSON. Its time and its
//! output are bounded; it is killed at the limit. What it prints is never quoted, since it may be a
//! password. Programs are run only for the configuration of the user who runs kubevet, never for a
//! pull secret.

use super::{credential::Credential, error::RegistryError, secret::Secret};
use std::{
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    process::{Child, Command},
    time::timeout,
};

/// The largest answer of a program.
const MAX_OUTPUT: u64 = 64 << 10;
/// The user name that says: the secret is an identity token.
const TOKEN_USER: &str = "<token>";
/// What programs print where they know no credentials for a registry.
const NOT_FOUND: &str = "credentials not found in native keychain";

#[derive(serde::Deserialize)]
struct Answer {
    #[serde(rename = "Username")]
    user: String,
    #[serde(rename = "Secret")]
    secret: String,
}

/// Asks a program for the credential of a registry; `None` where it knows none.
pub(crate) async fn ask(
    program: &str,
    folder: Option<&Path>,
    key: &str,
    limit: Duration,
) -> Result<Option<Credential>, RegistryError> {
    let failed = |reason: String| RegistryError::CredentialProgram {
        program: program.to_owned(),
        reason,
    };
    let file = format!("docker-credential-{program}");
    let path = folder.map_or_else(|| PathBuf::from(&file), |folder| folder.join(&file));
    let child = start(&path).map_err(|error| {
        let place = folder.map_or_else(|| "PATH".to_owned(), |folder| folder.display().to_string());
        failed(format!("it could not be started from {place}: {error}; install it, or take it out of Docker's configuration"))
    })?;
    let (status, output) = timeout(limit, converse(child, key))
        .await
        .map_err(|_| failed(format!("no answer within {} s", limit.as_secs_f32())))?
        .map_err(|error| failed(format!("it broke off: {error}")))?;
    read_answer(status, &output).map_err(failed)
}

fn start(path: &Path) -> std::io::Result<Child> {
    Command::new(path)
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
}

async fn converse(mut child: Child, key: &str) -> std::io::Result<(ExitStatus, Vec<u8>)> {
    if let Some(mut input) = child.stdin.take() {
        // A program that needs no input may have closed it; its status tells whether it failed.
        let _ = input.write_all(format!("{key}\n").as_bytes()).await;
    }
    let mut output = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        stdout.take(MAX_OUTPUT + 1).read_to_end(&mut output).await?;
    }
    if output.len() as u64 > MAX_OUTPUT {
        child.kill().await?;
    }
    Ok((child.wait().await?, output))
}

fn read_answer(status: ExitStatus, output: &[u8]) -> Result<Option<Credential>, String> {
    if output.len() as u64 > MAX_OUTPUT {
        return Err(format!("it printed more than {MAX_OUTPUT} bytes"));
    }
    if !status.success() {
        let text = String::from_utf8_lossy(output);
        if text.trim().eq_ignore_ascii_case(NOT_FOUND) {
            return Ok(None);
        }
        return Err(format!(
            "it failed ({status}); run `docker-credential-… get` by hand to see why"
        ));
    }
    let answer: Answer = serde_json::from_slice(output)
        .map_err(|_| "its answer is not JSON with Username and Secret".to_owned())?;
    let secret = Secret::new(answer.secret);
    Ok(match answer.user.as_str() {
        _ if secret.expose().is_empty() => None,
        TOKEN_USER => Some(Credential::IdentityToken(secret)),
        _ => Some(Credential::Basic {
            user: answer.user,
            password: secret,
        }),
    })
}
