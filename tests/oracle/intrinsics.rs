//! The three definitions of each intrinsic must agree: the library's Rego under OPA, the native
//! one, and the CEL under the API server's cel-go. Quantities are compared with Kubernetes' own
//! parser as well.

use crate::native_intrinsics;
use crate::{comparison::Comparison, inputs::sources_by_file};
use kubevet_cel::{Expr, testing::intrinsic};
use kubevet_policy as policy;
use kubevet_testkit::oracle::Oracle;
use serde_json::{Value, json};

/// An intrinsic, with the arguments that are the same in all cases.
struct Question {
    /// The name in Rego without `data.lib.`.
    name: &'static str,
    /// The number of arguments that a case provides.
    arity: usize,
    /// The arguments after those of the case.
    fixed: Vec<Value>,
    /// The same arguments as operands of the CEL definition.
    operands: Vec<Expr>,
}

/// A field of a case.
fn field(name: &str) -> Expr {
    Expr::ident("c").select(name)
}

impl Question {
    fn of(name: &'static str, arity: usize) -> Self {
        Self {
            name,
            arity,
            fixed: Vec::new(),
            operands: Vec::new(),
        }
    }

    /// An intrinsic whose fixed arguments are used in CEL as they are.
    fn with(name: &'static str, fixed: &[Value]) -> Self {
        let operands = fixed
            .iter()
            .map(|value| match value.as_str() {
                Some(string) => Expr::string(string),
                None => Expr::Int(value.as_i64().expect("a string or an integer")),
            })
            .collect();
        Self {
            name,
            arity: 1,
            fixed: fixed.to_vec(),
            operands,
        }
    }

    fn rego(&self) -> String {
        let names = ["c.a", "c.b"]
            .into_iter()
            .take(self.arity)
            .map(str::to_owned);
        let args: Vec<String> = names
            .chain(self.fixed.iter().map(ToString::to_string))
            .collect();
        let lib = if self.name.contains('.') {
            "data.lib."
        } else {
            ""
        };
        format!("{lib}{}({})", self.name, args.join(", "))
    }

    /// The CEL expression. Plain operands can be repeated; others must be bound first.
    fn cel(&self, plain: bool) -> Expr {
        let names = ["a", "b"].map(|name| {
            if plain {
                field(name)
            } else {
                Expr::ident("c").index(Expr::string(name))
            }
        });
        let operands: Vec<Expr> = names
            .into_iter()
            .take(self.arity)
            .chain(self.operands.iter().cloned())
            .collect();
        intrinsic(self.name, &operands).unwrap_or_else(|| panic!("{} has a CEL half", self.name))
    }
}

/// The arguments of one call.
type Case = Vec<String>;

struct Forms {
    oracle: Oracle,
    modules: Value,
    comparison: Comparison,
}

impl Forms {
    fn new(test: &str) -> Option<Self> {
        let oracle = Oracle::start(test)?;
        let (library, problems) = policy::embedded();
        assert!(problems.is_empty(), "{problems:?}");
        Some(Self {
            oracle,
            modules: sources_by_file(library.modules.iter()),
            comparison: Comparison::default(),
        })
    }

    /// Evaluates a Rego term over `c.a` and `c.b` for each case.
    fn rego(&mut self, term: &str, cases: &[Value]) -> Vec<Value> {
        let query = format!("[[x | x := {term}] | some c in input.cases]");
        let request = json!({"op": "rego", "regoVersion": "v1", "modules": self.modules, "query": query,
            "input": {"cases": cases}});
        let answer = self.oracle.send(&request);
        let found = answer["result"]
            .as_array()
            .unwrap_or_else(|| panic!("{query}: {answer}"))
            .clone();
        assert_eq!(found.len(), cases.len());
        found
            .into_iter()
            .map(|finding| finding.get(0).cloned().unwrap_or(Value::Null))
            .collect()
    }

    /// Evaluates a CEL expression over `c.a` and `c.b` for each case. No case may fail.
    fn cel(&mut self, expression: impl std::fmt::Display, cases: &[Value]) -> Vec<Value> {
        let mut found = Vec::new();
        // The cost of one expression is limited.
        for cases in cases.chunks(25) {
            let expression = format!("cases.map(c, {expression})");
            let request = json!({"op": "cel", "version": "1.30", "expression": expression,
                "variables": {"cases": cases}});
            let answer = self.oracle.send(&request);
            let values = answer["value"].as_array();
            found.extend(
                values
                    .unwrap_or_else(|| panic!("{expression} over {cases:?}: {answer}"))
                    .iter()
                    .cloned(),
            );
        }
        assert_eq!(found.len(), cases.len());
        found
    }

    /// Asserts that the three definitions agree. `except` selects cases in which the CEL differs,
    /// for a documented reason.
    fn agree(&mut self, question: &Question, cases: &[Case], except: impl Fn(&[String]) -> bool) {
        let objects: Vec<Value> = cases
            .iter()
            .map(|case| json!({"a": case.first(), "b": case.get(1)}))
            .collect();
        let native: Vec<Value> = cases
            .iter()
            .map(|case| {
                let args: Vec<Value> = case
                    .iter()
                    .take(question.arity)
                    .map(|case| json!(case))
                    .collect();
                native_intrinsics::call(question.name, &[args, question.fixed.clone()].concat())
                    .unwrap_or(Value::Null)
            })
            .collect();
        // A predicate that does not hold is undefined in Rego, and false elsewhere.
        let is_predicate = native.first().is_some_and(Value::is_boolean);
        let undefined = |value: Value| {
            if is_predicate && value.is_null() {
                json!(false)
            } else {
                value
            }
        };
        let rego: Vec<Value> = self
            .rego(&question.rego(), &objects)
            .into_iter()
            .map(undefined)
            .collect();
        self.differ(question.name, "OPA", cases, &native, &rego, |_| false);
        for plain in [true, false] {
            let cel = self.cel(question.cel(plain), &objects);
            self.differ(question.name, "CEL", cases, &native, &cel, &except);
        }
    }

    fn differ(
        &mut self,
        name: &str,
        form: &str,
        cases: &[Case],
        native: &[Value],
        other: &[Value],
        except: impl Fn(&[String]) -> bool,
    ) {
        for ((case, native), other) in cases.iter().zip(native).zip(other) {
            self.comparison.compared += 1;
            if native != other && !except(case) {
                self.comparison.differences.push(format!(
                    "{name} of {case:?}: native {native}, {form} {other}"
                ));
            }
        }
    }
}

/// A generator of strings from pieces, equal in every run.
struct Pieces(u64);

impl Pieces {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }

    fn string(&mut self, pieces: &[&str], most: usize) -> String {
        (0..self.below(most + 1))
            .map(|_| pieces[self.below(pieces.len())])
            .collect()
    }

    /// Appends `count` generated strings to the given ones.
    fn more(&mut self, given: &[&str], pieces: &[&str], most: usize, count: usize) -> Vec<String> {
        let made = (0..count)
            .map(|_| self.string(pieces, most))
            .collect::<Vec<_>>();
        given
            .iter()
            .map(|string| (*string).to_owned())
            .chain(made)
            .collect()
    }

    /// Generates pairs of strings.
    fn pairs(&mut self, first: &[String], second: &[String], count: usize) -> Vec<Case> {
        let mut pick = |from: &[String]| from[self.below(from.len())].clone();
        (0..count)
            .map(|_| vec![pick(first), pick(second)])
            .collect()
    }
}

fn single(strings: &[String]) -> Vec<Case> {
    strings.iter().map(|string| vec![string.clone()]).collect()
}

const IMAGES: &[&str] = &[
    "",
    "/",
    "//",
    ":",
    "@",
    ":5",
    ":5/a",
    "a:",
    "a:b:c",
    "a@b@c/d:e",
    "nginx",
    "nginx:1.25",
    "registry:5000/app:v1",
    "QUAY.io:443/a/B@sha256:abc",
    "index.docker.io:443/nginx",
    "Index.Docker.IO/nginx",
    "docker.io/",
    "docker.io:443/a",
    "docker.io:443:443/a",
    ":443/a",
    ":443/",
    ":443",
    "localhost/x",
    "LOCALHOST/x",
    "localhost",
    "[::1]:5000/x",
    "xindex.docker.io/a",
    "registry-1.docker.io/library/nginx",
    "registry.hub.docker.com/php",
    "mirror.example/docker.io/library/a",
    "xdocker.io/library/a",
    "library/nginx",
    "library/",
    "é/ü:ß",
    "É/x",
    "a\nb/c:d\ne",
    "doc\u{212a}er.io/a",
    ".",
    "./",
    "Nginx",
    "Nginx/a",
    "@x",
    "a/@",
    "a/:",
];
const IMAGE_PIECES: &[&str] = &[
    "/",
    "/",
    "/",
    ":",
    ":",
    "@",
    "@sha256:",
    "a",
    "b",
    "A",
    ".",
    "nginx",
    "library/",
    "library",
    "docker.io",
    "docker.io/",
    "index.docker.io",
    "Docker.IO",
    "registry-1.docker.io/",
    "registry.hub.docker.com/",
    "quay.io/",
    ":443",
    ":5000",
    "localhost",
    "latest",
    "v1",
    "é",
    "İ",
    "\n",
    "team",
    "-",
];

#[test]
fn image_intrinsics_agree_in_all_forms() {
    let Some(mut forms) = Forms::new("image_intrinsics_agree_in_all_forms") else {
        return;
    };
    let mut pieces = Pieces(1);
    let mut images = pieces.more(IMAGES, IMAGE_PIECES, 8, 600);
    images.push(format!("quay.io/{}", "a/".repeat(300)));
    images.push(format!("{}:x", "é".repeat(500)));
    let names = [
        "registry",
        "repository",
        "name",
        "tag",
        "digest",
        "effective_tag",
    ];
    for name in names.map(|name| ["images.", name].concat()) {
        forms.agree(&Question::of(name.leak(), 1), &single(&images), |_| false);
    }
    let patterns = pieces.more(IMAGES, IMAGE_PIECES, 4, 300);
    let mut pairs = pieces.pairs(&images, &patterns, 800);
    // Patterns near the image: the reference without its last segment.
    for image in &images {
        let mut pattern = image.clone();
        for _ in 0..pieces.below(8) {
            pattern.pop();
        }
        pairs.push(vec![image.clone(), pattern]);
    }
    forms.agree(&Question::of("images.within", 2), &pairs, |_| false);
    forms.comparison.finish(10_000);
}

const QUANTITIES: &[&str] = &[
    "",
    " ",
    "1",
    " 1 ",
    " 1Gi",
    "\t1",
    "1\n",
    "0",
    "-0",
    "+1",
    "--1",
    "1.5Gi",
    "1e3",
    "1E3",
    "1E",
    "1e",
    "e",
    "E",
    "e3",
    "e-9",
    "e-10",
    "0e-10",
    "0e-20",
    "-0.0e-30",
    "1e-9",
    "1e-10",
    "1e400",
    "1e-400",
    "-1e-400",
    "1e999",
    "1e0999",
    "1e-0000000000001",
    "1K",
    "1k",
    "1n",
    "1u",
    "1N",
    "1mi",
    "1Ki",
    "1Ei",
    ".",
    "m",
    "+",
    "-Ki",
    "Pi",
    "Ti",
    ".5",
    "5.",
    "1.2.3",
    "0x10",
    "1_000",
    "1,5",
    "１",
    "9223372036854775807",
    "9223372036854775808",
    "9223372036854775808Ei",
    "9223372036854775807.5Ki",
    "8Ei",
    "7.99999999999999999999Ei",
    "-9223372036854775808Ei",
    "99999999999999999999",
    "0.999999999999",
    "0.0000000001",
    "1.0000000001",
    "999999999.9999999999",
    "123456789m",
    "1234567890m",
    "true",
    "1 Gi",
    "inf",
    "NaN",
    "0.1Ki",
    "1e18Ki",
    "100E",
    "1000P",
    "1000000000000000000000000000n",
];
const QUANTITY_PIECES: &[&str] = &[
    "1",
    "0",
    "9",
    "5",
    "00",
    "99",
    "123456789",
    "000000000000000000",
    "99999999999999999999",
    "9223372036854775807",
    ".",
    ".",
    "-",
    "+",
    "n",
    "u",
    "m",
    "k",
    "M",
    "G",
    "T",
    "P",
    "E",
    "Ki",
    "Mi",
    "Gi",
    "Ti",
    "Pi",
    "Ei",
    "e3",
    "e-3",
    "E12",
    "e-12",
    "e+",
    " ",
    "K",
];

/// Generates quantities, most of them well-formed, so that they differ in value.
fn quantities(pieces: &mut Pieces, count: usize) -> Vec<String> {
    let digits = &[
        "0",
        "1",
        "2",
        "9",
        "5",
        "00",
        "99",
        "000000000",
        "123456789",
    ];
    let ends = &[
        "", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei", "e3",
        "e-3", "E9", "e-12", "e+20", "e-40", "e300",
    ];
    (0..count)
        .map(|_| {
            let most = if pieces.below(10) == 0 { 25 } else { 4 };
            let fraction = if pieces.below(3) == 0 {
                format!(".{}", pieces.string(digits, most))
            } else {
                String::new()
            };
            let sign = ["", "", "", "-", "+"][pieces.below(5)];
            let end = ends[pieces.below(ends.len())];
            format!("{sign}{}{fraction}{end}", pieces.string(digits, most))
        })
        .collect()
}

/// Quantities that CEL cannot compare and Rego can. Kubernetes never writes such a quantity, so
/// only a custom resource can contain one.
fn only_rego_compares(case: &[String]) -> bool {
    case.iter().any(|string| {
        let trimmed = string.trim_matches(' ');
        // The API server takes minutes over 1e-99999999.
        let exponent = trimmed.rsplit(['e', 'E']).next().unwrap_or_default();
        let far = exponent != trimmed && exponent.trim_start_matches(['+', '-', '0']).len() > 3;
        // The CEL cost of arithmetic on long numbers does not grow with their length.
        let long = string.len() > 128;
        far || long
    })
}

#[test]
fn quantity_intrinsics_agree_in_all_forms() {
    let Some(mut forms) = Forms::new("quantity_intrinsics_agree_in_all_forms") else {
        return;
    };
    let mut pieces = Pieces(2);
    let mut strings = pieces.more(QUANTITIES, QUANTITY_PIECES, 4, 500);
    strings.extend(quantities(&mut pieces, 700));
    let long = "7".repeat(72);
    let zeros = "0".repeat(90);
    let huge = "1".repeat(10_000);
    let written = [&*long, "7", &*long, "Ki"].concat();
    let hostile = [
        &*huge,
        "1e1000000",
        "1e999999999",
        "1e1000000000",
        "1e-999999999",
        "1e99999999999999999999",
    ];
    strings.extend([
        long.clone(),
        format!("{long}Ki"),
        written,
        format!("0.{zeros}1Ki"),
        format!("1.{zeros}1Mi"),
    ]);
    strings.extend(hostile.map(str::to_owned));
    for name in ["quantities.is_quantity", "quantities.is_positive"] {
        forms.agree(&Question::of(name, 1), &single(&strings), |_| false);
    }
    let few: Vec<String> = quantities(&mut pieces, 40);
    let mut pairs = pieces.pairs(&strings, &strings, 800);
    pairs.extend(pieces.pairs(&few, &few, 300));
    // Neighbors: the digits of one quantity with the suffix of another.
    for string in quantities(&mut pieces, 300) {
        let other = [&*string, "1"].concat();
        pairs.push(vec![string.clone(), other]);
        pairs.push(vec![format!("{string}1"), format!("{string}2")]);
    }
    forms.agree(
        &Question::of("quantities.less", 2),
        &pairs,
        only_rego_compares,
    );
    forms.comparison.finish(9_000);
}

/// An exponent of ten digits or more: Kubernetes keeps its low 32 bits, and so may read
/// 1e4294967297 as 10. Rejecting it is deliberate.
fn wraps(case: &[String]) -> bool {
    let exponent = |value: &String| {
        value
            .rsplit(['e', 'E'])
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    case.iter().any(|case| {
        exponent(case) != **case && exponent(case).trim_start_matches(['+', '-', '0']).len() > 9
    })
}

/// Kubernetes' own parser, for quantities that it parses in reasonable time, without spaces, which
/// the JSON decoder trims.
#[test]
fn quantities_agree_with_kubernetes() {
    let Some(mut forms) = Forms::new("quantities_agree_with_kubernetes") else {
        return;
    };
    let mut pieces = Pieces(3);
    let mut strings = pieces.more(QUANTITIES, QUANTITY_PIECES, 4, 500);
    strings.extend(quantities(&mut pieces, 500));
    strings.retain(|string| !string.contains([' ', '\t', '\n']));
    let cases = single(&strings);
    let objects: Vec<Value> = strings.iter().map(|string| json!({"a": string})).collect();
    let call_native = |name: &str, args: &[&str]| {
        let args: Vec<Value> = args.iter().map(|arg| json!(arg)).collect();
        native_intrinsics::call(name, &args).unwrap_or(Value::Null)
    };
    let native: Vec<Value> = strings
        .iter()
        .map(|string| call_native("quantities.is_quantity", &[string]))
        .collect();
    let kubernetes = forms.cel("isQuantity(c.a)", &objects);
    forms.differ(
        "is_quantity",
        "Kubernetes",
        &cases,
        &native,
        &kubernetes,
        wraps,
    );
    let native: Vec<Value> = strings
        .iter()
        .map(|string| call_native("quantities.is_positive", &[string]))
        .collect();
    let kubernetes = forms.cel("isQuantity(c.a) && sign(quantity(c.a)) == 1", &objects);
    forms.differ(
        "is_positive",
        "Kubernetes",
        &cases,
        &native,
        &kubernetes,
        wraps,
    );
    let pairs = pieces.pairs(&strings, &strings, 1_500);
    let objects: Vec<Value> = pairs
        .iter()
        .map(|pair| json!({"a": pair[0], "b": pair[1]}))
        .collect();
    let native: Vec<Value> = pairs
        .iter()
        .map(|pair| call_native("quantities.less", &[&pair[0], &pair[1]]))
        .collect();
    let less = "isQuantity(c.a) && isQuantity(c.b) && quantity(c.a).isLessThan(quantity(c.b))";
    let kubernetes = forms.cel(less, &objects);
    forms.differ("less", "Kubernetes", &pairs, &native, &kubernetes, wraps);
    forms.comparison.finish(3_000);
}

/// A number is parsed from its digits as written.
#[test]
fn numbers_are_accepted_as_quantities() {
    let Some(mut forms) = Forms::new("numbers_are_accepted_as_quantities") else {
        return;
    };
    let numbers = [
        "0",
        "-0",
        "1",
        "-1",
        "1.0",
        "1.5",
        "1e3",
        "1E3",
        "1e+3",
        "100e-2",
        "0e-20",
        "12345678901234567890123",
        "0.10",
        "1e400",
        "1e-400",
        "9223372036854775808",
        "123456789.123456789",
        "1.5e300",
        "-1e-7",
    ];
    let cases = single(&numbers.map(str::to_owned));
    let objects: Vec<Value> = numbers.iter().map(|number| json!({"a": number})).collect();
    for name in ["quantities.is_quantity", "quantities.is_positive"] {
        let native: Vec<Value> = numbers
            .iter()
            .map(|number| native_intrinsics::call(name, &[json!(number)]).expect(name))
            .collect();
        let rego = forms.rego(&format!("data.lib.{name}(json.unmarshal(c.a))"), &objects);
        let rego: Vec<Value> = rego
            .into_iter()
            .map(|answer| json!(answer == json!(true)))
            .collect();
        forms.differ(name, "OPA", &cases, &native, &rego, |_| false);
    }
    // An integer field of a custom resource.
    let objects: Vec<Value> = [-5, 0, 5, i64::MAX]
        .iter()
        .map(|value| json!({"a": value, "b": 4}))
        .collect();
    let cel = |name: &str| {
        let found = intrinsic(name, &[field("a"), field("b")]);
        found.expect(name)
    };
    assert_eq!(
        forms.cel(cel("quantities.less"), &objects),
        [true, true, false, false]
    );
    let positive = intrinsic("quantities.is_positive", &[field("a")]).expect("it has a CEL half");
    assert_eq!(forms.cel(&positive, &objects), [false, false, true, true]);
    forms.comparison.finish(30);
}

const STRINGS: &[&str] = &[
    "",
    " ",
    "/",
    "//",
    "/.",
    "/./",
    ".",
    "..",
    "./a",
    "a/.",
    "/var//run/",
    "/var/run/docker.sock",
    "a/b/../c",
    "CAP_x",
    "cap_",
    "cap_cap_a",
    "DB_PASSWORD",
    "é",
    "É",
    "héllo",
    "e\u{301}",
    "\u{a0}x\u{3000}",
    "\u{85}\u{200b}x\u{2028}",
    "\u{feff}x",
    "a'b",
    "a\\b",
    "a\"b",
    "a\nb",
    "\u{1f600}\u{1f600}",
    "doc\u{212a}er",
    "ſ",
    "\u{0}a",
    "]^-a",
    "x.y",
];
const STRING_PIECES: &[&str] = &[
    "/",
    "/",
    ".",
    "..",
    "a",
    "b",
    "A",
    "B",
    "cap_",
    "CAP_",
    "é",
    "É",
    "İ",
    "ß",
    "\u{1f600}",
    "\u{212a}",
    " ",
    "\n",
    "\t",
    "\u{a0}",
    "\u{1680}",
    "'",
    "\\",
    "\"",
    "-",
    "]",
    "^",
    "[",
    "pass",
    "WORD",
    ",",
];

#[test]
fn string_intrinsics_agree_in_all_forms() {
    let Some(mut forms) = Forms::new("string_intrinsics_agree_in_all_forms") else {
        return;
    };
    let mut pieces = Pieces(4);
    let mut strings = pieces.more(STRINGS, STRING_PIECES, 8, 300);
    strings.push("ab/".repeat(400));
    let cases = single(&strings);
    for name in [
        "files.clean",
        "strings.lower_ascii",
        "strings.words",
        "trim_space",
        "count",
    ] {
        forms.agree(&Question::of(name, 1), &cases, |_| false);
    }
    for name in ["trim", "trim_left", "trim_right"] {
        for cutset in ["", "/", "ab", "é/", "]^-\\'\"", "\n \t", "\u{1f600}A"] {
            forms.agree(&Question::with(name, &[json!(cutset)]), &cases, |_| false);
        }
    }
    for old in ["a", "/", "'", "\\", "é", "cap_", "//"] {
        let fixed = vec![json!(old), json!("x/é")];
        let question = Question {
            name: "replace",
            arity: 1,
            fixed,
            operands: vec![Expr::string(old), Expr::string("x/é")],
        };
        forms.agree(&question, &cases, |_| false);
    }
    for (offset, length) in [
        (0, -1),
        (0, 0),
        (0, 3),
        (2, -1),
        (2, 2),
        (4, 0),
        (900, 5),
        (1, i64::from(i32::MAX)),
    ] {
        forms.agree(
            &Question::with("substring", &[json!(offset), json!(length)]),
            &cases,
            |_| false,
        );
    }
    let parts = pieces.more(
        &["", "/", "a", "cap_", "password", "é", "'", "\\"],
        STRING_PIECES,
        2,
        60,
    );
    let mut pairs = pieces.pairs(&strings, &parts, 600);
    // Parts of each string: a prefix and a suffix.
    for string in &strings {
        let at = pieces.below(string.chars().count() + 1);
        pairs.push(vec![string.clone(), string.chars().take(at).collect()]);
        pairs.push(vec![string.clone(), string.chars().skip(at).collect()]);
    }
    for name in [
        "strings.contains_ignore_case",
        "trim_prefix",
        "trim_suffix",
        "split",
    ] {
        forms.agree(&Question::of(name, 2), &pairs, |_| false);
    }
    let objects: Vec<Value> = strings.iter().map(|string| json!({"a": string})).collect();
    let joined = |value: &String| {
        let parts: Vec<&str> = value.split('/').collect();
        native_intrinsics::call("concat", &[json!(", "), json!(parts)])
            .expect("it has a native half")
    };
    let native: Vec<Value> = strings.iter().map(joined).collect();
    let rego = forms.rego(r#"concat(", ", split(c.a, "/"))"#, &objects);
    forms.differ("concat", "OPA", &cases, &native, &rego, |_| false);
    let split = field("a").method("split", [Expr::string("/")]);
    let cel = forms.cel(split.method("join", [Expr::string(", ")]), &objects);
    forms.differ("concat", "CEL", &cases, &native, &cel, |_| false);
    forms.comparison.finish(20_000);
}

#[test]
fn connection_intrinsics_agree_in_all_forms() {
    let Some(mut forms) = Forms::new("connection_intrinsics_agree_in_all_forms") else {
        return;
    };
    let long = "é".repeat(300);
    let objects = [
        json!({}),
        json!([]),
        json!({"container": "app", "command": ["sh", "-c", "ls"]}),
        json!({"container": "", "command": [""], "ports": []}),
        json!({"container": 5, "command": "sh", "ports": 80}),
        json!({"container": null, "command": null, "ports": null}),
        json!({"command": ["", "", "a", 5, null, "b", ""], "ports": [80, "80", null, 443, -1, 0]}),
        json!({"command": ["", ""], "ports": [1.5, 999_999_999, 1_000_000_000, -999_999_999, -1_000_000_000, i64::MIN]}),
        json!({"command": [long, "b"], "ports": (0..100).collect::<Vec<_>>()}),
        json!({"command": {"a": "b"}, "ports": {"a": 1}}),
    ];
    for name in ["target", "command", "ports"] {
        for object in &objects {
            let request = json!({"op": "rego", "regoVersion": "v1", "modules": forms.modules,
                "query": format!("data.lib.connections.{name}"), "input": {"object": object}});
            let opa = vec![forms.oracle.send(&request)["result"].take()];
            let native = vec![
                native_intrinsics::call(
                    &format!("connections.{name}"),
                    std::slice::from_ref(object),
                )
                .unwrap_or_default(),
            ];
            let case = [vec![object.to_string()]];
            forms.differ(name, "OPA", &case, &native, &opa, |_| false);
            // Command and ports are left out of policies.
            if object.is_object() && name == "target" {
                let expression = intrinsic("connections.target", &[field("a")]).expect(name);
                let cel = forms.cel(&expression, &[json!({"a": object})]);
                forms.differ(name, "CEL", &case, &native, &cel, |_| false);
            }
        }
    }
    forms.comparison.finish(39);
}

/// The value of a flag: what `lib.flags` asks of a command line.
#[test]
fn text_between_agrees_in_all_forms() {
    let Some(mut forms) = Forms::new("text_between_agrees_in_all_forms") else {
        return;
    };
    let mut generated = Pieces(11);
    let given = [
        "",
        "\n",
        "\n--a=1\n",
        "\n--a=1\n--a=\n",
        "--a=1",
        "\n--a=é\n\n--a=ß",
    ];
    let pieces = ["\n--a=", "\n", "--a=", "aa", "1", "é", "=", "-"];
    let strings = single(&generated.more(&given, &pieces, 6, 400));
    for (open, close) in [("\n--a=", "\n"), ("aa", "1"), ("é", "é"), ("=", "--")] {
        let question = Question::with("strings.last_between", &[json!(open), json!(close)]);
        forms.agree(&question, &strings, |_| false);
    }
    forms.comparison.finish(4_000);
}

#[test]
fn joined_lists_agree_in_all_forms() {
    let Some(mut forms) = Forms::new("joined_lists_agree_in_all_forms") else {
        return;
    };
    // Of the API server, lists of strings hold strings only. Elsewhere they may not.
    let typed = [
        json!([]),
        json!(["a"]),
        json!(["", ""]),
        json!(["a", "b\n", "", "é"]),
    ];
    let other = [
        json!(["a", null, 1, ["b"]]),
        json!(null),
        json!("a"),
        json!({"a": "b"}),
    ];
    let cases = |lists: &[Value]| -> Vec<Value> {
        let separators = ["", "\n", ", "].into_iter();
        separators
            .flat_map(|separator| {
                lists
                    .iter()
                    .map(move |list| json!({"a": list, "b": separator}))
            })
            .collect()
    };
    let native = |cases: &[Value]| -> Vec<Value> {
        let call = |case: &Value| {
            native_intrinsics::call("strings.join", &[case["a"].clone(), case["b"].clone()])
        };
        cases
            .iter()
            .map(|case| call(case).unwrap_or(Value::Null))
            .collect()
    };
    let (typed, other) = (cases(&typed), cases(&other));
    for cases in [&typed, &other] {
        assert_eq!(
            forms.rego("data.lib.strings.join(c.a, c.b)", cases),
            native(cases)
        );
    }
    let cel = intrinsic("strings.join", &[field("a"), field("b")]).expect("it has a CEL half");
    assert_eq!(forms.cel(cel, &typed), native(&typed));
}
