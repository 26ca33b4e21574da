//! `kubevet vap`: controls as ValidatingAdmissionPolicies, which the API server evaluates itself.
//! One file per command; `export_flags` has the flags that two of them share.

mod apply;
mod command_line;
mod create_policy_binding;
mod deploy_library;
mod diff;
mod export_flags;
mod generate;

use super::exit_status::ExitStatus;
use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub(super) struct VapCommand {
    #[command(subcommand)]
    subcommand: VapSubcommand,
}

#[derive(Debug, Subcommand)]
enum VapSubcommand {
    /// Print controls as policies and bindings
    Generate(generate::GenerateCommand),
    /// Apply what `generate` prints to a cluster, and with --prune remove what it no longer prints
    Apply(apply::ApplyCommand),
    /// Show which verdicts on objects another version of the policies changes
    Diff(diff::DiffCommand),
    /// Print every control as a policy that nothing binds yet, with the params that they read
    DeployLibrary(deploy_library::DeployLibraryCommand),
    /// Print a binding of one of those policies
    CreatePolicyBinding(create_policy_binding::CreatePolicyBindingCommand),
}

impl VapCommand {
    /// Runs the command.
    ///
    /// # Errors
    /// As those of each command.
    pub(super) fn run(self) -> anyhow::Result<ExitStatus> {
        match self.subcommand {
            VapSubcommand::Generate(command) => command.run(),
            VapSubcommand::Apply(command) => command.run(),
            VapSubcommand::Diff(command) => command.run(),
            VapSubcommand::DeployLibrary(command) => command.run(),
            VapSubcommand::CreatePolicyBinding(command) => command.run(),
        }
    }
}
