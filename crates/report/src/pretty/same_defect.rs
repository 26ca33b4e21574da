//! Objects whose only defect is a minor one that many others have too, such as a place in the
//! namespace `default`: one entry for all of them. With `verbose` each is shown by itself.

use super::severity_label;
use crate::terminal::{TerminalWriter, TextStyle};
use kubevet_model::{ControlId, Defect, ObjectResult, Severity, count, join_first};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
    io,
};

/// The least number of objects that are one entry.
const MIN_OBJECTS: usize = 5;
/// The maximum number of kinds that are named.
const MAX_KINDS: usize = 6;

type ObjectDefects<'s> = (&'s ObjectResult, Vec<Defect<'s>>);

/// The defect of several objects.
pub(super) struct SameDefect<'s> {
    severity: Severity,
    message: &'s str,
    controls: Vec<&'s ControlId>,
    objects: Vec<&'s ObjectResult>,
}

/// Splits objects into those that are shown by themselves and those that share an entry, both in the
/// order of `objects`.
pub(super) fn group<'s>(
    objects: Vec<ObjectDefects<'s>>,
) -> (Vec<ObjectDefects<'s>>, Vec<SameDefect<'s>>) {
    let mut counts: HashMap<_, usize> = HashMap::new();
    for key in objects.iter().filter_map(only_minor_defect) {
        *counts.entry(key).or_default() += 1;
    }
    let (mut single, mut groups): (_, Vec<SameDefect<'s>>) = (Vec::new(), Vec::new());
    for entry in objects {
        let key = only_minor_defect(&entry);
        let key = key.filter(|key| counts.get(key).is_some_and(|count| *count >= MIN_OBJECTS));
        let Some((severity, message, controls)) = key else {
            single.push(entry);
            continue;
        };
        let mut known = groups.iter_mut();
        let same = known.find(|group| group.message == message && group.controls == controls);
        match same {
            Some(group) => group.objects.push(entry.0),
            None => groups.push(SameDefect {
                severity,
                message,
                controls,
                objects: vec![entry.0],
            }),
        }
    }
    (single, groups)
}

/// The severity, the message and the controls of an object's only defect, if that is of low or
/// medium severity and no control failed.
fn only_minor_defect<'s>(
    (object, defects): &ObjectDefects<'s>,
) -> Option<(Severity, &'s str, Vec<&'s ControlId>)> {
    match defects.as_slice() {
        [defect] if object.errors.is_empty() && defect.severity() < Severity::High => Some((
            defect.severity(),
            defect.first.finding.fact(),
            defect.controls(),
        )),
        _ => None,
    }
}

/// Writes one entry for each defect: `N objects`, the defect, and their kinds.
pub(super) fn write(groups: &[SameDefect<'_>], writer: &mut TerminalWriter<'_>) -> io::Result<()> {
    for group in groups {
        let heading = count(group.objects.len(), "object");
        let heading = format!("{heading} with the same defect");
        let heading = writer.styled(TextStyle::Strong, &heading);
        writer.line(&heading)?;
        let label = severity_label(group.severity);
        let label = writer.padded(TextStyle::Severity(group.severity), &label, label.len());
        let indent = severity_label(group.severity).len() + 4;
        let ids: Vec<&str> = group.controls.iter().map(|id| id.as_str()).collect();
        let ids = format!("[{}]", ids.join(", "));
        let spans = [
            (TextStyle::Plain, group.message),
            (TextStyle::Faint, ids.as_str()),
        ];
        writer.entry(&format!("  {label}  "), indent, &spans)?;
        let kinds = format!("{}: --verbose shows the objects", kinds(&group.objects));
        let spans = [(TextStyle::Faint, kinds.as_str())];
        writer.entry(&format!("{:indent$}", ""), indent, &spans)?;
        writer.blank_line()?;
    }
    Ok(())
}

/// The kinds of objects with the number of each, the most frequent first: `Service 92, Secret 3`.
fn kinds(objects: &[&ObjectResult]) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for object in objects {
        *counts.entry(&object.object.kind).or_default() += 1;
    }
    let mut counts: Vec<(&str, usize)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| Reverse(*count));
    let words: Vec<String> = counts
        .iter()
        .map(|(kind, count)| format!("{kind} {count}"))
        .collect();
    join_first(&words, MAX_KINDS)
}
