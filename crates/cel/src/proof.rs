//! One intrinsic alone as CEL, by its name in Rego: how it is held to the other ways of writing it from outside.

use crate::intrinsics as cel;

/// For proof: the CEL half of one intrinsic over operands, which are CEL expressions; where only a literal will do (the
/// letters that `trim` takes, the numbers of `substring`, what `replace` looks for), its plain text. `None` where there
/// is no such intrinsic, or none for such operands.
#[must_use]
pub fn intrinsic_cel(name: &str, operands: &[&str]) -> Option<String> {
    Some(match (name, operands) {
        ("images.registry", [image]) => cel::registry(image),
        ("images.repository", [image]) => cel::repository(image),
        ("images.name", [image]) => cel::name(image),
        ("images.tag", [image]) => cel::tag(image),
        ("images.digest", [image]) => cel::digest(image),
        ("images.effective_tag", [image]) => cel::effective_tag(image),
        ("images.within", [image, place]) => cel::within(image, place),
        ("quantities.is_quantity", [value]) => cel::is_quantity(value),
        ("quantities.is_positive", [value]) => cel::is_positive(value),
        ("quantities.less", [a, b]) => cel::less(a, b),
        ("connections.target", [object]) => cel::target(object),
        ("connections.command", [object]) => cel::command(object),
        ("connections.ports", [object]) => cel::ports(object),
        ("files.clean", [path]) => cel::clean(path),
        ("strings.lower_ascii", [text]) => cel::lower_ascii(text),
        ("strings.contains_ignore_case", [text, part]) => cel::contains_ignore_case(text, part),
        ("trim", [text, cutset]) => cel::trim(text, cutset),
        ("trim_left", [text, cutset]) => cel::trim_left(text, cutset),
        ("trim_right", [text, cutset]) => cel::trim_right(text, cutset),
        ("trim_prefix", [text, prefix]) => cel::trim_prefix(text, prefix),
        ("trim_suffix", [text, suffix]) => cel::trim_suffix(text, suffix),
        ("trim_space", [text]) => cel::trim_space(text),
        ("substring", [text, offset, length]) => {
            cel::substring(text, offset.parse().ok()?, length.parse().ok()?)?
        }
        ("split", [text, separator]) => cel::split(text, separator),
        ("replace", [text, old, new]) => cel::replace(text, old, new)?,
        ("concat", [delimiter, list]) => cel::concat(delimiter, list),
        ("count", [text]) => cel::count(text),
        _ => return None,
    })
}
