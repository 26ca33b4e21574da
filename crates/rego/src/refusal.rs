//! The refusals of the compiler: every reason why a rule is outside the profile.
//!
//! The message of each says what is wrong, what to write instead, and the number of the rule of the
//! profile that it breaks (`policies/README.md`, "The profile"). Lowering is the only place that
//! refuses, so this list is the definition of the profile.
//!
//! All refusals share one problem code, [`RegoNotCompiled`]: a code names a consequence, which is
//! the same for all (the rule runs in the interpreter). The number of the profile's rule leads to
//! the examples, so a code for each refusal would be a second numbering of the same list.
//!
//! [`RegoNotCompiled`]: kubevet_model::ProblemCode::RegoNotCompiled

/// Why a construct of a rule is not compiled.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    /// `input`, `input.params` or `input.request` as a value.
    #[error("all of `input` at once is not compiled: name what you read of it (profile rule 1)")]
    WholeInput,
    /// A field of `input` that the compiler does not know.
    #[error(
        "input has no `{0}` that is compiled, only object, params and request.operation (profile \
         rule 1)"
    )]
    InputField(String),
    /// A field of `input.request` other than `operation`.
    #[error(
        "`input.request.{0}` is not compiled: only input.request.operation is (profile rule 1)"
    )]
    RequestField(String),
    /// A param that `params.yaml` does not define.
    #[error("there is no param `{0}` (profile rule 1)")]
    UnknownParam(String),
    /// A package, or a name in none, as a value.
    #[error(
        "nothing of this name can be compiled: import rules of data.lib one by one (profile rule \
         1)"
    )]
    PackageAsValue,
    /// A call of a name that no module defines.
    #[error("`{0}` is not a rule that can be compiled (profile rule 1)")]
    UndefinedRule(String),

    /// `deny` is no `contains` rule.
    #[error("write `deny contains finding if {{ … }}` (profile rule 2)")]
    DenyForm,
    /// `deny` has several bodies in one rule.
    #[error("write one body: `deny contains finding if {{ … }}` (profile rule 2)")]
    DenyBodies,
    /// The finding is no literal object.
    #[error(
        "write the finding out: {{\"message\": …, \"paths\": […], \"fixes\": […]}} (profile rule \
         2)"
    )]
    FindingForm,
    /// The finding has no `message`.
    #[error("a finding needs a `message` (profile rule 2)")]
    MessageMissing,
    /// The finding has no literal list `paths`.
    #[error("a finding needs `paths`, a list that is written out (profile rule 2)")]
    PathsMissing,
    /// The list `paths` is empty.
    #[error("a finding needs at least one path (profile rule 2)")]
    PathsEmpty,
    /// The finding has no literal list `fixes`.
    #[error(
        "a finding needs `fixes`, a list that is written out; [] where there are none (profile \
         rule 2)"
    )]
    FixesMissing,
    /// A fix is no literal object.
    #[error(
        "write a fix out: {{\"path\": …, \"value\": …}} or {{\"path\": …, \"remove\": true}} \
         (profile rule 2)"
    )]
    FixForm,
    /// A fix has no `path`.
    #[error("a fix needs a `path` (profile rule 2)")]
    FixPathMissing,
    /// A fix has neither `value` nor `remove`, or both.
    #[error("a fix needs either `value` or `remove: true` (profile rule 2)")]
    FixAction,
    /// A `default` rule or a `contains` rule is called.
    #[error(
        "`default` and `contains` are not compiled for a helper that is called: write `else` \
         (profile rule 2)"
    )]
    DefaultOrContainsCalled,
    /// A rule has several bodies that are no `else`.
    #[error(
        "consecutive bodies `{{ … }} {{ … }}` are not compiled: write `else`, or two rules \
         (profile rule 2)"
    )]
    SiblingBodies,
    /// A `contains` rule without an element.
    #[error("a partial set rule needs an element: write `name contains x if …` (profile rule 2)")]
    ElementMissing,
    /// Several definitions of a helper, by name, that may have different values.
    #[error(
        "`{0}` has several definitions that may disagree, which is a conflict in Rego: join them \
         with `else` (profile rule 2)"
    )]
    ConflictingDefinitions(String),
    /// A helper is called with a wrong number of arguments.
    #[error("it takes {expected} arguments and is given {given} (profile rule 2)")]
    ArgumentCount {
        /// The number that the helper takes.
        expected: usize,
        /// The number that it is given.
        given: usize,
    },
    /// A helper's value depends on the element that `some` is at.
    #[error(
        "the value depends on what `some` finds, which may be several things, a conflict in Rego: \
         make it a partial set rule (profile rule 2)"
    )]
    ValueOfElement,
    /// A helper's value depends on which element of a literal list is taken.
    #[error(
        "the value depends on which element of a list is taken, a conflict in Rego: use `else` \
         (profile rule 2)"
    )]
    ValueOfAlternative,

    /// A `with` modifier.
    #[error("no `with`: pass an argument (profile rule 3)")]
    With,
    /// `some x` without `in`.
    #[error("`some x` alone is not compiled: write `some x in …` (profile rule 3)")]
    SomeWithoutIn,
    /// `some` with a pattern.
    #[error("`some` binds plain names: compare them on a line of their own (profile rule 3)")]
    SomePattern,
    /// `:=` with a pattern.
    #[error("only one name can be bound by `:=`: bind the parts one by one (profile rule 3)")]
    AssignPattern,
    /// `_` as an index.
    #[error("no `_`: write `some x in …` (profile rule 3)")]
    Wildcard,
    /// A name that is not bound yet.
    #[error("`{0}` is not bound yet: bind it above, by `:=` or `some {0} in …` (profile rule 3)")]
    Unbound(String),
    /// `=`, or `:=` inside an expression.
    #[error("bind with `:=` on its own line; no `=` (profile rule 3)")]
    Unification,
    /// A negated call whose argument may be undefined.
    #[error(
        "where this is undefined, `not` is undefined too and the finding is lost: bind it by `:=` \
         on its own line, or write a helper and negate that (profile rule 3)"
    )]
    UndefinedUnderNot,
    /// `not` before something else than a reference, `==` or a call.
    #[error(
        "`not` is compiled only before a reference, `==` or a helper: write a helper, such as \
         `has_slash(s) if contains(s, \"/\")`, and negate that (profile rule 3)"
    )]
    NegationForm,

    /// The collection of `some` or `every` is none.
    #[error("`some … in` needs a list (profile rule 4)")]
    NotIterable,
    /// `every` over a `contains` rule.
    #[error(
        "`every` over a partial set rule is not compiled: negate a helper that finds an element \
         that does not pass (profile rule 4)"
    )]
    EveryOfContains,
    /// The key of a container or volume of the library.
    #[error(
        "the index into a list of the library has no meaning: leave the first name out (profile \
         rule 4)"
    )]
    WorkloadKey,
    /// Too many combinations of elements of literal lists.
    #[error("too many nested literal lists: move one of them into a helper (profile rule 4)")]
    TooManyAlternatives,
    /// `k, v in …` as a condition.
    #[error("`k, v in …` as a condition is not compiled: bind them with `some` (profile rule 4)")]
    MembershipWithKey,
    /// A container or volume of the library as a value.
    #[error(
        "a whole container or volume of the library is not compiled as a value: name its field \
         (profile rule 4)"
    )]
    ElementAsValue,
    /// A list of the library, or a `contains` rule, as a value.
    #[error(
        "a whole list of the library or a partial set rule is not compiled as a value: loop over \
         it with `some … in` (profile rule 4)"
    )]
    ListAsValue,
    /// A literal collection as a value.
    #[error(
        "a literal collection is not compiled as a value: compare its parts, or test with `in` \
         (profile rule 4)"
    )]
    LiteralAsValue,
    /// A comprehension.
    #[error(
        "comprehensions are not compiled: use `some … in` or a partial set rule (profile rule 4)"
    )]
    Comprehension,

    /// A condition as a value.
    #[error(
        "a condition is not a value (false is not undefined): write it on its own line (profile \
         rule 5)"
    )]
    ConditionAsValue,
    /// Arithmetic.
    #[error(
        "no arithmetic: compare whole numbers, and quantities through lib.quantities (profile \
         rule 5)"
    )]
    Arithmetic,
    /// Union or intersection.
    #[error("no union or intersection: write two bodies (profile rule 5)")]
    SetOperation,
    /// A number that is not whole or has more than 64 bits.
    #[error("numbers must be integers of 64 bits (profile rule 5)")]
    NumberRange,
    /// A string literal that the parser gave no value.
    #[error("invalid string literal (profile rule 5)")]
    UnreadableString,
    /// A key of a literal object that is no string literal.
    #[error("the keys of a map must be literals (profile rule 5)")]
    ComputedKey,
    /// An index into something that has none.
    #[error("this cannot be indexed: write the key out (profile rule 5)")]
    NotIndexable,
    /// `<` and the like of a literal list or map.
    #[error("lists and maps are not ordered: compare what is in them (profile rule 5)")]
    UnorderedLiteral,
    /// A function that is given a wrong number of arguments.
    #[error("`{name}` is given {given} arguments (profile rule 5)")]
    FunctionGiven {
        /// The function.
        name: String,
        /// The number of arguments that it is given.
        given: usize,
    },
    /// A function of the library that takes another number of arguments.
    #[error("`{name}` takes {expected} arguments (profile rule 5)")]
    FunctionTakes {
        /// The function.
        name: String,
        /// The number of arguments that it takes.
        expected: usize,
    },
    /// `split` without an index or a count.
    #[error("only `split(…)[n]` and `count(split(…))` of `split` are compiled (profile rule 5)")]
    SplitForm,
    /// A builtin that has no exact translation.
    #[error(
        "`{0}` does not mean the same in Rego and CEL: use what data.lib has instead (profile \
         rule 5)"
    )]
    Builtin(String),
    /// `replace` of something else than a literal, or of the empty string.
    #[error("what `replace` looks for must be a literal that is not empty (profile rule 5)")]
    ReplaceOperand,
    /// `replace` by a longer string.
    #[error("a `replace` that makes a string longer is not compiled (profile rule 5)")]
    ReplaceGrows,
    /// `object.get` without three arguments.
    #[error("object.get takes an object, a path and a default (profile rule 5)")]
    ObjectGetArguments,
    /// `concat` without two arguments.
    #[error("concat takes a string and a list (profile rule 5)")]
    ConcatArguments,
    /// `concat` without a literal separator and list.
    #[error("the delimiter and the list of concat must be literals (profile rule 5)")]
    ConcatForm,
    /// `count` without one argument.
    #[error("count takes one argument (profile rule 5)")]
    CountArguments,
    /// `count` of a literal set.
    #[error("a literal set is not counted: write its size (profile rule 5)")]
    CountOfSet,

    /// A literal pattern that is rejected, with the reason.
    #[error("the pattern {0} (profile rule 6)")]
    InvalidPattern(String),
    /// A pattern that is neither a literal nor an element of a param of type `regexes`.
    #[error(
        "a pattern must be a literal, or an element of a param of type `regexes` (profile rule \
         6)"
    )]
    ComputedPattern,

    /// `sprintf` without two arguments.
    #[error("sprintf takes a format and a list (profile rule 7)")]
    SprintfArguments,
    /// `sprintf` without a literal format and list.
    #[error("the format and the list of sprintf must be literals (profile rule 7)")]
    SprintfForm,
    /// A verb other than `%s` and `%d`: the character behind the percent sign.
    #[error("`%{0}` prints differently in OPA and here: use %s or %d (profile rule 7)")]
    SprintfVerb(String),
    /// `%d` of something that may be no whole number, or a verb without a value.
    #[error("%d is for an index or a count, and each verb needs a value (profile rule 7)")]
    SprintfValue,
    /// More values than verbs.
    #[error("the list has more values than the format has verbs (profile rule 7)")]
    SprintfSurplus,
    /// A part of a finding that may be undefined or no string.
    #[error(
        "{part} may be undefined or not a string, because {term} may be missing; then the finding \
         is lost: check what it is made of with `is_string(…)` in the body, or use a helper with \
         an `else` (profile rule 7)"
    )]
    MaybeUndefined {
        /// The part: "the message", "a path".
        part: &'static str,
        /// The term of which it is made, as `policy explain` shows terms.
        term: String,
    },
    /// The value of a fix may be undefined.
    #[error(
        "the value of a fix may be undefined; then the finding is lost: check that it exists in the \
         body (profile rule 7)"
    )]
    FixMaybeUndefined,

    /// The rule is too large once its helpers are inlined.
    #[error("the rule becomes too large when its helpers are inlined: split it (profile rule 8)")]
    RuleTooLarge,
    /// A string with too many parts.
    #[error("the string becomes too long to be compiled: make it shorter (profile rule 8)")]
    StringTooLong,
}
