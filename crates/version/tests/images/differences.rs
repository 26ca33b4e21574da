//! The deliberate differences from Grype: where the tool of the ecosystem orders otherwise, or where a
//! text is better refused or read. Each has a reason, and an example that the oracle confirms; a
//! difference that none of these explains fails the tests.

use kubevet_version::VersionFormat::{
    self, Apk, Composer, Deb, Gem, Maven, Npm, Nuget, Pacman, Python, Rpm, Semantic, Unknown,
};
use regex::Regex;

/// What both sides say: a version and another one, or a version and a constraint.
pub(crate) struct Case<'a> {
    pub(crate) format: VersionFormat,
    /// Whether the second text is a constraint.
    pub(crate) is_constraint: bool,
    pub(crate) left: &'a str,
    pub(crate) right: &'a str,
}

/// One deliberate difference.
pub(crate) struct Difference {
    pub(crate) name: &'static str,
    pub(crate) reason: &'static str,
    /// A case in which both differ: format, the two texts, what Grype says, what this crate says. An order is `<`, `=` or
    /// `>`; what a constraint says is `true` or `false`.
    pub(crate) example: (
        VersionFormat,
        &'static str,
        &'static str,
        &'static str,
        &'static str,
    ),
    pub(crate) explains: fn(&Case<'_>) -> bool,
}

/// Whether one of the texts has the pattern and the other does not.
fn one_sided(case: &Case<'_>, pattern: &str) -> bool {
    let pattern = Regex::new(pattern).expect("a pattern");
    pattern.is_match(case.left) != pattern.is_match(case.right)
}

/// Whether one of the texts has the pattern.
fn either(case: &Case<'_>, pattern: &str) -> bool {
    let pattern = Regex::new(pattern).expect("a pattern");
    pattern.is_match(case.left) || pattern.is_match(case.right)
}

/// Whether the first text, the second one, or a bound in it, does not have the form.
fn lacks_form(case: &Case<'_>, form: &str) -> bool {
    let form = Regex::new(form).expect("a pattern");
    let is_other = |text: &str| !form.is_match(text);
    let bounds = case.right.split([',', '|', '<', '>', '=', ' ']);
    is_other(case.left)
        || if case.is_constraint {
            bounds.filter(|bound| !bound.is_empty()).any(is_other)
        } else {
            is_other(case.right)
        }
}

/// Versions that apk-tools accepts.
const APK: &str = r"^[vV]?[0-9]+(\.[0-9]+)*[a-z]?(_(alpha|beta|pre|rc|cvs|svn|git|hg|p)[0-9]*)*(~[0-9a-f]+)?(-r[0-9]+)?$";

/// Versions of PEP 440, as its appendix gives them.
const PEP_440: &str = r"(?i)^\s*v?([0-9]+!)?[0-9]+(\.[0-9]+)*([-_.]?(a|b|c|rc|alpha|beta|pre|preview)[-_.]?[0-9]*)?(-[0-9]+|[-_.]?(post|rev|r)[-_.]?[0-9]*)?([-_.]?dev[-_.]?[0-9]*)?(\+[a-z0-9]+([-_.][a-z0-9]+)*)?\s*$";

/// All deliberate differences.
pub(crate) const DIFFERENCES: &[Difference] = &[
    Difference {
        name: "a missing epoch of RPM is 0 in the order",
        reason: "rpm compares a missing epoch as 0. Grype ignores the epoch where one side has none",
        example: (Rpm, "1:1.0-1", "2.0-1", "<", ">"),
        explains: |case| case.format == Rpm && !case.is_constraint && one_sided(case, ":"),
    },
    Difference {
        name: "a missing epoch of RPM is 0 where that is asked for",
        reason: "with the strategy `zero`, a bound without epoch has 0, too. Grype has 0 for the package \
                 alone. The default for RPM is `auto`, in which both agree",
        example: (Rpm, "1:1.0", "< 2.0", "true", "false"),
        explains: |case| case.format == Rpm && case.is_constraint && case.left.contains(':'),
    },
    Difference {
        name: "the caret of RPM",
        reason: "rpm sorts `^` after the end and before everything else. Grype takes it for a separator",
        example: (Rpm, "1.0^1", "1.0.0", ">", "<"),
        explains: |case| case.format == Rpm && either(case, r"\^"),
    },
    Difference {
        name: "further segments of zeros of RPM",
        reason: "rpm takes the version with more segments for the newer one, zeros included. Grype takes \
                 both for equal",
        example: (Rpm, "1.0.0", "1.0", "=", ">"),
        explains: |case| case.format == Rpm && either(case, "(^|[^0-9])0+($|[^0-9])"),
    },
    Difference {
        name: "a sign before an epoch",
        reason: "an epoch is digits. Grype reads a sign as that of a number",
        example: (Deb, "2:9-0", "+2:9-0", "=", "error"),
        explains: |case| matches!(case.format, Deb | Rpm | Pacman) && either(case, "[+-][0-9]+:"),
    },
    Difference {
        name: "versions that apk refuses",
        reason: "apk-tools knows no version without digits at its beginning, after a dot or after `-r`. \
                 Grype reads them as 0. A version that apk cannot have is an error here",
        example: (Apk, "1.0-r1", "1.0-r", ">", "error"),
        explains: |case| case.format == Apk && lacks_form(case, APK),
    },
    Difference {
        name: "zeros before a number of apk",
        reason: "apk-tools compares a number that begins with 0 as text, like a fraction. Grype follows a \
                 former apk-tools",
        example: (Apk, "1.00", "1.0", "<", ">"),
        explains: |case| case.format == Apk && either(case, r"\.0"),
    },
    Difference {
        name: "Python's versions from before PEP 440",
        reason: "setuptools ordered them, before all others; packages with such versions are still \
                 installed. Grype gives up, and finds nothing for them",
        example: (Python, "2004d", "2005", "error", "<"),
        explains: |case| case.format == Python && lacks_form(case, PEP_440),
    },
    Difference {
        name: "local versions of Python in the order",
        reason: "PEP 440 sorts a local version after the version without it. Grype takes both for equal, \
                 which is right for the bounds of constraints alone, and there both agree",
        example: (Python, "1.0+local", "1.0", "=", ">"),
        explains: |case| case.format == Python && !case.is_constraint && one_sided(case, r"\+"),
    },
    Difference {
        name: "separators in local versions of Python",
        reason: "in PEP 440 the three separators mean the same, and numbers between them are numbers",
        example: (Python, "1.0+a-10", "1.0+a-9", "<", ">"),
        explains: |case| case.format == Python && either(case, r"\+[^,|]*[-_]"),
    },
    Difference {
        name: "Java runtimes in versions of Maven",
        reason: "Maven sorts `1.0.jre8` after `1.0`. Grype takes both for equal, which is right for the \
                 bounds of constraints alone, and there both agree",
        example: (Maven, "1.0.jre8", "1.0", "=", ">"),
        explains: |case| {
            case.format == Maven && !case.is_constraint && either(case, r"(?i)\.(jre|jdk)[0-9]+$")
        },
    },
    Difference {
        name: "qualifiers after a dot, and a dot at the end, of Maven",
        reason: "Maven 3.9 reads `.X` as `-X` before digits and at the end, and nothing after a dot at the \
                 end. Grype follows a former Maven",
        example: (Maven, "2.SP1", "2SP1", "<", "="),
        explains: |case| case.format == Maven && either(case, r"\.([a-zA-Z.\-,|\s]|$)"),
    },
    Difference {
        name: "the words alpha, beta and rc in a pre-release",
        reason: "they are identifiers like others. Grype changes the dot before them to a hyphen, on one \
                 side of some comparisons only",
        example: (Semantic, "1.0-alpha.beta", "1.0-alpha-a", ">", "<"),
        explains: |case| {
            matches!(case.format, Semantic | Unknown) && either(case, r"-[^,|]*\.(alpha|beta|rc)")
        },
    },
    Difference {
        name: "zeros before numbers in a pre-release",
        reason: "numbers are compared by value. Grype takes each of `01` and `1` for less than the other",
        example: (Semantic, "1.0-1", "1.0-01", "<", "="),
        explains: |case| either(case, r"[-.~]0+[0-9]"),
    },
    Difference {
        name: "numbers of 19 digits and more",
        reason: "no tool of an ecosystem has such a limit, and dates with times come close to it. Grype \
                 refuses them, takes them for text, or takes all for the same",
        example: (
            Deb,
            "99999999999999999999",
            "99999999999999999998",
            "=",
            ">",
        ),
        explains: |case| either(case, "[0-9]{19}"),
    },
    Difference {
        name: "an operator that is unknown",
        reason: "`~> 1.2` is no constraint of this syntax. Grype ignores what stands before an operator, \
                 and reads `> 1.2`, which misses versions; an import must name it",
        example: (Gem, "2.0", "~> 1.2", "true", "error"),
        explains: |case| case.is_constraint && either(case, "[~^!][<>=]"),
    },
    Difference {
        name: "the operator that is not equal",
        reason: "`!= 1.0` holds for all versions but one. Grype reads `= 1.0`, except in the unknown format",
        example: (Gem, "1.0", "!= 1.0", "true", "false"),
        explains: |case| case.is_constraint && case.right.contains("!="),
    },
    Difference {
        name: "a constraint without a term",
        reason: "nobody knows what was meant. Grype takes it for one that never holds",
        example: (Deb, "1.0", " , ", "false", "error"),
        explains: |case| case.is_constraint && case.right.trim_matches([' ', ',', '|']).is_empty(),
    },
    Difference {
        name: "the order of Composer",
        reason: "Composer's stabilities have an order of their own, in which a patch is after the release. \
                 Grype uses Semantic Versioning",
        example: (Composer, "1.0.0-patch1", "1.0.0", "<", ">"),
        explains: |case| case.format == Composer,
    },
    Difference {
        name: "upper and lower case of NuGet",
        reason: "NuGet ignores it. Grype uses Semantic Versioning, in which it counts",
        example: (Nuget, "1.0.0-Beta", "1.0.0-alpha", "<", ">"),
        explains: |case| case.format == Nuget,
    },
    Difference {
        name: "ranges of npm",
        reason: "npm's ranges are read as npm reads them. Grype refuses `^` and `~`",
        example: (Npm, "1.9.0", "^1.2.3", "error", "true"),
        explains: |case| case.format == Npm && case.is_constraint,
    },
];
