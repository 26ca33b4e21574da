//! `kubevet vap`: controls as ValidatingAdmissionPolicies, which the API server judges by itself. One file a command.

mod apply;
mod create_policy_binding;
mod deploy_library;
mod diff;
mod export_flags;
mod generate;

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub(super) struct VapCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Print controls as policies and bindings
    Generate(generate::GenerateCommand),
    /// Bring a cluster to what `generate` prints, and take away what it no longer does
    Apply(apply::ApplyCommand),
    /// Which verdicts on objects another version of the policies changes
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
    /// Whatever could not be done.
    pub(super) fn run(self) -> anyhow::Result<u8> {
        match self.what {
            What::Generate(command) => command.run(),
            What::Apply(command) => command.run(),
            What::Diff(command) => command.run(),
            What::DeployLibrary(command) => command.run(),
            What::CreatePolicyBinding(command) => command.run(),
        }
    }
}
