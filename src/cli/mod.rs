//! The command line: one file a command. The only place that wires systems together, prints errors and ends the process.

mod bounded_read;
mod completions;
mod library_flags;
mod list;
mod manifests;
mod policy;
mod policy_flags;
mod review;
mod scan;
mod serve;
mod terminal;
mod vap;

use clap::{Parser, Subcommand};
use kubevet_engine::Engine;
use kubevet_model::{Problem, escape_hidden};
use std::{
    io::{self, Write as _},
    process::ExitCode,
};

/// Characters of a line on stderr.
const LINE: usize = 16_000;

#[derive(Debug, Parser)]
#[command(
    name = "kubevet",
    version,
    about = "Judges Kubernetes objects against a library of security controls written in Rego",
    after_help = "Start with:
  kubevet scan deploy/             judge the manifests in a folder
  kubevet list control C-0057      what a control asks, why, and what to do
  kubevet policy new C-9001-mine   begin a control of your own"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Judge manifests: files, folders, patterns, standard input
    Scan(Box<scan::ScanCommand>),
    /// Run the gate: a webhook that an API server asks before it takes an object
    Serve(Box<serve::ServeCommand>),
    /// Answer an AdmissionReview, or a manifest, as the webhook would
    Review(review::ReviewCommand),
    /// Show the controls and frameworks of the library
    List(list::ListCommand),
    /// Write and test controls
    Policy(policy::PolicyCommand),
    /// Print what is applied to a cluster to install the gate
    Manifests(manifests::ManifestsCommand),
    /// Controls as ValidatingAdmissionPolicies, which the API server judges by itself
    Vap(Box<vap::VapCommand>),
    /// Print a completion script for a shell
    Completion(completions::CompletionCommand),
    /// Write the man pages into a folder
    Man(completions::ManCommand),
}

/// Runs the program.
#[must_use]
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    let done = match cli.command {
        Command::Scan(command) => command.run(),
        Command::Serve(command) => command.run(),
        Command::Review(command) => command.run(),
        Command::List(command) => command.run(),
        Command::Policy(command) => command.run(),
        Command::Manifests(command) => command.run(),
        Command::Vap(command) => command.run(),
        Command::Completion(command) => command.run(),
        Command::Man(command) => command.run(),
    };
    ExitCode::from(done.unwrap_or_else(|error| {
        say(&format!("error: {error:#}"));
        2
    }))
}

/// Prints problems on stderr; 2 where there are any.
fn complain(problems: &[Problem]) -> u8 {
    for problem in problems {
        say(&format!("error: {problem}"));
    }
    if problems.is_empty() { 0 } else { 2 }
}

/// Says which rules are not compiled: they are judged all the same, only slower, and are not exported.
fn tell_interpreted(engine: &Engine) {
    for (id, why) in engine.interpreted() {
        say(&format!("note: {id} is interpreted, not compiled: {why}"));
    }
}

/// A line on stderr, what a terminal would obey written out; there is nobody to tell where that is closed.
fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{}", escape_hidden(line, LINE));
}
