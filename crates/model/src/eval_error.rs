//! The reasons for which a control gives no verdict on an object. Callers decide by the variant,
//! never by the message.

use std::fmt;

/// A tier of the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EvalTier {
    /// The evaluator of compiled controls.
    Compiled,
    /// The interpreter, which runs the rules that the compiler rejects.
    Interpreted,
}

/// An evaluation that gave no verdict. `Display` writes the reason for the person who runs it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum EvalError {
    /// The caller's deadline passed before the evaluation was complete. A later attempt may
    /// succeed.
    Deadline(EvalTier),
    /// The rule took longer in the interpreter than a rule may.
    TimeLimit {
        /// The limit in milliseconds.
        limit_ms: u64,
    },
    /// The object took more steps than an evaluation may.
    StepLimit {
        /// The limit in steps.
        max_steps: u64,
    },
    /// The rule made more strings or values than an evaluation may.
    MemoryLimit {
        /// The tier whose limit was exceeded.
        tier: EvalTier,
        /// The limit in MiB.
        max_mib: u64,
    },
    /// The rule failed, or its findings do not have the documented form. The message is for the
    /// rule's author.
    RuleFailed(String),
    /// The rule did not load. The problems of compiling the library say why.
    NotLoaded,
}

impl fmt::Display for EvalError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deadline(EvalTier::Compiled) => {
                out.write_str("there was no time left to evaluate the object")
            }
            Self::Deadline(EvalTier::Interpreted) => {
                out.write_str("there was no time left to ask the rule")
            }
            Self::TimeLimit { limit_ms } => {
                write!(out, "the rule takes longer than {limit_ms} ms")
            }
            Self::StepLimit { max_steps } => write!(
                out,
                "the object is so large that its evaluation takes more than {max_steps} steps"
            ),
            Self::MemoryLimit {
                tier: EvalTier::Compiled,
                max_mib,
            } => write!(
                out,
                "the rule makes more than {max_mib} MiB of texts of this object"
            ),
            Self::MemoryLimit {
                tier: EvalTier::Interpreted,
                max_mib,
            } => write!(out, "the rule makes more than {max_mib} MiB of values"),
            Self::RuleFailed(message) => out.write_str(message),
            Self::NotLoaded => out.write_str("its rule does not load"),
        }
    }
}

impl std::error::Error for EvalError {}

#[cfg(test)]
mod tests {
    use super::{EvalError, EvalTier};

    #[test]
    fn each_variant_has_its_message() {
        let cases = [
            (
                EvalError::Deadline(EvalTier::Compiled),
                "there was no time left to evaluate the object",
            ),
            (
                EvalError::Deadline(EvalTier::Interpreted),
                "there was no time left to ask the rule",
            ),
            (
                EvalError::TimeLimit { limit_ms: 100 },
                "the rule takes longer than 100 ms",
            ),
            (
                EvalError::StepLimit {
                    max_steps: 200_000_000,
                },
                "the object is so large that its evaluation takes more than 200000000 steps",
            ),
            (
                EvalError::MemoryLimit {
                    tier: EvalTier::Compiled,
                    max_mib: 16,
                },
                "the rule makes more than 16 MiB of texts of this object",
            ),
            (
                EvalError::MemoryLimit {
                    tier: EvalTier::Interpreted,
                    max_mib: 32,
                },
                "the rule makes more than 32 MiB of values",
            ),
            (
                EvalError::RuleFailed("a finding without `paths`".to_owned()),
                "a finding without `paths`",
            ),
            (EvalError::NotLoaded, "its rule does not load"),
        ];
        for (error, expected) in cases {
            assert_eq!(error.to_string(), expected);
        }
    }
}
