//! `kubevet policy`: write controls, and compare them with what is expected of them.
//!
//! | file | is |
//! |---|---|
//! | `test_controls` | `test`: controls against their own test data |
//! | `run_cases` | `cases`: rules against the cases of the public library |
//! | `explain` | `explain`: the compiled form of a rule |
//! | `verify`, `verify_report`, `external_oracle` | `verify`: differential testing, its output, its oracle |

mod explain;
mod external_oracle;
mod run_cases;
mod test_controls;
mod verify;
mod verify_report;

use super::{exit_status::ExitStatus, library_flags::LibraryFlags, terminal};
use clap::{Args, Subcommand};
use kubevet_policy as policy;
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
pub(super) struct PolicyCommand {
    #[command(subcommand)]
    subcommand: PolicySubcommand,
}

#[derive(Debug, Subcommand)]
enum PolicySubcommand {
    /// Create a control: a folder with its texts, its rule and test data, all of which pass
    New {
        /// The id and a short name, such as C-9001-no-dockerhub
        #[arg(value_name = "ID-NAME")]
        name: String,
        /// The folder that the control's folder is made in
        #[arg(long, value_name = "DIR", default_value = ".")]
        dir: PathBuf,
        #[command(flatten)]
        library: LibraryFlags,
    },
    /// Check controls: their files, the profile, and their rules against their own test data
    Test(test_controls::TestCommand),
    /// Compare rules with cases of the public library, or of your own (policies/README.md describes
    /// the format)
    #[command(
        after_help = "Exit status: 0 nothing is unexplained, 1 something is, 2 something does not load"
    )]
    Cases {
        /// A folder of case files, one a rule
        #[arg(value_name = "DIR")]
        dir: PathBuf,
        /// Where differences on purpose are listed with their reasons
        #[arg(long, value_name = "FILE", default_value = "tests/differences.yaml")]
        differences: PathBuf,
        #[command(flatten)]
        library: LibraryFlags,
    },
    /// Prove that all engines give the same verdict: OPA, the engine and exported policies, on
    /// generated objects
    #[command(
        after_help = "Exit status: 0 all agree, 1 two disagree, 2 something does not load or, with --strict, is missing"
    )]
    Verify(verify::VerifyCommand),
    /// Show how a rule is compiled, or why it is not: the program, what it reads, the CEL
    #[command(
        after_help = "Exit status: 0 it is compiled, 1 it is interpreted, 2 it does not load"
    )]
    Explain(explain::ExplainCommand),
}

impl PolicyCommand {
    pub(super) fn run(&self) -> anyhow::Result<ExitStatus> {
        match &self.subcommand {
            PolicySubcommand::New { name, dir, library } => new_control(name, dir, library),
            PolicySubcommand::Test(command) => command.run(),
            PolicySubcommand::Verify(command) => command.run(),
            PolicySubcommand::Explain(command) => command.run(),
            PolicySubcommand::Cases {
                dir,
                differences,
                library,
            } => run_cases::run(dir, differences, library),
        }
    }
}

/// Creates the folder of a new control.
fn new_control(name: &str, dir: &Path, flags: &LibraryFlags) -> anyhow::Result<ExitStatus> {
    let (library, _) = flags.load();
    let files = policy::new_control(name, dir, &library)?;
    let folder = dir.join(name);
    terminal::write_escaped(|out| {
        for file in &files {
            writeln!(out, "{}", file.display())?;
        }
        writeln!(
            out,
            "\nWrite the rule and its test data, then:\n  kubevet policy test {}",
            folder.display()
        )
    })?;
    Ok(ExitStatus::Success)
}
