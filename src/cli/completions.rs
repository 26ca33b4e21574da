//! `kubevet completion` and `kubevet man`: what is generated from the definitions of all commands.

use super::{Cli, exit_status::ExitStatus, terminal};
use anyhow::Context as _;
use clap::{Args, CommandFactory as _};
use std::{fs, path::PathBuf};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  source <(kubevet completion bash)
  kubevet completion zsh > ~/.zfunc/_kubevet
  kubevet completion fish > ~/.config/fish/completions/kubevet.fish")]
pub(super) struct CompletionCommand {
    /// Which shell
    shell: clap_complete::Shell,
}

impl CompletionCommand {
    pub(super) fn run(&self) -> anyhow::Result<ExitStatus> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "kubevet", &mut script);
        terminal::write(None, |out| out.write_all(&script))?;
        Ok(ExitStatus::Success)
    }
}

#[derive(Debug, Args)]
pub(super) struct ManCommand {
    /// The folder, created if it is missing; read a page with `man -l DIR/kubevet.1`
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

impl ManCommand {
    pub(super) fn run(&self) -> anyhow::Result<ExitStatus> {
        let name = self.folder.display();
        fs::create_dir_all(&self.folder).with_context(|| format!("cannot make {name}"))?;
        clap_mangen::generate_to(Cli::command(), &self.folder)
            .with_context(|| format!("cannot write into {name}"))?;
        Ok(ExitStatus::Success)
    }
}
