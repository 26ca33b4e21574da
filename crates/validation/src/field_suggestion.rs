//! The field that an unknown one was meant to be: another spelling, or another place.

use super::{
    Clipped,
    walk::{Trail, UnknownField},
};
use kubevet_k8s::schema::{Field, Schema, Type, TypeId};
use kubevet_policy::nearest;
use std::collections::{BTreeSet, VecDeque};

/// The most steps up and down to the place of a field.
const MAX_DISTANCE: usize = 5;

/// The steps within which a field of any name is looked for in another place.
const NEAR_DISTANCE: usize = 1;

/// The shortest name that is looked for farther away: many types have a `name` or a `type`.
const MIN_FAR_NAME_BYTES: usize = 7;

/// The types whose fields protect the node and other workloads.
const SECURITY_TYPES: &[&str] = &[
    "core.v1.AppArmorProfile",
    "core.v1.Capabilities",
    "core.v1.PodSecurityContext",
    "core.v1.SELinuxOptions",
    "core.v1.SeccompProfile",
    "core.v1.SecurityContext",
    "core.v1.WindowsSecurityContextOptions",
];

/// What an unknown field was meant to be.
#[derive(Debug, Default)]
pub(super) struct Suggestion {
    /// The name of a known field.
    name: Option<&'static str>,
    /// The path of the map that has it; `None`: the map of the unknown field itself.
    elsewhere: Option<String>,
    /// True if the field was meant to be a security setting.
    pub(super) is_security: bool,
}

/// Finds what an unknown field was meant to be.
pub(super) fn suggest(trail: &Trail<'_>, place: usize, key: &str) -> Suggestion {
    let schema = Schema::embedded();
    let structs = trail.structs(place);
    let Some((_, own)) = structs.first().copied() else {
        return Suggestion::default();
    };
    let here = |name: &'static str| Suggestion {
        name: Some(name),
        elsewhere: None,
        is_security: is_security(own, name),
    };
    let names = || schema.fields(own).map(|field| field.name);
    if let Some(name) = names().find(|name| name.eq_ignore_ascii_case(key) && *name != key) {
        return here(name);
    }
    if let Some((distance, suggestion)) = find_elsewhere(trail, &structs, key)
        && (distance <= NEAR_DISTANCE || key.len() >= MIN_FAR_NAME_BYTES)
    {
        return suggestion;
    }
    let similar = nearest(key, names().filter(|name| *name != key));
    similar.map(here).unwrap_or_else(|| Suggestion {
        is_security: is_security(own, ""),
        ..Suggestion::default()
    })
}

fn is_security(of: TypeId, field: &str) -> bool {
    field == "securityContext" || SECURITY_TYPES.contains(&Schema::embedded().name(of))
}

/// Finds the nearest place that has a field of this name, and the steps to it: from the map of the
/// field itself down, then from each map around it. Of equally near ones, the outer is meant: wrong
/// indentation is the usual slip.
fn find_elsewhere(
    trail: &Trail<'_>,
    structs: &[(usize, TypeId)],
    key: &str,
) -> Option<(usize, Suggestion)> {
    if !Schema::embedded().has_field_named(key) {
        return None;
    }
    let mut best: Option<(usize, Suggestion)> = None;
    for (up, (place, of)) in structs.iter().enumerate() {
        let limit = best
            .as_ref()
            .map_or(MAX_DISTANCE, |(distance, _)| *distance);
        let Some(down_limit) = limit.checked_sub(up) else {
            break;
        };
        let Some((down, of, name, below)) = find_below(*of, key, down_limit, up == 0) else {
            continue;
        };
        let elsewhere = format!("{}{below}", trail.path_of(*place));
        let suggestion = Suggestion {
            name: Some(name),
            elsewhere: Some(elsewhere.trim_start_matches('.').to_owned()),
            is_security: is_security(of, name),
        };
        best = Some((up + down, suggestion));
    }
    best
}

/// Breadth-first search for a field in a type and the types of its fields. Returns the steps down,
/// the type with the field, the field, and the path down to the type.
fn find_below(
    root: TypeId,
    key: &str,
    limit: usize,
    skips_root: bool,
) -> Option<(usize, TypeId, &'static str, String)> {
    let schema = Schema::embedded();
    let mut seen = BTreeSet::from([root]);
    let mut queue = VecDeque::from([(0, root, String::new())]);
    while let Some((depth, of, path)) = queue.pop_front() {
        let mut names = schema.fields(of).map(|field| field.name);
        if (depth > 0 || !skips_root)
            && let Some(name) = names.find(|name| name.eq_ignore_ascii_case(key))
        {
            return Some((depth, of, name, path));
        }
        if depth == limit {
            continue;
        }
        for field in schema.fields(of).filter(|field| is_written_by_users(field)) {
            if let Some((inner, brackets)) = struct_in(field.ty)
                && seen.insert(inner)
            {
                queue.push_back((depth + 1, inner, format!("{path}.{}{brackets}", field.name)));
            }
        }
    }
    None
}

fn is_written_by_users(field: &Field) -> bool {
    !["status", "managedFields", "ownerReferences"].contains(&field.name)
}

/// Returns the struct that a field is, or that its elements are, and the brackets of an element.
fn struct_in(ty: Type) -> Option<(TypeId, &'static str)> {
    match ty {
        Type::Struct(of) => Some((of, "")),
        Type::List(inner) => match Schema::embedded().resolve(inner) {
            Type::Struct(of) => Some((of, "[]")),
            _ => None,
        },
        _ => None,
    }
}

/// Returns the message about an unknown field.
pub(super) fn message(suggestion: &Suggestion, field: &UnknownField<'_>, minor: u8) -> String {
    let key = Clipped(field.entry.key);
    if let Some(other) = field.other_version {
        let versions = match (other.since, other.until) {
            (Some(since), _) if since > minor => format!("it came with 1.{since}"),
            (_, Some(until)) => format!("1.{until} was the last version with it"),
            _ => "other versions have it".to_owned(),
        };
        return format!("Kubernetes 1.{minor} drops the field {key}: {versions}");
    }
    let advice = match (suggestion.name, &suggestion.elsewhere) {
        (Some(name), None) => format!(": did you mean {name}?"),
        (Some(name), Some(path)) => {
            let path = if path.is_empty() {
                "the top level"
            } else {
                path
            };
            if name == field.entry.key {
                format!(": it belongs to {}", Clipped(path))
            } else {
                format!(": did you mean {name} of {}?", Clipped(path))
            }
        }
        (None, _) => String::new(),
    };
    format!("unknown field {key} is dropped{advice}")
}
