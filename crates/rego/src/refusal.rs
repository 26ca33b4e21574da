//! The refusals of the compiler: every reason why a rule is outside the profile.
//!
//! Each has the number of the rule of the profile that it breaks (`policies/README.md`, "The
//! profile"), what is wrong, and what to write instead. Lowering is the only place that refuses,
//! so this list is the definition of the profile.

use std::fmt;

/// Why a construct of a rule is not compiled.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refusal {
    /// `input`, `input.params` or `input.request` as a value.
    WholeInput,
    /// A field of `input` that the compiler does not know.
    InputField(String),
    /// A field of `input.request` other than `operation`.
    RequestField(String),
    /// A param that `params.yaml` does not define.
    UnknownParam(String),
    /// A package, or a name in none, as a value.
    PackageAsValue,
    /// A call of a name that no module defines.
    UndefinedRule(String),

    /// `deny` is no `contains` rule.
    DenyForm,
    /// `deny` has several bodies in one rule.
    DenyBodies,
    /// The finding is no literal object.
    FindingForm,
    /// The finding has no `message`.
    MessageMissing,
    /// The finding has no literal list `paths`.
    PathsMissing,
    /// The list `paths` is empty.
    PathsEmpty,
    /// The finding has no literal list `fixes`.
    FixesMissing,
    /// A fix is no literal object.
    FixForm,
    /// A fix has no `path`.
    FixPathMissing,
    /// A fix has neither `value` nor `remove`, or both.
    FixAction,
    /// A `default` rule or a `contains` rule is called.
    DefaultOrContainsCalled,
    /// A rule has several bodies that are no `else`.
    SiblingBodies,
    /// A `contains` rule without an element.
    ElementMissing,
    /// Several definitions of a helper, by name, that may have different values.
    ConflictingDefinitions(String),
    /// A helper is called with a wrong number of arguments.
    ArgumentCount {
        /// The number that the helper takes.
        expected: usize,
        /// The number that it is given.
        given: usize,
    },
    /// A helper's value depends on the element that `some` is at.
    ValueOfElement,
    /// A helper's value depends on which element of a literal list is taken.
    ValueOfAlternative,

    /// A `with` modifier.
    With,
    /// `some x` without `in`.
    SomeWithoutIn,
    /// `some` with a pattern.
    SomePattern,
    /// `:=` with a pattern.
    AssignPattern,
    /// `_` as an index.
    Wildcard,
    /// A name that is not bound yet.
    Unbound(String),
    /// `=`, or `:=` inside an expression.
    Unification,
    /// A negated call whose argument may be undefined.
    UndefinedUnderNot,
    /// `not` before something else than a reference, `==` or a call.
    NegationForm,

    /// The collection of `some` or `every` is none.
    NotIterable,
    /// `every` over a `contains` rule.
    EveryOfContains,
    /// The key of a container or volume of the library.
    WorkloadKey,
    /// Too many combinations of elements of literal lists.
    TooManyAlternatives,
    /// `k, v in …` as a condition.
    MembershipWithKey,
    /// A container or volume of the library as a value.
    ElementAsValue,
    /// A list of the library, or a `contains` rule, as a value.
    ListAsValue,
    /// A literal collection as a value.
    LiteralAsValue,
    /// A comprehension.
    Comprehension,

    /// A condition as a value.
    ConditionAsValue,
    /// Arithmetic.
    Arithmetic,
    /// Union or intersection.
    SetOperation,
    /// A number that is not whole or has more than 64 bits.
    NumberRange,
    /// A string literal that the parser gave no value.
    UnreadableString,
    /// A key of a literal object that is no string literal.
    ComputedKey,
    /// An index into something that has none.
    NotIndexable,
    /// `<` and the like of a literal list or map.
    UnorderedLiteral,
    /// A function that is given a wrong number of arguments.
    FunctionGiven {
        /// The function.
        name: String,
        /// The number of arguments that it is given.
        given: usize,
    },
    /// A function of the library that takes another number of arguments.
    FunctionTakes {
        /// The function.
        name: String,
        /// The number of arguments that it takes.
        expected: usize,
    },
    /// `split` without an index or a count.
    SplitForm,
    /// A builtin that has no exact translation.
    Builtin(String),
    /// `replace` of something else than a literal, or of the empty string.
    ReplaceOperand,
    /// `replace` by a longer string.
    ReplaceGrows,
    /// `object.get` without three arguments.
    ObjectGetArguments,
    /// `concat` without two arguments.
    ConcatArguments,
    /// `concat` without a literal separator and list.
    ConcatForm,
    /// `count` without one argument.
    CountArguments,
    /// `count` of a literal set.
    CountOfSet,

    /// A literal pattern that is rejected, with the reason.
    InvalidPattern(String),
    /// A pattern that is neither a literal nor an element of a param of type `regexes`.
    ComputedPattern,

    /// `sprintf` without two arguments.
    SprintfArguments,
    /// `sprintf` without a literal format and list.
    SprintfForm,
    /// A verb other than `%s` and `%d`: the character behind the percent sign.
    SprintfVerb(String),
    /// `%d` of something that may be no whole number, or a verb without a value.
    SprintfValue,
    /// More values than verbs.
    SprintfSurplus,
    /// A part of a finding that may be undefined or no string.
    MaybeUndefined {
        /// The part: "the message", "a path".
        part: &'static str,
        /// The term of which it is made, as `policy explain` shows terms.
        term: String,
    },
    /// The value of a fix may be undefined.
    FixMaybeUndefined,

    /// The rule is too large once its helpers are inlined.
    RuleTooLarge,
    /// A string with too many parts.
    StringTooLong,
}

impl Refusal {
    /// The number of the rule of the profile that is broken.
    #[must_use]
    pub fn profile_rule(&self) -> u8 {
        match self {
            Self::WholeInput
            | Self::InputField(_)
            | Self::RequestField(_)
            | Self::UnknownParam(_)
            | Self::PackageAsValue
            | Self::UndefinedRule(_) => 1,
            Self::DenyForm
            | Self::DenyBodies
            | Self::FindingForm
            | Self::MessageMissing
            | Self::PathsMissing
            | Self::PathsEmpty
            | Self::FixesMissing
            | Self::FixForm
            | Self::FixPathMissing
            | Self::FixAction
            | Self::DefaultOrContainsCalled
            | Self::SiblingBodies
            | Self::ElementMissing
            | Self::ConflictingDefinitions(_)
            | Self::ArgumentCount { .. }
            | Self::ValueOfElement
            | Self::ValueOfAlternative => 2,
            Self::With
            | Self::SomeWithoutIn
            | Self::SomePattern
            | Self::AssignPattern
            | Self::Wildcard
            | Self::Unbound(_)
            | Self::Unification
            | Self::UndefinedUnderNot
            | Self::NegationForm => 3,
            Self::NotIterable
            | Self::EveryOfContains
            | Self::WorkloadKey
            | Self::TooManyAlternatives
            | Self::MembershipWithKey
            | Self::ElementAsValue
            | Self::ListAsValue
            | Self::LiteralAsValue
            | Self::Comprehension => 4,
            Self::ConditionAsValue
            | Self::Arithmetic
            | Self::SetOperation
            | Self::NumberRange
            | Self::UnreadableString
            | Self::ComputedKey
            | Self::NotIndexable
            | Self::UnorderedLiteral
            | Self::FunctionGiven { .. }
            | Self::FunctionTakes { .. }
            | Self::SplitForm
            | Self::Builtin(_)
            | Self::ReplaceOperand
            | Self::ReplaceGrows
            | Self::ObjectGetArguments
            | Self::ConcatArguments
            | Self::ConcatForm
            | Self::CountArguments
            | Self::CountOfSet => 5,
            Self::InvalidPattern(_) | Self::ComputedPattern => 6,
            Self::SprintfArguments
            | Self::SprintfForm
            | Self::SprintfVerb(_)
            | Self::SprintfValue
            | Self::SprintfSurplus
            | Self::MaybeUndefined { .. }
            | Self::FixMaybeUndefined => 7,
            Self::RuleTooLarge | Self::StringTooLong => 8,
        }
    }

    /// The message of a refusal without data: the fault, and what to write instead.
    fn fixed_message(&self) -> &'static str {
        match self {
            Self::WholeInput => "all of `input` at once is not compiled: name what you read of it",
            Self::PackageAsValue => {
                "nothing of this name can be compiled: import rules of data.lib one by one"
            }
            Self::DenyForm => "write `deny contains finding if { … }`",
            Self::DenyBodies => "write one body: `deny contains finding if { … }`",
            Self::FindingForm => {
                "write the finding out: {\"message\": …, \"paths\": […], \"fixes\": […]}"
            }
            Self::MessageMissing => "a finding needs a `message`",
            Self::PathsMissing => "a finding needs `paths`, a list that is written out",
            Self::PathsEmpty => "a finding needs at least one path",
            Self::FixesMissing => {
                "a finding needs `fixes`, a list that is written out; [] where there are none"
            }
            Self::FixForm => {
                "write a fix out: {\"path\": …, \"value\": …} or {\"path\": …, \"remove\": true}"
            }
            Self::FixPathMissing => "a fix needs a `path`",
            Self::FixAction => "a fix needs either `value` or `remove: true`",
            Self::DefaultOrContainsCalled => {
                "`default` and `contains` are not compiled for a helper that is called: write \
                 `else`"
            }
            Self::SiblingBodies => {
                "bodies side by side are not compiled: write `else`, or two rules"
            }
            Self::ElementMissing => {
                "a rule that contains must say what: write `name contains x if …`"
            }
            Self::ValueOfElement => {
                "the value hangs on what `some` finds, which may be several things, a conflict in \
                 Rego: make it a rule that contains"
            }
            Self::ValueOfAlternative => {
                "the value hangs on which element of a list is taken, a conflict in Rego: use \
                 `else`"
            }
            Self::With => "no `with`: pass an argument",
            Self::SomeWithoutIn => "`some x` alone is not compiled: write `some x in …`",
            Self::SomePattern => "`some` binds plain names: compare them on a line of their own",
            Self::AssignPattern => "only one name can be bound by `:=`: bind the parts one by one",
            Self::Wildcard => "no `_`: write `some x in …`",
            Self::Unification => "bind with `:=` on a line of its own; no `=`",
            Self::UndefinedUnderNot => {
                "where this is undefined, `not` is undefined too and the finding is lost: bind it \
                 by `:=` on a line of its own, or write a helper and negate that"
            }
            Self::NegationForm => {
                "`not` may stand before a reference, `==` or a helper: write a helper and negate \
                 that"
            }
            Self::NotIterable => "this is nothing to go over",
            Self::EveryOfContains => {
                "`every` over rules that contain is not compiled: negate a helper that finds one \
                 that does not"
            }
            Self::WorkloadKey => {
                "the place in the library's list means nothing: leave the first name out"
            }
            Self::TooManyAlternatives => {
                "too many literal lists inside one another: give one of them to a helper"
            }
            Self::MembershipWithKey => {
                "`k, v in …` as a condition is not compiled: bind them with `some`"
            }
            Self::ElementAsValue => {
                "a whole container or volume of the library is not compiled as a value: name its \
                 field"
            }
            Self::ListAsValue => {
                "a whole list of rules is not compiled as a value: go over it with `some … in`"
            }
            Self::LiteralAsValue => {
                "a collection that is written out is not compiled as a value: compare its parts, \
                 or ask with `in`"
            }
            Self::Comprehension => {
                "comprehensions belong into policies/lib: ask with `some … in`, or write rules \
                 that contain"
            }
            Self::ConditionAsValue => {
                "a condition is no value (false is not undefined): give it a line of its own"
            }
            Self::Arithmetic => {
                "no arithmetic: compare whole numbers, and quantities through lib.quantities"
            }
            Self::SetOperation => "no union or intersection: write two bodies",
            Self::NumberRange => "numbers must be integers of 64 bits",
            Self::UnreadableString => "this text cannot be read",
            Self::ComputedKey => "the keys of a map must be written out",
            Self::NotIndexable => "this cannot be indexed: write the key out",
            Self::UnorderedLiteral => "lists and maps are not ordered: compare what is in them",
            Self::SplitForm => "of `split`, the compiler takes `split(…)[n]` and `count(split(…))`",
            Self::ReplaceOperand => {
                "what `replace` looks for must be written out, and not be empty"
            }
            Self::ReplaceGrows => "a `replace` that makes a text longer is not compiled",
            Self::ObjectGetArguments => {
                "object.get takes an object, a path and what to fall back to"
            }
            Self::ConcatArguments => "concat takes a text and a list",
            Self::ConcatForm => "the text and the list of concat must be written out",
            Self::CountArguments => "count takes one argument",
            Self::CountOfSet => "a set that is written out needs no counting",
            Self::ComputedPattern => {
                "a pattern must be written out, or an element of a param of type `regexes`"
            }
            Self::SprintfArguments => "sprintf takes a format and a list",
            Self::SprintfForm => "the format and the list of sprintf must be written out",
            Self::SprintfValue => {
                "%d is for the place in a list or a count, and each verb needs its value"
            }
            Self::SprintfSurplus => "the list has more values than the format has verbs",
            Self::FixMaybeUndefined => {
                "the value of a fix may be undefined, which would undo the finding: ask for what \
                 it needs in the body"
            }
            Self::RuleTooLarge => {
                "the rule becomes too large when its helpers are put in place: split it"
            }
            Self::StringTooLong => "the text becomes too long to be compiled: build less",
            Self::InputField(_)
            | Self::RequestField(_)
            | Self::UnknownParam(_)
            | Self::UndefinedRule(_)
            | Self::ConflictingDefinitions(_)
            | Self::ArgumentCount { .. }
            | Self::Unbound(_)
            | Self::FunctionGiven { .. }
            | Self::FunctionTakes { .. }
            | Self::Builtin(_)
            | Self::InvalidPattern(_)
            | Self::SprintfVerb(_)
            | Self::MaybeUndefined { .. } => "",
        }
    }
}

/// The message with the number of the profile's rule: `no \`with\`: … (profile rule 3)`.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InputField(name) => write!(
                f,
                "input has no `{name}` that is compiled, only object, params and request.operation"
            ),
            Self::RequestField(name) => write!(
                f,
                "`input.request.{name}` is not compiled: only input.request.operation is"
            ),
            Self::UnknownParam(name) => write!(f, "there is no param `{name}`"),
            Self::UndefinedRule(name) => write!(f, "`{name}` is no rule that can be compiled"),
            Self::ConflictingDefinitions(name) => write!(
                f,
                "`{name}` has several definitions that may disagree, which is a conflict in Rego: \
                 join them with `else`"
            ),
            Self::ArgumentCount { expected, given } => {
                write!(f, "it takes {expected} arguments and is given {given}")
            }
            Self::Unbound(name) => write!(
                f,
                "`{name}` is not bound yet: bind it above, by `:=` or `some {name} in …`"
            ),
            Self::FunctionGiven { name, given } => {
                write!(f, "`{name}` is given {given} arguments")
            }
            Self::FunctionTakes { name, expected } => {
                write!(f, "`{name}` takes {expected} arguments")
            }
            Self::Builtin(name) => write!(
                f,
                "`{name}` does not mean the same in Rego and CEL: use what data.lib has instead"
            ),
            Self::InvalidPattern(reason) => write!(f, "the pattern {reason}"),
            Self::SprintfVerb(verb) => write!(
                f,
                "`%{verb}` prints differently in OPA and here: use %s or %d"
            ),
            Self::MaybeUndefined { part, term } => write!(
                f,
                "{part} may be undefined or no text, which would undo the finding: ask \
                 `is_string(…)` of what it says in the body, or use a helper with an `else` (made \
                 of {term})"
            ),
            other => f.write_str(other.fixed_message()),
        }?;
        write!(f, " (profile rule {})", self.profile_rule())
    }
}
