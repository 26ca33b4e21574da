//! The program under record, run as a user runs it.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The outputs by the name of their file.
pub(crate) type Outputs = BTreeMap<String, String>;

/// The folder of the project.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The program, by its path.
pub(crate) struct Program(PathBuf);

impl Program {
    /// Returns the program that `KUBEVET_BIN` names, by default the release build.
    pub(crate) fn find() -> Self {
        let named = env::var_os("KUBEVET_BIN").map(PathBuf::from);
        Self(named.unwrap_or_else(|| root().join("target/release/kubevet")))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Runs the program in the project's folder. Returns its status, standard output and standard
    /// error.
    pub(crate) fn run(&self, arguments: &[&str]) -> Result<String, String> {
        let output = Command::new(&self.0)
            .args(arguments)
            .current_dir(root())
            .env("NO_COLOR", "1")
            .env("COLUMNS", "100")
            .output()
            .map_err(|error| format!("{}: {error}", self.0.display()))?;
        let status = output.status.code();
        let status = status.map_or_else(|| "killed".to_owned(), |code| code.to_string());
        Ok(format!(
            "exit {status}\n{}--- stderr\n{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        ))
    }

    /// Collects the help of a command and of all commands below it. `path` is empty for the
    /// program.
    pub(crate) fn collect_help(
        &self,
        path: &mut Vec<String>,
        outputs: &mut Outputs,
    ) -> Result<(), String> {
        let mut arguments: Vec<&str> = path.iter().map(String::as_str).collect();
        arguments.push("--help");
        let help = self.run(&arguments)?;
        let subcommands = subcommands(&help);
        outputs.insert(format!("help-{}", path.join("-")), help);
        for subcommand in subcommands {
            path.push(subcommand);
            self.collect_help(path, outputs)?;
            path.pop();
        }
        Ok(())
    }

    /// Collects every file that a command writes into a folder. The folder is removed afterwards.
    pub(crate) fn collect_folder(
        &self,
        name: &str,
        arguments: &[&str],
        folder: &Path,
        outputs: &mut Outputs,
    ) -> Result<(), String> {
        let _ = fs::remove_dir_all(folder);
        let path = folder.display().to_string();
        self.run(&[arguments, &["-o", &path]].concat())?;
        let files = read_files(folder)?;
        let _ = fs::remove_dir_all(folder);
        if files.is_empty() {
            return Err(format!("{name}: nothing was written"));
        }
        let files = files.into_iter();
        outputs.extend(files.map(|(file, content)| (format!("{name}-{file}"), content)));
        Ok(())
    }
}

/// Reads every file below a folder, by its relative path with `-` in place of `/`.
fn read_files(root: &Path) -> Result<Outputs, String> {
    let mut files = Outputs::new();
    let mut pending = vec![root.to_owned()];
    while let Some(folder) = pending.pop() {
        let error = |error: std::io::Error| format!("{}: {error}", folder.display());
        for entry in fs::read_dir(&folder).map_err(error)? {
            let path = entry.map_err(error)?.path();
            if path.is_dir() {
                pending.push(path);
                continue;
            }
            let content = fs::read_to_string(&path)
                .map_err(|error| format!("{}: {error}", path.display()))?;
            let relative = path.strip_prefix(root).unwrap_or(&path);
            files.insert(relative.display().to_string().replace('/', "-"), content);
        }
    }
    Ok(files)
}

/// Returns the subcommands that a help text lists, apart from `help` itself.
fn subcommands(help: &str) -> Vec<String> {
    let section = help.split("\nCommands:\n").nth(1).unwrap_or_default();
    section
        .lines()
        .take_while(|line| line.starts_with("  "))
        // A line that is indented further continues the description above it.
        .filter(|line| !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::subcommands;

    #[test]
    fn continued_lines_of_a_help_text_are_no_subcommands() {
        let help = "Usage: x\n\nCommands:\n  scan   Judge\n           and more\n  vap    Controls\n  help   Print\n\nOptions:\n  -h";
        assert_eq!(subcommands(help), ["scan", "vap"]);
        assert_eq!(subcommands("Usage: x\n\nOptions:\n  -h").len(), 0);
    }
}
