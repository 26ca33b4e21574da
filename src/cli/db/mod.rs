//! `kubevet db`: the vulnerability database that images are matched with.
//!
//! | file | is |
//! |---|---|
//! | `import` | makes a database from files |
//! | `update` | downloads Grype's database and makes one from it |
//! | `download` | the requests of an update |
//! | `status` | how old the database is, and whether it is whole |
//! | `search` | what it has about a package or a vulnerability |
//! | `compare` | what differs between two databases |
//! | `db_flags` | the flag `--db`, and options of imports |
//! | `summary` | an import for people and as JSON |

mod compare;
mod db_flags;
mod download;
mod import;
mod search;
mod status;
mod summary;
mod update;

use super::exit_status::ExitStatus;
use clap::{Args, Subcommand, ValueEnum};

#[derive(Debug, Args)]
#[command(after_help = "Begin with one of:
  kubevet db update                              download Grype's database and import it
  kubevet db import vulnerability-db_v6.tar.zst  import a file, without a network

docs/images.md explains the sources, and how to keep a database up to date without a network.")]
pub(super) struct DbCommand {
    #[command(subcommand)]
    action: DbAction,
}

#[derive(Debug, Subcommand)]
enum DbAction {
    /// Make the database from files: Grype's database, OSV, secdb, KEV, EPSS
    Import(import::ImportCommand),
    /// Download Grype's database and make the database from it
    Update(update::UpdateCommand),
    /// Show what the database was made from and how old it is, and check that it is whole
    Status(status::StatusCommand),
    /// Show what the database has about a package or a vulnerability
    Search(search::SearchCommand),
    /// Show what differs between two databases
    Diff(compare::DiffCommand),
}

/// The form of the output.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum OutputFormat {
    /// Lines for people.
    #[default]
    Pretty,
    /// JSON.
    Json,
}

impl DbCommand {
    /// Runs the command.
    ///
    /// # Errors
    /// A source or the database cannot be read, or the output cannot be written.
    pub(super) fn run(&self) -> anyhow::Result<ExitStatus> {
        match &self.action {
            DbAction::Import(command) => command.run(),
            DbAction::Update(command) => command.run(),
            DbAction::Status(command) => command.run(),
            DbAction::Search(command) => command.run(),
            DbAction::Diff(command) => command.run(),
        }
    }
}
