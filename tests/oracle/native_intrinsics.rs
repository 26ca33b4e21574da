//! The native halves of intrinsics, called by their names in Rego.

use kubevet_document::{self as document, Limits};
use kubevet_ir::intrinsics::{connect_options, host_path, image, quantity, strings};
use serde_json::{Value, json};

/// The result of a native half. `name` is as in Rego, without `data.lib.` (`images.tag`,
/// `trim_left`). `None` if there is no such intrinsic, an argument has a wrong type, or the result
/// is undefined.
pub(crate) fn call(name: &str, args: &[Value]) -> Option<Value> {
    match name.split_once('.') {
        Some(("images", name)) => of_image(name, args),
        Some(("quantities", name)) => of_quantity(name, args),
        Some(("connections", name)) => of_connection(name, args),
        Some(("files", "clean")) => Some(json!(host_path::clean(text(args, 0)?))),
        Some(("strings", "lower_ascii")) => Some(json!(strings::lower_ascii(text(args, 0)?))),
        Some(("strings", "join")) => {
            let separator = text(args, 1)?;
            let mut joined = String::new();
            let list = args.first()?.as_array().map_or(&[][..], Vec::as_slice);
            let parts = list.iter().map(|part| part.as_str().unwrap_or_default());
            strings::concat(separator, parts, &mut joined);
            Some(json!(joined))
        }
        Some(("strings", "last_between")) => Some(json!(strings::last_between(
            text(args, 0)?,
            text(args, 1)?,
            text(args, 2)?
        ))),
        Some(("strings", "words")) => Some(json!(strings::words(text(args, 0)?))),
        Some(("strings", "contains_ignore_case")) => Some(json!(strings::contains_ignore_case(
            text(args, 0)?,
            text(args, 1)?
        ))),
        Some(_) => None,
        None => of_text(name, args),
    }
}

fn text(args: &[Value], index: usize) -> Option<&str> {
    args.get(index)?.as_str()
}

fn number(args: &[Value], index: usize) -> Option<i64> {
    args.get(index)?.as_i64()
}

fn of_image(name: &str, args: &[Value]) -> Option<Value> {
    let image = image::ImageRef::parse(text(args, 0)?);
    Some(match name {
        "registry" => json!(image.registry()),
        "repository" => json!(image.repository().to_string()),
        "name" => {
            let mut out = String::new();
            image.write_name(&mut out);
            json!(out)
        }
        "tag" => json!(image.tag()),
        "digest" => json!(image.digest()),
        "effective_tag" => json!(image.effective_tag()),
        "within" => json!(image.within(image::RepositoryPattern::parse(text(args, 1)?))),
        _ => return None,
    })
}

fn of_quantity(name: &str, args: &[Value]) -> Option<Value> {
    let first = text(args, 0)?;
    let parsed = quantity::Quantity::parse(first);
    Some(match name {
        "is_quantity" => json!(parsed.is_some()),
        "is_positive" => json!(quantity::is_positive(first)),
        "less" => {
            let other = quantity::Quantity::parse(text(args, 1)?);
            json!(parsed.zip(other).is_some_and(|(low, high)| low.less(high)))
        }
        _ => return None,
    })
}

fn of_connection(name: &str, args: &[Value]) -> Option<Value> {
    let object = serde_json::to_vec(args.first()?).ok()?;
    let read = document::read_json(&"object".into(), &object, &Limits::default());
    let object = read.documents.first()?.root();
    Some(match name {
        "target" => json!(connect_options::target(object)),
        "command" => json!(connect_options::command(object)),
        "ports" => json!(connect_options::ports(object)),
        _ => return None,
    })
}

fn of_text(name: &str, args: &[Value]) -> Option<Value> {
    if name == "concat" {
        let mut out = String::new();
        let parts: Option<Vec<&str>> = args.get(1)?.as_array()?.iter().map(Value::as_str).collect();
        strings::concat(text(args, 0)?, parts?, &mut out);
        return Some(json!(out));
    }
    let first = text(args, 0)?;
    Some(match name {
        "trim" => json!(strings::trim(first, text(args, 1)?)),
        "trim_left" => json!(strings::trim_left(first, text(args, 1)?)),
        "trim_right" => json!(strings::trim_right(first, text(args, 1)?)),
        "trim_prefix" => json!(strings::trim_prefix(first, text(args, 1)?)),
        "trim_suffix" => json!(strings::trim_suffix(first, text(args, 1)?)),
        "trim_space" => json!(strings::trim_space(first)),
        "substring" => json!(strings::substring(
            first,
            number(args, 1)?,
            number(args, 2)?
        )?),
        "split" => json!(strings::split(first, text(args, 1)?).collect::<Vec<_>>()),
        "replace" => json!(strings::replace(first, text(args, 1)?, text(args, 2)?)?),
        // As the evaluator counts.
        "count" => json!(first.chars().count()),
        _ => return None,
    })
}
