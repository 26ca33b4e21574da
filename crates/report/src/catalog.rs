//! The library as a list: which controls and frameworks there are, and one control in full.
//!
//! Not a scan's report, but the same pages and the same JSON rules.

use super::{
    Style, json,
    lookup::count,
    page::{Ink, Page},
    text,
};
use kubevet_model::{Control, ControlId, Framework, FrameworkMember, KindSelector};
use serde::Serialize;
use std::{io, sync::Arc};

/// How a list is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ListFormat {
    /// A table for people.
    #[default]
    Pretty,
    /// JSON for programs.
    Json,
}

impl ListFormat {
    /// All of them, the default first.
    pub const ALL: [Self; 2] = [Self::Pretty, Self::Json];

    /// The word after `--format`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pretty => "pretty",
            Self::Json => "json",
        }
    }
}

/// A param of a control with its words, as the library's schema has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Param {
    /// The name, such as `insecureCapabilities`.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The values that hold where nobody sets any.
    pub default: Vec<String>,
}

/// Writes the controls, in the order given: a table, or a `ControlList` with everything known of each.
///
/// # Errors
/// Only where the writer fails.
pub fn write_controls(
    controls: &[Arc<Control>],
    frameworks: &[Arc<Framework>],
    format: ListFormat,
    style: &Style,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    match format {
        ListFormat::Json => {
            let controls = controls
                .iter()
                .map(|it| ControlEntry::of(it, frameworks))
                .collect();
            json::write_document(
                &ControlList {
                    api_version: json::API_VERSION,
                    kind: "ControlList",
                    controls,
                },
                out,
            )
        }
        ListFormat::Pretty => controls_table(controls, frameworks, &mut Page::new(style, out)),
    }
}

/// Writes the frameworks, in the order given: a table, or a `FrameworkList` with their members.
///
/// # Errors
/// Only where the writer fails.
pub fn write_frameworks(
    frameworks: &[Arc<Framework>],
    format: ListFormat,
    style: &Style,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    match format {
        ListFormat::Json => {
            let frameworks = frameworks.iter().map(|it| FrameworkEntry::of(it)).collect();
            let list = FrameworkList {
                api_version: json::API_VERSION,
                kind: "FrameworkList",
                frameworks,
            };
            json::write_document(&list, out)
        }
        ListFormat::Pretty => frameworks_table(frameworks, &mut Page::new(style, out)),
    }
}

/// Writes one control in full; `params` are those that it reads, with their words (JSON without them has the names).
///
/// # Errors
/// Only where the writer fails.
pub fn write_control(
    control: &Control,
    frameworks: &[Arc<Framework>],
    params: &[Param],
    format: ListFormat,
    style: &Style,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    match format {
        ListFormat::Json => {
            let mut entry = ControlEntry::of(control, frameworks);
            if !params.is_empty() {
                entry.params = params.iter().map(ParamEntry::of).collect();
            }
            json::write_document(
                &OneControl {
                    api_version: json::API_VERSION,
                    kind: "Control",
                    control: entry,
                },
                out,
            )
        }
        ListFormat::Pretty => control_page(control, frameworks, params, &mut Page::new(style, out)),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ControlList<'a> {
    api_version: &'static str,
    kind: &'static str,
    controls: Vec<ControlEntry<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OneControl<'a> {
    api_version: &'static str,
    kind: &'static str,
    #[serde(flatten)]
    control: ControlEntry<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ControlEntry<'a> {
    id: &'a str,
    name: &'a str,
    severity: &'static str,
    score: f64,
    category: &'a str,
    description: &'a str,
    remediation: &'a str,
    kinds: Vec<String>,
    scope: Vec<&'static str>,
    params: Vec<ParamEntry<'a>>,
    frameworks: Vec<Membership<'a>>,
}

#[derive(Serialize)]
struct ParamEntry<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    default: Option<&'a [String]>,
}

#[derive(Serialize)]
struct Membership<'a> {
    name: &'a str,
    section: &'a str,
    level: &'a str,
    reason: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FrameworkList<'a> {
    api_version: &'static str,
    kind: &'static str,
    frameworks: Vec<FrameworkEntry<'a>>,
}

#[derive(Serialize)]
struct FrameworkEntry<'a> {
    name: &'a str,
    version: &'a str,
    description: &'a str,
    controls: Vec<MemberEntry<'a>>,
}

#[derive(Serialize)]
struct MemberEntry<'a> {
    id: &'a str,
    section: &'a str,
    level: &'a str,
    reason: &'a str,
}

impl<'a> ControlEntry<'a> {
    fn of(control: &'a Control, frameworks: &'a [Arc<Framework>]) -> Self {
        Self {
            id: control.id.as_str(),
            name: &control.name,
            severity: control.severity.name(),
            score: control.score,
            category: &control.category,
            description: control.description.trim(),
            remediation: control.remediation.trim(),
            kinds: kinds(control),
            scope: control.scope.iter().map(|it| it.name()).collect(),
            params: control
                .params
                .iter()
                .map(|name| ParamEntry {
                    name,
                    description: None,
                    default: None,
                })
                .collect(),
            frameworks: memberships(&control.id, frameworks)
                .map(|(it, member)| Membership {
                    name: &it.name,
                    section: &member.section,
                    level: &member.level,
                    reason: member.reason.trim(),
                })
                .collect(),
        }
    }
}

impl<'a> ParamEntry<'a> {
    fn of(it: &'a Param) -> Self {
        Self {
            name: &it.name,
            description: Some(&it.description),
            default: Some(&it.default),
        }
    }
}

impl<'a> FrameworkEntry<'a> {
    fn of(it: &'a Framework) -> Self {
        let member = |it: &'a FrameworkMember| MemberEntry {
            id: it.control.as_str(),
            section: &it.section,
            level: &it.level,
            reason: it.reason.trim(),
        };
        Self {
            name: &it.name,
            version: &it.version,
            description: it.description.trim(),
            controls: it.members.iter().map(member).collect(),
        }
    }
}

fn memberships<'a>(
    id: &'a ControlId,
    frameworks: &'a [Arc<Framework>],
) -> impl Iterator<Item = (&'a Framework, &'a FrameworkMember)> {
    let of = move |it: &'a Framework| {
        it.members
            .iter()
            .find(|member| member.control == *id)
            .map(|member| (it, member))
    };
    frameworks.iter().filter_map(move |it| of(it.as_ref()))
}

fn kinds(control: &Control) -> Vec<String> {
    let word = |it: &KindSelector| match it {
        KindSelector::Workloads => "workloads".to_owned(),
        KindSelector::Kind(kind) => kind.to_string(),
    };
    control.kinds.iter().map(word).collect()
}

fn controls_table(
    controls: &[Arc<Control>],
    frameworks: &[Arc<Framework>],
    page: &mut Page<'_>,
) -> io::Result<()> {
    let ids = controls
        .iter()
        .map(|it| text::width(it.id.as_str()))
        .max()
        .unwrap_or(0)
        .min(24);
    let names = controls
        .iter()
        .map(|it| text::width(&it.name))
        .max()
        .unwrap_or(0)
        .clamp(4, 48);
    let head = format!(
        "{:ids$}  {:8}  {:names$}  FRAMEWORKS",
        "ID", "SEVERITY", "NAME"
    );
    let head = page.ink(Ink::Faint, &head);
    page.line(&head)?;
    for it in controls {
        let lead = format!(
            "{}  {}  {}  ",
            page.cell(Ink::Plain, it.id.as_str(), ids),
            page.cell(Ink::Severity(it.severity), it.severity.name(), 8),
            page.cell(Ink::Strong, &text::cut(&it.name, names), names)
        );
        let held: Vec<&str> = memberships(&it.id, frameworks)
            .map(|(it, _)| it.name.as_str())
            .collect();
        let room = page.width().saturating_sub(ids + names + 14).max(12);
        let held = page.ink(Ink::Faint, &text::cut(&held.join(", "), room));
        page.line(&format!("{lead}{held}"))?;
    }
    page.gap()?;
    let line = page.ink(
        Ink::Faint,
        &format!(
            "{}; kubevet list control ID shows one in full",
            count(controls.len(), "control")
        ),
    );
    page.line(&line)
}

fn frameworks_table(frameworks: &[Arc<Framework>], page: &mut Page<'_>) -> io::Result<()> {
    let widest = |column: fn(&Framework) -> &str, least: usize| {
        frameworks
            .iter()
            .map(|it| text::width(column(it)))
            .max()
            .unwrap_or(0)
            .clamp(least, 32)
    };
    let (names, versions) = (widest(|it| &it.name, 4), widest(|it| &it.version, 7));
    let head = page.ink(
        Ink::Faint,
        &format!(
            "{:names$}  {:versions$}  CONTROLS  DESCRIPTION",
            "NAME", "VERSION"
        ),
    );
    page.line(&head)?;
    for it in frameworks {
        let lead = format!(
            "{}  {}  {:>8}  ",
            page.cell(Ink::Strong, &text::cut(&it.name, names), names),
            page.cell(Ink::Plain, &text::cut(&it.version, versions), versions),
            it.members.len()
        );
        page.flow(
            &lead,
            names + versions + 14,
            &[(Ink::Faint, &it.description)],
        )?;
    }
    Ok(())
}

fn control_page(
    control: &Control,
    frameworks: &[Arc<Framework>],
    params: &[Param],
    page: &mut Page<'_>,
) -> io::Result<()> {
    let title = format!("{} {}", control.id, control.name);
    page.headline(&title)?;
    let facts = [
        (
            "severity",
            format!("{} (score {})", control.severity, control.score),
        ),
        ("category", control.category.clone()),
        ("looks at", kinds(control).join(", ")),
        (
            "judged in",
            control
                .scope
                .iter()
                .map(|it| it.name())
                .collect::<Vec<_>>()
                .join(", "),
        ),
    ];
    for (label, fact) in facts.iter().filter(|(_, fact)| !fact.is_empty()) {
        let lead = format!("  {}", page.cell(Ink::Faint, label, 11));
        page.flow(&lead, 13, &[(Ink::Plain, fact)])?;
    }
    for (heading, prose) in [
        ("Why", &control.description),
        ("How to mend it", &control.remediation),
    ] {
        page.gap()?;
        page.headline(heading)?;
        page.flow("  ", 2, &[(Ink::Plain, prose)])?;
    }
    write_params(control, params, page)?;
    write_memberships(control, frameworks, page)
}

fn write_params(control: &Control, params: &[Param], page: &mut Page<'_>) -> io::Result<()> {
    if params.is_empty() {
        return Ok(());
    }
    page.gap()?;
    page.headline("Params")?;
    for it in params {
        let default = if it.default.is_empty() {
            "Not set by default.".to_owned()
        } else {
            format!("Default: {}.", it.default.join(", "))
        };
        page.flow(
            "  ",
            4,
            &[
                (Ink::Strong, &it.name),
                (Ink::Plain, &it.description),
                (Ink::Faint, &default),
            ],
        )?;
    }
    if !control.requires_any_param.is_empty() {
        let needed = format!(
            "Judges nothing until one of these is set: {}.",
            control.requires_any_param.join(", ")
        );
        page.flow("  ", 4, &[(Ink::Doubt, &needed)])?;
    }
    Ok(())
}

fn write_memberships(
    control: &Control,
    frameworks: &[Arc<Framework>],
    page: &mut Page<'_>,
) -> io::Result<()> {
    page.gap()?;
    page.headline("Frameworks")?;
    let mut any = false;
    for (it, member) in memberships(&control.id, frameworks) {
        any = true;
        let place = format!("{} {}", member.section, member.level);
        page.flow(
            "  ",
            4,
            &[
                (Ink::Strong, &it.name),
                (Ink::Plain, &place),
                (Ink::Faint, &member.reason),
            ],
        )?;
    }
    if !any {
        page.flow("  ", 2, &[(Ink::Faint, "none")])?;
    }
    Ok(())
}
