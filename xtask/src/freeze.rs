//! What the program prints, recorded and compared: help of every command, the corpus as JSON, every control as CEL and as
//! policies, what `policy explain` says of each, the installation, a review, a run of the webhook, and the proof of a fixed
//! seed.
//!
//! A change that is meant to change nothing is compared after every step. Outputs hold no time and no path of the machine.

use crate::webhook_run;
use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Objects of the proof. The whole record takes about a minute in a release build.
const PROOF_COUNT: &str = "100000";

/// Keeps all outputs in `target/freeze`.
///
/// # Errors
/// The program cannot be run, or the files cannot be written.
pub(crate) fn record() -> Result<String, String> {
    let folder = folder();
    let outputs = outputs()?;
    // What an earlier record had and this one lacks must go.
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).map_err(|it| format!("{}: {it}", folder.display()))?;
    for (name, text) in &outputs {
        let path = folder.join(name);
        fs::write(&path, text).map_err(|it| format!("{}: {it}", path.display()))?;
    }
    Ok(format!(
        "{} outputs are in {}",
        outputs.len(),
        folder.display()
    ))
}

/// Compares all outputs with those in `target/freeze`; what differs is kept beside them as `NAME.new`.
///
/// # Errors
/// Names what differs.
pub(crate) fn compare() -> Result<String, String> {
    let folder = folder();
    let outputs = outputs()?;
    let mut different = Vec::new();
    for (name, text) in &outputs {
        let path = folder.join(name);
        if fs::read_to_string(&path).ok().as_deref() != Some(text) {
            let new = folder.join(format!("{name}.new"));
            fs::write(&new, text).map_err(|it| format!("{}: {it}", new.display()))?;
            different.push(format!("  diff {} {}", path.display(), new.display()));
        }
    }
    match different.len() {
        0 => Ok(format!("{} outputs are as they were", outputs.len())),
        count => Err(format!(
            "{count} of {} outputs differ:\n{}",
            outputs.len(),
            different.join("\n")
        )),
    }
}

fn folder() -> PathBuf {
    root().join("target/freeze")
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// All outputs by the name of their file.
fn outputs() -> Result<BTreeMap<String, String>, String> {
    let program = Program::find();
    let mut outputs = BTreeMap::new();
    program.helps(&mut Vec::new(), &mut outputs)?;
    let shared = env::var("KUBEVET_SHARED").unwrap_or_else(|_| "../shared".to_owned());
    let corpus = format!("{shared}/corpus");
    if !root().join(&corpus).is_dir() {
        return Err(format!(
            "{corpus} is not there: KUBEVET_SHARED names the folder that holds the corpus"
        ));
    }
    for (name, arguments) in COMMANDS {
        let arguments: Vec<&str> = arguments
            .iter()
            .map(|it| if *it == "CORPUS" { corpus.as_str() } else { it })
            .collect();
        let text = program.run(&arguments)?;
        // How fast the proof was is not what it found.
        let is_found = |it: &&str| !it.contains(" answers in ");
        outputs.insert(
            (*name).to_owned(),
            text.lines()
                .filter(is_found)
                .flat_map(|it| [it, "\n"])
                .collect(),
        );
    }
    for entry in fs::read_dir(root().join("policies/controls")).map_err(|it| it.to_string())? {
        let name = entry
            .map_err(|it| it.to_string())?
            .file_name()
            .to_string_lossy()
            .into_owned();
        let id = name.split('-').take(2).collect::<Vec<_>>().join("-");
        outputs.insert(
            format!("explain-{id}"),
            program.run(&["policy", "explain", &id])?,
        );
    }
    for form in ["kustomize", "helm"] {
        program.folder(
            &["manifests", "--form", form],
            &format!("manifests-{form}"),
            &mut outputs,
        )?;
    }
    program.folder(
        &["manifests", "monitoring"],
        "manifests-monitoring",
        &mut outputs,
    )?;
    let folder = folder().with_extension("serve");
    outputs.extend(webhook_run::outputs(&program.0, &folder)?);
    Ok(outputs)
}

/// Commands that print on standard output, by the name of their record.
const COMMANDS: &[(&str, &[&str])] = &[
    ("scan-corpus.json", &["scan", "-f", "json", "CORPUS"]),
    ("scan-corpus.txt", &["scan", "CORPUS"]),
    (
        "scan-nsa.json",
        &["scan", "-f", "json", "framework", "NSA", "CORPUS"],
    ),
    ("list-controls", &["list", "controls"]),
    ("vap-pack-written", &["vap", "generate"]),
    (
        "vap-pack-resource",
        &["vap", "generate", "--params", "resource"],
    ),
    (
        "vap-single-written",
        &["vap", "generate", "--one-per-control"],
    ),
    (
        "vap-single-resource",
        &[
            "vap",
            "generate",
            "--one-per-control",
            "--params",
            "resource",
        ],
    ),
    (
        "vap-pack-newest",
        &["vap", "generate", "--min-kube", "1.36"],
    ),
    (
        "vap-single-newest",
        &["vap", "generate", "--one-per-control", "--min-kube", "1.36"],
    ),
    ("vap-library", &["vap", "deploy-library"]),
    ("manifests", &["manifests"]),
    (
        "review",
        &[
            "review",
            "--explain",
            "--bindings",
            "examples/gate/bindings",
            "benches/objects/pod-7k.json",
        ],
    ),
    ("policy-test", &["policy", "test"]),
    (
        "policy-verify",
        &["policy", "verify", "--seed", "1", "--count", PROOF_COUNT],
    ),
];

struct Program(PathBuf);

impl Program {
    fn find() -> Self {
        Self(
            env::var_os("KUBEVET_BIN")
                .map_or_else(|| root().join("target/release/kubevet"), Into::into),
        )
    }

    /// Status, standard output and standard error of a run in the project's folder.
    fn run(&self, arguments: &[&str]) -> Result<String, String> {
        let mut command = Command::new(&self.0);
        command
            .args(arguments)
            .current_dir(root())
            .env("NO_COLOR", "1")
            .env("COLUMNS", "100");
        let output = command
            .output()
            .map_err(|it| format!("{}: {it}", self.0.display()))?;
        let status = output
            .status
            .code()
            .map_or_else(|| "killed".to_owned(), |it| it.to_string());
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(format!(
            "exit {status}\n{}--- stderr\n{}",
            text(&output.stdout),
            text(&output.stderr)
        ))
    }

    /// The help of a command and of those below it.
    fn helps(
        &self,
        path: &mut Vec<String>,
        outputs: &mut BTreeMap<String, String>,
    ) -> Result<(), String> {
        let mut arguments: Vec<&str> = path.iter().map(String::as_str).collect();
        arguments.push("--help");
        let help = self.run(&arguments)?;
        let below: Vec<String> = commands_in(&help).collect();
        outputs.insert(format!("help-{}", path.join("-")), help);
        for command in below {
            path.push(command);
            self.helps(path, outputs)?;
            path.pop();
        }
        Ok(())
    }

    /// Every file that a command writes into a folder.
    fn folder(
        &self,
        arguments: &[&str],
        name: &str,
        outputs: &mut BTreeMap<String, String>,
    ) -> Result<(), String> {
        let into = folder().with_extension("made");
        let _ = fs::remove_dir_all(&into);
        let path = into.display().to_string();
        self.run(&[arguments, &["-o", &path]].concat())?;
        let mut todo = vec![into.clone()];
        let mut files = 0;
        while let Some(folder) = todo.pop() {
            for entry in
                fs::read_dir(&folder).map_err(|it| format!("{}: {it}", folder.display()))?
            {
                let path = entry.map_err(|it| it.to_string())?.path();
                if path.is_dir() {
                    todo.push(path);
                    continue;
                }
                let text =
                    fs::read_to_string(&path).map_err(|it| format!("{}: {it}", path.display()))?;
                let file = path
                    .strip_prefix(&into)
                    .unwrap_or(&path)
                    .display()
                    .to_string()
                    .replace('/', "-");
                outputs.insert(format!("{name}-{file}"), text);
                files += 1;
            }
        }
        let _ = fs::remove_dir_all(&into);
        if files == 0 {
            Err(format!("{name}: nothing was written"))
        } else {
            Ok(())
        }
    }
}

/// The commands that a help text lists, `help` itself left out.
fn commands_in(help: &str) -> impl Iterator<Item = String> {
    let section = help.split("\nCommands:\n").nth(1).unwrap_or_default();
    let lines = section.lines().take_while(|it| it.starts_with("  "));
    let names = lines
        .filter(|it| !it.starts_with("   "))
        .filter_map(|it| it.split_whitespace().next());
    names
        .filter(|it| *it != "help")
        .map(str::to_owned)
        .collect::<Vec<_>>()
        .into_iter()
}

#[cfg(test)]
mod tests {
    use super::commands_in;

    #[test]
    fn commands_of_a_help_text_are_told_from_their_continued_lines() {
        let help = "Usage: x\n\nCommands:\n  scan   Judge\n           and more\n  vap    Controls\n  help   Print\n\nOptions:\n  -h";
        assert_eq!(commands_in(help).collect::<Vec<_>>(), ["scan", "vap"]);
        assert_eq!(commands_in("Usage: x\n\nOptions:\n  -h").count(), 0);
    }
}
