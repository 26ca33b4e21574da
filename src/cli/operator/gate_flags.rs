//! The flags of an operator as flags of `kubevet serve`: each of them needs `--operator`.
//!
//! It is no derived struct, since clap would count a default or a variable of the environment as given.

use super::operator_flags::OperatorFlags;
use clap::{
    Arg, ArgAction, ArgMatches, Args, Command, Error, FromArgMatches, error::ErrorKind,
    parser::ValueSource,
};

/// The flag that adds an operator to the gate.
const OPERATOR: &str = "operator";
const HEADING: &str = "Operator, with --operator";

/// An operator in the process of the gate; `None` without `--operator`.
#[derive(Debug)]
pub(crate) struct OperatorOfGateFlags(pub(crate) Option<OperatorFlags>);

fn operator_args() -> Vec<Arg> {
    let command = OperatorFlags::augment_args(Command::new(OPERATOR));
    command.get_arguments().cloned().collect()
}

impl Args for OperatorOfGateFlags {
    fn augment_args(command: Command) -> Command {
        let flag = Arg::new(OPERATOR)
            .long(OPERATOR)
            .action(ArgAction::SetTrue)
            .help("Run the operator in this process, too, for a small cluster: it evaluates the whole cluster")
;
        let args = operator_args().into_iter();
        command
            .arg(flag)
            .args(args.map(|arg| arg.help_heading(HEADING)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for OperatorOfGateFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        if matches.get_flag(OPERATOR) {
            return OperatorFlags::from_arg_matches(matches).map(|flags| Self(Some(flags)));
        }
        let given = operator_args().into_iter().find(|arg| {
            matches.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine)
        });
        match given.as_ref().and_then(Arg::get_long) {
            Some(name) => Err(Error::raw(
                ErrorKind::MissingRequiredArgument,
                format!("--{name} is a flag of the operator: it needs --operator"),
            )),
            None => Ok(Self(None)),
        }
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Gate {
        #[command(flatten)]
        operator: OperatorOfGateFlags,
    }

    /// True if there is an operator, or the error.
    #[track_caller]
    fn check(arguments: &[&str], expected: Result<bool, &str>) {
        let parsed = Gate::try_parse_from([&["serve"], arguments].concat());
        let found = parsed.map(|gate| gate.operator.0.is_some());
        match (found, expected) {
            (Err(error), Err(expected)) => assert!(error.to_string().contains(expected), "{error}"),
            (found, expected) => assert_eq!(found.ok(), expected.ok(), "{arguments:?}"),
        }
    }

    #[test]
    fn flag_of_the_operator_needs_operator() {
        check(&[], Ok(false));
        check(&["--operator"], Ok(true));
        check(&["--operator", "--framework", "NSA", "--events"], Ok(true));
        check(
            &["--framework", "NSA"],
            Err("--framework is a flag of the operator"),
        );
        check(&["--events"], Err("it needs --operator"));
        check(
            &["--operator", "--all", "--framework", "NSA"],
            Err("cannot be used with"),
        );
    }
}
