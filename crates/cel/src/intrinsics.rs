//! The CEL halves: expression texts around operand texts, for Kubernetes 1.30 and later.
//!
//! An operand is an expression that is a string for sure (of a quantity: a string or an int; of a connection: a map); the printer guards types.
//! Then no evaluation fails, whatever the string. What is needed several times and is no plain path is bound by a
//! comprehension over one element, whose variables are those of [`BOUND`]: the printer's own locals have other names.
//! Every text can stand as an operand of any operator: what is looser than a call is in brackets.

use std::fmt::Write as _;

/// The names that expressions bind.
#[cfg(test)]
pub(crate) const BOUND: &[&str] = &[
    "host", "image", "item", "items", "place", "spelling", "step", "tag", "text",
];

/// Registry and repository as written.
const UNTAGGED: &str = "^([^@/]*/)*[^@/:]*";
/// The host as written, with its slash.
const HOST: &str = "^([^@/]*[.:A-Z][^@/]*|localhost)/";
/// What has neither registry nor repository; only where there is no host.
const NAMELESS: &str = "^([:@]|$)";
/// One of Docker Hub's official images, in lower case: its repository has one step.
const OFFICIAL: &str = r"^((index\.)?docker\.io(:443)?/[^/@]*|[^:/@][^/@]*)(@|$)";

/// Suffixes and exponents of a quantity that has a digit, but for the digits of the exponent.
const SUFFIX: &str = "[numkMGTPE]|[KMGTPE]i|[eE][+-]?0*[0-9]";
/// The longest text of a quantity that CEL compares, in letters.
pub(crate) const LONGEST: usize = 128;
/// The most digits of an exponent that CEL compares: the API server would take minutes over nine.
pub(crate) const EXPONENT: usize = 3;

/// A string literal.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('\'');
    for letter in text.chars() {
        match letter {
            '\'' | '\\' => out.extend(['\\', letter]),
            '\n' => out.push_str("\\n"),
            _ if letter.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(letter));
            }
            _ => out.push(letter),
        }
    }
    out.push('\'');
    out
}

/// A pattern as a literal. None of ours holds a quote.
fn pattern(text: &str) -> String {
    format!("r'{text}'")
}

/// A path or a local costs little to read again.
fn is_plain(operand: &str) -> bool {
    operand
        .bytes()
        .all(|it| it.is_ascii_alphanumeric() || matches!(it, b'_' | b'.'))
}

/// A value made of an operand that is needed several times.
fn bound(operand: &str, name: &str, value: impl Fn(&str) -> String) -> String {
    if is_plain(operand) {
        value(operand)
    } else {
        format!("[{operand}].map({name}, {})[0]", value(name))
    }
}

/// An operand that a method is called on.
fn receiver(operand: &str) -> String {
    let inside = operand
        .strip_prefix('\'')
        .and_then(|it| it.strip_suffix('\''));
    let bare = is_plain(operand) || inside.is_some_and(|it| !it.contains('\''));
    if bare {
        operand.to_owned()
    } else {
        format!("({operand})")
    }
}

/// `lib.images.registry`.
pub(crate) fn registry(image: &str) -> String {
    bound(image, "image", |image| {
        format!(
            "[{}].map(host, host == 'index.docker.io/' ? 'docker.io' : host != '' ? host.replace('/', '') : \
             {image}.matches({}) ? '' : 'docker.io')[0]",
            host(image),
            pattern(NAMELESS)
        )
    })
}

/// The host that an image is pulled from, with its slash, if the reference names one.
fn host(image: &str) -> String {
    format!(
        "{image}.find({}).lowerAscii().replace(':443/', '/')",
        pattern(HOST)
    )
}

/// `lib.images.repository`.
pub(crate) fn repository(image: &str) -> String {
    bound(image, "image", repository_of)
}

fn repository_of(image: &str) -> String {
    format!(
        "(({image}.lowerAscii().matches({}) ? 'library/' : '') + \
         {image}.find({}).substring(size({image}.find({}))))",
        pattern(OFFICIAL),
        pattern(UNTAGGED),
        pattern(HOST)
    )
}

/// `lib.images.name`.
pub(crate) fn name(image: &str) -> String {
    bound(image, "image", |image| {
        format!(
            "[{}].map(host, host == '' && {image}.matches({}) ? '' : \
             (host in ['', 'index.docker.io/'] ? 'docker.io/' : host) + {})[0]",
            host(image),
            pattern(NAMELESS),
            repository_of(image)
        )
    })
}

/// `lib.images.tag`.
pub(crate) fn tag(image: &str) -> String {
    format!(
        "{}.split('@')[0].find(':[^/]*$').replace(':', '', 1)",
        receiver(image)
    )
}

/// `lib.images.digest`.
pub(crate) fn digest(image: &str) -> String {
    format!("{}.find('(?s)@.*').replace('@', '', 1)", receiver(image))
}

/// `lib.images.effective_tag`.
pub(crate) fn effective_tag(image: &str) -> String {
    bound(image, "image", |image| {
        let spelled = tag(image);
        format!(
            "[{spelled}].map(tag, tag != '' || {image} == '' || {image}.contains('@') ? tag : 'latest')[0]"
        )
    })
}

/// `lib.images.within`: a condition.
pub(crate) fn within(image: &str, place: &str) -> String {
    named_within(&name(image), place)
}

/// The same of an image whose name is at hand: who asks for several places binds it once.
pub(crate) fn named_within(name: &str, place: &str) -> String {
    // Name and place end on a slash here, so that no place holds half a step.
    let place = spelled_place(place);
    let at_hub =
        "[image.find(r'^(registry-1\\.docker\\.io|registry\\.hub\\.docker\\.com|docker\\.io)/')]";
    format!(
        "[{place}].exists(place, !(place in ['', '/']) && [{name} + '/'].exists(image, image != '/' && \
         (image.startsWith(place) || {at_hub}.exists(host, host != '' && \
         ['docker.io/' + image.substring(size(host))].exists(spelling, spelling.startsWith(place) || \
         (spelling.startsWith('docker.io/library/') && \
         ('docker.io/' + spelling.substring(18)).startsWith(place)))))))"
    )
}

/// The one spelling of a place, with a slash at its end; nothing where it is empty.
fn spelled_place(place: &str) -> String {
    format!(
        "[{}.lowerAscii().find('(?s)^.*[^/]') + '/'].map(place, place == '/' ? '' : \
         [place.find(r'^([^/]*[.:][^/]*|localhost)/')].map(host, \
         (host in ['', 'index.docker.io/', 'index.docker.io:443/'] ? 'docker.io/' : host.replace(':443/', '/')) + \
         place.substring(size(host)))[0])[0]",
        receiver(place)
    )
}

/// `lib.connections.target`, of the options, which are a map.
pub(crate) fn target(object: &str) -> String {
    format!(
        "[{}.?container.orValue('')].map(text, type(text) == string && text != '' ? 'container ' + text : \
         'the pod')[0]",
        receiver(object)
    )
}

/// `lib.connections.command`, of the options, which are a map.
pub(crate) fn command(object: &str) -> String {
    shown(
        object,
        "command",
        "filter(item, type(item) == string).join(' ')",
    )
}

/// `lib.connections.ports`, of the options, which are a map.
pub(crate) fn ports(object: &str) -> String {
    let few_digits = "filter(item, type(item) == int && item > -1000000000 && item < 1000000000)";
    shown(
        object,
        "ports",
        &format!("{few_digits}.map(item, string(item)).join(', ')"),
    )
}

/// A list in words behind a colon, cut where it gets long.
fn shown(object: &str, list: &str, words: &str) -> String {
    format!(
        "[[{}.?{list}.orValue([])].map(items, type(items) == list ? items.{words} : '')[0]].map(text, \
         text == '' ? '' : ': ' + (size(text) > 200 ? text.substring(0, 200) : text))[0]",
        receiver(object)
    )
}

/// `lib.files.clean`.
pub(crate) fn clean(path: &str) -> String {
    bound(path, "text", |path| {
        format!(
            "(({path}.startsWith('/') ? '/' : '') + {path}.split('/').filter(step, !(step in ['', '.'])).join('/'))"
        )
    })
}

/// `lib.strings.lower_ascii`.
pub(crate) fn lower_ascii(text: &str) -> String {
    format!("{}.lowerAscii()", receiver(text))
}

/// `lib.strings.contains_ignore_case`: a condition.
pub(crate) fn contains_ignore_case(text: &str, part: &str) -> String {
    format!(
        "{}.lowerAscii().contains({}.lowerAscii())",
        receiver(text),
        receiver(part)
    )
}

/// `trim`, of the letters of a literal.
pub(crate) fn trim(text: &str, cutset: &str) -> String {
    without(text, cutset, |other| format!("(?s){other}(.*{other})?"))
}

/// `trim_left`, of the letters of a literal.
pub(crate) fn trim_left(text: &str, cutset: &str) -> String {
    without(text, cutset, |other| format!("(?s){other}.*"))
}

/// `trim_right`, of the letters of a literal.
pub(crate) fn trim_right(text: &str, cutset: &str) -> String {
    without(text, cutset, |other| format!("(?s)^.*{other}"))
}

/// What is left: a pattern around any letter that is not in the set.
fn without(text: &str, cutset: &str, rest: impl Fn(&str) -> String) -> String {
    if cutset.is_empty() {
        return receiver(text);
    }
    let mut other = "[^".to_owned();
    for letter in cutset.chars() {
        let _ = match letter {
            '/' | '.' | ' ' | ':' | '_' => write!(other, "{letter}"),
            _ if letter.is_ascii_alphanumeric() => write!(other, "{letter}"),
            _ => write!(other, "\\x{{{:x}}}", u32::from(letter)),
        };
    }
    other.push(']');
    format!("{}.find({})", receiver(text), pattern(&rest(&other)))
}

/// `trim_prefix`.
pub(crate) fn trim_prefix(text: &str, prefix: &str) -> String {
    bound(text, "text", |text| {
        format!("({text}.startsWith({prefix}) ? {text}.substring(size({prefix})) : {text})")
    })
}

/// `trim_suffix`.
pub(crate) fn trim_suffix(text: &str, suffix: &str) -> String {
    bound(text, "text", |text| {
        format!(
            "({text}.endsWith({suffix}) ? {text}.substring(0, size({text}) - size({suffix})) : {text})"
        )
    })
}

/// `trim_space`.
pub(crate) fn trim_space(text: &str) -> String {
    format!("{}.trim()", receiver(text))
}

/// `substring`, of literal numbers. `None` for a negative offset, which is undefined.
pub(crate) fn substring(text: &str, offset: i64, length: i64) -> Option<String> {
    if offset < 0 {
        return None;
    }
    let end = offset.saturating_add(length);
    Some(bound(text, "text", |text| match (offset, length) {
        (0, ..0) => text.to_owned(),
        (0, _) => format!("(size({text}) > {length} ? {text}.substring(0, {length}) : {text})"),
        (_, ..0) => format!("(size({text}) > {offset} ? {text}.substring({offset}) : '')"),
        _ => format!(
            "(size({text}) > {end} ? {text}.substring({offset}, {end}) : \
             size({text}) > {offset} ? {text}.substring({offset}) : '')"
        ),
    }))
}

/// `split`.
pub(crate) fn split(text: &str, separator: &str) -> String {
    format!("{}.split({separator})", receiver(text))
}

/// `replace`, of a literal. `None` for an empty one, see [`super::strings::replace`].
pub(crate) fn replace(text: &str, old: &str, new: &str) -> Option<String> {
    (!old.is_empty()).then(|| format!("{}.replace({}, {new})", receiver(text), quoted(old)))
}

/// `concat`, of a list of strings.
pub(crate) fn concat(delimiter: &str, list: &str) -> String {
    format!(
        "{}.join({delimiter})",
        if list.starts_with('[') {
            list.to_owned()
        } else {
            receiver(list)
        }
    )
}

/// `count` of a string.
pub(crate) fn count(text: &str) -> String {
    format!("size({text})")
}

/// `lib.quantities.is_quantity`: a condition. Not by `isQuantity`: nothing bounds what that takes over an exponent.
pub(crate) fn is_quantity(value: &str) -> String {
    bound(value, "text", |value| format!("({})", has_shape(value, 9)))
}

/// That a value is written as a quantity is, with so many digits of exponent.
fn has_shape(value: &str, exponent: usize) -> String {
    let with_digit = format!(r"([0-9]+\.?[0-9]*|\.[0-9]+)({SUFFIX}{{1,{exponent}}})?");
    // Zero, to Kubernetes.
    let without = format!(r"\.?([numkMGTPE]|[KMGT]i|[eE](\+?0*[0-9]{{1,{exponent}}}|-0*[0-9]))?");
    let shape = format!("^ *[+-]?({with_digit}|{without}) *$");
    format!(
        "string({value}).matches('[^ ]') && string({value}).matches({})",
        pattern(&shape)
    )
}

/// `lib.quantities.is_positive`: a condition. What is positive has a digit that is not zero, and rounding leaves it so.
pub(crate) fn is_positive(value: &str) -> String {
    let shape = format!(r"^ *\+?(0*[1-9][0-9]*\.?[0-9]*|0*\.0*[1-9][0-9]*)({SUFFIX}{{1,9}})? *$");
    format!("string({value}).matches({})", pattern(&shape))
}

/// `lib.quantities.less`: a condition.
///
/// False also, unlike in Rego, for quantities that Kubernetes never writes: with more than [`EXPONENT`] digits of
/// exponent, over [`LONGEST`] letters. Only a custom resource can bring one, and the API server would take minutes over
/// some.
pub(crate) fn less(a: &str, b: &str) -> String {
    let quantity = |it: &str| format!("quantity(string({it}).trim())");
    format!(
        "({} && {} && {}.isLessThan({}))",
        is_comparable(a),
        is_comparable(b),
        quantity(a),
        quantity(b)
    )
}

fn is_comparable(value: &str) -> String {
    format!(
        "size(string({value})) <= {LONGEST} && {}",
        has_shape(value, EXPONENT)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(found: &str, expected: &str) {
        assert_eq!(found, expected);
    }

    #[test]
    fn a_plain_operand_is_not_bound() {
        check(
            &trim_prefix("x.name", "'a'"),
            "(x.name.startsWith('a') ? x.name.substring(size('a')) : x.name)",
        );
        check(
            &trim_prefix("x['y']", "'a'"),
            "[x['y']].map(text, (text.startsWith('a') ? text.substring(size('a')) : text))[0]",
        );
        check(&lower_ascii("a + b"), "(a + b).lowerAscii()");
        check(&lower_ascii("'a'"), "'a'.lowerAscii()");
        check(&lower_ascii("'a' + 'b'"), "('a' + 'b').lowerAscii()");
        check(&trim_right("x", "/é"), r"x.find(r'(?s)^.*[^/\x{e9}]')");
        check(&substring("x", 0, -1).unwrap_or_default(), "x");
        check(&concat("','", "[a, b]"), "[a, b].join(',')");
    }

    #[test]
    fn what_is_bound_is_listed() {
        let all = [
            registry("['a'][0]"),
            name("['a'][0]"),
            effective_tag("['a'][0]"),
            within("['a'][0]", "['a'][0]"),
            clean("['a'][0]"),
            target("object"),
            ports("object"),
            is_quantity("['a'][0]"),
        ]
        .concat();
        let mut found: Vec<&str> = ["map(", "exists(", "filter("]
            .iter()
            .flat_map(|macro_| all.split(macro_).skip(1))
            .filter_map(|it| it.split(',').next())
            .collect();
        found.sort_unstable();
        found.dedup();
        assert_eq!(found, BOUND);
    }

    #[test]
    fn literals_are_quoted() {
        check(&quoted("a'b\\c\n\u{7f}é"), "'a\\'b\\\\c\\n\\u007fé'");
    }
}
