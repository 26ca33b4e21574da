//! The stable codes of problems: one table with the number, the name and the meaning of each.
//!
//! A code identifies a kind of problem for users who search for it and for programs that read the
//! JSON report. A number is never used again for something else, and never changes once it is
//! released. `docs/problems.md` is generated here.

use std::fmt;

macro_rules! problem_codes {
    ($($variant:ident, $number:literal, $name:literal, $meaning:literal;)*) => {
        /// The kind of a problem, as a number that users can search for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ProblemCode {
            $(#[doc = $meaning] $variant,)*
        }

        impl ProblemCode {
            /// Every code, by number.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The number with its prefix, such as `KV2004`.
            #[must_use]
            pub fn number(self) -> &'static str {
                match self {
                    $(Self::$variant => $number,)*
                }
            }

            /// The name, such as `policy-invalid-field`.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// The meaning, as one sentence.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self {
                    $(Self::$variant => $meaning,)*
                }
            }
        }
    };
}

problem_codes! {
    InputUnreadable, "KV1001", "input-unreadable",
        "A path does not exist, matches no file or cannot be read.";
    InputTooLarge, "KV1002", "input-too-large",
        "A file has more bytes than are read.";
    InputSyntax, "KV1003", "input-syntax",
        "A document is not valid JSON or YAML, or exceeds a limit on depth, nodes or aliases.";
    InputNotAnObject, "KV1004", "input-not-an-object",
        "A document or an item of a list should be a Kubernetes object, but lacks an identifying field or has a malformed one.";
    InputEmpty, "KV1005", "input-empty",
        "The paths hold no Kubernetes object.";
    InputNotChecked, "KV1006", "input-not-checked",
        "Objects were read, but no control checked any of them.";
    InputUnknownKind, "KV1007", "input-unknown-kind",
        "An object resembles a built-in kind, but Kubernetes does not serve its group, version or kind.";
    InputWrongType, "KV1008", "input-wrong-type",
        "A value has a type with which the API server refuses the object.";
    InputUnknownField, "KV1009", "input-unknown-field",
        "With --schema strict: an object has a field that Kubernetes does not know.";
    PolicyUnreadable, "KV2001", "policy-unreadable",
        "A file or folder of policies, bindings or test data cannot be read, or holds more than is read.";
    PolicyUnusedFile, "KV2002", "policy-unused-file",
        "A file in a policy folder has a name or a place under which nothing reads it.";
    PolicyEmpty, "KV2003", "policy-empty",
        "A file or folder holds no control or no binding.";
    PolicyInvalidField, "KV2004", "policy-invalid-field",
        "A field of a policy file is missing, unknown or repeated, or has a value that is not allowed.";
    PolicyDuplicate, "KV2005", "policy-duplicate",
        "Another control, module, framework or binding already has this id, package or name.";
    PolicyIncomplete, "KV2006", "policy-incomplete",
        "A control lacks its control.yaml, its rule.rego or its METADATA block.";
    PolicyControlId, "KV2007", "policy-control-id",
        "The name of a control's folder has no id, or not the id in control.yaml.";
    PolicyPackage, "KV2008", "policy-package",
        "A module does not declare the package that its control or folder requires.";
    PolicyParam, "KV2009", "policy-param",
        "A rule or a control uses a param that is not declared.";
    PolicyUnusedDifference, "KV2010", "policy-unused-difference",
        "A listed difference from the public library names a case that no control runs.";
    BindingNeedsCluster, "KV2011", "binding-needs-cluster",
        "A binding selects namespaces by labels, and no cluster is configured.";
    BindingNoEffect, "KV2012", "binding-no-effect",
        "A binding, or a part of it, has no effect: a control is not configured, or a resource rule matches nothing that is checked.";
    BindingCaveat, "KV2013", "binding-caveat",
        "A binding has an effect that its author may not expect.";
    RegoSourceLimit, "KV3001", "rego-source-limit",
        "A rule's source exceeds a limit on size, line length or nesting, or has a control character.";
    RegoSyntax, "KV3002", "rego-syntax",
        "A rule is not valid Rego.";
    RegoUndefinedName, "KV3003", "rego-undefined-name",
        "A rule refers to a name that no module defines.";
    RegoBuiltin, "KV3004", "rego-builtin",
        "A rule calls a builtin that is not on the allow-list.";
    RegoComplexity, "KV3005", "rego-complexity",
        "A rule is recursive, or exceeds a limit on depth, copies or the number of rules.";
    RegoNoDeny, "KV3006", "rego-no-deny",
        "A rule does not define `deny`, so it can find nothing.";
    // One code for all refusals: the message has the number of the profile's rule, which leads to
    // the examples in policies/README.md.
    RegoNotCompiled, "KV3007", "rego-not-compiled",
        "A rule is outside the profile and runs in the interpreter.";
    RegoLint, "KV3008", "rego-lint",
        "A rule does not keep to the rules of style in policies/README.md.";
    RegoFindingForm, "KV3009", "rego-finding-form",
        "A finding of a rule lacks a field that it needs, or has a value of the wrong type; or `applies` is not a condition.";
}

impl fmt::Display for ProblemCode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.number())
    }
}

#[cfg(test)]
mod tests {
    use super::ProblemCode;
    use kubevet_testkit::snapshot::assert_matches_file;
    use std::{collections::BTreeSet, fmt::Write as _};

    #[test]
    fn numbers_are_unique_and_ascending() {
        let numbers: Vec<&str> = ProblemCode::ALL.iter().map(|code| code.number()).collect();
        assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(
            numbers
                .iter()
                .all(|number| number.len() == 6 && number.starts_with("KV"))
        );
    }

    #[test]
    fn names_are_unique() {
        let names: BTreeSet<&str> = ProblemCode::ALL.iter().map(|code| code.name()).collect();
        assert_eq!(names.len(), ProblemCode::ALL.len());
    }

    #[test]
    fn the_documentation_lists_every_code() {
        let mut expected = String::from(
            "# Problem codes\n\n\
             Each problem in the JSON report has a `code`. A code never changes its meaning.\n\
             Generated from `crates/model/src/problem_code.rs`: `UPDATE=1 cargo test` rewrites it.\n\n\
             | code | name | meaning |\n|---|---|---|\n",
        );
        for code in ProblemCode::ALL {
            let _ = writeln!(
                expected,
                "| {code} | {} | {} |",
                code.name(),
                code.meaning()
            );
        }
        assert_matches_file("docs/problems.md", &expected);
    }
}
