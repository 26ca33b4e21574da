//! The command line: one file per command.
//!
//! It is the only place that wires systems together, prints errors and ends the process.
//!
//! | file | is |
//! |---|---|
//! | `review`, `list`, `binding`, `sbom`, `manifests`, `completions` | one command each |
//! | `scan/`, `serve/`, `operator/`, `promote/`, `policy/`, `vap/`, `db/` | one command each, or the commands of one group |
//! | `session` | the compiled policy library of a command, with its problems |
//! | `library_flags`, `policy_flags` | flags that several commands share, and what they load |
//! | `json_fields`, `text_table` | fields of a status; columns that line up |
//! | `exit_status`, `stderr`, `terminal` | the ways out: status, messages, standard output |
//! | `kubernetes_version` | the versions that policies are exported for |
//! | `image_inventory` | the packages of an image, from wherever it is |
//! | `cluster_access` | the flags that name a cluster |
//! | `cluster_binding` | a ControlBinding of a cluster, as gate and operator read it |
//! | `duration` | durations on the command line |
//! | `program_log/`, `signals`, `watchdog` | the log of a process that serves, its signals, and the end of one that hangs |
//! | `bounded_read`, `file_fingerprint` | reads a file up to a limit, notices changed files |

mod binding;
mod bounded_read;
mod cluster_access;
mod cluster_binding;
mod completions;
mod db;
mod duration;
mod exit_status;
mod file_fingerprint;
mod image_inventory;
mod json_fields;
mod kubernetes_version;
mod library_flags;
mod list;
mod manifests;
mod operator;
mod policy;
mod policy_flags;
mod program_log;
mod promote;
mod review;
mod sbom;
mod scan;
mod serve;
mod session;
mod signals;
mod stderr;
mod terminal;
mod text_table;
mod vap;
mod watchdog;

use clap::{Parser, Subcommand};
use exit_status::ExitStatus;
use std::process::ExitCode;

#[derive(Debug, Parser)]
#[command(
    name = "kubevet",
    version,
    about = "Checks Kubernetes manifests and requests against security controls written in Rego",
    after_help = "Start with:
  kubevet scan deploy/             check the manifests in a folder
  kubevet list control C-0057      what a control checks, why, and what to do
  kubevet policy new C-9001-mine   begin a control of your own"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check manifests: files, folders, patterns, standard input
    Scan(Box<scan::ScanCommand>),
    /// List what is installed in an image or a folder, as an SBOM
    Sbom(sbom::SbomCommand),
    /// Run the admission webhook, which an API server calls before it stores an object
    Serve(Box<serve::ServeCommand>),
    /// Run the operator, which keeps the results of a whole cluster up to date
    Operator(Box<operator::OperatorCommand>),
    /// Answer an AdmissionReview, or a manifest, as the webhook would
    Review(review::ReviewCommand),
    /// Show the controls and frameworks of the library
    List(list::ListCommand),
    /// Check ControlBindings in files
    Binding(binding::BindingCommand),
    /// Show what a binding would deny, and move it from Audit to Deny where that is nothing
    Promote(Box<promote::PromoteCommand>),
    /// Write and test controls
    Policy(policy::PolicyCommand),
    /// Print the manifests that install the gate in a cluster
    Manifests(manifests::ManifestsCommand),
    /// Export controls as ValidatingAdmissionPolicies, which the API server evaluates itself
    Vap(Box<vap::VapCommand>),
    /// Import, update and search the vulnerability database that images are matched with
    Db(db::DbCommand),
    /// Print a completion script for a shell
    Completion(completions::CompletionCommand),
    /// Write the man pages into a folder
    Man(completions::ManCommand),
}

impl Command {
    fn run(self) -> anyhow::Result<ExitStatus> {
        match self {
            Self::Scan(command) => command.run(),
            Self::Sbom(command) => command.run(),
            Self::Serve(command) => command.run(),
            Self::Operator(command) => command.run(),
            Self::Review(command) => command.run(),
            Self::List(command) => command.run(),
            Self::Binding(command) => command.run(),
            Self::Promote(command) => command.run(),
            Self::Policy(command) => command.run(),
            Self::Manifests(command) => command.run(),
            Self::Vap(command) => command.run(),
            Self::Db(command) => command.run(),
            Self::Completion(command) => command.run(),
            Self::Man(command) => command.run(),
        }
    }
}

/// Runs the program with the arguments of the process.
#[must_use]
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    let status = cli.command.run().unwrap_or_else(|error| {
        stderr::print_error(&error);
        ExitStatus::Failure
    });
    status.into()
}
